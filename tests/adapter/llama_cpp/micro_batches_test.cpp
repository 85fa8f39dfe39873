#include "steer/adapter/llama_cpp/micro_batches.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <random>
#include <utility>
#include <vector>

#include "expect_error.hpp"

namespace {

using steer::detail::batch_cut;
using steer::detail::micro_batches;
using steer::detail::sequence_order;

std::vector<steer::row_info> rows_of(const std::vector<std::pair<std::int32_t, std::int32_t>>& sequences_and_tokens) {
  std::vector<steer::row_info> out;
  for (const auto& [sequence, token] : sequences_and_tokens) {
    out.push_back({.token = token, .sequence = sequence});
  }
  return out;
}

/// The tokens of one micro-batch.
std::vector<std::int32_t> tokens_of(const std::vector<steer::row_info>& rows, const std::vector<std::int32_t>& indices) {
  std::vector<std::int32_t> out;
  for (const std::int32_t i : indices) {
    out.push_back(rows[static_cast<std::size_t>(i)].token);
  }
  return out;
}

TEST(MicroBatches, OneCacheKeepsTheOrder) {
  EXPECT_EQ(steer::detail::cut_in_order(5, 2), (batch_cut{{0, 1}, {2, 3}, {4}}));
  EXPECT_EQ(steer::detail::cut_in_order(2, 8), (batch_cut{{0, 1}}));
}

TEST(MicroBatches, ACacheForEachSequenceTakesEqualShares) {
  const auto rows = rows_of({{0, 1}, {1, 2}, {0, 3}, {1, 4}, {0, 5}});
  EXPECT_EQ(steer::detail::cut_by_sequence(rows, 4, sequence_order::increasing), (batch_cut{{0, 2, 1, 3}, {4}}));
  EXPECT_EQ(steer::detail::cut_by_sequence(rows, 2, sequence_order::increasing), (batch_cut{{0, 1}, {2, 3}, {4}}));
  EXPECT_EQ(steer::detail::cut_by_sequence(rows, 8, sequence_order::alone), (batch_cut{{0, 2, 4}, {1, 3}}));
}

TEST(MicroBatches, IncreasingSequencesLeaveGapsForLater) {
  const auto rows = rows_of({{2, 1}, {0, 2}, {3, 3}});
  EXPECT_EQ(steer::detail::cut_by_sequence(rows, 8, sequence_order::increasing), (batch_cut{{0, 2}, {1}}));
  EXPECT_EQ(steer::detail::cut_by_sequence(rows, 8, sequence_order::any), (batch_cut{{0, 1, 2}}));
}

TEST(MicroBatches, FollowsWhicheverCutTheTokensShow) {
  const auto rows = rows_of({{0, 1}, {1, 2}, {0, 3}, {1, 4}, {0, 5}});
  for (const batch_cut& cut : {steer::detail::cut_in_order(5, 4),
                               steer::detail::cut_by_sequence(rows, 4, sequence_order::increasing),
                               steer::detail::cut_by_sequence(rows, 4, sequence_order::alone)}) {
    micro_batches batch(rows, 4);
    for (const auto& indices : cut) {
      ASSERT_TRUE(batch.next(tokens_of(rows, indices)));
      EXPECT_EQ(std::vector<std::int32_t>(batch.rows().begin(), batch.rows().end()), indices);
    }
    EXPECT_FALSE(batch.next({}));
  }
}

TEST(MicroBatches, UnknownOrdersAreRefused) {
  const auto rows = rows_of({{0, 1}, {1, 2}, {0, 3}});
  micro_batches batch(rows, 4);
  const std::vector<std::int32_t> backwards{3, 2, 1};
  EXPECT_FALSE(batch.next(backwards));
}

TEST(MicroBatches, RowsThatCouldBeMistakenAreRefusedByName) {
  // In order: sequences 0, 1, 0, 1; by sequence: 0, 0, 1, 1. The tokens are the same.
  const auto rows = rows_of({{0, 7}, {1, 7}, {0, 7}, {1, 7}});
  expect_error<steer::host_error>([&] { micro_batches(rows, 8); }, "rows 1 and 2", "same token 7", "sequence 1 from 0",
                                  "batches of their own");
  expect_fields<steer::host_error>([&] { micro_batches(rows, 8); }, {.what = "rows 1 and 2 of the batch",
                                                                     .expected = "batches of their own",
                                                                     .actual = "the same token 7"});
  EXPECT_NO_THROW(micro_batches(rows_of({{0, 7}, {1, 7}}), 8));  // every cut has the same order
}

TEST(MicroBatches, EveryCutHasEveryRowOnceAndNeverReordersASequence) {
  std::mt19937_64 engine{20261124};
  for (int round = 0; round < 500; ++round) {
    std::vector<std::pair<std::int32_t, std::int32_t>> random;
    const auto count = 1 + engine() % 40;
    for (std::size_t i = 0; i < count; ++i) {
      random.emplace_back(static_cast<std::int32_t>(engine() % 4), static_cast<std::int32_t>(i));
    }
    const auto rows = rows_of(random);
    const auto most = 1 + engine() % 12;
    for (const auto order : {sequence_order::any, sequence_order::increasing, sequence_order::alone}) {
      std::vector<int> seen(rows.size(), 0);
      std::vector<std::int32_t> last(4, -1);
      for (const auto& micro : steer::detail::cut_by_sequence(rows, most, order)) {
        for (const std::int32_t i : micro) {
          ++seen[static_cast<std::size_t>(i)];
          const auto sequence = static_cast<std::size_t>(rows[static_cast<std::size_t>(i)].sequence);
          EXPECT_LT(last[sequence], i) << "round " << round;
          last[sequence] = i;
        }
      }
      EXPECT_EQ(seen, std::vector<int>(rows.size(), 1)) << "round " << round;
    }
  }
}

}  // namespace
