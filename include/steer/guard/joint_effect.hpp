// steer/guard/joint_effect.hpp: what several edits write together at worst, whatever gates and schedules leave out.
#pragma once

#include <cstddef>
#include <map>
#include <vector>
#include <Eigen/Core>

#include "steer/core/linkage.hpp"
#include "steer/core/matrix.hpp"
#include "steer/guard/effects.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

/// Of numbers that were floats once.
inline constexpr double rounding_of_shares = 1e-6;

/// Beyond a limit, and not by rounding.
constexpr bool is_beyond(double number, double limit) noexcept { return !(number <= limit + rounding_of_shares); }

/// Several effects in one space. They must outlive it.
class joint_effect {
 public:
  STEER_API void take(const effect& e);

  /// The longest addition to a row of mean norm: exact for up to ten parts of which each may be missing, else by their lengths' sum.
  /// @cost O(2^n D) for n such parts
  STEER_API [[nodiscard]] double longest() const;

  /// The largest share of the sum that may lie in a subspace: of what is always there with anything that the span of the others holds.
  /// @shape basis [k, D], orthonormal
  STEER_API [[nodiscard]] double largest_share(const matrix<double>& basis) const;

  /// How much may lie inside: an upper bound, by lengths.
  STEER_API [[nodiscard]] double most_inside(const matrix<double>& basis) const;

  /// The share of the sum of every constant, all gates open; 0 where the constants cancel but for rounding.
  STEER_API [[nodiscard]] double open_share(const matrix<double>& basis) const;

 private:
  /// The constants that may be there or not.
  STEER_API [[nodiscard]] std::vector<const Eigen::VectorXd*> optional_parts() const;
  /// What every row receives; null if that is nothing.
  [[nodiscard]] const Eigen::VectorXd* always() const {
    const auto found = sums_.find(0);
    return found == sums_.end() ? nullptr : &found->second;
  }

  std::map<std::ptrdiff_t, Eigen::VectorXd> sums_;  // by `effect::rows`, 0 and above
  std::vector<const effect*> single_;               // of rows that gates choose
  std::vector<const effect*> varying_;              // not constant
};

}  // namespace detail
}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/guard/joint_effect.ipp"
#endif
