#include "steer/io/steering_vector_file.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <random>
#include <string>

#include "expect_error.hpp"
#include "io/edited_metadata.hpp"
#include "temporary_file.hpp"
#include "toy.hpp"

namespace {

steer::steering_vector example() {
  std::mt19937_64 engine(8);
  steer::steering_vector v = toy::random_vector(engine, {0, 3, 12}, 5);
  v.name = "happy \"quoted\"";
  v.point = steer::point::mlp_out;
  v.source = {"toy", "00ff", "mean_difference", "happy - sad", "positions from 1", 12, 13};
  v.directions[3].origin = Eigen::VectorXf::Random(5);
  v.directions[3].row_norm = 0.1 + 0.2;  // no short decimal
  v.directions[3].evidence = {.norm_ratio = 1.0 / 3.0, .auroc = 1.0, .coherence = 0.25};
  v.directions[12].spread.reset();
  v.directions[0].values[0] = std::numeric_limits<float>::denorm_min();
  return v;
}

TEST(steering_vector_file, round_trip_is_exact) {
  const temporary_file file(".safetensors");
  const steer::steering_vector v = example();
  save(v, file.path());
  EXPECT_EQ(steer::load_steering_vector(file.path()), v);
  const std::string content = file.content();
  EXPECT_EQ(steer::parse_steering_vector(std::as_bytes(std::span(content)), "memory"), v);
}

TEST(steering_vector_file, refuses_to_save_what_is_no_direction) {
  const temporary_file file(".safetensors");
  steer::steering_vector v = example();
  v.directions[3].values.setZero();
  expect_error<steer::numeric_error>([&] { save(v, file.path()); }, "layer 3", "zero");
  v = example();
  v.directions.at(3).evidence.coherence = std::nan("");
  expect_error<steer::numeric_error>([&] { save(v, file.path()); }, "layer 3", "coherence is nan");
  v.directions.at(3).evidence.coherence = 1.5;
  expect_error<steer::numeric_error>([&] { save(v, file.path()); }, "coherence is 1.5; expected -1 to 1");
  v = example();
  v.name = "caf\xE9";
  expect_error<steer::format_error>([&] { save(v, file.path()); }, "no UTF-8");
  EXPECT_FALSE(std::filesystem::exists(file.path()));
}

/// Writes the example with its metadata edited.
void expect_refused(const std::string& find, const std::string& replace, const std::string& message) {
  const temporary_file file(".safetensors");
  save(example(), file.path());
  const temporary_file edited(".safetensors");
  ASSERT_NO_FATAL_FAILURE(edit_metadata(file.path(), edited.path(), "steer", find, replace));
  expect_error<steer::error>([&] { steer::load_steering_vector(edited.path()); }, edited.path().string(), message);
}

TEST(steering_vector_file, refuses_each_fault_by_name) {
  expect_refused(R"("version":1)", R"("version":2)", "has version 2; expected 1");
  expect_refused(R"("name")", R"("operation":"project","name")", "unknown key \"operation\"");
  expect_refused(R"("method")", R"("weight":2,"method")", "unknown key \"weight\"");
  expect_refused(R"("spread")", R"("sprad")", "unknown key \"sprad\"");
  expect_refused(R"("mlp_out")", R"("mlp")", "point \"mlp\" is unknown");
  expect_refused(R"("positives":12)", R"("positives":"12")", "positives \"12\"; expected a whole number");
  expect_refused(R"("positives":12)", R"("positives":-1)", "positives -1; expected a whole number");
  expect_refused(R"("positives":12)", R"("positives":1.9)", "positives 1.9; expected a whole number");
  expect_refused(R"("positives":12)", R"("positives":true)", "positives true; expected a whole number");
  expect_refused(R"("positives":12)", R"("positives":1e3)", "positives 1000.0; expected a whole number");
  expect_refused(R"("positives":12)", R"("positives":18446744073709551617)", "expected a whole number");
  expect_refused(R"("version":1)", R"("version":true)", "has version true; expected 1");
  expect_refused(R"("version":1)", R"("version":1.0)", "has version 1.0; expected 1");
  expect_refused(R"("version":1)", R"("version":4294967297)", "has version 4294967297; expected 1");
  expect_refused(R"("spread":)", R"("auroc":true,"spread":)", "layer 0 has auroc true; expected a finite number");
  expect_refused(R"("spread":)", R"("auroc":null,"spread":)", "layer 0 has auroc null; expected a finite number");
  for (const char* layer : {"-1", "2.0", "+3", "4294967299", "99999999999999999999", "", " 3"}) {
    expect_refused(R"("3":{)", std::string("\"") + layer + "\":{", "expected a zero-based number");
  }
  expect_refused(R"("positives":12)", R"("positives":12,"positives":13)", "\"positives\" twice");
  expect_refused(R"("layers":{)", R"("layers":[],"layer":{)", "unknown key \"layer\"");
  const std::string deep = std::string(100'000, '[') + std::string(100'000, ']');
  expect_refused(R"("version":1)", R"("version":)" + deep, "nests deeper");
  expect_refused(R"("positives":12)", R"("positives":)" + deep, "nests deeper");
  expect_refused(R"("spread":)", R"("auroc":17,"spread":)", "auroc");
  expect_refused(R"("3":{)", R"("03":{)", "the layer \"03\"");
  expect_refused(R"("3":{)", R"("4":{)", "no tensor \"direction.4\"");
  expect_refused(R"("layers":{)", R"("layer":{},"layers":{)", "unknown key \"layer\"");
}

TEST(steering_vector_file, refuses_other_files_and_bad_tensors) {
  const temporary_file file(".safetensors");
  const std::array<float, 2> zero{};
  const steer::tensor_view tensor{steer::dtype::f32, {2}, std::as_bytes(std::span(zero))};
  steer::write_safetensors(file.path(), {{"direction.0", tensor}});
  expect_error<steer::format_error>([&] { steer::load_steering_vector(file.path()); }, "no metadata \"steer\"");
  const std::string about =
      R"({"version":1,"name":"x","point":"mlp_out","source":{"model":"","fingerprint":"","method":"","contrast":"","tokens":"","positives":1,"negatives":1},"layers":{"0":{}}})";
  steer::write_safetensors(file.path(), {{"direction.0", tensor}}, {{"steer", about}});
  expect_error<steer::format_error>([&] { steer::load_steering_vector(file.path()); }, file.path().string(), "\"x\", layer 0", "zero");
  steer::write_safetensors(file.path(), {{"direction.0", tensor}, {"direction.1", tensor}}, {{"steer", about}});
  expect_error<steer::format_error>([&] { steer::load_steering_vector(file.path()); }, "unexpected tensor \"direction.1\"");
  steer::write_safetensors(file.path(), {{"direction.0", {steer::dtype::f32, {1, 2}, tensor.bytes}}}, {{"steer", about}});
  expect_error<steer::format_error>([&] { steer::load_steering_vector(file.path()); }, "F32 [1, 2]", "one dimension");
}

}  // namespace
