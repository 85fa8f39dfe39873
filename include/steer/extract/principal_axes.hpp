// steer/extract/principal_axes.hpp: right singular vectors of samples.
#pragma once

#include <Eigen/Core>
#include <Eigen/Eigenvalues>
#include <Eigen/QR>
#include <algorithm>
#include <cmath>
#include <concepts>
#include <string>

#include "steer/core/error.hpp"
#include "steer/core/matrix.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

struct axes {
  matrix<double> rows;      // [k, d], orthonormal
  Eigen::VectorXd squares;  // [k], of the singular values, falling
  double total = 0.0;       // of all squares
};

/// The first k right singular vectors of samples, signs as they come.
///
/// From the smaller of the two Gram matrices, whose eigenvalues are the squares: what is below 1e-6 of the largest
/// singular value is noise there, as it is in samples that were floats.
/// @shape  samples [n, d]; k >= 1
/// @throws numeric_error if the samples do not have that rank; `who` names the method
/// @cost   O(n d min(n, d) + min(n, d)³)
/// @source Golub & Van Loan, Matrix Computations, 4th edition, chapter 8
///
/// A template, as are all functions that decompose, so that a file that does not call it need not compile Eigen's
/// solvers.
template <std::same_as<double> Scalar>
axes principal_axes(const matrix<Scalar>& samples, Eigen::Index k, const std::string& who) {
  const Eigen::Index n = samples.rows();
  const Eigen::Index d = samples.cols();
  const Eigen::Index m = std::min(n, d);
  Eigen::MatrixXd gram = Eigen::MatrixXd::Zero(m, m);
  if (n < d) {
    gram.selfadjointView<Eigen::Lower>().rankUpdate(samples);
  } else {
    gram.selfadjointView<Eigen::Lower>().rankUpdate(samples.transpose());
  }
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solved(gram);  // eigenvalues rise; it reads the lower half
  const Eigen::VectorXd& values = solved.eigenvalues();
  constexpr double noise = 1e-12;
  const auto rank = static_cast<Eigen::Index>((values.array() > noise * values[m - 1]).count());
  if (k > rank || !(values[m - 1] > 0.0)) {
    throw numeric_error(text(who, ": the samples span ", values[m - 1] > 0.0 ? rank : 0, " dimensions; asked for ", k));
  }
  axes out;
  out.total = gram.trace();
  out.squares = values.tail(k).reverse();
  Eigen::MatrixXd columns = solved.eigenvectors().rightCols(k).rowwise().reverse();
  if (n < d) {
    columns = (samples.transpose() * columns).eval();
    for (Eigen::Index i = 0; i < k; ++i) {
      columns.col(i).normalize();
    }
  }
  // The product with the samples lost digits along small singular values; reflections give them back.
  const Eigen::HouseholderQR<Eigen::MatrixXd> factored(columns);
  const Eigen::MatrixXd orthonormal = factored.householderQ() * Eigen::MatrixXd::Identity(d, k);
  out.rows = orthonormal.transpose();
  for (Eigen::Index i = 0; i < k; ++i) {
    if (out.rows.row(i).dot(columns.col(i)) < 0.0) {
      out.rows.row(i) *= -1.0;
    }
  }
  return out;
}

}  // namespace detail
}  // namespace v0
}  // namespace steer
