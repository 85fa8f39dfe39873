// steer/compose/try_orders.hpp: two edits in both orders, on rows along everything that they name.
#pragma once

#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <iterator>
#include <limits>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "steer/core/error.hpp"
#include "steer/core/matrix.hpp"
#include "steer/recipe/edit.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

/// Collects the directions that an edit names, as unit rows, and the largest mean row norm.
struct named_directions {
  int layer;
  std::vector<Eigen::VectorXd> units = {};
  double size = 0.0;
  Eigen::Index width = 0;

  /// @throws shape_error if the edits act on rows of different widths
  void fit(Eigen::Index to) {
    if (width != 0 && width != to) {
      throw shape_error(
          text("order_warnings: edits at layer ", layer, " have widths ", width, " and ", to, "; expected the same"));
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
      throw shape_error(
          text("order_warnings: \"", v.name, "\" has no direction at layer ", layer, ", at which its edit acts"));
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

/// The layers at which an edit acts; empty if at all of a model that is not known here.
inline std::set<int> layers_of(const edit& e) {
  if (!e.layers.empty()) {
    return {e.layers.begin(), e.layers.end()};
  }
  std::optional<std::set<int>> found;
  each_vector_of(e.operation, [&](const steering_vector& v) {
    std::set<int> here;
    for (const auto& [layer, direction] : v.directions) {
      if (!found || found->contains(layer)) {
        here.insert(layer);
      }
    }
    found = here;
  });
  return found.value_or(std::set<int>{});
}

inline bool has_vectors(const edit& e) {
  bool found = false;
  each_vector_of(e.operation, [&](const steering_vector&) { found = true; });
  return found;
}

/// The layers at which both act; {0} for two that act everywhere.
inline std::vector<int> shared_layers(const edit& a, const edit& b) {
  const bool a_everywhere = a.layers.empty() && !has_vectors(a);
  const bool b_everywhere = b.layers.empty() && !has_vectors(b);
  if (a_everywhere && b_everywhere) {
    return {0};
  }
  const std::set<int> left = a_everywhere ? layers_of(b) : layers_of(a);
  const std::set<int> right = b_everywhere ? left : layers_of(b);
  std::vector<int> out;
  std::set_intersection(left.begin(), left.end(), right.begin(), right.end(), std::back_inserter(out));
  return out;
}

inline bool may_meet(const edit& a, const edit& b) {
  return point_of(a) == point_of(b) && a.head == b.head &&
         !(a.rows.phase && b.rows.phase && *a.rows.phase != *b.rows.phase);
}

/// What one edit makes of a row, its gate open and its schedule at full weight.
inline Eigen::VectorXd applied(const edit& e, int layer, double entry_norm, Eigen::VectorXd h) {
  const double before = h.norm();
  std::visit(
      [&](const auto& op) {
        if constexpr (requires { op.resolved(std::vector<int>{layer}, std::string{}); }) {
          op.resolved(std::vector<int>{layer}, to_string(e)).apply(layer, entry_norm, h);
        } else {
          op.apply(layer, entry_norm, h);
        }
      },
      e.operation);
  return h * e.norm.factor(before, h.norm());
}

/// The number that a condition reads, NaN where its vector has no direction.
inline double read_by(const condition& c, int layer, const Eigen::VectorXd& h) {
  const auto here = c.vector.directions.find(layer);
  if (here == c.vector.directions.end() || here->second.values.size() != h.size()) {
    return std::numeric_limits<double>::quiet_NaN();
  }
  const double along = unit(here->second).dot(h);
  return c.reading == reading::projection ? along : along / std::max(h.norm(), std::numeric_limits<double>::min());
}

/// By how much one edit moves what another's gate reads, as a share of what it can read. A gate that reads elsewhere is
/// not moved.
inline double gate_moved(const edit& gated, const edit& other, int layer, double size, const Eigen::VectorXd& h) {
  double most = 0.0;
  if (gated.gate.layer) {
    return most;
  }
  for (const condition& c : gated.gate.conditions) {
    const double moved = std::abs(read_by(c, layer, applied(other, layer, size, h)) - read_by(c, layer, h));
    if (!std::isnan(moved)) {
      most = std::max(most, c.reading == reading::projection ? moved / size : moved);
    }
  }
  return most;
}

/// The largest differences over the rows tried.
struct order_effect {
  double difference = 0.0;  ///< of the two orders, gates open
  double first_gate = 0.0;  ///< see `gate_moved`
  double second_gate = 0.0;
};

/// Tries rows along everything that the edits and their gates name, and some between.
inline order_effect try_orders(const edit& a, const edit& b, int layer) {
  named_directions named{layer};
  for (const edit* e : {&a, &b}) {
    std::visit([&](const auto& op) { op.fields(op, named); }, e->operation);
    for (const condition& c : e->gate.conditions) {
      if (c.vector.directions.contains(layer) && c.vector.width() == named.width) {
        named.take(unit(c.vector.directions.at(layer)));
      }
    }
  }
  const double size = named.size > 0.0 ? named.size : 1.0;
  Eigen::VectorXd sum = Eigen::VectorXd::Zero(named.width);
  Eigen::VectorXd alternating = sum;
  std::vector<Eigen::VectorXd> rows;
  for (std::size_t i = 0; i < named.units.size(); ++i) {
    rows.push_back(named.units[i]);
    sum += named.units[i];
    alternating += i % 2 == 0 ? named.units[i] : -named.units[i];
  }
  rows.push_back(sum);
  rows.push_back(alternating);
  Eigen::VectorXd everywhere(named.width);  // a component along everything, the same every time
  for (Eigen::Index j = 0; j < named.width; ++j) {
    everywhere[j] = std::cos(static_cast<double>(j * j + 1));
  }
  rows.push_back(everywhere);
  order_effect out;
  for (const Eigen::VectorXd& row : rows) {
    if (!(row.norm() > 1e-9)) {
      continue;
    }
    for (const double length : {size, -size}) {
      const Eigen::VectorXd h = row.normalized() * length;
      const Eigen::VectorXd one = applied(b, layer, size, applied(a, layer, size, h));
      const Eigen::VectorXd other = applied(a, layer, size, applied(b, layer, size, h));
      out.difference = std::max(out.difference, (one - other).norm() / size);
      out.first_gate = std::max(out.first_gate, gate_moved(a, b, layer, size, h));
      out.second_gate = std::max(out.second_gate, gate_moved(b, a, layer, size, h));
    }
  }
  return out;
}

}  // namespace detail
}  // namespace v0
}  // namespace steer
