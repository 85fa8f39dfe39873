#include "steer/core/hook.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

#include "expect_error.hpp"
#include "steer/core/c_hook.hpp"
#include "steer/core/chain.hpp"
#include "steer/core/hook_ref.hpp"
#include "steer/core/require_fit.hpp"
#include "toy.hpp"

namespace {

using steer::access;
using steer::point;
using steer::rows;
using steer::site;

/// Appends its letter to a log and multiplies what it sees.
struct logging_hook {
  std::string* log;
  char letter;
  float factor;
  steer::access wants = access::write;

  steer::access access(site where) const noexcept {
    return where.point == point::residual_out ? wants : steer::access::none;
  }
  void operator()(site, rows<float> activations) noexcept {
    *log += letter;
    for (std::ptrdiff_t i = 0; i < activations.count; ++i) {
      for (float& x : activations[i]) {
        x = x * factor + 1.0F;
      }
    }
  }
};

constexpr site here{1, point::residual_out};
constexpr site elsewhere{1, point::mlp_out};

TEST(hook_ref, forwards_calls_and_access) {
  std::string log;
  logging_hook hook{&log, 'a', 2.0F};
  const steer::hook_ref<float> reference(hook);
  EXPECT_EQ(reference.access(here), access::write);
  EXPECT_EQ(reference.access(elsewhere), access::none);
  std::array<float, 6> data{1, 2, -1, 3, 4, -1};  // two rows of two, stride three
  const std::array<steer::row_info, 2> info{};
  reference(here, {data.data(), 2, 2, 3, info});
  EXPECT_EQ(data, (std::array<float, 6>{3, 5, -1, 7, 9, -1}));
  EXPECT_EQ(log, "a");
}

TEST(chain, calls_in_order_and_asks_for_the_most) {
  std::string log;
  logging_hook first{&log, 'a', 2.0F, access::read};
  logging_hook second{&log, 'b', 3.0F, access::write};
  logging_hook never{&log, 'c', 0.0F, access::none};
  steer::chain both(first, second, never);
  EXPECT_EQ(both.access(here), access::write);
  EXPECT_EQ(both.access(elsewhere), access::none);
  std::array<float, 1> data{1};
  both(here, rows<float>{data.data(), 1, 1, 1, {}});
  EXPECT_EQ(log, "ab");
  EXPECT_EQ(data[0], 10.0F);
}

TEST(chain, of_nothing_is_a_hook_that_skips) {
  steer::no_hook nothing;
  const steer::chain one(nothing);
  EXPECT_EQ(one.access(here), access::none);
}

TEST(c_hook, carries_a_hook_through_c_pointers_and_back) {
  std::string log;
  logging_hook hook{&log, 'a', 2.0F};
  const steer::c_hook through = steer::c_hook::of(hook);
  EXPECT_EQ(through.query(through.user, 1, static_cast<int>(point::residual_out)), 2);
  EXPECT_EQ(through.query(through.user, 1, static_cast<int>(point::mlp_out)), 0);
  std::array<float, 3> data{1, 2, 3};
  const std::array<steer::row_info, 3> info{};
  through.call(through.user, 1, static_cast<int>(point::residual_out), data.data(), 3, 1, 1, info.data());
  EXPECT_EQ(data, (std::array<float, 3>{3, 5, 7}));
  through(here, rows<float>{data.data(), 3, 1, 1, info});
  EXPECT_EQ(data, (std::array<float, 3>{7, 11, 15}));
}

TEST(c_hook, keeps_the_stride_in_both_directions) {
  struct first_of_each_row {
    std::array<float, 2> seen{};
    steer::access access(steer::site) const noexcept { return steer::access::read; }
    void operator()(steer::site, rows<float> h) noexcept { seen = {h[0][0], h[1][0]}; }
  } hook;
  const steer::c_hook through = steer::c_hook::of(hook);
  std::array<float, 8> data{1, 2, 3, 4, 5, 6, 7, 8};
  const std::array<steer::row_info, 2> info{};
  through.call(through.user, 0, 0, data.data(), 2, 3, 4, info.data());
  EXPECT_EQ(hook.seen, (std::array<float, 2>{1, 5}));
  through(here, rows<float>{data.data() + 1, 2, 3, 4, info});
  EXPECT_EQ(hook.seen, (std::array<float, 2>{2, 6}));
}

TEST(c_hook, takes_any_answer_of_c) {
  for (const auto& [answer, expected] : {std::pair{-1, access::none}, {0, access::none}, {1, access::read},
                                         {2, access::write}, {256, access::write}}) {
    int given = answer;
    const steer::c_hook hook{nullptr, [](void* user, int, int) { return *static_cast<int*>(user); }, &given};
    EXPECT_EQ(hook.access(here), expected) << answer;
  }
}

TEST(c_hook, skips_points_that_do_not_exist) {
  std::string log;
  logging_hook hook{&log, 'a', 2.0F};
  const steer::c_hook through = steer::c_hook::of(hook);
  std::array<float, 1> data{1};
  const std::array<steer::row_info, 1> info{};
  for (const int point : {-1, 5, 256 + static_cast<int>(point::residual_out)}) {
    EXPECT_EQ(through.query(through.user, 1, point), 0) << point;
    through.call(through.user, 1, point, data.data(), 1, 1, 1, info.data());
  }
  EXPECT_EQ(data[0], 1.0F);
}

struct c_state {
  int layer = -1;
  std::ptrdiff_t count = 0;
  std::int32_t last_token = 0;
};

extern "C" void c_call(void* user, int layer, int, float*, std::ptrdiff_t count, std::ptrdiff_t, std::ptrdiff_t,
                       const steer::row_info* info) {
  *static_cast<c_state*>(user) = {layer, count, info[count - 1].token};
}
extern "C" int c_access(void*, int layer, int) { return layer == 1 ? 1 : 0; }

TEST(c_hook, written_in_c_is_a_hook) {
  c_state state;
  const steer::c_hook hook{c_call, c_access, &state};
  const steer::hook_ref<float> reference(hook);
  EXPECT_EQ(reference.access(here), access::read);
  EXPECT_EQ(reference.access({0, point::residual_out}), access::none);
  std::array<float, 2> data{};
  const std::array<steer::row_info, 2> info{{{7, 0, 0, 2}, {9, 1, 0, 2}}};
  reference(here, {data.data(), 2, 1, 1, info});
  EXPECT_EQ(state.layer, 1);
  EXPECT_EQ(state.count, 2);
  EXPECT_EQ(state.last_token, 9);
}

/// Made for a model's shape, and acts at one site of it.
struct fitted_hook {
  steer::model_shape made_for;
  site where = here;

