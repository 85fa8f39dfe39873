// steer/compose/try_orders.ipp: the bodies of try_orders.hpp.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <string>
#include <string_view>
#include <variant>
#include <vector>
#include <Eigen/Core>

#include "steer/compose/apply_edit.hpp"
#include "steer/compose/overlap.hpp"
#include "steer/compose/try_orders.hpp"
#include "steer/core/error.hpp"
#include "steer/core/matrix.hpp"
#include "steer/core/real.hpp"
#include "steer/recipe/edit.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

STEER_BODY void named_directions::fit(Eigen::Index to) {
  if (width != 0 && width != to) {
    throw shape_error(text({"order_warnings: an edit at layer ", at_layer(layer), " has widths ", expected(width),
                            " and ", actual(to), "; expected the same"}));
  }
  width = to;
}

STEER_BODY void named_directions::take(const Eigen::VectorXd& row) {
  fit(row.size());
  if (row.norm() > 0.0) {
    units.push_back(row.normalized());
  }
}

STEER_BODY void named_directions::operator()(std::string_view, const steering_vector& v) {
  const auto here = v.directions.find(layer);
  if (here == v.directions.end()) {
    throw shape_error(text({"order_warnings: \"", v.name, "\" has no direction at layer ", at_layer(layer),
                            ", at which its edit acts"}));
  }
  take(unit(here->second));
  size = std::max(size, here->second.row_norm.value_or(0.0));
}

STEER_BODY void named_directions::operator()(std::string_view name, const std::vector<steering_vector>& vectors) {
  for (const steering_vector& v : vectors) {
    (*this)(name, v);
  }
}

STEER_BODY void named_directions::operator()(std::string_view, const plane& p) {
  take(p.first);
  take(p.second);
}

STEER_BODY void named_directions::operator()(std::string_view, const affine_map& map) {
  fit(steer::width(map));
  if (const auto* low_rank = std::get_if<low_rank_map>(&map)) {
    for (const matrix<float>* rows : {&low_rank->read, &low_rank->write}) {
      for (Eigen::Index i = 0; i < rows->rows(); ++i) {
        take(rows->row(i).cast<double>().transpose());
      }
    }
  } else {  // which directions matter is not named: a few of the axes
    for (Eigen::Index i = 0; i < std::min<Eigen::Index>(8, width); ++i) {
      take(Eigen::VectorXd::Unit(width, i));
    }
  }
}

STEER_BODY named_directions named_by(const edit& e, int layer) {
  named_directions out{layer};
  std::visit([&](const auto& op) { op.fields(op, out); }, e.operation);
  return out;
}

STEER_BODY Eigen::VectorXd applied(const edit& e, int layer, Eigen::Index first, Eigen::Index width, const Eigen::VectorXd& entry,
                               Eigen::VectorXd h) {
  const double entry_norm = entry.segment(first, width).norm();
  Eigen::VectorXd own = h.segment(first, width);
  const double before = own.norm();
  apply_edit(e.operation, layer, entry_norm, own);
  h.segment(first, width) = own * e.where.norm.factor(before, own.norm());
  return h;
}

STEER_BODY double try_orders(const edit& a, const edit& b, int layer) {
  const named_directions in_a = named_by(a, layer);
  const named_directions in_b = named_by(b, layer);
  const shared_row row = row_of(layer, reach_of(a), in_a.width, reach_of(b), in_b.width);
  double most = 0.0;
  each_row_tried(row, in_a, in_b, [&](const Eigen::VectorXd& h, double size) {
    const auto by_a = [&](const Eigen::VectorXd& now) { return applied(a, layer, row.first, in_a.width, h, now); };
    const auto by_b = [&](const Eigen::VectorXd& now) { return applied(b, layer, row.second, in_b.width, h, now); };
    most = std::max(most, (by_b(by_a(h)) - by_a(by_b(h))).norm() / size);
  });
  return most;
}

STEER_BODY double gate_moved(const edit& gated, const condition& c, const edit& other, int layer) {
  named_directions asked{layer};
  asked("gate vector", c.vector);
  const named_directions moved = named_by(other, layer);
  const shared_row row = row_of(layer, reach_of(gated, c), asked.width, reach_of(other), moved.width);
  const auto read = [&](const Eigen::VectorXd& h) {
    const auto own = h.segment(row.first, asked.width);
    const double along = asked.units.front().dot(own);
    return c.reading == reading::projection ? along : along / std::max(own.norm(), std::numeric_limits<double>::min());
  };
  double most = 0.0;
  each_row_tried(row, asked, moved, [&](const Eigen::VectorXd& h, double size) {
    const double change = std::abs(read(applied(other, layer, row.second, moved.width, h, h)) - read(h));
    most = std::max(most, c.reading == reading::projection ? change / size : change);
  });
  return most;
}

}  // namespace detail
}  // namespace v0
}  // namespace steer
