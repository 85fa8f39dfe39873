// transformer/kv_cache.hpp: the keys and values of every token so far.
#pragma once

#include <cstddef>
#include <vector>

#include "transformer/weights.hpp"

namespace reference {

/// Keys and values of L layers, S sequences and C tokens. Allocates when built, never again.
///
/// @cost 2 L S C K d_h floats
class kv_cache {
 public:
  kv_cache(const config& c, int sequences, int context)
      : sequences_(sequences),
        slots_(static_cast<std::size_t>(c.layers) * static_cast<std::size_t>(sequences)) {
    const extent width = extent{c.kv_heads} * c.head_width;
    for (slot& s : slots_) {
      s.keys.resize(context, width);
      s.values.resize(context, width);
    }
  }

  /// @shape [C, K d_h]
  [[nodiscard]] matrix& keys(int layer, int sequence) noexcept { return slots_[at(layer, sequence)].keys; }
  /// @shape [C, K d_h]
  [[nodiscard]] matrix& values(int layer, int sequence) noexcept { return slots_[at(layer, sequence)].values; }

 private:
  struct slot {
    matrix keys;    // [C, K d_h]
    matrix values;  // [C, K d_h]
  };

  [[nodiscard]] std::size_t at(int layer, int sequence) const noexcept {
    return static_cast<std::size_t>(layer) * static_cast<std::size_t>(sequences_) + static_cast<std::size_t>(sequence);
  }

  int sequences_;
  std::vector<slot> slots_;  // [L, S]
};

}  // namespace reference
