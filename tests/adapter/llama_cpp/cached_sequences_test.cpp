// Sequences in memories of three kinds: a cache, one with windows, a state.
#include "steer/adapter/llama_cpp/cached_sequences.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "adapter/llama_cpp/tiny_model.hpp"
#include "expect_error.hpp"
#include "steer/adapter/llama_cpp.hpp"
#include "steer/inject/plan.hpp"
#include "toy.hpp"

namespace {

using steer::llama_cpp_path;
using steer::point;
using output = steer::token_batch::output;

struct tiny_host {
  explicit tiny_host(const std::string& architecture, bool one_cache = true, bool whole_window = true)
      : model(tiny_model::make(architecture)), host(model.get(), parameters(one_cache, whole_window)) {}

  static llama_context_params parameters(bool one_cache, bool whole_window) {
    llama_context_params out = llama_context_default_params();
    out.n_ctx = 1024;
    out.n_batch = 32;
    out.n_ubatch = 16;
    out.n_seq_max = 4;
    out.kv_unified = one_cache;
    out.swa_full = whole_window;
    out.n_threads = 1;
    out.n_threads_batch = 1;
    return out;
  }

  std::vector<float> go_on(llama_seq_id sequence, llama_pos position, std::int32_t token) {
    steer::token_batch batch;
    batch.add(token, position, sequence, output::logits);
    host.decode(batch.view());
    const auto row = host.logits(0);
    return {row.begin(), row.end()};
  }

  tiny_model::pointer model;
  steer::llama_cpp_host host;
};

std::vector<std::int32_t> tokens(std::int32_t count) {
  std::vector<std::int32_t> out;
  for (std::int32_t i = 0; i < count; ++i) {
    out.push_back((7 * i + 3) % tiny_model::vocabulary);
  }
  return out;
}

/// From now on batches are aborted, after so many graph nodes.
void abort_after(steer::llama_cpp_host& host, int& nodes) {
  llama_set_abort_callback(host.context(), [](void* left) { return --*static_cast<int*>(left) < 0; }, &nodes);
}

class Memories : public testing::TestWithParam<const char*> {};

TEST_P(Memories, AForkIsThePrefixThatItWasMadeOf) {
  for (const bool one_cache : {true, false}) {
    tiny_host at(GetParam(), one_cache);
    constexpr std::int32_t prompt = 45;  // longer than the window of those that have one
    at.host.prompt(0, tokens(prompt));
    at.go_on(0, prompt, 5);
    at.host.fork(0, 2);
    const auto forked = at.go_on(2, prompt + 1, 9);
    const auto own = at.go_on(0, prompt + 1, 9);
    EXPECT_EQ(forked, own) << one_cache;
    EXPECT_NE(at.go_on(2, prompt + 2, 1), at.go_on(0, prompt + 2, 2)) << one_cache;
  }
}

TEST_P(Memories, AShiftIsLlamaCppsOwnOrRefused) {
  for (const bool whole_window : {true, false}) {
    tiny_host at(GetParam(), false, whole_window);
    tiny_host raw(GetParam(), false, whole_window);
    constexpr std::int32_t prompt = 45;
    for (tiny_host* one : {&at, &raw}) {
      one->host.prompt(0, tokens(prompt));
      one->go_on(0, prompt, 5);
    }
    const llama_memory_t memory = llama_get_memory(raw.host.context());
    const bool is_state = llama_model_is_recurrent(raw.model.get()) || llama_model_is_hybrid(raw.model.get());
    if (is_state || !llama_memory_can_shift(memory)) {
      expect_error<steer::host_error>([&] { at.host.shift(0, 2, 8); }, "sequence 0 cannot be shifted",
                                      is_state ? "is a state" : "llama_memory_can_shift");
      EXPECT_EQ(at.go_on(0, prompt + 1, 9), raw.go_on(0, prompt + 1, 9)) << "as before";
      continue;
    }
    at.host.shift(0, 2, 8);
    ASSERT_TRUE(llama_memory_seq_rm(memory, 0, 2, 10));
    llama_memory_seq_add(memory, 0, 10, -1, -8);
    steer::token_batch batch;
    batch.add(9, prompt + 1 - 8, 0, output::logits);
    ASSERT_EQ(llama_decode(raw.host.context(), batch.view()), 0);
    const auto theirs = raw.host.logits(0);
    EXPECT_EQ(at.go_on(0, prompt + 1 - 8, 9), std::vector<float>(theirs.begin(), theirs.end()));
  }
}

// A state cannot go back to where it was before a batch: then the sequence goes, and what failed first is what is said.
TEST_P(Memories, ABatchThatFailsIsWhatIsThrown) {
  tiny_host at(GetParam());
  at.host.prompt(0, tokens(20));
  const auto before = at.go_on(0, 20, 5);
  at.host.prompt(1, tokens(20));
  at.go_on(1, 20, 5);
  int nodes = 3;
  abort_after(at.host, nodes);
  expect_error<steer::host_error>([&] { at.go_on(0, 21, 9); }, "llama_decode returned 2");
  llama_set_abort_callback(at.host.context(), nullptr, nullptr);
  if (llama_model_is_recurrent(at.model.get())) {
    expect_error<steer::argument_error>([&] { at.go_on(0, 21, 9); }, "sequence 0, which has not begun");
    expect_error<steer::host_error>([&] { at.host.rewind(1, 4); }, "sequence 1", "cannot drop the rows from position 4");
    at.host.prompt(0, tokens(20));
    EXPECT_EQ(at.go_on(0, 20, 5), before);
  }
  EXPECT_EQ(at.go_on(0, 21, 9), at.go_on(1, 21, 9)) << "nothing of it stays";
}

TEST_P(Memories, AnEvaluationThatFailsLeavesAllAsItWas) {
  tiny_host at(GetParam());
  std::mt19937_64 engine{5};
  steer::steering_vector v = toy::random_vector(engine, {1}, tiny_model::width);
  v.point = point::residual_out;
  const steer::plan plan(steer::recipe{}.add(v, {.unit = steer::strength_unit::raw}), at.host.shape());
  for (const auto native : {steer::llama_cpp_native::allowed, steer::llama_cpp_native::never}) {
    const auto path = at.host.steer(plan, native);
    at.host.prompt(0, tokens(20));
    const auto before = at.go_on(0, 20, 5);
    int nodes = 200;  // in the second of two batches
    abort_after(at.host, nodes);
    steer::no_hook nobody;
    expect_error<steer::host_error>([&] { at.host.evaluate(tokens(60), nobody); }, "llama_decode returned 2");
    llama_set_abort_callback(at.host.context(), nullptr, nullptr);
    EXPECT_EQ(at.host.path(), path);
    at.host.prompt(0, tokens(20));
    EXPECT_EQ(at.go_on(0, 20, 5), before);
    EXPECT_EQ(at.host.prefix(0).digest, plan.digest());
    for (llama_seq_id idle = 1; idle < 4; ++idle) {
      EXPECT_EQ(llama_memory_seq_pos_max(llama_get_memory(at.host.context()), idle), -1);
      expect_error<steer::argument_error>([&] { (void)at.host.prefix(idle); }, "has not begun");
    }
  }
}

INSTANTIATE_TEST_SUITE_P(LlamaCpp, Memories, testing::Values("llama", "gemma2", "mamba"),
                         [](const testing::TestParamInfo<const char*>& of) { return std::string(of.param); });

}  // namespace
