#include "transformer/generate.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <random>
#include <span>
#include <vector>

#include "examples/transformer/tiny_model.hpp"
#include "expect_error.hpp"

namespace {

using namespace transformer_test;
using reference::decoder;
using reference::generation_options;
using reference::token_list;

std::vector<token_list> prompts_of(const std::vector<std::size_t>& sizes) {
  std::vector<token_list> prompts;
  for (const std::size_t size : sizes) {
    prompts.push_back(random_tokens(60 + prompts.size(), size, tiny_config().vocabulary));
  }
  return prompts;
}

TEST(generate, greedy_is_the_largest_logit_step_by_step) {
  const auto model = tiny_model(70);
  const std::vector<token_list> prompts = prompts_of({4});
  std::mt19937_64 engine(1);
  decoder d(model);
  const token_list tokens = generate(d, prompts, {.max_tokens = 8}, engine).front();
  ASSERT_EQ(tokens.size(), 8U);
  token_list text = prompts[0];
  for (const std::int32_t token : tokens) {
    decoder fresh(model);
    extent best = 0;
    fresh.prompt(0, text).row(0).maxCoeff(&best);
    EXPECT_EQ(token, best);
    text.push_back(token);
  }
}

TEST(generate, a_result_does_not_depend_on_the_batch) {
  const auto model = tiny_model(71);
  const std::vector<token_list> prompts = prompts_of({3, 9, 1, 5, 12});
  const generation_options options{.max_tokens = 10, .sample = {.temperature = 1.0F, .top_p = 0.95F}, .stops = {4, 9}};
  std::mt19937_64 engine(2);
  decoder wide(model, {.sequences = 5});
  const std::vector<token_list> together = generate(wide, prompts, options, engine);
  std::mt19937_64 again(2);
  decoder tight(model, {.sequences = 5, .max_rows = 5});  // prompts arrive in pieces
  EXPECT_EQ(generate(tight, prompts, options, again), together);
  std::mt19937_64 alone(2);
  for (std::size_t s = 0; s < prompts.size(); ++s) {
    decoder d(model);
    EXPECT_EQ(generate(d, std::span(prompts).subspan(s, 1), options, alone).front(), together[s]);
  }
  std::mt19937_64 other(3);
  EXPECT_NE(generate(wide, prompts, options, other), together);
}

TEST(generate, ends_at_a_stop_the_limit_or_a_full_context) {
  const auto model = tiny_model(72);
  const std::vector<token_list> prompts = prompts_of({4});
  std::mt19937_64 engine(1);
  decoder d(model);
  const token_list all = generate(d, prompts, {.max_tokens = 1000}, engine).front();
  EXPECT_EQ(all.size(), 21U);  // context 24: 20 more tokens are decoded, the last of them gives one more
  EXPECT_EQ(d.length(0), 24);
  const token_list stopped = generate(d, prompts, {.max_tokens = 1000, .stops = {40, all[5]}}, engine).front();
  const auto first = std::find_if(all.begin(), all.end(), [&](std::int32_t t) { return t == all[5] || t == 40; });
  EXPECT_EQ(stopped, token_list(all.begin(), first));
  EXPECT_EQ(generate(d, prompts, {.max_tokens = 3}, engine).front(), token_list(all.begin(), all.begin() + 3));
  EXPECT_EQ(generate(d, prompts, {.max_tokens = 0}, engine).front(), token_list{});
  EXPECT_TRUE(generate(d, {}, {}, engine).empty());
}

TEST(generate, tells_every_token_as_it_comes) {
  const auto model = tiny_model(73);
  const std::vector<token_list> prompts = prompts_of({4, 2});
  std::mt19937_64 engine(1);
  decoder d(model, {.sequences = 2});
  std::vector<token_list> seen(2);
  const auto result = generate(d, prompts, {.max_tokens = 6}, engine, steer::no_hook{}, [&](std::int32_t s, std::int32_t t) {
    seen[static_cast<std::size_t>(s)].push_back(t);
  });
  EXPECT_EQ(seen, result);
}

TEST(generate, tells_what_every_token_was_drawn_from) {
  const auto model = tiny_model(73);
  const std::vector<token_list> prompts = prompts_of({4, 2});
  std::mt19937_64 engine(1);
  decoder d(model, {.sequences = 2});
  std::vector<token_list> likeliest(2);
  const auto result = generate(d, prompts, {.max_tokens = 6}, engine, steer::no_hook{},
                               [&](std::int32_t s, std::int32_t, std::span<const float> logits) {
                                 const auto most = std::max_element(logits.begin(), logits.end()) - logits.begin();
                                 likeliest[static_cast<std::size_t>(s)].push_back(static_cast<std::int32_t>(most));
                               });
  EXPECT_EQ(likeliest, result);
}

TEST(generate, hooks_see_phases_positions_and_whole_prompt_lengths) {
  const auto model = tiny_model(74);
  const std::vector<token_list> prompts = prompts_of({7, 2});
  std::mt19937_64 engine(1);
  decoder d(model, {.sequences = 2, .max_rows = 3});
  recording_hook hook;
  const auto result = generate(d, prompts, {.max_tokens = 5}, engine, hook);
  std::vector<token_list> seen(2);
  for (const recording_hook::call& call : hook.calls) {
    EXPECT_LE(call.info.size(), 3U);
    if (call.where != steer::site{2, steer::point::residual_out}) {
      continue;
    }
    for (const steer::row_info& info : call.info) {
      const auto s = static_cast<std::size_t>(info.sequence);
      EXPECT_EQ(info.position, static_cast<std::int32_t>(seen[s].size()));
      EXPECT_EQ(info.prompt_length, static_cast<std::int32_t>(prompts[s].size()));
      EXPECT_EQ(info.phase == steer::phase::prompt, info.position < info.prompt_length);
      seen[s].push_back(info.token);
    }
  }
  for (std::size_t s = 0; s < 2; ++s) {  // the last token is never decoded
    token_list expected = prompts[s];
    expected.insert(expected.end(), result[s].begin(), result[s].end() - 1);
    EXPECT_EQ(seen[s], expected);
  }
}

TEST(generate, refuses_before_anything_is_computed) {
  const auto model = tiny_model(75);
  std::mt19937_64 engine(1);
  decoder d(model, {.sequences = 2});
  recording_hook hook;
  const auto refuse = [&](const std::vector<token_list>& prompts, const generation_options& options, const auto&... parts) {
    expect_error<steer::argument_error>([&] { generate(d, prompts, options, engine, hook); }, parts...);
  };
  refuse({{1}, {1}, {1}}, {}, "3 prompts", "2 sequences");
  refuse({{1}}, {.max_tokens = -1}, "max_tokens is -1");
  refuse({{1}, {}}, {}, "has 0 tokens");
  refuse({{1}, token_list(25, 1)}, {}, "has 25 tokens", "1 to 24");
  refuse({{1}, {1, 41}}, {}, "position 1", "token is 41");
  refuse({{1}}, {.sample = {.temperature = -1.0F}}, "temperature is -1");
  EXPECT_TRUE(hook.calls.empty());
}

TEST(generate, logits_that_are_no_numbers_are_refused) {
  const auto model = tiny_model(76);
  std::mt19937_64 engine(1);
  decoder d(model);
  const adding_hook poison{{2, steer::point::residual_out},
                           Eigen::RowVectorXf::Constant(18, std::numeric_limits<float>::quiet_NaN())};
  const std::vector<token_list> prompts{{1, 2}};
  expect_error<steer::numeric_error>([&] { generate(d, prompts, {}, engine, poison); }, "logit of token 0 is", "nan");
}

}  // namespace
