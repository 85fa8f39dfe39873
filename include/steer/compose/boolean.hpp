// steer/compose/boolean.hpp: NOT, AND, OR and aperture of conceptors.
#pragma once

#include <Eigen/Cholesky>
#include <Eigen/Core>
#include <Eigen/Eigenvalues>
#include <cmath>
#include <concepts>

#include "steer/core/error.hpp"
#include "steer/vector/conceptor.hpp"
#include "steer/vector/decomposition.hpp"

namespace steer {
inline namespace v0 {

namespace detail {

template <std::same_as<conceptor> Conceptor>
void require_same_width(const Conceptor& a, const Conceptor& b, const char* who) {
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
struct inverse_and_null {
  Eigen::MatrixXd inverse;
  Eigen::MatrixXd null;
};

template <std::same_as<double> Scalar>
inverse_and_null invert(const Eigen::Matrix<Scalar, Eigen::Dynamic, Eigen::Dynamic>& symmetric, const char* who) {
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solved(symmetric);
  require_solved(solved.info(), who);
  const Eigen::ArrayXd values = solved.eigenvalues().array();
  const Eigen::MatrixXd& q = solved.eigenvectors();
  const Eigen::ArrayXd inverse = (values > as_good_as_zero).select(1.0 / values.max(as_good_as_zero), 0.0);
  const Eigen::ArrayXd null = (values > as_good_as_zero).select(Eigen::ArrayXd::Zero(values.size()), 1.0);
  return {q * inverse.matrix().asDiagonal() * q.transpose(), q * null.matrix().asDiagonal() * q.transpose()};
}

}  // namespace detail

/// I - C: what the samples leave free.
/// @throws as `check`
/// @source Jaeger 2014, arXiv:1403.3369, for this and the following
/// @cost   O(d³), as `check`
template <std::same_as<conceptor> Conceptor = conceptor>
conceptor negation(const Conceptor& c) {
  check(c, "negation");
  conceptor out{-c.matrix};
  out.matrix.diagonal().array() += 1.0;
  return out;
}

/// What both keep: (A⁻¹ + B⁻¹ - I)⁻¹, for singular ones on the intersection of their ranges.
///
/// @throws as `check`, shape_error if the widths differ
/// @cost   O(d³), four eigendecompositions
template <std::same_as<conceptor> Conceptor>
conceptor conjunction(const Conceptor& a, const Conceptor& b) {
  detail::require_same_width(a, b, "conjunction");
  const Eigen::Index d = a.matrix.rows();
  const detail::inverse_and_null left = detail::invert(a.matrix, "conjunction");
  const detail::inverse_and_null right = detail::invert(b.matrix, "conjunction");
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> outside(left.null + right.null);
  detail::require_solved(outside.info(), "conjunction");
  constexpr double angle = 1e-10;  // null spaces that meet at less: 1 - cosine is its square
  const auto k = static_cast<Eigen::Index>((outside.eigenvalues().array() < angle).count());
  const Eigen::MatrixXd basis = outside.eigenvectors().leftCols(k);  // of the intersection
  if (k == 0) {
    return {Eigen::MatrixXd::Zero(d, d)};
  }
  Eigen::MatrixXd inner = basis.transpose() * (left.inverse + right.inverse) * basis;
  inner.diagonal().array() -= 1.0;
  const Eigen::LLT<Eigen::MatrixXd> factored(0.5 * (inner + inner.transpose()));
  detail::require_solved(factored.info(), "conjunction");
  const Eigen::MatrixXd out = basis * factored.solve(Eigen::MatrixXd(basis.transpose()));
  return {0.5 * (out + out.transpose())};
}

/// What either keeps, by de Morgan: of two sets of samples, the conceptor of both together. OR(C, C) is not C.
/// @throws as `conjunction`
/// @cost   as `conjunction`
template <std::same_as<conceptor> Conceptor>
conceptor disjunction(const Conceptor& a, const Conceptor& b) {
  detail::require_same_width(a, b, "disjunction");
  return negation(conjunction(negation(a), negation(b)));
}

/// C (C + γ⁻² (I - C))⁻¹: the conceptor of the same samples with γ times the aperture. Above 1 it keeps more.
///
/// @throws as `check`; argument_error if γ is not above 0, or not finite
/// @cost   O(d³)
template <std::same_as<conceptor> Conceptor>
conceptor with_aperture(const Conceptor& c, double gamma) {
  check(c, "with_aperture");
  const double square = gamma * gamma;
  if (!(gamma > 0.0 && square > 0.0 && std::isfinite(square))) {
    throw argument_error(detail::text({"with_aperture: gamma is ", detail::actual(gamma), "; expected ",
                                       detail::expected("a finite number above 0"), ", and its square too"}));
  }
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solved(c.matrix);
  detail::require_solved(solved.info(), "with_aperture");
  const Eigen::ArrayXd s = solved.eigenvalues().array().max(0.0).min(1.0);
  const Eigen::ArrayXd changed = s / (s + (1.0 - s) / square);
  const Eigen::MatrixXd& q = solved.eigenvectors();
  return {q * changed.matrix().asDiagonal() * q.transpose()};
}

}  // namespace v0
}  // namespace steer
