// tests/inject/random_recipe.hpp: recipes of every registered edit, filled at random by the names of their fields.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "steer/inject/form_of.hpp"
#include "steer/recipe/recipe.hpp"
#include "toy.hpp"

namespace toy {

inline double uniform(std::mt19937_64& engine, double low, double high) {
  return std::uniform_real_distribution<double>(low, high)(engine);
}

inline std::size_t enumerators(steer::strength_unit) { return 5; }
inline std::size_t enumerators(steer::coordinate_origin) { return 2; }
inline std::size_t enumerators(steer::watched_norm) { return 2; }

/// A plane through two random directions.
inline steer::plane random_plane(std::mt19937_64& engine, Eigen::Index width) {
  return steer::plane_through(random_direction(engine, width), random_direction(engine, width));
}

inline steer::affine_map random_map(std::mt19937_64& engine, Eigen::Index width, Eigen::Index rank) {
  const auto numbers = [&](Eigen::Index rows, Eigen::Index columns) {
    return steer::matrix<float>(random_rows<float>(engine, rows, columns) / std::sqrt(static_cast<float>(width)));
  };
  switch (engine() % 3) {
    case 0:
      return steer::diagonal_map{Eigen::VectorXf::Ones(width) + 0.5F * numbers(width, 1).col(0),
                                 numbers(width, 1).col(0)};
    case 1: return steer::low_rank_map{numbers(rank, width), numbers(rank, width), numbers(rank, 1).col(0)};
    default:
      return steer::dense_map{
          steer::matrix<float>(0.8F * steer::matrix<float>::Identity(width, width) + 0.4F * numbers(width, width)),
          numbers(width, 1).col(0)};
  }
}

/// Visits the fields of an edit and gives each a random value.
struct random_fields {
  std::mt19937_64& engine;
  steer::point point;
  std::ptrdiff_t width;
  std::size_t rank;  // of edits with several vectors
  std::vector<float> last = {};

  template <class Part>
  void operator()(std::string_view, Part& part) {
    fill(part);
  }
  void operator()(std::string_view, float& number, steer::domain allowed) { number = random(allowed); }
  void operator()(std::string_view, std::vector<float>& numbers, steer::domain allowed) {
    numbers.resize(rank);
    for (float& number : numbers) {
      number = random(allowed);
    }
    if (!last.empty() && engine() % 3 == 0) {
      numbers = last;  // equal bounds
    }
    last = numbers;
  }

