#include "steer/io/svec.hpp"

#include <gtest/gtest.h>

#include <span>
#include <string>

#include "expect_error.hpp"
#include "temporary_file.hpp"

namespace {

steer::steering_vector parsed(const std::string& content) {
  return steer::parse_svec(std::as_bytes(std::span(content)), "happy.svec");
}

TEST(svec, holds_directions_as_they_were_measured) {
  const std::string content =
      R"({"model_type": "llama", "directions": {"12": [1, -2.5, 3e-1], "3": [[0.5, 0, 1]]}, "explained_variances": {"3": 0.25}})";
  const steer::steering_vector v = parsed(content);
  EXPECT_EQ(v.name, "happy");
  EXPECT_EQ(v.source.model, "llama");
  EXPECT_EQ(v.point, steer::point::residual_out);
  ASSERT_EQ(v.directions.size(), 2U);
  EXPECT_EQ(v.directions.at(12).values, Eigen::Vector3f(1.0F, -2.5F, 0.3F));
  EXPECT_EQ(v.directions.at(3).values, Eigen::Vector3f(0.5F, 0.0F, 1.0F));
  const temporary_file file(".svec", content);
  EXPECT_EQ(steer::load_svec(file.path()).directions, v.directions);
}

TEST(svec, refuses_each_fault_by_name) {
  const auto refuse = [](const std::string& content, const auto&... parts) {
    expect_error<steer::format_error>([&] { static_cast<void>(parsed(content)); }, "svec: file happy.svec", parts...);
  };
  refuse("", "no JSON object");
  refuse("{", "no valid JSON");
  refuse("{}", "has no directions by layer");
  refuse(R"({"directions": {}})", "has no directions by layer");
  refuse(R"({"directions": [[1]]})", "has no directions by layer");
  refuse(R"({"directions": {"1": [1]}, "comparator": "larger"})", "unknown key \"comparator\"");
  refuse(R"({"directions": {"1": [1]}, "directions": {"1": [2]}})", "\"directions\" twice");
  refuse(R"({"directions": {"-1": [1]}})", "layer \"-1\"");
  refuse(R"({"directions": {"01": [1]}})", "layer \"01\"");
  refuse(R"({"directions": {"1": [[1, 2], [3, 4]]}})", "layer 1 has 2 rows; expected one");
  refuse(R"({"directions": {"1": [[]]}})", "happy.svec");
  refuse(R"({"directions": {"1": []}})", "happy.svec");
  refuse(R"({"directions": {"1": "x"}})", "layer 1", "a direction");
  refuse(R"({"directions": {"1": [1, null]}})", "layer 1", "a direction");
  refuse(R"({"directions": {"1": [1, true]}})", "layer 1", "a direction");
  refuse(R"({"directions": {"1": [1e39]}})", "happy.svec");
  refuse(R"({"directions": {"1": [0, 0]}})", "layer 1");
  refuse(R"({"directions": {"1": [1], "2": [1, 2]}})", "width");
  refuse(R"({"directions": {"1": [1]}, "model_type": 3})", "model_type 3; expected a text");
}

}  // namespace
