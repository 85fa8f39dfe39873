// steer/vector/affine_map.hpp: maps of an activation that are linear up to a shift.
#pragma once

#include <Eigen/Core>
#include <string>
#include <utility>
#include <variant>

#include "steer/core/error.hpp"
#include "steer/core/matrix.hpp"

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

inline bool operator==(const diagonal_map& a, const diagonal_map& b) {
  return detail::equal(a.scale, b.scale) && detail::equal(a.shift, b.shift);
}
inline bool operator==(const low_rank_map& a, const low_rank_map& b) {
  return detail::equal(a.read, b.read) && detail::equal(a.write, b.write) && detail::equal(a.shift, b.shift);
}
inline bool operator==(const dense_map& a, const dense_map& b) {
  return detail::equal(a.linear, b.linear) && detail::equal(a.shift, b.shift);
}

/// A map of one site's activations. Maps are no vectors: they can be blended with the identity, not scaled or added.
using affine_map = std::variant<diagonal_map, low_rank_map, dense_map>;

/// The width of the rows that a map takes.
inline Eigen::Index width(const affine_map& map) {
  if (const auto* diagonal = std::get_if<diagonal_map>(&map)) {
    return diagonal->scale.size();
  }
  if (const auto* low_rank = std::get_if<low_rank_map>(&map)) {
    return low_rank->read.cols();
  }
  return std::get<dense_map>(map).linear.cols();
}

/// @throws shape_error if the parts do not fit each other, numeric_error if a number is not finite; `who` names the map
inline void check(const affine_map& map, const std::string& who) {
  const auto fits = [&](const auto& part, Eigen::Index rows, Eigen::Index columns, const char* name) {
    if (part.rows() != rows || part.cols() != columns || rows == 0) {
      throw shape_error(detail::text({detail::thing(who), ": ", name, " is ",
                                      detail::actual({"[", part.rows(), ", ", part.cols(), "]"}), "; expected ",
                                      detail::expected({"[", rows, ", ", columns, "], not empty"})}));
    }
    if (!part.allFinite()) {
      throw numeric_error(detail::text({detail::thing(who), ": ", name, " holds ", detail::actual("NaN or infinity"),
                                        "; expected ", detail::expected("finite numbers")}));
    }
  };
  const Eigen::Index d = width(map);
  if (const auto* diagonal = std::get_if<diagonal_map>(&map)) {
    fits(diagonal->scale, d, 1, "the scale");
    fits(diagonal->shift, d, 1, "the shift");
  } else if (const auto* low_rank = std::get_if<low_rank_map>(&map)) {
    const Eigen::Index k = low_rank->read.rows();
    fits(low_rank->read, k, d, "the reading matrix");
    fits(low_rank->write, k, d, "the writing matrix");
    fits(low_rank->shift, k, 1, "the shift");
  } else {
    const dense_map& dense = std::get<dense_map>(map);
    fits(dense.linear, d, d, "the matrix");
    fits(dense.shift, d, 1, "the shift");
  }
}

/// h' = h + Rᵀ (W h + b - R h): within the rows of R, what W and b say.
/// @shape rows_r, rows_w [k, d]; b [k]
/// @throws shape_error if the shapes differ, numeric_error if a number is not finite
/// @source Wu et al. 2024, arXiv:2404.03592 (LoReFT); deviation: R need not be orthonormal
inline low_rank_map loreft_map(const matrix<float>& rows_r, const matrix<float>& rows_w, const Eigen::VectorXf& b) {
  if (rows_r.rows() != rows_w.rows() || rows_r.cols() != rows_w.cols()) {
    throw shape_error(
        detail::text({"loreft_map: R is ", detail::expected({"[", rows_r.rows(), ", ", rows_r.cols(), "]"}), ", W is ",
                      detail::actual({"[", rows_w.rows(), ", ", rows_w.cols(), "]"}), "; expected the same"}));
  }
  low_rank_map out{rows_w - rows_r, rows_r, b};
  check(affine_map(out), "loreft_map");
  return out;
}

}  // namespace v0
}  // namespace steer
