// steer/recipe/gate.hpp: how much of an edit a row receives, by what the row itself says.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "steer/core/error.hpp"
#include "steer/core/linkage.hpp"
#include "steer/recipe/field.hpp"
#include "steer/vector/steering_vector.hpp"

namespace steer {
inline namespace v0 {

/// What a condition reads of a row h, u being the vector's unit direction at that layer.
enum class reading : std::uint8_t {
  projection,  ///< u . h, in units of the activations
  cosine,      ///< u . h / |h|; 0 for a row of zeros
};
constexpr reading last_of(reading) noexcept { return reading::cosine; }
constexpr std::string_view to_string(reading value) noexcept {
  switch (value) {
    case reading::projection: return "projection";
    case reading::cosine: break;
  }
  return "cosine";
}

/// From the number read, x, to a share of 0 to 1 (`excess` has no upper end, and that of a `ramp` is `high`).
enum class gate_curve : std::uint8_t {
  above,    ///< 1 if x > low, else 0
  within,   ///< 1 if low <= x <= high, else 0
  sigmoid,  ///< 1 / (1 + exp(-slope (x - low)))
  excess,   ///< max(0, |x| - low)
  ramp,     ///< slope (x - low), cut to 0 and high
};
constexpr gate_curve last_of(gate_curve) noexcept { return gate_curve::ramp; }
constexpr std::string_view to_string(gate_curve value) noexcept {
  switch (value) {
    case gate_curve::above: return "above";
    case gate_curve::within: return "within";
    case gate_curve::sigmoid: return "sigmoid";
    case gate_curve::excess: return "excess";
    case gate_curve::ramp: break;
  }
  return "ramp";
}

/// One thing that a row can be asked.
struct condition {
  steering_vector vector = {};
  steer::reading reading = steer::reading::projection;
  gate_curve curve = gate_curve::above;
  float low = 0.0F;
  float high = std::numeric_limits<float>::infinity();  ///< `within` and `ramp` only
  float slope = 1.0F;                                   ///< `sigmoid` and `ramp` only

  bool operator==(const condition&) const = default;

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("gate vector", self.vector);
    visit("gate reading", self.reading);
    visit("gate curve", self.curve);
    visit("gate low", self.low, domain::bound);
    visit("gate high", self.high, domain::bound);
    visit("gate slope", self.slope, domain::finite);
  }

  /// The share for the number read; none for a number that is not known.
  STEER_API [[nodiscard]] double share_of(double x) const noexcept;
};

/// 1 for rows whose reading is above the threshold.
STEER_API condition above(steering_vector vector, float threshold, reading what = reading::projection);
/// 1 for rows whose reading lies within the bounds.
STEER_API condition within(steering_vector vector, float low, float high, reading what = reading::projection);
/// A soft threshold, 1/2 at the centre.
/// @source per-token gates in the manner of MAT-Steer, Nguyen et al. 2025, arXiv:2502.12446
STEER_API condition sigmoid(steering_vector vector, float centre, float slope, reading what = reading::projection);
/// What the absolute reading has beyond the threshold: relu(|x| - threshold).
STEER_API condition excess(steering_vector vector, float threshold, reading what = reading::cosine);
/// What the reading has beyond the threshold, times a slope, at most so much.
STEER_API condition ramp(steering_vector vector, float threshold, float slope, float most = std::numeric_limits<float>::infinity());

/// How several conditions become one share.
enum class combination : std::uint8_t {
  all,   ///< the least share: every condition holds
  any,   ///< the largest share: some condition holds
  none,  ///< 1 - the largest share, at least 0: no condition holds
};
constexpr combination last_of(combination) noexcept { return combination::none; }
constexpr std::string_view to_string(combination value) noexcept {
  switch (value) {
    case combination::all: return "all";
    case combination::any: return "any";
    case combination::none: break;
  }
  return "none";
}

/// When a gate reads.
enum class gate_time : std::uint8_t {
  each_row,   ///< each row decides for itself, as the edit finds it
  on_prompt,  ///< the prompt's last row decides for what is generated; rows of the prompt are left alone
};
constexpr gate_time last_of(gate_time) noexcept { return gate_time::on_prompt; }
constexpr std::string_view to_string(gate_time value) noexcept {
  switch (value) {
    case gate_time::each_row: return "each_row";
    case gate_time::on_prompt: break;
  }
  return "on_prompt";
}

/// How much of an edit a row receives: h' = h + g (E(h) - h), g = share * combination of the conditions' shares.
///
/// The gate reads the row as the edits before its own have left it. One that latches `on_prompt` needs a `session`, which
/// remembers its state per sequence; it reads the prompt's last row whatever the edit's schedule says of it, and a sequence for
/// which nothing was decided receives nothing. Where a token has several rows, one in each residual stream, each is asked, and what
/// latches is the mean of their shares.
/// @source Lee et al. 2024, arXiv:2409.05907 (CAST): a condition vector read on the prompt switches a behaviour
struct gate {
  float share = 1.0F;
  std::vector<condition> conditions = {};  ///< empty: the share alone
  steer::combination combination = steer::combination::all;
  gate_time time = gate_time::each_row;
  /// `on_prompt` only: the layer at which the conditions are read, at their vectors' point. Empty: where the edit acts, each
  /// layer for itself.
  std::optional<int> layer = std::nullopt;

  [[nodiscard]] bool latched() const noexcept { return !conditions.empty() && time == gate_time::on_prompt; }

  bool operator==(const gate&) const = default;

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("gate share", self.share, domain::finite);
    visit("gate conditions", self.conditions);
    visit("gate combination", self.combination);
    visit("gate time", self.time);
    visit("gate layer", self.layer);
  }

  /// The share of a row, `read(i)` being the number that the i-th condition reads.
  template <class Read>
  [[nodiscard]] double share_of(Read read) const noexcept {
    if (conditions.empty()) {
      return static_cast<double>(share);
    }
    double least = std::numeric_limits<double>::infinity();
    double most = 0.0;
    for (std::size_t i = 0; i < conditions.size(); ++i) {
      const double one = conditions[i].share_of(read(i));
      least = std::min(least, one);
      most = std::max(most, one);
    }
    const double combined = combination == steer::combination::all   ? least
                            : combination == steer::combination::any ? most
                                                                     : std::max(0.0, 1.0 - most);
    return static_cast<double>(share) * combined;
  }
};

/// @throws argument_error for a gate that cannot be read; numeric_error for numbers without meaning; `who` names the edit
STEER_API void check(const gate& g, const std::string& who);

}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/recipe/gate.ipp"
#endif
