// llama_steer/serve/coordinates.hpp: where tokens stand along the directions that presets watch.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>
#include <Eigen/Core>

#include "steer/core/hook.hpp"
#include "steer/core/model_shape.hpp"
#include "steer/inject/observations.hpp"
#include "steer/inject/routes.hpp"
#include "steer/inject/session.hpp"
#include "steer/recipe/edit.hpp"
#include "steer/recipe/recipe.hpp"
#include "steer/serve/preset_library.hpp"
#include "steer/vector/direction.hpp"

namespace llama_steer::serve {

/// By preset: -1 where texts without its behaviour stand on average, 1 where those with it do.
using token_coordinates = std::vector<std::pair<std::string, double>>;

/// What is watched: a direction for each preset that has one.
struct watched_directions {
  /// A coordinate is (u . h - centre) / half.
  struct scale {
    double centre = 0.0;
    double half = 1.0;
  };
  std::vector<std::string> names = {};
  std::vector<scale> scales = {};
  steer::recipe recipe = {};  ///< an edit each
};

/// Of each preset's newest version the first direction that it watches and of which it knows where both sides stand.
inline watched_directions watched_by(const steer::preset_library& presets) {
  watched_directions out;
  const auto find = [](const steer::recipe& in, steer::steering_vector& found) {
    for (const steer::edit& e : in.edits()) {
      if (const auto* const watch = std::get_if<steer::watch_edit>(&e.operation)) {
        for (const steer::steering_vector& v : watch->vectors) {
          for (const auto& [layer, direction] : v.directions) {
            if (direction.origin.size() > 0) {
              found = v;
              found.directions = {{layer, direction}};
              return true;
            }
          }
        }
      }
    }
    return false;
  };
  std::set<std::string> names;
  for (const steer::preset_listing& each : presets.presets()) {
    names.insert(each.reference.substr(0, each.reference.find('@')));
  }
  for (const std::string& name : names) {
    steer::steering_vector v;
    if (find(presets.content(name)->content.recipe, v)) {
      const steer::direction& d = v.directions.begin()->second;
      out.names.push_back(name);
      out.scales.push_back({steer::unit(d).dot(d.origin.cast<double>()), d.values.cast<double>().norm() / 2.0});
      out.recipe.watch({std::move(v)});
    }
  }
  return out;
}

/// Steers rows, and then reads them where somebody asks for that: one hook, so that a cached prefix stays what it is.
class steered_and_read {
 public:
  /// @param steers  outlives this
  explicit steered_and_read(const steer::routes& steers) noexcept : steers_(steers) {}

  /// Between passes. Rows are read in the next ones, `rows` at most in each, of sequences below `sequences`.
  void read(watched_directions what, const steer::model_shape& shape, std::size_t rows, std::size_t sequences) {
    what_ = std::move(what);
    seen_ = steer::observations({.capacity = rows * std::max<std::size_t>(what_.names.size(), 1), .coordinates = 1});
    reader_ = steer::session(what_.recipe, shape, {.sequences = static_cast<std::int32_t>(sequences)}, {.models = steer::model_check::any});
    reader_.observe(&seen_);
  }
  /// Between passes.
  void begin_pass(bool is_read) noexcept {
    is_read_ = is_read;
    seen_.clear();
  }

  /// Of a row of the last pass, by name; nothing if it was not read.
  [[nodiscard]] token_coordinates of(std::int32_t sequence, std::int32_t position) const {
    token_coordinates out;
    for (std::size_t i = 0; i < seen_.size(); ++i) {
      if (const steer::observation& each = seen_[i]; each.sequence == sequence && each.position == position && each.stream == 0) {
        const auto [centre, half] = what_.scales[each.edit];
        out.emplace_back(what_.names[each.edit], (static_cast<double>(seen_.coordinates(i).front()) - centre) / half);
      }
    }
    std::sort(out.begin(), out.end());
    return out;
  }

  [[nodiscard]] steer::access access(steer::site where) const noexcept {
    return std::max(steers_.access(where), is_read_ ? reader_.access(where) : steer::access::none);
  }
  void operator()(steer::site where, steer::rows<float> activations) noexcept {
    if (steers_.access(where) != steer::access::none) {
      steers_(where, activations);
    }
    if (is_read_ && reader_.access(where) != steer::access::none) {
      reader_(where, activations);
    }
  }
  void require_fit(const steer::model_shape& host) const { steers_.require_fit(host); }

 private:
  const steer::routes& steers_;
  watched_directions what_;
  steer::observations seen_{{.capacity = 1, .coordinates = 1}};
  steer::session reader_{steer::plan()};
  bool is_read_ = false;
};
static_assert(steer::hook<steered_and_read, float>);

}  // namespace llama_steer::serve
