// steer/extract/principal_axes.ipp: the bodies of principal_axes.hpp.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <Eigen/Core>
#include <Eigen/Eigenvalues>

#include "steer/core/error.hpp"
#include "steer/core/matrix.hpp"
#include "steer/core/real.hpp"
#include "steer/extract/principal_axes.hpp"
#include "steer/vector/decomposition.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

/// Takes off v what lies along orthonormal columns; twice, for the first time leaves rounding of what it takes.
template <class Scalar, class Columns>
void make_orthogonal(Eigen::VectorX<Scalar>& v, const Columns& columns) {
  for (int repeat = 0; repeat < 2; ++repeat) {
    v -= columns * (columns.transpose() * v).eval();
  }
}

/// The eigenvector of the largest eigenvalue of a tridiagonal matrix, by inverse iteration.
///
/// With a shift just above that eigenvalue the system is positive definite, so elimination needs no pivots. The start
/// has the signs that make all off-diagonals positive, and so has the eigenvector: it is in the start. Where rounding has
/// put the shift below the eigenvalue and elimination breaks down, the residual shows it.
/// @shape  diagonal [m], below [m - 1]; returns [m], norm 1, or nothing if the residual is above rounding
/// @cost   O(m)
/// @source Golub & Van Loan, Matrix Computations, 4th edition, 8.4; the signs by Perron and Frobenius
template <class Scalar>
Eigen::VectorX<Scalar> largest_of_tridiagonal(const Eigen::VectorX<Scalar>& diagonal,
                                              const Eigen::VectorX<Scalar>& below, Scalar largest) {
  constexpr double rounding = 1e-15;
  const Eigen::Index m = diagonal.size();
  const double shift = largest * (1.0 + 4.0 * rounding);
  Eigen::VectorX<Scalar> pivot(m);
  Eigen::VectorX<Scalar> v(m);
  pivot[0] = std::max(shift - diagonal[0], rounding * largest);
  v[0] = 1.0;
  for (Eigen::Index i = 1; i < m; ++i) {
    pivot[i] = std::max(shift - diagonal[i] - below[i - 1] * below[i - 1] / pivot[i - 1], rounding * largest);
    v[i] = below[i - 1] < 0.0 ? -v[i - 1] : v[i - 1];
  }
  for (int repeat = 0; repeat < 4; ++repeat) {
    for (Eigen::Index i = 1; i < m; ++i) {
      v[i] += below[i - 1] / pivot[i - 1] * v[i - 1];
    }
    v[m - 1] /= pivot[m - 1];
    for (Eigen::Index i = m - 2; i >= 0; --i) {
      v[i] = (v[i] + below[i] * v[i + 1]) / pivot[i];
    }
    v /= v.cwiseAbs().maxCoeff();
  }
  v.normalize();
  Eigen::VectorX<Scalar> residual = (diagonal.array() - largest).matrix().cwiseProduct(v);
  residual.head(m - 1) += below.cwiseProduct(v.tail(m - 1));
  residual.tail(m - 1) += below.cwiseProduct(v.head(m - 1));
  constexpr double exact = 1e-12;
  return residual.norm() <= exact * largest ? v : Eigen::VectorX<Scalar>();  // NaN is not below
}

/// The first right singular vector by Lanczos' method, if it shows within `most` steps: where one dimension stands out,
/// a few products with the samples find it, at less than the Gram matrix alone costs.
///
/// Each new vector is made orthogonal to all before. The start is noise that looks at no sample, so that only an accident
/// makes it orthogonal to what is sought.
/// @return no rows if it did not show: the residual is still above rounding
/// @cost   O(n d) a step
/// @source Golub & Van Loan, Matrix Computations, 4th edition, 10.1
template <class Scalar>
axes leading_axis(const matrix<Scalar>& samples, Eigen::Index most) {
  const bool wide = samples.rows() < samples.cols();
  const Eigen::Index m = std::min(samples.rows(), samples.cols());
  axes out;
  out.total = samples.squaredNorm();
  if (!(out.total > 0.0 && std::isfinite(out.total))) {
    return out;
  }
  const auto product = [&](const auto& v) -> Eigen::VectorX<Scalar> {
    if (wide) {
      return samples * (samples.transpose() * v).eval();
    }
    return samples.transpose() * (samples * v).eval();
  };
  Eigen::MatrixX<Scalar> basis(m, most);
  Eigen::VectorX<Scalar> diagonal(most), below(most);
  std::minstd_rand engine;
  constexpr auto largest = static_cast<double>(std::minstd_rand::max());
  basis.col(0) = Eigen::VectorX<Scalar>::NullaryExpr(m, [&] { return static_cast<Scalar>(engine()) / largest - 0.5; });
  basis.col(0).normalize();
  Eigen::SelfAdjointEigenSolver<Eigen::MatrixX<Scalar>> solved;
  for (Eigen::Index j = 0; j < most; ++j) {
    const auto known = basis.leftCols(j + 1);
    Eigen::VectorX<Scalar> next = product(basis.col(j));
    diagonal[j] = next.dot(basis.col(j));
    make_orthogonal(next, known);
    below[j] = next.norm();
    solved.computeFromTridiagonal(diagonal.head(j + 1), below.head(j));
    if (solved.info() != Eigen::Success) {
      return out;
    }
    const double square = solved.eigenvalues()[j];
    constexpr double rounding = 1e-14;
    if (below[j] * std::abs(solved.eigenvectors()(j, j)) <= rounding * square) {
      Eigen::VectorX<Scalar> v = known * solved.eigenvectors().col(j);
      if (wide) {
        v = (samples.transpose() * v).eval();
      }
      out.rows = v.normalized().transpose();
      out.squares = Eigen::VectorX<Scalar>::Constant(1, square);
      return out;
    }
    if (j + 1 < most) {
      basis.col(j + 1) = next / below[j];
    }
  }
  return out;
}

