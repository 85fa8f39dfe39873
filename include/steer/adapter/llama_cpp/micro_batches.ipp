// steer/adapter/llama_cpp/micro_batches.ipp: the bodies of micro_batches.hpp.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <span>
#include <utility>
#include <vector>

#include "steer/adapter/llama_cpp/micro_batches.hpp"
#include "steer/core/error.hpp"
#include "steer/core/real.hpp"
#include "steer/core/rows.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

STEER_BODY batch_cut cut_in_order(std::size_t count, std::size_t most) {
  batch_cut out;
  for (std::size_t i = 0; i < count; ++i) {
    if (i % most == 0) {
      out.emplace_back();
    }
    out.back().push_back(static_cast<std::int32_t>(i));
  }
  return out;
}

STEER_BODY batch_cut cut_by_sequence(std::span<const row_info> rows, std::size_t most, sequence_order order) {
  std::map<std::int32_t, std::deque<std::int32_t>> left;  // sequence -> rows not yet computed, in order
  for (std::size_t i = 0; i < rows.size(); ++i) {
    left[rows[i].sequence].push_back(static_cast<std::int32_t>(i));
  }
  batch_cut out;
  for (std::size_t done = 0; done < rows.size(); done += out.back().size()) {
    std::vector<std::int32_t> together;
    for (std::size_t i = 0; i < rows.size() && together.size() <= most; ++i) {
      const std::int32_t sequence = rows[i].sequence;
      const auto& waiting = left.at(sequence);
      const bool used = waiting.empty() || static_cast<std::int32_t>(i) < waiting.front();
      const bool joins = together.empty() || order == sequence_order::any ||
                         (order == sequence_order::increasing && sequence == together.back() + 1);
      if (!used && joins && std::find(together.begin(), together.end(), sequence) == together.end()) {
        together.push_back(sequence);
      }
    }
    std::size_t each = std::max<std::size_t>(1, most / together.size());
    for (const std::int32_t sequence : together) {
      each = std::min(each, left.at(sequence).size());
    }
    auto& here = out.emplace_back();
    for (const std::int32_t sequence : together) {
      auto& waiting = left.at(sequence);
      const auto end = waiting.begin() + static_cast<std::ptrdiff_t>(each);
      here.insert(here.end(), waiting.begin(), end);
      waiting.erase(waiting.begin(), end);
    }
  }
  return out;
}

STEER_BODY micro_batches::micro_batches(std::span<const row_info> rows, std::size_t most) : facts_(rows.begin(), rows.end()) {
  const auto consider = [this](batch_cut cut) {
    if (std::find(cuts_.begin(), cuts_.end(), cut) == cuts_.end()) {
      cuts_.push_back(std::move(cut));
    }
  };
  consider(cut_in_order(rows.size(), most));
  if (std::all_of(rows.begin(), rows.end(), [&](const row_info& row) { return row.sequence == rows[0].sequence; })) {
    return;  // one sequence is cut alike every way
  }
  for (const auto order : {sequence_order::increasing, sequence_order::any, sequence_order::alone}) {
    consider(cut_by_sequence(rows, most, order));
  }
  for (std::size_t a = 0; a < cuts_.size(); ++a) {
    for (std::size_t b = a + 1; b < cuts_.size(); ++b) {
      require_distinct(cuts_[a], cuts_[b]);
    }
  }
}

STEER_BODY bool micro_batches::next(std::span<const std::int32_t> tokens) {
  std::erase_if(cuts_, [&](const batch_cut& cut) { return at_ >= cut.size() || !shows(cut[at_], tokens); });
  if (cuts_.empty()) {
    return false;
  }
  current_ = cuts_.front()[at_++];
  return true;
}

STEER_BODY bool micro_batches::shows(const std::vector<std::int32_t>& rows, std::span<const std::int32_t> tokens) const {
  return std::equal(rows.begin(), rows.end(), tokens.begin(), tokens.end(),
                    [this](std::int32_t row, std::int32_t token) { return fact(row).token == token; });
}

STEER_BODY void micro_batches::require_distinct(const batch_cut& a, const batch_cut& b) const {
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    const bool look_alike = std::equal(a[i].begin(), a[i].end(), b[i].begin(), b[i].end(), [this](auto x, auto y) {
      return fact(x).token == fact(y).token;
    });
    if (!look_alike) {
      return;
    }
    for (std::size_t j = 0; j < a[i].size(); ++j) {
      if (a[i][j] != b[i][j]) {
        throw host_error(
            text({"llama.cpp: ", thing({"rows ", a[i][j], " and ", b[i][j], " of the batch"}), " have ",
                  actual({"the same token ", fact(a[i][j]).token}),
                  " and may be computed in either order; a hook could not tell sequence ", fact(a[i][j]).sequence,
                  " from ", fact(b[i][j]).sequence, ". Decode the sequences in ", expected("batches of their own")}));
      }
    }
  }
}

}  // namespace detail
}  // namespace v0
}  // namespace steer
