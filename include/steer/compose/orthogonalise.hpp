// steer/compose/orthogonalise.hpp: directions that do not read each other.
#pragma once

#include <map>
#include <vector>

#include "steer/core/linkage.hpp"
#include "steer/core/matrix.hpp"
#include "steer/vector/steering_vector.hpp"
#include "steer/vector/subspace.hpp"

namespace steer {
inline namespace v0 {

namespace detail {

/// Each row loses its components along the rows before it; lengths are what is left. Twice, for the digits.
/// @shape  rows [k, d], independent; returns [k, d]
STEER_API matrix<double> gram_schmidt(matrix<double> rows);

/// G^-½ V: the orthonormal rows nearest to V in the sum of squares, the polar factor of V.
/// @shape  rows [k, d], independent; returns [k, d]
STEER_API matrix<double> lowdin(const matrix<double>& rows);

}  // namespace detail

/// Each vector without its components along those before it. The first stays as it is, so the order matters: the most
/// important concept comes first. Lengths are what is left.
///
/// Evidence, spread and origin are dropped: they were measured along other directions.
/// @throws as `frame` if the directions are nearly dependent at a layer; as `+` if the vectors do not belong together
/// @cost   O(L k² d)
/// @source Golub & Van Loan, Matrix Computations, 4th edition, chapter 5, applied twice
STEER_API std::vector<steering_vector> gram_schmidt(const std::vector<steering_vector>& vectors);

/// The orthogonal vectors nearest to these, none preferred: unit directions V become G^-½ V. Lengths stay.
///
/// Evidence, spread and origin are dropped.
/// @throws as `gram_schmidt`
/// @cost   O(L (k² d + k³))
/// @source Löwdin 1950, J. Chem. Phys. 18, 365: symmetric orthogonalisation
STEER_API std::vector<steering_vector> lowdin(const std::vector<steering_vector>& vectors);

/// The vector without what it would move in a subspace at each layer: adding it leaves every coordinate there as it is.
///
/// @param kept  by layer; layers that the vector has not are of no matter
/// @throws as `check` of a subspace; shape_error if a layer of the vector has no subspace, or another width;
///         numeric_error if hardly anything is left (less than 1e-3 of its length)
/// @cost   O(L k d)
STEER_API steering_vector protect_subspace(const steering_vector& vector, const std::map<int, subspace>& kept);

/// The same for the span of other concepts' directions.
///
/// @throws as the above; numeric_error if `others` are nearly dependent; argument_error if there are none; as `+` if
///         the vectors do not belong together
/// @cost   O(L k² d)
STEER_API steering_vector protect(const steering_vector& vector, const std::vector<steering_vector>& others);

}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/compose/orthogonalise.ipp"
#endif
