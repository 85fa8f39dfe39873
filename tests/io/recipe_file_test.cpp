#include "steer/io/recipe_file.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <filesystem>
#include <functional>
#include <limits>
#include <map>
#include <random>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include <nlohmann/json.hpp>

#include "expect_error.hpp"
#include "inject/random_recipe.hpp"
#include "steer/inject/session.hpp"
#include "steer/io/safetensors.hpp"
#include "temporary_file.hpp"
#include "toy.hpp"

namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();

std::span<const std::byte> bytes(const std::string& text) { return std::as_bytes(std::span(text)); }

/// One edit of each kind at least, and every part that a placement has, without anything random.
steer::documented_recipe one_of_each() {
  steer::steering_vector v{.name = "caf\xC3\xA9"};
  v.source = {.model = "toy", .fingerprint = "12", .method = "by hand", .contrast = "a - b", .tokens = "last", .positives = 3, .negatives = 4};
  v.directions[1] = {.values = Eigen::Vector3f(1.0F, 0.1F, -2.0F), .row_norm = 3.5, .spread = 0.25, .origin = Eigen::Vector3f(0.0F, 1.0F, 0.5F)};
  v.directions[1].evidence.auroc = 0.75;
  v.directions[2].values = Eigen::Vector3f(0.0F, 1.0F, 1e-30F);
  steer::steering_vector w = v;
  w.name = "other";
  w.directions[1].values = Eigen::Vector3f(0.0F, 0.0F, 1.0F);
  w.directions[2].values = Eigen::Vector3f(1.0F, 0.0F, 0.0F);
  const steer::plane plane{Eigen::Vector3d(1.0, 0.0, 0.0), Eigen::Vector3d(0.0, 1.0, 0.0)};
  steer::low_rank_map low{steer::matrix<float>(2, 3), steer::matrix<float>(2, 3), Eigen::Vector2f(1.0F, -1.0F)};
  low.read << 1.0F, 2.0F, 3.0F, 4.0F, 5.0F, 6.0F;
  low.write << 0.5F, 0.0F, 0.0F, 0.0F, 0.25F, 0.0F;
  steer::dense_map dense{steer::matrix<float>(3, 3), Eigen::Vector3f(1.0F, 2.0F, 3.0F)};
  dense.linear << 1.0F, 2.0F, 3.0F, 4.0F, 5.0F, 6.0F, 7.0F, 8.0F, 9.0F;
  steer::documented_recipe out;
  out.recipe.add(v, {.strength = 0.1F, .unit = steer::strength_unit::of_row_norm, .cap = infinity})
      .add(v, {.layers = {2},
               .rows = {.phase = steer::phase::generation, .first = 2, .last = 90, .positions = {3, 5}, .except = {4},
                        .passages = {steer::inside({1, 2}, {3}), steer::until_token({4})}, .half_life = 7.5F},
               .gate = {.share = 0.5F,
                        .conditions = {steer::ramp(w, 0.25F, -2.0F, 3.0F), steer::within(w, -infinity, 1.0F, steer::reading::cosine)},
                        .combination = steer::combination::any},
               .norm = steer::cap_norm(1.5F)})
      .add(v, {.gate = {.conditions = {steer::above(w, 0.1F)}, .time = steer::gate_time::on_prompt, .layer = 1}})
      .ablate(v, {.share = 0.3F}, {.rows = {.last_of_prompt = 2}, .norm = steer::restore_norm})
      .keep_within({v, w}, {-infinity, 0.5F}, {0.25F, infinity}, {.origin = steer::coordinate_origin::midpoint, .ridge = 0.1F})
      .erase(v, w)
      .set_angle(plane, {.angle = 0.3F, .point = steer::point::mlp_out})
      .rotate(plane, {.angle = -0.3F})
      .turn_towards(w, {.share = 0.4F})
      .transform(steer::diagonal_map{Eigen::Vector3f(1.0F, 2.0F, 0.5F), Eigen::Vector3f(0.0F, 0.0F, 1.0F)}, {.share = 0.7F})
      .transform(low)
      .transform(dense, {.layers = {0}})
      .watch({v, w}, steer::watched_norm::read);
  out.fitted = steer::fitted{.behaviour = "terse", .instruction = "Be brief.", .kind = "gated", .model = "toy", .fingerprint = "12",
                             .requests = 40, .tokens = 1800, .recovery = steer::estimate{0.75, 0.02}, .layers = {{0, {0.5, 0.1}}, {1, {0.25, 0.3}}}};
  out.response = steer::response{.readouts = {"brief"}, .vectors = {"caf\xC3\xA9"}, .model = "toy", .step = 0.5, .baseline = Eigen::VectorXd::Ones(1),
                                 .slope = Eigen::MatrixXd::Constant(1, 1, 2.0), .error = Eigen::MatrixXd::Constant(1, 1, 0.1),
                                 .bend = Eigen::MatrixXd::Zero(1, 1)};
  return out;
}

