#include "transformer/sampler.hpp"

#include <gtest/gtest.h>

#include <array>
#include <map>

#include "expect_error.hpp"

namespace {

using reference::sampler;
using logits_list = std::vector<float>;

constexpr float infinite = std::numeric_limits<float>::infinity();

std::map<std::int32_t, double> frequencies(sampler pick, const logits_list& logits, int draws = 40000) {
  std::mt19937_64 engine(11);
  std::map<std::int32_t, double> out;
  for (int i = 0; i < draws; ++i) {
    out[pick(logits, engine)] += 1.0 / draws;
  }
  return out;
}

TEST(sampler, uniform_is_the_same_everywhere) {
  std::mt19937_64 wide(5489);  // its first value is 14514284786278117030, by the standard's algorithm
  EXPECT_EQ(reference::uniform(wide), static_cast<double>(14514284786278117030ULL >> 11U) / 9007199254740992.0);
  std::mt19937 narrow(5489);  // 3499211612, 581869302
  EXPECT_EQ(reference::random_bits(narrow), 3499211612ULL << 32U | 581869302ULL);
}

TEST(sampler, greedy_takes_the_first_of_the_largest_and_draws_nothing) {
  std::mt19937_64 engine(1);
  sampler pick({});
  EXPECT_EQ(pick(logits_list{1.0F, 3.0F, 2.0F, 3.0F}, engine), 1);
  EXPECT_EQ(pick(logits_list{-infinite, -5.0F}, engine), 1);
  EXPECT_EQ(engine, std::mt19937_64(1));
}

TEST(sampler, draws_with_the_probabilities_of_the_temperature) {
  const logits_list logits{0.0F, 1.0F, 2.0F, -infinite};
  for (const float temperature : {0.5F, 1.0F, 2.0F}) {
    const auto seen = frequencies(sampler({.temperature = temperature}), logits);
    std::array<double, 3> p{};
    double total = 0.0;
    for (std::size_t i = 0; i < 3; ++i) {
      total += p[i] = std::exp(static_cast<double>(logits[i]) / static_cast<double>(temperature));
    }
    EXPECT_FALSE(seen.contains(3));
    for (std::int32_t i = 0; i < 3; ++i) {
      EXPECT_NEAR(seen.at(i), p[static_cast<std::size_t>(i)] / total, 0.012) << "temperature " << temperature;
    }
  }
}

TEST(sampler, keeps_the_nucleus_and_its_proportions) {
  const logits_list logits{std::log(0.1F), std::log(0.5F), std::log(0.3F), std::log(0.1F)};
  const auto two = frequencies(sampler({.temperature = 1.0F, .top_p = 0.75F}), logits);
  EXPECT_EQ(two.size(), 2U);
  EXPECT_NEAR(two.at(1), 0.625, 0.012);
  EXPECT_NEAR(two.at(2), 0.375, 0.012);
  const auto three = frequencies(sampler({.temperature = 1.0F, .top_p = 0.85F}), logits);
  EXPECT_EQ(three.size(), 3U);
  EXPECT_TRUE(three.contains(0));  // of equals the smaller token
  EXPECT_EQ(frequencies(sampler({.temperature = 1.0F, .top_p = 1e-6F}), logits, 100).size(), 1U);
  EXPECT_EQ(frequencies(sampler({.temperature = 1e-30F}), logits, 100).size(), 1U);
}

TEST(sampler, equal_engines_give_equal_tokens) {
  const logits_list logits{0.1F, 0.2F, 0.3F, 0.2F, 0.1F};
  std::mt19937_64 a(3);
  std::mt19937_64 b(3);
  sampler first({.temperature = 0.8F, .top_p = 0.9F});
  sampler second({.temperature = 0.8F, .top_p = 0.9F});
  static_cast<void>(second(logits_list{1.0F, 2.0F}, b = std::mt19937_64(9)));  // what it drew before leaves no trace
  b.seed(3);
  for (int i = 0; i < 100; ++i) {
    ASSERT_EQ(first(logits, a), second(logits, b));
  }
}

TEST(sampler, refuses_what_cannot_be_sampled) {
  std::mt19937_64 engine(1);
  for (const float temperature : {0.0F, 1.0F}) {
    sampler pick({.temperature = temperature});
    const auto refuse = [&](const logits_list& logits, const auto&... parts) {
      expect_error<steer::numeric_error>([&] { pick(logits, engine); }, "sampler: ", parts...);
    };
    refuse({1.0F, std::numeric_limits<float>::quiet_NaN()}, "token 1 is nan");
    refuse({std::numeric_limits<float>::quiet_NaN(), 1.0F}, "token 0 is nan");
    refuse({1.0F, 2.0F, infinite}, "token 2 is inf");
    refuse({-infinite, -infinite}, "none of the 2 logits is finite");
    refuse({}, "none of the 0 logits");
  }
  const auto refuse = [](reference::sampling options, const auto&... parts) {
    expect_error<steer::argument_error>([&] { sampler{options}; }, parts...);
  };
  refuse({.temperature = -0.1F}, "temperature is -0.1", "0 or more");
  refuse({.temperature = infinite}, "temperature is inf");
  refuse({.top_p = 0.0F}, "top_p is 0", "above 0");
  refuse({.top_p = 1.5F}, "top_p is 1.5", "at most 1");
  refuse({.top_p = std::numeric_limits<float>::quiet_NaN()}, "top_p is nan");
}

}  // namespace
