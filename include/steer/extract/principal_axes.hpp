// steer/extract/principal_axes.hpp: right singular vectors of samples.
#pragma once

#include <string>
#include <Eigen/Core>

#include "steer/core/linkage.hpp"
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
/// @throws numeric_error if the samples do not have that rank, or their squares overflow; `who` names the method
/// @cost   O(n d min(n, d) + min(n, d)³)
/// @source Golub & Van Loan, Matrix Computations, 4th edition, chapter 8
STEER_API axes principal_axes(const matrix<double>& samples, Eigen::Index k, const std::string& who);

}  // namespace detail
}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/extract/principal_axes.ipp"
#endif