STEER_BODY axes principal_axes(const matrix<double>& rows, Eigen::Index k, const std::string& who) {
  const matrix<Real>& samples = rows;
  const Eigen::Index n = samples.rows();
  const Eigen::Index d = samples.cols();
  const Eigen::Index m = std::min(n, d);
  constexpr Eigen::Index direct_as_fast = 12;  // dimensions for each step of Lanczos' method, measured
  if (k == 1 && m >= 16 * direct_as_fast) {
    if (axes found = leading_axis(samples, m / direct_as_fast); found.rows.rows() == 1) {
      return found;
    }
  }
  Eigen::MatrixX<Real> gram = Eigen::MatrixX<Real>::Zero(m, m);
  if (n < d) {
    gram.template selfadjointView<Eigen::Lower>().rankUpdate(samples);
  } else {
    gram.template selfadjointView<Eigen::Lower>().rankUpdate(samples.transpose());
  }
  if (!std::isfinite(gram.trace())) {
    throw numeric_error(text({thing(who), ": the squares of the samples ", actual("overflow"), "; expected ",
                              expected("numbers up to about 1e150")}));
  }
  // All eigenvalues, but one eigenvector only where one is asked for: the others are most of the work.
  Eigen::SelfAdjointEigenSolver<Eigen::MatrixX<Real>> solved;  // eigenvalues rise; it reads the lower half
  Eigen::MatrixX<Real> columns;
  Eigen::VectorX<Real> values;
  if (k == 1 && m > 1) {
    const double scale = std::max(gram.diagonal().maxCoeff(), std::numeric_limits<double>::min());
    const Eigen::Tridiagonalization<Eigen::MatrixX<Real>> tridiagonal(gram / scale);
    const Eigen::VectorX<Real> diagonal = tridiagonal.diagonal();
    const Eigen::VectorX<Real> below = tridiagonal.subDiagonal();
    solved.computeFromTridiagonal(diagonal, below, Eigen::EigenvaluesOnly);
    require_solved(solved.info(), who);
    values = scale * solved.eigenvalues();
    if (const Eigen::VectorX<Real> v = largest_of_tridiagonal(diagonal, below, solved.eigenvalues()[m - 1]);
        v.size() == m) {
      columns = v;
      // Its reflections, as they are packed: Eigen's way compiles for seconds.
      for (Eigen::Index j = m - 2; j >= 0; --j) {
        Eigen::VectorX<Real> reflector = tridiagonal.packedMatrix().col(j).tail(m - 1 - j);
        reflector[0] = 1.0;
        const double share = tridiagonal.householderCoefficients()[j] * reflector.dot(columns.col(0).tail(m - 1 - j));
        columns.col(0).tail(m - 1 - j) -= share * reflector;
      }
    }
  }
  if (columns.size() == 0) {
    solved.compute(gram);
    require_solved(solved.info(), who);
    values = solved.eigenvalues();
    columns = solved.eigenvectors().rightCols(k).rowwise().reverse();
  }
  constexpr double noise = 1e-12;
  const auto rank = static_cast<Eigen::Index>((values.array() > noise * values[m - 1]).count());
  if (k > rank || !(values[m - 1] > 0.0)) {
    throw numeric_error(text({thing(who), ": the samples span ", actual(values[m - 1] > 0.0 ? rank : 0),
                              " dimensions; asked for ", expected(k)}));
  }
  axes out;
  out.total = gram.trace();
  out.squares = values.tail(k).reverse();
  if (n < d) {
    columns = (samples.transpose() * columns).eval();
  }
  // The product with the samples lost digits along small singular values; Gram-Schmidt gives them back.
  for (Eigen::Index i = 0; i < k; ++i) {
    Eigen::VectorX<Real> next = columns.col(i).normalized();
    make_orthogonal(next, columns.leftCols(i));
    columns.col(i) = next.normalized();
  }
  out.rows = columns.transpose();
  return out;
}

}  // namespace detail
}  // namespace v0
}  // namespace steer
