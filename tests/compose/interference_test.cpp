#include "steer/compose/algebra.hpp"
#include "steer/compose/algebra.hpp"
#include "steer/compose/interference.hpp"

#include <gtest/gtest.h>

#include <Eigen/Dense>
#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "expect_error.hpp"
#include "toy.hpp"

namespace {

using steer::steering_vector;

steering_vector at_layer_3(const char* name, const Eigen::Vector3f& values) {
  steering_vector out;
  out.name = name;
  out.directions[3].values = values;
  return out;
}

TEST(interference, known_answers) {
  const steering_vector a = at_layer_3("a", {2.0F, 0.0F, 0.0F});
  const steering_vector b = at_layer_3("b", {3.0F, 4.0F, 0.0F});
  const auto report = steer::measure_interference({a, b}, {1.0, -1.0});
  const auto& here = report.layers.at(3);
  EXPECT_NEAR(here.gram(0, 1), 0.6, 1e-12);
  EXPECT_NEAR(here.condition, 1.6 / 0.4, 1e-12);
  EXPECT_NEAR(here.coherence, 0.6, 1e-12);
  EXPECT_NEAR(here.lost[0], 0.36, 1e-12);
  EXPECT_NEAR(here.norms[1], 5.0, 1e-12);
  EXPECT_NEAR(here.sum_norm, std::sqrt(17.0), 1e-12);
  EXPECT_NEAR(here.expected_norm, std::sqrt(29.0), 1e-12);
  EXPECT_EQ(to_string(report),
            "layer 3: condition 4, largest |cosine| 0.6, norm of the sum 4.12311 (5.38516 if orthogonal)\n"
            "  a: norm 2, 36 % within the others; cosines 1 0.6\n"
            "  b: norm 5, 36 % within the others; cosines 0.6 1\n");
}

TEST(interference, what_is_lost_is_what_joint_ablation_of_the_others_takes) {
  for (unsigned seed = 0; seed < 10; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 engine(seed);
    std::vector<steering_vector> v;
    for (std::size_t i = 0; i < 2 + seed % 3; ++i) {
      v.push_back(toy::random_vector(engine, {0, 1}, 8));
    }
    const auto report = steer::measure_interference(v);
    for (const auto& [layer, here] : report.layers) {
      const Eigen::MatrixXd inverse = here.gram.inverse();
      for (Eigen::Index i = 0; i < here.lost.size(); ++i) {
        EXPECT_NEAR(here.lost[i], 1.0 - 1.0 / inverse(i, i), 1e-12);
      }
    }
  }
}

TEST(interference, of_dependent_vectors_is_reported_not_refused) {
  const steering_vector a = at_layer_3("a", {2.0F, 0.0F, 0.0F});
  const steering_vector b = at_layer_3("b", {0.0F, 4.0F, 0.0F});
  const auto here = steer::measure_interference({a, b, a + b}).layers.at(3);
  EXPECT_TRUE(std::isinf(here.condition));
  EXPECT_NEAR(here.lost.minCoeff(), 1.0, 1e-12);
  const auto alone = steer::measure_interference({a}).layers.at(3);
  EXPECT_EQ(alone.lost[0], 0.0);
  EXPECT_EQ(alone.coherence, 0.0);
}

TEST(interference, refuses_by_message) {
  const steering_vector a = at_layer_3("a", {2.0F, 0.0F, 0.0F});
  expect_error<steer::argument_error>([&] { steer::measure_interference({}); }, "0 vectors");
  expect_error<steer::argument_error>([&] { steer::measure_interference({a, a}, {1.0}); }, "2 vectors and 1 doses");
  expect_error<steer::numeric_error>([&] { steer::measure_interference({a, a}, {1.0, std::nan("")}); }, "dose 1 is nan");
  steering_vector b = a;
  b.point = steer::point::mlp_out;
  expect_error<steer::argument_error>([&] { steer::measure_interference({a, b}); }, "interference", "mlp_out");
}

}  // namespace
