#include "steer/io/pytorch.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "expect_error.hpp"

namespace {

std::filesystem::path fixture(const std::string& name) {
  return std::filesystem::path{STEER_SOURCE_DIR} / "tests/io/fixtures" / name;
}

std::string content_of(const std::string& name) {
  std::ifstream in(fixture(name), std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

steer::named_arrays parsed(const std::string& content) {
  return steer::parse_pytorch(std::as_bytes(std::span(content)), "some.pt");
}

void expect_tensor(const std::pair<std::string, steer::npy_array>& found, const std::string& key,
                   const std::vector<std::size_t>& shape, const std::vector<double>& numbers) {
  EXPECT_EQ(found.first, key);
  EXPECT_EQ(found.second.shape, shape) << key;
  EXPECT_EQ(std::visit([](const auto& values) { return std::vector<double>(values.begin(), values.end()); },
                       found.second.values),
            numbers)
      << key;
}

TEST(pytorch, reads_every_type_and_views_in_both_formats) {
  for (const char* name : {"by_layer.pt", "legacy.pt"}) {
    SCOPED_TRACE(name);
    const steer::named_arrays file = steer::load_pytorch(fixture(name));
    ASSERT_EQ(file.arrays.size(), 4U);
    expect_tensor(file.arrays[0], "0", {3}, {1, 2, 3});
    expect_tensor(file.arrays[1], "layer_1", {3}, {4, 5, 6});
    expect_tensor(file.arrays[2], "2", {3}, {4, 5, 6});
    expect_tensor(file.arrays[3], "3", {3}, {2, 3, 5});
    EXPECT_TRUE(std::holds_alternative<std::vector<double>>(file.arrays[2].second.values));
  }
  const steer::named_arrays transposed = steer::load_pytorch(fixture("transposed.pt"));
  ASSERT_EQ(transposed.arrays.size(), 1U);
  expect_tensor(transposed.arrays[0], "", {3, 2}, {1, 4, 2, 5, 3, 6});
  const steer::named_arrays list = steer::load_pytorch(fixture("list.pt"));
  ASSERT_EQ(list.arrays.size(), 2U);
  expect_tensor(list.arrays[0], "0", {3}, {4, 5, 6});
  expect_tensor(list.arrays[1], "1", {3}, {1, 2, 3});
}

TEST(pytorch, runs_nothing) {
  expect_error<steer::format_error>([] { steer::load_pytorch(fixture("program.pt")); }, "program.pt",
                                    "names posix.system", "nothing of it was run");
  std::string tampered = content_of("transposed.pt");
  const auto at = tampered.find("_rebuild_tensor_v2");
  ASSERT_NE(at, std::string::npos);
  tampered.replace(at, 18, "_rebuild_tensor_v9");
  expect_error<steer::format_error>([&] { parsed(tampered); }, "names torch._utils._rebuild_tensor_v9");
}

TEST(pytorch, refuses_what_is_no_direction_by_name) {
  expect_error<steer::format_error>([] { steer::load_pytorch(fixture("integers.pt")); }, "in a torch.LongStorage",
                                    "float32, float16, bfloat16 or float64");
  expect_error<steer::format_error>([] { steer::load_pytorch(fixture("f4.npy")); }, "is no PyTorch file");
  const auto edited = [](const std::string& from, const std::string& to) {
    std::string content = content_of("legacy.pt");
    const auto at = content.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return content.replace(at, from.size(), to);
  };
  using std::string_literals::operator""s;
  expect_error<steer::format_error>([&] { parsed(edited("\x8A\x0A"s, "\x8A\x0B"s)); }, "no PyTorch file");
  expect_error<steer::format_error>([&] { parsed(edited("M\xE9\x03"s, "M\xE9\x04"s)); },
                                    "another protocol; expected 1001");
  std::string big = content_of("legacy.pt");
  const auto order = big.find('\x88', big.find("little_endian"));  // the next truth value
  ASSERT_NE(order, std::string::npos);
  big[order] = '\x89';
  expect_error<steer::format_error>([&] { parsed(big); }, "big-endian");
  expect_error<steer::format_error>([] { parsed(content_of("legacy.pt") + "x"); }, "goes on for 1 bytes");
  expect_error<steer::format_error>([] { parsed(""); }, "is no PyTorch file");
}

/// Whatever is cut off or changed, it is read or refused.
TEST(pytorch, survives_any_broken_file) {
  for (const char* name : {"legacy.pt", "transposed.pt"}) {
    const std::string whole = content_of(name);
    std::size_t refused = 0;
    const auto attempt = [&](const std::string& content) {
      try {
        static_cast<void>(parsed(content));
      } catch (const steer::format_error&) {
        ++refused;
      }
    };
    for (std::size_t size = 0; size < whole.size(); ++size) {
      attempt(whole.substr(0, size));
    }
    EXPECT_EQ(refused, whole.size()) << "every beginning of " << name << " lacks something";
    for (std::size_t i = 0; i < whole.size(); ++i) {
      for (const int change : {1, 0x80}) {
        std::string broken = whole;
        broken[i] = static_cast<char>(broken[i] ^ change);
        attempt(broken);
      }
    }
  }
}

TEST(pytorch, holds_a_vector_by_layer) {
  const steer::npy_vector_options at_residual{"happy", steer::point::residual_out, 0};
  const auto v = to_steering_vector(steer::load_pytorch(fixture("by_layer.pt")), at_residual, "by_layer.pt");
  EXPECT_EQ(v.name, "happy");
  EXPECT_EQ(v.directions.size(), 4U);
  EXPECT_EQ(v.directions.at(3).values, Eigen::Vector3f(2, 3, 5));
  const auto after_embedding = to_steering_vector(steer::load_pytorch(fixture("by_layer.pt")),
                                                  {"happy", steer::point::residual_out, -1}, "by_layer.pt");
  EXPECT_EQ(after_embedding.directions.size(), 3U);
  EXPECT_EQ(after_embedding.directions.at(2).values, Eigen::Vector3f(2, 3, 5));
  const auto rows =
      to_steering_vector(steer::load_pytorch(fixture("transposed.pt")), {"happy", steer::point::mlp_out, 7}, "x");
  EXPECT_EQ(rows.directions.at(9).values, Eigen::Vector2f(3, 6));

  const auto refuse = [&](const std::vector<std::pair<std::string, steer::npy_array>>& tensors, const auto&... parts) {
    expect_error<steer::format_error>(
        [&] { static_cast<void>(to_steering_vector({tensors}, at_residual, "file a.pt")); }, "file a.pt", parts...);
  };
  const steer::npy_array row{{2}, std::vector<float>{1, 2}};
  refuse({{"happy", row}, {"1", row}}, "an array \"happy\"", "ends with a layer's number");
  EXPECT_EQ(to_steering_vector(steer::named_arrays{{{"layer-7", row}}}, at_residual, "x").directions.begin()->first, 7);
  expect_error<steer::format_error>(
      [&] { static_cast<void>(steer::to_steering_vector(steer::named_arrays{{{"2147483647", row}}}, {"x", steer::point::mlp_out, 1}, "file a.pt")); },
      "a later layer than can be counted");
  refuse({{"-1", row}}, "an array \"-1\"");
  refuse({{"01", row}}, "an array \"01\"");
  refuse({{"layer_1", row}, {"1", row}}, "a second array for layer 1");
  refuse({{"1", {{2, 1}, std::vector<float>{1, 2}}}}, "\"1\" of 2 dimensions");
  refuse({{"1", row}, {"2", {{1, 3}, std::vector<float>{1, 2, 3}}}}, "\"2\" of width 3; another has 2");
  refuse({{"1", {{2}, std::vector<float>{0, 0}}}}, "all zero (layer 1)");
  refuse({}, "no array");
}

}  // namespace
