// A recipe fitted to the beginning of a story, judged by the oracle of stories.
#include "steer/fit/fit_to_prompt.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <random>
#include <span>
#include <string>
#include <tuple>
#include <vector>

#include "steer/inject/plan.hpp"
#include "steer/measure/compare_with_prompt.hpp"
#include "storybox/generator.hpp"
#include "storybox/model.hpp"
#include "storybox/oracle.hpp"

namespace {

using storybox::attribute;
using storybox::token;

/// Openers, and the same with three sentences behind them that all show the mood.
std::vector<steer::answered_request> beginnings(std::size_t count, std::uint64_t seed) {
  std::mt19937_64 engine(seed);
  std::vector<steer::answered_request> out;
  for (std::size_t i = 0; i < count; ++i) {
    storybox::propensities shown;
    shown[storybox::index(attribute::mood)] = 1.0;
    storybox::story story = storybox::generate(engine, shown);
    steer::answered_request next;
    next.plain = storybox::prompt(story.hero);
    story.sentences.resize(3);
    next.prompted = storybox::tokens(story);
    if (next.prompted.back() == storybox::eos) {
      next.prompted.pop_back();
    }
    out.push_back(std::move(next));
  }
  return out;
}

/// What the model writes next, under a hook.
template <class Hook>
std::vector<std::string> written(storybox::text_model& model, const std::vector<std::string>& texts, const Hook& hook, int tokens) {
  std::mt19937_64 engine(4);
  return model.generate(std::span(texts), hook, {.max_tokens = tokens, .sample = {.temperature = 1.0F}}, engine);
}

/// Share of the sentences that show the mood.
double share_of_mood(const std::vector<std::string>& texts) {
  double shown = 0.0;
  double all = 0.0;
  for (const std::string& text : texts) {
    const storybox::reading found = storybox::read(text);
    shown += static_cast<double>(found.count(attribute::mood));
    all += static_cast<double>(found.grammatical_count());
  }
  return shown / all;
}

TEST(storybox_fit, writes_on_as_if_the_story_had_begun_happily) {
  storybox::text_model model(storybox::load_model(STEER_STORYBOX_WEIGHTS), storybox::codec{}, {.sequences = 8, .max_rows = 1024});
  std::vector<steer::answered_request> requests = beginnings(48, 1);
  std::vector<std::string> prompted;
  std::vector<std::string> plain;
  for (const steer::answered_request& each : requests) {
    prompted.push_back(storybox::to_text(each.prompted));
    plain.push_back(storybox::to_text(each.plain));
  }
  const std::vector<std::string> answers = written(model, prompted, steer::no_hook{}, 40);
  for (std::size_t i = 0; i < requests.size(); ++i) {
    requests[i].answer = storybox::to_tokens(answers[i]);
  }
  const auto to_fit = std::span(requests).first(32);
  const auto to_judge = std::span(requests).last(16);
  const double before = share_of_mood(written(model, plain, steer::no_hook{}, 40));
  const double wanted = share_of_mood(answers);
  ASSERT_GT(wanted, before + 0.2);
  // What else the three sentences say of this very story no edit can know: the logits come only a part of the way.
  for (const auto& [kind, least, most] : {std::tuple{steer::fit_kind::constant, 0.0, 0.4}, {steer::fit_kind::affine, 0.5, 1.0}}) {
    const steer::prompt_fit found = steer::fit_to_prompt(model, to_fit, "mood", {.layer = {.kind = kind}});
    const steer::plan plan(found.recipe, model.shape());
    const steer::hook_ref<float> hook(plan);
    EXPECT_GT(steer::recovery(steer::compare_with_prompt(model, to_judge, std::span(&hook, 1))[0]).value, 0.1) << to_string(kind);
    const double now = share_of_mood(written(model, plain, plan, 40));
    const double of_the_effect = (now - before) / (wanted - before);
    EXPECT_GT(of_the_effect, least) << to_string(kind);
    EXPECT_LT(of_the_effect, most) << to_string(kind);
  }
}

}  // namespace
