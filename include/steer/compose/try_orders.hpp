// steer/compose/try_orders.hpp: two edits in both orders, on rows along everything that they name.
#pragma once

#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "steer/compose/overlap.hpp"
#include "steer/core/error.hpp"
#include "steer/core/matrix.hpp"
#include "steer/recipe/edit.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

/// Collects the directions that an edit or a condition names, as unit rows, and the largest mean row norm.
struct named_directions {
  int layer;
  std::vector<Eigen::VectorXd> units = {};
  double size = 0.0;
  Eigen::Index width = 0;

  /// @throws shape_error if the parts of the edit have different widths
  void fit(Eigen::Index to) {
    if (width != 0 && width != to) {
      throw shape_error(text({"order_warnings: an edit at layer ", at_layer(layer), " has widths ", expected(width),
                              " and ", actual(to), "; expected the same"}));
    }
    width = to;
  }
  void take(const Eigen::VectorXd& row) {
    fit(row.size());
    if (row.norm() > 0.0) {
      units.push_back(row.normalized());
    }
  }
  void operator()(std::string_view, const steering_vector& v) {
    const auto here = v.directions.find(layer);
    if (here == v.directions.end()) {
      throw shape_error(text({"order_warnings: \"", v.name, "\" has no direction at layer ", at_layer(layer),
                              ", at which its edit acts"}));
    }
    take(unit(here->second));
    size = std::max(size, here->second.row_norm.value_or(0.0));
  }
  void operator()(std::string_view name, const std::vector<steering_vector>& vectors) {
    for (const steering_vector& v : vectors) {
      (*this)(name, v);
    }
  }
  void operator()(std::string_view, const plane& p) {
    take(p.first);
    take(p.second);
  }
  void operator()(std::string_view, const affine_map& map) {
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
  template <class Other, class... Domain>
  void operator()(std::string_view, const Other&, Domain...) {}
};

inline named_directions named_by(const edit& e, int layer) {
  named_directions out{layer};
  std::visit([&](const auto& op) { op.fields(op, out); }, e.operation);
  return out;
}

/// What one edit makes of its columns of a row, its gate open and its schedule at full weight.
/// @shape  entry, h [d], of which the edit takes `width` columns from `first` on
inline Eigen::VectorXd applied(const edit& e, int layer, Eigen::Index first, Eigen::Index width, const Eigen::VectorXd& entry,
                               Eigen::VectorXd h) {
  const double entry_norm = entry.segment(first, width).norm();
  Eigen::VectorXd own = h.segment(first, width);
  const double before = own.norm();
  std::visit(
      [&](const auto& op) {
        if constexpr (requires { op.resolved(std::vector<int>{layer}, std::string{}); }) {
          op.resolved(std::vector<int>{layer}, to_string(e)).apply(layer, entry_norm, own);
        } else {
          op.apply(layer, entry_norm, own);
        }
      },
      e.operation);
  h.segment(first, width) = own * e.norm.factor(before, own.norm());
  return h;
}

/// Calls `look(h, size)` with rows of norm `size` along everything that two name, and some between.
template <class Look>
void each_row_tried(const shared_row& row, const named_directions& a, const named_directions& b, Look look) {
  const double larger = std::max(a.size, b.size);
  const double size = larger > 0.0 ? larger : 1.0;
  std::vector<Eigen::VectorXd> rows;
  Eigen::VectorXd sum = Eigen::VectorXd::Zero(row.width);
  Eigen::VectorXd alternating = sum;
  for (const named_directions* named : {&a, &b}) {
    for (const Eigen::VectorXd& u : named->units) {
      Eigen::VectorXd along = Eigen::VectorXd::Zero(row.width);
      along.segment(named == &a ? row.first : row.second, named->width) = u;
      sum += along;
      alternating += rows.size() % 2 == 0 ? along : -along;
      rows.push_back(std::move(along));
    }
  }
  rows.push_back(sum);
  rows.push_back(alternating);
  Eigen::VectorXd everywhere(row.width);  // a component along everything, the same every time
  for (Eigen::Index j = 0; j < row.width; ++j) {
    everywhere[j] = std::cos(static_cast<double>(j * j + 1));
  }
  rows.push_back(everywhere);
  for (const Eigen::VectorXd& each : rows) {
    if (!(each.norm() > 1e-9)) {
      continue;
    }
    for (const double length : {size, -size}) {
      look(Eigen::VectorXd(each.normalized() * length), size);
    }
  }
}

/// The largest difference of the two orders at a layer, gates open, as a share of the row's norm.
inline double try_orders(const edit& a, const edit& b, int layer) {
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

/// By how much an edit moves at a layer what a condition of another's gate reads there, as a share of what it can read.
inline double gate_moved(const edit& gated, const condition& c, const edit& other, int layer) {
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
