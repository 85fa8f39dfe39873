// transformer/rope.hpp: rotary position embedding.
#pragma once

#include <cmath>
#include <span>

#include "transformer/weights.hpp"

namespace reference {

/// Turns coordinates j and j + d_h/2 of a head at position p by the angle p θ^(-2j / d_h).
///
/// @source Su et al. 2021, arXiv:2104.09864; deviation: halves instead of neighbours, as Hugging Face does
class rope {
 public:
  /// @cost C d_h / 2 sines and cosines, once, in double precision
  rope(const config& c, extent context) : cosine_(context, c.head_width / 2), sine_(context, c.head_width / 2) {
    for (extent j = 0; j < cosine_.cols(); ++j) {
      const double exponent = -2.0 * static_cast<double>(j) / c.head_width;
      const double frequency = std::pow(static_cast<double>(c.rope_theta), exponent);
      for (extent p = 0; p < context; ++p) {
        const double angle = static_cast<double>(p) * frequency;
        cosine_(p, j) = static_cast<float>(std::cos(angle));
        sine_(p, j) = static_cast<float>(std::sin(angle));
      }
    }
  }

  /// Turns every head of one token.
  /// @shape heads [n d_h]
  void turn(std::span<float> heads, extent position) const noexcept {
    const extent half = cosine_.cols();
    const auto cosine = cosine_.row(position).array();  // [d_h/2]
    const auto sine = sine_.row(position).array();      // [d_h/2]
    for (float* head = heads.data(); head != heads.data() + heads.size(); head += 2 * half) {
      for (extent j = 0; j < half; ++j) {
        const float a = head[j];
        const float b = head[half + j];
        head[j] = a * cosine[j] - b * sine[j];
        head[half + j] = a * sine[j] + b * cosine[j];
      }
    }
  }

 private:
  matrix cosine_;  // [C, d_h/2]
  matrix sine_;    // [C, d_h/2]
};

}  // namespace reference
