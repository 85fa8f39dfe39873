// steer/compose/interference.ipp: the bodies of interference.hpp.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <string>
#include <vector>
#include <Eigen/Core>

#include "steer/compose/algebra.hpp"
#include "steer/compose/interference.hpp"
#include "steer/core/error.hpp"
#include "steer/core/matrix.hpp"
#include "steer/core/real.hpp"
#include "steer/vector/interference_report.hpp"
#include "steer/vector/small_matrix.hpp"
#include "steer/vector/steering_vector.hpp"

namespace steer {
inline namespace v0 {

STEER_BODY interference_report measure_interference(const std::vector<steering_vector>& vectors,
                                                    std::vector<double> doses) {
  if (doses.empty()) {
    doses.assign(vectors.size(), 1.0);
  }
  if (vectors.empty() || doses.size() != vectors.size()) {
    throw argument_error(text({"interference: has ", expected(vectors.size()), " vectors and ", actual(doses.size()),
                               " doses; expected as many, at least one"}));
  }
  for (std::size_t i = 0; i < doses.size(); ++i) {
    if (!std::isfinite(doses[i])) {
      throw numeric_error(
          text({"interference: dose ", i, " is ", actual(doses[i]), "; expected ", expected("a finite number")}));
    }
  }
  detail::require_all_together(vectors, "interference");
  interference_report out;
  for (const steering_vector& v : vectors) {
    out.names.push_back(v.name);
  }
  const auto k = static_cast<Eigen::Index>(vectors.size());
  for (const auto& [layer, first] : vectors.front().directions) {
    matrix<Real> units(k, vectors.front().width());
    Eigen::VectorX<Real> sizes(k);
    for (Eigen::Index i = 0; i < k; ++i) {
      const direction& v = vectors[static_cast<std::size_t>(i)].directions.at(layer);
      const Eigen::VectorX<Real> u = unit(v);
      units.row(i) = u.transpose();
      sizes[i] = doses[static_cast<std::size_t>(i)] * v.values.cast<Real>().norm();
    }
    interference_report::at_layer here;
    here.gram = units * units.transpose();
    const auto [least, most] = detail::extreme_eigenvalues(here.gram);
    constexpr double rounding = 1e-12;
    here.condition = least > rounding ? most / least : std::numeric_limits<double>::infinity();
    here.lost = Eigen::VectorX<Real>::Zero(k);
    for (Eigen::Index i = 0; i < k; ++i) {
      matrix<Real> basis(0, units.cols());  // of the others' span
      for (Eigen::Index j = 0; j < k; ++j) {
        if (j == i) {
          continue;
        }
        here.coherence = std::max(here.coherence, std::abs(here.gram(i, j)));
        Eigen::RowVectorX<Real> rest = units.row(j);
        for (int pass = 0; pass < 2; ++pass) {
          rest -= (basis * rest.transpose()).transpose() * basis;
        }
        constexpr double dependent = 1e-6;  // floats
        if (rest.norm() > dependent) {
          basis.conservativeResize(basis.rows() + 1, Eigen::NoChange);
          basis.row(basis.rows() - 1) = rest.normalized();
        }
      }
      here.lost[i] = std::min(1.0, (basis * units.row(i).transpose()).squaredNorm());
    }
    here.norms = sizes.cwiseAbs();
    here.sum_norm = (units.transpose() * sizes).norm();
    here.expected_norm = sizes.norm();
    out.layers[layer] = here;
  }
  return out;
}

}  // namespace v0
}  // namespace steer
