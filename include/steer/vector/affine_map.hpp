// steer/vector/affine_map.hpp: maps of an activation that are linear up to a shift.
#pragma once

#include <map>
#include <string>
#include <variant>
#include <Eigen/Core>

#include "steer/core/linkage.hpp"
#include "steer/core/matrix.hpp"
#include "steer/core/site.hpp"

namespace steer {
inline namespace v0 {

/// h' = scale ∘ h + shift
/// @shape scale, shift [d]
/// @source linear transport: Rodriguez et al. 2024, arXiv:2410.23054 (AcT)
struct diagonal_map {
  Eigen::VectorXf scale = {};
  Eigen::VectorXf shift = {};
};

/// h' = h + writeᵀ (read h + shift)
/// @shape read, write [k, d]; shift [k]
struct low_rank_map {
  matrix<float> read = {};
  matrix<float> write = {};
  Eigen::VectorXf shift = {};
};

/// h' = linear h + shift
/// @shape linear [d, d]; shift [d]
/// @source MiMiC, Singh et al. 2024, arXiv:2402.09631; conceptors, Postmus & Abreu 2024, arXiv:2410.16314
struct dense_map {
  matrix<float> linear = {};
  Eigen::VectorXf shift = {};
};

namespace detail {

template <class A, class B>
bool equal(const Eigen::DenseBase<A>& a, const Eigen::DenseBase<B>& b) {
  return a.rows() == b.rows() && a.cols() == b.cols() && (a.derived().array() == b.derived().array()).all();
}

}  // namespace detail

STEER_API bool operator==(const diagonal_map& a, const diagonal_map& b);
STEER_API bool operator==(const low_rank_map& a, const low_rank_map& b);
STEER_API bool operator==(const dense_map& a, const dense_map& b);

/// A map of one site's activations. Maps are no vectors: they can be mixed with the identity, not scaled or added.
using affine_map = std::variant<diagonal_map, low_rank_map, dense_map>;

/// A map of its own for each of several layers, at one point.
struct affine_maps {
  steer::point point = steer::point::residual_out;
  std::map<int, affine_map> layers = {};  ///< by zero-based layer

  bool operator==(const affine_maps&) const = default;
};

/// The width of the rows that a map takes.
STEER_API Eigen::Index width(const affine_map& map);

/// @throws shape_error if the parts do not fit each other, numeric_error if a number is not finite; `who` names the map
STEER_API void check(const affine_map& map, const std::string& who);

/// h' = h + Rᵀ (W h + b - R h): within the rows of R, what W and b say.
/// @shape rows_r, rows_w [k, d]; b [k]
/// @throws shape_error if the shapes differ, numeric_error if a number is not finite
/// @source Wu et al. 2024, arXiv:2404.03592 (LoReFT); deviation: R need not be orthonormal
STEER_API low_rank_map loreft_map(const matrix<float>& rows_r, const matrix<float>& rows_w, const Eigen::VectorXf& b);

}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/vector/affine_map.ipp"
#endif
