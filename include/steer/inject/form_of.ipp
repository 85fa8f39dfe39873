// steer/inject/form_of.ipp: the bodies of form_of.hpp.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <string>
#include <utility>
#include <variant>
#include <vector>
#include <Eigen/Core>

#include "steer/core/error.hpp"
#include "steer/core/matrix.hpp"
#include "steer/core/real.hpp"
#include "steer/inject/form.hpp"
#include "steer/inject/form_of.hpp"
#include "steer/kernel/rounded_product.hpp"
#include "steer/recipe/edit.hpp"
#include "steer/vector/affine_map.hpp"
#include "steer/vector/frame.hpp"
#include "steer/vector/plane.hpp"
#include "steer/vector/small_matrix.hpp"
#include "steer/vector/strength_unit.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

/// The directions of several concepts at one layer.
inline std::vector<const direction*> directions_at(const std::vector<steering_vector>& vectors, int layer) {
  std::vector<const direction*> out;
  for (const steering_vector& v : vectors) {
    out.push_back(&v.directions.at(layer));
  }
  return out;
}

/// u_i . origin_i for each direction, or zeros.
/// @throws argument_error if an origin is asked for and unknown
template <class Real>
Eigen::VectorX<Real> origin_coordinates(const std::vector<const direction*>& directions, coordinate_origin origin,
                                        const std::string& who) {
  Eigen::VectorX<Real> out = Eigen::VectorX<Real>::Zero(static_cast<Eigen::Index>(directions.size()));
  if (origin == coordinate_origin::midpoint) {
    for (std::size_t i = 0; i < directions.size(); ++i) {
      const direction& v = *directions[i];
      if (v.origin.size() == 0) {
        throw argument_error(text(
            {who, ": coordinates from the midpoint need the vector's origin, which direction ", i, " does not have"}));
      }
      const Eigen::VectorX<Real> u = unit(v);
      out[static_cast<Eigen::Index>(i)] = u.dot(dependent<Real>(v.origin).template cast<Real>());
    }
  }
  return out;
}

template <class Real>
matrix<Real> unit_row(const steering_vector& v, int layer) {
  const Eigen::VectorX<Real> u = unit(v.directions.at(layer));
  return u.transpose();
}

template <class Real>
matrix<Real> rows_of(const plane& p) {
  matrix<Real> out(2, p.first.size());
  out.row(0) = dependent<Real>(p.first).transpose();
  out.row(1) = dependent<Real>(p.second).transpose();
  return out;
}

/// z = min(|h on entry|, largest)
template <class Real>
double decide_addition(const double* numbers, const row_reading& row, double* z) noexcept {
  z[0] = std::min(row.entry_norm, numbers[0]);
  return 1.0;
}

STEER_BODY form form_of(const add_edit& e, int layer, const std::string& who) {
  const direction& v = e.vector.directions.at(layer);
  const auto strength = static_cast<Real>(e.strength);
  const strength_unit unit_of_strength = unit_or_default(e.unit, e.vector, {layer}, who);
  const double size = size_of(unit_of_strength, v, who);
  Eigen::VectorX<Real> dose;
  if (unit_of_strength == strength_unit::raw) {
    dose = strength * dependent<Real>(v.values).template cast<Real>();
  } else {
    const Eigen::VectorX<Real> u = unit(v);
    dose = strength * u * size;
  }
  low_rank_form out = low_rank_form::addition(dose);
  if (unit_of_strength == strength_unit::of_row_norm) {
    out.decide = &decide_addition<Real>;
    out.asks_for = low_rank_form::norm::entry;
    out.numbers = {std::isfinite(e.cap) ? static_cast<double>(e.cap) * measured(v.row_norm, unit_of_strength, "mean row norm", who)
                                        : std::numeric_limits<double>::infinity()};
  }
  return out;
}

STEER_BODY form form_of(const ablate_edit& e, int layer, const std::string&) {
  const matrix<Real> u = unit_row<Real>(e.vector, layer);
  return low_rank_form::affine(u, u, Eigen::MatrixX<Real>::Constant(1, 1, -static_cast<Real>(e.share)),
                               Eigen::VectorX<Real>::Zero(1));
}

