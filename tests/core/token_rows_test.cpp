#include "steer/core/token_rows.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "expect_error.hpp"
#include "toy.hpp"

namespace {

/// Two tokens of three streams, two numbers wide, with room between the rows: stream s of token t is (10 t + s, s).
class three_streams : public testing::Test {
 protected:
  std::vector<float> numbers = std::vector<float>(6 * 4, -1.0F);
  std::vector<steer::row_info> info;

  three_streams() {
    for (int row = 0; row < 6; ++row) {
      numbers[static_cast<std::size_t>(4 * row)] = static_cast<float>(10 * (row / 3) + row % 3);
      numbers[static_cast<std::size_t>(4 * row + 1)] = static_cast<float>(row % 3);
      info.push_back({7 + row / 3, row / 3, 5, 2, steer::phase::prompt, static_cast<std::uint8_t>(row % 3)});
    }
  }
  steer::rows<float> rows() { return {numbers.data(), 6, 2, 4, info}; }
};

TEST_F(three_streams, are_read_as_their_mean) {
  steer::token_rows tokens(3);
  tokens.read(rows(), [&](const auto& seen) {
    ASSERT_EQ(seen.count, 2);
    EXPECT_EQ(seen.width, 2);
    EXPECT_NEAR(seen[0][0], 1.0F, 1e-6F);
    EXPECT_NEAR(seen[1][0], 11.0F, 1e-5F);
    EXPECT_NEAR(seen[1][1], 1.0F, 1e-6F);
    EXPECT_EQ(seen.info_of(0).token, 7);
    EXPECT_EQ(seen.info_of(1).token, 8);
    EXPECT_EQ(seen.info_of(1).position, 1);
    EXPECT_EQ(seen.info_of(1).sequence, 5);
  });
}

TEST_F(three_streams, are_read_one_alone_where_one_is_named) {
  steer::token_rows tokens(3, 2);
  tokens.read(rows(), [&](const auto& seen) {
    ASSERT_EQ(seen.count, 2);
    EXPECT_EQ(seen[0].data(), numbers.data() + 2 * 4);
    EXPECT_EQ(seen[1].data(), numbers.data() + 5 * 4);
    EXPECT_EQ(seen.info_of(1).token, 8);
  });
}

TEST_F(three_streams, of_halves_have_a_mean_in_floats) {
  std::vector<Eigen::half> halves(numbers.begin(), numbers.end());
  steer::token_rows tokens(3);
  tokens.read(steer::rows<Eigen::half>{halves.data(), 6, 2, 4, info}, [&](const auto& seen) {
    static_assert(std::same_as<std::remove_cvref_t<decltype(seen)>, steer::rows<float>> ||
                  std::same_as<std::remove_cvref_t<decltype(seen)>, steer::rows<Eigen::half>>);
    EXPECT_NEAR(static_cast<float>(seen[1][0]), 11.0F, 1e-5F);
  });
}

TEST_F(three_streams, must_stand_together) {
  steer::token_rows tokens(3);
  const auto refuse = [&](const char* actual, const char* wanted) {
    expect_error<steer::host_error>([&] { tokens.read(rows(), [](const auto&) { FAIL(); }); }, "rows of 3 streams", actual, wanted);
  };
  std::swap(info[1], info[2]);
  refuse("row 1 is stream 2", "stream 1 of position 0");
  std::swap(info[1], info[2]);
  info[4].position = 0;
  refuse("row 4 is stream 1 of position 0", "stream 1 of position 1");
  info.pop_back();
  refuse("6 rows with facts of 5", "3 for each token");
}

TEST(token_rows, of_one_stream_are_the_rows_themselves) {
  steer::matrix<float> numbers = steer::matrix<float>::Ones(3, 2);
  steer::token_rows tokens;
  tokens.read(toy::view(numbers), [&](const auto& seen) {
    EXPECT_EQ(seen.data, numbers.data());
    EXPECT_EQ(seen.count, 3);
  });
}

}  // namespace
