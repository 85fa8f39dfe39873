#include "steer/io/safetensors.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <string>
#include <vector>

#include "expect_error.hpp"
#include "temporary_file.hpp"

namespace {

/// A safetensors file from its parts, its header's length as it is or as told.
std::string file_of(const std::string& header, const std::string& data, std::int64_t length = -1) {
  const std::uint64_t declared = length < 0 ? header.size() : static_cast<std::uint64_t>(length);
  std::string out(8, '\0');
  std::memcpy(out.data(), &declared, 8);
  return out + header + data;
}

void expect_refused(const std::string& content, const std::string& message) {
  const temporary_file file(".safetensors", content);
  expect_error<steer::format_error>([&] { steer::safetensors_file{file.path()}; }, "safetensors: file ",
                                    file.path().string(), message);
}

TEST(safetensors, reads_what_the_reference_implementation_writes) {
  // Bytes of safetensors.numpy.save({"b": int32 [7], "a": float32 [[1, 2], [3, 4]]}, {"k": "v"}), version 0.4.5.
  const std::string header =
      R"({"__metadata__":{"k":"v"},"a":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]},"b":{"dtype":"I32","shape":[1],"data_offsets":[16,20]}})";
  const std::array<float, 4> a{1, 2, 3, 4};
  std::string data(20, '\0');
  std::memcpy(data.data(), a.data(), 16);
  data[16] = 7;
  const temporary_file written(".safetensors", file_of(header + "    ", data));
  const steer::safetensors_file file(written.path());
  EXPECT_EQ(file.metadata_at("k"), "v");
  EXPECT_EQ(file.tensors().size(), 2U);
  EXPECT_EQ(file.at("a").shape, (std::vector<std::int64_t>{2, 2}));
  EXPECT_EQ(steer::to_floats(file.at("a")), (std::vector<float>{1, 2, 3, 4}));
  EXPECT_EQ(file.at("b").type, steer::dtype::i32);
  expect_error<steer::format_error>([&] { steer::to_floats(file.at("b")); }, "type I32", "expected F32, F16 or BF16");
  expect_error<steer::format_error>([&] { static_cast<void>(file.at("c")); }, "no tensor \"c\"");
  expect_error<steer::format_error>([&] { static_cast<void>(file.metadata_at("c")); }, "no metadata \"c\"");
}

TEST(safetensors, reads_bytes_as_it_reads_files) {
  const std::string content = file_of(R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}})", "hi");
  const steer::safetensors_file file(std::as_bytes(std::span(content)), "memory");
  EXPECT_EQ(file.name(), "memory");
  EXPECT_EQ(file.at("a").bytes.size(), 2U);
  expect_error<steer::format_error>([] { steer::safetensors_file({}, "memory"); }, "file memory has 0 bytes");
}

TEST(safetensors, writes_what_it_reads) {
  const std::array<float, 3> numbers{1.5F, -0.0F, 3e-42F};
  const std::array<std::uint16_t, 2> halves{0x3C00, 0xC000};
  const temporary_file written(".safetensors");
  steer::write_safetensors(written.path(),
                           {{"x \"y\"", {steer::dtype::f32, {3}, std::as_bytes(std::span(numbers))}},
                            {"h", {steer::dtype::f16, {2, 1}, std::as_bytes(std::span(halves))}},
                            {"b", {steer::dtype::bf16, {2}, std::as_bytes(std::span(halves))}},
                            {"empty", {steer::dtype::f64, {0, 4}, {}}}},
                           {{"name", "caf\xC3\xA9"}});
  const steer::safetensors_file file(written.path());
  EXPECT_EQ(file.metadata_at("name"), "caf\xC3\xA9");
  EXPECT_EQ(std::memcmp(file.at("x \"y\"").bytes.data(), numbers.data(), sizeof numbers), 0);
  EXPECT_EQ(steer::to_floats(file.at("h")), (std::vector<float>{1.0F, -2.0F}));
  EXPECT_EQ(steer::to_floats(file.at("b")), (std::vector<float>{0.0078125F, -2.0F}));
  EXPECT_EQ(file.at("empty").shape, (std::vector<std::int64_t>{0, 4}));
  std::uint64_t length = 0;
  std::memcpy(&length, written.content().data(), 8);
  EXPECT_EQ(length % 8, 0U);
}