/// z = G⁻¹ (cut(c) - c); numbers are k, low [k], high [k], G⁻¹ [k, k]
template <class Real>
double decide_bound(const double* numbers, const row_reading& row, double* z) noexcept {
  const auto k = static_cast<std::ptrdiff_t>(numbers[0]);
  const double* const low = numbers + 1;
  const double* const high = low + k;
  std::fill(z, z + k, 0.0);
  for (std::ptrdiff_t i = 0; i < k; ++i) {
    const double beyond = std::clamp(row.c[i], low[i], high[i]) - row.c[i];
    if (beyond != 0.0) {
      const double* const column = high + k + i * k;
      for (std::ptrdiff_t j = 0; j < k; ++j) {
        z[j] += kernel::rounded_product(column[j], beyond);
      }
    }
  }
  return 1.0;
}

STEER_BODY form form_of(const bound_edit& e, int layer, const std::string& who) {
  const auto directions = directions_at(e.vectors, layer);
  Eigen::VectorX<Real> low = origin_coordinates<Real>(directions, e.origin, who);  // in coordinates V h
  Eigen::VectorX<Real> high = low;
  const frame all(directions, who, {.ridge = static_cast<double>(e.ridge)});
  for (std::size_t i = 0; i < directions.size(); ++i) {
    const double size = size_of(e.unit, *directions[i], who);
    low[static_cast<Eigen::Index>(i)] += size * static_cast<Real>(e.low[i]);
    high[static_cast<Eigen::Index>(i)] += size * static_cast<Real>(e.high[i]);
  }
  const Eigen::MatrixX<Real>& inverse = all.inverse();  // symmetric, so its layout does not matter
  if (low == high) {
    return low_rank_form::affine(all.directions(), all.directions(), -inverse, inverse.lazyProduct(low));
  }
  low_rank_form out;
  out.read = all.directions();
  out.write = all.directions();
  out.decide = &decide_bound<Real>;
  out.numbers.push_back(static_cast<double>(all.size()));
  for (const auto* part : {&low, &high}) {
    out.numbers.insert(out.numbers.end(), part->begin(), part->end());
  }
  out.numbers.insert(out.numbers.end(), inverse.data(), inverse.data() + inverse.size());
  return out;
}

STEER_BODY form form_of(const erase_edit& e, int layer, const std::string& who) {
  const auto w = directions_at(e.read, layer);
  const frame reading(w, who + ", read");
  const frame writing(directions_at(e.write, layer), who + ", write");
  const Eigen::VectorX<Real> origin = origin_coordinates<Real>(w, e.origin, who);
  const matrix<Real>& read = reading.directions();
  const matrix<Real>& write = writing.directions();
  const Eigen::MatrixX<Real> both = read.lazyProduct(write.transpose());
  const auto [least, most] = extreme_eigenvalues(both.transpose().lazyProduct(both));
  // As strict as for a frame, whose Gram matrix squares the condition number; the largest value is at most about 1.
  if (!(least * frame::most_condition > std::max(1.0, most))) {
    throw numeric_error(text({who,
                              ": what is read and what is written are nearly orthogonal: the least singular "
                              "value of their products is ",
                              actual(std::sqrt(std::max(least, 0.0))), ", so erasing would move rows without bound"}));
  }
  const Eigen::MatrixX<Real> inverse = inverse_of(both);
  return low_rank_form::affine(read, write, -inverse, inverse.lazyProduct(origin));
}

/// z = |c| (cos θ, sin θ) - c
template <class Real>
double decide_angle(const double* numbers, const row_reading& row, double* z) noexcept {
  const double length = std::hypot(row.c[0], row.c[1]);
  z[0] = kernel::rounded_product(length, numbers[0]) - row.c[0];
  z[1] = kernel::rounded_product(length, numbers[1]) - row.c[1];
  return 1.0;
}

STEER_BODY form form_of(const angle_edit& e, int, const std::string&) {
  low_rank_form out;
  out.read = rows_of<Real>(e.plane);
  out.write = out.read;
  out.decide = &decide_angle<Real>;
  out.numbers = {std::cos(static_cast<double>(e.angle)), std::sin(static_cast<double>(e.angle))};
  return out;
}

