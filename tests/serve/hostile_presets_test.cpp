// A folder of presets that somebody made to get past a policy: each is refused, by message, and none of it acts.
#include <gtest/gtest.h>

#include <sys/stat.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>
#include <Eigen/Core>

#include "guard/house_rules.hpp"
#include "serve/presets.hpp"
#include "steer/guard/signature.hpp"
#include "steer/guard/signed_file.hpp"
#include "steer/io/preset_file.hpp"
#include "steer/io/recipe_file.hpp"
#include "steer/serve/audit_trail.hpp"
#include "steer/serve/preset_library.hpp"

namespace {

using toy::axis;
using toy::vector_at;

constexpr steer::strength_unit raw = steer::strength_unit::raw;

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

/// A safetensors file whose header has other words, its length said anew.
std::string with_header(const std::string& file, const std::string& from, const std::string& to) {
  std::uint64_t size = 0;
  std::memcpy(&size, file.data(), sizeof size);
  std::string header = replaced(file.substr(8, size), from, to);
  while (header.size() % 8 != 0) {
    header += ' ';
  }
  size = header.size();
  std::string out(8, '\0');
  std::memcpy(out.data(), &size, sizeof size);
  std::uint64_t old = 0;
  std::memcpy(&old, file.data(), sizeof old);
  return out + header + file.substr(8 + old);
}

class hostile_presets : public testing::Test {
 protected:
  hostile_presets() {
    rules.trusted_keys = {{steer::to_string(operator_key.open())}};
    rules.least_versions = {{"terse", 2}};
  }

  /// A file that is signed by the operator, whatever it holds.
  void add_signed(const std::string& name, const std::string& content, std::vector<std::string> message) {
    sign_file(folder.write(name, content), operator_key, "approved");
    expected[name] = std::move(message);
  }
  void add(const std::string& name, steer::recipe recipe, std::vector<std::string> message) {
    steer::preset made{.name = std::filesystem::path(name).stem().string(), .version = 2};
    made.content.recipe = std::move(recipe);
    add_signed(name, preset_bytes(made), std::move(message));
  }

