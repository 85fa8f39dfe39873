#include <gtest/gtest.h>

#include "allocations.hpp"
#include "examples/transformer/tiny_model.hpp"
#include "steer/core/hook_ref.hpp"
#include "transformer/generate.hpp"

namespace {

using namespace transformer_test;
using reference::row;
using steer_test::allocations_of;

/// Wide enough that Eigen's own product would allocate.
reference::config wide_config() {
  return {.layers = 2, .width = 320, .hidden = 500, .heads = 8, .kv_heads = 2, .head_width = 40, .vocabulary = 600,
          .context = 64};
}

TEST(no_allocation, decoding_one_token_several_rows_or_a_prompt) {
  STEER_NEED_ALLOCATION_COUNTS();
  const auto model = tiny_model(90, wide_config());
  reference::decoder d(model, {.sequences = 16, .max_rows = 48});
  std::vector<row> prompts;
  std::vector<row> tokens;
  for (std::int32_t s = 0; s < 16; ++s) {
    for (std::int32_t t = 0; t < 3; ++t) {
      prompts.push_back({t + s, s, steer::phase::prompt, 3, reference::output::logits});
    }
    tokens.push_back({s, s, steer::phase::generation, 3, reference::output::logits});
  }
  EXPECT_EQ(allocations_of([&] { d.decode(prompts); }), 0U);
  EXPECT_EQ(allocations_of([&] { d.decode(tokens); }), 0U);
  EXPECT_EQ(allocations_of([&] { d.decode(std::span(tokens).first(1)); }), 0U);
  const adding_hook hook{{1, steer::point::attention_heads}, Eigen::RowVectorXf::Ones(320)};
  EXPECT_EQ(allocations_of([&] { d.decode(tokens, hook); }), 0U);
  const steer::hook_ref<float> erased(hook);
  EXPECT_EQ(allocations_of([&] { d.decode(tokens, erased); }), 0U);
  const std::vector<std::int32_t> prompt = random_tokens(91, 60, 600);
  d.clear(0);
  EXPECT_EQ(allocations_of([&] { d.prompt(0, prompt); }), 0U);
}

TEST(no_allocation, generating_more_tokens_allocates_no_more) {
  STEER_NEED_ALLOCATION_COUNTS();
  const auto model = tiny_model(92, wide_config());
  reference::decoder d(model, {.sequences = 4});
  const std::vector<reference::token_list> prompts(4, reference::token_list{1, 2, 3});
  const auto count = [&](int tokens) {
    return allocations_of([&] {
      std::mt19937_64 engine(1);
      generate(d, prompts, {.max_tokens = tokens, .sample = {.temperature = 1.0F, .top_p = 0.9F}}, engine);
    });
  };
  const std::size_t few = count(2);
  EXPECT_GT(few, 0U);
  EXPECT_EQ(count(40), few);
}

}  // namespace
