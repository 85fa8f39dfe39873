#include "steer/io/interference_json.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <random>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "expect_error.hpp"
#include "steer/compose/interference.hpp"
#include "toy.hpp"

namespace {

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const auto at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

TEST(interference_json, survives_the_round_trip_bit_for_bit) {
  for (unsigned seed = 0; seed < 10; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 engine(seed);
    std::vector<steer::steering_vector> v;
    for (std::size_t i = 0; i < 1 + seed % 4; ++i) {
      v.push_back(toy::random_vector(engine, {0, 2, 11}, 9));
    }
    const steer::interference_report report = steer::measure_interference(v);
    EXPECT_EQ(steer::parse_interference_json(to_json(report)), report);
  }
}

TEST(interference_json, is_readable_and_writes_infinity_as_null) {
  steer::interference_report report;
  report.names = {"happy", "\"glad\""};
  report.layers[3].gram = Eigen::Matrix2d::Ones();
  report.layers[3].condition = std::numeric_limits<double>::infinity();
  report.layers[3].coherence = 1.0;
  report.layers[3].lost = Eigen::Vector2d(1.0, 1.0);
  report.layers[3].norms = Eigen::Vector2d(2.0, 3.0);
  report.layers[3].sum_norm = 5.0;
  const nlohmann::json written = nlohmann::json::parse(to_json(report));
  EXPECT_TRUE(written.at("layers").at("3").at("condition").is_null());
  EXPECT_EQ(written.at("layers").at("3").at("norms"), nlohmann::json({2.0, 3.0}));
  EXPECT_EQ(written.at("names").at(1), "\"glad\"");
  EXPECT_EQ(steer::parse_interference_json(to_json(report)), report);
}

TEST(interference_json, refuses_by_message) {
  std::mt19937_64 engine(1);
  steer::interference_report report =
      steer::measure_interference({toy::random_vector(engine, {4}, 5), toy::random_vector(engine, {4}, 5)});
  const std::string good = to_json(report);
  const auto refuse = [](const std::string& text, const std::string& part) {
    expect_error<steer::format_error>([&] { steer::parse_interference_json(text); }, "interference report", part);
  };
  refuse("[]", "no JSON object");
  refuse(good.substr(0, good.size() / 2), "no valid JSON");
  refuse(replaced(good, "\"version\": 1", "\"version\": 2"), "version 2; expected 1");
  refuse(replaced(good, "\"names\"", "\"titles\""), "unknown key \"titles\"");
  refuse(replaced(good, "\"coherence\"", "\"closeness\""), "layer 4: has the unknown key \"closeness\"");
  refuse(replaced(good, "\"4\"", "\"04\""), "layer \"04\"");
  refuse(replaced(good, "\"version\": 1", "\"version\": true"), "version true; expected 1");
  refuse(replaced(good, "\"lost\": [", "\"lost\": [true,"), "layer 4 has lost with number 0 true; expected a finite number");
  refuse(replaced(good, "\"lost\": [", "\"lost\": [null,"), "lost with number 0 null");
  refuse(replaced(good, "\"gram\": [", "\"gram\": [7,"), "the Gram matrix has row 0 7; expected an array of numbers");
  refuse(replaced(good, "\"4\"", "\"4294967300\""), "layer \"4294967300\"");
  refuse(replaced(good, "\"4\"", "\"-4\""), "layer \"-4\"");
  refuse(replaced(good, "\"names\": [", "\"names\": [\"one more\","), "malformed");
  refuse(replaced(good, "\"layers\": {", "\"layers\": {\"1\": {},"), "malformed");
  steer::interference_report shifted = report;
  shifted.layers[-1] = report.layers.at(4);
  expect_error<steer::shape_error>([&] { static_cast<void>(to_json(shifted)); },
                                   "has layer -1; expected a zero-based number");
  report.names[0] = "\xff";
  expect_error<steer::format_error>([&] { static_cast<void>(to_json(report)); }, "no UTF-8");
  report.names.pop_back();
  expect_error<steer::shape_error>([&] { static_cast<void>(to_json(report)); }, "expected 1 of each");
}

}  // namespace
