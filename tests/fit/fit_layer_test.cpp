#include "steer/fit/fit_layer.hpp"

#include <gtest/gtest.h>

#include <Eigen/LU>
#include <algorithm>
#include <limits>
#include <random>
#include <span>
#include <vector>

#include "expect_error.hpp"
#include "steer/inject/plan.hpp"
#include "toy.hpp"

namespace {

using steer::fit_kind;
using rows = steer::matrix<float>;

constexpr int layer = 1;

/// What a fit's recipe makes of rows, through a plan.
rows steered(const steer::layer_fit& fit, rows h) {
  const steer::model_shape shape = toy::shape(2, h.cols());
  const steer::plan plan(fit.recipe, shape);
  std::vector<steer::row_info> info(static_cast<std::size_t>(h.rows()), steer::row_info{.token = 1, .position = 1, .prompt_length = 9});
  plan({layer, steer::point::residual_out}, toy::view(h, info));
  return h;
}

steer::layer_fit fit(const rows& now, const rows& wanted, steer::layer_fit_options how) {
  return fit_layer(now, wanted, layer, "x", how, {.first = 1});
}

class fit_layer : public testing::Test {
 protected:
  std::mt19937_64 engine{5};
  rows now = toy::random_rows<float>(engine, 60, 8);
  const Eigen::RowVectorXf c = toy::random_rows<float>(engine, 1, 8).row(0);
};

TEST_F(fit_layer, constant_takes_the_mean_where_it_is_wanted) {
  rows wanted = (now + 0.1F * toy::random_rows<float>(engine, 60, 8)).rowwise() + c;
  const steer::layer_fit found = fit(now, wanted, {.kind = fit_kind::constant});
  const rows left = wanted - steered(found, now);
  EXPECT_LT(left.colwise().mean().norm(), 1e-6F);
  EXPECT_NEAR(found.explained, 1.0 - static_cast<double>(left.squaredNorm() / (wanted - now).squaredNorm()), 1e-5);
  EXPECT_GT(found.explained, 0.9);
}

TEST_F(fit_layer, affine_finds_a_map_of_its_rank) {
  const rows read = toy::random_rows<float>(engine, 2, 8);
  const rows write = toy::random_rows<float>(engine, 2, 8);
  const rows wanted = (now + (now * read.transpose()) * write).rowwise() + c;
  const steer::layer_fit found = fit(now, wanted, {.kind = fit_kind::affine, .rank = 2, .ridge = 1e-9});
  EXPECT_GT(found.explained, 1.0 - 1e-6);
  EXPECT_LT((steered(found, now) - wanted).cwiseAbs().maxCoeff(), 1e-4F);
  const rows others = toy::random_rows<float>(engine, 5, 8);
  EXPECT_LT((steered(found, others) - ((others + (others * read.transpose()) * write).rowwise() + c)).cwiseAbs().maxCoeff(), 1e-3F);
  const steer::layer_fit one = fit(now, wanted, {.kind = fit_kind::affine, .rank = 1, .ridge = 1e-9});
  const steer::layer_fit none = fit(now, wanted, {.kind = fit_kind::constant});
  EXPECT_LT(one.explained, found.explained);
  EXPECT_GT(one.explained, none.explained);
}

TEST_F(fit_layer, gated_writes_one_direction_by_one_ramp) {
  const Eigen::VectorXf w = 0.3F * toy::random_rows<float>(engine, 1, 8).row(0).transpose();
  const Eigen::RowVectorXf z = toy::random_rows<float>(engine, 1, 8).row(0).normalized();
  const Eigen::VectorXf share = ((now * w).array() + 3.0F);  // above 0 for all rows: the regression is exact
  ASSERT_GT(share.minCoeff(), 0.0F);
  const rows wanted = now + share * z;
  const steer::layer_fit found = fit(now, wanted, {.kind = fit_kind::gated, .ridge = 1e-9, .reach = 2.0});
  EXPECT_GT(found.explained, 1.0 - 1e-6);
  EXPECT_LT((steered(found, now) - wanted).cwiseAbs().maxCoeff(), 1e-3F);
  ASSERT_EQ(found.recipe.edits().size(), 1U);
  rows far(2, 8);
  far.row(0) = 1000.0F * w.transpose();
  far.row(1) = -far.row(0);
  const rows moved = steered(found, far) - far;
  EXPECT_NEAR(moved.row(0).norm(), 2.0F * share.maxCoeff(), 1e-2F) << "no further than it was seen to go, times the reach";
  EXPECT_EQ(moved.row(1).norm(), 0.0F) << "and never backwards";
}

TEST_F(fit_layer, solves_the_smaller_of_two_systems) {
  const rows few = now.topRows(6);
  const rows wanted = few + toy::random_rows<float>(engine, 6, 8);
  const steer::layer_fit found = fit(few, wanted, {.kind = fit_kind::affine, .rank = 5, .ridge = 0.5});
  // The d x d system, written out.
  const Eigen::MatrixXd x = (few.rowwise() - few.colwise().mean()).cast<double>();
  const Eigen::MatrixXd r = (wanted - few).cast<double>();
  const Eigen::MatrixXd y = r.rowwise() - r.colwise().mean();
  Eigen::MatrixXd gram = x.transpose() * x;
  gram.diagonal().array() += 0.5 * gram.trace() / 8.0;
  const Eigen::MatrixXd expected = (x * (gram.inverse() * x.transpose() * y)).rowwise() + r.colwise().mean();
  EXPECT_LT(((steered(found, few) - few).cast<double>() - expected).cwiseAbs().maxCoeff(), 1e-4);
}

TEST_F(fit_layer, leaves_the_first_row_alone_and_says_how_long_its_edits_are) {
  const rows wanted = now.rowwise() + c;
  const steer::layer_fit found = fit(now, wanted, {.kind = fit_kind::constant});
  EXPECT_NEAR(found.norm_ratio, static_cast<double>(c.norm() / now.rowwise().norm().mean()), 1e-5);
  ASSERT_EQ(found.recipe.edits().size(), 1U);
  EXPECT_EQ(found.recipe.edits()[0].where.layers, std::vector<int>{layer});
  EXPECT_EQ(found.recipe.edits()[0].where.rows.first, 1);
  const steer::layer_fit nothing = fit(now, now, {});
  EXPECT_TRUE(nothing.recipe.empty());
}

TEST_F(fit_layer, refuses_what_cannot_be_fitted) {
  const rows wanted = now.rowwise() + c;
  expect_error<steer::shape_error>([&] { fit(now, wanted.topRows(5), {}); }, "fit \"x\", layer 1", "60 x 8", "5 x 8");
  expect_error<steer::argument_error>([&] { fit(now, wanted, {.rank = 9}); }, "has rank 9", "1 to 8");
  expect_error<steer::argument_error>([&] { fit(now.topRows(3), wanted.topRows(3), {.rank = 3}); }, "has rank 3", "1 to 2", "3 rows");
  expect_error<steer::argument_error>([&] { fit(now, wanted, {.ridge = 0.0}); }, "a ridge of 0");
  expect_error<steer::argument_error>([&] { fit(now, wanted, {.reach = 0.5}); }, "a reach of 0.5");
  rows bad = wanted;
  bad(3, 4) = std::numeric_limits<float>::infinity();
  expect_error<steer::numeric_error>([&] { fit(now, bad, {}); }, "not finite");
}

}  // namespace
