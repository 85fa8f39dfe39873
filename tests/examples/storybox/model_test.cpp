#include "storybox/model.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "expect_error.hpp"
#include "storybox/generator.hpp"
#include "storybox/oracle.hpp"
#include "temporary_file.hpp"

namespace {

std::vector<storybox::story> some_stories(std::size_t count, std::uint64_t seed) {
  std::mt19937_64 engine{seed};
  std::vector<storybox::story> stories;
  for (std::size_t i = 0; i < count; ++i) {
    stories.push_back(storybox::generate(engine));
  }
  return stories;
}

TEST(storybox_model, loses_at_most_one_percent_more_than_the_ideal_predictor) {
  const auto stories = some_stories(300, 424242);
  reference::decoder model(storybox::load_model(STEER_STORYBOX_WEIGHTS), {.sequences = 16, .max_rows = 1024});
  const double floor = storybox::corpus_floor(stories).per_token();
  const double loss = storybox::model_loss(model, stories).per_token();
  EXPECT_GE(loss, floor * 0.999) << "nothing predicts better than the ideal predictor";
  EXPECT_LE(loss, floor * 1.01);
}

TEST(storybox_model, counts_every_prediction_once_however_the_stories_are_batched) {
  const auto stories = some_stories(7, 5);
  const auto model = storybox::load_model(STEER_STORYBOX_WEIGHTS);
  reference::decoder narrow(model, {.sequences = 1, .max_rows = 256});
  reference::decoder wide(model, {.sequences = 3, .max_rows = 700});
  const storybox::loss one = storybox::model_loss(narrow, stories);
  const storybox::loss many = storybox::model_loss(wide, stories);
  EXPECT_EQ(one.predictions, storybox::corpus_floor(stories).predictions);
  EXPECT_EQ(one.predictions, many.predictions);
  EXPECT_NEAR(one.nats, many.nats, 1e-9 * one.nats);
}

TEST(storybox_model, refuses_a_decoder_too_small_for_a_story) {
  const auto stories = some_stories(1, 5);
  reference::decoder small(storybox::load_model(STEER_STORYBOX_WEIGHTS), {.max_rows = 8});
  expect_error<steer::argument_error>([&] { storybox::model_loss(small, stories); }, "model_loss", "the decoder has 8");
}

TEST(storybox_model, refuses_weights_of_another_vocabulary) {
  const temporary_file file(".safetensors");
  steer::write_safetensors(file.path(), {}, {{"vocabulary", "one\ntwo"}});
  expect_error<steer::format_error>([&] { storybox::load_model(file.path()); }, "\"vocabulary\"", "78 words");
}

TEST(storybox_model, goes_on_with_a_story_that_the_oracle_can_read) {
  storybox::text_model model(storybox::load_model(STEER_STORYBOX_WEIGHTS), {});
  const std::string prompt = "Once upon a time there was a little girl named Lily.";
  std::mt19937_64 engine{3};
  const std::string story =
      prompt + " " + model.generate(prompt, steer::no_hook{}, {.max_tokens = 200, .sample = {.temperature = 1.0F}}, engine);
  const storybox::reading reading = storybox::read(story);
  EXPECT_GE(reading.sentences.size(), 6U) << story;
  EXPECT_GE(reading.grammatical_count() + 1, reading.sentences.size()) << story;
}

}  // namespace
