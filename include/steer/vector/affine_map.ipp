// steer/vector/affine_map.ipp: the bodies of affine_map.hpp.
#pragma once

#include <string>
#include <variant>
#include <Eigen/Core>

#include "steer/core/error.hpp"
#include "steer/core/matrix.hpp"
#include "steer/core/real.hpp"
#include "steer/vector/affine_map.hpp"

namespace steer {
inline namespace v0 {

STEER_BODY bool operator==(const diagonal_map& a, const diagonal_map& b) {
  return detail::equal(a.scale, b.scale) && detail::equal(a.shift, b.shift);
}

STEER_BODY bool operator==(const low_rank_map& a, const low_rank_map& b) {
  return detail::equal(a.read, b.read) && detail::equal(a.write, b.write) && detail::equal(a.shift, b.shift);
}

STEER_BODY bool operator==(const dense_map& a, const dense_map& b) {
  return detail::equal(a.linear, b.linear) && detail::equal(a.shift, b.shift);
}

STEER_BODY Eigen::Index width(const affine_map& map) {
  if (const auto* diagonal = std::get_if<diagonal_map>(&map)) {
    return diagonal->scale.size();
  }
  if (const auto* low_rank = std::get_if<low_rank_map>(&map)) {
    return low_rank->read.cols();
  }
  return std::get<dense_map>(map).linear.cols();
}

STEER_BODY void check(const affine_map& map, const std::string& who) {
  const auto fits = [&](const auto& part, Eigen::Index rows, Eigen::Index columns, const char* name) {
    if (part.rows() != rows || part.cols() != columns || rows == 0) {
      throw shape_error(text({thing(who), ": ", name, " is ", actual({"[", part.rows(), ", ", part.cols(), "]"}),
                              "; expected ", expected({"[", rows, ", ", columns, "], not empty"})}));
    }
    if (!part.allFinite()) {
      throw numeric_error(text(
          {thing(who), ": ", name, " holds ", actual("NaN or infinity"), "; expected ", expected("finite numbers")}));
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

STEER_BODY low_rank_map loreft_map(const matrix<float>& rows_r, const matrix<float>& rows_w, const Eigen::VectorXf& b) {
  if (rows_r.rows() != rows_w.rows() || rows_r.cols() != rows_w.cols()) {
    throw shape_error(text({"loreft_map: R is ", expected({"[", rows_r.rows(), ", ", rows_r.cols(), "]"}), ", W is ",
                            actual({"[", rows_w.rows(), ", ", rows_w.cols(), "]"}), "; expected the same"}));
  }
  low_rank_map out{detail::dependent<Real>(rows_w) - rows_r, rows_r, b};
  check(affine_map(out), "loreft_map");
  return out;
}

}  // namespace v0
}  // namespace steer
