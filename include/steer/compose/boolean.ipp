// steer/compose/boolean.ipp: the bodies of boolean.hpp.
#pragma once

#include <cmath>
#include <utility>
#include <Eigen/Cholesky>
#include <Eigen/Core>
#include <Eigen/Eigenvalues>

#include "steer/compose/boolean.hpp"
#include "steer/core/error.hpp"
#include "steer/core/real.hpp"
#include "steer/vector/conceptor.hpp"
#include "steer/vector/decomposition.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

/// A template, as all that calls what decomposes.
template <class Scalar>
void require_same_width(const conceptor& a, const conceptor& b, const char* who) {
  check(a, text({who, ", first"}));
  check(b, text({who, ", second"}));
  if (a.matrix.rows() != b.matrix.rows()) {
    throw shape_error(text({who, ": the conceptors have widths ", expected(a.matrix.rows()), " and ",
                            actual(b.matrix.rows()), "; expected the same"}));
  }
}

/// Eigenvalues of a conceptor up to this are 0, from 1 minus this are 1: they come out of sums of d rounded products.
inline constexpr double as_good_as_zero = 1e-12;

/// The pseudo-inverse of a symmetric matrix, and the projector on its null space.
template <class Scalar>
struct inverse_and_null {
  Eigen::MatrixX<Scalar> inverse;
  Eigen::MatrixX<Scalar> null;
};

template <class Scalar>
inverse_and_null<Scalar> invert(const Eigen::MatrixX<Scalar>& symmetric, const char* who) {
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixX<Scalar>> solved(symmetric);
  require_solved(solved.info(), who);
  const Eigen::ArrayX<Scalar> values = solved.eigenvalues().array();
  const Eigen::MatrixX<Scalar>& q = solved.eigenvectors();
  const Eigen::ArrayX<Scalar> inverse = (values > as_good_as_zero).select(1.0 / values.max(as_good_as_zero), 0.0);
  const Eigen::ArrayX<Scalar> null = (values > as_good_as_zero).select(Eigen::ArrayX<Scalar>::Zero(values.size()), 1.0);
  return {q * inverse.matrix().asDiagonal() * q.transpose(), q * null.matrix().asDiagonal() * q.transpose()};
}

}  // namespace detail

STEER_BODY conceptor negation(const conceptor& c) {
  check(c, "negation");
  const Eigen::MatrixX<Real>& kept = c.matrix;
  Eigen::MatrixX<Real> out = -kept;
  out.diagonal().array() += 1.0;
  return {std::move(out)};
}

STEER_BODY conceptor conjunction(const conceptor& a, const conceptor& b) {
  detail::require_same_width<Real>(a, b, "conjunction");
  const Eigen::Index d = a.matrix.rows();
  const Eigen::MatrixX<Real>& first = a.matrix;
  const Eigen::MatrixX<Real>& second = b.matrix;
  const detail::inverse_and_null<Real> left = detail::invert(first, "conjunction");
  const detail::inverse_and_null<Real> right = detail::invert(second, "conjunction");
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixX<Real>> outside(left.null + right.null);
  detail::require_solved(outside.info(), "conjunction");
  constexpr double angle = 1e-10;  // null spaces that meet at less: 1 - cosine is its square
  const auto k = static_cast<Eigen::Index>((outside.eigenvalues().array() < angle).count());
  const Eigen::MatrixX<Real> basis = outside.eigenvectors().leftCols(k);  // of the intersection
  if (k == 0) {
    return {Eigen::MatrixX<Real>(Eigen::MatrixX<Real>::Zero(d, d))};
  }
  Eigen::MatrixX<Real> inner = basis.transpose() * (left.inverse + right.inverse) * basis;
  inner.diagonal().array() -= 1.0;
  const Eigen::LLT<Eigen::MatrixX<Real>> factored(0.5 * (inner + inner.transpose()));
  detail::require_solved(factored.info(), "conjunction");
  const Eigen::MatrixX<Real> out = basis * factored.solve(Eigen::MatrixX<Real>(basis.transpose()));
  return {0.5 * (out + out.transpose())};
}

STEER_BODY conceptor disjunction(const conceptor& a, const conceptor& b) {
  detail::require_same_width<Real>(a, b, "disjunction");
  return negation(conjunction(negation(a), negation(b)));
}

STEER_BODY conceptor with_aperture(const conceptor& c, double gamma) {
  check(c, "with_aperture");
  const double square = gamma * gamma;
  if (!(gamma > 0.0 && square > 0.0 && std::isfinite(square))) {
    throw argument_error(text({"with_aperture: gamma is ", actual(gamma), "; expected ",
                               expected("a finite number above 0"), ", and its square too"}));
  }
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixX<Real>> solved(c.matrix);
  detail::require_solved(solved.info(), "with_aperture");
  const Eigen::ArrayX<Real> s = solved.eigenvalues().array().max(0.0).min(1.0);
  const Eigen::ArrayX<Real> changed = s / (s + (1.0 - s) / square);
  const Eigen::MatrixX<Real>& q = solved.eigenvectors();
  return {q * changed.matrix().asDiagonal() * q.transpose()};
}

}  // namespace v0
}  // namespace steer
