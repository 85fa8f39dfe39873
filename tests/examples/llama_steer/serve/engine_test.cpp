// Many requests in one batch, each under its own steering, as alone. SmolLM2.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>
#include <Eigen/Core>

#include "adapter/llama_cpp/small_model.hpp"
#include "expect_error.hpp"
#include "llama_steer/serve/coordinates.hpp"
#include "llama_steer/serve/engine.hpp"
#include "serve/presets.hpp"
#include "steer/adapter/llama_cpp.hpp"
#include "steer/core/chain.hpp"
#include "steer/inject/plan.hpp"
#include "steer/io/preset_file.hpp"
#include "steer/serve/preset_library.hpp"

namespace {

using namespace llama_steer::serve;

using small_model::model;
using shared_steering = std::shared_ptr<const steer::steering>;

const steer::model_shape& shape() {
  static const steer::model_shape known = steer::llama_cpp_host(model(), small_model::parameters()).shape();
  return known;
}

/// A random addition at a layer, strong enough to change every answer.
shared_steering steered(std::uint64_t seed) {
  std::mt19937_64 engine(seed);
  std::normal_distribution<float> normal;
  steer::steering_vector v{.name = "random"};
  v.directions[12].values = Eigen::VectorXf::NullaryExpr(shape().width, [&] { return normal(engine); });
  auto out = std::make_shared<steer::steering>();
  steer::recipe recipe;
  recipe.add(v, {.strength = 40.0F, .unit = steer::strength_unit::unit}, {.rows = {.first = 1}});
  out->plan = steer::plan(recipe, shape());
  out->digest = steer::text({"random ", seed});
  return out;
}
shared_steering unsteered() { return std::make_shared<const steer::steering>(); }

std::vector<std::int32_t> prompt(const std::string& text) { return steer::tokenize(*model(), text, steer::special_tokens::as_text); }

generation_request asked(const std::string& text, shared_steering by, std::size_t tokens = 16) {
  return {.prompt = prompt(text), .max_tokens = tokens, .temperature = 0.0, .steering = std::move(by)};
}

struct read_answer {
  std::string text;
  ending how;
};
read_answer read_all(generation& of) {
  read_answer out{};
  for (;;) {
    const piece next = of.next(std::chrono::seconds(5));
    out.text += next.text;
    if (next.ended) {
      out.how = *next.ended;
      return out;
    }
  }
}

engine_options small(std::size_t slots = 8) { return {.slots = slots, .context = 256, .queue = 16, .batch = 64, .threads = 1}; }

/// The likeliest tokens, in a context of their own; up to where the two likeliest are within 1e-3 of each other, which rounding decides.
std::vector<std::int32_t> sure_answer(const generation_request& of) {
  steer::llama_cpp_host host(model(), small_model::parameters({.sequences = 1}));
  host.set_hook(of.steering->plan);
  host.prompt(0, of.prompt);
  std::vector<std::int32_t> out;
  steer::token_batch batch;
  while (out.size() < of.max_tokens) {
    const auto logits = host.logits(-1);
    const auto best = std::max_element(logits.begin(), logits.end());
    for (auto other = logits.begin(); other != logits.end(); ++other) {
      if (other != best && *best - *other < 1e-3F) {
        return out;
      }
    }
    const auto token = static_cast<std::int32_t>(best - logits.begin());
    if (llama_vocab_is_eog(llama_model_get_vocab(model()), token)) {
      break;
    }
    out.push_back(token);
    batch.clear();
    batch.add(token, static_cast<llama_pos>(of.prompt.size() + out.size() - 1), 0, steer::token_batch::output::logits);
    host.decode(batch.view());
  }
  return out;
}

TEST(engine, answers_eight_requests_under_eight_doses_as_it_does_each_alone) {
  const std::vector<std::string> texts{"The fox went to the river and", "My favourite colour is", "In the morning she", "A recipe for bread needs",
                                       "The committee decided that", "Once upon a time", "The best way to learn is", "It was raining, so"};
  engine together(model(), small(), {});
  std::vector<generation_request> all;
  std::vector<std::shared_ptr<generation>> running;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    all.push_back(asked(texts[i], i % 4 == 3 ? unsteered() : steered(i)));
    running.push_back(together.submit(all.back()));
  }
  std::size_t compared = 0;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    SCOPED_TRACE(texts[i]);
    const read_answer found = read_all(*running[i]);
    EXPECT_TRUE(found.how == ending::length || found.how == ending::stop);
    const std::vector<std::int32_t> wanted = sure_answer(all[i]);
    std::vector<std::int32_t> tokens = running[i]->tokens();
    ASSERT_GE(tokens.size(), wanted.size());
    tokens.resize(wanted.size());
    EXPECT_EQ(tokens, wanted);
    compared += wanted.size();
  }
  EXPECT_GT(compared, 64U);
}