  steer::secret_key operator_key = steer::make_secret_key();
  steer::policy rules = toy::house_rules();
  toy::temporary_folder folder;
  std::map<std::string, std::vector<std::string>> expected;  // by file: parts of the refusal
};

TEST_F(hostile_presets, are_refused_file_by_file) {
  const auto adds = [](const std::vector<steer::steering_vector>& vectors) {
    steer::recipe out;
    for (const steer::steering_vector& v : vectors) {
      out.add(v, {.unit = raw});
    }
    return out;
  };
  const auto refusal = vector_at("refusal", {{1, axis(0, 0.4F)}});
  const auto a = vector_at("a", {{1, axis(0, 0.2F) + axis(1, 2.0F)}});
  const auto b = vector_at("b", {{1, axis(0, 0.2F) - axis(1, 2.0F)}});
  const steer::gate closed{.conditions = {steer::above(refusal, 1e30F)}};
  const std::string good = preset_bytes(toy::preset_along("good", 2, 1, 1.0F));

  // ---- against the protected subspace ----
  add("plain_refusal.safetensors", adds({refusal}), {"up to 1 of what it writes lies in protected \"refusal\"", "layer 1"});
  add("split_over_two.safetensors", adds({a, b}), {"the stack at layer 1: up to 1"});
  add("split_over_layers.safetensors", adds({a, vector_at("b", {{2, axis(0, 0.2F) - axis(1, 2.0F)}})}), {"the stack up to layer 2: up to 1"});
  add("behind_a_gate.safetensors", steer::recipe().add(refusal, {.unit = raw}, {.gate = closed}), {"up to 1 of what it writes"});
  add("with_an_excuse.safetensors",
      adds({a, b}).add(vector_at("excuse", {{1, axis(0, -0.4F) + axis(2, 2.0F)}}), {.unit = raw}, {.gate = closed}), {"the stack at layer 1: up to"});
  add("on_late_rows.safetensors",
      adds({a, b}).add(vector_at("excuse", {{1, axis(0, -0.4F) + axis(2, 2.0F)}}), {.unit = raw}, {.rows = {.first = 1'000'000}}),
      {"the stack at layer 1: up to"});
  add("ablation.safetensors", steer::recipe().ablate(refusal, {.share = 0.05F}), {"ablate \"refusal\"", "up to 1 of what it writes"});
  add("at_another_point.safetensors", adds({vector_at("refusal", {{1, axis(0, 0.4F)}}, steer::point::mlp_out)}), {"up to 1 of what it writes"});
  add("drip.safetensors",
      adds({vector_at("drip", {{0, axis(0, 0.2F) + axis(1, 2.0F)}, {1, axis(0, 0.2F) + axis(2, 2.0F)}, {2, axis(0, 0.2F) + axis(3, 2.0F)}})}),
      {"up to layer 2 the stack may write 0.06 of the mean row norm into protected \"refusal\""});
  steer::recipe turned;
  turned.rotate(steer::plane_through({.values = axis(0)}, {.values = axis(1)}), {.angle = 0.01F}, {.layers = {1}});
  turned.watch({vector_at("watched", {{1, axis(1)}})});
  add("rotation.safetensors", turned, {"up to 1 of what it writes"});

  // ---- against the budgets ----
  add("spike.safetensors", adds({vector_at("spike", {{0, axis(1, 0.01F)}, {3, axis(1, 500.0F)}})}), {"at layer 3", "by 50 of the mean row norm"});
  add("everywhere.safetensors", adds({vector_at("wide", {{0, axis(1, 4.0F)}, {1, axis(1, 4.0F)}, {2, axis(1, 4.0F)}})}),
      {"over all layers the stack may move a row by 1.2"});
  add("ramp_without_a_cap.safetensors",
      steer::recipe().add(vector_at("ramp", {{1, axis(1, 0.001F)}}), {.unit = raw}, {.gate = {.conditions = {steer::ramp(a, 0.0F, 1.0F)}}}),
      {"by inf of the mean row norm"});
  steer::steering_vector lying = vector_at("lying", {{1, axis(1)}});
  lying.directions[1].row_norm = 1e6;
  add("lying_norm.safetensors", steer::recipe().add(lying, {.strength = 0.1F}), {"by 10000 of the mean row norm"});

  // ---- another model, other numbers ----
  steer::steering_vector renamed = vector_at("renamed", {{1, axis(1)}});
  renamed.source.model = "toy";
  renamed.source.fingerprint = "gguf:b/1";
  add("renamed_model.safetensors", adds({renamed}), {"measured on a model with the fingerprint gguf:b/1", "accepts gguf:a/1"});
  renamed.source.fingerprint.clear();
  add("no_model.safetensors", adds({renamed}), {"does not say on which model"});
  add("another_width.safetensors", adds({[] {
        steer::steering_vector narrow = vector_at("narrow", {});
        narrow.directions[1].values = Eigen::VectorXf::Ones(3);
        return narrow;
      }()}),
      {"has width 3", "8"});
  steer::preset unused{.name = "nan_in_an_unused_layer", .version = 2};
  unused.content.recipe.add(vector_at("v", {{1, axis(1)}, {3, axis(1, 7.5F)}}), {.unit = raw}, {.layers = {1}});
  std::string with_nan = preset_bytes(unused);
  const float known = 7.5F;
  const float nan = std::numeric_limits<float>::quiet_NaN();
  with_nan = replaced(with_nan, std::string(reinterpret_cast<const char*>(&known), 4), std::string(reinterpret_cast<const char*>(&nan), 4));
  add_signed("nan_in_an_unused_layer.safetensors", with_nan, {"\"v\", layer 3", "is nan"});
  add("needs_a_session.safetensors",
      steer::recipe().add(vector_at("v", {{1, axis(1)}}), {.unit = raw},
                          {.gate = {.conditions = {steer::above(a, 0.0F)}, .time = steer::gate_time::on_prompt}}),
      {"expected a session"});

  // ---- versions and signatures ----
  add_signed("replayed.safetensors", preset_bytes(toy::preset_along("terse", 1, 1, 1.0F)), {"terse@1 is refused: it is version 1", "expects 2 or newer"});
  folder.write("unsigned.safetensors", good);
  expected["unsigned.safetensors"] = {"is not signed", "unsigned.safetensors.minisig"};
  const steer::secret_key stranger = steer::make_secret_key();
  sign_file(folder.write("by_a_stranger.safetensors", good), stranger, "approved");
  expected["by_a_stranger.safetensors"] = {id_of(stranger.open()), id_of(operator_key.open())};
  add_signed("altered.safetensors", good, {"altered.safetensors.minisig"});
  std::string altered = good;
  altered.back() = static_cast<char>(altered.back() ^ 1);
  folder.write("altered.safetensors", altered);
  add_signed("cut_off.safetensors", good, {"cut_off.safetensors.minisig"});
  folder.write("cut_off.safetensors", good.substr(0, good.size() - 4));
  add_signed("another_comment.safetensors", good, {"another_comment.safetensors.minisig"});
  folder.write("another_comment.safetensors.minisig", replaced(toy::content_of(folder / "another_comment.safetensors.minisig"), "approved", "approvet"));
  folder.write("anothers_signature.safetensors", altered);
  std::filesystem::copy_file(folder / "plain_refusal.safetensors.minisig", folder / "anothers_signature.safetensors.minisig");
  expected["anothers_signature.safetensors"] = {"anothers_signature.safetensors.minisig"};
  folder.write("no_signature_at_all.safetensors", good);
  folder.write("no_signature_at_all.safetensors.minisig", "untrusted comment: trust me\n");
  expected["no_signature_at_all.safetensors"] = {"no_signature_at_all.safetensors.minisig"};

  // ---- signed by somebody who did not look ----
  add_signed("truncated.safetensors", good.substr(0, good.size() - 4), {"truncated.safetensors"});
  add_signed("key_twice.safetensors", with_header(good, "\\\"version\\\":2,\\\"least_dose\\\":0.0", "\\\"version\\\":2,\\\"version\\\":1,\\\"least_dose\\\":0.0"),
             {"key_twice.safetensors", "version", "twice"});
  add_signed("unknown_key.safetensors", with_header(good, "\\\"least_dose\\\":0.0", "\\\"least_dose\\\":0.0,\\\"skip_checks\\\":true"), {"\"skip_checks\""});
  add_signed("no_preset.safetensors", recipe_bytes(toy::preset_along("x", 1, 1, 1.0F).content), {"not a recipe without name and version"});
  add_signed("a_program.safetensors", "#!/bin/sh\necho owned\n", {"a_program.safetensors"});
  add_signed("long_header.safetensors", std::string("\xff\xff\xff\xff\xff\xff\xff\x7f", 8) + "{}", {"long_header.safetensors"});
  folder.write("empty.safetensors", "");
  expected["empty.safetensors"] = {"empty.safetensors"};

  // ---- no files at all ----
  ASSERT_EQ(mkfifo((folder / "a_pipe.safetensors").c_str(), 0600), 0);
  expected["a_pipe.safetensors"] = {"a_pipe.safetensors"};
  std::filesystem::create_directory(folder / "a_folder.safetensors");
  expected["a_folder.safetensors"] = {"a_folder.safetensors"};
  std::filesystem::create_symlink("nowhere", folder / "a_dead_link.safetensors");
  expected["a_dead_link.safetensors"] = {"a_dead_link.safetensors"};

  // ---- and one that is what it should be ----
  sign_file(folder.write("good.safetensors", good), operator_key, "approved on Monday");

  const std::filesystem::path trail = folder / "audit.jsonl";
  steer::preset_library presets(rules, toy::guarded_model(), {.audit = std::make_shared<steer::audit_trail>(trail), .verify = steer::signatures_beside_files{}});
  const std::vector<steer::loaded_preset> loaded = presets.load(folder.path(), "operator");
  EXPECT_EQ(loaded.size(), expected.size() + 1);
  for (const steer::loaded_preset& each : loaded) {
    const std::string name = each.file.filename().string();
    SCOPED_TRACE(name);
    if (name == "good.safetensors") {
      EXPECT_TRUE(each.accepted) << each.refused;
      continue;
    }
    EXPECT_FALSE(each.accepted);
    ASSERT_TRUE(expected.contains(name));
    for (const std::string& part : expected[name]) {
      EXPECT_NE(each.refused.find(part), std::string::npos) << each.refused << "\nlacks " << part;
    }
  }
  ASSERT_EQ(presets.presets().size(), 1U);
  EXPECT_EQ(presets.presets()[0].reference, "good@2");
  EXPECT_EQ(presets.presets()[0].signer, "key " + id_of(operator_key.open()) + ", \"approved on Monday\"");
  EXPECT_EQ(steer::check_audit(trail).counts, (std::map<std::string, std::uint64_t>{{"loaded", 1}, {"refused", expected.size()}}));
}

}  // namespace
