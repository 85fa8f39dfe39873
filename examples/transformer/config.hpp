// transformer/config.hpp: the sizes of a Llama model, with hyper-connections or without, and the alphabet that every shape in this folder uses.
//
//     T    rows of one batch, one token each       d    width of the residual stream
//     S    sequences of a decoder                  F    width of the hidden layer of the feed-forward part
//     C    context: tokens of one sequence         H    query heads, each d_h wide
//     V    vocabulary                              K    key and value heads, each d_h wide; H is a multiple of K
//     L    layers                              R    residual streams of a token, 1 in a plain Llama
//
// Matrices are row-major; a linear layer that maps n numbers to m is a matrix [m, n], so that y [T, m] = x [T, n] Wᵀ.
#pragma once

#include <cmath>
#include <string>

#include "steer/core/error.hpp"

namespace reference {

struct config {
  int layers = 0;               ///< L
  int width = 0;                ///< d
  int hidden = 0;               ///< F
  int heads = 0;                ///< H
  int kv_heads = 0;             ///< K
  int head_width = 0;           ///< d_h; even, because RoPE turns pairs
  int vocabulary = 0;           ///< V
  int context = 0;              ///< C
  float norm_epsilon = 1e-5F;   ///< added to the mean square of a row
  float rope_theta = 10000.0F;  ///< base of the RoPE wavelengths
  bool tied = true;             ///< the head is the embedding
  int streams = 1;              ///< R; above 1 in hyper-connections, see hyper_connections.hpp
  int sinkhorn_iterations = 0;  ///< of these, in which their mixing matrices become doubly stochastic
  float stream_epsilon = 0.0F;  ///< of these, added to shares

  bool operator==(const config&) const = default;
};

/// What is wrong with a configuration, naming field, expected and actual; empty if nothing is. The bounds are far above
/// any real model and low enough that no product of sizes overflows 64 bits.
inline std::string fault_of(const config& c) {
  using steer::text;
  struct bound {
    const char* name;
    int value, most;
  };
  for (const bound& field : {bound{"layers", c.layers, 1 << 12}, bound{"width", c.width, 1 << 17},
                             bound{"hidden", c.hidden, 1 << 20}, bound{"heads", c.heads, 1 << 12},
                             bound{"kv_heads", c.kv_heads, 1 << 12}, bound{"head_width", c.head_width, 1 << 12},
                             bound{"vocabulary", c.vocabulary, 1 << 24}, bound{"context", c.context, 1 << 24}}) {
    if (field.value < 1 || field.value > field.most) {
      return text({field.name, " is ", field.value, ", expected 1 to ", field.most});
    }
  }
  constexpr int most_streams = 64;
  constexpr int most_iterations = 1000;
  if (c.streams < 1 || c.streams > most_streams) {
    return text({"streams is ", c.streams, ", expected 1 to ", most_streams});
  }
  if (c.streams > 1 && (c.sinkhorn_iterations < 1 || c.sinkhorn_iterations > most_iterations)) {
    return text({"sinkhorn_iterations is ", c.sinkhorn_iterations, ", expected 1 to ", most_iterations});
  }
  if (!(c.stream_epsilon >= 0.0F && std::isfinite(c.stream_epsilon))) {
    return text({"stream_epsilon is ", c.stream_epsilon, ", expected a finite number, not negative"});
  }
  if (c.heads % c.kv_heads != 0) {
    return text({"heads is ", c.heads, ", expected a multiple of kv_heads, which is ", c.kv_heads});
  }
  if (c.head_width % 2 != 0) {
    return text({"head_width is ", c.head_width, ", expected an even number"});
  }
  if (!(c.norm_epsilon >= 0.0F && std::isfinite(c.norm_epsilon))) {
    return text({"norm_epsilon is ", c.norm_epsilon, ", expected a finite number, not negative"});
  }
  if (!(c.rope_theta > 0.0F && std::isfinite(c.rope_theta))) {
    return text({"rope_theta is ", c.rope_theta, ", expected a finite number above 0"});
  }
  return {};
}

/// @throws steer::shape_error if the configuration has a fault; `who` names the asker
inline void validate(const config& c, const std::string& who) {
  if (const std::string fault = fault_of(c); !fault.empty()) {
    throw steer::shape_error(steer::text({who, ": ", fault}));
  }
}

}  // namespace reference
