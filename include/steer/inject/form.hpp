// steer/inject/form.hpp: what an edit is at one site, its units resolved to numbers.
#pragma once

#include <cstdint>
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

/// Decides z [m] and returns s, from the numbers of a form and what was read of a row.
using decide_call = double (*)(const double* numbers, const row_reading& row, double* z) noexcept;

/// An edit in k dimensions: h' = s h + Wᵀ z, where (s, z) is decided from c = R h and |h|.
///
/// The policy is affine, z = linear c + shift and s = 1, unless the form brings a `decide`, which receives its `numbers`. Policies
/// compute in double whatever the rows consist of: k numbers cost nothing, and nearly parallel directions need the digits.
/// @shape read R [k, d]; write W [m, d]; linear [m, k]; shift [m]
struct low_rank_form {
  matrix<double> read = {};
  matrix<double> write = {};
  Eigen::MatrixXd linear = {};
  Eigen::VectorXd shift = {};
  decide_call decide = nullptr;  ///< null: affine
  std::vector<double> numbers = {};
  enum class norm : std::uint8_t { ignored, current, entry } asks_for = norm::ignored;
  bool only_reads = false;  ///< for telemetry or a gate that latches; nothing is written

  /// An affine policy.
  STEER_API static low_rank_form affine(matrix<double> read, matrix<double> write, Eigen::MatrixXd linear, Eigen::VectorXd shift);
  /// Adds the same row to every row.
  STEER_API static low_rank_form addition(const Eigen::VectorXd& dose);

  STEER_API [[nodiscard]] bool does_nothing() const;
};

/// h' = scale ∘ h + shift
/// @shape scale, shift [d]
struct diagonal_form {
  Eigen::VectorXd scale = {};
  Eigen::VectorXd shift = {};

  STEER_API [[nodiscard]] bool does_nothing() const;
};

/// h' = linear h + shift
/// @shape linear [d, d]; shift [d]
struct dense_form {
  matrix<double> linear = {};
  Eigen::VectorXd shift = {};

  STEER_API [[nodiscard]] bool does_nothing() const;
};

using form = std::variant<low_rank_form, diagonal_form, dense_form>;

namespace detail {

STEER_API bool does_nothing(const form& any);
/// The numbers of the rows that a form is for.
STEER_API Eigen::Index width_of(const form& any);

}  // namespace detail

}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/inject/form.ipp"
#endif
