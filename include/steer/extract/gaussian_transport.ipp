// steer/extract/gaussian_transport.ipp: the bodies of gaussian_transport.hpp.
#pragma once

#include <cmath>
#include <Eigen/Cholesky>
#include <Eigen/Core>
#include <Eigen/Eigenvalues>

#include "steer/core/error.hpp"
#include "steer/core/real.hpp"
#include "steer/extract/gaussian_transport.hpp"
#include "steer/extract/moments.hpp"
#include "steer/vector/affine_map.hpp"
#include "steer/vector/decomposition.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

STEER_BODY Eigen::MatrixXd transport_between(const Eigen::MatrixXd& s1, const Eigen::MatrixXd& s2, const char* who) {
  const Eigen::MatrixX<Real>& source = s1;
  const Eigen::MatrixX<Real>& target = s2;
  const Eigen::LLT<Eigen::MatrixX<Real>> first(source);
  const double condition = first.info() == Eigen::Success ? first.rcond() : 0.0;
  if (!(condition > 1e-14)) {
    throw numeric_error(
        text({who, ": the source's covariance is singular (its reciprocal condition number is ", actual(condition),
              "); expected ", expected("more samples than dimensions and none constant, or a ridge above 0")}));
  }
  const auto lower = first.matrixL();
  const Eigen::MatrixX<Real> right = target * Eigen::MatrixX<Real>(lower);
  const Eigen::MatrixX<Real> middle = Eigen::MatrixX<Real>(lower).transpose() * right;
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixX<Real>> solved(0.5 * (middle + middle.transpose()));
  require_solved(solved.info(), who);
  const Eigen::VectorX<Real> root = solved.eigenvalues().cwiseMax(0.0).cwiseSqrt().cwiseSqrt();
  const Eigen::MatrixX<Real> half = first.matrixU().solve(solved.eigenvectors() * root.asDiagonal());  // L^-ᵀ Q Λ^¼
  const Eigen::MatrixX<Real> out = half * half.transpose();
  return 0.5 * (out + out.transpose());
}

}  // namespace detail

STEER_BODY dense_map gaussian_transport(const moments& from, const moments& to, gaussian_transport_options options) {
  const char* const who = "gaussian_transport";
  if (from.width() != to.width()) {
    throw shape_error(text({who, ": source has width ", expected(from.width()), ", target has width ",
                            actual(to.width()), "; expected the same"}));
  }
  if (!(options.ridge >= 0.0 && std::isfinite(options.ridge))) {
    throw argument_error(
        text({who, ": ridge is ", actual(options.ridge), "; expected ", expected("a finite number, not negative")}));
  }
  const auto regular = [&](const moments& seen) {
    Eigen::MatrixX<Real> out = seen.covariance();
    out.diagonal().array() += options.ridge * out.trace() / static_cast<double>(out.rows());
    return out;
  };
  const Eigen::MatrixX<Real> t = detail::transport_between(regular(from), regular(to), who);
  const Eigen::VectorX<Real>& before = from.mean();
  const Eigen::VectorX<Real>& after = to.mean();
  const Eigen::VectorX<Real> shift = after - t * before;
  dense_map out{t.template cast<float>(), shift.template cast<float>()};
  check(affine_map(out), who);
  return out;
}

}  // namespace v0
}  // namespace steer
