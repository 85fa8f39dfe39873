#include "steer/io/preset_file.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <filesystem>
#include <functional>
#include <map>
#include <random>
#include <set>
#include <span>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "expect_error.hpp"
#include "steer/io/recipe_file.hpp"
#include "steer/io/safetensors.hpp"
#include "steer/io/sha256.hpp"
#include "temporary_file.hpp"
#include "toy.hpp"

namespace {

std::span<const std::byte> bytes(const std::string& text) { return std::as_bytes(std::span(text)); }

/// Every field says something else than when it was made.
steer::preset terse() {
  steer::steering_vector v{.name = "brief"};
  v.source = {.model = "toy", .fingerprint = "gguf:a/1"};
  v.directions[1] = {.values = Eigen::Vector3f(1.0F, 0.1F, -2.0F), .row_norm = 3.5};
  steer::preset out{.name = "terse", .version = 3, .least_dose = -0.5, .most_dose = 1.1};
  out.content.recipe.add(v, {.strength = 0.1F, .unit = steer::strength_unit::of_row_norm});
  out.content.fitted = steer::fitted{.behaviour = "terse", .instruction = "Be brief.", .model = "toy", .recovery = steer::estimate{0.75, 0.02}};
  out.content.response = steer::response{.readouts = {"brief"}, .vectors = {"brief"}, .model = "toy", .step = 0.5, .baseline = Eigen::VectorXd::Ones(1),
                                         .slope = Eigen::MatrixXd::Constant(1, 1, 2.0), .error = Eigen::MatrixXd::Constant(1, 1, 0.1),
                                         .bend = Eigen::MatrixXd::Zero(1, 1)};
  return out;
}

/// The file with other metadata.
std::string with_metadata(const std::string& written, const std::function<void(std::map<std::string, std::string>&)>& change) {
  const steer::safetensors_file file(bytes(written), "written");
  std::map<std::string, std::string> metadata = file.metadata();
  change(metadata);
  return steer::safetensors_bytes(file.tensors(), metadata);
}

TEST(preset_file, gives_every_field_back_as_it_was) {
  const steer::preset p = terse();
  const std::string written = preset_bytes(p);
  const steer::preset again = steer::parse_preset(bytes(written), "again");
  EXPECT_EQ(again, p);
  EXPECT_EQ(preset_bytes(again), written);
  const temporary_file file(".safetensors");
  save(p, file.path());
  EXPECT_EQ(steer::load_preset(file.path()), p);
  EXPECT_EQ(file.content(), written);
  const steer::preset bare{.name = "Bare_2"};
  EXPECT_EQ(steer::parse_preset(bytes(preset_bytes(bare)), "bare"), bare);
  steer::preset extreme = p;
  extreme.version = 2147483647;
  extreme.least_dose = -1.7e308;
  extreme.most_dose = 5e-324;
  EXPECT_EQ(steer::parse_preset(bytes(preset_bytes(extreme)), "extreme"), extreme);
}

TEST(preset_file, is_read_as_a_recipe_but_a_recipe_is_no_preset) {
  const steer::preset p = terse();
  const std::string written = preset_bytes(p);
  EXPECT_EQ(steer::parse_recipe(bytes(written), "as a recipe"), p.content);
  const std::string recipe = recipe_bytes(p.content);
  expect_error<steer::format_error>([&] { steer::parse_preset(bytes(recipe), "bare"); }, "preset: file bare has no metadata \"steer_preset\"",
                                    "expected a preset, not a recipe without name and version");
  const std::string neither = with_metadata(written, [](auto& m) { m.clear(); });
  expect_error<steer::format_error>([&] { steer::parse_preset(bytes(neither), "empty"); }, "file empty has no metadata \"steer_preset\"");
  const std::string headless = with_metadata(written, [](auto& m) { m.erase("steer_recipe"); });
  expect_error<steer::format_error>([&] { steer::parse_preset(bytes(headless), "headless"); }, "file headless has no metadata \"steer_recipe\"");
}

TEST(preset_file, the_digest_is_that_of_the_bytes_and_every_field_changes_it) {
  const steer::preset p = terse();
  const std::string written = preset_bytes(p);
  steer::sha256 all;
  all.update(bytes(written));
  EXPECT_EQ(content_digest(p), all.hex());
  EXPECT_EQ(content_digest(terse()), content_digest(p));
  std::mt19937_64 engine(1);
  std::vector<steer::preset> others(8, p);
  others[0].name = "Terse";
  others[1].version = 4;
  others[2].least_dose = -0.4;
  others[3].most_dose = 1.2;
  others[4].content.recipe = steer::recipe{}.ablate(toy::random_vector(engine, {1}, 3));
  others[5].content.fitted.reset();
  others[6].content.response->slope(0, 0) = 2.5;
  others[7].content.fitted->instruction += "!";
  std::set<std::string> digests{content_digest(p)};
  for (const steer::preset& other : others) {
    EXPECT_TRUE(digests.insert(content_digest(other)).second) << &other - others.data();
  }
}

TEST(preset_file, refuses_what_is_not_sound_by_place) {
  const std::string written = preset_bytes(terse());
  const auto refuse_text = [&](const std::function<void(std::string&)>& spoil, const auto&... parts) {
    const std::string bad = with_metadata(written, [&](auto& m) { spoil(m.at("steer_preset")); });
    expect_error<steer::format_error>([&] { steer::parse_preset(bytes(bad), "bad"); }, "preset: file bad", parts...);
  };
  const auto refuse = [&](const std::function<void(nlohmann::json&)>& spoil, const auto&... parts) {
    refuse_text(
        [&](std::string& about) {
          nlohmann::json parsed = nlohmann::json::parse(about);
          spoil(parsed);
          about = parsed.dump();
        },
        parts...);
  };
  refuse([](auto& a) { a["format"] = 2; }, "version 2", "expected 1");
  refuse([](auto& a) { a["format"] = 1.0; }, "version 1.0");
  refuse([](auto& a) { a["format"] = true; }, "version true");
  refuse([](auto& a) { a["more"] = 1; }, "the unknown key \"more\"");
  for (const std::string key : {"format", "name", "version", "least_dose", "most_dose"}) {
    refuse([&](auto& a) { a.erase(key); }, "malformed metadata \"steer_preset\"", "'" + key + "' not found");
    refuse([&](auto& a) { a[key] = nullptr; }, key == "format" ? "version" : key, "null");
    refuse([&](auto& a) { a[key] = nlohmann::json::array({1}); }, key == "format" ? "version" : key, "of type array");
    refuse_text([&](std::string& about) { about.insert(about.size() - 1, ",\"" + key + "\":1"); }, "metadata \"steer_preset\"", "\"" + key + "\" twice");
  }
  refuse([](auto& a) { a["name"] = 3; }, "has name 3", "a string");
  refuse([](auto& a) { a["name"] = "ter se"; }, "the name \"ter se\"");
  refuse([](auto& a) { a["version"] = 2.5; }, "has version 2.5", "a whole number");
  refuse([](auto& a) { a["version"] = true; }, "has version true");
  refuse([](auto& a) { a["version"] = "3"; }, "has version \"3\"");
  refuse([](auto& a) { a["version"] = 4294967297; }, "has version 4294967297", "at most 2147483647");
  refuse([](auto& a) { a["version"] = 0; }, "preset \"terse\" has version 0", "1 or more");
  refuse([](auto& a) { a["version"] = -1; }, "has version -1");
  refuse([](auto& a) { a["least_dose"] = "0"; }, "has least_dose \"0\"");
  refuse([](auto& a) { a["most_dose"] = true; }, "has most_dose true");
  refuse([](auto& a) { a["least_dose"] = 1.5; }, "doses from 1.5 to 1.1", "the smaller one first");
  refuse_text([](std::string& about) { about.replace(about.find("1.1"), 3, "1e999"); }, "no valid JSON", "1e999");
  refuse_text([](std::string& about) { about = "[" + about + "]"; }, "no JSON object");
  refuse_text([](std::string& about) { about.pop_back(); }, "no valid JSON");
  const auto refuse_file = [&](const std::function<void(std::map<std::string, std::string>&)>& spoil, const auto&... parts) {
    const std::string bad = with_metadata(written, spoil);
    expect_error<steer::format_error>([&] { steer::parse_preset(bytes(bad), "bad"); }, parts...);
  };
  refuse_file([](auto& m) { m["format"] = "pt"; }, "preset: file bad has the metadata \"format\"", "\"steer_preset\" and \"steer_recipe\" only");
  refuse_file([](auto& m) { m["steer_vector"] = "{}"; }, "has the metadata \"steer_vector\"");
  refuse_file([](auto& m) { m["steer_recipe"] = "{}"; }, "recipe: file bad");
  refuse_file([](auto& m) { m["steer_recipe"].replace(m["steer_recipe"].find("\"edits\""), 7, "\"edit\""); }, "recipe: file bad", "edit");
  expect_error<steer::file_error>([] { steer::load_preset("/nowhere/at.safetensors"); }, "/nowhere/at.safetensors");
}

TEST(preset_file, refuses_to_write_what_it_would_not_read) {
  const temporary_file file(".safetensors");
  steer::preset p = terse();
  p.version = 0;
  expect_error<steer::argument_error>([&] { save(p, file.path()); }, "has version 0");
  p = terse();
  p.content.fitted->instruction = "\xFF";
  expect_error<steer::format_error>([&] { save(p, file.path()); }, "no UTF-8");
  EXPECT_FALSE(std::filesystem::exists(file.path()));
}

TEST(preset_file, a_file_that_was_cut_off_is_refused_wherever_that_was) {
  const std::string written = preset_bytes(terse());
  ASSERT_GT(written.size(), 1000U);
  for (std::size_t length = 0; length < written.size(); ++length) {
    const std::string cut = written.substr(0, length);
    ASSERT_THROW(steer::parse_preset(bytes(cut), "cut"), steer::format_error) << length;
  }
  const std::string more = written + '\0';
  expect_error<steer::format_error>([&] { steer::parse_preset(bytes(more), "more"); }, "file more");
}

}  // namespace
