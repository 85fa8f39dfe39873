// The adapter on a real model: SmolLM2-135M, 30 layers of width 576, 9 heads.
#include "steer/adapter/llama_cpp.hpp"

#include <ggml.h>
#include <gguf.h>
#include <gtest/gtest.h>

#include <Eigen/Core>
#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "adapter/llama_cpp/small_model.hpp"
#include "expect_error.hpp"
#include "steer/core/chain.hpp"
#include "steer/extract/mean_difference.hpp"
#include "steer/extract/recorder.hpp"
#include "steer/inject/routes.hpp"
#include "steer/inject/session.hpp"
#include "steer/io/control_vector.hpp"
#include "steer/io/gguf.hpp"
#include "steer/io/weights_digest.hpp"
#include "temporary_file.hpp"
#include "toy.hpp"

namespace {

using small_model::last_logits;
using small_model::model;
using small_model::parameters;
using small_model::report;
using small_model::story;
using steer::llama_cpp_path;
using steer::point;
using output = steer::token_batch::output;

steer::llama_cpp_host make_host(small_model::sizes of = {}, steer::llama_cpp_options options = {}) {
  return steer::llama_cpp_host(model(), parameters(of), std::move(options));
}

/// A direction at each of the layers.
steer::steering_vector vector_at(const steer::model_shape& shape, point p, const std::vector<int>& layers) {
  std::mt19937_64 engine{7};
  steer::steering_vector out = toy::random_vector(engine, layers, shape.width_at(p));
  out.point = p;
  for (auto& [layer, direction] : out.directions) {
    direction.row_norm = 150.0;
  }
  return out;
}

steer::recipe additions(const steer::model_shape& shape) {
  return steer::recipe{}.add(vector_at(shape, point::residual_out, {10, 15, 22}), {.strength = 0.2F});
}

/// Edits of every kind there is, at every point, the first and the last layer among them.
steer::recipe many_edits(const steer::model_shape& shape) {
  steer::recipe out = additions(shape);
  out.ablate(vector_at(shape, point::residual_in, {0, 12}));
  out.scale(vector_at(shape, point::attention_heads, {3, 29}), {.factor = 1.5F});
  out.add(vector_at(shape, point::attention_out, {5}), {.strength = 0.02F});
  out.add(vector_at(shape, point::mlp_out, {6, 29}), {.strength = 0.1F, .unit = steer::strength_unit::of_row_norm});
  out.add(vector_at(shape, point::residual_out, {0, 29}), {.strength = 0.05F}, {.rows = {.first = 3}});
  const steer::steering_vector v = vector_at(shape, point::residual_in, {25});
  out.turn_towards(v, {.share = 0.1F}).floor(v, 10.0F, {.norm = steer::restore_norm});
  out.ablate(v, {.gate = {.conditions = {steer::above(v, 0.1F, steer::reading::cosine)}}});
  return out;
}

double largest_difference(const std::vector<float>& a, const std::vector<float>& b) {
  double largest = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    largest = std::max(largest, static_cast<double>(std::abs(a[i] - b[i])));
  }
  return a.size() == b.size() ? largest : 1e9;
}

// Of logits up to 19. Measured without any edit on AVX2: 0, whatever the chunks and micro-batches.
constexpr double float_noise = 1e-3;
constexpr double much = 3.0;  // what the edits here do at least

/// What a hook saw of each row.
struct witness {
  std::map<steer::site, std::vector<std::pair<steer::row_info, Eigen::VectorXf>>> seen;

  [[nodiscard]] steer::access access(steer::site) const noexcept { return steer::access::read; }
  void operator()(steer::site where, steer::rows<float> rows) noexcept {
    for (std::ptrdiff_t i = 0; i < rows.count; ++i) {
      seen[where].emplace_back(rows.info_of(i), Eigen::Map<const Eigen::VectorXf>(rows[i].data(), rows.width));
    }
  }
};

TEST(LlamaCpp, FindsTheModelsShape) {
  const auto host = make_host();
  const steer::model_shape& shape = host.shape();
  EXPECT_EQ(shape.layers, 30);
  EXPECT_EQ(shape.width, 576);
  EXPECT_EQ(shape.heads, 9);
  EXPECT_EQ(shape.head_width, 64);
  EXPECT_NE(shape.name.find("ollm2 135M"), std::string::npos) << shape.name;
  for (const point p : steer::all_points) {
    EXPECT_TRUE(shape.points.contains(p)) << to_string(p);
  }
  EXPECT_EQ(shape.fingerprint, make_host().shape().fingerprint);
  EXPECT_EQ(make_host({}, {.fingerprint = "mine"}).shape().fingerprint, "mine");
}

TEST(LlamaCpp, WithTheModelsFileTheFingerprintSaysMoreAndMeetsTheOneWithout) {
  const std::filesystem::path file = STEER_LLAMA_MODEL;
  auto plain = make_host();
  auto sampled = make_host({}, {.file = file});
  const std::string less = plain.shape().fingerprint;
  const std::string more = sampled.shape().fingerprint;
  const std::string hexadecimal = "0123456789abcdef";
  ASSERT_EQ(less.size(), 5U + 16U) << less;
  ASSERT_EQ(more.size(), less.size() + 1U + 32U) << more;
  EXPECT_EQ(less.substr(0, 5), "gguf:");
  EXPECT_EQ(less.find_first_not_of(hexadecimal, 5), std::string::npos) << less;
  EXPECT_EQ(more.substr(0, less.size() + 1), less + "/");
  EXPECT_EQ(more.substr(less.size() + 1), steer::weights_digest(steer::gguf_file(file)));
  EXPECT_EQ(make_host({}, {.file = file}).shape().fingerprint, more);
  EXPECT_EQ(make_host({}, {.fingerprint = "mine", .file = file}).shape().fingerprint, "mine" + more.substr(less.size()));
  const steer::plan of_plain(additions(plain.shape()), plain.shape());
  const steer::plan of_sampled(additions(sampled.shape()), sampled.shape());
  EXPECT_NO_THROW(plain.steer(of_sampled));
  EXPECT_NO_THROW(sampled.steer(of_plain));
  EXPECT_EQ(last_logits(plain, story(), 0, 128), last_logits(sampled, story(), 0, 128));
  steer::model_shape sibling = sampled.shape();
  sibling.fingerprint = less + "/" + std::string(32, '0');
  const steer::plan of_sibling(additions(sibling), sibling);
  EXPECT_NO_THROW(plain.steer(of_sibling)) << "which of the two this is, nobody has said";
  expect_error<steer::shape_error>([&] { sampled.steer(of_sibling); }, "fingerprint " + sibling.fingerprint, more);
}

