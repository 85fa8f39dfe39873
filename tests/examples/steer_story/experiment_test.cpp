#include "steer_story/experiment.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <cstddef>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "shared_data.hpp"
#include "steer_story/checkpoint_subject.hpp"
#include "steer_story/storybox_subject.hpp"

namespace {

using namespace steer_story;

const progress nobody = [](double) {};

steer::plan plan_of(const subject& what, const steer::steering_vector& vector, float strength, int layer) {
  steer::recipe recipe;
  recipe.add(vector, {.strength = strength, .unit = steer::strength_unit::of_row_norm}, {.layers = {layer}});
  return {recipe, what.model->shape()};
}

/// Unsteered, then each vector at -strength and +strength.
std::vector<std::vector<tally>> both_ways(const subject& what, const std::vector<steer::steering_vector>& vectors,
                                          float strength, int layer, int texts) {
  std::vector<steer::plan> plans(1);
  for (const steer::steering_vector& v : vectors) {
    plans.push_back(plan_of(what, v, -strength, layer));
    plans.push_back(plan_of(what, v, strength, layer));
  }
  std::vector<std::vector<tally>> found;
  for (const auto& written : write(what, plans, {.texts = texts, .threads = 2, .seed = 9}, nobody)) {
    found.push_back(judge(what, written));
  }
  return found;
}

TEST(for_each_parallel, does_every_item_once_and_reports_the_end) {
  std::mutex mutex;
  std::multiset<std::size_t> seen;
  std::atomic<int> reports{0};
  double last = 0.0;
  for_each_parallel(50, 3,
                    [&](double done) {
                      const std::lock_guard lock(mutex);
                      ++reports;
                      last = std::max(last, done);
                    },
                    [&](std::size_t item, int worker) {
                      EXPECT_LT(worker, 3);
                      const std::lock_guard lock(mutex);
                      seen.insert(item);
                    });
  EXPECT_EQ(seen.size(), 50U);
  EXPECT_EQ(std::set<std::size_t>(seen.begin(), seen.end()).size(), 50U);
  EXPECT_EQ(reports, 50);
  EXPECT_EQ(last, 1.0);
}

TEST(for_each_parallel, throws_what_an_item_throws) {
  EXPECT_THROW(for_each_parallel(9, 2, nobody, [](std::size_t item, int) { item == 4 ? throw std::runtime_error("x") : void(); }),
               std::runtime_error);
}

TEST(storybox_subject, writes_the_same_texts_on_any_number_of_threads) {
  const subject what = storybox_subject(STEER_STORYBOX_WEIGHTS, 4, 1);
  const auto vectors = extract(what, 2, nobody);
  const std::vector<steer::plan> plans{{}, plan_of(what, vectors[0], 0.3F, 2)};
  const auto one = write(what, plans, {.texts = 5, .threads = 1, .seed = 3, .batch = 2}, nobody);
  const auto two = write(what, plans, {.texts = 5, .threads = 2, .seed = 3, .batch = 2}, nobody);
  ASSERT_EQ(one.size(), 2U);
  bool steered_differs = false;
  for (std::size_t n = 0; n < 5; ++n) {
    for (std::size_t p = 0; p < 2; ++p) {
      EXPECT_EQ(one[p][n].prompt, two[p][n].prompt);
      EXPECT_EQ(one[p][n].continuation, two[p][n].continuation);
    }
    EXPECT_EQ(one[0][n].prompt, one[1][n].prompt) << "text n begins alike under every plan";
    steered_differs |= one[0][n].continuation != one[1][n].continuation;
  }
  EXPECT_TRUE(steered_differs);
}

TEST(storybox_subject, reads_in_kept_logits_what_a_model_that_reads_the_stories_again_finds) {
  const subject what = storybox_subject(STEER_STORYBOX_WEIGHTS, 4, 1);
  const auto vectors = extract(what, 2, nobody);
  const steer::plan plan = plan_of(what, vectors[0], 0.3F, 2);
  const auto written = write(what, {&plan, 1}, {.texts = 6, .threads = 2, .seed = 3, .batch = 4, .keep_logits = true}, nobody).front();
  std::vector<token_list> stories;
  for (const text& t : written) {
    stories.push_back(t.whole());
  }
  std::vector<steer::readout> readouts;
  for (const storybox::attribute a : storybox::attributes) {
    readouts.push_back(storybox::rate_readout(a, stories));
  }
  reference::decoder reader(what.model);
  const auto expected = steer::take_readings(reader, readouts, plan);
  const auto found = what.read(written);
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    ASSERT_EQ(found[i].samples.size(), 6U);
    for (std::size_t n = 0; n < 6; ++n) {
      EXPECT_EQ(found[i].samples[n].first, expected[i].samples[n].first) << readouts[i].name << ", story " << n;
      EXPECT_EQ(found[i].samples[n].second, expected[i].samples[n].second) << readouts[i].name << ", story " << n;
    }
  }
}

