#include "steer/io/response_file.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
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
  r.dosage = {steer::strength_unit::of_row_norm, {2, 5}, 1.5F};
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
  expect_refused(R"("baseline":[)", R"("baseline":["a",)", "malformed");
  expect_refused(R"("readouts":["terse words",)", R"("readouts":[)", "1 readouts");
  expect_refused(R"("2":{)", R"("3":{)", "no tensor \"0.direction.3\"");
  expect_refused(R"("vectors":[)", R"("vectors":7,"vector":[)", "unknown key \"vector\"");
}

TEST(response_file, and_a_vectors_file_are_not_taken_for_each_other) {
  const temporary_file file(".safetensors");
  save(example(), file.path());
  expect_error<steer::format_error>([&] { steer::load_steering_vector(file.path()); }, "no metadata \"steer\"");
  save(example().vectors[0], file.path());
  expect_error<steer::format_error>([&] { steer::load_measured_vectors(file.path()); }, "no metadata \"steer_response\"");
}

}  // namespace