TEST(LlamaCpp, AFileThatIsNoGgufGivesNoFingerprint) {
  const temporary_file lost(".gguf");
  expect_error<steer::file_error>([&] { make_host({}, {.file = lost.path()}); }, lost.path().string(), "does not exist");
  const temporary_file other(".gguf", "something else");
  expect_error<steer::format_error>([&] { make_host({}, {.file = other.path()}); }, other.path().string(), "GGUF");
}

TEST(LlamaCpp, TheFivePointsAreWhatTheyAreCalled) {
  auto host = make_host({.micro_batch = 16});
  witness eyes;
  host.evaluate(story(), eyes);
  const auto rows = [&](int layer, point p) -> const auto& { return eyes.seen.at({layer, p}); };
  for (int layer = 0; layer < 30; ++layer) {
    for (const point p : steer::all_points) {
      ASSERT_EQ(rows(layer, p).size(), story().size()) << layer << to_string(p);
    }
    for (std::size_t i = 0; i < story().size(); ++i) {
      const auto& [info, in] = rows(layer, point::residual_in)[i];
      EXPECT_EQ(info.position, static_cast<std::int32_t>(i));
      EXPECT_EQ(info.token, story()[i]);
      EXPECT_EQ(info.prompt_length, static_cast<std::int32_t>(story().size()));
      EXPECT_EQ(info.phase, steer::phase::prompt);
      const Eigen::VectorXf sum =
          in + rows(layer, point::attention_out)[i].second + rows(layer, point::mlp_out)[i].second;
      const auto& out = rows(layer, point::residual_out)[i].second;
      EXPECT_LT((sum - out).norm(), 1e-5F * (in.norm() + out.norm())) << layer << " row " << i;
      if (layer > 0) {
        EXPECT_EQ(in, rows(layer - 1, point::residual_out)[i].second);
      }
    }
  }
}

TEST(LlamaCpp, ReadingLeavesTheSameBits) {
  auto host = make_host();
  const auto plain = last_logits(host, story(), 0, 128);
  witness eyes;
  host.set_hook(eyes);
  EXPECT_EQ(last_logits(host, story(), 0, 128), plain);
  EXPECT_FALSE(eyes.seen.empty());
}

TEST(LlamaCpp, OffIsAsIfNeverOn) {
  auto host = make_host();
  const auto plain = last_logits(host, story(), 0, 128);
  const steer::plan steered(many_edits(host.shape()), host.shape());
  EXPECT_EQ(host.steer(steered), llama_cpp_path::hook);
  EXPECT_GT(largest_difference(last_logits(host, story(), 0, 128), plain), much);
  host.clear_hook();
  EXPECT_EQ(last_logits(host, story(), 0, 128), plain);

  const steer::plan zero(steer::recipe{}.add(vector_at(host.shape(), point::residual_out, {10}), {.strength = 0.0F}),
                         host.shape());
  EXPECT_EQ(host.steer(zero), llama_cpp_path::none);
  EXPECT_EQ(last_logits(host, story(), 0, 128), plain);
}

TEST(LlamaCpp, ChunksAndMicroBatchesDoNotMatter) {
  auto whole = make_host();
  const steer::plan steered(many_edits(whole.shape()), whole.shape());
  const auto plain = last_logits(whole, story(), 0, 128);
  whole.steer(steered);
  const auto expected = last_logits(whole, story(), 0, 128);
  ASSERT_GT(largest_difference(expected, plain), much);
  for (const std::size_t chunk : {1U, 5U}) {
    EXPECT_LT(largest_difference(last_logits(whole, story(), 1, chunk), expected), float_noise) << chunk;
  }
  for (const bool one_cache : {true, false}) {
    auto small = make_host({.micro_batch = 7, .one_cache = one_cache});
    small.steer(steered);
    EXPECT_LT(largest_difference(last_logits(small, story(), 0, 128), expected), float_noise);
  }
}

TEST(LlamaCpp, OfTwoInterleavedSequencesOneIsSteered) {
  for (const bool one_cache : {true, false}) {
    for (const std::uint32_t micro_batch : {128U, 6U}) {
      auto host = make_host({.micro_batch = micro_batch, .one_cache = one_cache});
      const steer::plan steered(many_edits(host.shape()), host.shape());
      const auto run = [&] {
        host.begin(0, static_cast<std::int32_t>(story().size()));
        host.begin(1, static_cast<std::int32_t>(report().size()));
        steer::token_batch batch;
        std::int32_t end_of_story = -1;
        std::int32_t end_of_report = -1;
        for (std::size_t i = 0; i < std::max(story().size(), report().size()); ++i) {
          if (i < story().size()) {
            end_of_story = static_cast<std::int32_t>(batch.size());
            batch.add(story()[i], static_cast<llama_pos>(i), 0,
                      i + 1 == story().size() ? output::logits : output::none);
          }
          if (i < report().size()) {
            end_of_report = static_cast<std::int32_t>(batch.size());
            batch.add(report()[i], static_cast<llama_pos>(i), 1,
                      i + 1 == report().size() ? output::logits : output::none);
          }
        }
        host.decode(batch.view());
        const auto a = host.logits(end_of_story);
        const auto b = host.logits(end_of_report);
        return std::pair(std::vector<float>(a.begin(), a.end()), std::vector<float>(b.begin(), b.end()));
      };
      const auto [story_plain, report_plain] = run();
      steer::routing_table table;
      table.route(1, steered);
      const steer::routes one(table);
      host.set_hook(one);
      const auto [story_beside, report_steered] = run();
      EXPECT_EQ(story_beside, story_plain);
      EXPECT_GT(largest_difference(report_steered, report_plain), much);

      host.steer(steered);
      EXPECT_LT(largest_difference(last_logits(host, report(), 2, 128), report_steered), float_noise)
          << one_cache << " " << micro_batch;
    }
  }
}

