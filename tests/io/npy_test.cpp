#include "steer/io/npy.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "expect_error.hpp"
#include "temporary_file.hpp"
#include "toy.hpp"

namespace {

std::filesystem::path fixture(const std::string& name) {
  return std::filesystem::path{STEER_SOURCE_DIR} / "tests/io/fixtures" / name;
}

using shape = std::vector<std::size_t>;

TEST(npy, reads_what_numpy_writes) {
  const steer::npy_array half = steer::load_npy(fixture("f2.npy"));
  EXPECT_EQ(half.shape, (shape{2, 3}));
  EXPECT_EQ(std::get<std::vector<float>>(half.values), (std::vector<float>{1, 0.5, -2, 0.0999755859375F, 3, -0.25}));
  EXPECT_EQ(std::get<std::vector<float>>(steer::load_npy(fixture("f4.npy")).values),
            (std::vector<float>{1, 0.5, -2, 0.1F, 3, -0.25}));
  EXPECT_EQ(std::get<std::vector<double>>(steer::load_npy(fixture("f8.npy")).values),
            (std::vector<double>{1, 0.5, -2, 0.1, 3, -0.25}));
  const steer::npy_array second = steer::load_npy(fixture("version_2.npy"));
  EXPECT_EQ(second.shape, (shape{3}));
  EXPECT_EQ(std::get<std::vector<float>>(second.values), (std::vector<float>{1, 0.5, -2}));
}

TEST(npy, writes_the_same_bytes_as_numpy) {
  for (const char* name : {"f4.npy", "f8.npy"}) {
    const temporary_file written(".npy");
    steer::save_npy(steer::load_npy(fixture(name)), written.path());
    std::ifstream in(fixture(name), std::ios::binary);
    EXPECT_EQ(written.content(), (std::string{std::istreambuf_iterator<char>(in), {}})) << name;
  }
}

TEST(npy, round_trip_is_exact) {
  const temporary_file file(".npy");
  for (const steer::npy_array& array :
       {steer::npy_array{{2, 1}, std::vector<float>{std::numeric_limits<float>::denorm_min(), -0.0F}},
        steer::npy_array{{}, std::vector<double>{0.1}}, steer::npy_array{{0, 3}, std::vector<float>{}}}) {
    steer::save_npy(array, file.path());
    EXPECT_EQ(steer::load_npy(file.path()), array);
    EXPECT_EQ((file.content().find('\n') + 1) % 64, 0U);
  }
  const steer::npy_array deep{shape(30000, 1), std::vector<float>{2}};  // a header too long for version 1
  steer::save_npy(deep, file.path());
  EXPECT_EQ(file.content()[6], 2);
  EXPECT_EQ(steer::load_npy(file.path()), deep);
  expect_error<steer::format_error>(
      [&] {
        steer::save_npy({{2, 2}, std::vector<float>{1}}, file.path());
      },
      "shape (2, 2) does not fit 1 numbers");
}

/// A version 1 file with that header.
std::string file_of(const std::string& header, std::size_t data) {
  std::string out("\x93NUMPY\x01\x00", 8);
  const auto length = static_cast<std::uint16_t>(header.size());
  out.append(reinterpret_cast<const char*>(&length), 2);
  return out + header + std::string(data, '\1');
}

TEST(npy, refuses_each_fault_by_name) {
  const auto refuse = [](const std::string& content, const auto&... parts) {
    expect_error<steer::format_error>([&] { steer::parse_npy(std::as_bytes(std::span(content)), "bad.npy"); },
                                      "npy: file bad.npy", parts...);
  };
  const auto header = [](const std::string& descr, const std::string& order, const std::string& extents) {
    return "{'descr': " + descr + ", 'fortran_order': " + order + ", 'shape': " + extents + ", }\n";
  };
  refuse("", "magic bytes");
  refuse("\x93NUMPZ\x01", "magic bytes");
  refuse("\x93NUMPY", "ends within the header: 1 bytes are expected");
  refuse(std::string("\x93NUMPY\x03\x00", 8), "version 3.0; expected 1.0 or 2.0");
  refuse(std::string("\x93NUMPY\x01\x00\x08\x00{", 11), "8 bytes are expected at byte 10, 1 are left");
  refuse(std::string("\x93NUMPY\x02\x00\xff\xff\xff\xff", 12), "4294967295 bytes are expected");
  refuse(file_of(header("'>f4'", "False", "(1,)"), 4), "descr '>f4'; expected '<f2', '<f4' or '<f8'");
  refuse(file_of(header("'<f4'", "True", "(1,)"), 4), "fortran_order that is not False");
  refuse(file_of(header("[('a', '<f4')]", "False", "(1,)"), 4), "where \"'\" is expected");
  refuse(file_of(header("'<f4'", "False", "(-1,)"), 4), "expected whole numbers, not negative");
  for (const char* extents : {"(1.0,)", "(True,)", "(1e1,)", "('1',)", "(1)", "(1, 1", "(+1,)", "(18446744073709551617,)"}) {
    refuse(file_of(header("'<f4'", "False", extents), 4), "expected");
  }
  refuse(file_of(header("'<f4'", "False", "(99999999999999999999,)"), 4), "a shape with");
  refuse(file_of(header("'<f4'", "False", "(4294967296, 4294967296)"), 4), "more numbers than any file holds");
  refuse(file_of(header("'<f4'", "False", "(2,)"), 4), "4 bytes of data; shape (2,) and '<f4' need 8");
  refuse(file_of(header("'<f4'", "False", "(1,)"), 5), "5 bytes of data");
  refuse(file_of("{'descr': '<f4', 'shape': (1,)}", 4), "incomplete");
  refuse(file_of("{'descr': '<f4', 'descr': '<f8', 'fortran_order': False, 'shape': (1,)}", 4), "key \"descr\" twice");
  refuse(file_of("{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'x': 1}", 4), "key \"x\"");
  refuse(file_of("{'descr': '<f4', 'fortran_order': False, 'shape': (1,)} import", 4), "goes on after its dictionary");
  refuse(file_of("{'descr: ", 0), "text does not end");
  expect_error<steer::format_error>([&] { steer::load_npy(fixture("fortran.npy")); },
                                    "fortran_order that is not False");
  expect_error<steer::format_error>([&] { steer::load_npy(fixture("int.npy")); }, "descr '<i8'");
}

TEST(npy, holds_a_vector_by_rows) {
  std::mt19937_64 engine(2);
  const steer::steering_vector v = toy::random_vector(engine, {3, 4}, 5);
  const steer::npy_array array = to_npy(v);
  EXPECT_EQ(array.shape, (shape{2, 5}));
  const auto back = steer::to_steering_vector(array, {"happy", steer::point::mlp_out, 3}, "x.npy");
  EXPECT_EQ(back.name, "happy");
  EXPECT_EQ(back.point, steer::point::mlp_out);
  EXPECT_EQ(back.directions.at(4).values, v.directions.at(4).values);
  EXPECT_EQ(steer::to_steering_vector({{2}, std::vector<double>{1, 2}}, {"one", steer::point::residual_out, 7}, "x")
                .directions.at(7)
                .values,
            Eigen::Vector2f(1, 2));
  const auto after = steer::to_steering_vector({{3, 1}, std::vector<float>{0, 1, 2}}, {"x", steer::point::mlp_out, -1}, "x");
  EXPECT_EQ(after.directions.size(), 2U) << "the first row is the embedding's, and may be anything";
  EXPECT_EQ(after.directions.at(0).values[0], 1.0F);
  expect_error<steer::format_error>(
      [&] {
        static_cast<void>(to_npy(toy::random_vector(engine, {1, 3}, 5)));
      },
      "no place for gaps");
}

TEST(npy, refuses_arrays_that_are_no_vector) {
  const auto refuse = [](const steer::npy_array& array, int first, const auto&... parts) {
    expect_error<steer::format_error>(
        [&] {
          static_cast<void>(steer::to_steering_vector(array, {"x", steer::point::mlp_out, first}, "file a.npy"));
        },
        "npy: file a.npy", parts...);
  };
  refuse({{1, 1, 1}, std::vector<float>{1}}, 0, "shape (1, 1, 1); expected (width,) or (layers, width)");
  refuse({{}, std::vector<float>{1}}, 0, "shape ()");
  refuse({{0, 4}, std::vector<float>{}}, 0, "shape (0, 4)");
  refuse({{1}, std::vector<float>{1}}, -2, "begins at layer -2", "-1 for the embedding");
  refuse({{1}, std::vector<float>{1}}, -1, "has one row, the embedding's");
  refuse({{4, 64}, std::vector<float>{1}}, 0, "shape (4, 64) does not fit 1 numbers");
  refuse({{64}, std::vector<double>{}}, 0, "shape (64,) does not fit 0 numbers");
  refuse({{1, 2}, std::vector<float>{1, 2, 3}}, 0, "shape (1, 2) does not fit 3 numbers");
  constexpr std::size_t half = std::size_t{1} << 32;  // 2^64 numbers: their count wraps to 0
  refuse({{half, half}, std::vector<float>{}}, 0, "shape (4294967296, 4294967296) does not fit 0 numbers");
  refuse({{2, 1}, std::vector<float>{1, std::nanf("")}}, 0, "in row 1");
  refuse({{1}, std::vector<double>{1e300}}, 0, "beyond float32");
  refuse({{2, 1}, std::vector<float>{1, 0}}, 0, "row 1 that is all zero");
  refuse({{2, 1}, std::vector<float>{1, 1}}, std::numeric_limits<int>::max(), "more layers than can be counted");
}

TEST(npy, refuses_to_write_a_shape_whose_count_wraps) {
  const temporary_file file(".npy");
  constexpr std::size_t half = std::size_t{1} << 32;
  expect_error<steer::format_error>([&] { steer::save_npy({{half, half}, std::vector<float>{}}, file.path()); },
                                    "does not fit 0 numbers");
  EXPECT_FALSE(std::filesystem::exists(file.path()));
}

TEST(npy, counts_the_layers_between_first_and_last_without_overflow) {
  std::mt19937_64 engine(2);
  expect_error<steer::format_error>(
      [&] {
        static_cast<void>(to_npy(toy::random_vector(engine, {0, std::numeric_limits<int>::max()}, 5)));
      },
      "no place for gaps");
}

TEST(npy, errors_have_fields) {
  const auto refuse = [](const steer::npy_array& array, const steer::error_fields& fields) {
    expect_fields<steer::format_error>(
        [&] { static_cast<void>(steer::to_steering_vector(array, {"x", steer::point::mlp_out, 3}, "file a.npy")); }, fields);
  };
  refuse({{4, 64}, std::vector<float>{1}}, {.what = "npy: file a.npy", .expected = "(4, 64)", .actual = "1"});
  refuse({{2, 1}, std::vector<float>{1, 0}}, {.what = "npy: file a.npy", .layer = 4});
  const std::string content = file_of("{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }", 4);
  expect_fields<steer::format_error>([&] { steer::parse_npy(std::as_bytes(std::span(content)), "bad.npy"); },
                                     {.what = "npy: file bad.npy", .expected = "8", .actual = "4"});
}

}  // namespace
