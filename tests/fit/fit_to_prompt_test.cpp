#include "steer/fit/fit_to_prompt.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "expect_error.hpp"
#include "fit/small_model.hpp"
#include "steer/core/chain.hpp"
#include "steer/inject/plan.hpp"
#include "steer/inject/session.hpp"
#include "steer/measure/compare_with_prompt.hpp"
#include "steer/recipe/recipe_of.hpp"

namespace {

using steer::fit_kind;

class fit_to_prompt : public testing::Test {
 protected:
  std::mt19937_64 engine{7};
  std::vector<steer::answered_request> requests = toy::random_requests(engine, 24);
  std::vector<steer::answered_request> others = toy::random_requests(engine, 12);
  toy::small_model model;

  steer::prompt_fit fit(fit_kind kind, toy::small_model& of) { return steer::fit_to_prompt(of, requests, "x", {.layer = {.kind = kind}}); }
};

/// The mean of what is missing at a layer, with a plan acting, over all rows that foretell.
Eigen::RowVectorXd mean_missing(toy::small_model& model, const std::vector<steer::answered_request>& requests, int layer,
                                const steer::plan& plan) {
  Eigen::RowVectorXd sum = Eigen::RowVectorXd::Zero(toy::small_model::width);
  double count = 0.0;
  for (const steer::answered_request& each : requests) {
    for (const bool with : {true, false}) {
      const steer::detail::request_text text(with ? each.prompted : each.plain, each.answer);
      struct reader {
        steer::site here;
        std::int32_t from;
        double sign;
        Eigen::RowVectorXd& sum;
        steer::access access(steer::site where) const noexcept { return where == here ? steer::access::read : steer::access::none; }
        void operator()(steer::site, steer::rows<float> rows) const noexcept {
          for (std::ptrdiff_t i = 0; i < rows.count; ++i) {
            if (rows.info_of(i).position >= from) {
              sum += sign * Eigen::Map<const Eigen::RowVectorXf>(rows[i].data(), rows.width).cast<double>();
            }
          }
        }
      } read{{layer, steer::point::residual_out}, text.asked().from, with ? 1.0 : -1.0, sum};
      if (with) {
        model.evaluate(text.asked().tokens, read);
      } else {
        steer::chain both(plan, read);
        model.evaluate(text.asked().tokens, both);
        count += static_cast<double>(each.answer.size());
      }
    }
  }
  return sum / count;
}

TEST_F(fit_to_prompt, constant_leaves_no_mean_missing_at_any_layer) {
  const steer::prompt_fit found = fit(fit_kind::constant, model);
  EXPECT_EQ(found.passes, 2) << "this model shows all rows of a layer at once";
  EXPECT_EQ(found.layers.size(), 3U);
  const steer::plan plan(found.recipe, model.shape());
  for (int layer = 0; layer < 3; ++layer) {
    EXPECT_GT(mean_missing(model, requests, layer, {}).norm(), 0.1);
    EXPECT_LT(mean_missing(model, requests, layer, plan).norm(), 1e-5) << layer;
  }
}

TEST_F(fit_to_prompt, is_the_same_layer_by_layer_and_in_one_pass) {
  for (const fit_kind kind : {fit_kind::constant, fit_kind::gated, fit_kind::affine}) {
    toy::small_model parts(7);
    const steer::prompt_fit one = fit(kind, model);
    const steer::prompt_fit many = fit(kind, parts);
    EXPECT_EQ(one.passes, 2);
    EXPECT_EQ(many.passes, 4) << "three layers and the prompted texts";
    EXPECT_EQ(one.recipe, many.recipe) << to_string(kind) << ": the model itself gives the same bits here";
    EXPECT_EQ(one.rows, many.rows);
  }
}

TEST_F(fit_to_prompt, a_recipe_recovers_what_the_prompt_does_to_other_requests) {
  double last = 0.0;
  for (const fit_kind kind : {fit_kind::constant, fit_kind::affine}) {
    const steer::prompt_fit found = fit(kind, model);
    const steer::plan plan(found.recipe, model.shape());
    const steer::hook_ref<float> hook(plan);
    const auto compared = steer::compare_with_prompt(model, others, std::span(&hook, 1));
    const steer::estimate here = steer::recovery(compared[0]);
    EXPECT_GT(here.value, last + 0.05) << to_string(kind);
    EXPECT_GT(here.error, 0.0);
    EXPECT_LT(here.error, 0.2);
    last = here.value;
  }
  EXPECT_GT(last, 0.5);
}

TEST_F(fit_to_prompt, takes_layers_and_a_dose) {
  const steer::prompt_fit all = fit(fit_kind::gated, model);
  const steer::prompt_fit some = steer::fit_to_prompt(model, requests, "x", {.layers = {2, 0}});
  EXPECT_EQ(some.layers.size(), 2U);
  for (const steer::edit& each : some.recipe.edits()) {
    EXPECT_NE(each.where.layers, std::vector<int>{1});
  }
  EXPECT_EQ(steer::with_dose(all.recipe, 1.0F), all.recipe);
  EXPECT_TRUE(steer::plan(steer::with_dose(all.recipe, 0.0F), model.shape()).empty());
  const steer::plan half(steer::with_dose(all.recipe, 0.5F), model.shape());
  const steer::plan whole(all.recipe, model.shape());
  steer::matrix<float> h = toy::random_rows<float>(engine, 9, toy::small_model::width);
  steer::matrix<float> a = h;
  steer::matrix<float> b = h;
  const std::vector<steer::row_info> info(9, steer::row_info{.token = 1, .position = 3, .prompt_length = 9});
  half({1, steer::point::residual_out}, toy::view(a, info));
  whole({1, steer::point::residual_out}, toy::view(b, info));
  EXPECT_LT((2.0F * (a - h) - (b - h)).cwiseAbs().maxCoeff(), 1e-5F);
  std::mt19937_64 other(1);
  steer::recipe ablated;
  ablated.ablate(toy::random_vector(other, {0}, 3));
  expect_error<steer::argument_error>([&] { steer::with_dose(ablated, 0.5F); }, "ablate", "no dose");
  steer::recipe watching;
  watching.watch({toy::random_vector(other, {0}, 3)});
  EXPECT_EQ(steer::with_dose(watching, 0.5F), watching) << "there is nothing to have less of";
}

TEST_F(fit_to_prompt, refuses_what_says_nothing) {
  expect_error<steer::argument_error>([&] { steer::fit_to_prompt(model, {}, "x"); }, "fit \"x\"", "no requests");
  std::vector<steer::answered_request> empty = requests;
  empty[2].answer.clear();
  expect_error<steer::argument_error>([&] { steer::fit_to_prompt(model, empty, "x"); }, "request 2: the answer has no tokens");
  empty = requests;
  empty[0].plain[0] = -1;
  expect_error<steer::argument_error>([&] { steer::fit_to_prompt(model, empty, "x"); }, "request 0", "has token -1");
  expect_error<steer::argument_error>([&] { steer::fit_to_prompt(model, requests, "x", {.layers = {1, 1}}); }, "a layer twice");
  expect_error<steer::shape_error>([&] { steer::fit_to_prompt(model, requests, "x", {.layers = {3}}); }, "layer 3");
  expect_error<steer::argument_error>([&] { steer::fit_to_prompt(model, requests, "x", {.layer = {.rank = 13}}); }, "rank 13");
  std::vector<steer::answered_request> same = requests;
  for (steer::answered_request& each : same) {
    each.prompted = each.plain;
  }
  const int before = model.passes;
  expect_error<steer::numeric_error>([&] { steer::fit_to_prompt(model, same, "x"); }, "changes nothing");
  EXPECT_EQ(model.passes - before, 2);
}

}  // namespace
