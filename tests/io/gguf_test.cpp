#include "steer/io/gguf.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <fstream>
#include <limits>
#include <string>
#include <vector>

#include "expect_error.hpp"
#include "io/raw_gguf.hpp"
#include "steer/io/write_gguf.hpp"
#include "temporary_file.hpp"

namespace {

using raw_gguf::bytes;
using raw_gguf::header;
using raw_gguf::key;
using raw_gguf::padded;
using raw_gguf::tensor;
using raw_gguf::text;

std::filesystem::path fixture(const std::string& name) {
  return std::filesystem::path{STEER_SOURCE_DIR} / "tests/io/fixtures" / name;
}

template <class... Parts>
void expect_refused(const std::string& content, const Parts&... parts) {
  expect_error<steer::format_error>([&] { steer::gguf_file(raw_gguf::view(content), "bad.gguf"); },
                                    "gguf: file bad.gguf", parts...);
}

template <class Value>
Value value_of(const steer::gguf_file& file, std::string_view name) {
  return find(file.metadata(), name)->get<Value>().value();
}

TEST(gguf, reads_every_type_that_the_python_package_writes) {
  const steer::gguf_file file(fixture("every_type.gguf"));
  EXPECT_EQ(file.version(), 3U);
  EXPECT_EQ(file.alignment(), 32U);
  EXPECT_EQ(file.text_at("general.architecture"), "toy");
  EXPECT_EQ(value_of<std::uint8_t>(file, "a.u8"), 200);
  EXPECT_EQ(value_of<std::int8_t>(file, "a.i8"), -100);
  EXPECT_EQ(value_of<std::uint16_t>(file, "a.u16"), 60000);
  EXPECT_EQ(value_of<std::int16_t>(file, "a.i16"), -30000);
  EXPECT_EQ(value_of<std::uint32_t>(file, "a.u32"), 4'000'000'000U);
  EXPECT_EQ(value_of<std::int32_t>(file, "a.i32"), -2'000'000'000);
  EXPECT_EQ(value_of<float>(file, "a.f32"), 0.1F);
  EXPECT_TRUE(value_of<bool>(file, "a.bool"));
  EXPECT_EQ(value_of<std::string>(file, "a.string"), "caf\xC3\xA9");
  using strings = std::vector<steer::gguf_value>;
  using integers = std::vector<std::int32_t>;
  EXPECT_EQ(find(file.metadata(), "a.array")->items(), (strings{"one", "", "three"}));
  EXPECT_EQ(value_of<integers>(file, "a.numbers"), (integers{1, -2, 3}));
  const steer::gguf_value& nested = *find(file.metadata(), "a.nested");
  EXPECT_EQ(nested.item_type(), steer::gguf_type::array);
  ASSERT_EQ(nested.items().size(), 2U);
  EXPECT_EQ(nested.items()[0].get<integers>(), (integers{1, 2}));
  EXPECT_FALSE(nested.get<integers>());
  EXPECT_EQ(steer::gguf_value(steer::gguf_type::string, strings{"one", "", "three"}),
            *find(file.metadata(), "a.array"));
  EXPECT_EQ(value_of<std::uint64_t>(file, "a.u64"), std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ(value_of<std::int64_t>(file, "a.i64"), std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(value_of<double>(file, "a.f64"), 0.1);
  expect_error<steer::format_error>([&] { static_cast<void>(file.text_at("a.u8")); }, "\"a.u8\" of type u8",
                                    "expected string");
}

TEST(gguf_value, widens_numbers_only_where_they_fit) {
  EXPECT_EQ(steer::whole_number(std::int8_t{-3}), -3);
  EXPECT_EQ(steer::whole_number(std::uint64_t{7}), 7);
  EXPECT_FALSE(steer::whole_number(std::numeric_limits<std::uint64_t>::max()));
  EXPECT_FALSE(steer::whole_number(true));
  EXPECT_FALSE(steer::whole_number(1.0F));
  EXPECT_EQ(steer::real_number(0.5F), 0.5);
  EXPECT_EQ(steer::real_number(0.1), 0.1);
  EXPECT_FALSE(steer::real_number("0.1"));
}

TEST(gguf_value, refuses_items_that_are_not_of_its_type) {
  using strings = std::vector<steer::gguf_value>;
  const auto refuse = [](steer::gguf_type type, const strings& items, const auto&... parts) {
    expect_error<steer::argument_error>([&] { steer::gguf_value(type, items); }, "gguf: an array of ", parts...);
  };
  refuse(steer::gguf_type::string, {"one", std::uint32_t{2}}, "array of string", "holds a u32; expected texts or arrays");
  refuse(steer::gguf_type::array, {"one"}, "array of array", "holds a string");
  refuse(steer::gguf_type::u32, {std::uint32_t{2}}, "array of u32", "holds a u32");
  EXPECT_EQ(steer::gguf_value(steer::gguf_type::u32, strings{}), steer::gguf_value(std::vector<std::uint32_t>{}));
}

TEST(gguf_value, refuses_to_write_deeper_than_it_reads) {
  steer::gguf_value nested(std::vector<std::int32_t>{1});
  for (int depth = 2; depth <= 8; ++depth) {
    nested = steer::gguf_value(steer::gguf_type::array, std::vector<steer::gguf_value>{nested});
  }
  const std::string bytes = steer::gguf_bytes({{"k", nested}}, {});
  EXPECT_EQ(steer::gguf_file(raw_gguf::view(bytes), "deep").metadata().at(0).second, nested);
  nested = steer::gguf_value(steer::gguf_type::array, std::vector<steer::gguf_value>{nested});
  expect_error<steer::format_error>(
      [&] {
        static_cast<void>(steer::gguf_bytes({{"k", nested}}, {}));
      },
      "deeper than 8 levels");
}

TEST(gguf, refuses_the_floats_of_a_tensor_whose_bytes_do_not_fit) {
  const std::string content = raw_gguf::header(0, 0);
  const steer::gguf_file file(raw_gguf::view(content), "x.gguf");
  const std::array<std::byte, 7> bytes{};
  const auto refuse = [&](const steer::gguf_tensor& tensor, const auto&... parts) {
    expect_error<steer::format_error>([&] { static_cast<void>(file.floats(tensor)); },
                                      "gguf: file x.gguf has tensor \"a\" of ", parts...);
  };
  refuse({"a", steer::gguf_f32, {1}, bytes}, "shape [1] and type F32, which does not fit its 7 bytes");
  refuse({"a", steer::gguf_f32, {2}, bytes}, "does not fit its 7 bytes");
  refuse({"a", steer::gguf_f16, {1ULL << 63, 2}, {}}, "does not fit its 0 bytes");
  refuse({"a", 99, {1}, bytes}, "type 99; only F32, F16 and BF16");
}

TEST(gguf, reads_single_half_and_brain_numbers_and_lists_the_rest) {
  const steer::gguf_file file(fixture("every_type.gguf"));
  ASSERT_EQ(file.tensors().size(), 4U);
  EXPECT_EQ(file.tensors()[0].shape, (std::vector<std::uint64_t>{3, 2}));
  EXPECT_EQ(file.floats(file.tensors()[0]), (std::vector<float>{1, -2.5, 3, 0.5, 65504, 0}));
  EXPECT_TRUE(std::signbit(file.floats(file.tensors()[0])[5]));
  EXPECT_EQ(file.floats(file.tensors()[1]), (std::vector<float>{1, -2.5, 3, 0.5, 65504, 0}));
  EXPECT_EQ(file.floats(file.tensors()[2]), (std::vector<float>{1, -2.5, 3, 0.5, 65536, 0}));
  EXPECT_EQ(file.tensors()[3].name, "quantised");
  EXPECT_EQ(steer::find_gguf_tensor_type(file.tensors()[3].type)->name, "Q8_0");
  expect_error<steer::format_error>([&] { static_cast<void>(file.floats(file.tensors()[3])); }, "every_type.gguf",
                                    "\"quantised\" of type Q8_0", "only F32, F16 and BF16");
}

TEST(gguf, honours_alignment) {
  const steer::gguf_file file(fixture("alignment_64.gguf"));
  EXPECT_EQ(file.alignment(), 64U);
  EXPECT_EQ(file.floats(file.tensors().at(1)), std::vector<float>{2});
}

TEST(gguf, writes_what_it_reads) {
  for (const char* name : {"every_type.gguf", "alignment_64.gguf"}) {
    const steer::gguf_file first(fixture(name));
    const temporary_file written(".gguf");
    steer::write_gguf(written.path(), first.metadata(), first.tensors());
    const steer::gguf_file second(written.path());
    EXPECT_EQ(second.metadata(), first.metadata());
    ASSERT_EQ(second.tensors().size(), first.tensors().size());
    for (std::size_t i = 0; i < first.tensors().size(); ++i) {
      EXPECT_EQ(second.tensors()[i].name, first.tensors()[i].name);
      EXPECT_EQ(second.tensors()[i].shape, first.tensors()[i].shape);
      EXPECT_TRUE(std::ranges::equal(second.tensors()[i].bytes, first.tensors()[i].bytes));
    }
    EXPECT_EQ(written.content(), temporary_file("", steer::gguf_bytes(first.metadata(), first.tensors())).content());
  }
}

TEST(gguf, writes_the_same_bytes_as_the_python_package) {
  const steer::gguf_file file(fixture("every_type.gguf"));
  std::ifstream in(fixture("every_type.gguf"), std::ios::binary);
  const std::string original{std::istreambuf_iterator<char>(in), {}};
  EXPECT_EQ(steer::gguf_bytes(file.metadata(), file.tensors()), original);
}

TEST(gguf, reads_version_2_and_files_without_padding_at_the_end) {
  const std::string start = header(1, 0, 2) + tensor("a", {1}, 0, 0);
  const steer::gguf_file file(raw_gguf::view(padded(start) + bytes(2.5F)), "two");
  EXPECT_EQ(file.version(), 2U);
  const std::string padded_end = padded(padded(start) + bytes(2.5F));
  EXPECT_EQ(steer::gguf_file(raw_gguf::view(padded_end), "two").tensors().size(), 1U);
  EXPECT_EQ(steer::gguf_file(raw_gguf::view(header(0, 0)), "none").tensors().size(), 0U);
}

TEST(gguf, refuses_each_fault_of_the_header_by_name) {
  expect_refused("", "magic bytes GGUF");
  expect_refused("GGML0000", "magic bytes GGUF");
  expect_refused("GGUF", "ends within the header: 4 bytes are expected at byte 4, 0 are left");
  expect_refused(header(0, 0, 1), "has version 1; expected 2 or 3");
  expect_refused(header(0, 0, 0x03000000), "big-endian");
  expect_refused(header(std::uint64_t{1} << 60, 0),
                 "declares 1152921504606846976 tensors; the 0 bytes that follow have room for 0");
  expect_refused(header(0, std::numeric_limits<std::uint64_t>::max()),
                 "declares 18446744073709551615 metadata entries");
  expect_refused(header(0, 0) + std::string(40, '\0'), "trailing bytes");
}

TEST(gguf, refuses_each_fault_of_the_metadata_by_name) {
  expect_refused(header(0, 1) + bytes(std::numeric_limits<std::uint64_t>::max(), std::uint64_t{0}, std::uint64_t{0}),
                 "the key of metadata entry 0: 18446744073709551615 bytes are expected");
  expect_refused(header(0, 1) + key("k", 13, "12345678"), "unknown type 13; expected 0 to 12");
  expect_refused(header(0, 1) + key("k", 7, "\2"), "a bool that is 2");
  expect_refused(header(0, 1) + key("k", 4, "123"), "ends within metadata \"k\": 4 bytes are expected", "3 are left");
  expect_refused(header(0, 1) + key("k", 8, bytes(std::uint64_t{1} << 63)),
                 "metadata \"k\": 9223372036854775808 bytes");
  expect_refused(header(0, 1) + key("k", 9, bytes(std::uint32_t{10}, std::uint64_t{1} << 61)),
                 "declares 2305843009213693952 items in metadata \"k\"");
  expect_refused(header(0, 2) + key("k", 0, "1") + key("k", 1, "2"), "metadata \"k\" twice");
  std::string deep;
  for (int i = 0; i < 2000; ++i) {
    deep += bytes(std::uint32_t{9}, std::uint64_t{1});
  }
  expect_refused(header(0, 1) + key("k", 9, deep), "nests arrays deeper than 8 levels");
  expect_refused(header(0, 1) + key("general.alignment", 4, bytes(std::uint32_t{24})),
                 "general.alignment 24; expected a power of two");
  expect_refused(header(0, 1) + key("general.alignment", 4, bytes(std::uint32_t{0})), "general.alignment 0");
  expect_refused(header(0, 1) + key("general.alignment", 8, text("32")), "general.alignment string");
}

TEST(gguf, refuses_each_fault_of_the_tensors_by_name) {
  const std::string data(64, '\1');
  const auto with = [&](std::uint64_t count, const std::string& tensors) {
    return padded(header(count, 0) + tensors) + data;
  };
  EXPECT_NO_THROW(steer::gguf_file(raw_gguf::view(with(2, tensor("a", {8}, 0, 0) + tensor("b", {8}, 0, 32))), "good"));
  expect_refused(header(1, 0) + tensor("abcdefgh", {1}, 0, 0).substr(0, 24), "ends within the description of tensor 0");
  expect_refused(with(2, tensor("a", {8}, 0, 0) + tensor("a", {8}, 0, 32)), "tensor \"a\" twice");
  expect_refused(with(1, tensor("a", {1, 1, 1, 1, 1}, 0, 0)), "\"a\" with 5 dimensions; expected at most 4");
  expect_refused(with(1, tensor("a", {1}, 99, 0)), "\"a\" of unknown type 99");
  expect_refused(with(1, tensor("a", {1ULL << 62, 8}, 0, 0)), "shape [4611686018427387904, 8]", "no number of bytes");
  expect_refused(with(1, tensor("a", {31}, 8, 0)), "shape [31] and type Q8_0");
  expect_refused(with(1, tensor("a", {16}, 0, 4)), "starting at byte 4 of the data, which is no multiple of 32");
  expect_refused(with(2, tensor("a", {9}, 0, 0) + tensor("b", {8}, 0, 32)),
                 "\"b\" starting at byte 32 of the data; expected 64 (an overlap)");
  expect_refused(with(1, tensor("a", {8}, 0, 32)), "expected 0 (a gap)");
  expect_refused(with(1, tensor("a", {17}, 0, 0)), "\"a\" of 68 bytes at byte 0 of the data, which has 64");
  expect_refused(header(1, 0) + tensor("a", {1}, 0, 0), "\"a\" of 4 bytes at byte 0 of the data, which has 0");
  expect_refused(with(1, tensor("a", {8}, 0, 0)), "has 32 trailing bytes");
}

TEST(gguf, refuses_files_that_are_not_there) {
  expect_error<steer::file_error>([] { steer::gguf_file{"no/such.gguf"}; }, "no/such.gguf", "does not exist");
  expect_error<steer::file_error>([] { steer::write_gguf("no/such/folder/a.gguf", {}, {}); },
                                  "gguf: file no/such/folder/a.gguf", "cannot be written");
}

TEST(gguf, refuses_to_write_what_no_reader_takes) {
  const std::array<float, 2> numbers{1, 2};
  const auto data = std::as_bytes(std::span(numbers));
  const auto refuse = [](const steer::gguf_metadata& metadata, const std::vector<steer::gguf_tensor>& tensors,
                         const auto&... parts) {
    expect_error<steer::format_error>([&] { static_cast<void>(steer::gguf_bytes(metadata, tensors)); },
                                      "gguf: ", parts...);
  };
  refuse({{"k", true}, {"k", false}}, {}, "metadata \"k\" stands twice");
  refuse({{"general.alignment", std::uint32_t{3}}}, {}, "general.alignment is no power of two");
  refuse({}, {{"a", 0, {2}, data}, {"a", 0, {2}, data}}, "tensor \"a\" stands twice");
  refuse({}, {{std::string(64, 'x'), 0, {2}, data}}, "longer than 63 bytes");
  refuse({}, {{"a", 0, {3}, data}}, "tensor \"a\" of shape [3] and type F32 does not fit its 8 bytes");
  refuse({}, {{"a", 99, {2}, data}}, "type 99");
  refuse({{"", true}}, {}, "metadata \"\" stands twice, is empty");
}

TEST(gguf, errors_have_fields) {
  const auto refuse = [](const std::string& content, const steer::error_fields& fields) {
    expect_fields<steer::format_error>([&] { steer::gguf_file(raw_gguf::view(content), "bad.gguf"); }, fields);
  };
  refuse("GGUX", {.what = "gguf: file bad.gguf", .expected = "GGUF"});
  refuse(raw_gguf::header(0, 0, 9), {.what = "gguf: file bad.gguf", .expected = "2 or 3", .actual = "9"});
  refuse(padded(header(1, 0) + tensor("a", {8}, 0, 32)) + std::string(64, '\1'),
         {.what = "gguf: file bad.gguf", .expected = "0", .actual = "32"});
  const std::array<std::byte, 8> eight{};
  expect_fields<steer::format_error>(
      [&] {
        static_cast<void>(steer::gguf_bytes({}, std::vector<steer::gguf_tensor>{{"a", 0, {3}, eight}}));
      },
      {.what = "tensor \"a\"", .actual = "8"});
  refuse(header(0, 1) + key("general.alignment", 8, text("32")),
         {.what = "gguf: file bad.gguf", .expected = "a power of two of type u32", .actual = "string"});
}

}  // namespace
