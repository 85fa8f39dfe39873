#include "steer/io/model_fit.hpp"

#include <gtest/gtest.h>

#include <random>

#include "expect_error.hpp"
#include "toy.hpp"

namespace {

TEST(check_fits, names_file_and_model) {
  std::mt19937_64 engine(1);
  steer::steering_vector v = toy::random_vector(engine, {0, 3}, 8);
  v.name = "happy";
  EXPECT_NO_THROW(check_fits(v, toy::shape(4, 8), "happy.gguf"));
  expect_error<steer::format_error>([&] { check_fits(v, toy::shape(3, 8), "happy.gguf"); }, "\"happy\"", "layer 3",
                                    "\"toy\" has 3 layers", "file happy.gguf");
  expect_error<steer::format_error>([&] { check_fits(v, toy::shape(4, 9), "happy.gguf"); }, "width 8 at layer 0",
                                    "has 9 at residual_out", "file happy.gguf");
  steer::model_shape hidden = toy::shape(4, 8);
  hidden.points = {steer::point::mlp_out};
  expect_error<steer::format_error>([&] { check_fits(v, hidden, "happy.gguf"); }, "has 0 at residual_out");
}

}  // namespace