// A condition that is read on the prompt opens the edit for one sequence and not for the other, in whatever pieces it comes.
TEST(LlamaCpp, AGateThatThePromptDecidesActsOnWhatFollows) {
  auto host = make_host();
  const steer::steering_vector v = vector_at(host.shape(), point::residual_out, {20});
  const auto reading = [&](const std::vector<std::int32_t>& prompt) {
    steer::session watching(steer::recipe{}.watch({v}), host.shape());
    steer::observations seen;
    watching.observe(&seen);
    host.evaluate(prompt, watching);
    return seen.coordinates(seen.size() - 1)[0];
  };
  const float of_story = reading(story());
  const float of_report = reading(report());
  ASSERT_GT(std::abs(of_story - of_report), 0.5F);
  const steer::condition between = steer::above(v, 0.5F * (of_story + of_report));
  const steer::gate gate{.conditions = {between}, .time = steer::gate_time::on_prompt};
  const steer::recipe recipe = steer::recipe{}.add(v, {.strength = 0.5F}, {.gate = gate});
  const auto second_token = [&](steer::llama_cpp_host& at, llama_seq_id sequence,
                                const std::vector<std::int32_t>& prompt) {
    at.prompt(sequence, prompt);
    steer::token_batch batch;
    batch.add(prompt[0], static_cast<llama_pos>(prompt.size()), sequence, output::logits);
    at.decode(batch.view());
    const auto logits = at.logits(0);
    return std::vector<float>(logits.begin(), logits.end());
  };
  const bool story_opens = of_story > of_report;
  const auto& opens = story_opens ? story() : report();
  const auto& closed = story_opens ? report() : story();
  const std::vector<float> plain_open = second_token(host, 0, opens);
  const std::vector<float> plain_closed = second_token(host, 1, closed);
  std::vector<float> first;
  for (const std::uint32_t micro_batch : {128U, 6U}) {
    auto small = make_host({.micro_batch = micro_batch});
    steer::session session(recipe, small.shape(), {.sequences = 4});
    small.set_hook(session);
    const std::vector<float> steered = second_token(small, 0, opens);
    EXPECT_GT(largest_difference(steered, plain_open), 0.5) << micro_batch;
    EXPECT_LT(largest_difference(second_token(small, 1, closed), plain_closed), float_noise) << micro_batch;
    first = first.empty() ? steered : first;
    EXPECT_LT(largest_difference(steered, first), float_noise) << micro_batch;
  }
}

TEST(LlamaCpp, GeneratedRowsComeAfterThePrompt) {
  auto host = make_host();
  witness eyes;
  host.set_hook(eyes);
  host.begin(2, 3);
  steer::token_batch batch;
  for (std::int32_t i = 0; i < 5; ++i) {
    batch.add(story()[static_cast<std::size_t>(i)], i, 2, i == 4 || i == 1 ? output::logits : output::none);
  }
  host.decode(batch.view());
  const auto& first = eyes.seen.at({0, point::residual_out});
  ASSERT_EQ(first.size(), 5U);
  EXPECT_EQ(first[2].first.phase, steer::phase::prompt);
  EXPECT_EQ(first[3].first.phase, steer::phase::generation);
  EXPECT_EQ(first[3].first.sequence, 2);
  EXPECT_EQ(first[3].first.prompt_length, 3);
  const auto& last = eyes.seen.at({29, point::residual_out});  // only rows with logits get there
  ASSERT_EQ(last.size(), 2U);
  EXPECT_EQ(last[0].first.position, 1);
  EXPECT_EQ(last[1].first.position, 4);
  // Positions that the batch leaves out go on where the cache ends.
  llama_batch more = batch.view();
  more.pos = nullptr;
  more.logits = nullptr;
  eyes.seen.clear();
  host.decode(more);
  EXPECT_EQ(eyes.seen.at({0, point::residual_out})[0].first.position, 5);
  EXPECT_EQ(eyes.seen.at({29, point::residual_out}).size(), 1U);
}

/// Decodes tokens that follow what a sequence has. @return the logits of the last
std::vector<float> go_on(steer::llama_cpp_host& host, llama_seq_id sequence, std::int32_t position,
                         const std::vector<std::int32_t>& tokens) {
  steer::token_batch batch;
  for (const std::int32_t token : tokens) {
    batch.add(token, position++, sequence, output::logits);
  }
  host.decode(batch.view());
  const auto row = host.logits(-1);
  return {row.begin(), row.end()};
}

TEST(LlamaCpp, PositionsWithAGapAreRefused) {
  auto host = make_host();
  host.begin(0, 4);
  const auto refused = [&](std::initializer_list<std::int32_t> positions, const auto&... parts) {
    steer::token_batch batch;
    for (const std::int32_t position : positions) {
      batch.add(story()[0], position, 0, output::logits);
    }
    expect_error<steer::argument_error>([&] { host.decode(batch.view()); }, parts...);
  };
  refused({6}, "row 0", "has position 6; expected 0, the next of sequence 0");
  refused({0, 2}, "row 1", "has position 2; expected 1");
  refused({0, 0}, "row 1", "has position 0; expected 1");
  refused({-1}, "row 0", "has position -1; expected 0");
  go_on(host, 0, 0, {1, 2});
  refused({3}, "row 0", "has position 3; expected 2");
  refused({1}, "row 0", "has position 1; expected 2");
  go_on(host, 0, 2, {3});
}

