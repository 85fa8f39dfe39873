// steer/vector/frame.hpp: several directions at one site, to be moved along jointly.
#pragma once

#include <Eigen/Core>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "steer/core/error.hpp"
#include "steer/core/matrix.hpp"
#include "steer/vector/direction.hpp"
#include "steer/vector/small_matrix.hpp"

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
  frame(const std::vector<const direction*>& directions, const std::string& who, frame_options options = {}) {
    if (directions.empty()) {
      throw shape_error(detail::text({detail::thing(who), ": a frame of ", detail::actual("no directions"),
                                      "; expected ", detail::expected("at least one")}));
    }
    if (!(options.ridge >= 0.0 && std::isfinite(options.ridge))) {
      throw numeric_error(detail::text({detail::thing(who), ": ridge is ", detail::actual(options.ridge), "; expected ",
                                        detail::expected("a finite number, not negative")}));
    }
    const auto k = static_cast<Eigen::Index>(directions.size());
    directions_.resize(k, directions.front()->values.size());
    for (Eigen::Index i = 0; i < k; ++i) {
      const direction& v = *directions[static_cast<std::size_t>(i)];
      check(v, detail::text({who, ", direction ", i}));
      if (v.values.size() != directions_.cols()) {
        throw shape_error(
            detail::text({detail::thing({who, ", direction ", i}), ": has width ", detail::actual(v.values.size()),
                          "; direction 0 has ", detail::expected(directions_.cols())}));
      }
      directions_.row(i) = unit(v).transpose();
    }
    gram_ = directions_.lazyProduct(directions_.transpose());
    Eigen::MatrixXd regular = gram_;
    regular.diagonal().array() += options.ridge;
    const auto [least, most] = detail::extreme_eigenvalues(regular);
    condition_ = least > 0.0 ? most / least : std::numeric_limits<double>::infinity();
    if (!(condition_ <= most_condition)) {
      refuse(who);
    }
    inverse_ = detail::inverse_of(regular);
    inverse_ = 0.5 * (inverse_ + inverse_.transpose()).eval();
  }

  [[nodiscard]] const matrix<double>& directions() const noexcept { return directions_; }      ///< V [k, d], unit rows
  [[nodiscard]] const Eigen::MatrixXd& gram() const noexcept { return gram_; }                ///< G [k, k]
  [[nodiscard]] const Eigen::MatrixXd& inverse() const noexcept { return inverse_; }  ///< (G + ridge)⁻¹ [k, k]
  [[nodiscard]] double condition() const noexcept { return condition_; }                      ///< of G + ridge
  [[nodiscard]] Eigen::Index size() const noexcept { return directions_.rows(); }             ///< k

 private:
  [[noreturn]] void refuse(const std::string& who) const {
    Eigen::Index a = 0;
    Eigen::Index b = 0;
    for (Eigen::Index i = 0; i < size(); ++i) {
      for (Eigen::Index j = i + 1; j < size(); ++j) {
        if (a == b || std::abs(gram_(i, j)) > std::abs(gram_(a, b))) {
          a = i;
          b = j;
        }
      }
    }
    throw numeric_error(detail::text(
        {detail::thing(who), ": the directions are nearly dependent: their Gram matrix has condition number ",
         detail::actual(condition_), ", ", detail::expected({"at most ", most_condition}), " is accepted; directions ",
         a, " and ", b, " have cosine ", gram_(a, b), "; leave one out or state a ridge"}));
  }

  matrix<double> directions_;
  Eigen::MatrixXd gram_;
  Eigen::MatrixXd inverse_;
  double condition_ = 1.0;
};

}  // namespace v0
}  // namespace steer
