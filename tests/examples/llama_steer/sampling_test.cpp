// The next token by temperature and top_p.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <map>
#include <random>
#include <vector>

#include "llama_steer/sampling.hpp"

namespace {

using llama_steer::sample;

TEST(sample, takes_the_likeliest_at_temperature_0) {
  std::mt19937_64 engine(1);
  const std::mt19937_64 before = engine;
  EXPECT_EQ(sample(std::vector{0.0F, 3.0F, 3.0F, -1.0F}, 0.0, 1.0, engine), 1) << "the first of several";
  EXPECT_EQ(engine, before) << "no luck is needed";
}

TEST(sample, takes_each_as_often_as_its_probability_says) {
  const std::vector<float> logits{std::log(0.5F), std::log(0.3F), std::log(0.2F)};
  const auto shares = [&](double temperature, double top_p) {
    std::mt19937_64 engine(2);
    std::map<std::int32_t, double> out;
    constexpr int times = 20'000;
    for (int i = 0; i < times; ++i) {
      out[sample(logits, temperature, top_p, engine)] += 1.0 / times;
    }
    return out;
  };
  auto all = shares(1.0, 1.0);
  EXPECT_NEAR(all[0], 0.5, 0.02);
  EXPECT_NEAR(all[1], 0.3, 0.02);
  EXPECT_NEAR(all[2], 0.2, 0.02);
  auto sharper = shares(0.5, 1.0);
  EXPECT_NEAR(sharper[0], 0.25 / 0.38, 0.02) << "squares of the probabilities";
  auto nucleus = shares(1.0, 0.7);
  EXPECT_NEAR(nucleus[0], 0.5 / 0.8, 0.02);
  EXPECT_FALSE(nucleus.contains(2)) << "two have .7 already";
  EXPECT_EQ(shares(1.0, 1e-9).size(), 1U);
}

TEST(sample, gives_the_same_for_the_same_engine) {
  const std::vector<float> logits(50, 0.0F);
  std::mt19937_64 a(3);
  std::mt19937_64 b(3);
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(sample(logits, 1.0, 0.9, a), sample(logits, 1.0, 0.9, b));
  }
}

}  // namespace