TEST(LlamaCpp, AShiftMakesRoomAndKeepsWhatIsPrompt) {
  for (const bool one_cache : {true, false}) {
    auto host = make_host({.one_cache = one_cache});
    auto raw = make_host({.one_cache = one_cache});
    const auto& tokens = story();
    const std::vector<std::int32_t> generated{tokens[3], tokens[5], tokens[8], tokens[1]};
    const auto prompt = static_cast<std::int32_t>(tokens.size());
    const auto fill = [&](steer::llama_cpp_host& to) {
      to.prompt(1, tokens);
      go_on(to, 1, prompt, generated);
    };
    struct cut {
      std::int32_t first, count, prompt_length;
    };
    for (const cut& c : {cut{4, 6, prompt - 6}, {0, 3, prompt - 3}, {prompt - 2, 4, prompt - 2}, {prompt, 2, prompt},
                         {0, prompt, 0}, {prompt + 1, 3, prompt}}) {
      fill(host);
      host.shift(1, c.first, c.count);
      witness eyes;
      host.set_hook(eyes);
      const std::int32_t next = prompt + 4 - c.count;
      const auto shifted = go_on(host, 1, next, {tokens[7], tokens[2]});
      host.clear_hook();
      const auto& rows = eyes.seen.at({3, point::residual_out});
      for (std::int32_t i = 0; i < 2; ++i) {
        const steer::row_info& info = rows[static_cast<std::size_t>(i)].first;
        EXPECT_EQ(info.position, next + i);
        EXPECT_EQ(info.prompt_length, c.prompt_length) << c.first;
        EXPECT_EQ(info.phase, steer::phase::generation) << c.first;
      }
      fill(raw);
      const llama_memory_t memory = llama_get_memory(raw.context());
      ASSERT_TRUE(llama_memory_seq_rm(memory, 1, c.first, c.first + c.count));
      llama_memory_seq_add(memory, 1, c.first + c.count, -1, -c.count);
      steer::token_batch batch;
      batch.add(tokens[7], next, 1, output::none);
      batch.add(tokens[2], next + 1, 1, output::logits);
      ASSERT_EQ(llama_decode(raw.context(), batch.view()), 0);
      const auto theirs = raw.logits(-1);
      EXPECT_EQ(shifted, std::vector<float>(theirs.begin(), theirs.end())) << "as llama.cpp itself moves rows";
    }
    fill(host);
    host.shift(1, 1, 5);
    host.prompt(1, tokens);
    EXPECT_EQ(host.prefix(1).by, steer::prefix_steering::source::nothing);
    const auto refused = [&](llama_seq_id sequence, std::int32_t first, std::int32_t count, const auto&... parts) {
      expect_error<steer::argument_error>([&] { host.shift(sequence, first, count); }, parts...);
    };
    refused(1, 0, 0, "0 rows from position 0");
    refused(1, -1, 2, "2 rows from position -1");
    refused(1, 1, prompt, "rows from position 1", "it has " + std::to_string(prompt));
    refused(2, 0, 1, "sequence 2 has not begun");
    refused(9, 0, 1, "sequence 9 does not exist");
    expect_fields<steer::argument_error>([&] { host.shift(1, 0, prompt + 1); },
                                         {.what = "sequence 1",
                                          .expected = std::to_string(prompt) + " rows",
                                          .actual = std::to_string(prompt + 1) + " rows from position 0"});
  }
}

TEST(LlamaCpp, RowsThatWereMovedBehindTheAdapterAreNoticed) {
  auto host = make_host();
  host.prompt(0, story());
  const auto rows = static_cast<std::int32_t>(story().size());
  const llama_memory_t memory = llama_get_memory(host.context());
  ASSERT_TRUE(llama_memory_seq_rm(memory, 0, 2, 5));
  llama_memory_seq_add(memory, 0, 5, -1, -3);
  expect_error<steer::host_error>([&] { go_on(host, 0, rows - 3, {1}); }, "sequence 0 has " + std::to_string(rows - 3) + " rows",
                                  "of " + std::to_string(rows), "shift, rewind or begin");
  expect_error<steer::host_error>([&] { host.shift(0, 0, 1); }, "shift, rewind or begin");
  host.prompt(0, story());
  host.rewind(0, 4);
  witness eyes;
  host.set_hook(eyes);
  go_on(host, 0, 4, {story()[4]});
  EXPECT_EQ(eyes.seen.at({0, point::residual_out})[0].first.phase, steer::phase::prompt);
  expect_error<steer::argument_error>([&] { host.rewind(0, 6); }, "position 6", "0 to 5");
}

