// steer/vector/frame.hpp: several directions at one site, to be moved along jointly.
#pragma once

#include <string>
#include <vector>
#include <Eigen/Core>

#include "steer/core/linkage.hpp"
#include "steer/core/matrix.hpp"
#include "steer/vector/direction.hpp"

namespace steer {
inline namespace v0 {

struct frame_options {
  /// Added to the diagonal of the Gram matrix, relative to unit directions. Above 0, nearly parallel directions are
  /// accepted, and a joint dose stays short of its targets instead of growing without bound.
  double ridge = 0.0;

  bool operator==(const frame_options&) const = default;
};

/// k unit directions V [k, d] with their Gram matrix G = V Vᵀ.
///
/// The dual rows G⁻¹V move one coordinate and hold the others still: h + Vᵀ G⁻¹ t moves the coordinates V h by exactly t,
/// with the least norm of all moves that do.
class frame {
 public:
  /// The largest condition number of G that is accepted without a ridge.
  static constexpr double most_condition = 1e6;

  /// @param who  names the directions in messages
  /// @throws shape_error if there are none or widths differ; numeric_error if a direction is zero or not finite, two are
  ///         parallel, or G has a condition number above `most_condition`
  /// @cost   O(k² d + k³)
  STEER_API frame(const std::vector<const direction*>& directions, const std::string& who, frame_options options = {});

  [[nodiscard]] const matrix<double>& directions() const noexcept { return directions_; }      ///< V [k, d], unit rows
  [[nodiscard]] const Eigen::MatrixXd& gram() const noexcept { return gram_; }                ///< G [k, k]
  [[nodiscard]] const Eigen::MatrixXd& inverse() const noexcept { return inverse_; }  ///< (G + ridge)⁻¹ [k, k]
  [[nodiscard]] double condition() const noexcept { return condition_; }                      ///< of G + ridge
  [[nodiscard]] Eigen::Index size() const noexcept { return directions_.rows(); }             ///< k

 private:
  STEER_API [[noreturn]] void refuse(const std::string& who) const;

  matrix<double> directions_;
  Eigen::MatrixXd gram_;
  Eigen::MatrixXd inverse_;
  double condition_ = 1.0;
};

}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/vector/frame.ipp"
#endif
