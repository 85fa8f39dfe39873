// The program's parts on SmolLM2, and with the pairs that ship with it.
#include <gtest/gtest.h>

#include <cstdint>
#include <sstream>
#include <string>
#include <vector>

#include "adapter/llama_cpp/small_model.hpp"
#include "expect_error.hpp"
#include "llama_steer/chat.hpp"
#include "llama_steer/sweep.hpp"

namespace {

using namespace llama_steer;
using small_model::model;

model_options one_thread() { return {.model = STEER_LLAMA_MODEL, .threads = 1}; }

std::vector<token_list> prompts(const std::vector<std::string>& texts) {
  std::vector<token_list> out;
  for (const std::string& text : texts) {
    out.push_back(tokens_of(*model(), text, one_thread()));
  }
  return out;
}

TEST(LlamaSteer, AnswersTogetherAreTheAnswersAlone) {
  const auto questions = prompts({"What is a cat?", "Name three colours.", "Say hello."});
  auto host = make_host(model(), one_thread(), 3, 128);
  const auto together = answer_all(host, questions, 24);
  ASSERT_EQ(together.size(), 3U);
  for (std::size_t i = 0; i < questions.size(); ++i) {
    const auto alone = answer_all(host, {&questions[i], 1}, 24);
    EXPECT_EQ(together[i].text, alone[0].text);
    EXPECT_FALSE(together[i].text.empty());
    EXPECT_LE(together[i].tokens.size(), 24U);
  }
}

TEST(LlamaSteer, DriftIsZeroUnsteeredAndGrows) {
  const auto questions = prompts({"What is a cat?", "Name three colours."});
  auto unsteered = make_host(model(), one_thread(), 2, 128);
  auto steered = make_host(model(), one_thread(), 2, 128);
  const auto answers = answer_all(unsteered, questions, 40);
  EXPECT_EQ(drift(unsteered, steered, questions, answers, 40), 0.0);
  vector_options terse;
  terse.name = "terse";
  const steer::steering_vector v = extract(model(), one_thread(), terse, {12, 15});
  double last = 0.0;
  for (const float strength : {0.02F, 0.1F, 0.3F}) {
    const steer::plan plan = dose_options{}.plan(v, strength, steered.shape());
    steered.steer(plan);
    const double now = drift(unsteered, steered, questions, answers, 40);
    EXPECT_GT(now, last) << strength;
    last = now;
  }
}

TEST(LlamaSteer, TheShippedPairsMakeAnswersShorter) {
  sweep_options options;
  options.model = one_thread();
  options.dose.layers = "10-22";
  options.strengths = {0.0F, 0.04F};
  options.tokens = 120;
  const auto v = vector_of(model(), options.model, options.vector, parse_layers(options.dose.layers));
  const auto rows = sweep(model(), options, v);
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0].answers.drift, 0.0);
  EXPECT_GT(rows[1].answers.drift, 0.0);
  EXPECT_LT(rows[1].answers.words, 0.6 * rows[0].answers.words);
  EXPECT_GT(rows[1].answers.distinct_2, 0.8);
}

TEST(LlamaSteer, ChatTakesCommandsAndAnswers) {
  chat_options options;
  options.model = one_thread();
  options.tokens = 8;
  options.strength = 0.0F;
  conversation talk(model(), options, extract(model(), one_thread(), {}, {15}));
  std::istringstream in(
      "Hello\n/strength 0.02\n/strength much\n/side\nWhat is a cat?\n/new\n/dance\n\n/strength nan\n/quit\nnever read\n");
  testing::internal::CaptureStdout();
  chat(talk, in, {});
  const std::string said = testing::internal::GetCapturedStdout();
  EXPECT_FLOAT_EQ(talk.strength(), 0.02F);
  for (const char* part : {"/strength X", "0 > ", "0.02 > ", "takes a number", "0.02 side > ", "unsteered", "at 0.02",
                           "/dance is no command"}) {
    EXPECT_NE(said.find(part), std::string::npos) << part << "\nin\n" << said;
  }
  EXPECT_EQ(said.find("never read"), std::string::npos);
}

TEST(LlamaSteer, AModelThatIsNoneIsRefused) {
  testing::internal::CaptureStderr();
  expect_error<steer::file_error>([&] { load_model(std::string(STEER_SOURCE_DIR) + "/README.md"); }, "README.md", "no model");
  testing::internal::GetCapturedStderr();
}

}  // namespace