STEER_BODY form form_of(const rotate_edit& e, int, const std::string&) {
  const matrix<Real> rows = rows_of<Real>(e.plane);
  const double cosine = std::cos(static_cast<double>(e.angle));
  const double sine = std::sin(static_cast<double>(e.angle));
  Eigen::MatrixX<Real> turn(2, 2);
  turn << cosine - 1.0, -sine, sine, cosine - 1.0;
  return low_rank_form::affine(rows, rows, turn, Eigen::VectorX<Real>::Zero(2));
}

/// h' = s h + z u
template <class Real>
double decide_towards(const double* numbers, const row_reading& row, double* z) noexcept {
  constexpr double opposite = 0.03;  // within this of a half turn, the way is a matter of rounding in float
  const double share = numbers[0];
  const double c = row.c[0];
  const double across = std::sqrt(std::max(0.0, (row.norm - c) * (row.norm + c)));
  const double angle = std::atan2(across, c);
  z[0] = 0.0;
  if (!(row.norm > 0.0) || angle > 3.14159265358979323846 - opposite) {
    return 1.0;
  }
  const double sine = std::sin(angle);
  if (sine < 1e-9) {
    z[0] = share * row.norm;
    return 1.0 - share;
  }
  z[0] = row.norm * std::sin(share * angle) / sine;
  return std::sin((1.0 - share) * angle) / sine;
}

STEER_BODY form form_of(const towards_edit& e, int layer, const std::string&) {
  low_rank_form out;
  out.read = unit_row<Real>(e.vector, layer);
  out.write = e.share == 0.0F ? matrix<Real>(matrix<Real>::Zero(1, out.read.cols())) : out.read;
  out.decide = &decide_towards<Real>;
  out.asks_for = low_rank_form::norm::current;
  out.numbers = {static_cast<double>(e.share)};
  return out;
}

STEER_BODY form form_of(const transform_edit& e, int, const std::string&) {
  const auto lambda = static_cast<Real>(e.share);
  const auto& map = dependent<Real>(e.map);
  if (const auto* diagonal = std::get_if<diagonal_map>(&map)) {
    return diagonal_form{((1.0 - lambda) + lambda * diagonal->scale.template cast<Real>().array()).matrix(),
                         lambda * diagonal->shift.template cast<Real>()};
  }
  if (const auto* dense = std::get_if<dense_map>(&map)) {
    dense_form out{lambda * dense->linear.template cast<Real>(), lambda * dense->shift.template cast<Real>()};
    dependent<Real>(out).linear.diagonal().array() += 1.0 - lambda;
    return out;
  }
  const auto& low_rank = std::get<low_rank_map>(map);
  const Eigen::Index k = low_rank.read.rows();
  return low_rank_form::affine(low_rank.read.template cast<Real>(), low_rank.write.template cast<Real>(),
                               lambda * Eigen::MatrixX<Real>::Identity(k, k), lambda * low_rank.shift.template cast<Real>());
}

STEER_BODY form form_of(const watch_edit& e, int layer, const std::string&) {
  matrix<Real> read(static_cast<Eigen::Index>(e.vectors.size()), e.vectors.front().directions.at(layer).values.size());
  for (std::size_t i = 0; i < e.vectors.size(); ++i) {
    read.row(static_cast<Eigen::Index>(i)) = unit_row<Real>(e.vectors[i], layer);
  }
  low_rank_form out;
  out.write = matrix<Real>(0, read.cols());
  out.read = std::move(read);
  out.only_reads = true;
  out.asks_for = e.norm == watched_norm::read ? low_rank_form::norm::current : low_rank_form::norm::ignored;
  return out;
}

STEER_BODY form form_of(const operation& what, int layer, const std::string& who) {
  return std::visit([&](const auto& e) { return form_of(e, layer, who); }, dependent<Real>(what));
}

STEER_BODY void require_one_unit(const operation& what, const std::vector<int>& layers, const std::string& who) {
  if (const auto* const add = std::get_if<add_edit>(&what)) {
    unit_or_default(add->unit, add->vector, layers, who);
  }
}

STEER_BODY bool same_everywhere(const operation& what) noexcept { return std::holds_alternative<transform_edit>(what); }

}  // namespace detail
}  // namespace v0
}  // namespace steer
