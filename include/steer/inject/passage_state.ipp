// steer/inject/passage_state.ipp: the bodies of passage_state.hpp.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>

#include "steer/core/real.hpp"
#include "steer/inject/passage_state.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

STEER_BODY void passage_state::see(const passage& what, std::int32_t token, std::int32_t position) {
  forget_from(position);
  if (position > end_) {  // rows before it were never shown
    changes_.push_back({end_, whereabouts::unknown, 0, 0});
  }
  const change before = !changes_.empty() ? changes_.back()
                                          : change{0, what.at_start ? whereabouts::inside : whereabouts::outside, 0, 0};
  change after = next(what, before, token);
  after.position = position;
  if (!after.same_state(before)) {
    changes_.push_back(after);
  }
  end_ = position + 1;
}

STEER_BODY passage_state::change passage_state::next(const passage& what, const change& before, std::int32_t token) {
  const std::size_t count = what.from.size() + what.until.size();
  const auto marker_at = [&](std::size_t i) -> const marker& {
    return i < what.from.size() ? what.from[i] : what.until[i - what.from.size()];
  };
  change after{0, before.now, 0, 0};
  bool complete = false;
  // Whatever marker ends or goes on here begins within the longest beginning of one that was going on before.
  for (std::size_t skipped = 0; skipped <= before.matched; ++skipped) {
    const std::size_t length = before.matched - skipped;
    for (std::size_t i = 0; i < count; ++i) {
      const marker& tokens = marker_at(i);
      if (tokens.size() <= length || tokens[length] != token ||
          (length > 0 && !std::equal(tokens.data(), tokens.data() + length, marker_at(before.marker).data() + skipped))) {
        continue;
      }
      if (tokens.size() == length + 1) {
        after.now = complete ? after.now : i < what.from.size() ? whereabouts::inside : whereabouts::outside;
        complete = true;
      } else if (after.matched == 0) {
        after.marker = static_cast<std::uint32_t>(i);
        after.matched = static_cast<std::uint32_t>(length + 1);
      }
    }
  }
  return after;
}

STEER_BODY void passage_state::forget_from(std::int32_t position) noexcept {
  while (!changes_.empty() && (changes_.back().position >= position || position <= 0)) {
    changes_.pop_back();
  }
  end_ = std::min(end_, std::max(position, 0));
}

STEER_BODY void passage_state::shift(std::int32_t first, std::int32_t count) noexcept {
  const auto moved = [&](std::int32_t position, std::int32_t gone) {
    return position < first ? position : position - first < count ? gone : position - count;
  };
  for (change& each : changes_) {
    each.position = moved(each.position, first - 1);
  }
  end_ = moved(end_, first);
}

STEER_BODY whereabouts passage_state::at(const passage& what, std::int32_t position) const noexcept {
  if (position >= end_) {
    return whereabouts::unknown;
  }
  const auto after = std::upper_bound(changes_.begin(), changes_.end(), position,
                                      [](std::int32_t at, const change& each) { return at < each.position; });
  if (after == changes_.begin()) {
    return what.at_start ? whereabouts::inside : whereabouts::outside;
  }
  return std::prev(after)->now;
}

}  // namespace detail
}  // namespace v0
}  // namespace steer
