#include "steer/recipe/preset.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>

#include "expect_error.hpp"
#include "steer/recipe/documented_recipe.hpp"
#include "toy.hpp"

namespace {

steer::preset terse() {
  steer::steering_vector v{.name = "brief"};
  v.directions[1].values = Eigen::Vector3f(1.0F, 0.0F, 2.0F);
  return {.name = "terse", .version = 3, .content = {.recipe = steer::recipe{}.add(v, {.unit = steer::strength_unit::raw})}};
}

TEST(preset, references_are_read_as_they_are_written) {
  const auto parsed = steer::parse_preset_reference("terse");
  EXPECT_EQ(parsed.name, "terse");
  EXPECT_EQ(parsed.version, 0) << "the newest";
  EXPECT_EQ(steer::parse_preset_reference("terse@3"), (steer::preset_reference{"terse", 3}));
  EXPECT_EQ(reference_of(terse()), "terse@3");
  for (const int version : {1, 9, 10, 2147483647}) {
    steer::preset p = terse();
    p.version = version;
    EXPECT_EQ(steer::parse_preset_reference(reference_of(p)), (steer::preset_reference{"terse", version}));
  }
}

TEST(preset, a_version_is_a_whole_number_from_1_in_one_way_of_writing_it) {
  for (const std::string version : {"", "0", "03", "-3", "+3", " 3", "3 ", "3.0", "3e0", "0x3", "x", "1@2", "@", "2147483648", "99999999999999999999"}) {
    expect_error<steer::argument_error>([&] { steer::parse_preset_reference("terse@" + version); }, "preset \"terse\" has the version \"" + version + "\"",
                                        "expected a whole number from 1");
  }
  using namespace std::string_literals;
  expect_error<steer::argument_error>([] { steer::parse_preset_reference("terse@3\0"s); }, "preset \"terse\" has the version");
}

TEST(preset, names_are_letters_digits_and_underscores) {
  using namespace std::string_literals;
  const std::string longest(64, 'a');
  for (const std::string& name : {"a"s, "Z"s, "terse"s, "very_Terse_2"s, "x_"s, longest}) {
    EXPECT_EQ(steer::parse_preset_reference(name).name, name);
    steer::preset p = terse();
    p.name = name;
    EXPECT_NO_THROW(check(p)) << name;
  }
  for (const std::string& name : {""s, "3terse"s, "_terse"s, "ter se"s, "terse-2"s, "terse.2"s, "../terse"s, "caf\xC3\xA9"s, "terse\n"s, longest + "a"}) {
    const std::string said = "preset has the name \"" + name + "\"; expected 1 to 64 letters, digits and underscores";
    expect_error<steer::argument_error>([&] { steer::parse_preset_reference(name); }, said);
    expect_error<steer::argument_error>([&] { steer::parse_preset_reference(name + "@3"); }, said);
    steer::preset p = terse();
    p.name = name;
    expect_error<steer::argument_error>([&] { check(p); }, said);
  }
  expect_error<steer::argument_error>([] { steer::parse_preset_reference("terse\0"s); }, "preset has the name \"terse");
  expect_error<steer::argument_error>([] { steer::parse_preset_reference("@3"); }, "the name \"\"");
  steer::preset p = terse();
  p.name = "terse@3";
  expect_error<steer::argument_error>([&] { check(p); }, "the name \"terse@3\"");
}

TEST(preset, refuses_what_is_not_sound_by_message) {
  EXPECT_NO_THROW(check(terse()));
  const auto refuse = [](auto kind, const auto& spoil, const auto&... parts) {
    steer::preset p = terse();
    spoil(p);
    expect_error<decltype(kind)>([&] { check(p); }, parts...);
  };
  const steer::argument_error argument("");
  const steer::numeric_error numeric("");
  refuse(argument, [](steer::preset& p) { p.version = 0; }, "preset \"terse\" has version 0", "expected 1 or more");
  refuse(argument, [](steer::preset& p) { p.version = -2; }, "has version -2");
  for (const double bad : {std::numeric_limits<double>::infinity(), -std::numeric_limits<double>::infinity(), std::nan("")}) {
    refuse(numeric, [&](steer::preset& p) { p.least_dose = bad; }, "preset \"terse\" was looked at for doses from", "to 1;", "finite");
    refuse(numeric, [&](steer::preset& p) { p.most_dose = bad; }, "preset \"terse\" was looked at for doses from 0 to", "finite");
  }
  refuse(argument, [](steer::preset& p) { p.least_dose = 1.5; }, "doses from 1.5 to 1", "the smaller one first");
  const auto sound = [](double least, double most) {
    steer::preset p = terse();
    p.least_dose = least;
    p.most_dose = most;
    EXPECT_NO_THROW(check(p)) << least << " to " << most;
  };
  sound(1.0, 1.0);
  sound(-2.0, -1.0);
}

// Each part is looked at, and by its own `check`.
TEST(documented_recipe, is_as_sound_as_its_parts) {
  EXPECT_NO_THROW(check(steer::documented_recipe{}));
  steer::documented_recipe r = terse().content;
  r.fitted = steer::fitted{.behaviour = "terse", .recovery = steer::estimate{0.75, -1.0}};
  expect_error<steer::error>([&] { check(r); }, "recovery is 0.75 +- -1");
  r.fitted->recovery = steer::estimate{0.75, 0.1};
  EXPECT_NO_THROW(check(r));
  r.response = steer::response{.readouts = {"brief"}, .vectors = {"brief"}, .step = 0.0, .baseline = Eigen::VectorXd::Ones(1),
                               .slope = Eigen::MatrixXd::Ones(1, 1), .error = Eigen::MatrixXd::Zero(1, 1), .bend = Eigen::MatrixXd::Zero(1, 1)};
  expect_error<steer::error>([&] { check(r); }, "step");
  r.response->step = 0.5;
  EXPECT_NO_THROW(check(r));
}

}  // namespace
