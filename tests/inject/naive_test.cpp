#include "inject/naive.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "inject/batch.hpp"
#include "inject/in_sequence.hpp"
#include "inject/naive_bound.hpp"
#include "inject/naive_passage.hpp"
#include "inject/varied_recipe.hpp"
#include "steer/inject/session.hpp"

namespace {

constexpr std::int32_t sequences = 3;

/// Rows of every site, as they are and as `change` leaves them: some rows at all sites, then the next. The rows of one call are
/// of several sequences, and of prompts as well as of what is generated.
///
/// @param change  called as change(site, rows)
/// @param use     called as use(site, row_info, number of the row, before, after)
template <class Scalar, class Change, class Use>
void each_row(std::mt19937_64& engine, const steer::model_shape& shape, Change change, Use use) {
  std::map<steer::site, toy::batch<Scalar>> batches;
  const auto count = static_cast<std::ptrdiff_t>(1 + engine() % 26);
  for (int layer = 0; layer < shape.layers; ++layer) {
    for (const steer::point p : steer::all_points) {
      toy::batch<Scalar>& made =
          batches.try_emplace({layer, p}, engine, count, shape.width_at(p), sequences).first->second;
      made.info = batches.begin()->second.info;
    }
  }
  for (std::ptrdiff_t first = 0, some = 0; first < count; first += some) {
    some = std::min<std::ptrdiff_t>(count - first, 1 + static_cast<std::ptrdiff_t>(engine() % 20));
    for (auto& [where, data] : batches) {
      const toy::batch<Scalar> before = data;
      change(where, data.rows(first, some));
      for (std::ptrdiff_t i = first; i < first + some; ++i) {
        use(where, data.info[static_cast<std::size_t>(i)], i, before.row(i), data.row(i));
      }
    }
  }
}

std::string describe(const steer::recipe& recipe, steer::site where) {
  std::string out = "the edits there:";
  for (const toy::naive_step& step : toy::naive(recipe, toy::shape(2, 3)).steps(where)) {
    const steer::edit& e = recipe.edits()[step.place];
    out += "\n  " + to_string(e) + (step.acts ? "" : " (only its gate)") + ", norm rule " +
           std::to_string(static_cast<int>(e.where.norm.rule)) + ", " + std::to_string(e.where.gate.conditions.size()) +
           (e.where.gate.latched() ? " latched" : "") + " conditions, combination " +
           std::to_string(static_cast<int>(e.where.gate.combination)) + ", share " + std::to_string(e.where.gate.share) +
           ", head " + std::to_string(e.where.head.value_or(-1)) + (e.where.rows.everything() ? "" : ", some rows");
  }
  return out;
}

struct tally {
  std::size_t rows = 0;
  std::size_t touched = 0;
  std::size_t excluded = 0;
  double worst = 0.0;

  ~tally() {
    EXPECT_LT(static_cast<double>(excluded), 0.01 * static_cast<double>(rows));
    std::printf("%zu rows, %zu touched, %zu excluded, worst error %.2g of the largest norm\n", rows, touched, excluded,
                worst);
  }
};

TEST(naive, equals_the_edits_in_sequence) {
  tally all;
  for (std::uint64_t seed = 0; seed < 500 && !testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 engine(seed);
    const steer::model_shape shape = toy::shape(2, 3 + static_cast<std::ptrdiff_t>(engine() % 38));
    const steer::recipe recipe = toy::varied_recipe(engine, shape);
    const toy::in_sequence sequence(recipe, shape);
    const toy::naive exact(recipe, shape);
    toy::thresholds reference(exact, 1e-9);
    toy::in_sequence::memory latches;
    each_row<double>(
        engine, shape, [](steer::site, steer::rows<double>) {},
        [&](steer::site where, const steer::row_info& info, std::ptrdiff_t i, Eigen::VectorXd h, const auto&) {
          const auto expected = reference.follow(where, info, h);
          const bool touched = expected.row != h;
          sequence.apply(where, info, h, latches, [](const Eigen::VectorXd&, std::size_t) {});
          ++all.rows;
          all.touched += touched ? 1U : 0U;
          if (expected.doubtful) {
            ++all.excluded;
            return;
          }
          const double error = (h - expected.row).norm();
          all.worst = std::max(all.worst, error / expected.largest);
          EXPECT_LE(error, 1e-11 * expected.largest) << to_string(where) << " row " << i << "\n"
                                                     << describe(recipe, where);
        });
  }
}

TEST(naive, equals_sessions_in_double) {
  tally all;
  for (std::uint64_t seed = 1000; seed < 1750 && !testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 engine(seed);
    const steer::model_shape shape = toy::shape(2, 3 + static_cast<std::ptrdiff_t>(engine() % 38));
    const steer::recipe recipe = toy::varied_recipe(engine, shape);
    steer::basic_session<double> session(recipe, shape, {.sequences = sequences});
    const toy::naive exact(recipe, shape);
    toy::thresholds reference(exact, 1e-9);
    each_row<double>(
        engine, shape, [&](steer::site where, steer::rows<double> rows) { session(where, rows); },
        [&](steer::site where, const steer::row_info& info, std::ptrdiff_t i, const Eigen::VectorXd& before,
            const Eigen::VectorXd& after) {
          const auto expected = reference.follow(where, info, before);
          ++all.rows;
          all.touched += expected.row != before ? 1U : 0U;
          if (expected.doubtful) {
            ++all.excluded;
            return;
          }
          const double error = (after - expected.row).norm();
          all.worst = std::max(all.worst, error / expected.largest);
          EXPECT_LE(error, 1e-10 * expected.largest) << to_string(where) << " row " << i << "\n"
                                                     << describe(recipe, where);
        });
  }
}

TEST(naive, bounds_the_rounding_of_sessions_in_float) {
  tally all;
  std::vector<double> ratios;
  std::vector<double> bounds;
  for (std::uint64_t seed = 3000; seed < 3600 && !testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 engine(seed);
    const steer::model_shape shape = toy::shape(2, 3 + static_cast<std::ptrdiff_t>(engine() % 38));
    const steer::recipe recipe = toy::varied_recipe(engine, shape);
    steer::session session(recipe, shape, {.sequences = sequences});
    const toy::naive exact(recipe, shape);
    toy::rounding_bound reference(exact, 0x1p-24);
    each_row<float>(engine, shape, [&](steer::site where, steer::rows<float> rows) { session(where, rows); },
                    [&](steer::site where, const steer::row_info& info, std::ptrdiff_t i, const Eigen::VectorXd& before,
                        const Eigen::VectorXd& after) {
      if (i % 3 != 0 && info.position != info.prompt_length - 1) {  // those that latches read are needed
        return;
      }
      const auto expected = reference.follow(where, info, before);
      ++all.rows;
      if (expected.doubtful) {
        ++all.excluded;
        return;
      }
      const double error = (after - expected.row).norm();
      all.worst = std::max(all.worst, error / expected.largest);
      EXPECT_LE(error, expected.bound) << to_string(where) << " row " << i << "\n" << describe(recipe, where);
      if (expected.touched) {
        ++all.touched;
        ratios.push_back(error / expected.bound);
        bounds.push_back(expected.bound / expected.largest);
      }
    });
  }
  const auto median = [](std::vector<double>& numbers) {
    std::nth_element(numbers.begin(), numbers.begin() + std::ssize(numbers) / 2, numbers.end());
    return numbers.at(numbers.size() / 2);
  };
  std::printf("error / bound: worst %.2g, median %.2g; bound / largest norm: median %.2g\n",
              *std::max_element(ratios.begin(), ratios.end()), median(ratios), median(bounds));
}

}  // namespace
