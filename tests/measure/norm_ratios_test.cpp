#include "steer/measure/norm_ratios.hpp"

#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "expect_error.hpp"
#include "fit/small_model.hpp"
#include "steer/core/answered_request.hpp"
#include "steer/inject/plan.hpp"
#include "steer/recipe/recipe.hpp"

namespace {

/// Makes the rows at one layer longer, and those of one text three times as long.
struct stretcher {
  int layer = 2;
  static constexpr std::int32_t third = 1;
  [[nodiscard]] steer::access access(steer::site where) const noexcept {
    return where == steer::site{layer, steer::point::residual_out} ? steer::access::write : steer::access::none;
  }
  void operator()(steer::site where, steer::rows<float> shown) const noexcept {
    for (std::ptrdiff_t i = 0; i < shown.count && access(where) != steer::access::none; ++i) {
      Eigen::Map<Eigen::RowVectorXf>(shown[i].data(), shown.width) *= shown.info_of(i).sequence == third ? 3.0F : 2.0F;
    }
  }
};

TEST(norm_ratios, are_those_of_the_rows_that_foretell) {
  std::mt19937_64 engine(8);
  const std::vector<steer::answered_request> requests = toy::random_requests(engine, 3);
  for (const std::ptrdiff_t at_once : {0, 5}) {
    toy::small_model model(at_once);
    const steer::no_hook nothing;
    const stretcher longer;
    const std::vector<steer::hook_ref<float>> hooks{nothing, longer};
    const std::vector<steer::norm_ratios> found = steer::measure_norm_ratios(model, requests, hooks);
    EXPECT_EQ(model.passes, 3);
    ASSERT_EQ(found.size(), 2U);
    ASSERT_EQ(found[0].size(), 3U) << "layers";
    const std::size_t first = requests[0].answer.size();
    const std::size_t second = first + requests[1].answer.size();
    for (int layer = 0; layer < 3; ++layer) {
      ASSERT_EQ(found[1].at(layer).size(), second + requests[2].answer.size());
      for (std::size_t i = 0; i < found[1].at(layer).size(); ++i) {
        EXPECT_EQ(found[0].at(layer)[i], 1.0);
        EXPECT_NEAR(found[1].at(layer)[i], layer < 2 ? 1.0 : i >= first && i < second ? 3.0 : 2.0, 1e-6);
      }
    }
  }
}

TEST(norm_ratios, refuse_what_cannot_be_told) {
  toy::small_model model;
  const steer::no_hook nothing;
  const std::vector<steer::hook_ref<float>> hooks{nothing};
  expect_error<steer::argument_error>([&] { steer::measure_norm_ratios(model, {}, hooks); }, "norm ratios", "no requests");
  std::mt19937_64 engine(8);
  const std::vector<steer::answered_request> requests = toy::random_requests(engine, 2);
  const auto zero = [](std::span<const steer::asked_text> texts, steer::hook_ref<float> hook) {
    std::vector<float> rows(toy::small_model::width);
    for (std::size_t t = 0; t < texts.size(); ++t) {
      for (std::int32_t i = texts[t].from; i < static_cast<std::int32_t>(texts[t].tokens.size()); ++i) {
        const std::vector<steer::row_info> info{{.position = i, .sequence = static_cast<std::int32_t>(t)}};
        for (int layer = 0; layer < 3; ++layer) {
          hook({layer, steer::point::residual_out}, {rows.data(), 1, toy::small_model::width, toy::small_model::width, info});
        }
      }
    }
  };
  expect_error<steer::numeric_error>([&] { steer::detail::measure_norm_ratios(model.shape(), requests, hooks, zero); },
                                     "layer 0", "a length of 0");
  const auto nobody = [](std::span<const steer::asked_text>, steer::hook_ref<float>) {};
  expect_error<steer::host_error>([&] { steer::detail::measure_norm_ratios(model.shape(), requests, hooks, nobody); }, "not show");
}

}  // namespace