TEST(recipe_file, gives_every_edit_back_as_it_was) {
  const steer::documented_recipe all = one_of_each();
  std::map<std::size_t, int> kinds;
  for (const steer::edit& each : all.recipe.edits()) {
    ++kinds[each.operation.index()];
  }
  EXPECT_EQ(kinds.size(), std::variant_size_v<steer::operation>) << "an edit is missing in the test";
  const std::string written = recipe_bytes(all);
  const steer::documented_recipe again = steer::parse_recipe(bytes(written), "again");
  EXPECT_EQ(again, all);
  EXPECT_EQ(recipe_bytes(again), written);
  const temporary_file file(".safetensors");
  save(all, file.path());
  EXPECT_EQ(steer::load_recipe(file.path()), all);
  EXPECT_EQ(steer::parse_recipe(bytes(steer::recipe_bytes({})), "empty"), steer::documented_recipe{});
}

TEST(recipe_file, gives_random_recipes_back_and_they_do_the_same) {
  std::mt19937_64 engine(2);
  const steer::model_shape shape = toy::shape(2, 6);
  for (int round = 0; round < 60; ++round) {
    steer::documented_recipe made;
    for (std::size_t i = 0; i < 1 + engine() % 4; ++i) {
      made.recipe.append(toy::random_edit(engine, shape, engine() % std::variant_size_v<steer::operation>, toy::latched_gates::some,
                                          [&](const steer::edit& e) {
                                            try {
                                              steer::session(steer::recipe{}.append(e), shape);
                                              return true;
                                            } catch (const steer::numeric_error&) {
                                              return false;
                                            }
                                          }));
    }
    const steer::documented_recipe again = steer::parse_recipe(bytes(recipe_bytes(made)), "again");
    ASSERT_EQ(again, made) << round;
    EXPECT_EQ(steer::session(again.recipe, shape).digest(), steer::session(made.recipe, shape).digest());
    EXPECT_EQ(content_digest(again), content_digest(made));
  }
}

TEST(recipe_file, was_the_same_when_it_was_first_written) {
  const std::filesystem::path kept = std::filesystem::path(STEER_SOURCE_DIR) / "tests/fuzz/corpus/recipe_file/one_of_each.safetensors";
  ASSERT_EQ(steer::load_recipe(kept), one_of_each()) << "a name or the meaning of one has changed: that needs another version";
}

TEST(recipe_file, residual_streams_stand_there_where_some_are_named_and_else_nothing_does) {
  steer::steering_vector v{.name = "v"};
  v.directions[0].values = Eigen::VectorXf::Ones(4);
  const auto made = [&](std::vector<int> streams) {
    return steer::documented_recipe{.recipe = steer::recipe{}.add(v, {.unit = steer::strength_unit::raw}, {.rows = {.streams = std::move(streams)}})};
  };
  for (const std::vector<int>& streams : {std::vector<int>{}, {2}, {0, 3}}) {
    const std::string written = recipe_bytes(made(streams));
    EXPECT_EQ(steer::parse_recipe(bytes(written), "again"), made(streams));
    EXPECT_EQ(written.find("\\\"streams\\\"") != std::string::npos, !streams.empty()) << "files without are what they were";
  }
  EXPECT_NE(content_digest(made({2})), content_digest(made({})));
  EXPECT_NE(content_digest(made({2})), content_digest(made({1})));
}

