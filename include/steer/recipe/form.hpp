// steer/recipe/form.hpp: what an edit is at one site, its units resolved to numbers.
#pragma once

#include <cstdint>
#include <utility>
#include <variant>
#include <vector>
#include <Eigen/Core>

#include "steer/core/linkage.hpp"
#include "steer/core/matrix.hpp"

namespace steer {
inline namespace v0 {

/// A row as a policy sees it, at the moment at which its edit acts.
struct row_reading {
  const double* c;    ///< the coordinates R h [k]
  double norm;        ///< |h|; valid only if the form asks for it
  double entry_norm;  ///< |h| on entry to the plan at that site; valid only if the form asks for it
};

/// An edit in k dimensions: h' = s h + Wᵀ z, where (s, z) is decided from c = R h and |h|.
///
/// Either the policy is affine, z = linear c + shift and s = 1, or `numbers` are what the edit's own `decide` receives. Policies
/// compute in double whatever the rows consist of: k numbers cost nothing, and nearly parallel directions need the digits.
/// @shape read R [k, d]; write W [m, d]; linear [m, k]; shift [m]
struct low_rank_form {
  matrix<double> read = {};
  matrix<double> write = {};
  Eigen::MatrixXd linear = {};
  Eigen::VectorXd shift = {};
  std::vector<double> numbers = {};
  enum class policy : std::uint8_t { affine, own, none } decided_by = policy::affine;  ///< `none` writes nothing
  enum class norm : std::uint8_t { ignored, current, entry } asks_for = norm::ignored;

  /// An affine policy.
  static low_rank_form affine(matrix<double> read, matrix<double> write, Eigen::MatrixXd linear,
                              Eigen::VectorXd shift) {
    return {std::move(read), std::move(write), std::move(linear), std::move(shift)};
  }
  /// Adds the same row to every row.
  STEER_API static low_rank_form addition(const Eigen::VectorXd& dose);

  STEER_API [[nodiscard]] bool does_nothing() const;
};

/// h' = scale ∘ h + shift
/// @shape scale, shift [d]
struct diagonal_form {
  Eigen::VectorXd scale = {};
  Eigen::VectorXd shift = {};

  [[nodiscard]] bool does_nothing() const { return (scale.array() == 1.0).all() && shift.isZero(0.0); }
};

/// h' = linear h + shift
/// @shape linear [d, d]; shift [d]
struct dense_form {
  matrix<double> linear = {};
  Eigen::VectorXd shift = {};

  [[nodiscard]] bool does_nothing() const {
    return linear == matrix<double>::Identity(linear.rows(), linear.cols()) && shift.isZero(0.0);
  }
};

using form = std::variant<low_rank_form, diagonal_form, dense_form>;

}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/recipe/form.ipp"
#endif