TEST(storybox_subject, moves_every_concept_both_ways_and_stays_grammatical) {
  const subject what = storybox_subject(STEER_STORYBOX_WEIGHTS, 100, 1);
  const auto vectors = extract(what, 2, nobody);
  const auto found = both_ways(what, vectors, 0.4F, 2, 48);
  for (std::size_t i = 0; i < vectors.size(); ++i) {
    const steer::evidence& e = vectors[i].directions.at(2).evidence;
    EXPECT_GT(*e.auroc, 0.85) << vectors[i].name;
    EXPECT_GT(*e.split_half_cosine, 0.95) << vectors[i].name;
    const auto& less = found[1 + 2 * i];
    const auto& more = found[2 + 2 * i];
    EXPECT_LT(shift(less, found[0], concept_number(i)).value, -0.15) << vectors[i].name;
    EXPECT_GT(shift(more, found[0], concept_number(i)).value, 0.12) << vectors[i].name;
    EXPECT_GT(rate(more, concept_number(i)).value - rate(less, concept_number(i)).value, 0.45) << vectors[i].name;
    EXPECT_GT(rate(less, soundness).value, 0.95) << vectors[i].name;
    EXPECT_GT(rate(more, soundness).value, 0.95) << vectors[i].name;
  }
}

TEST(storybox_subject, judges_by_the_oracle) {
  const subject what = storybox_subject(STEER_STORYBOX_WEIGHTS, 1, 1);
  const token_list prompt = what.encode("Once upon a time there was a little girl named Lily.");
  token_list rest = what.encode("She smiled at the ball. Maybe she cried over the big red ball for hours. He danced the.");
  rest.erase(rest.begin());  // begin-of-story
  const tally found = what.judge(prompt, rest);
  EXPECT_EQ(found.sentences, 3.0);
  EXPECT_EQ(found.sound.shown, 2.0);
  EXPECT_EQ(found.sound.of, 3.0);
  const std::vector<double> shown{1.0, 1.0, 0.0, 1.0};  // mood, verbose, dialogue, hedged
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(found.concepts[i].shown, shown[i]) << what.concepts[i].name;
    EXPECT_EQ(found.concepts[i].of, 2.0);
  }
  EXPECT_EQ(what.highlight(0, " She smiled at the ball."), verdict::shown);
  EXPECT_EQ(what.highlight(1, " She smiled at the ball."), verdict::opposite);
  EXPECT_EQ(what.highlight(1, " She at the ball smiled."), verdict::broken);
  EXPECT_EQ(what.highlight(1, "Once upon a time there was a little girl named Lily."), verdict::neutral);
}

TEST(checkpoint_subject, moves_gender_mood_and_register_both_ways_on_stories260K) {
  STEER_NEED_SHARED_FILE(model, "models/stories260K.bin");
  STEER_NEED_SHARED_FILE(tokenizer, "models/tok512.bin");
  STEER_NEED_SHARED_FILE(pairs, "data/story_pairs.json");
  const subject what = checkpoint_subject(model, tokenizer, pairs);
  const auto vectors = extract(what, 2, nobody);
  const auto found = both_ways(what, vectors, 0.2F, 3, 48);
  ASSERT_EQ(vectors.size(), 3U);
  for (std::size_t i = 0; i < vectors.size(); ++i) {
    const estimate less = shift(found[1 + 2 * i], found[0], concept_number(i));
    const estimate more = shift(found[2 + 2 * i], found[0], concept_number(i));
    EXPECT_LT(less.value, -2.0 * less.error) << vectors[i].name;
    EXPECT_GT(more.value, 2.0 * more.error) << vectors[i].name;
    RecordProperty(vectors[i].name, std::to_string(less.value) + " " + std::to_string(more.value));
  }
}

}  // namespace