TEST(recipe_file, the_digest_is_of_what_it_says) {
  const steer::documented_recipe all = one_of_each();
  const std::string written = recipe_bytes(all);
  const steer::safetensors_file file(bytes(written), "written");
  // Keys the other way round, and white space: other bytes, and the same recipe.
  const nlohmann::json sorted = nlohmann::json::parse(file.metadata_at("steer_recipe"));
  const std::string other = steer::safetensors_bytes(file.tensors(), {{"steer_recipe", sorted.dump(2)}});
  ASSERT_NE(other, written);
  EXPECT_EQ(content_digest(steer::parse_recipe(bytes(other), "other")), content_digest(all));
  steer::documented_recipe changed = all;
  changed.fitted->instruction += "!";
  EXPECT_NE(content_digest(changed), content_digest(all));
}

TEST(recipe_file, refuses_what_is_not_sound_by_place) {
  const std::string written = recipe_bytes(one_of_each());
  const steer::safetensors_file file(bytes(written), "written");
  const auto refuse = [&](const std::function<void(nlohmann::json&)>& spoil, const auto&... parts) {
    nlohmann::json about = nlohmann::json::parse(file.metadata_at("steer_recipe"));
    spoil(about);
    const std::string bad = steer::safetensors_bytes(file.tensors(), {{"steer_recipe", about.dump()}});
    expect_error<steer::format_error>([&] { steer::parse_recipe(bytes(bad), "bad"); }, "recipe: file bad", parts...);
  };
  refuse([](auto& a) { a["version"] = 2; }, "version 2");
  refuse([](auto& a) { a["more"] = 1; }, "more");
  refuse([](auto& a) { a.erase("fitted"); }, "fitted");
  refuse([](auto& a) { a["edits"] = 3; }, "no list");
  refuse([](auto& a) { a["edits"][0]["operation"] = "explode"; }, "edit 0", "\"explode\"");
  refuse([](auto& a) { a["edits"][0]["speed"] = 1; }, "edit 0", "speed");
  refuse([](auto& a) { a["edits"][0].erase("strength"); }, "strength");
  refuse([](auto& a) { a["edits"][0]["strength"] = true; }, "edit 0, strength", "true");
  refuse([](auto& a) { a["edits"][0]["strength"] = "infinity"; }, "strength is inf");
  refuse([](auto& a) { a["edits"][0]["unit"] = "miles"; }, "edit 0, unit", "\"miles\"");
  refuse([](auto& a) { a["edits"][1]["where"]["layers"][0] = 2.5; }, "edit 1, where, layers 0", "2.5");
  refuse([](auto& a) { a["edits"][1]["where"]["rows"]["passages"][0]["passage from"] = nlohmann::json::array(); }, "no marker");
  refuse([](auto& a) { a["edits"][1]["where"]["gate"]["gate conditions"][0]["gate curve"] = "steep"; }, "gate curve", "\"steep\"");
  refuse([](auto& a) { a["edits"][9]["map"]["kind"] = "cubic"; }, "edit 9, map", "\"cubic\"");
  refuse([](auto& a) { a["edits"].erase(12); }, "unexpected tensor");
  refuse([](auto& a) { a["fitted"]["recovery"] = {1.0}; }, "fitted", "recovery of 1 numbers");
  refuse([](auto& a) { a["fitted"]["recovery"][1] = -1.0; }, "recovery is 0.75 +- -1");
  refuse([](auto& a) { a["response"]["measured"]["step"] = 0.0; }, "step");
  nlohmann::json about = nlohmann::json::parse(file.metadata_at("steer_recipe"));
  about["edits"][9]["map"]["tensors"] = "77.";
  const std::string lost = steer::safetensors_bytes(file.tensors(), {{"steer_recipe", about.dump()}});
  expect_error<steer::format_error>([&] { steer::parse_recipe(bytes(lost), "lost"); }, "file lost has no tensor \"77.scale\"");
  expect_error<steer::format_error>([] { steer::load_recipe(STEER_STORYBOX_WEIGHTS); }, "has no metadata \"steer_recipe\"");
  expect_error<steer::file_error>([] { steer::load_recipe("/nowhere/at.safetensors"); }, "/nowhere/at.safetensors");
}

}  // namespace
