#include "steer/io/ds4.hpp"
#include "steer/io/mapped_file.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "expect_error.hpp"
#include "shared_data.hpp"
#include "temporary_file.hpp"

namespace {

std::string file_of(const std::vector<float>& numbers) {
  return {reinterpret_cast<const char*>(numbers.data()), numbers.size() * sizeof(float)};
}

std::span<const std::byte> view(const std::string& content) { return std::as_bytes(std::span(content)); }

TEST(ds4, reads_as_a_projection_where_each_scale_acts) {
  const std::string content = file_of({0, 1, 0, 0, -0.6F, 0.8F});
  const auto edits = steer::parse_ds4(view(content), "terse.f32",
                                      {.layers = 3, .width = 2, .ffn_scale = 2.0F, .attention_scale = -1.0F});
  ASSERT_EQ(edits.size(), 2U);
  EXPECT_EQ(only_vector(edits[0]).point, steer::point::attention_out);
  EXPECT_EQ(std::get<steer::ablate_edit>(edits[0].operation).share, -1.0F);
  EXPECT_EQ(only_vector(edits[1]).point, steer::point::mlp_out);
  EXPECT_EQ(std::get<steer::ablate_edit>(edits[1].operation).share, 2.0F);
  const auto& directions = only_vector(edits[1]).directions;
  EXPECT_EQ(only_vector(edits[1]).name, "terse");
  EXPECT_EQ(directions.size(), 2U) << "a row of zeros means: not at this layer";
  EXPECT_EQ(directions.at(0).values, Eigen::Vector2f(0, 1));
  EXPECT_EQ(directions.at(2).values, Eigen::Vector2f(-0.6F, 0.8F));
}

TEST(ds4, known_answer) {
  STEER_NEED_SHARED_FILE(path, "vectors/ds4_verbosity.f32");
  const auto edits = steer::load_ds4(path, {.ffn_scale = 1.0F});
  ASSERT_EQ(edits.size(), 1U);
  EXPECT_EQ(only_vector(edits[0]).name, "ds4_verbosity");
  EXPECT_EQ(only_vector(edits[0]).width(), 4096);
  ASSERT_EQ(only_vector(edits[0]).directions.size(), 43U);
  for (const auto& [layer, direction] : only_vector(edits[0]).directions) {
    EXPECT_NEAR(direction.values.cast<double>().norm(), 1.0, 1e-8) << layer;
  }
  const temporary_file written(".f32");
  steer::save_ds4(edits[0], 43, written.path());
  const steer::mapped_file original(path);
  EXPECT_TRUE(std::ranges::equal(steer::mapped_file(written.path()).bytes(), original.bytes()));
  expect_error<steer::format_error>([&] { steer::load_ds4(path, {.layers = 86, .width = 2048, .ffn_scale = 1.0F}); },
                                    path.string(), "has norm ", "is the width 2048?");
}

TEST(ds4, round_trip_is_exact_and_normalises_what_is_not_unit) {
  steer::steering_vector v{.name = "terse", .point = steer::point::mlp_out};
  v.directions[1].values = Eigen::Vector2f(0.6F, -0.8F);
  const temporary_file file(".f32");
  steer::save_ds4({steer::ablate_edit{v, 1.0F}}, 4, file.path());
  EXPECT_EQ(file.content(), file_of({0, 0, 0.6F, -0.8F, 0, 0, 0, 0}));
  v.directions[1].values *= 5.0F;
  steer::save_ds4({steer::ablate_edit{v, 1.0F}}, 4, file.path());
  const auto back = steer::load_ds4(file.path(), {.layers = 4, .width = 2, .ffn_scale = 1.0F});
  EXPECT_NEAR(only_vector(back[0]).directions.at(1).values.norm(), 1.0, 1e-6);
}

TEST(ds4, refuses_each_fault_by_name) {
  const auto refuse = [](const std::vector<float>& numbers, const auto&... parts) {
    const std::string content = file_of(numbers);
    expect_error<steer::format_error>(
        [&] { steer::parse_ds4(view(content), "bad.f32", {.layers = 2, .width = 2, .ffn_scale = 1.0F}); },
        "ds4: file bad.f32", parts...);
  };
  refuse({1, 0, 1}, "has 12 bytes; expected 16 for 2 layers of width 2");
  refuse({1, 0, 0, 1, 0}, "has 20 bytes; expected 16");
  refuse({1, 0, 0, std::numeric_limits<float>::infinity()}, "NaN or infinity in the row of layer 1");
  refuse({1, 0, 3, 4}, "norm 5 in the row of layer 1; expected unit rows");
  refuse({0, 0, 0, 0}, "is all zero");
  const std::string content = file_of({1, 0, 0, 1});
  expect_error<steer::argument_error>([&] { steer::parse_ds4(view(content), "x", {.layers = 2, .width = 2}); },
                                      "neither ffn_scale nor attention_scale");
  expect_error<steer::argument_error>(
      [&] { steer::parse_ds4(view(content), "x", {.layers = 0, .width = 2, .ffn_scale = 1.0F}); },
      "0 layers of width 2");
  expect_error<steer::argument_error>(
      [&] { steer::parse_ds4(view(content), "x", {.layers = 2, .width = std::ptrdiff_t{1} << 61, .ffn_scale = 1.0F}); },
      "below 2^30");
  expect_error<steer::numeric_error>(
      [&] { steer::parse_ds4(view(content), "x", {.layers = 2, .width = 2, .ffn_scale = std::nanf("")}); },
      "share is nan");
}

TEST(ds4, refuses_counts_that_no_file_has) {
  steer::steering_vector v{.name = "happy", .point = steer::point::mlp_out};
  v.directions[3].values = Eigen::Vector2f(1, 0);
  const temporary_file file(".f32");
  const std::string content = file_of({1, 0, 0, 1});
  for (const int layers : {-1, 0, std::numeric_limits<int>::min(), std::numeric_limits<int>::max()}) {
    const auto refuse = [&](const auto& act) {
      expect_error<steer::argument_error>(
          act, steer::text({"ds4: ", layers, " layers of width 2; expected positive numbers"}));
    };
    refuse([&] { steer::save_ds4({steer::ablate_edit{v}}, layers, file.path()); });
    refuse([&] { steer::parse_ds4(view(content), "x", {.layers = layers, .width = 2, .ffn_scale = 1.0F}); });
  }
  for (const std::ptrdiff_t width : {std::ptrdiff_t{-2}, std::ptrdiff_t{0}, std::numeric_limits<std::ptrdiff_t>::max()}) {
    expect_error<steer::argument_error>(
        [&] { steer::parse_ds4(view(content), "x", {.layers = 2, .width = width, .ffn_scale = 1.0F}); },
        "expected positive numbers");
  }
  EXPECT_FALSE(std::filesystem::exists(file.path()));
  expect_fields<steer::argument_error>(
      [&] { steer::save_ds4({steer::ablate_edit{v}}, -1, file.path()); },
      {.what = "ds4", .expected = "positive numbers below 2^30", .actual = "-1 layers of width 2"});
  expect_fields<steer::format_error>([&] { steer::save_ds4({steer::ablate_edit{v}}, 3, file.path()); },
                                     {.what = "ds4: ablate \"happy\"", .layer = 3, .expected = "3"});
}

TEST(ds4, refuses_to_write_what_ds4_would_misapply) {
  steer::steering_vector v{.name = "happy", .point = steer::point::mlp_out};
  v.directions[3].values = Eigen::Vector2f(1, 0);
  const temporary_file file(".f32");
  expect_error<steer::format_error>([&] { steer::save_ds4({steer::add_edit{v}}, 4, file.path()); },
                                    "add \"happy\" does not scale a component");
  expect_error<steer::format_error>([&] { steer::save_ds4({steer::ablate_edit{v}}, 3, file.path()); },
                                    "has layer 3; the model has 3 layers");
  v.point = steer::point::residual_out;
  expect_error<steer::format_error>([&] { steer::save_ds4({steer::ablate_edit{v}}, 4, file.path()); },
                                    "acts at residual_out");
  EXPECT_FALSE(std::filesystem::exists(file.path()));
}

}  // namespace