  const steer::model_shape& shape() const noexcept { return made_for; }
  steer::access access(site asked) const noexcept { return asked == where ? access::write : access::none; }
  void operator()(site, rows<float>) const noexcept {}
};
static_assert(steer::shaped_hook<fitted_hook> && !steer::shaped_hook<logging_hook>);
static_assert(steer::hook_of_hooks<steer::hook_ref<float>> && !steer::hook_of_hooks<fitted_hook>);

TEST(require_fit, names_what_differs_where_the_hook_acts) {
  const steer::model_shape host = toy::shape(2, 4);
  const fitted_hook wide{toy::shape(2, 6)};
  expect_error<steer::shape_error>([&] { require_fit(wide, host); }, "layer 1 residual_out with width 6",
                                   "model \"toy\" has width 4 there");
  expect_fields<steer::shape_error>([&] { require_fit(wide, host); }, {"hook made for model \"toy\"", 1, "4", "6"});
  const fitted_hook deep{toy::shape(5, 4), {4, point::residual_out}};
  expect_error<steer::shape_error>([&] { require_fit(deep, host); }, "layer 4 does not exist", "layers 0 to 1");
  steer::model_shape blind = host;
  blind.points = {point::mlp_out};
  const fitted_hook seeing{host};
  expect_error<steer::shape_error>([&] { require_fit(seeing, blind); }, "does not show residual_out");
  steer::model_shape tuned = host;
  tuned.fingerprint = "tuned";
  steer::model_shape base = host;
  base.fingerprint = "base";
  const fitted_hook sibling{base};
  expect_error<steer::shape_error>([&] { require_fit(sibling, tuned); }, "fingerprint base", "fingerprint tuned");
  steer::model_shape silent = host;
  silent.facts = {};
  expect_error<steer::argument_error>([&] { require_fit(seeing, silent); }, "needs each row's token id");
}

TEST(require_fit, takes_fingerprints_that_say_less_and_refuses_others) {
  const auto of = [](const char* fingerprint) {
    steer::model_shape out = toy::shape(2, 4);
    out.fingerprint = fingerprint;
    return out;
  };
  const fitted_hook sampled{of("gguf:a/1")};
  EXPECT_NO_THROW(require_fit(sampled, of("gguf:a")));
  EXPECT_NO_THROW(require_fit(fitted_hook{of("gguf:a")}, of("gguf:a/1")));
  expect_error<steer::shape_error>([&] { require_fit(sampled, of("gguf:a/2")); }, "fingerprint gguf:a/1", "fingerprint gguf:a/2");
  expect_error<steer::shape_error>([&] { require_fit(fitted_hook{of("gguf:ab")}, of("gguf:a")); }, "fingerprint gguf:ab");
}

TEST(require_fit, takes_what_differs_only_where_the_hook_does_not_act) {
  const steer::model_shape host = toy::shape(2, 4);
  steer::model_shape other = toy::shape(9, 4);
  other.head_width = 1;
  const fitted_hook same{other};
  EXPECT_NO_THROW(require_fit(same, host));
  const fitted_hook idle{toy::shape(0, 6)};
  EXPECT_NO_THROW(require_fit(idle, host));
  std::string log;
  logging_hook of_any_model{&log, 'a', 1.0F};
  EXPECT_NO_THROW(require_fit(of_any_model, host));
}

TEST(require_fit, reaches_hooks_behind_others) {
  const steer::model_shape host = toy::shape(2, 4);
  const steer::no_hook nothing;
  const fitted_hook fits{host};
  const fitted_hook wide{toy::shape(2, 6)};
  const auto refused = [&](auto& hook) { expect_error<steer::shape_error>([&] { require_fit(hook, host); }, "with width 6"); };
  const steer::hook_ref<float> erased(wide);
  refused(erased);
  const steer::chain several(fits, nothing, erased);
  refused(several);
  const steer::hook_ref<float> nested(several);
  refused(nested);
  expect_error<steer::shape_error>([&] { steer::c_hook::of(several, host); }, "with width 6");
  const steer::chain all_fit(fits, nothing);
  EXPECT_NO_THROW(require_fit(all_fit, host));
  EXPECT_EQ(steer::c_hook::of(all_fit, host).access(here), access::write);
}

}  // namespace
