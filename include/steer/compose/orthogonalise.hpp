// steer/compose/orthogonalise.hpp: directions that do not read each other.
#pragma once

#include <concepts>
#include <cstddef>
#include <map>
#include <string>
#include <utility>
#include <vector>
#include <Eigen/Core>
#include <Eigen/Eigenvalues>

#include "steer/compose/algebra.hpp"
#include "steer/core/error.hpp"
#include "steer/core/linkage.hpp"
#include "steer/core/matrix.hpp"
#include "steer/vector/decomposition.hpp"
#include "steer/vector/frame.hpp"
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
template <std::same_as<double> Scalar>
matrix<double> lowdin(const matrix<Scalar>& rows) {
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solved(rows * rows.transpose());
  require_solved(solved.info(), "lowdin");
  return solved.operatorInverseSqrt() * rows;
}

/// Calls `change(units [k, d], lengths [k])` at every layer and puts the rows that it returns in the vectors' places.
template <class Change>
std::vector<steering_vector> changed_together(const std::vector<steering_vector>& vectors, const std::string& who,
                                              Change change) {
  if (vectors.empty()) {
    throw argument_error(text({thing(who), ": has ", actual("no vectors"), "; expected ", expected("at least one")}));
  }
  require_all_together(vectors, who);
  std::vector<steering_vector> out = vectors;
  for (const auto& [layer, first] : vectors.front().directions) {
    std::vector<const direction*> directions;
    Eigen::VectorXd lengths(static_cast<Eigen::Index>(vectors.size()));
    for (std::size_t i = 0; i < vectors.size(); ++i) {
      directions.push_back(&vectors[i].directions.at(layer));
      lengths[static_cast<Eigen::Index>(i)] = directions.back()->values.cast<double>().norm();
    }
    const frame units(directions, text({who, ", layer ", layer}));  // refuses directions that are nearly dependent
    const matrix<double> rows = change(units.directions(), lengths);
    for (std::size_t i = 0; i < vectors.size(); ++i) {
      direction& here = out[i].directions.at(layer);
      direction made;  // what was measured along the old direction does not belong to the new one
      made.values = rows.row(static_cast<Eigen::Index>(i)).template cast<float>().transpose();
      made.row_norm = here.row_norm;
      here = std::move(made);
    }
  }
  return out;
}

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
template <std::same_as<steering_vector> Vector = steering_vector>
std::vector<Vector> lowdin(const std::vector<Vector>& vectors) {
  return detail::changed_together(vectors, "lowdin", [](const matrix<double>& units, const Eigen::VectorXd& lengths) {
    return matrix<double>(lengths.asDiagonal() * detail::lowdin(units));
  });
}

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