TEST(safetensors, refuses_each_fault_by_name) {
  const std::string tensor = R"("a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]})";
  const std::string four(4, '\0');
  EXPECT_NO_THROW(steer::safetensors_file(temporary_file(".safetensors", file_of("{" + tensor + "}", four)).path()));
  expect_refused("1234", "has 4 bytes; expected at least 8");
  expect_refused(file_of("{}", "", 3), "declares a header of 3 bytes; 2 follow");
  expect_refused(file_of("{}", "", INT64_MAX), "declares a header of 9223372036854775807 bytes");
  expect_refused(file_of("{", ""), "no valid JSON");
  expect_refused(file_of("[]", ""), "no JSON object");
  expect_refused(file_of("{" + tensor + "," + tensor + "}", four), "\"a\" twice");
  expect_refused(file_of(R"({"__metadata__":{"k":1}})", ""), "metadata \"k\" that is no string");
  expect_refused(file_of(R"({"a":{"dtype":"F32","shape":[1]}})", four), "\"a\" with a malformed entry");
  expect_refused(file_of(R"({"a":{"dtype":"Q4","shape":[1],"data_offsets":[0,4]}})", four), "unknown type Q4");
  expect_refused(file_of(R"({"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}})", four), "non-negative whole numbers");
  for (const char* extent : {"1.0", "true", "1e0", "\"1\"", "null", "[1]", "9223372036854775809", "18446744073709551617"}) {
    expect_refused(file_of(std::string(R"({"a":{"dtype":"F32","shape":[)") + extent + R"(],"data_offsets":[0,4]}})", four),
                   "non-negative whole numbers");
  }
  for (const char* offsets : {"0,true", "false,4", "0,4e0", "-0.0,4", "0,\"4\"", "0,18446744073709551620", "-4,0"}) {
    expect_refused(file_of(std::string(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[)") + offsets + "]}}", four),
                   "data_offsets that are no non-negative whole numbers");
  }
  expect_refused(file_of(R"({"a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,4]}})", four),
                 "needs more than any file has");
  expect_refused(file_of(R"({"a":{"dtype":"F32","shape":[0,18446744073709551615],"data_offsets":[0,0]}})", ""),
                 "non-negative whole numbers");
  expect_refused(file_of(std::string("{}\0}", 4), ""), "a NUL in it");
  const std::string deep = std::string(100'000, '[') + std::string(100'000, ']');
  expect_refused(file_of(R"({"a":)" + deep + "}", ""), "nests deeper than 16 levels");
  expect_refused(file_of(R"({"__metadata__":[]})", ""), "__metadata__ that is no object");
  expect_refused(file_of(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4.0]}})", four), "data_offsets that are no");
  expect_refused(file_of("\xEF\xBB\xBF{}", ""), "no JSON object");
  expect_refused(file_of(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,8]}})", four), "bytes 0 to 8; the data has 4");
  expect_refused(file_of(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,3]}})", four), "of 3 bytes; its shape [1]");
  expect_refused(file_of(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})", four),
                 "overlapping");
  expect_refused(file_of(R"({"a":{"dtype":"U8","shape":[3],"data_offsets":[0,3]},"b":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}})", four),
                 "starting at byte 2 of the data; expected 3 (an overlap)");
  expect_refused(file_of(R"({"a":{"dtype":"U8","shape":[3],"data_offsets":[1,4]}})", four), "starting at byte 1 of the data; expected 0 (a gap)");
  expect_refused(file_of("{" + tensor + "}", four + "!"), "1 trailing bytes");
}

TEST(safetensors, errors_have_fields) {
  const auto refuse = [](const std::string& content, const steer::error_fields& fields) {
    expect_fields<steer::format_error>([&] { steer::safetensors_file(std::as_bytes(std::span(content)), "x"); }, fields);
  };
  const std::string four(4, '\0');
  refuse("1234", {.what = "safetensors: file x", .expected = "at least 8", .actual = "4"});
  refuse(file_of("[]", ""), {.what = "safetensors: file x: the header", .expected = "JSON object"});
  refuse(file_of(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,3]}})", four),
         {.what = "safetensors: file x", .expected = "4", .actual = "3"});
  refuse(file_of(R"({"a":{"dtype":"Q4","shape":[1],"data_offsets":[0,4]}})", four), {.what = "safetensors: file x", .actual = "Q4"});
}

TEST(safetensors, refuses_files_that_are_not_there) {
  expect_error<steer::file_error>([] { steer::safetensors_file{"no/such.safetensors"}; }, "no/such.safetensors", "does not exist");
  expect_error<steer::file_error>([] { steer::safetensors_file{std::filesystem::temp_directory_path()}; }, "is a directory");
  expect_error<steer::file_error>([] { steer::write_safetensors("no/such/folder/a.safetensors", {}); }, "cannot be written");
}

TEST(safetensors, refuses_to_write_bytes_that_do_not_fit_and_leaves_the_old_file) {
  const std::array<float, 3> numbers{};
  const temporary_file written(".safetensors", "old");
  expect_error<steer::format_error>(
      [&] { steer::write_safetensors(written.path(), {{"a", {steer::dtype::f32, {4}, std::as_bytes(std::span(numbers))}}}); },
      "tensor \"a\" of shape [4]", "needs 16 bytes; got 12");
  const auto bytes = std::as_bytes(std::span(numbers));
  expect_error<steer::format_error>([&] { steer::write_safetensors(written.path(), {{"a", {steer::dtype::f32, {-1, -3}, bytes}}}); },
                                    "tensor \"a\" of shape [-1, -3]");
  expect_error<steer::format_error>(
      [&] { steer::write_safetensors(written.path(), {{"a", {steer::dtype::f32, {std::int64_t{1} << 62, 4}, {}}}}); },
      "shape [4611686018427387904, 4]");
  expect_error<steer::format_error>([&] { steer::write_safetensors(written.path(), {{"__metadata__", {steer::dtype::f32, {3}, bytes}}}); },
                                    "__metadata__");
  expect_error<steer::format_error>([&] { steer::write_safetensors(written.path(), {{"a\xFF", {steer::dtype::f32, {3}, bytes}}}); },
                                    "no UTF-8");
  EXPECT_EQ(written.content(), "old");
}

TEST(safetensors, leaves_other_files_alone_while_it_writes) {
  const temporary_file written(".safetensors");
  const std::filesystem::path neighbour = written.path().string() + ".part";
  std::ofstream(neighbour) << "precious";
  steer::write_safetensors(written.path(), {});
  std::string kept;
  std::ifstream(neighbour) >> kept;
  EXPECT_EQ(kept, "precious");
  std::filesystem::remove(neighbour);
}

TEST(to_floats, refuses_bytes_that_do_not_fit_the_shape) {
  const std::array<std::byte, 7> bytes{};
  expect_error<steer::format_error>([&] { steer::to_floats({steer::dtype::f32, {1}, bytes}); }, "needs 4 bytes; got 7");
}

}  // namespace
