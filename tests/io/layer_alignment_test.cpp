#include "steer/io/layer_alignment.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <random>

#include "expect_error.hpp"
#include "toy.hpp"

namespace {

/// Directions that turn slowly from layer to layer, as those of a residual stream do.
steer::steering_vector drifting(int layers) {
  std::mt19937_64 engine(5);
  steer::steering_vector out;
  out.name = "own";
  Eigen::VectorXf here = toy::random_rows<float>(engine, 1, 32).row(0).transpose();
  for (int layer = 0; layer < layers; ++layer) {
    out.directions[layer].values = here;
    here += 0.5F * toy::random_rows<float>(engine, 1, 32).row(0).transpose();
  }
  return out;
}

steer::steering_vector shifted(const steer::steering_vector& v, int by, float factor) {
  steer::steering_vector out;
  out.name = "file";
  for (const auto& [layer, direction] : v.directions) {
    if (layer + by >= 0) {
      out.directions[layer + by].values = factor * direction.values;
    }
  }
  return out;
}

TEST(layer_alignment, says_when_a_file_is_shifted_by_a_layer) {
  const steer::steering_vector own = drifting(10);
  const auto same = compare_layers(shifted(own, 0, 1.0F), own);
  EXPECT_EQ(same.layers, 8);
  EXPECT_EQ(same.shift(), 0);
  EXPECT_NEAR(same.same, 1.0, 1e-6);
  EXPECT_GT(same.before, 0.5);
  EXPECT_FALSE(same.warning());
  const auto late = compare_layers(shifted(own, 1, 3.0F), own);  // read as repeng's, made by cvector-generator
  EXPECT_EQ(late.shift(), -1);
  EXPECT_NEAR(late.before, 1.0, 1e-6);
  ASSERT_TRUE(late.warning());
  EXPECT_NE(late.warning()->find("shifted by -1"), std::string::npos) << *late.warning();
  EXPECT_EQ(compare_layers(shifted(own, -1, -1.0F), own).shift(), 1) << "the sign of a direction does not matter";
}

TEST(layer_alignment, knows_no_layer_beyond_the_last) {
  constexpr int last = std::numeric_limits<int>::max();
  steer::steering_vector own = drifting(3);
  for (const int layer : {last - 2, last - 1, last}) {
    own.directions[layer] = own.directions[0];
  }
  EXPECT_EQ(compare_layers(own, own).layers, 2);
}

TEST(layer_alignment, refuses_what_cannot_be_compared) {
  steer::steering_vector own = drifting(10);
  const steer::steering_vector file = shifted(own, 0, 1.0F);
  expect_error<steer::shape_error>([&] { compare_layers(file, drifting(2)); }, "no layer of \"file\"", "\"own\"");
  steer::steering_vector ragged = own;
  ragged.directions[3].values.conservativeResize(31);
  expect_error<steer::shape_error>([&] { compare_layers(file, ragged); }, "\"own\", layer 3: has width 31");
  expect_error<steer::shape_error>([&] { compare_layers(ragged, own); }, "\"own\", layer 3: has width 31");
  for (auto& [layer, direction] : own.directions) {
    direction.values.conservativeResize(31);
  }
  expect_error<steer::shape_error>([&] { compare_layers(file, own); }, "\"file\" has width 32", "\"own\" has 31");
}

}  // namespace
