// steer/inject/observations.hpp: what a session saw and did, per token, in a ring buffer.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "steer/core/linkage.hpp"
#include "steer/core/site.hpp"

namespace steer {
inline namespace v0 {

/// One edit that met one row.
struct observation {
  steer::site site = {};
  std::int32_t sequence = 0;
  std::int32_t position = 0;
  std::int32_t stream = 0;    ///< of a model with several residual streams: each of a token's rows is an observation
  std::uint32_t edit = 0;     ///< its place in the recipe
  std::uint32_t count = 0;    ///< coordinates read; the buffer keeps as many of them as it has room for
  float share = 0.0F;         ///< gate times schedule times dose: how much of the edit the row received
  float norm = std::numeric_limits<float>::quiet_NaN();  ///< |h| before the edit; NaN where nothing needed it
  bool changed = false;       ///< whether the edit moved the row; of merged edits, whether they did together
};

/// Which observations are kept.
enum class keep : std::uint8_t {
  everything,  ///< telemetry: also what was only read, and rows that an edit left alone
  changes,     ///< a trace: exactly the rows and edits where something moved
};

struct observation_options {
  std::size_t capacity = 4096;   ///< observations; the oldest make room
  std::size_t coordinates = 4;   ///< of each observation
  steer::keep keep = steer::keep::everything;
};

/// A ring buffer of observations. The caller owns it, a session fills it.
///
/// The coordinates of an observation are those of the row as the edit found it; of edits that were merged into one decision,
/// as the first of them found it.
/// @cost  all memory is taken when it is built; about 10 ns for each observation
class observations {
 public:
  explicit observations(observation_options options = {})
      : options_(options),
        kept_(std::max<std::size_t>(options.capacity, 1)),
        coordinates_(kept_.size() * options.coordinates) {}

  [[nodiscard]] std::size_t size() const noexcept { return std::min(total_, kept_.size()); }
  [[nodiscard]] std::size_t total() const noexcept { return total_; }  ///< with those that made room
  [[nodiscard]] const observation_options& options() const noexcept { return options_; }

  /// The i-th of those kept, from the oldest.
  [[nodiscard]] const observation& operator[](std::size_t i) const noexcept { return kept_[place(i)]; }
  /// Its coordinates, u . h for each direction that the edit reads.
  STEER_API [[nodiscard]] std::span<const float> coordinates(std::size_t i) const noexcept;
  void clear() noexcept { total_ = next_ = 0; }

  /// Makes room for one more: to be filled field by field, which is faster than to copy a whole one.
  struct room {
    observation& next;
    std::span<float> coordinates;
  };
  STEER_API room push() noexcept;

 private:
  [[nodiscard]] std::size_t place(std::size_t i) const noexcept {
    return (next_ + kept_.size() - size() + i) % kept_.size();
  }

  observation_options options_;
  std::vector<observation> kept_;
  std::vector<float> coordinates_;
  std::size_t total_ = 0;
  std::size_t next_ = 0;
};

}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/inject/observations.ipp"
#endif