TEST(LlamaCpp, AForkGoesOnFromWhereItsPrefixStands) {
  for (const bool one_cache : {true, false}) {
    auto host = make_host({.one_cache = one_cache});
    const auto prompt = static_cast<std::int32_t>(story().size());
    host.prompt(0, story());
    go_on(host, 0, prompt, {report()[0]});
    const auto alone = go_on(host, 0, prompt + 1, {report()[1], report()[2]});
    const auto other = [&] {
      host.prompt(3, story());
      go_on(host, 3, prompt, {report()[0]});
      return go_on(host, 3, prompt + 1, {report()[5]});
    }();

    host.prompt(1, story());
    go_on(host, 1, prompt, {report()[0]});
    host.prompt(2, report());  // what it had is dropped
    host.fork(1, 2);
    witness eyes;
    host.set_hook(eyes);
    EXPECT_LT(largest_difference(go_on(host, 2, prompt + 1, {report()[1], report()[2]}), alone), float_noise);
    EXPECT_LT(largest_difference(go_on(host, 1, prompt + 1, {report()[5]}), other), float_noise);
    const steer::row_info& info = eyes.seen.at({0, point::residual_out})[0].first;
    EXPECT_EQ(info.sequence, 2);
    EXPECT_EQ(info.prompt_length, prompt);
    EXPECT_EQ(info.phase, steer::phase::generation);
    host.clear_hook();

    if (one_cache) {  // a move of shared rows would move the other's
      expect_error<steer::host_error>([&] { host.shift(2, 0, 2); }, "sequence 2 shares", "kv_unified");
      expect_error<steer::host_error>([&] { host.shift(1, 0, 2); }, "sequence 1 shares", "kv_unified");
      host.shift(2, prompt + 1, 1);  // its own row
      host.begin(2, 1);
      host.shift(1, 0, 2);
    } else {
      host.shift(2, 0, 2);
      EXPECT_EQ(llama_memory_seq_pos_max(llama_get_memory(host.context()), 1), prompt + 1);
    }
    expect_error<steer::argument_error>([&] { host.fork(1, 1); }, "forked to itself");
    expect_error<steer::argument_error>([&] { host.fork(1, 4); }, "sequence 4 does not exist");
    auto fresh = make_host();
    expect_error<steer::argument_error>([&] { fresh.fork(0, 1); }, "sequence 0 has not begun");
  }
}

TEST(LlamaCpp, ASequenceKnowsUnderWhatItsRowsWereComputed) {
  using source = steer::prefix_steering::source;
  auto host = make_host();
  const steer::plan native(additions(host.shape()), host.shape());
  const steer::plan edits(many_edits(host.shape()), host.shape());
  const auto prompt = static_cast<std::int32_t>(story().size());
  expect_error<steer::argument_error>([&] { (void)host.prefix(0); }, "sequence 0 has not begun");
  host.begin(0, prompt);
  EXPECT_EQ(host.prefix(0).by, source::empty);
  host.prompt(0, story());
  EXPECT_EQ(host.prefix(0), (steer::prefix_steering{source::nothing, 0}));
  witness eyes;
  host.set_hook(eyes);
  go_on(host, 0, prompt, {1});
  EXPECT_EQ(host.prefix(0).by, source::nothing) << "who only reads changes nothing";
  for (const steer::plan* plan : {&native, &edits}) {
    host.steer(*plan);
    host.prompt(1, story());
    EXPECT_EQ(host.prefix(1), (steer::prefix_steering{source::plan, plan->digest()}));
  }
  host.evaluate(report(), eyes);
  EXPECT_EQ(host.prefix(1), (steer::prefix_steering{source::plan, edits.digest()}));
  host.fork(1, 2);
  EXPECT_EQ(host.prefix(2), (steer::prefix_steering{source::plan, edits.digest()}));
  go_on(host, 2, prompt, {1});
  EXPECT_EQ(host.prefix(2).by, source::plan);
  host.clear_hook();
  go_on(host, 2, prompt + 1, {1});
  EXPECT_EQ(host.prefix(2), (steer::prefix_steering{source::mixed, 0}));
  host.shift(2, prompt + 1, 1);
  EXPECT_EQ(host.prefix(2).by, source::mixed);
  host.rewind(2, prompt);
  EXPECT_EQ(host.prefix(2), (steer::prefix_steering{source::plan, edits.digest()})) << "the rows of the other kind are gone";
  EXPECT_EQ(host.prefix(1), (steer::prefix_steering{source::plan, edits.digest()}));

  steer::session session(additions(host.shape()), host.shape());
  host.set_hook(session);
  host.prompt(3, story());
  EXPECT_EQ(host.prefix(3), (steer::prefix_steering{source::plan, session.digest()}));
  steer::routing_table table;
  table.route(3, edits);
  const steer::routes routes(table);
  host.set_hook(routes);
  host.prompt(3, story());
  EXPECT_EQ(host.prefix(3), (steer::prefix_steering{source::hook, 0}));
  host.set_hook(routes);
  go_on(host, 3, prompt, {1});
  EXPECT_EQ(host.prefix(3).by, source::mixed) << "nobody knows whether it is the same";

  host.clear_hook();
  host.begin(3, prompt);
  steer::token_batch batch;
  batch.add(story()[0], 0, 3, output::logits);
  ASSERT_EQ(llama_decode(host.context(), batch.view()), 0);
  go_on(host, 3, 1, {1});
  EXPECT_EQ(host.prefix(3).by, source::mixed) << "a batch that went to llama_decode is anybody's";
}

TEST(LlamaCpp, StagedEditsGiveTheSameBits) {
  auto direct = make_host();
  auto staged = make_host({}, {.memory = steer::llama_cpp_memory::staged});
  const steer::plan steered(many_edits(direct.shape()), direct.shape());
  direct.steer(steered);
  staged.steer(steered);
  EXPECT_EQ(last_logits(staged, story(), 0, 128), last_logits(direct, story(), 0, 128));
}

TEST(LlamaCpp, ConstantAdditionsTakeTheNativePath) {
  auto host = make_host();
  const auto plain = last_logits(host, story(), 0, 128);
  const steer::plan steered(additions(host.shape()), host.shape());
  EXPECT_EQ(host.steer(steered, steer::llama_cpp_native::never), llama_cpp_path::hook);
  const auto ours = last_logits(host, story(), 0, 128);
  EXPECT_EQ(host.steer(steered), llama_cpp_path::native);
  const auto theirs = last_logits(host, story(), 0, 128);
  const Eigen::Map<const Eigen::VectorXf> a(ours.data(), static_cast<Eigen::Index>(ours.size()));
  const Eigen::Map<const Eigen::VectorXf> b(theirs.data(), static_cast<Eigen::Index>(theirs.size()));
  EXPECT_LE((a - b).norm(), 1e-4F * a.norm());
  EXPECT_GT(largest_difference(theirs, plain), much);

  // Fewer layers: those left out must be zero, not what they were before.
  const steer::plan fewer(steer::recipe{}.add(vector_at(host.shape(), point::residual_out, {15}), {.strength = 0.2F}),
                          host.shape());
  host.steer(fewer, steer::llama_cpp_native::never);
  const auto fewer_ours = last_logits(host, story(), 0, 128);
  EXPECT_EQ(host.steer(fewer), llama_cpp_path::native);
  EXPECT_LT(largest_difference(last_logits(host, story(), 0, 128), fewer_ours), 1e-2);

  host.clear_hook();
  EXPECT_EQ(host.path(), llama_cpp_path::none);
  EXPECT_EQ(last_logits(host, story(), 0, 128), plain);
}

