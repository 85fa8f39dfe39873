// steer/compose/overlap.hpp: where two edits meet: at which layers, in which rows, in which columns.
#pragma once

#include <Eigen/Core>
#include <algorithm>
#include <iterator>
#include <optional>
#include <set>

#include "steer/core/error.hpp"
#include "steer/core/rows.hpp"
#include "steer/core/site.hpp"
#include "steer/recipe/edit.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

/// What an edit acts on, or what its gate reads.
struct reach {
  steer::point point;
  std::optional<int> head;            ///< empty: the whole row
  std::optional<steer::phase> phase;  ///< empty: both
};

inline reach reach_of(const edit& e) {
  return {point_of(e), e.head, e.gate.latched() ? phase::generation : e.rows.phase};
}

/// What a condition of the edit's gate reads: the row that the edit finds, or the prompt's last row, perhaps elsewhere.
inline reach reach_of(const edit& e, const condition& c) {
  const bool in_heads = c.vector.point == point::attention_heads;
  return {c.vector.point, in_heads ? e.head : std::nullopt, e.gate.latched() ? phase::prompt : e.rows.phase};
}

/// Whether there may be a row of which both see a column: a head lies in the whole row, and beside other heads.
inline bool may_meet(const reach& a, const reach& b) {
  return a.point == b.point && !(a.head && b.head && *a.head != *b.head) && !(a.phase && b.phase && *a.phase != *b.phase);
}

/// Layers; empty: all of a model that is not known here.
using some_layers = std::optional<std::set<int>>;

/// The layers at which an edit acts.
inline some_layers layers_of(const edit& e) {
  if (!e.layers.empty()) {
    return std::set<int>(e.layers.begin(), e.layers.end());
  }
  some_layers found;
  each_vector_of(e.operation, [&](const steering_vector& v) {
    std::set<int> here;
    for (const auto& [layer, direction] : v.directions) {
      if (!found || found->contains(layer)) {
        here.insert(layer);
      }
    }
    found = here;
  });
  return found;
}

/// The layers at which a condition of the edit's gate is read.
inline some_layers layers_of(const edit& e, const condition& c) {
  std::set<int> out;
  const some_layers own = e.gate.layer ? std::set<int>{*e.gate.layer} : layers_of(e);
  for (const auto& [layer, direction] : c.vector.directions) {
    if (!own || own->contains(layer)) {
      out.insert(layer);
    }
  }
  return out;
}

inline some_layers in_both(const some_layers& a, const some_layers& b) {
  if (!a || !b) {
    return a ? a : b;
  }
  std::set<int> out;
  std::set_intersection(a->begin(), a->end(), b->begin(), b->end(), std::inserter(out, out.end()));
  return out;
}

/// A row in which two stand, each in columns of its own.
struct shared_row {
  Eigen::Index width;
  Eigen::Index first;   ///< column of the first
  Eigen::Index second;  ///< column of the second
};

/// @param a_width, b_width  of the rows that each takes: the whole, or one head of it
/// @throws shape_error if the widths do not fit in one row
inline shared_row row_of(int layer, const reach& a, Eigen::Index a_width, const reach& b, Eigen::Index b_width) {
  if (a.head == b.head) {
    if (a_width != b_width) {
      throw shape_error(text({"order_warnings: edits at layer ", at_layer(layer), " have widths ", expected(a_width),
                              " and ", actual(b_width), "; expected the same"}));
    }
    return {a_width, 0, 0};
  }
  const int head = a.head ? *a.head : *b.head;
  const Eigen::Index count = a.head ? a_width : b_width;
  const Eigen::Index width = a.head ? b_width : a_width;
  const Eigen::Index column = head * count;
  if (width % count != 0 || column + count > width) {
    throw shape_error(text({"order_warnings: edits at layer ", at_layer(layer), " take ",
                            actual({"head ", head, " of width ", count}), " and a row of width ", width, "; expected ",
                            expected("a head of that row")}));
  }
  return a.head ? shared_row{width, column, 0} : shared_row{width, 0, column};
}

}  // namespace detail
}  // namespace v0
}  // namespace steer