/// A hook that keeps the last row at two layers.
struct last_rows {
  std::map<int, Eigen::VectorXf> kept = {};

  [[nodiscard]] steer::access access(steer::site where) const noexcept {
    return where.point == steer::point::residual_out && (where.layer == 12 || where.layer == 20) ? steer::access::read : steer::access::none;
  }
  void operator()(steer::site where, steer::rows<float> rows) noexcept {
    const auto row = rows[rows.count - 1];
    kept[where.layer] = Eigen::VectorXf::Map(row.data(), static_cast<Eigen::Index>(row.size()));
  }
};

/// A direction at a layer, with where both sides stand along it.
steer::steering_vector watched_vector(const std::string& name, int layer, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::normal_distribution<float> normal;
  steer::steering_vector out{.name = name};
  out.directions[layer].values = Eigen::VectorXf::NullaryExpr(shape().width, [&] { return 3.0F * normal(random); });
  out.directions[layer].origin = Eigen::VectorXf::NullaryExpr(shape().width, [&] { return normal(random); });
  return out;
}

TEST(engine, says_to_those_who_ask_where_each_token_stands) {
  steer::preset_library presets({.name = "any"}, shape());
  const toy::temporary_folder folder;
  const std::vector<steer::steering_vector> watched{watched_vector("far", 12, 1), watched_vector("near", 20, 2)};
  for (const steer::steering_vector& each : watched) {
    steer::preset p{.name = each.name, .version = 1};
    p.content.recipe.watch({each});
    save(p, folder / (each.name + ".safetensors"));
  }
  for (const auto& each : presets.load(folder.path(), "test")) {
    ASSERT_TRUE(each.accepted) << each.refused;
  }
  engine all(model(), small(4), {});
  all.watch(watched_by(presets));
  const std::string text = "The fox went to the river and";
  std::vector<std::shared_ptr<generation>> running;
  for (int i = 0; i < 4; ++i) {
    generation_request request = asked(text + (i < 2 ? "" : " there"), i % 2 == 0 ? steered(1) : unsteered());
    request.coordinates = i != 3;
    running.push_back(all.submit(request));
  }
  for (const auto& each : running) {
    const generation_request& request = each->asked();
    steer::llama_cpp_host host(model(), small_model::parameters({.sequences = 1}));
    last_rows rows;
    const steer::plan& plan = request.steering->plan;
    steer::chain both(plan, rows);
    host.set_hook(both);
    host.prompt(0, request.prompt);
    std::size_t seen = 0;
    for (piece next; !next.ended;) {
      next = each->next(std::chrono::seconds(5));
      if (!request.coordinates) {
        EXPECT_TRUE(next.coordinates.empty());
        continue;
      }
      if (next.text.empty()) {
        continue;
      }
      ASSERT_EQ(next.coordinates.size(), 2U);
      for (std::size_t i = 0; i < 2; ++i) {
        const auto& [layer, d] = *watched[i].directions.begin();
        const Eigen::VectorXf offset = rows.kept.at(layer) - d.origin;
        EXPECT_EQ(next.coordinates[i].first, watched[i].name);
        EXPECT_NEAR(next.coordinates[i].second, 2.0F * offset.dot(d.values) / d.values.squaredNorm(), 2e-2) << "token " << seen;
      }
      steer::token_batch batch;
      batch.add(each->tokens().at(seen), static_cast<llama_pos>(request.prompt.size() + seen), 0, steer::token_batch::output::logits);
      host.decode(batch.view());
      ++seen;
    }
    EXPECT_EQ(seen, request.coordinates ? each->tokens().size() : 0U);
  }
}

TEST(engine, takes_over_a_prefix_under_the_same_steering_only) {
  const std::string begin = "The committee met on Tuesday to discuss the budget for the coming year and found no agreement. After lunch";
  engine one(model(), small(1), {});
  const auto answer = [&](const std::string& text, shared_steering by) {
    const auto running = one.submit(asked(text, std::move(by), 8));
    return read_all(*running).text;
  };
  const std::string first = answer(begin, steered(1));
  EXPECT_EQ(one.counts().reused_tokens, 0U);
  EXPECT_EQ(answer(begin, steered(1)), first);
  const std::uint64_t reused = one.counts().reused_tokens;
  EXPECT_EQ(reused, prompt(begin).size() - 1) << "all but the last token, whose logits are wanted";
  const std::string plain = answer(begin, unsteered());
  EXPECT_EQ(one.counts().reused_tokens, reused) << "computed under another steering";
  EXPECT_NE(plain, first);
  EXPECT_EQ(answer(begin, steered(1)), first);
  EXPECT_EQ(one.counts().reused_tokens, reused);
  // Another prompt that begins alike: its answer is that of a fresh context.
  const auto longer = one.submit(asked(begin + " they went home and", steered(1), 8));
  read_all(*longer);
  EXPECT_EQ(one.counts().reused_tokens, reused + prompt(begin).size());
  std::vector<std::int32_t> tokens = longer->tokens();
  const std::vector<std::int32_t> wanted = sure_answer(longer->asked());
  ASSERT_GE(tokens.size(), wanted.size());
  tokens.resize(wanted.size());
  EXPECT_EQ(tokens, wanted);
  // Where rows depend on how long the prompt is, nothing is taken over.
  auto by_length = std::make_shared<steer::steering>(*steered(1));
  by_length->by_prompt_length = true;
  const std::uint64_t before = one.counts().reused_tokens;
  answer(begin, by_length);
  answer(begin, by_length);
  EXPECT_EQ(one.counts().reused_tokens, before);
}

