#include "llama_steer/inspect.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <span>
#include <sstream>
#include <string>
#include <vector>

#include "expect_error.hpp"
#include "shared_data.hpp"
#include "temporary_file.hpp"
#include "steer/io/write_gguf.hpp"

namespace {

std::filesystem::path fixture(const std::string& name) {
  return std::filesystem::path{STEER_SOURCE_DIR} / "tests/io/fixtures" / name;
}

std::string shown(const std::filesystem::path& file, const llama_steer::unsaid& said = {}) {
  std::ostringstream out;
  llama_steer::inspect({file, said}, out);
  return out.str();
}

void expect_contains(const std::string& text, const std::string& part) {
  EXPECT_NE(text.find(part), std::string::npos) << text << "\nlacks: " << part;
}

TEST(inspect, shows_a_control_vector_and_its_convention) {
  EXPECT_EQ(shown(fixture("easysteer.gguf")),
            "easysteer.gguf: control vector (GGUF)\n"
            "  meaning   added: h' = h + strength * v\n"
            "  layers    read as easysteer: direction.N was measured at layer N, zero-based\n"
            "  holds     2 directions of width 4 at residual_out, layers 0 to 1\n"
            "  name      easysteer\n"
            "  model     toy\n"
            "  method    diffmean\n"
            "  layer      norm\n"
            "      0     1.118 ██████████████████████\n"
            "      1     2.062 ████████████████████████████████████████\n"
            "warning: it has direction.0, as only EasySteer writes it; llama.cpp refuses the file\n");
  expect_contains(shown(fixture("cvector_generator.gguf")), "applied one layer late; say producer cvector_generator");
  expect_contains(shown(fixture("cvector_generator.gguf"), {.producer = "cvector_generator"}),
                  "measured at layer N - 1");
  expect_contains(shown(fixture("repeng.gguf")), "producers differ by one layer");
}

TEST(inspect, shows_a_projection_and_what_llama_cpp_would_do) {
  steer::steering_vector v{.name = "terse"};
  v.directions[3].values = Eigen::Vector2f(0.6F, 0.8F);
  const temporary_file file(".gguf");
  steer::save_glp({{{steer::ablate_edit{v, 2.0F}}}, {"Toy", "us", "abc", ""}, "attn_out_pre_residual"}, file.path());
  const std::string text = shown(file.path());
  expect_contains(text, "projected: h' = h - alpha * u (u . h)");
  expect_contains(text, "alpha     2\n");
  expect_contains(text, "made for  us/Toy at abc\n");
  expect_contains(text, "warning: it was derived at attn_out_pre_residual and acts elsewhere");
  EXPECT_EQ(text.find("llama.cpp would load"), std::string::npos);

  const steer::gguf_file ours(file.path());  // the same without the tensor that makes llama.cpp refuse it
  const temporary_file unguarded(".gguf");
  steer::write_gguf(unguarded.path(), ours.metadata(), std::span(ours.tensors()).subspan(1));
  expect_contains(shown(unguarded.path()),
                  "warning: llama.cpp would load this file and add what is meant to be removed");
}

TEST(inspect, shows_everything_else) {
  expect_contains(shown(fixture("every_type.gguf")), "1 tensors of type Q8_0");
  expect_contains(shown(fixture("f4.npy")), "shape     [2, 3]");
  expect_contains(shown(fixture("f4.npy")), "warning: an array says neither");
  expect_contains(shown(fixture("by_layer.pt"), {.point = "mlp_out"}), "  tensor    \"layer_1\" [3]\n");
  expect_contains(shown(fixture("by_layer.pt"), {.point = "mlp_out"}), "  point     mlp_out, as you said\n");
  expect_contains(shown(STEER_STORYBOX_WEIGHTS), "safetensors file of another kind");
  steer::steering_vector v;
  v.name = "happy";
  v.source.positives = 2;
  v.directions[0].values = Eigen::Vector2f(1, 0);
  v.directions[1].values = Eigen::Vector2f(1, 1);
  v.directions[2].values = Eigen::Vector2f(100, 0);
  const temporary_file file(".safetensors");
  save(v, file.path());
  expect_contains(shown(file.path()), "directions; the recipe says what is done with them");
  expect_contains(shown(file.path()), "texts     2 positive, 0 negative");
  expect_contains(shown(file.path()), "warning: the norm at layer 2, 100, is far from the usual 1.41421");
}

TEST(inspect, shows_unknown_keys_and_rows_of_zeros) {
  static const std::array<float, 4> numbers{1, 2, 0, 0};
  const auto data = std::as_bytes(std::span(numbers));
  const std::vector<steer::gguf_tensor> tensors{{"direction.1", steer::gguf_f32, {2}, data.first(8)},
                                                {"direction.2", steer::gguf_f32, {2}, data.subspan(8)}};
  const auto file_with = [&](const std::string& key) {
    return temporary_file(
        ".gguf", steer::gguf_bytes({{"general.architecture", "controlvector"}, {key, std::uint32_t{12}}}, tensors));
  };
  const temporary_file file = file_with("controlvector.n_pairs");
  const std::string text = shown(file.path());
  expect_contains(text, "  key       controlvector.n_pairs: 12\n");
  expect_contains(text, "warning: the key controlvector.n_pairs is unknown");
  expect_contains(text, "warning: rows of zeros stand for layers that are left out: 2\n");
  expect_contains(text, "holds     1 directions of width 2");
  const temporary_file centred = file_with("controlvector.center");
  expect_error<steer::format_error>([&] { shown(centred.path()); }, "controlvector.center", "changes what the vector means");
}

TEST(inspect, shows_raw_ds4_directions) {
  STEER_NEED_SHARED_FILE(path, "vectors/ds4_verbosity.f32");
  const std::string text = shown(path);
  expect_contains(text, "raw ds4 directions");
  expect_contains(text, "projected");
  expect_contains(text, "43 directions of width 4096 at mlp_out, layers 0 to 42");
  expect_contains(text, "     42         1 ████");
}

TEST(inspect, refuses_what_is_no_vector) {
  const temporary_file file(".gguf", "GGUF but not really");
  expect_error<steer::format_error>([&] { shown(file.path()); }, file.path().string());
  expect_error<steer::file_error>([] { shown("no/such.gguf"); }, "no/such.gguf");
}

}  // namespace