/// A control vector file as llama.cpp's own example programs read it: each direction.N goes to row N - 1 of the buffer.
std::vector<float> read_as_llama_cpp_does(const std::filesystem::path& path, std::size_t width, std::size_t layers) {
  std::vector<float> out(width * (layers - 1));
  ggml_context* tensors = nullptr;
  const gguf_init_params parameters{false, &tensors};
  gguf_context* file = gguf_init_from_file(path.c_str(), parameters);
  EXPECT_NE(file, nullptr);
  for (std::int64_t i = 0; file != nullptr && i < gguf_get_n_tensors(file); ++i) {
    const std::string name = gguf_get_tensor_name(file, i);
    const ggml_tensor* tensor = ggml_get_tensor(tensors, name.c_str());
    const auto layer = static_cast<std::size_t>(std::stoi(name.substr(std::string("direction.").size())));
    EXPECT_EQ(tensor->type, GGML_TYPE_F32);
    std::copy_n(static_cast<const float*>(tensor->data), width,
                out.begin() + static_cast<std::ptrdiff_t>(width * (layer - 1)));
  }
  gguf_free(file);
  ggml_free(tensors);
  return out;
}

TEST(LlamaCpp, AControlVectorThatWeWriteDoesTheSameInLlamaCpp) {
  auto host = make_host();
  steer::steering_vector v = vector_at(host.shape(), point::residual_out, {10, 15, 22});
  const temporary_file file(".gguf");
  steer::save_control_vector(v, file.path());
  const steer::plan plan(steer::recipe{}.add(v, {.unit = steer::strength_unit::raw}), host.shape());
  host.steer(plan, steer::llama_cpp_native::never);
  const auto ours = last_logits(host, story(), 0, 128);

  host.clear_hook();
  const auto plain = last_logits(host, story(), 0, 128);
  const std::vector<float> rows = read_as_llama_cpp_does(file.path(), 576, 30);
  ASSERT_EQ(llama_set_adapter_cvec(host.context(), rows.data(), rows.size(), 576, 1, 29), 0);
  const auto theirs = last_logits(host, story(), 0, 128);
  llama_set_adapter_cvec(host.context(), nullptr, 0, 576, -1, -1);
  EXPECT_LT(largest_difference(ours, theirs), 2e-3);
  EXPECT_GT(largest_difference(ours, plain), 100 * 2e-3);
  EXPECT_EQ(steer::load_control_vector(file.path(), steer::control_vector_producer::as_applied), v);
}

TEST(LlamaCpp, WhatIsNoConstantAdditionNeverTakesIt) {
  auto host = make_host();
  const auto v = [&](point p, int layer) { return vector_at(host.shape(), p, {layer}); };
  const std::vector<steer::recipe> others{
      steer::recipe{}.add(v(point::residual_out, 0)),
      steer::recipe{}.add(v(point::residual_in, 5)),
      steer::recipe{}.add(v(point::mlp_out, 5)),
      steer::recipe{}.add(v(point::residual_out, 5), {.unit = steer::strength_unit::of_row_norm}),
      steer::recipe{}.add(v(point::residual_out, 5), {.rows = {.phase = steer::phase::generation}}),
      steer::recipe{}.ablate(v(point::residual_out, 5)),
      steer::recipe{}.add(v(point::residual_out, 5)).ablate(v(point::residual_out, 6)),
  };
  for (const steer::recipe& recipe : others) {
    const steer::plan plan(recipe, host.shape());
    EXPECT_EQ(host.steer(plan), llama_cpp_path::hook) << plan.explain();
  }
}

TEST(LlamaCpp, EvaluatingLeavesNoTraceAndSeesNoSteering) {
  auto host = make_host();
  witness plain;
  host.evaluate(report(), plain);
  for (const auto native : {steer::llama_cpp_native::allowed, steer::llama_cpp_native::never}) {
    const steer::plan steered(additions(host.shape()), host.shape());
    host.steer(steered, native);
    const auto before = last_logits(host, story(), 0, 128);
    const auto path = host.path();
    witness eyes;
    host.evaluate(report(), eyes);
    EXPECT_EQ(eyes.seen.at({20, point::residual_out}).back().second,
              plain.seen.at({20, point::residual_out}).back().second);
    EXPECT_EQ(host.path(), path);
    steer::token_batch next;
    next.add(story()[0], static_cast<llama_pos>(story().size()), 0, output::logits);
    host.decode(next.view());  // the sequence under way is still there
    EXPECT_EQ(last_logits(host, story(), 0, 128), before);
  }
}