 private:
  float random(steer::domain allowed) {
    constexpr float infinity = std::numeric_limits<float>::infinity();
    const double x = uniform(engine, -1.5, 1.5);
    switch (allowed) {
      case steer::domain::finite: return static_cast<float>(x);
      case steer::domain::bound:
        return engine() % 4 == 0 ? (last.empty() ? -infinity : infinity) : static_cast<float>(x);
      case steer::domain::above_zero: return static_cast<float>(0.3 + std::abs(x));
      case steer::domain::not_negative: return engine() % 2 == 0 ? 0.0F : static_cast<float>(0.1 * std::abs(x));
      case steer::domain::at_least_one: return static_cast<float>(1.0 + std::abs(x));
      case steer::domain::fraction: break;
    }
    return static_cast<float>(std::abs(x) / 1.5);
  }
  void fill(steer::steering_vector& v) {
    v = random_vector(engine, {0, 1}, width);
    v.point = point;
    for (auto& [layer, direction] : v.directions) {
      direction.origin = random_rows<float>(engine, 1, width).row(0).transpose();
    }
  }
  void fill(std::vector<steer::steering_vector>& vectors) {
    vectors.resize(rank);
    for (steer::steering_vector& v : vectors) {
      fill(v);
    }
  }
  void fill(steer::plane& p) { p = random_plane(engine, width); }
  void fill(steer::affine_map& map) { map = random_map(engine, width, static_cast<Eigen::Index>(rank)); }
  template <class Enum>
    requires std::is_enum_v<Enum>
  void fill(Enum& value) {
    value = static_cast<Enum>(engine() % enumerators(value));
  }
  template <class Enum>
  void fill(std::optional<Enum>& value) {
    value.emplace();
    fill(*value);
  }
};

inline steer::schedule random_schedule(std::mt19937_64& engine) {
  steer::schedule out;
  switch (engine() % 10) {
    case 0: out.phase = steer::phase::prompt; break;
    case 1: out.phase = steer::phase::generation; break;
    case 2: out.first = static_cast<std::int32_t>(engine() % 4); break;
    case 3: out = steer::first_rows(static_cast<std::int32_t>(1 + engine() % 4)); break;
    case 4: out.last_of_prompt = static_cast<std::int32_t>(1 + engine() % 3); break;
    case 5: out.positions = {0, 3, 4}; break;
    case 6:
      out.half_life = static_cast<float>(uniform(engine, 0.5, 4.0));
      if (engine() % 2 == 0) {
        out.phase = steer::phase::generation;
      }
      break;
    default: break;  // every row
  }
  if (engine() % 6 == 0) {
    out.except = {static_cast<std::int32_t>(engine() % 5)};
  }
  return out;
}

enum class latched_gates { none, some };

inline steer::gate random_gate(std::mt19937_64& engine, steer::point point, std::ptrdiff_t width, latched_gates with) {
  steer::gate out;
  if (engine() % 2 == 0) {
    return out;
  }
  out.share = static_cast<float>(uniform(engine, 0.3, 1.2));
  for (std::size_t i = engine() % 3; i > 0; --i) {
    steer::condition c;
    random_fields{engine, point, width, 1}("vector", c.vector);
    c.reading = static_cast<steer::reading>(engine() % 2);
    c.curve = static_cast<steer::gate_curve>(engine() % 5);
    c.low = static_cast<float>(uniform(engine, -0.5, 0.3));
    const auto beyond = static_cast<float>(uniform(engine, 0.2, 2.0));
    c.high = c.curve == steer::gate_curve::ramp ? beyond : c.low + beyond;
    c.slope = static_cast<float>(uniform(engine, -3.0, 3.0));
    out.conditions.push_back(c);
  }
  out.combination = static_cast<steer::combination>(engine() % 3);
  if (!out.conditions.empty() && with == latched_gates::some && engine() % 2 == 0) {
    out.time = steer::gate_time::on_prompt;
    if (engine() % 2 == 0) {
      out.layer = static_cast<int>(engine() % 2);
    }
  }
  return out;
}

/// An edit with random fields and circumstances. `kind` is the operation's place among all.
/// @param sane  whether a drawn edit is good enough to test with; others are drawn again
template <class Sane>
steer::edit random_edit(std::mt19937_64& engine, const steer::model_shape& shape, std::size_t kind, latched_gates with,
                        Sane sane) {
  for (;;) {
    steer::edit out;
    const steer::point point = steer::all_points[engine() % steer::point_count];
    std::ptrdiff_t width = shape.width_at(point);
    if (point == steer::point::attention_heads && engine() % 2 == 0) {
      out.where.head = static_cast<int>(engine() % static_cast<std::size_t>(shape.heads));
      width = shape.head_width;
    }
    const std::size_t rank = 1 + engine() % static_cast<std::size_t>(std::clamp<std::ptrdiff_t>(width / 4, 1, 4));
    const auto fill = [&]<std::size_t... kinds>(std::index_sequence<kinds...>) {
      ((kinds == kind ? void(out.operation.emplace<kinds>()) : void()), ...);
    };
    fill(std::make_index_sequence<std::variant_size_v<steer::operation>>{});
    std::visit([&](auto& op) { op.fields(op, random_fields{engine, point, width, rank}); }, out.operation);
    out.point = point;
    out.where.rows = random_schedule(engine);
    out.where.gate = random_gate(engine, point, width, with);
    if (out.where.gate.latched()) {
      out.where.rows.phase.reset();
      out.where.rows.last_of_prompt.reset();
    }
    out.where.norm = {static_cast<steer::norm_rule>(engine() % 8 < 4 ? 0 : engine() % 4),
                static_cast<float>(uniform(engine, 1.0, 1.5))};
    if (engine() % 2 == 0) {
      out.where.layers = {static_cast<int>(engine() % 2)};
    } else {
      out.where.layers = {0, 1};
    }
    try {
      check(out);
      if (sane(out)) {
        return out;
      }
    } catch (const steer::error&) {  // such as crossed bounds
    }
  }
}

/// 1 to 12 edits of any kind.
inline steer::recipe random_recipe(std::mt19937_64& engine, const steer::model_shape& shape,
                                   latched_gates with = latched_gates::none) {
  steer::recipe out;
  for (std::size_t count = 1 + engine() % 12; count > 0; --count) {
    const std::size_t kind = engine() % std::variant_size_v<steer::operation>;
    out.append(random_edit(engine, shape, kind, with, [&](const steer::edit& e) {
      // Joint moves along nearly dependent directions multiply every rounding, in both forms.
      const auto* erase = std::get_if<steer::erase_edit>(&e.operation);
      for (const int layer : e.where.layers) {
        if (erase != nullptr) {
          const steer::form made = steer::detail::form_of(*erase, layer, "drawn");
          if (std::get<steer::low_rank_form>(made).linear.norm() > 10.0) {
            return false;
          }
        }
        if (!std::holds_alternative<steer::add_edit>(e.operation)) {
          (void)steer::detail::form_of(e.operation, layer, "drawn");
        }
      }
      return true;
    }));
  }
  return out;
}

}  // namespace toy
