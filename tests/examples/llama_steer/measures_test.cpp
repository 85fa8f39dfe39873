#include "llama_steer/measures.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

namespace {

using llama_steer::distinct_2;
using llama_steer::divergence;
using llama_steer::words;

TEST(LlamaSteerMeasures, WordsStandBetweenWhiteSpace) {
  EXPECT_EQ(words("  The cat,\n\tthe  CAT. "), (std::vector<std::string>{"the", "cat,", "the", "cat."}));
  EXPECT_TRUE(words(" \n").empty());
}

TEST(LlamaSteerMeasures, ThoughtsAreNoPartOfAnAnswer) {
  using llama_steer::without_thoughts;
  EXPECT_EQ(without_thoughts("a <b> c"), "a <b> c");
  EXPECT_EQ(without_thoughts(" a"), " a");
  EXPECT_EQ(without_thoughts("<think>\nso many words\n</think>\n\nYes. "), "Yes. ");
  EXPECT_EQ(without_thoughts("begun by the template\n</think>Yes"), "Yes");
  EXPECT_EQ(without_thoughts("Yes<think>no</think>, yes<think>cut"), "Yes, yes");
  EXPECT_EQ(without_thoughts("<think>cut"), "");
  EXPECT_EQ(without_thoughts("</think>"), "");
  EXPECT_EQ(without_thoughts(""), "");
  EXPECT_EQ(without_thoughts("[THINK]no[/THINK]Yes <think>no</think>."), "Yes .");
  EXPECT_EQ(without_thoughts("<|channel|>analysis<|message|>no<|end|><|start|>assistant<|channel|>final<|message|>Yes"), "Yes");
  EXPECT_EQ(without_thoughts("<|channel|>final<|message|>Yes"), "Yes");
  EXPECT_EQ(without_thoughts("<thinking>a <think> b</thinking>Yes"), "Yes");
  using llama_steer::thought_begun_by;
  EXPECT_EQ(thought_begun_by("<|im_start|>assistant\n<think>\n"), "<think>");
  EXPECT_EQ(thought_begun_by("assistant\n<think>\n\n</think>\n\n"), "");
  EXPECT_EQ(thought_begun_by(""), "");
  EXPECT_TRUE(llama_steer::is_in_a_mark("<|channel|>"));
  EXPECT_FALSE(llama_steer::is_in_a_mark("<|im_end|>"));
  EXPECT_FALSE(llama_steer::is_in_a_mark(""));
}

TEST(LlamaSteerMeasures, Distinct2FallsWithRepetition) {
  EXPECT_DOUBLE_EQ(distinct_2(words("a b c d")), 1.0);
  EXPECT_DOUBLE_EQ(distinct_2(words("a b a b a")), 0.5);  // ab ba ab ba
  EXPECT_DOUBLE_EQ(distinct_2(words("a a a a a")), 0.25);
  EXPECT_DOUBLE_EQ(distinct_2(words("alone")), 1.0);
}

TEST(LlamaSteerMeasures, DivergenceOfKnownDistributions) {
  const std::vector<float> even{5.0F, 5.0F};
  const std::vector<float> odd{std::log(0.25F), std::log(0.75F)};
  EXPECT_NEAR(divergence(even, odd), 0.5 * std::log(0.5 / 0.25) + 0.5 * std::log(0.5 / 0.75), 1e-7);
  EXPECT_NEAR(divergence(odd, even), 0.25 * std::log(0.5) + 0.75 * std::log(1.5), 1e-7);
  EXPECT_EQ(divergence(odd, odd), 0.0);
  EXPECT_TRUE(std::isfinite(divergence(std::vector<float>{1000.0F, -1000.0F}, even)));
}

}  // namespace
