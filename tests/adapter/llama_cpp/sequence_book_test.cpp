#include "steer/adapter/llama_cpp/sequence_book.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <vector>

namespace {

using steer::prefix_steering;
using steer::detail::sequence_book;
using source = steer::prefix_steering::source;

/// Every row of a sequence by itself: whether it was prompt, what acted, and which other sequences own it.
struct naive_row {
  bool prompt = false;
  std::uint64_t acted = 0;
  int identity = 0;  // rows of one cache that are the same have the same
};
struct naive_sequence {
  std::vector<naive_row> rows;
  std::int32_t prompt_to_come = 0;  // tokens of the prompt that no row is of yet
  std::vector<std::uint64_t> read;  // what acted on rows that are gone and that later ones have read
};

// Random begins, batches, rewinds, forks and shifts against a list of rows.
TEST(SequenceBook, AgreesWithEveryRowWrittenDown) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 engine{seed};
    const bool one_cache = engine() % 2 == 0;
    sequence_book book;
    std::map<std::int32_t, naive_sequence> naive;
    int identities = 0;
    const auto pick = [&](std::size_t most) { return static_cast<std::int32_t>(engine() % most); };
    for (int step = 0; step < 200; ++step) {
      const std::int32_t s = pick(4);
      if (engine() % 8 == 0 || naive.empty()) {
        const std::int32_t length = 1 + pick(6);
        book.begin(s, length);
        naive[s] = {{}, length, {}};
      }
      const auto found = naive.find(s);
      ASSERT_EQ(book.has(s), found != naive.end());
      if (found == naive.end()) {
        continue;
      }
      naive_sequence& n = found->second;
      const auto rows = static_cast<std::int32_t>(n.rows.size());
      switch (engine() % 4) {
        case 0: {
          const std::uint64_t acted = engine() % 3;
          const std::int32_t more = 1 + pick(3);
          book.extend(s, rows + more, {acted == 0 ? source::nothing : source::plan, acted});
          for (std::int32_t i = 0; i < more; ++i) {
            n.rows.push_back({n.prompt_to_come > 0, acted, ++identities});
            n.prompt_to_come -= n.prompt_to_come > 0 ? 1 : 0;
          }
          break;
        }
        case 1: {
          const std::int32_t to = pick(static_cast<std::size_t>(rows) + 1);
          book.rewind(s, to);
          for (; std::ssize(n.rows) > to; n.rows.pop_back()) {
            n.prompt_to_come += n.rows.back().prompt ? 1 : 0;
          }
          break;
        }
        case 2: {
          const std::int32_t to = (s + 1 + pick(3)) % 4;
          book.fork(s, to, one_cache);
          naive[to] = n;
          for (naive_row& row : naive[to].rows) {
            row.identity = one_cache ? row.identity : ++identities;
          }
          break;
        }
        default: {
          if (rows == 0) {
            break;
          }
          const std::int32_t first = pick(static_cast<std::size_t>(rows));
          const std::int32_t count = 1 + pick(static_cast<std::size_t>(rows - first));
          if (book.shared(s) > first) {
            break;  // the adapter refuses it
          }
          book.shift(s, first, count);
          for (std::int32_t i = 0; i < count; ++i) {
            const auto at = n.rows.begin() + first;
            n.read.push_back(at->acted);
            n.rows.erase(at);
          }
          if (n.rows.empty()) {
            n.read.clear();
          }
        }
      }
      for (const auto& [sequence, expected] : naive) {
        ASSERT_EQ(book.length(sequence), std::ssize(expected.rows));
        std::int32_t prompt = expected.prompt_to_come;
        for (const naive_row& row : expected.rows) {
          prompt += row.prompt ? 1 : 0;
        }
        ASSERT_EQ(book.prompt_length(sequence), prompt);
        for (std::size_t i = 0; i < expected.rows.size(); ++i) {
          ASSERT_EQ(expected.rows[i].prompt, static_cast<std::int32_t>(i) < prompt) << "prompt stands in front";
        }
        std::int32_t shared = 0;
        for (const auto& [other, there] : naive) {
          for (std::size_t i = 0; other != sequence && i < std::min(there.rows.size(), expected.rows.size()); ++i) {
            if (there.rows[i].identity == expected.rows[i].identity) {
              shared = std::max(shared, static_cast<std::int32_t>(i) + 1);
            }
          }
        }
        ASSERT_GE(book.shared(sequence), shared);
        if (!expected.rows.empty() && expected.read.empty()) {
          const std::uint64_t acted = expected.rows.front().acted;
          bool same = true;
          for (const naive_row& row : expected.rows) {
            same = same && row.acted == acted;
          }
          const prefix_steering one{acted == 0 ? source::nothing : source::plan, acted};
          ASSERT_EQ(book.prefix(sequence), (same ? one : prefix_steering{source::mixed}));
        }
        ASSERT_EQ(book.prefix(sequence).by == source::empty, expected.rows.empty());
      }
    }
  }
}

TEST(SequenceBook, RowsThatReadWhatIsGoneStayMixed) {
  sequence_book book;
  book.begin(0, 2);
  book.extend(0, 2, {source::plan, 7});
  book.extend(0, 4, {source::nothing, 0});
  book.shift(0, 0, 2);
  EXPECT_EQ(book.prefix(0).by, source::mixed);
  EXPECT_EQ(book.prompt_length(0), 0);
  book.shift(0, 0, 2);
  EXPECT_EQ(book.prefix(0).by, source::empty);
}

}  // namespace
