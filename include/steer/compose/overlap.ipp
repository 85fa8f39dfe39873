// steer/compose/overlap.ipp: the bodies of overlap.hpp.
#pragma once

#include <algorithm>
#include <iterator>
#include <optional>
#include <set>
#include <Eigen/Core>

#include "steer/compose/overlap.hpp"
#include "steer/core/error.hpp"
#include "steer/core/real.hpp"
#include "steer/core/rows.hpp"
#include "steer/core/site.hpp"
#include "steer/recipe/edit.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

STEER_BODY reach reach_of(const edit& e) {
  return {point_of(e), e.where.head, e.where.gate.latched() ? phase::generation : e.where.rows.phase};
}

STEER_BODY reach reach_of(const edit& e, const condition& c) {
  const bool in_heads = c.vector.point == point::attention_heads;
  return {c.vector.point, in_heads ? e.where.head : std::nullopt, e.where.gate.latched() ? phase::prompt : e.where.rows.phase};
}

STEER_BODY bool may_meet(const reach& a, const reach& b) {
  return a.point == b.point && !(a.head && b.head && *a.head != *b.head) && !(a.phase && b.phase && *a.phase != *b.phase);
}

STEER_BODY some_layers layers_of(const edit& e) {
  if (!e.where.layers.empty()) {
    return std::set<int>(e.where.layers.begin(), e.where.layers.end());
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

STEER_BODY some_layers layers_of(const edit& e, const condition& c) {
  std::set<int> out;
  const some_layers own = e.where.gate.layer ? std::set<int>{*e.where.gate.layer} : layers_of(e);
  for (const auto& [layer, direction] : c.vector.directions) {
    if (!own || own->contains(layer)) {
      out.insert(layer);
    }
  }
  return out;
}

STEER_BODY some_layers in_both(const some_layers& a, const some_layers& b) {
  if (!a || !b) {
    return a ? a : b;
  }
  std::set<int> out;
  std::set_intersection(a->begin(), a->end(), b->begin(), b->end(), std::inserter(out, out.end()));
  return out;
}

STEER_BODY shared_row row_of(int layer, const reach& a, Eigen::Index a_width, const reach& b, Eigen::Index b_width) {
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
