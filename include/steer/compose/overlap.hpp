// steer/compose/overlap.hpp: where two edits meet: at which layers, in which rows, in which columns.
#pragma once

#include <optional>
#include <set>
#include <Eigen/Core>

#include "steer/core/linkage.hpp"
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

STEER_API reach reach_of(const edit& e);

/// What a condition of the edit's gate reads: the row that the edit finds, or the prompt's last row, perhaps elsewhere.
STEER_API reach reach_of(const edit& e, const condition& c);

/// Whether there may be a row of which both see a column: a head lies in the whole row, and beside other heads.
STEER_API bool may_meet(const reach& a, const reach& b);

/// Layers; empty: all of a model that is not known here.
using some_layers = std::optional<std::set<int>>;

/// The layers at which an edit acts.
STEER_API some_layers layers_of(const edit& e);

/// The layers at which a condition of the edit's gate is read.
STEER_API some_layers layers_of(const edit& e, const condition& c);

STEER_API some_layers in_both(const some_layers& a, const some_layers& b);

/// A row in which two stand, each in columns of its own.
struct shared_row {
  Eigen::Index width;
  Eigen::Index first;   ///< column of the first
  Eigen::Index second;  ///< column of the second
};

/// @param a_width, b_width  of the rows that each takes: the whole, or one head of it
/// @throws shape_error if the widths do not fit in one row
STEER_API shared_row row_of(int layer, const reach& a, Eigen::Index a_width, const reach& b, Eigen::Index b_width);

}  // namespace detail
}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/compose/overlap.ipp"
#endif
