// llama_steer/serve/coordinates.hpp: where tokens stand along the directions that presets watch.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>
#include <Eigen/Core>

#include "steer/core/hook.hpp"
#include "steer/core/model_shape.hpp"
#include "steer/inject/observations.hpp"
#include "steer/inject/session.hpp"
#include "steer/recipe/edit.hpp"
#include "steer/recipe/preset.hpp"
#include "steer/recipe/recipe.hpp"
#include "steer/serve/preset_library.hpp"
#include "steer/vector/direction.hpp"
#include "steer/vector/steering_vector.hpp"

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

/// The first direction that a recipe watches and of which it knows where both sides stand.
inline std::optional<steer::steering_vector> first_watched(const steer::recipe& in) {
  for (const steer::edit& e : in.edits()) {
    const auto* const watch = std::get_if<steer::watch_edit>(&e.operation);
    if (watch == nullptr) {
      continue;
    }
    for (const steer::steering_vector& v : watch->vectors) {
      const auto found = std::find_if(v.directions.begin(), v.directions.end(), [](const auto& each) { return each.second.origin.size() > 0; });
      if (found != v.directions.end()) {
        steer::steering_vector out = v;
        out.directions = {*found};
        return out;
      }
    }
  }
  return std::nullopt;
}

/// What the newest version of each preset watches.
inline watched_directions watched_by(const steer::preset_library& presets) {
  watched_directions out;
  std::set<std::string> names;
  for (const steer::preset_listing& each : presets.presets()) {
    names.insert(steer::parse_preset_reference(each.reference).name);
  }
  for (const std::string& name : names) {
    if (std::optional<steer::steering_vector> v = first_watched(presets.content(name)->content.recipe)) {
      const steer::direction& d = v->directions.begin()->second;
      out.names.push_back(name);
      out.scales.push_back({steer::unit(d).dot(d.origin.cast<double>()), d.values.cast<double>().norm() / 2.0});
      out.recipe.watch({std::move(*v)});
    }
  }
  return out;
}

/// A hook that reads coordinates where somebody asks for them.
class coordinate_reader {
 public:
  /// Between passes. Rows are read in the next ones, `rows` at most in each, of sequences below `sequences`.
  /// @throws as `steer::session`
  void watch(watched_directions what, const steer::model_shape& shape, std::size_t rows, std::size_t sequences) {
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

  [[nodiscard]] steer::access access(steer::site where) const noexcept { return is_read_ ? reader_.access(where) : steer::access::none; }
  void operator()(steer::site where, steer::rows<float> activations) noexcept { reader_(where, activations); }

 private:
  watched_directions what_;
  steer::observations seen_{{.capacity = 1, .coordinates = 1}};
  steer::session reader_{steer::plan()};
  bool is_read_ = false;
};
static_assert(steer::hook<coordinate_reader, float>);

}  // namespace llama_steer::serve