TEST(LlamaCpp, LogitsOfManyTextsAreThoseOfEachAlone) {
  auto host = make_host({.batch = 64, .micro_batch = 32});
  std::vector<std::int32_t> joined = story();
  for (int again = 0; again < 2; ++again) {
    joined.insert(joined.end(), report().begin(), report().end());
    joined.insert(joined.end(), story().begin(), story().end());
  }
  const std::vector<std::vector<std::int32_t>> texts{story(), report(), joined, report(), {story()[0]}, story()};
  ASSERT_GT(joined.size(), 64U) << "one text is longer than a batch";
  const steer::plan plan(many_edits(host.shape()), host.shape());
  const steer::plan acting(additions(host.shape()), host.shape());
  host.steer(acting);
  const auto before = last_logits(host, story(), 0, 64);
  std::vector<std::size_t> seen;
  host.logits(texts, plan, [&](std::size_t text, steer::logits_view logits) {
    seen.push_back(text);
    ASSERT_EQ(logits.rows(), static_cast<Eigen::Index>(texts[text].size()));
    auto alone = make_host({.batch = 64, .micro_batch = 32});  // cut alike: unsteered, 128 or 64 at a time make .5
    alone.steer(plan, steer::llama_cpp_native::never);
    const auto last = logits.row(logits.rows() - 1);
    EXPECT_LT(largest_difference({last.begin(), last.end()}, last_logits(alone, texts[text], 0, 64)), float_noise)
        << "text " << text;
  });
  EXPECT_EQ(seen, (std::vector<std::size_t>{0, 1, 2, 3, 4, 5}));
  EXPECT_EQ(host.path(), llama_cpp_path::native) << "what acted before acts again";
  EXPECT_EQ(last_logits(host, story(), 0, 64), before);
  expect_error<steer::argument_error>(
      [&] { host.logits(std::vector<std::vector<std::int32_t>>{{}}, plan, [](std::size_t, steer::logits_view) {}); },
      "a text has 0 tokens; expected 1 to");
}

TEST(LlamaCpp, TheRecorderAndItsEvidenceServe) {
  auto host = make_host();
  steer::recorder recorder(host.shape(), {.tokens = steer::last_token{}, .layers = {15, 29}});
  for (const auto& [happy, sad] :
       {std::pair{"I am happy.", "I am sad."}, std::pair{"What joy!", "What grief!"},
        std::pair{"They laughed.", "They wept."}, std::pair{"A lovely day.", "A dreadful day."}}) {
    recorder.record(host, happy, sad);
  }
  const steer::steering_vector mood = steer::mean_difference(recorder, {.name = "mood"});
  EXPECT_EQ(mood.source.fingerprint, host.shape().fingerprint);
  EXPECT_EQ(mood.directions.at(15).values.size(), 576);
  EXPECT_GT(*mood.directions.at(15).row_norm, 100.0);
  EXPECT_LT(*mood.directions.at(15).row_norm, 400.0);  // position 0, an attention sink of some 20,000, is left out
}

TEST(LlamaCpp, ABatchThatNobodyAnnouncedIsAborted) {
  auto host = make_host();
  const steer::plan steered(many_edits(host.shape()), host.shape());
  host.steer(steered);
  steer::token_batch batch;
  batch.add(story()[0], 0, 0, output::logits);
  EXPECT_NE(llama_decode(host.context(), batch.view()), 0);
  host.clear_hook();
  host.begin(0, 1);
  EXPECT_EQ(llama_decode(host.context(), batch.view()), 0);
}

TEST(LlamaCpp, ABatchThatFailsLeavesNothingBehind) {
  auto host = make_host({.batch = 256, .micro_batch = 64, .sequences = 1});  // a context of 256
  const auto plain = last_logits(host, story(), 0, 128);
  host.begin(0, 256);
  steer::token_batch batch;
  for (std::int32_t i = 0; i < 200; ++i) {
    batch.add(story()[static_cast<std::size_t>(i) % story().size()], i, 0, output::none);
  }
  host.decode(batch.view());
  llama_batch more = batch.view();
  more.pos = nullptr;  // positions 200 to 399
  expect_error<steer::host_error>([&] { host.decode(more); }, "llama_decode returned 1", "200 tokens", "256");
  expect_fields<steer::host_error>([&] { host.decode(more); }, {.what = "llama_decode", .actual = "1"});
  EXPECT_EQ(llama_memory_seq_pos_max(llama_get_memory(host.context()), 0), 199);
  host.begin(0, 256);
  EXPECT_EQ(llama_memory_seq_pos_max(llama_get_memory(host.context()), 0), -1);
  EXPECT_EQ(last_logits(host, story(), 0, 128), plain);
}

TEST(LlamaCpp, BadBatchesAreRefusedByName) {
  auto host = make_host({.batch = 8, .micro_batch = 8});
  steer::token_batch batch;
  const auto decode = [&] { host.decode(batch.view()); };
  expect_error<steer::argument_error>(decode, "0 tokens", "1 to 8");
  batch.add(1, 0, 1, output::logits);
  expect_error<steer::argument_error>(decode, "row 0", "sequence 1, which has not begun");
  host.begin(1, 4);
  batch.add(50'000'000, 1, 1, output::logits);
  expect_error<steer::argument_error>(decode, "row 1", "token 50000000", "expected 0 to 49151");
  batch.clear();
  batch.add(1, 0, 1, output::none);
  llama_batch shared = batch.view();
  std::int32_t two = 2;
  shared.n_seq_id = &two;
  expect_error<steer::argument_error>([&] { host.decode(shared); }, "row 0", "belongs to 2 sequences");
  llama_batch without_tokens = batch.view();
  without_tokens.token = nullptr;
  expect_error<steer::argument_error>([&] { host.decode(without_tokens); }, "no token ids");
  expect_error<steer::argument_error>([&] { host.begin(4, 1); }, "sequence 4 does not exist", "has 4");
  expect_error<steer::argument_error>([&] { host.begin(0, 0); }, "prompt of 0 tokens");
  expect_fields<steer::argument_error>([&] { host.begin(0, 0); }, {.what = "sequence 0", .expected = "at least 1", .actual = "0"});
  batch.clear();
  batch.add(50'000'000, 0, 1, output::logits);
  expect_fields<steer::argument_error>(decode, {.what = "row 0 of the batch", .expected = "0 to 49151", .actual = "50000000"});
  batch.clear();
  batch.add(1, 3, 1, output::none);
  expect_fields<steer::argument_error>(decode, {.what = "row 0 of the batch", .expected = "0", .actual = "3"});
  batch.clear();
  batch.add(1, 0, 1, output::none);
  host.decode(batch.view());
  expect_error<steer::argument_error>([&] { (void)host.logits(0); }, "row 0", "no logits");
  expect_error<steer::argument_error>([&] { witness w; host.evaluate({}, w); }, "0 tokens");
}

