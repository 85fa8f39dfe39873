// steer/inject/term.hpp: what one edit does at one site, every name resolved to numbers.
#pragma once

#include <Eigen/Core>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "steer/core/matrix.hpp"
#include "steer/core/site.hpp"
#include "steer/inject/form.hpp"
#include "steer/inject/plan_options.hpp"
#include "steer/recipe/recipe.hpp"

namespace steer {
inline namespace v0 {

namespace detail {

/// Neighbouring columns of a row: all of them, or a head's.
struct columns {
  std::ptrdiff_t first = 0;
  std::ptrdiff_t count = 0;

  bool operator==(const columns&) const = default;
  [[nodiscard]] bool overlap(const columns& other) const noexcept {
    return first < other.first + other.count && other.first < first + count;
  }
};

/// One edit at one site, in double; or the reading of its latched gate.
struct term {
  std::size_t edit = 0;  ///< its place in the recipe
  std::string who = {};  ///< the edit, for messages
  std::shared_ptr<const steer::form> form = {};  ///< one for all layers where it is the same for all
  schedule rows = {};
  steer::gate gate = {};           ///< its vectors taken out
  matrix<double> asked = {};       ///< the gate's unit directions, one for each condition
  norm_mode norm = {};
  columns where = {};
  std::ptrdiff_t latch = -1;       ///< where a latched gate keeps its state
  bool sets_latch = false;         ///< only reads the gate, for others
  std::uint64_t passages = 0;      ///< of the program, a bit each: those of the schedule
};

}  // namespace detail
}  // namespace v0
}  // namespace steer
