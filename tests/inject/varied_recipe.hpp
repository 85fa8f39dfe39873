// tests/inject/varied_recipe.hpp: random recipes whose edits meet each other, at one point and along the same vectors.
#pragma once

#include <Eigen/Core>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <random>
#include <utility>
#include <variant>

#include "inject/random_recipe.hpp"
#include "steer/recipe/recipe.hpp"

namespace toy {

/// Gives edits what random recipes leave out: vectors that come again, so that something is removed or reached exactly;
/// layers by the vectors, the default unit, no cap, gates that read another point.
class variation {
 public:
  explicit variation(std::mt19937_64& engine) : engine_(engine) {}

  steer::edit operator()(steer::edit e) {
    if (auto* add = std::get_if<steer::add_edit>(&e.operation)) {
      if (one_of(4)) {
        add->unit.reset();
      } else if (one_of(4)) {
        add->cap = std::numeric_limits<float>::infinity();
      }
      share(add->vector);
      if (!add->unit && one_of(2)) {
        for (auto& [layer, direction] : add->vector.directions) {
          direction.row_norm.reset();
        }
      }
    } else if (auto* ablate = std::get_if<steer::ablate_edit>(&e.operation)) {
      share(ablate->vector);
      ablate->share = one_of(3) ? static_cast<float>(1 + engine_() % 2) : ablate->share;
    } else if (auto* towards = std::get_if<steer::towards_edit>(&e.operation)) {
      share(towards->vector);
      towards->share = one_of(4) ? 1.0F : towards->share;
    } else if (auto* bound = std::get_if<steer::bound_edit>(&e.operation)) {
      share(bound->vectors.front());
    }
    for (steer::condition& c : e.where.gate.conditions) {
      share(c.vector);
      if (e.where.gate.layer && one_of(2) && (e.where.head || point_of(e) != steer::point::attention_heads)) {
        c.vector.point = steer::point::mlp_out;
      }
    }
    if (e.where.gate.layer) {
      for (steer::condition& c : e.where.gate.conditions) {
        c.vector.point = e.where.gate.conditions.front().vector.point;
      }
    }
    if (e.where.layers.size() == 2 && one_of(2)) {
      e.where.layers.clear();
      if (auto* bound = std::get_if<steer::bound_edit>(&e.operation); bound != nullptr && one_of(2)) {
        bound->vectors.back().directions.erase(1);
      } else if (auto* ablate = std::get_if<steer::ablate_edit>(&e.operation); ablate != nullptr && one_of(2)) {
        ablate->vector.directions.erase(0);
      }
    }
    return e;
  }

 private:
  [[nodiscard]] bool one_of(std::uint64_t n) const { return engine_() % n == 0; }
  void share(steer::steering_vector& v) {
    steer::steering_vector& known = known_.try_emplace({v.point, v.width()}, v).first->second;
    if (one_of(3)) {
      v = known;
    } else if (one_of(3)) {
      known = v;
    }
  }

  std::mt19937_64& engine_;
  std::map<std::pair<steer::point, Eigen::Index>, steer::steering_vector> known_;
};

/// A recipe whose edits may all act at one point, so that they meet each other.
inline steer::recipe varied_recipe(std::mt19937_64& engine, const steer::model_shape& shape,
                                   latched_gates with = latched_gates::some) {
  steer::recipe out;
  const steer::point meeting = steer::all_points[engine() % steer::point_count];
  const bool meet = engine() % 2 == 0;
  const std::size_t enough = 1 + engine() % 12;
  variation varied(engine);
  while (out.edits().size() < enough) {
    const steer::recipe drawn = random_recipe(engine, shape, with);
    for (const steer::edit& e : drawn.edits()) {
      if ((!meet || point_of(e) == meeting) && out.edits().size() < enough) {
        out.append(varied(e));
      }
    }
  }
  return out;
}

}  // namespace toy
