// tests/inject/naive_formula.hpp: what each edit does to a row, in double, written a second time from its documentation.
//
// Only the data of the edits is used; where the library has formulas of its own, Eigen's decompositions stand here.
#pragma once

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <variant>
#include <vector>

#include "steer/recipe/edit.hpp"

namespace toy {

using Eigen::Index;
using Eigen::VectorXd;

/// What a step reads of a row, decides by it and writes, noted as it happens. One reading can be made to slip, which shows
/// what an error of it does.
struct observer {
  enum class kind : std::uint8_t { coordinate, norm, latched };
  struct reading {
    observer::kind kind;
    double value;
    double reach;         // at most so much of a row's error becomes one of the reading
    double beside = 0.0;  // sizes of the numbers that it is compared with
  };

  std::ptrdiff_t slipping = -1;  // which reading
  double slip = 0.0;
  std::vector<reading> readings = {};
  std::size_t asked = 0;               // readings of the gate, which come first
  std::vector<bool> sides = {};        // of the hard thresholds
  bool vague = false;  // "but for rounding" decides, and the documentation does not say how much that is
  double share = 0.0;                  // of the edit, that the row receives
  std::vector<VectorXd> written = {};  // the rows that the move is made of
  VectorXd unscaled = {};              // the columns before their length is corrected; empty if nothing acts
  double largest = 0.0;                // norm on the way

  double along(const VectorXd& direction, const VectorXd& h) {
    return take(kind::coordinate, direction.dot(h), direction.norm());
  }
  double norm(const VectorXd& h) { return take(kind::norm, h.norm(), 1.0); }
  double latched(double share_then) { return take(kind::latched, share_then, 0.0); }
  double against(double number) {
    readings.back().beside += std::abs(number);
    return number;
  }
  bool side(bool which) {
    sides.push_back(which);
    return which;
  }
  const VectorXd& passes(const VectorXd& h) {
    largest = std::max(largest, h.norm());
    return h;
  }

 private:
  double take(observer::kind what, double value, double reach) {
    const bool slips = static_cast<std::ptrdiff_t>(readings.size()) == slipping;
    readings.push_back({what, value, reach});
    return slips ? value + slip : value;
  }
};

inline VectorXd unit_of(const steer::steering_vector& v, int layer) {
  return v.directions.at(layer).values.cast<double>().normalized();
}

/// What a strength of 1 is along the unit direction; of a row of norm 1 for `of_row_norm`.
inline double naive_size(steer::strength_unit unit, const steer::direction& v) {
  switch (unit) {
    case steer::strength_unit::raw: return v.values.cast<double>().norm();
    case steer::strength_unit::of_norm: return v.row_norm.value();
    case steer::strength_unit::sigma: return v.spread.value();
    default: return 1.0;
  }
}

/// The edits' formulas, ungated: h' of the columns h.
struct naive_formula {
  int layer;
  double entry_norm;
  const VectorXd& h;
  observer& see;

  VectorXd operator()(const steer::add_edit& e) const {
    const steer::direction& v = e.vector.directions.at(layer);
    const steer::strength_unit unit =
        e.unit.value_or(v.row_norm ? steer::strength_unit::of_norm : steer::strength_unit::raw);
    double dose = static_cast<double>(e.strength) * naive_size(unit, v);
    if (unit == steer::strength_unit::of_row_norm) {
      dose *= std::isinf(e.cap) ? entry_norm : std::min(entry_norm, static_cast<double>(e.cap) * v.row_norm.value());
    }
    return h + dose * writes(unit_of(e.vector, layer));
  }

  VectorXd operator()(const steer::ablate_edit& e) const {
    const VectorXd u = writes(unit_of(e.vector, layer));
    return h - static_cast<double>(e.share) * see.along(u, h) * u;
  }

