#include "steer/extract/probe.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "expect_error.hpp"
#include "toy.hpp"

namespace {

using steer::matrix;

struct contrast {
  matrix<double> positive;
  matrix<double> negative;

  contrast(unsigned seed, Eigen::Index n, Eigen::Index m, Eigen::Index d, double shift) {
    std::mt19937_64 engine(seed);
    positive = toy::random_rows<double>(engine, n, d);
    negative = toy::random_rows<double>(engine, m, d);
    positive.col(0).array() += shift;
    positive.array() += 5.0;
    negative.array() += 5.0;
  }
  /// The gradient of the loss, bias last, from its definition.
  Eigen::VectorXd gradient(const steer::probe& p, double penalty) const {
    Eigen::VectorXd out = Eigen::VectorXd::Zero(p.w.size() + 1);
    out.head(p.w.size()) = penalty * p.w;
    for (const auto& [rows, label] : {std::pair{&positive, 1.0}, std::pair{&negative, 0.0}}) {
      for (Eigen::Index i = 0; i < rows->rows(); ++i) {
        const double share = 1.0 / (1.0 + std::exp(-(rows->row(i).dot(p.w) + p.bias)));
        out.head(p.w.size()) += (share - label) * rows->row(i).transpose();
        out[p.w.size()] += share - label;
      }
    }
    return out;
  }
};

TEST(probe, is_where_the_gradient_of_its_loss_vanishes) {
  for (unsigned seed = 0; seed < 12; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const contrast c(seed, 14, 9, seed % 2 == 0 ? 40 : 5, 1.0 + seed % 3);
    const double penalty = std::pow(10.0, static_cast<double>(seed % 5) - 3.0);
    const steer::probe p = steer::fit_probe(c.positive, c.negative, {.penalty = penalty});
    EXPECT_LE(c.gradient(p, penalty).norm(), 1e-7);
    double loss = 0.5 * penalty * p.w.squaredNorm();
    loss += ((-(c.positive * p.w).array() - p.bias).exp() + 1.0).log().sum();
    loss += (((c.negative * p.w).array() + p.bias).exp() + 1.0).log().sum();
    EXPECT_NEAR(p.loss, loss, 1e-9 * (1.0 + loss));
    EXPECT_LE(p.steps, 40);
  }
}

TEST(probe, of_one_column_has_a_known_answer) {
  // x = +-1 with penalty l: w solves 2 (1 - s(w)) = l w, s the logistic function; w = 1 for l = 2 (1 - s(1))
  matrix<double> one(1, 1);
  one << 1.0;
  const double penalty = 2.0 * (1.0 - 1.0 / (1.0 + std::exp(-1.0)));
  const steer::probe p = steer::fit_probe(one, -one, {.penalty = penalty});
  EXPECT_NEAR(p.w[0], 1.0, 1e-10);
  EXPECT_NEAR(p.bias, 0.0, 1e-10);
}

TEST(probe, exchanged_sides_and_a_shift_of_all_samples_change_what_they_must) {
  const contrast c(3, 10, 8, 30, 2.0);
  const steer::probe p = steer::fit_probe(c.positive, c.negative);
  const steer::probe exchanged = steer::fit_probe(c.negative, c.positive);
  EXPECT_LE((p.w + exchanged.w).norm(), 1e-9);
  EXPECT_NEAR(p.bias, -exchanged.bias, 1e-8);
  const Eigen::RowVectorXd shift = Eigen::RowVectorXd::Constant(30, 7.0);
  const steer::probe shifted = steer::fit_probe(c.positive.rowwise() + shift, c.negative.rowwise() + shift);
  EXPECT_LE((p.w - shifted.w).norm(), 1e-9);
  EXPECT_NEAR(p.bias - shift.dot(p.w), shifted.bias, 1e-8);
}

TEST(probe, converges_where_one_coordinate_dwarfs_the_others) {
  contrast c(6, 30, 30, 12, 2.0);
  c.positive.col(5) *= 1e4;
  c.negative.col(5) *= 1e4;
  const steer::probe p = steer::fit_probe(c.positive, c.negative);
  EXPECT_LE(c.gradient(p, 1.0).norm(), 1e-6);
  EXPECT_LE(p.steps, 40);
}

TEST(probe, of_sides_that_separate_perfectly_stays_finite) {
  const contrast c(4, 20, 20, 100, 30.0);
  const steer::probe p = steer::fit_probe(c.positive, c.negative, {.penalty = 1e-6});
  EXPECT_TRUE(p.w.allFinite());
  EXPECT_GT((c.positive * p.w).minCoeff(), (c.negative * p.w).maxCoeff());
}

TEST(probe, refuses_by_message) {
  const contrast c(5, 6, 6, 3, 1.0);
  expect_error<steer::argument_error>([&] { steer::fit_probe(c.positive, c.negative, {.penalty = 0.0}); },
                                      "penalty is 0");
  expect_error<steer::numeric_error>([&] { steer::fit_probe(c.positive, c.negative, {.penalty = 1e-3, .steps = 1}); },
                                     "not converged after 1 steps", "can still fall by");
  expect_error<steer::numeric_error>([&] { steer::fit_probe(c.positive, matrix<double>(0, 3)); },
                                     "negative: has 0 samples");
  matrix<float> bad = c.negative.cast<float>();
  bad(2, 1) = INFINITY;
  expect_error<steer::numeric_error>([&] { steer::fit_probe(c.positive, bad); }, "negative: sample 2 holds NaN");
  expect_error<steer::shape_error>([&] { steer::fit_probe(c.positive, matrix<double>::Ones(2, 4)); }, "width 3",
                                   "width 4");
}

TEST(probe, refuses_squares_that_overflow) {
  std::mt19937_64 engine(1);
  for (const Eigen::Index d : {3, 30}) {
    const matrix<double> a = 1e200 * toy::random_rows<double>(engine, 9, d);
    const matrix<double> b = 1e200 * toy::random_rows<double>(engine, 9, d);
    expect_error<steer::numeric_error>([&] { steer::fit_probe(a, b); }, "probe", "overflow");
  }
  const matrix<double> twin{{1.0, 1.0}, {2.0, 2.0}, {3.0, 3.0}};  // its columns are one
  const matrix<double> other{{-1.0, -1.0}, {-2.0, -2.0}, {-3.0, -3.0}};
  expect_error<steer::numeric_error>([&] { steer::fit_probe(twin, other, {.penalty = 1e-300}); }, "probe: a decomposition breaks down");
}

}  // namespace
