// steer/compose/apply_edit.ipp: the bodies of apply_edit.hpp.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <variant>
#include <vector>
#include <Eigen/Core>

#include "steer/compose/apply_edit.hpp"
#include "steer/core/error.hpp"
#include "steer/core/matrix.hpp"
#include "steer/core/real.hpp"
#include "steer/recipe/edit.hpp"
#include "steer/vector/affine_map.hpp"
#include "steer/vector/frame.hpp"
#include "steer/vector/small_matrix.hpp"
#include "steer/vector/strength_unit.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

/// The formulas: h' of h.
template <class Real>
struct formula {
  using vector = Eigen::VectorX<Real>;

  int layer;
  double entry_norm;
  const vector& h;

  vector operator()(const add_edit& e) const {
    const direction& v = e.vector.directions.at(layer);
    const strength_unit unit = unit_or_default(e.unit, e.vector, {layer}, e.vector.name);
    double dose = static_cast<double>(e.strength) * size_of(unit, v, e.vector.name);
    if (unit == strength_unit::of_row_norm) {
      dose *= std::isfinite(e.cap)
                  ? std::min(entry_norm, static_cast<double>(e.cap) * measured(v.row_norm, unit, "mean row norm", e.vector.name))
                  : entry_norm;
    }
    const vector u = steer::unit(v);
    return h + dose * u;
  }

  vector operator()(const ablate_edit& e) const {
    const vector u = unit(e.vector.directions.at(layer));
    return h - static_cast<double>(e.share) * u * u.dot(h);
  }

  vector operator()(const bound_edit& e) const {
    const frame all(directions(e.vectors), "bound", {.ridge = static_cast<double>(e.ridge)});
    const matrix<Real>& rows = all.directions();
    const Eigen::MatrixX<Real>& inverse = all.inverse();
    const vector c = rows.lazyProduct(h) - zeros(e.vectors, e.origin);
    vector beyond = vector::Zero(c.size());
    for (std::size_t i = 0; i < e.vectors.size(); ++i) {
      const double size = size_of(e.unit, e.vectors[i].directions.at(layer), "bound");
      const double now = c[static_cast<Eigen::Index>(i)];
      const double wanted = std::clamp(now, size * static_cast<double>(e.low[i]), size * static_cast<double>(e.high[i]));
      beyond[static_cast<Eigen::Index>(i)] = wanted - now;
    }
    const vector z = inverse.lazyProduct(beyond);
    return h + rows.transpose().lazyProduct(z);
  }

  vector operator()(const erase_edit& e) const {
    const matrix<Real> read = frame(directions(e.read), "erase, read").directions();
    const matrix<Real> write = frame(directions(e.write), "erase, write").directions();
    const Eigen::MatrixX<Real> both = read.lazyProduct(write.transpose());
    const auto [least, most] = extreme_eigenvalues(both.transpose().lazyProduct(both));
    if (!(least * frame::most_condition > std::max(1.0, most))) {
      throw numeric_error(text({"erase: what is read and what is written are nearly orthogonal: the least singular value "
                                "of their products is ",
                                actual(std::sqrt(std::max(least, 0.0)))}));
    }
    const vector c = read.lazyProduct(h) - zeros(e.read, e.origin);
    const Eigen::MatrixX<Real> inverse = inverse_of(both);
    const vector z = inverse.lazyProduct(c);
    return h - write.transpose().lazyProduct(z);
  }

  vector operator()(const angle_edit& e) const {
    const Real a = e.plane.first.dot(h);
    const Real b = e.plane.second.dot(h);
    const Real length = std::sqrt(a * a + b * b);
    const auto theta = static_cast<double>(e.angle);
    return h + (length * std::cos(theta) - a) * e.plane.first + (length * std::sin(theta) - b) * e.plane.second;
  }

  vector operator()(const rotate_edit& e) const {
    const Real a = e.plane.first.dot(h);
    const Real b = e.plane.second.dot(h);
    const Real cosine = std::cos(static_cast<Real>(e.angle));
    const Real sine = std::sin(static_cast<Real>(e.angle));
    return h + (cosine * a - sine * b - a) * e.plane.first + (sine * a + cosine * b - b) * e.plane.second;
  }

  /// The part of h across u turns with it.
  vector operator()(const towards_edit& e) const {
    constexpr double opposite = 0.03;
    const vector u = unit(e.vector.directions.at(layer));
    const double c = u.dot(h);
    const vector across = h - c * u;
    const double angle = std::atan2(across.norm(), c);
    if (!(h.norm() > 0.0) || angle > 3.14159265358979323846 - opposite) {
      return h;
    }
    const double left = (1.0 - static_cast<double>(e.share)) * angle;
    const double sine = std::sin(angle);
    const double kept = sine < 1e-9 ? 1.0 - static_cast<double>(e.share) : std::sin(left) / sine;
    return h.norm() * std::cos(left) * u + kept * across;
  }

  vector operator()(const transform_edit& e) const {
    const auto lambda = static_cast<double>(e.share);
    return (1.0 - lambda) * h + lambda * std::visit([this](const auto& map) { return image(map); }, e.map);
  }

  vector operator()(const watch_edit&) const { return h; }

 private:
  [[nodiscard]] std::vector<const direction*> directions(const std::vector<steering_vector>& vectors) const {
    std::vector<const direction*> out;
    for (const steering_vector& v : vectors) {
      out.push_back(&v.directions.at(layer));
    }
    return out;
  }

  /// The coordinates at which the edit counts 0.
  [[nodiscard]] vector zeros(const std::vector<steering_vector>& vectors, coordinate_origin origin) const {
    vector out = vector::Zero(static_cast<Eigen::Index>(vectors.size()));
    for (std::size_t i = 0; i < vectors.size() && origin == coordinate_origin::midpoint; ++i) {
      const direction& v = vectors[i].directions.at(layer);
      if (v.origin.size() == 0) {
        throw argument_error(text({thing({"\"", vectors[i].name, "\""}), ": coordinates from the midpoint need ",
                                   expected("the vector's origin"), ", which it does not have at layer ", at_layer(layer)}));
      }
      const vector u = unit(v);
      out[static_cast<Eigen::Index>(i)] = u.dot(v.origin.cast<Real>());
    }
    return out;
  }

  [[nodiscard]] vector image(const diagonal_map& map) const {
    return map.scale.cast<Real>().cwiseProduct(h) + map.shift.cast<Real>();
  }
  [[nodiscard]] vector image(const dense_map& map) const {
    return map.linear.cast<Real>().lazyProduct(h) + map.shift.cast<Real>();
  }
  [[nodiscard]] vector image(const low_rank_map& map) const {
    const vector c = map.read.cast<Real>().lazyProduct(h) + map.shift.cast<Real>();
    return h + map.write.cast<Real>().transpose().lazyProduct(c);
  }
};

STEER_BODY void apply_edit(const operation& what, int layer, double entry_norm, Eigen::VectorXd& h) {
  const Eigen::VectorX<Real> before = h;
  h = std::visit(formula<Real>{layer, entry_norm, before}, dependent<Real>(what));
}

}  // namespace detail
}  // namespace v0
}  // namespace steer