TEST(engine, stops_at_strings_lengths_deadlines_and_when_nobody_reads) {
  engine one(model(), small(2), {});
  auto whole = one.submit(asked("Once upon a time, there was a", unsteered(), 24));
  const std::string text = read_all(*whole).text;
  ASSERT_GT(text.size(), 12U);
  auto request = asked("Once upon a time, there was a", unsteered(), 24);
  request.stop = {text.substr(6, 4)};
  const read_answer stopped = read_all(*one.submit(request));
  EXPECT_EQ(stopped.how, ending::stop);
  EXPECT_EQ(stopped.text, text.substr(0, text.find(request.stop[0])));
  EXPECT_EQ(read_all(*one.submit(asked("Once upon a time", unsteered(), 3))).how, ending::length);
  auto late = asked("Once upon a time", unsteered(), 200);
  late.deadline = llama_steer::serve::clock::now();
  EXPECT_EQ(read_all(*one.submit(late)).how, ending::timed_out);
  const auto left = one.submit(asked("Once upon a time", unsteered(), 200));
  left->cancel();
  EXPECT_EQ(read_all(*left).how, ending::cancelled);
  EXPECT_LT(left->tokens().size(), 200U);
  EXPECT_EQ(read_all(*one.submit(asked("Once upon a time", unsteered(), 3))).how, ending::length) << "its slot is free again";
}

TEST(engine, ends_an_answer_where_its_slot_is_full) {
  engine one(model(), {.slots = 2, .context = 48, .queue = 4, .batch = 16, .threads = 1}, {});
  std::vector<std::shared_ptr<generation>> running;
  for (int i = 0; i < 2; ++i) {
    running.push_back(one.submit(asked("Once upon a time, in a small village, there was a", steered(5), 400)));
  }
  for (const auto& each : running) {
    const read_answer found = read_all(*each);
    EXPECT_TRUE(found.how == ending::length || found.how == ending::stop);
    EXPECT_LE(each->asked().prompt.size() + each->tokens().size(), 48U);
  }
  EXPECT_EQ(read_all(*one.submit(asked("Once upon a time", unsteered(), 3))).how, ending::length);
}

TEST(engine, refuses_what_it_has_no_room_for) {
  engine one(model(), {.slots = 1, .context = 256, .queue = 1, .batch = 64, .threads = 1}, {});
  expect_error<steer::argument_error>([&] { one.submit({.steering = unsteered()}); }, "the prompt has 0 tokens", "1 to 255");
  expect_error<steer::argument_error>([&] { one.submit({.prompt = std::vector<std::int32_t>(256, 1), .steering = unsteered()}); }, "256 tokens");
  std::vector<std::shared_ptr<generation>> running;
  EXPECT_THROW(
      for (int i = 0; i < 4; ++i) { running.push_back(one.submit(asked("Once upon a time", unsteered(), 200))); }, queue_full);
  for (const auto& each : running) {
    each->cancel();
  }
}

TEST(engine, finishes_what_runs_before_it_ends) {
  engine one(model(), small(1), {});
  const auto running = one.submit(asked("Once upon a time", unsteered(), 100));  // not over before the next is there
  while (running->next(std::chrono::milliseconds(5)).text.empty()) {
  }
  const auto waiting = one.submit(asked("Once upon a time", unsteered(), 8));
  one.finish();
  EXPECT_EQ(read_all(*running).how, ending::length);
  EXPECT_EQ(read_all(*waiting).how, ending::cancelled);
  EXPECT_THROW(one.submit(asked("Once upon a time", unsteered(), 8)), queue_full);
}

TEST(engine, samples_by_its_seed_alone) {
  engine two(model(), small(2), {});
  const auto answer = [&](std::uint64_t seed) {
    generation_request request = asked("My favourite animal is", unsteered(), 12);
    request.temperature = 1.0;
    request.top_p = 0.9;
    request.seed = seed;
    const auto running = two.submit(request);
    const auto other = two.submit(asked("In the morning", steered(1), 12));
    const std::string out = read_all(*running).text;
    read_all(*other);
    return out;
  };
  const std::string first = answer(1);
  EXPECT_EQ(answer(1), first);
  EXPECT_NE(answer(2), first);
}

}  // namespace
