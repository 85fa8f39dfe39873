// steer/adapter/llama_cpp/sequence_book.hpp: what the adapter knows of each sequence, beside what the cache holds.
#pragma once

#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "steer/core/linkage.hpp"

namespace steer {
inline namespace v0 {

/// Under what the rows that a sequence's cache holds were computed: no change of steering computes them anew.
struct prefix_steering {
  enum class source : std::uint8_t {
    empty,    ///< there are no rows
    nothing,  ///< nothing acted
    plan,     ///< a plan or session, whose digest this is
    hook,     ///< a hook that has no digest
    mixed,    ///< not always the same
  };
  source by = source::empty;
  std::uint64_t digest = 0;  ///< of the plan; 0 otherwise

  bool operator==(const prefix_steering&) const = default;
};

namespace detail {

/// What acts on a batch.
struct acting {
  prefix_steering::source by = prefix_steering::source::nothing;
  std::uint64_t id = 0;  ///< a plan's digest, or a number of its own for any other hook

  bool operator==(const acting&) const = default;
};

/// The sequences that were begun: their prompts, how many rows each has, and what acted on these.
///
/// Positions are those of the cache. All members but `begin` and `has` need a sequence that was begun.
class sequence_book {
 public:
  [[nodiscard]] bool has(std::int32_t sequence) const { return entries_.contains(sequence); }
  [[nodiscard]] std::int32_t prompt_length(std::int32_t sequence) const { return entries_.at(sequence).prompt_length; }
  [[nodiscard]] std::int32_t length(std::int32_t sequence) const { return entries_.at(sequence).length; }

  /// How many rows from the first one a sequence has in common with another, in the same memory.
  STEER_API [[nodiscard]] std::int32_t shared(std::int32_t sequence) const;

  STEER_API [[nodiscard]] prefix_steering prefix(std::int32_t sequence) const;

  STEER_API void begin(std::int32_t sequence, std::int32_t prompt_length);

  /// It is no longer begun.
  STEER_API void forget(std::int32_t sequence);

  /// Rows up to a position, exclusive, are in the cache now.
  STEER_API void extend(std::int32_t sequence, std::int32_t length, const acting& by);

  /// The rows from a position on are gone.
  STEER_API void rewind(std::int32_t sequence, std::int32_t position);

  /// The rows from a position on are gone, and the prompt is another that begins with those that are left.
  void resume(std::int32_t sequence, std::int32_t position, std::int32_t new_length) {
    rewind(sequence, position);
    entries_.at(sequence).prompt_length = new_length;
  }

  /// `to` is what `from` is.
  /// @param one_cache  whether both refer to the same rows
  STEER_API void fork(std::int32_t from, std::int32_t to, bool one_cache);

  /// The rows [first, first + count) are gone, and those behind them stand `count` positions lower. A prompt is as much
  /// shorter as it has lost rows, so that no generated row comes to stand in it. What acted stays known as it was: the rows
  /// that are left have read those that are gone.
  STEER_API void shift(std::int32_t sequence, std::int32_t first, std::int32_t count);

 private:
  struct entry {
    std::int32_t prompt_length = 0;
    std::int32_t length = 0;                                // rows in the cache
    std::vector<std::pair<std::int32_t, acting>> under;     // from which position on what acted
    std::map<std::int32_t, std::int32_t> shared;            // by other sequence: rows in common
  };

  std::map<std::int32_t, entry> entries_;
};

}  // namespace detail
}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/adapter/llama_cpp/sequence_book.ipp"
#endif
