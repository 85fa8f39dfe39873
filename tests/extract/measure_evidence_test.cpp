#include "steer/extract/measure_evidence.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <functional>
#include <numeric>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "expect_error.hpp"
#include "steer/extract/mean_difference.hpp"
#include "toy.hpp"

namespace {

const auto by_mean = [](const auto& p, const auto& q) { return steer::mean_difference(p, q); };

steer::evidence measure(const steer::matrix<float>& positive, const steer::matrix<float>& negative) {
  return steer::measure_evidence(positive, negative, steer::pairing::paired, by_mean(positive, negative), 2.0, by_mean);
}

TEST(measure_evidence, known_answers) {
  // The third column makes every pair another one and is the same on both sides.
  steer::matrix<float> positive(4, 3);
  steer::matrix<float> negative(4, 3);
  positive << 1, 0, 0, 0, 1, 1, 1, 0, 2, 0, 1, 3;
  negative << 0, 0, 0, 0, 0, 1, 0, 0, 2, 0, 0, 3;
  steer::evidence e = measure(positive, negative);
  EXPECT_NEAR(*e.norm_ratio, std::sqrt(0.5) / 2.0, 1e-12);
  EXPECT_NEAR(*e.coherence, std::sqrt(0.5), 1e-12) << "every pair is 45 degrees off the mean";
  EXPECT_NEAR(*e.split_half_cosine, 0.0, 1e-12) << "even texts say (1, 0), odd ones (0, 1)";
  EXPECT_EQ(*e.auroc, 0.5) << "each half is judged by a direction that does not see it";

  EXPECT_NEAR(*e.explained_variance, 0.5, 1e-12);
  EXPECT_EQ(*e.majority, 1.0);

  positive << 1, 0, 0, 1, 0, 1, 1, 1, 2, 1, 1, 3;
  e = measure(positive, negative);
  EXPECT_EQ(*e.auroc, 1.0);
  EXPECT_NEAR(*e.split_half_cosine, 1.0, 1e-12) << "each half has one of each kind";
  EXPECT_NEAR(*e.coherence, 0.5 * (2.0 + 3.0 / std::sqrt(2.0)) / std::sqrt(5.0), 1e-12);

  positive << 3, 0, 0, 3, 0, 1, 3, 0, 2, -9, 0, 3;  // the last text lies on the other side of all
  negative << 0, 0, 0, 1, 0, 1, 0, 0, 2, 1, 0, 3;
  e = measure(positive, negative);
  // Two folds: even texts are judged by odd ones' direction, (-3 - 1, 0), and score -3 against 0; odd texts by (3, 0): 3 and
  // -9 against 1 and 1.
  EXPECT_NEAR(*e.auroc, 0.5 * (0.0 + 0.5), 1e-12);
  EXPECT_NEAR(*e.split_half_cosine, -1.0, 1e-12);
  EXPECT_EQ(*e.majority, 0.25) << "three pairs say plus, the mean and one pair minus";
}

TEST(measure_evidence, d_prime_pools_variances_over_folds) {
  steer::matrix<float> positive(4, 2);
  steer::matrix<float> negative(4, 2);
  positive << 5, 0, 5, 1, 7, 0, 9, 1;  // folds {5, 7} and {5, 9}: squares 2 and 8, two degrees of freedom
  negative << 0, 0, 0, 1, 2, 0, 2, 1;  // folds {0, 2} and {0, 2}: squares 2 and 2
  const steer::evidence e = measure(positive, negative);
  EXPECT_NEAR(*e.d_prime, (5.0 + 6.0) / 2.0 / std::sqrt(0.5 * (5.0 + 2.0)), 1e-6);
}

TEST(measure_evidence, no_copy_is_judged_by_what_its_copy_has_taught) {
  // Noise: 12 pairs of 64 numbers that say nothing. A direction that has seen a copy of what it is judged on separates it.
  std::mt19937_64 engine(5);
  double different = 0.0;
  constexpr int repeats = 20;
  for (int repeat = 0; repeat < repeats; ++repeat) {
    const steer::matrix<float> p = toy::random_rows<float>(engine, 12, 64);
    const steer::matrix<float> q = toy::random_rows<float>(engine, 12, 64);
    steer::matrix<float> p_twice(24, 64);
    steer::matrix<float> q_twice(24, 64);
    p_twice << p, p;
    q_twice << q, q;
    const steer::evidence once = measure(p, q);
    const steer::evidence twice = measure(p_twice, q_twice);
    EXPECT_EQ(once.auroc, twice.auroc);
    EXPECT_EQ(once.copied, 0.0);
    EXPECT_EQ(twice.copied, 0.5);
    EXPECT_NEAR(*once.split_half_cosine, *twice.split_half_cosine, 1e-6);
    const steer::evidence unpaired = steer::measure_evidence(p_twice, q, steer::pairing::unpaired, by_mean(p, q), 2.0, by_mean);
    EXPECT_EQ(unpaired.auroc, once.auroc) << "texts that are no pairs have copies too";
    different += *twice.auroc / repeats;
  }
  EXPECT_NEAR(different, 0.5, 0.1);
  const steer::matrix<float> same = steer::matrix<float>::Ones(6, 2);
  const steer::evidence none = measure(same, 2.0F * same);
  EXPECT_FALSE(none.auroc) << "one pair, six times";
  EXPECT_FALSE(none.split_half_cosine);
}

TEST(measure_evidence, leaves_empty_what_a_method_has_too_few_texts_for) {
  struct of_two {
    Eigen::Index least() const { return 2; }
    Eigen::VectorXd operator()(const steer::matrix<float>& p, const steer::matrix<float>& q) const {
      return p.rows() < 2 || q.rows() < 2 ? throw steer::numeric_error("too few") : steer::mean_difference(p, q);
    }
  };
  std::mt19937_64 engine(6);
  for (const Eigen::Index n : {2, 3, 4}) {
    const steer::matrix<float> p = toy::random_rows<float>(engine, n, 3);
    const steer::matrix<float> q = toy::random_rows<float>(engine, n, 3);
    const steer::evidence e = steer::measure_evidence(p, q, steer::pairing::paired, by_mean(p, q), 2.0, of_two{});
    EXPECT_EQ(e.split_half_cosine.has_value(), n == 4);
    EXPECT_EQ(measure(p, q).split_half_cosine.has_value(), true);
  }
}

TEST(measure_evidence, split_half_cosine_is_what_the_formula_predicts) {
  // cos = |mu|^2 / (|mu|^2 + tr Sigma / (n / 2)), for the difference's covariance Sigma
  std::mt19937_64 engine(4);
  constexpr int n = 40;
  constexpr int d = 64;
  constexpr int repeats = 300;
  double mean = 0.0;
  for (int repeat = 0; repeat < repeats; ++repeat) {
    steer::matrix<float> positive = toy::random_rows<float>(engine, n, d);
    positive.col(0).array() += 2.0F;
    mean += *measure(positive, toy::random_rows<float>(engine, n, d)).split_half_cosine / repeats;
  }
  EXPECT_NEAR(mean, 4.0 / (4.0 + 2.0 * d / (n / 2.0)), 0.02);
}

/// Groups by comparing every text with every earlier one.
std::vector<int> naive_groups(const steer::matrix<float>& a, const steer::matrix<float>& b) {
  std::vector<int> out;
  int count = 0;
  for (Eigen::Index i = 0; i < a.rows(); ++i) {
    int found = -1;
    for (Eigen::Index j = 0; j < i && found < 0; ++j) {
      found = a.row(i) == a.row(j) && b.row(i) == b.row(j) ? out[static_cast<std::size_t>(j)] : -1;
    }
    out.push_back(found < 0 ? count++ : found);
  }
  return out;
}

Eigen::VectorXd naive_mean(const steer::matrix<float>& rows, const std::vector<int>& groups, const std::function<bool(int)>& keep) {
  Eigen::VectorXd sum = Eigen::VectorXd::Zero(rows.cols());
  int count = 0;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    if (keep(groups[i])) {
      sum += rows.row(static_cast<Eigen::Index>(i)).cast<double>().transpose();
      ++count;
    }
  }
  return sum / count;
}

