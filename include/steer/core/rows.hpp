// steer/core/rows.hpp: the activations that a host shows to a hook.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "steer/core/version.hpp"

namespace steer {
inline namespace v0 {

/// Whether a row belongs to the text that was given or to the text being generated.
enum class phase : std::uint8_t { prompt, generation };
constexpr phase last_of(phase) noexcept { return phase::generation; }

constexpr std::string_view to_string(phase p) noexcept { return p == phase::prompt ? "prompt" : "generation"; }

/// The facts about one row that a host may know; its shape says which it supplies.
enum class row_fact : std::uint8_t { token, position, sequence, phase, prompt_length };

constexpr std::string_view to_string(row_fact fact) noexcept {
  switch (fact) {
    case row_fact::token: return "token id";
    case row_fact::position: return "position";
    case row_fact::sequence: return "sequence";
    case row_fact::phase: return "phase";
    case row_fact::prompt_length: break;
  }
  return "prompt length";
}

/// What one row is: one token of one sequence, and where a token has several rows, one of them.
struct row_info {
  std::int32_t token = 0;          ///< vocabulary id
  std::int32_t position = 0;       ///< zero-based, within its sequence
  std::int32_t sequence = 0;       ///< the host's number for the sequence
  std::int32_t prompt_length = 0;  ///< tokens of the sequence's prompt, the whole prompt also while it arrives in chunks
  steer::phase phase = steer::phase::prompt;
  std::uint8_t stream = 0;         ///< which of the model's residual streams; see `model_shape::streams`
};

/// A view of activations: `count` rows of `width` numbers, consecutive rows `stride` numbers apart. Owns nothing.
///
/// @shape data [count, width] with row stride `stride` >= width; info [count], or [0] where the shape promises no facts
template <class Scalar>
struct rows {
  Scalar* data = nullptr;
  std::ptrdiff_t count = 0;
  std::ptrdiff_t width = 0;
  std::ptrdiff_t stride = 0;
  std::span<const row_info> info;

  [[nodiscard]] std::span<Scalar> operator[](std::ptrdiff_t row) const noexcept {
    return {data + row * stride, static_cast<std::size_t>(width)};
  }
  [[nodiscard]] const row_info& info_of(std::ptrdiff_t row) const noexcept {
    return info[static_cast<std::size_t>(row)];
  }
};

}  // namespace v0
}  // namespace steer
