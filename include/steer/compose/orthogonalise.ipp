// steer/compose/orthogonalise.ipp: the bodies of orthogonalise.hpp.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <utility>
#include <vector>
#include <Eigen/Core>
#include <Eigen/Eigenvalues>

#include "steer/compose/algebra.hpp"
#include "steer/compose/orthogonalise.hpp"
#include "steer/core/error.hpp"
#include "steer/core/matrix.hpp"
#include "steer/core/real.hpp"
#include "steer/vector/decomposition.hpp"
#include "steer/vector/direction.hpp"
#include "steer/vector/frame.hpp"
#include "steer/vector/steering_vector.hpp"
#include "steer/vector/subspace.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

STEER_BODY matrix<double> gram_schmidt(matrix<double> given) {
  matrix<Real> rows = std::move(given);
  for (Eigen::Index i = 1; i < rows.rows(); ++i) {
    for (int pass = 0; pass < 2; ++pass) {
      for (Eigen::Index j = 0; j < i; ++j) {
        rows.row(i) -= rows.row(j) * (rows.row(j).dot(rows.row(i)) / rows.row(j).squaredNorm());
      }
    }
  }
  return rows;
}

STEER_BODY matrix<double> lowdin(const matrix<double>& rows) {
  const matrix<Real>& given = rows;
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixX<Real>> solved(given * given.transpose());
  require_solved(solved.info(), "lowdin");
  return solved.operatorInverseSqrt() * given;
}

/// Calls `change(units [k, d], lengths [k])` at every layer and puts the rows that it returns in the vectors' places.
template <class Scalar, class Change>
std::vector<steering_vector> changed_together(const std::vector<steering_vector>& vectors, const std::string& who,
                                              Change change) {
  if (vectors.empty()) {
    throw argument_error(text({thing(who), ": has ", actual("no vectors"), "; expected ", expected("at least one")}));
  }
  require_all_together(vectors, who);
  std::vector<steering_vector> out = vectors;
  for (const auto& [layer, first] : vectors.front().directions) {
    std::vector<const direction*> directions;
    Eigen::VectorX<Scalar> lengths(static_cast<Eigen::Index>(vectors.size()));
    for (std::size_t i = 0; i < vectors.size(); ++i) {
      directions.push_back(&vectors[i].directions.at(layer));
      lengths[static_cast<Eigen::Index>(i)] = directions.back()->values.cast<Scalar>().norm();
    }
    const frame units(directions, text({who, ", layer ", layer}));  // refuses directions that are nearly dependent
    const matrix<Scalar> rows = change(units.directions(), lengths);
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

STEER_BODY std::vector<steering_vector> gram_schmidt(const std::vector<steering_vector>& vectors) {
  std::vector<steering_vector> out = detail::changed_together<Real>(
      vectors, "gram_schmidt", [](const matrix<Real>& units, const Eigen::VectorX<Real>& lengths) {
        return detail::gram_schmidt(lengths.asDiagonal() * units);
      });
  for (auto& [layer, first] : out.front().directions) {
    first = vectors.front().directions.at(layer);
  }
  return out;
}

STEER_BODY std::vector<steering_vector> lowdin(const std::vector<steering_vector>& vectors) {
  return detail::changed_together<Real>(
      vectors, "lowdin", [](const matrix<Real>& units, const Eigen::VectorX<Real>& lengths) -> matrix<Real> {
        const matrix<Real> rows = detail::lowdin(units);
        return lengths.asDiagonal() * rows;
      });
}

STEER_BODY steering_vector protect_subspace(const steering_vector& vector, const std::map<int, subspace>& kept) {
  check(vector);
  steering_vector out = vector;
  for (auto& [layer, here] : out.directions) {
    const std::string who = text({"protect from \"", vector.name, "\""});
    const auto found = kept.find(layer);
    if (found == kept.end()) {
      throw shape_error(text({thing(who), ", layer ", at_layer(layer), ": there is ", actual("no subspace"),
                              " to protect; expected ", expected("one for each of the vector's layers")}));
    }
    check(found->second, text({who, ", layer ", layer}));
    const matrix<Real>& basis = found->second.basis;
    if (basis.cols() != here.values.size()) {
      throw shape_error(
          text({thing(who), ", layer ", at_layer(layer), ": the subspace has width ", actual(basis.cols()),
                ", the vector ", expected(here.values.size()), "; expected the same"}));
    }
    const Eigen::VectorX<Real> before = here.values.template cast<Real>();
    Eigen::VectorX<Real> left = before;
    for (int pass = 0; pass < 2; ++pass) {  // the second pass gives back the digits that the first lost
      left -= basis.transpose() * (basis * left);
    }
    constexpr double least = 1e-3;
    if (!(left.norm() > least * before.norm())) {
      throw numeric_error(
          text({thing(who), ", layer ", at_layer(layer), ": only ", actual(left.norm() / before.norm()),
                " of its length lies outside what is protected; expected ", expected({"more than ", least})}));
    }
    direction made;
    made.values = left.template cast<float>();
    made.row_norm = here.row_norm;
    here = std::move(made);
  }
  return out;
}

STEER_BODY steering_vector protect(const steering_vector& vector, const std::vector<steering_vector>& others) {
  const std::string who = text({"protect from \"", vector.name, "\""});
  if (others.empty()) {
    throw argument_error(text(
        {thing(who), ": there is ", actual("nothing"), " to protect; expected ", expected("at least one vector")}));
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
    matrix<Real> basis = detail::gram_schmidt(frame(directions, text({who, ", layer ", layer})).directions());
    basis.rowwise().normalize();
    kept[layer].basis = std::move(basis);
  }
  return protect_subspace(vector, kept);
}

}  // namespace v0
}  // namespace steer
