// steer/extract/whitened_difference.ipp: the bodies of whitened_difference.hpp.
#pragma once

#include <cmath>
#include <Eigen/Cholesky>
#include <Eigen/Core>

#include "steer/core/error.hpp"
#include "steer/core/matrix.hpp"
#include "steer/core/real.hpp"
#include "steer/extract/samples.hpp"
#include "steer/extract/whitened_difference.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

STEER_BODY void require_shrinkage(const whitened_options& options) {
  if (!(options.shrinkage >= 0.0 && options.shrinkage <= 1.0)) {
    throw argument_error(
        text({"whitened_difference: shrinkage is ", actual(options.shrinkage), "; expected ", expected("0 to 1")}));
  }
}

STEER_BODY Eigen::VectorXd whitened(const two_sides& both, const Eigen::VectorXd& difference,
                                    whitened_options options) {
  const char* const who = "whitened_difference";
  require_difference(both, difference, who);
  const Eigen::Index n = both.positive.rows();
  const Eigen::Index m = both.negative.rows();
  const Eigen::Index d = both.width();
  const Eigen::VectorX<Real>& between = difference;
  const matrix<Real>& positive = both.positive;
  const matrix<Real>& negative = both.negative;
  const Eigen::RowVectorX<Real> plus = column_means(both.positive);
  const Eigen::RowVectorX<Real> minus = column_means(both.negative);
  matrix<Real> within(n + m, d);  // S = withinᵀ within
  within << positive.rowwise() - plus, negative.rowwise() - minus;
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
  // (kept factor factorᵀ + ridge I)⁻¹ right
  const auto solve = [&](const auto& factor, const Eigen::VectorX<Real>& right) {
    Eigen::MatrixX<Real> system = Eigen::MatrixX<Real>::Zero(factor.rows(), factor.rows());
    system.template selfadjointView<Eigen::Lower>().rankUpdate(factor, kept);
    system.diagonal().array() += ridge;
    const Eigen::LLT<Eigen::Ref<Eigen::MatrixX<Real>>> factored(system);  // in place; it reads the lower half
    if (factored.info() != Eigen::Success || !(factored.rcond() > 1e-14)) {
      throw numeric_error(text({who, ": the covariance is ", actual("singular"), "; expected ",
                                expected("a shrinkage above 0, or no column that is constant or a sum of others")}));
    }
    return Eigen::VectorX<Real>(factored.solve(right));
  };
  if (!by_samples) {
    return solve(within.transpose(), between);
  }
  // (a I + c AᵀA)⁻¹ δ = (δ - c Aᵀ (a I + c A Aᵀ)⁻¹ A δ) / a
  const Eigen::VectorX<Real> inner = solve(within, within * between);
  return (between - kept * (within.transpose() * inner)) / ridge;
}

}  // namespace detail

STEER_BODY Eigen::VectorXd whitened_difference(const sample_rows& positive, const sample_rows& negative,
                                               whitened_options options) {
  detail::require_shrinkage(options);
  const detail::two_sides both = detail::sides(positive, negative, 2, "whitened_difference");
  return detail::whitened(both, both.difference(), options);
}

}  // namespace v0
}  // namespace steer
