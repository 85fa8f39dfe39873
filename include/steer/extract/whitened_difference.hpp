// steer/extract/whitened_difference.hpp: the mean difference, seen through the covariance within the sides.
#pragma once

#include <cmath>
#include <concepts>
#include <cstdint>
#include <Eigen/Cholesky>
#include <Eigen/Core>

#include "steer/core/error.hpp"
#include "steer/core/linkage.hpp"
#include "steer/core/matrix.hpp"
#include "steer/extract/samples.hpp"

namespace steer {
inline namespace v0 {

/// In which of two equal ways a covariance is inverted.
enum class solve_by : std::uint8_t {
  width,    ///< a system of d equations
  samples,  ///< a system of n + m equations; needs a shrinkage above 0
  fewer,    ///< the smaller of the two that can be solved
};

struct whitened_options {
  /// λ in S_λ = (1 - λ) S + λ (tr S / d) I, 0 to 1. At 0 nothing is shrunk, which needs more samples than dimensions;
  /// at 1 the mean difference is left.
  double shrinkage = 0.1;
  steer::solve_by solve_by = solve_by::fewer;
};

namespace detail {

STEER_API void require_shrinkage(const whitened_options& options);

/// `whitened_difference` of sides that are in double already, and `difference` that of their means.
template <std::same_as<two_sides> Sides>
Eigen::VectorXd whitened(const Sides& both, const Eigen::VectorXd& difference, whitened_options options) {
  const char* const who = "whitened_difference";
  require_difference(both, difference, who);
  const Eigen::Index n = both.positive.rows();
  const Eigen::Index m = both.negative.rows();
  const Eigen::Index d = both.width();
  matrix<double> within(n + m, d);  // S = withinᵀ within
  within << both.positive.rowwise() - column_means(both.positive),
      both.negative.rowwise() - column_means(both.negative);
  within /= std::sqrt(static_cast<double>(n + m - 2));
  const double total = within.squaredNorm();
  const double ridge = options.shrinkage * total / static_cast<double>(d);
  const double kept = 1.0 - options.shrinkage;
  if (!std::isfinite(total)) {
    throw numeric_error(text({who, ": the squares of the samples ", actual("overflow"), "; expected ",
                              expected("numbers up to about 1e150")}));
  }
  if (!(total > 0.0)) {
    throw numeric_error(text({who, ": the samples of each side are ", actual("all the same"), "; the method needs ",
                              expected("their variance")}));
  }
  if (ridge == 0.0 && n + m - 2 < d) {
    throw numeric_error(
        text({who, ": ", n + m, " samples leave ", actual(n + m - 2), " degrees of freedom for width ", d,
              ", so their covariance has no inverse; expected ", expected("more samples or a shrinkage above 0")}));
  }
  const bool by_samples =
      options.solve_by == solve_by::samples || (options.solve_by == solve_by::fewer && n + m < d && ridge > 0.0);
  if (by_samples && ridge == 0.0) {
    throw argument_error(text(
        {who, ": solve_by::samples needs ", expected("a shrinkage above 0"), "; it is ", actual(options.shrinkage)}));
  }
  const auto solve = [&](const auto& factor, const Eigen::VectorXd& right) {  // (kept factor factorᵀ + ridge I)⁻¹ right
    Eigen::MatrixXd system = Eigen::MatrixXd::Zero(factor.rows(), factor.rows());
    system.template selfadjointView<Eigen::Lower>().rankUpdate(factor, kept);
    system.diagonal().array() += ridge;
    const Eigen::LLT<Eigen::Ref<Eigen::MatrixXd>> factored(system);  // in place; it reads the lower half
    if (factored.info() != Eigen::Success || !(factored.rcond() > 1e-14)) {
      throw numeric_error(text({who, ": the covariance is ", actual("singular"), "; expected ",
                                expected("a shrinkage above 0, or no column that is constant or a sum of others")}));
    }
    return Eigen::VectorXd(factored.solve(right));
  };
  if (!by_samples) {
    return solve(within.transpose(), difference);
  }
  // (a I + c AᵀA)⁻¹ δ = (δ - c Aᵀ (a I + c A Aᵀ)⁻¹ A δ) / a
  const Eigen::VectorXd inner = solve(within, within * difference);
  return (difference - kept * (within.transpose() * inner)) / ridge;
}

}  // namespace detail

/// w = S_λ⁻¹ (mean(positive) - mean(negative)), S the pooled covariance within the sides, unbiased.
///
/// The direction that *reads* the concept best where both sides are normal with one covariance. To *write* it, the
/// plain difference is the candidate: `recipe.erase(read, write)` takes both.
///
/// @shape  positive [n, d], negative [m, d]; returns [d]
/// @throws shape_error if the widths differ; argument_error for a shrinkage outside 0 to 1; numeric_error for fewer
///         than 2 samples on a side, NaN, equal means, sides without variance, or a singular S
/// @cost   O((n + m) d² + d³), or O((n + m)² d + (n + m)³)
/// @source Fisher's discriminant; mass-mean probing of Marks & Tegmark 2023, arXiv:2310.06824; deviation: shrinkage
///         towards the mean variance, and the dual form by the Sherman-Morrison-Woodbury identity
template <class Positive, class Negative>
Eigen::VectorXd whitened_difference(const Eigen::MatrixBase<Positive>& positive,
                                    const Eigen::MatrixBase<Negative>& negative, whitened_options options = {}) {
  detail::require_shrinkage(options);
  const detail::two_sides both = detail::sides(positive, negative, 2, "whitened_difference");
  return detail::whitened(both, both.difference(), options);
}

}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/extract/whitened_difference.ipp"
#endif
