// steer/vector/small_matrix.hpp: eigenvalues and inverses of matrices of a few dozen rows.
//
// Plain loops: Eigen's own decompositions, made for large matrices, take every file that includes them seconds to compile.
#pragma once

#include <utility>
#include <Eigen/Core>

#include "steer/core/linkage.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

/// The smallest and the largest eigenvalue of a symmetric matrix.
/// @shape  symmetric [k, k], k >= 1
/// @cost   O(k³) for each of some ten sweeps
/// @source Jacobi's rotations, cyclic: Golub and Van Loan, Matrix Computations, 4th edition, 8.5
STEER_API std::pair<double, double> extreme_eigenvalues(Eigen::MatrixXd symmetric);

/// The inverse, by elimination with row exchanges. The caller knows that it exists.
/// @shape  square [k, k]; returns [k, k]
/// @cost   O(k³)
STEER_API Eigen::MatrixXd inverse_of(Eigen::MatrixXd square);

}  // namespace detail
}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/vector/small_matrix.ipp"
#endif