TEST(measure_evidence, of_sides_that_differ_in_number_copies_and_pairing_is_the_naive_form) {
  int judged = 0;
  for (unsigned seed = 0; seed < 80; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 engine(seed);
    const bool paired = engine() % 2 == 0;
    const auto n = static_cast<Eigen::Index>(2 + engine() % 14);
    const Eigen::Index m = paired ? n : static_cast<Eigen::Index>(2 + engine() % 14);
    steer::matrix<float> p = toy::random_rows<float>(engine, n, 4);
    steer::matrix<float> q = toy::random_rows<float>(engine, m, 4);
    p.col(0).array() += 1.0F;
    for (Eigen::Index i = 1; i < n; ++i) {  // some repeat an earlier text, on one side or on both
      const auto from = static_cast<Eigen::Index>(engine() % static_cast<unsigned>(i));
      if (engine() % 4 == 0) {
        p.row(i) = p.row(from);
        if (paired && engine() % 2 == 0) {
          q.row(i) = q.row(from);
        }
      }
    }
    const std::vector<int> plus = naive_groups(p, paired ? q : p);
    const std::vector<int> minus = paired ? plus : naive_groups(q, q);
    const int plus_count = 1 + *std::max_element(plus.begin(), plus.end());
    const int minus_count = 1 + *std::max_element(minus.begin(), minus.end());
    const Eigen::VectorXd v = by_mean(p, q);
    const steer::evidence e =
        steer::measure_evidence(p, q, paired ? steer::pairing::paired : steer::pairing::unpaired, v, 2.0, by_mean);
    EXPECT_NEAR(*e.norm_ratio, v.norm() / 2.0, 1e-12);
    EXPECT_NEAR(*e.copied, 1.0 - static_cast<double>(plus_count + minus_count) / static_cast<double>(n + m), 1e-12);
    const auto found_on = [&](const std::function<bool(int)>& keep) {
      return Eigen::VectorXd(naive_mean(p, plus, keep) - naive_mean(q, minus, keep));
    };
    const int fewest = std::min(plus_count, minus_count);
    ASSERT_EQ(e.split_half_cosine.has_value(), fewest >= 2);
    if (fewest >= 2) {
      const Eigen::VectorXd even = found_on([](int g) { return g % 2 == 0; });
      const Eigen::VectorXd odd = found_on([](int g) { return g % 2 == 1; });
      EXPECT_NEAR(*e.split_half_cosine, even.normalized().dot(odd.normalized()), 1e-9);
    }
    const int folds = std::min(5, fewest / 2);
    ASSERT_EQ(e.auroc.has_value(), folds >= 2);
    if (folds >= 2) {
      double auroc = 0.0;
      double distance = 0.0;
      double plus_squares = 0.0;
      double minus_squares = 0.0;
      for (int fold = 0; fold < folds; ++fold) {
        const Eigen::VectorXd u = found_on([&](int g) { return g % folds != fold; }).normalized();
        const auto scores = [&](const steer::matrix<float>& rows, const std::vector<int>& groups) {
          std::vector<double> out;
          for (std::size_t i = 0; i < groups.size(); ++i) {
            if (groups[i] % folds == fold) {
              out.push_back(rows.row(static_cast<Eigen::Index>(i)).cast<double>().dot(u));
            }
          }
          return out;
        };
        const std::vector<double> a = scores(p, plus);
        const std::vector<double> b = scores(q, minus);
        double wins = 0.0;
        for (const double x : a) {
          for (const double y : b) {
            wins += x > y ? 1.0 : x == y ? 0.5 : 0.0;
          }
        }
        auroc += wins / static_cast<double>(a.size() * b.size()) / folds;
        const double a_mean = std::accumulate(a.begin(), a.end(), 0.0) / static_cast<double>(a.size());
        const double b_mean = std::accumulate(b.begin(), b.end(), 0.0) / static_cast<double>(b.size());
        distance += (a_mean - b_mean) / folds;
        for (const double x : a) {
          plus_squares += (x - a_mean) * (x - a_mean);
        }
        for (const double y : b) {
          minus_squares += (y - b_mean) * (y - b_mean);
        }
      }
      EXPECT_NEAR(*e.auroc, auroc, 1e-12);
      const double variance =
          0.5 * (plus_squares / static_cast<double>(n - folds) + minus_squares / static_cast<double>(m - folds));
      EXPECT_NEAR(*e.d_prime, distance / std::sqrt(variance), 1e-6 * (1.0 + std::abs(*e.d_prime)));
      ++judged;
    }
    ASSERT_EQ(e.coherence.has_value(), paired);
    if (paired) {
      double cosines = 0.0;
      double along = 0.0;
      double all = 0.0;
      int right = 0;
      for (Eigen::Index i = 0; i < n; ++i) {
        const Eigen::VectorXd d = (p.row(i).cast<double>() - q.row(i).cast<double>()).transpose();
        cosines += d.normalized().dot(v.normalized());
        along += std::pow(d.dot(v.normalized()), 2);
        all += d.squaredNorm();
        right += d.dot(v) > 0.0 ? 1 : 0;
      }
      EXPECT_NEAR(*e.coherence, cosines / static_cast<double>(n), 1e-12);
      EXPECT_NEAR(*e.explained_variance, along / all, 1e-12);
      EXPECT_NEAR(*e.majority, static_cast<double>(right) / static_cast<double>(n), 1e-12);
    }
  }
  EXPECT_GT(judged, 20);
}

TEST(measure_evidence, refuses_by_message) {
  const steer::matrix<float> p = steer::matrix<float>::Ones(3, 2);
  const steer::matrix<float> q = steer::matrix<float>::Zero(2, 2);
  const Eigen::VectorXd v = Eigen::Vector2d(1, 1);
  expect_fields<steer::shape_error>(
      [&] { steer::measure_evidence(p, q, steer::pairing::paired, v, 2.0, by_mean); },
      {.what = "measure_evidence",
       .expected = "width 2 and as many rows on both sides",
       .actual = "[3, 2], negative is [2, 2]"});
  expect_error<steer::numeric_error>(
      [&] { steer::measure_evidence(p, q, steer::pairing::unpaired, std::nan("") * v, 2.0, by_mean); }, "direction is not finite");
}

TEST(spread_along, is_the_standard_deviation_of_both_sides_together) {
  steer::matrix<float> positive(2, 2);
  steer::matrix<float> negative(2, 2);
  positive << 3, 9, 5, -9;
  negative << 1, 4, 3, 2;
  EXPECT_NEAR(steer::detail::spread_along(positive, negative, Eigen::Vector2d(1, 0)), std::sqrt(8.0 / 3.0), 1e-12);
}

}  // namespace
