// steer/adapter/llama_cpp/sequence_book.ipp: the bodies of sequence_book.hpp.
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>

#include "steer/adapter/llama_cpp/sequence_book.hpp"
#include "steer/core/error.hpp"
#include "steer/core/real.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

STEER_BODY std::int32_t sequence_book::shared(std::int32_t sequence) const {
  std::int32_t most = 0;
  for (const auto& [other, rows] : entries_.at(sequence).shared) {
    most = std::max(most, rows);
  }
  return most;
}

STEER_BODY prefix_steering sequence_book::prefix(std::int32_t sequence) const {
  const auto& under = entries_.at(sequence).under;
  if (under.size() != 1) {
    return {under.empty() ? prefix_steering::source::empty : prefix_steering::source::mixed};
  }
  const acting& by = under.front().second;
  return {by.by, by.by == prefix_steering::source::plan ? by.id : 0};
}

STEER_BODY void sequence_book::begin(std::int32_t sequence, std::int32_t prompt_length) {
  forget(sequence);
  entries_[sequence].prompt_length = prompt_length;
}

STEER_BODY void sequence_book::forget(std::int32_t sequence) {
  entries_.erase(sequence);
  for (auto& [other, e] : entries_) {
    e.shared.erase(sequence);
  }
}

STEER_BODY void sequence_book::extend(std::int32_t sequence, std::int32_t length, const acting& by) {
  entry& e = entries_.at(sequence);
  if (length > e.length) {
    if (e.under.empty() || !(e.under.back().second == by)) {
      e.under.emplace_back(e.length, by);
    }
    e.length = length;
  }
}

STEER_BODY void sequence_book::rewind(std::int32_t sequence, std::int32_t position) {
  entry& e = entries_.at(sequence);
  e.length = std::min(e.length, position);
  std::erase_if(e.under, [&](const auto& part) { return part.first >= position; });
  for (auto& [other, rows] : e.shared) {
    rows = std::min(rows, position);
    entries_.at(other).shared[sequence] = rows;
  }
}

STEER_BODY void sequence_book::fork(std::int32_t from, std::int32_t to, bool one_cache) {
  forget(to);
  entry copy = entries_.at(from);
  if (one_cache) {
    for (const auto& [other, rows] : copy.shared) {
      entries_.at(other).shared[to] = rows;
    }
    copy.shared[from] = copy.length;
    entries_.at(from).shared[to] = copy.length;
  }
  entries_[to] = std::move(copy);
}

STEER_BODY void sequence_book::shift(std::int32_t sequence, std::int32_t first, std::int32_t count) {
  entry& e = entries_.at(sequence);
  const auto moved = [&](std::int32_t position) { return position <= first ? position : std::max(first, position - count); };
  e.prompt_length = moved(e.prompt_length);
  e.length = moved(e.length);
  for (auto& [from, by] : e.under) {
    from = moved(from);
  }
  if (e.length == 0) {
    e.under.clear();
  }
}

}  // namespace detail
}  // namespace v0
}  // namespace steer