  VectorXd operator()(const steer::bound_edit& e) const {
    // The shortest move with V move + sqrt(ridge) slack = wanted is Vᵀ (V Vᵀ + ridge)⁻¹ wanted.
    const auto k = static_cast<Index>(e.vectors.size());
    Eigen::MatrixXd rows(k, h.size() + k);
    rows.rightCols(k) = std::sqrt(static_cast<double>(e.ridge)) * Eigen::MatrixXd::Identity(k, k);
    VectorXd wanted(k);
    for (Index i = 0; i < k; ++i) {
      const auto which = static_cast<std::size_t>(i);
      const steer::direction& v = e.vectors[which].directions.at(layer);
      const VectorXd u = writes(unit_of(e.vectors[which], layer));
      const bool midpoint = e.origin == steer::coordinate_origin::midpoint;
      const double c = see.along(u, h) - see.against(midpoint ? u.dot(v.origin.cast<double>()) : 0.0);
      const double size = naive_size(e.unit, v);
      const double target =
          std::clamp(c, static_cast<double>(e.low[which]) * size, static_cast<double>(e.high[which]) * size);
      wanted[i] = see.against(target) - c;
      rows.row(i).head(h.size()) = u.transpose();
    }
    return h + rows.completeOrthogonalDecomposition().solve(wanted).head(h.size());
  }

  VectorXd operator()(const steer::erase_edit& e) const {
    const auto k = static_cast<Index>(e.read.size());
    Eigen::MatrixXd read(k, h.size());
    Eigen::MatrixXd write(k, h.size());
    VectorXd c(k);
    for (Index i = 0; i < k; ++i) {
      const auto which = static_cast<std::size_t>(i);
      const VectorXd w = unit_of(e.read[which], layer);
      const VectorXd origin = e.read[which].directions.at(layer).origin.cast<double>();
      c[i] = see.along(w, h) - see.against(e.origin == steer::coordinate_origin::midpoint ? w.dot(origin) : 0.0);
      read.row(i) = w.transpose();
      write.row(i) = writes(unit_of(e.write[which], layer)).transpose();
    }
    return h - write.transpose() * Eigen::FullPivLU<Eigen::MatrixXd>(read * write.transpose()).solve(c);
  }

  VectorXd operator()(const steer::angle_edit& e) const {
    const auto [a, b] = in(e.plane);
    const double theta = e.angle;
    return h + (std::hypot(a, b) * std::cos(theta) - a) * e.plane.first +
           (std::hypot(a, b) * std::sin(theta) - b) * e.plane.second;
  }

  VectorXd operator()(const steer::rotate_edit& e) const {
    const auto [a, b] = in(e.plane);
    const Eigen::Vector2d turned = Eigen::Rotation2Dd(static_cast<double>(e.angle)) * Eigen::Vector2d(a, b);
    return h + (turned[0] - a) * e.plane.first + (turned[1] - b) * e.plane.second;
  }

  VectorXd operator()(const steer::towards_edit& e) const {
    const VectorXd u = writes(unit_of(e.vector, layer));
    const double c = see.along(u, h);
    const double norm = see.norm(h);
    const double cosine = norm > 0.0 ? std::clamp(c / norm, -1.0, 1.0) : 1.0;
    const double angle = std::acos(cosine);
    if (norm == 0.0 || !see.side(angle < std::acos(-1.0) - 0.03)) {
      return h;
    }
    // The part of h across u has the length |h| sin(angle).
    const double left = (1.0 - static_cast<double>(e.share)) * angle;
    const double across = angle > 1e-9 ? std::sin(left) / std::sin(angle) : 1.0 - static_cast<double>(e.share);
    return norm * std::cos(left) * u + across * (h - c * u);
  }

  VectorXd operator()(const steer::transform_edit& e) const {
    const VectorXd mapped = std::visit([this](const auto& map) { return mapped_by(map); }, e.map);
    return (1.0 - static_cast<double>(e.share)) * h + static_cast<double>(e.share) * mapped;
  }

  VectorXd operator()(const steer::watch_edit&) const { return h; }

 private:
  const VectorXd& writes(const VectorXd& row) const { return see.written.emplace_back(row); }
  std::pair<double, double> in(const steer::plane& plane) const {
    return {see.along(writes(plane.first), h), see.along(writes(plane.second), h)};
  }
  VectorXd mapped_by(const steer::diagonal_map& map) const {
    return map.scale.cast<double>().cwiseProduct(h) + map.shift.cast<double>();
  }
  VectorXd mapped_by(const steer::dense_map& map) const {
    return map.linear.cast<double>() * h + map.shift.cast<double>();
  }
  VectorXd mapped_by(const steer::low_rank_map& map) const {
    VectorXd out = h;
    for (Index i = 0; i < map.read.rows(); ++i) {
      const VectorXd read = map.read.row(i).transpose().cast<double>();
      const double c = see.along(read, h) + see.against(static_cast<double>(map.shift[i]));
      out += c * writes(map.write.row(i).transpose().cast<double>());
    }
    return out;
  }
};

}  // namespace toy