TEST(LlamaCpp, SequencesThatCouldBeMistakenAreRefusedBeforeTheyRun) {
  auto host = make_host();
  witness eyes;
  host.set_hook(eyes);
  host.begin(0, 2);
  host.begin(1, 2);
  steer::token_batch batch;
  for (std::int32_t i = 0; i < 2; ++i) {
    batch.add(story()[1], i, 0, output::none);
    batch.add(story()[1], i, 1, output::none);
  }
  expect_error<steer::host_error>([&] { host.decode(batch.view()); }, "rows 1 and 2", "same token");
  EXPECT_TRUE(eyes.seen.empty());
}

TEST(LlamaCpp, AHookOfAnotherModelIsRefusedWhereverOneIsTaken) {
  auto host = make_host();
  const auto plain = last_logits(host, story(), 0, 128);
  const steer::plan acting(many_edits(host.shape()), host.shape());
  host.steer(acting);
  const auto steered = last_logits(host, story(), 0, 128);
  const auto refused = [&](const steer::model_shape& other, int layer, const auto&... parts) {
    const steer::recipe recipe = steer::recipe{}.add(vector_at(other, point::residual_out, {layer}));
    const steer::plan plan(recipe, other);
    steer::session session(recipe, other);
    steer::routing_table table;
    table.route(0, plan);
    const steer::routes routes(table);
    witness eyes;
    const steer::chain both(eyes, plan);
    const steer::hook_ref<float> erased(plan);
    steer::recorder recorder(other, {.layers = {layer}});
    const std::vector<std::vector<std::int32_t>> texts{story()};
    const steer::logits_sink nobody = [](std::size_t, steer::logits_view) {};
    expect_error<steer::shape_error>([&] { host.steer(plan); }, parts...);
    expect_error<steer::shape_error>([&] { host.set_hook(plan); }, parts...);
    expect_error<steer::shape_error>([&] { host.set_hook(session); }, parts...);
    expect_error<steer::shape_error>([&] { host.set_hook(routes); }, parts...);
    expect_error<steer::shape_error>([&] { host.set_hook(both); }, parts...);
    expect_error<steer::shape_error>([&] { host.set_hook(erased); }, parts...);
    expect_error<steer::shape_error>([&] { host.set_hook(recorder); }, parts...);
    expect_error<steer::shape_error>([&] { host.evaluate(story(), session); }, parts...);
    expect_error<steer::shape_error>([&] { host.logits(texts, both, nobody); }, parts...);
  };
  steer::model_shape other = host.shape();
  for (const std::ptrdiff_t width : {64, 4096}) {
    other.width = width;
    refused(other, 1, "layer 1 residual_out", "width " + std::to_string(width), "width 576");
  }
  other = host.shape();
  other.layers = 40;
  refused(other, 35, "layer 35", "layers 0 to 29");
  other = host.shape();
  other.fingerprint = "gguf:0";
  refused(other, 1, "fingerprint gguf:0", host.shape().fingerprint);
  other.width = 64;
  const steer::plan narrow(steer::recipe{}.add(vector_at(other, point::residual_out, {1})), other);
  expect_fields<steer::shape_error>([&] { host.steer(narrow); },
                                    {"hook made for model \"" + host.shape().name + "\"", 1, "576", "64"});
  EXPECT_EQ(host.path(), llama_cpp_path::hook);
  EXPECT_EQ(last_logits(host, story(), 0, 128), steered) << "what acted before acts on";
  host.clear_hook();
  EXPECT_EQ(last_logits(host, story(), 0, 128), plain);
}

TEST(LlamaCpp, APlanIsKeptWhateverPathItTakes) {
  auto first = make_host();
  const auto run = [&](const steer::recipe& recipe, bool as_hook) {
    if (as_hook) {
      first.set_hook(steer::plan(recipe, first.shape()));  // a temporary: the host keeps a copy
    } else {
      first.steer(steer::plan(recipe, first.shape()));
    }
    steer::llama_cpp_host moved = std::move(first);
    auto out = last_logits(moved, story(), 0, 128);
    first = std::move(moved);
    return out;
  };
  for (const steer::recipe& recipe : {additions(first.shape()), many_edits(first.shape())}) {
    const steer::plan lives(recipe, first.shape());
    auto other = make_host();
    for (const bool as_hook : {false, true}) {
      other.steer(lives, as_hook ? steer::llama_cpp_native::never : steer::llama_cpp_native::allowed);
      const auto expected = last_logits(other, story(), 0, 128);
      EXPECT_EQ(run(recipe, as_hook), expected) << as_hook;
    }
  }
}

TEST(LlamaCpp, WhatCannotBeAContextIsRefused) {
  expect_error<steer::argument_error>([] { steer::llama_cpp_host host(nullptr); }, "model is null");
  expect_fields<steer::argument_error>([] { steer::llama_cpp_host host(nullptr); },
                                       {.what = "the model", .expected = "one that is loaded", .actual = "null"});
  llama_context_params taken = parameters();
  taken.cb_eval = [](ggml_tensor*, bool, void*) { return false; };
  expect_error<steer::argument_error>([&] { steer::llama_cpp_host host(model(), taken); }, "cb_eval is set");
  taken.cb_eval = nullptr;
  taken.abort_callback = [](void*) { return false; };
  expect_error<steer::argument_error>([&] { steer::llama_cpp_host host(model(), taken); }, "abort_callback is set");
  llama_context_params impossible = parameters();
  impossible.n_seq_max = 100'000;
  expect_error<steer::host_error>([&] { steer::llama_cpp_host host(model(), impossible); }, "makes no context", "135M");
}

}  // namespace
