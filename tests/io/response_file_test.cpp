#include "steer/io/response_file.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <limits>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "expect_error.hpp"
#include "io/edited_metadata.hpp"
#include "steer/measure/dose.hpp"
#include "temporary_file.hpp"
#include "toy.hpp"

namespace {

steer::measured_vectors example() {
  std::mt19937_64 engine(4);
  steer::measured_vectors out;
  for (const char* name : {"terse", "happy \"quoted\""}) {
    out.vectors.push_back(toy::random_vector(engine, {2, 5}, 4));
    out.vectors.back().name = name;
    out.response.vectors.push_back(name);
    out.response.readouts.push_back(std::string(name) + " words");
  }
  out.vectors[1].directions[5].origin = Eigen::VectorXf::Random(4);
  steer::response& r = out.response;
  r.model = "toy";
  r.fingerprint = "00ff";
  r.dose_unit = {steer::strength_unit::of_row_norm, {2, 5}, 1.5F};
  r.step = 0.1 + 0.2;  // no short decimal
  r.baseline = Eigen::Vector2d(-1.0 / 3.0, 2.0);
  r.slope = Eigen::MatrixXd{{3.0, 0.1}, {-0.2, 4.0}};
  r.error = Eigen::MatrixXd{{0.01, 0.02}, {0.03, 1.0 / 7.0}};
  r.bend = Eigen::MatrixXd{{-0.5, 0.0}, {0.0, 0.25}};
  r.random_slope = Eigen::Vector2d(0.3, 0.4);
  r.warnings = {"column \"terse\": the pairs differ in length"};
  return out;
}

TEST(response_file, round_trip_is_exact_and_states_the_same_effect) {
  const temporary_file file(".safetensors");
  const steer::measured_vectors written = example();
  steer::save({written.vectors, written.response}, file.path());
  const steer::measured_vectors read = steer::load_measured_vectors(file.path());
  EXPECT_EQ(read, written);
  const std::string content = file.content();
  EXPECT_EQ(steer::parse_measured_vectors(std::as_bytes(std::span(content)), "memory"), written);
  const steer::dosed before = steer::dose(written.vectors, written.response, {1.0, -0.5});
  const steer::dosed served = steer::dose(read.vectors, read.response, {1.0, -0.5});
  EXPECT_EQ(served.recipe, before.recipe);
  EXPECT_EQ(served.expected, before.expected);
  EXPECT_NEAR(served.expected[0].value, 1.0, 1e-12);
}

TEST(response_file, refuses_to_save_what_does_not_belong_together) {
  const temporary_file file(".safetensors");
  steer::measured_vectors measured = example();
  measured.vectors[0].name = "verbose";
  expect_error<steer::argument_error>([&] { save(measured, file.path()); }, "vector 0 is \"verbose\"", "measured with \"terse\"");
  measured = example();
  measured.vectors.pop_back();
  expect_error<steer::argument_error>([&] { save(measured, file.path()); }, "has 1 vectors");
  measured = example();
  measured.vectors[1].directions[2].values.setZero();
  expect_error<steer::numeric_error>([&] { save(measured, file.path()); }, "layer 2", "zero");
  measured = example();
  measured.response.slope(0, 1) = std::nan("");
  expect_error<steer::numeric_error>([&] { save(measured, file.path()); }, "the slope holds NaN");
  measured = example();
  measured.response.warnings = {"caf\xE9"};
  expect_error<steer::format_error>([&] { save(measured, file.path()); }, "no UTF-8");
  EXPECT_FALSE(std::filesystem::exists(file.path()));
}

/// Writes the example with its metadata edited.
void expect_refused(const std::string& find, const std::string& replace, const std::string& message) {
  const temporary_file file(".safetensors");
  save(example(), file.path());
  const temporary_file edited(".safetensors");
  ASSERT_NO_FATAL_FAILURE(edit_metadata(file.path(), edited.path(), "steer_response", find, replace));
  expect_error<steer::format_error>([&] { steer::load_measured_vectors(edited.path()); }, edited.path().string(), message);
}

TEST(response_file, refuses_each_fault_by_name) {
  expect_refused(R"({"version":1,"vectors")", R"({"version":2,"vectors")", "has version 2; expected 1");
  expect_refused(R"("response":{)", R"("response":{"dose":1,)", "the response: has the unknown key \"dose\"");
  expect_refused(R"("name":"terse")", R"("nom":"terse")", "vector 0: has the unknown key \"nom\"");
  expect_refused(R"("of_row_norm")", R"("of_rows")", "strength unit \"of_rows\"; expected raw, unit");
  expect_refused(R"("slope":[[3.0,0.1])", R"("slope":[[3.0])", "the slope: row 0 has 1 numbers; expected 2");
  expect_refused(R"("slope":[[3.0,0.1],[-0.2,4.0]])", R"("slope":[[3.0]])", "the slope is [1, 1]; expected [2, 2]");
  expect_refused(R"("error":[[0.01)", R"("error":[[-0.01)", "errors of 0 or above");
  expect_refused(R"("random_slope":[0.3,)", R"("random_slope":[-0.3,)", "random directions is not finite, or negative");
  expect_refused(R"("random_slope":[0.3,)", R"("random_slope":[)", "has 1 slopes under random directions; expected 2 or none");
  expect_refused(R"("step":)", R"("stop":)", "unknown key \"stop\"");
  expect_refused(R"("baseline":[)", R"("baseline":["a",)", "the response has baseline with number 0 \"a\"; expected a finite number");
  expect_refused(R"("readouts":["terse words",)", R"("readouts":[)", "1 readouts");
  expect_refused(R"("2":{)", R"("3":{)", "no tensor \"0.direction.3\"");
  expect_refused(R"("vectors":[)", R"("vectors":7,"vector":[)", "unknown key \"vector\"");
}

TEST(response_file, what_is_saved_loads) {
  const temporary_file file(".safetensors");
  for (const float cap : {std::numeric_limits<float>::infinity(), 0.1F, std::numeric_limits<float>::denorm_min(),
                          std::numeric_limits<float>::max()}) {
    for (const std::vector<int>& layers : {std::vector<int>{}, {5}, {5, 2}}) {
      steer::measured_vectors written = example();
      written.response.dose_unit.cap = cap;
      written.response.dose_unit.layers = layers;
      written.response.baseline = Eigen::Vector2d(-0.0, std::numeric_limits<double>::denorm_min());
      written.response.step = std::numeric_limits<double>::max();
      save(written, file.path());
      EXPECT_EQ(steer::load_measured_vectors(file.path()), written) << cap;
    }
  }
}

TEST(response_file, refuses_to_save_a_dosage_that_no_recipe_can_have) {
  const temporary_file file(".safetensors");
  for (const float cap : {std::nanf(""), 0.0F, -1.0F, -std::numeric_limits<float>::infinity()}) {
    steer::measured_vectors measured = example();
    measured.response.dose_unit.cap = cap;
    expect_error<steer::numeric_error>([&] { save(measured, file.path()); }, "the cap is", "expected a number above 0");
  }
  const auto refuse = [&]<class Error>(Error, const std::vector<int>& layers, const char* message) {
    steer::measured_vectors measured = example();
    measured.response.dose_unit.layers = layers;
    expect_error<Error>([&] { save(measured, file.path()); }, message);
  };
  refuse(steer::argument_error(""), {2, 2}, "layer 2 is named twice");
  refuse(steer::shape_error(""), {99}, "\"terse\" has no direction at layer 99");
  refuse(steer::shape_error(""), {-7}, "has no direction at layer -7");
  EXPECT_FALSE(std::filesystem::exists(file.path()));
}

TEST(response_file, refuses_numbers_that_are_not_what_they_stand_for) {
  for (const char* layer :
       {"4294967298", "2.9", "2.0", "true", "1e300", "-7", "\"2\"", "null", "[2]", "18446744073709551618"}) {
    expect_refused(R"("layers":[2,5])", std::string(R"("layers":[)") + layer + "]", "the response has the layer ");
  }
  expect_refused(R"("layers":[2,5])", R"("layers":[2,2])", "layer 2 is named twice");
  expect_refused(R"("layers":[2,5])", R"("layers":[99])", "has no direction at layer 99");
  expect_refused(R"("layers":[2,5])", R"("layers":2)", "malformed");
  for (const char* cap : {"true", "1e300", "\"inf\"", "[]"}) {
    expect_refused(R"("cap":1.5)", std::string(R"("cap":)") + cap, "the response has cap ");
  }
  expect_refused(R"("cap":1.5)", R"("cap":0)", "the cap is 0; expected a number above 0");
  expect_refused(R"("cap":1.5)", R"("cap":1e999)", "no valid JSON");
  expect_refused(R"("step":0.30000000000000004)", R"("step":true)", "the response has step true");
  expect_refused(R"("step":0.30000000000000004)", R"("step":null)", "the response has step null");
  expect_refused(R"("slope":[[3.0,0.1])", R"("slope":[[3.0,true])", "the slope has row 0 with number 1 true");
  expect_refused(R"("slope":[[3.0,0.1])", R"("slope":[3)", "the slope has row 0 3; expected an array of numbers");
  expect_refused(R"("random_slope":[0.3,)", R"("random_slope":[false,)", "random_slope with number 0 false");
  expect_refused(R"({"version":1,"vectors")", R"({"version":1.0,"vectors")", "has version 1.0; expected 1");
  expect_refused(R"({"version":1,"vectors")", R"({"version":true,"vectors")", "has version true; expected 1");
}

TEST(response_file, errors_have_fields) {
  steer::measured_vectors measured = example();
  measured.response.dose_unit.layers = {99};
  const temporary_file file(".safetensors");
  expect_fields<steer::shape_error>([&] { save(measured, file.path()); },
                                    {.what = "measured vectors: \"terse\"", .layer = 99});
  save(example(), file.path());
  const temporary_file edited(".safetensors");
  edit_metadata(file.path(), edited.path(), "steer_response", R"("layers":[2,5])", R"("layers":[2.9])");
  expect_fields<steer::format_error>([&] { steer::load_measured_vectors(edited.path()); },
                                     {.what = "measured vectors: file " + edited.path().string() + ", the response",
                                      .expected = "a whole number, not negative, at most 2147483647",
                                      .actual = "2.9"});
  edit_metadata(file.path(), edited.path(), "steer_response", R"("layers":[2,5])", R"("layers":[2,99])");
  expect_fields<steer::format_error>([&] { steer::load_measured_vectors(edited.path()); },
                                     {.what = "measured vectors: \"terse\"", .layer = 99});
}

TEST(response_file, and_a_vectors_file_are_not_taken_for_each_other) {
  const temporary_file file(".safetensors");
  save(example(), file.path());
  expect_error<steer::format_error>([&] { steer::load_steering_vector(file.path()); }, "no metadata \"steer\"");
  save(example().vectors[0], file.path());
  expect_error<steer::format_error>([&] { steer::load_measured_vectors(file.path()); }, "no metadata \"steer_response\"");
}

}  // namespace
