// steer/compose/orthogonalise.hpp: directions that do not read each other.
#pragma once

#include <Eigen/Core>
#include <Eigen/Eigenvalues>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "steer/compose/algebra.hpp"
#include "steer/core/error.hpp"
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
inline matrix<double> gram_schmidt(matrix<double> rows) {
  for (Eigen::Index i = 1; i < rows.rows(); ++i) {
    for (int pass = 0; pass < 2; ++pass) {
      for (Eigen::Index j = 0; j < i; ++j) {
        rows.row(i) -= rows.row(j) * (rows.row(j).dot(rows.row(i)) / rows.row(j).squaredNorm());
      }
    }
  }
  return rows;
}

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
inline std::vector<steering_vector> gram_schmidt(const std::vector<steering_vector>& vectors) {
  std::vector<steering_vector> out = detail::changed_together(
      vectors, "gram_schmidt", [](const matrix<double>& units, const Eigen::VectorXd& lengths) {
        return detail::gram_schmidt(lengths.asDiagonal() * units);
      });
  for (auto& [layer, first] : out.front().directions) {
    first = vectors.front().directions.at(layer);
  }
  return out;
}

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
inline steering_vector protect_subspace(const steering_vector& vector, const std::map<int, subspace>& kept) {
  check(vector);
  steering_vector out = vector;
  for (auto& [layer, here] : out.directions) {
    const std::string who = detail::text({"protect from \"", vector.name, "\""});
    const auto found = kept.find(layer);
    if (found == kept.end()) {
      throw shape_error(detail::text({detail::thing(who), ", layer ", detail::at_layer(layer), ": there is ",
                                      detail::actual("no subspace"), " to protect; expected ",
                                      detail::expected("one for each of the vector's layers")}));
    }
    check(found->second, detail::text({who, ", layer ", layer}));
    const matrix<double>& basis = found->second.basis;
    if (basis.cols() != here.values.size()) {
      throw shape_error(detail::text({detail::thing(who), ", layer ", detail::at_layer(layer),
                                      ": the subspace has width ", detail::actual(basis.cols()), ", the vector ",
                                      detail::expected(here.values.size()), "; expected the same"}));
    }
    const Eigen::VectorXd before = here.values.cast<double>();
    Eigen::VectorXd left = before;
    for (int pass = 0; pass < 2; ++pass) {  // the second pass gives back the digits that the first lost
      left -= basis.transpose() * (basis * left);
    }
    constexpr double least = 1e-3;
    if (!(left.norm() > least * before.norm())) {
      throw numeric_error(detail::text({detail::thing(who), ", layer ", detail::at_layer(layer), ": only ",
                                        detail::actual(left.norm() / before.norm()),
                                        " of its length lies outside what is protected; expected ",
                                        detail::expected({"more than ", least})}));
    }
    direction made;
    made.values = left.cast<float>();
    made.row_norm = here.row_norm;
    here = std::move(made);
  }
  return out;
}

/// The same for the span of other concepts' directions.
///
/// @throws as the above; numeric_error if `others` are nearly dependent; argument_error if there are none; as `+` if
///         the vectors do not belong together
/// @cost   O(L k² d)
inline steering_vector protect(const steering_vector& vector, const std::vector<steering_vector>& others) {
  const std::string who = detail::text({"protect from \"", vector.name, "\""});
  if (others.empty()) {
    throw argument_error(detail::text({detail::thing(who), ": there is ", detail::actual("nothing"),
                                       " to protect; expected ", detail::expected("at least one vector")}));
  }
  std::map<int, subspace> kept;
  for (const steering_vector& other : others) {
    detail::require_together(vector, other, who);
  }
  for (const auto& [layer, here] : vector.directions) {
    std::vector<const direction*> directions;
    for (const steering_vector& other : others) {
      directions.push_back(&other.directions.at(layer));
    }
    kept[layer].basis = detail::gram_schmidt(frame(directions, detail::text({who, ", layer ", layer})).directions());
    kept[layer].basis.rowwise().normalize();
  }
  return protect_subspace(vector, kept);
}

}  // namespace v0
}  // namespace steer
