#include "steer/inject/in_sequence.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "inject/batch.hpp"
#include "inject/random_recipe.hpp"
#include "steer/inject/session.hpp"

namespace {

using toy::batch;

/// How far rounding may take a row: copies of it are moved at random after each edit, by the rounding of one number of
/// the whole row's size in each column, and go through the edits in double.
class rounded_copies {
 public:
  rounded_copies(const steer::in_sequence& reference, double epsilon) : reference_(reference), epsilon_(epsilon), memories_(count) {}

  struct outcome {
    Eigen::VectorXd exact;
    double largest;  // norm on the way
    double spread;   // of the copies, the farthest
  };

  outcome apply(std::mt19937_64& engine, steer::site where, const steer::row_info& info, const Eigen::VectorXd& h) {
    outcome out{h, h.norm(), 0.0};
    reference_.apply(where, info, out.exact, exact_memory_, [&](const Eigen::VectorXd& now, std::size_t) {
      out.largest = std::max(out.largest, now.norm());
    });
    std::normal_distribution<double> normal;
    for (auto& memory : memories_) {
      Eigen::VectorXd copy = h;
      const auto round = [&](Eigen::VectorXd& now) {
        const double size = epsilon_ * now.norm();
        now += Eigen::VectorXd::NullaryExpr(now.size(), [&] { return size * normal(engine); });
      };
      round(copy);
      reference_.apply(where, info, copy, memory, [&](Eigen::VectorXd& now, std::size_t) { round(now); });
      out.spread = std::max(out.spread, (copy - out.exact).norm());
    }
    return out;
  }

 private:
  static constexpr std::size_t count = 6;
  const steer::in_sequence& reference_;
  double epsilon_;
  steer::in_sequence::memory exact_memory_;
  std::vector<steer::in_sequence::memory> memories_;
};

std::string describe(const steer::recipe& recipe, steer::site where) {
  std::string out = "the edits there:";
  for (const steer::edit& e : recipe.edits()) {
    if (point_of(e) == where.point && std::find(e.layers.begin(), e.layers.end(), where.layer) != e.layers.end()) {
      out += "\n  " + to_string(e) + ", norm rule " + std::to_string(static_cast<int>(e.norm.rule)) + ", " +
             std::to_string(e.gate.conditions.size()) + (e.gate.latched() ? " latched" : "") + " conditions, amount " +
             std::to_string(e.gate.amount) + ", head " + std::to_string(e.head.value_or(-1)) +
             (e.rows.everything() ? "" : ", some rows") + (e.rows.decays() ? ", decays" : "");
    }
  }
  return out;
}

/// @param most  of the largest intermediate norm, for every row
template <class Scalar>
void expect_sessions_equal_the_sequence(double epsilon, double most, std::uint64_t seeds) {
  std::size_t rows = 0;
  std::size_t excluded = 0;
  double worst = 0.0;
  for (std::uint64_t seed = 0; seed < seeds; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 engine(seed);
    const steer::model_shape shape = toy::shape(2, 3 + static_cast<std::ptrdiff_t>(engine() % 70));
    const steer::recipe recipe = toy::random_recipe(engine, shape, toy::latched_gates::some);
    steer::basic_session<Scalar> session(recipe, shape, {.sequences = 2});
    const steer::in_sequence reference(recipe, shape);
    rounded_copies copies(reference, epsilon);
    for (int layer = 0; layer < shape.layers; ++layer) {
      for (const steer::point p : steer::all_points) {
        const steer::site where{layer, p};
        batch<Scalar> data(engine, 1 + static_cast<std::ptrdiff_t>(engine() % 40), shape.width_at(p), 2);
        const batch<Scalar> before = data;
        if (session.access(where) != steer::access::none) {
          session(where, data.rows());
        }
        for (std::ptrdiff_t i = 0; i < data.count(); ++i) {
          const auto expected = copies.apply(engine, where, data.info[static_cast<std::size_t>(i)], before.row(i));
          ++rows;
          if (expected.spread > 1e-3 * expected.largest + 1e3 * epsilon * expected.largest) {  // a threshold lies within rounding
            ++excluded;
            continue;
          }
          const double error = (data.row(i) - expected.exact).norm();
          EXPECT_LE(error, most * expected.largest);
          EXPECT_LE(error, 8.0 * expected.spread + 4.0 * epsilon * expected.largest)
              << "layer " << layer << " " << to_string(p) << " row " << i << " error " << error << " spread " << expected.spread
              << " largest " << expected.largest;
          worst = std::max(worst, error / expected.largest);
          if (testing::Test::HasFailure()) {
            ADD_FAILURE() << describe(recipe, where);
            return;
          }
        }
        for (std::ptrdiff_t i = 0; i < data.count(); ++i) {
          const auto gap = static_cast<std::size_t>(1 + i * data.stride + data.width);
          for (std::size_t at = gap; at < gap + 3; ++at) {
            EXPECT_EQ(data.numbers[at], before.numbers[at]) << "between the rows";
          }
        }
      }
    }
  }
  EXPECT_LT(static_cast<double>(excluded), 0.01 * static_cast<double>(rows));
  std::printf("%zu rows, %zu excluded, worst error %.2g of the largest norm\n", rows, excluded, worst);
}

TEST(session, equals_the_edits_in_sequence_in_double) {
  expect_sessions_equal_the_sequence<double>(std::numeric_limits<double>::epsilon(), 1e-10, 300);
}

TEST(session, equals_the_edits_in_sequence_in_float) {
  expect_sessions_equal_the_sequence<float>(static_cast<double>(std::numeric_limits<float>::epsilon()), 1.0, 200);
}

}  // namespace
