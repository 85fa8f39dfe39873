// steer/compose/order.hpp: warnings where the order of a recipe's edits matters.
#pragma once

#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <iterator>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "steer/core/error.hpp"
#include "steer/core/matrix.hpp"
#include "steer/recipe/recipe.hpp"

namespace steer {
inline namespace v0 {

/// Two edits of a recipe that do not commute.
struct order_warning {
  std::size_t first = 0;  ///< places in the recipe
  std::size_t second = 0;
  int layer = 0;            ///< where the order matters most
  double difference = 0.0;  ///< of what both orders make of a row, as a share of its norm; the largest found
  std::string text = {};
};

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
  std::visit(
      [&](const auto& op) {
        if constexpr (requires { op.resolved(std::vector<int>{layer}, std::string{}); }) {
          op.resolved(std::vector<int>{layer}, to_string(e)).apply(layer, entry_norm, h);
        } else {
          op.apply(layer, entry_norm, h);
        }
      },
      e.operation);
  return h;
}

/// The largest difference of the two orders over rows along everything that the edits name, and some between.
inline double order_difference(const edit& a, const edit& b, int layer) {
  named_directions named{layer};
  for (const edit* e : {&a, &b}) {
    std::visit([&](const auto& op) { op.fields(op, named); }, e->operation);
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
  double worst = 0.0;
  for (const Eigen::VectorXd& row : rows) {
    if (!(row.norm() > 1e-9)) {
      continue;
    }
    for (const double length : {size, -size}) {
      const Eigen::VectorXd h = row.normalized() * length;
      const Eigen::VectorXd one = applied(b, layer, size, applied(a, layer, size, h));
      const Eigen::VectorXd other = applied(a, layer, size, applied(b, layer, size, h));
      worst = std::max(worst, (one - other).norm() / size);
    }
  }
  return worst;
}

}  // namespace detail

/// The pairs of edits whose order matters, the first layer at which it matters most, and by how much.
///
/// Both orders are tried on rows along every direction that the two edits name, at the mean row norm (or 1 where it is
/// unknown). For edits that are affine and of low rank this finds every pair; a pair of other edits may be missed where
/// it commutes on those rows. Gates count as open and schedules as full, norm modes are not looked at; edits in
/// different phases do not meet.
///
/// @throws shape_error if a vector has no direction at a layer where its edit acts, or edits that meet have different
///         widths; argument_error if an addition's unit needs what its vector lacks
/// @cost   O(m² L k² d) for m edits
inline std::vector<order_warning> order_warnings(const recipe& edits) {
  std::vector<order_warning> out;
  const std::vector<edit>& all = edits.edits();
  for (std::size_t i = 0; i < all.size(); ++i) {
    for (std::size_t j = i + 1; j < all.size(); ++j) {
      if (!detail::may_meet(all[i], all[j])) {
        continue;
      }
      order_warning found{i, j};
      for (const int layer : detail::shared_layers(all[i], all[j])) {
        const double difference = detail::order_difference(all[i], all[j], layer);
        if (difference > found.difference) {
          found.layer = layer;
          found.difference = difference;
        }
      }
      constexpr double noticed = 1e-6;  // directions are floats
      if (found.difference > noticed) {
        const bool both_scale = std::holds_alternative<scale_edit>(all[i].operation) &&
                                std::holds_alternative<scale_edit>(all[j].operation);
        found.text = detail::text("edits ", i, " (", to_string(all[i]), ") and ", j, " (", to_string(all[j]),
                                  ") do not commute: at layer ", found.layer,
                                  ", which of them comes first changes a row by up to ", found.difference,
                                  " of its norm", both_scale ? "; recipe::set ablates directions jointly" : "");
        out.push_back(std::move(found));
      }
    }
  }
  return out;
}

}  // namespace v0
}  // namespace steer
