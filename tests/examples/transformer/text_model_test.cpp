#include "transformer/text_model.hpp"

#include <gtest/gtest.h>

#include "examples/transformer/tiny_model.hpp"
#include "examples/transformer/tiny_tokenizer.hpp"
#include "expect_error.hpp"
#include "steer/inject/plan.hpp"

namespace {

using namespace transformer_test;
using reference::text_model;
using reference::token_list;

/// One token per letter: what a host with its own vocabulary brings.
struct letters {
  std::array<std::int32_t, 1> stop{0};

  [[nodiscard]] token_list encode(std::string_view text) const {
    token_list tokens{1};
    for (const char letter : text) {
      tokens.push_back(letter - 'a' + 2);
    }
    return tokens;
  }
  [[nodiscard]] std::string decode(std::span<const std::int32_t> tokens) const {
    std::string text;
    for (const std::int32_t token : tokens) {
      text += token < 2 ? '.' : static_cast<char>('a' + token - 2);
    }
    return text;
  }
  [[nodiscard]] static int vocabulary() { return 28; }
  [[nodiscard]] std::span<const std::int32_t> stops() const { return stop; }
};
static_assert(steer::text_host<text_model<letters>>);

reference::config letters_config() {
  reference::config c = tiny_config();
  c.vocabulary = 28;
  return c;
}

TEST(text_model, evaluate_shows_a_new_sequence_each_time) {
  text_model<letters> host(tiny_model(80, letters_config()), {}, {.max_rows = 4});
  const token_list tokens = host.tokenize("steering");
  EXPECT_EQ(tokens.size(), 9U);
  recording_hook first;
  host.evaluate(tokens, first);
  recording_hook other;
  host.evaluate(host.tokenize("clean"), other);
  recording_hook second;
  host.evaluate(tokens, second);
  ASSERT_EQ(first.calls.size(), 3U * 15U);  // three batches of at most four rows
  ASSERT_EQ(first.calls.size(), second.calls.size());
  for (std::size_t n = 0; n < first.calls.size(); ++n) {
    EXPECT_EQ(first.calls[n].values, second.calls[n].values);
    EXPECT_EQ(first.calls[n].info.front().prompt_length, 9);
  }
  EXPECT_EQ(host.shape().layers, 3);
}

TEST(text_model, log_probabilities_are_those_of_the_decoder) {
  const auto model = tiny_model(81, letters_config());
  text_model<letters> host(model, {});
  const token_list prompt = host.tokenize("abc");
  const token_list rest{5, 6, 7};
  const Eigen::VectorXf p = host.log_probabilities(prompt);
  EXPECT_NEAR(p.array().exp().sum(), 1.0F, 1e-5F);
  double expected = 0.0;
  token_list text = prompt;
  for (const std::int32_t token : rest) {
    expected += static_cast<double>(host.log_probabilities(text)[token]);
    text.push_back(token);
  }
  EXPECT_NEAR(host.log_probability(prompt, rest), expected, 1e-6);
  EXPECT_EQ(host.log_probability(prompt, token_list{}), 0.0);
  expect_error<steer::argument_error>([&] { static_cast<void>(host.log_probability(prompt, token_list{28})); }, "token is 28");
  const adding_hook hook{{1, steer::point::mlp_out}, Eigen::RowVectorXf::Ones(18)};
  EXPECT_NE(host.log_probabilities(prompt, hook), p);
  EXPECT_EQ(host.log_probabilities(prompt), p);
}

TEST(text_model, generates_one_or_many_texts_alike) {
  text_model<letters> host(tiny_model(82, letters_config()), {}, {.sequences = 2});
  const std::string greedy = host.generate("abc", steer::no_hook{}, {.max_tokens = 5});
  EXPECT_EQ(greedy, host.generate("abc", steer::no_hook{}, {.max_tokens = 5}));
  const reference::generation_options options{.max_tokens = 6, .sample = {.temperature = 1.0F}};
  const std::vector<std::string> texts{"abc", "z", "steer"};
  std::mt19937_64 engine(4);
  const auto many = host.generate(texts, steer::no_hook{}, options, engine);
  ASSERT_EQ(many.size(), 3U);
  std::mt19937_64 again(4);
  for (std::size_t i = 0; i < texts.size(); ++i) {
    EXPECT_EQ(host.generate(texts[i], steer::no_hook{}, options, again), many[i]);
  }
  const adding_hook hook{{1, steer::point::residual_out}, Eigen::RowVectorXf::LinSpaced(18, -3.0F, 3.0F)};
  EXPECT_NE(host.generate("abc", hook, {.max_tokens = 5}), greedy);
}

TEST(text_model, refuses_a_foreign_tokenizer_and_sampling_without_an_engine) {
  expect_error<steer::shape_error>([] { text_model<letters> host(tiny_model(83), {}); }, "tokenizer has 28 tokens",
                                   "\"tiny\" has 41");
  text_model<letters> host(tiny_model(84, letters_config()), {});
  expect_error<steer::argument_error>(
      [&] { static_cast<void>(host.generate("a", steer::no_hook{}, {.sample = {.temperature = 0.5F}})); },
      "temperature is 0.5", "no random engine");
}

TEST(text_model, refuses_a_hook_made_for_another_model_wherever_one_is_taken) {
  text_model<letters> host(tiny_model(86, letters_config()), {});
  steer::model_shape other = host.shape();
  other.width = 20;
  other.fingerprint = "";
  const steer::steering_vector v{.name = "wide", .directions = {{0, {.values = Eigen::VectorXf::Ones(20)}}}};
  const steer::plan wide(steer::recipe{}.add(v, {.unit = steer::strength_unit::raw}), other);
  const token_list tokens = host.tokenize("ab");
  const auto refuse = [](auto&& act) {
    expect_fields<steer::shape_error>(act, {"hook made for model \"tiny\"", 0, "18", "20"});
  };
  refuse([&] { host.evaluate(tokens, wide); });
  refuse([&] { host.logits(std::vector<token_list>{tokens}, wide, [](std::size_t, steer::logits_view) {}); });
  refuse([&] { static_cast<void>(host.log_probabilities(tokens, wide)); });
  refuse([&] { static_cast<void>(host.log_probability(tokens, tokens, wide)); });
  refuse([&] { static_cast<void>(host.generate("ab", wide)); });
}

TEST(text_model, works_with_a_tokenizer_file) {
  const scratch_file file(".bin");
  file.write(tokenizer_bytes(tiny_pieces()));
  reference::config c = tiny_config();
  c.vocabulary = 268;
  text_model<> host(tiny_model(85, c), reference::tokenizer(file.path()));
  EXPECT_EQ(host.tokenize("ab"), (token_list{1, 259, 264}));
  EXPECT_EQ(host.generate("ab", steer::no_hook{}, {.max_tokens = 4}), host.generate("ab", steer::no_hook{}, {.max_tokens = 4}));
}

}  // namespace
