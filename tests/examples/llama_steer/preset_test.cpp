#include "llama_steer/preset.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <iterator>
#include <map>
#include <optional>
#include <sstream>
#include <string>
#include <system_error>
#include <vector>

#include "expect_error.hpp"
#include "llama_steer/audit.hpp"
#include "llama_steer/preset_keys.hpp"
#include "llama_steer/preset_policy_table.hpp"
#include "llama_steer/printable.hpp"
#include "llama_steer/row_norms.hpp"
#include "steer/io/sha256.hpp"
#include "steer/io/steering_vector_file.hpp"
#include "temporary_file.hpp"
#include "toy.hpp"

namespace {

namespace fs = std::filesystem;
using namespace llama_steer;

std::string content(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// A folder with a recipe, a policy that protects the third dimension, and a pair of keys that the policy trusts.
class preset_folder : public testing::Test {
 protected:
  preset_folder() {
    fs::create_directory(root_);
    steer::steering_vector v = vector("brief", {0.1F, 0.0F, 0.01F});
    recipe_.recipe.add(v, {.unit = steer::strength_unit::raw});
    steer::save(recipe_, at("recipe.safetensors"));
    steer::save(vector("refusal", {0.0F, 0.0F, 1.0F}), at("refusal.safetensors"));
    make_keys({at("operator")}, said_);
    policy_.model = toy::shape(2, 3);
    policy_.model.fingerprint = "gguf:0a/1b";
    policy_.rules.name = "strict";
    policy_.rules.fingerprints = {{policy_.model.fingerprint}};
    policy_.rules.most_layer_dose = 0.2;
    policy_.rules.row_norms = {{{0, steer::point::residual_out}, 1.0}, {{1, steer::point::residual_out}, 1.0}};
    policy_.rules.protects = {steer::subspace_of({vector("refusal", {0.0F, 0.0F, 1.0F})}, {.name = "refusal"})};
    policy_.rules.trusted_keys = {{trusted_key(at("operator.pub"))}};
    const steer::mapped_file written(at("refusal.safetensors"));
    policy_.files["refusal"]["refusal.safetensors"] = steer::sha256_hex(written.bytes());
    save_policy();
    said_.str("");
  }
  ~preset_folder() override {
    std::error_code ignored;
    fs::remove_all(root_, ignored);
  }

  steer::steering_vector vector(const std::string& name, std::initializer_list<float> values) const {
    steer::steering_vector out;
    out.name = name;
    out.source.fingerprint = "gguf:0a/1b";
    for (const int layer : {0, 1}) {
      out.directions[layer].values = Eigen::Map<const Eigen::VectorXf>(values.begin(), static_cast<Eigen::Index>(values.size()));
    }
    return out;
  }

  [[nodiscard]] fs::path at(const std::string& name) const { return root_ / name; }
  [[nodiscard]] make_options terse() const {
    return {.recipe = at("recipe.safetensors"), .name = "terse", .version = 3, .policy = at("policy.json"), .out = at("terse.safetensors")};
  }
  void expect_said(const std::vector<std::string>& parts) {
    for (const std::string& part : parts) {
      EXPECT_NE(said_.str().find(part), std::string::npos) << said_.str() << "\nlacks: " << part;
    }
    said_.str("");
  }
  void make_and_sign() {
    make(terse(), said_);
    sign({.files = {at("terse.safetensors")}, .key = at("operator.key")}, said_);
    said_.str("");
  }
  void save_policy() { steer::save(policy_, at("policy.json")); }

  fs::path root_ = temporary_file().path();
  steer::documented_recipe recipe_;
  steer::policy_document policy_;
  std::ostringstream said_;
};

TEST_F(preset_folder, a_recipe_becomes_a_preset_that_is_signed_checked_and_listed) {
  make(terse(), said_);
  const steer::preset made = steer::load_preset(at("terse.safetensors"));
  EXPECT_EQ(made.content, recipe_);
  expect_said({"terse@3, digest " + content_digest(made)});
  EXPECT_FALSE(check({.files = {at("terse.safetensors")}, .policy = at("policy.json")}, said_));
  expect_said({"terse.safetensors: refused\n  signature: ", "not signed"});

  sign({.files = {at("terse.safetensors")}, .key = at("operator.key")}, said_);
  EXPECT_TRUE(check({.files = {at("terse.safetensors")}, .policy = at("policy.json")}, said_));
  expect_said({"accepted terse@3, digest " + content_digest(made) + ", signed by key ", "\"terse@3 " + content_digest(made) + "\""});
  for (const verify_options& how : {verify_options{.files = {at("terse.safetensors")}, .trusted = {at("operator.pub")}},
                                    verify_options{.files = {at("terse.safetensors")}, .policy = at("policy.json")}}) {
    EXPECT_TRUE(verify(how, said_));
    expect_said({"terse.safetensors: signed by key "});
  }
  list({.folder = root_, .policy = at("policy.json")}, said_);
  expect_said({"preset", "terse@3", "0 to 1", content_digest(made).substr(0, 12) + "  key ", "recipe.safetensors", "refused: signature"});
}

TEST_F(preset_folder, a_changed_file_is_refused) {
  make_and_sign();
  std::fstream(at("terse.safetensors"), std::ios::in | std::ios::out | std::ios::binary).seekp(-1, std::ios::end).put('\x01');
  EXPECT_FALSE(verify({.files = {at("terse.safetensors")}, .trusted = {at("operator.pub")}}, said_));
  expect_said({"refused\n  ", "the bytes are others"});
  EXPECT_FALSE(check({.files = {at("terse.safetensors")}, .policy = at("policy.json")}, said_));
  expect_said({"refused\n  ", "the bytes are others"});
}

TEST_F(preset_folder, what_the_policy_refuses_is_not_written) {
  recipe_.recipe.add(vector("loud", {0.3F, 0.0F, 0.9F}), {.unit = steer::strength_unit::raw}, {.layers = {1}});
  steer::save(recipe_, at("recipe.safetensors"));
  make_options o = terse();
  o.trail = {.audit = at("trail.jsonl"), .who = "alice"};
  expect_error<steer::error>([&] { make(o, said_); }, "preset terse@3 is refused by policy \"strict\":", "\n  layer_dose: at layer 1",
                             "\n  protected_share: add \"loud\", layer 1");
  EXPECT_FALSE(fs::exists(at("terse.safetensors")));
  audit({.file = at("trail.jsonl"), .show = true}, said_);
  expect_said({"alice  refused  terse@3", "lines  1", "  1 refused\n"});

  policy_.rules.most_layer_dose = std::nullopt;
  policy_.rules.protects.front().how = steer::protection::project_out;
  save_policy();
  make(o, said_);
  expect_said({"wrote ", "taken out of add \"loud\" at layers 1: up to 0.94"});
}

TEST_F(preset_folder, each_rule_that_is_not_of_signatures_is_asked) {
  const auto refuse = [&](auto spoil, const std::string& part) {
    const steer::policy_document before = policy_;
    spoil(policy_.rules);
    save_policy();
    expect_error<steer::error>([&] { make(terse(), said_); }, "is refused by policy", part);
    policy_ = before;
  };
  refuse([](steer::policy& p) { p.operations = {"ablate"}; }, "operations: ");
  refuse([](steer::policy& p) { p.layers = {1}; }, "layers: ");
  refuse([](steer::policy& p) { p.points = {steer::point::mlp_out}; }, "points: ");
  refuse([](steer::policy& p) { p.least_versions["terse"] = 4; }, "version: it is version 3; policy \"strict\" expects 4 or newer");
  refuse([](steer::policy& p) { p.most_total_dose = 0.1; }, "total_dose: ");
  refuse([](steer::policy& p) { p.readouts["terse"] = 1.0; }, "readout: ");
  steer::documented_recipe foreign;
  steer::steering_vector v = vector("brief", {0.1F, 0.0F, 0.0F});
  v.source.fingerprint = "gguf:0a/99";
  foreign.recipe.add(v, {.unit = steer::strength_unit::raw});
  steer::save(foreign, at("recipe.safetensors"));
  refuse([](steer::policy&) {}, "fingerprint: ");
  EXPECT_FALSE(fs::exists(at("terse.safetensors")));
}

TEST_F(preset_folder, an_output_that_is_needed_is_no_output) {
  make_options o = terse();
  o.out = at("refusal.safetensors");
  expect_error<steer::argument_error>([&] { make(o, said_); }, "would overwrite a file of the policy, that of protected \"refusal\"");
  o.out = at("terse.json");
  expect_error<steer::argument_error>([&] { make(o, said_); }, "names no format of presets", "expected .safetensors");
  o.out = at("none/terse.safetensors");
  expect_error<steer::file_error>([&] { make(o, said_); }, "cannot be written");
}

TEST_F(preset_folder, doses_that_the_policy_would_refuse_are_said) {
  make_options o = terse();
  o.most_dose = 3.0;
  make(o, said_);
  expect_said({"note: the policy would refuse a dose of 3:\n  layer_dose: "});
  o.least_dose = 4.0;
  expect_error<steer::argument_error>([&] { make(o, said_); }, "from 4 to 3", "the smaller one first");
}

TEST_F(preset_folder, a_stale_signature_is_said) {
  make_and_sign();
  make(terse(), said_);
  expect_said({"terse.safetensors.minisig was there before"});
}

TEST_F(preset_folder, commands_write_down_what_they_did) {
  const trail_options trail{.audit = at("trail.jsonl"), .who = "bob\x1b[2J"};
  make_options o = terse();
  o.trail = trail;
  make(o, said_);
  const fs::path file = at("terse.safetensors");
  sign({.files = {file}, .key = at("operator.key"), .trail = trail}, said_);
  check({.files = {file}, .policy = at("policy.json"), .trail = trail}, said_);
  list({.folder = root_, .policy = at("policy.json"), .trail = trail}, said_);
  verify({.files = {file, at("recipe.safetensors")}, .trusted = {at("operator.pub")}, .trail = trail}, said_);
  const steer::audit_report found = steer::check_audit(at("trail.jsonl"));
  EXPECT_EQ(found.counts, (std::map<std::string, std::uint64_t>{{"made", 1}, {"signed", 1}, {"checked", 2}, {"refused", 3}, {"verified", 1}}));
  said_.str("");
  audit({.file = at("trail.jsonl"), .show = true}, said_);
  expect_said({"1  2", "bob\\x1b[2J  made  terse@3", "head   8:" + found.head});
  EXPECT_FALSE(user_name().empty());
}

TEST_F(preset_folder, a_head_that_was_kept_shows_what_was_cut_off) {
  const trail_options trail{.audit = at("trail.jsonl"), .who = "bob"};
  verify({.files = {at("recipe.safetensors")}, .trusted = {at("operator.pub")}, .trail = trail}, said_);
  const std::string head = "1:" + steer::check_audit(at("trail.jsonl")).head;
  audit({.file = at("trail.jsonl"), .head = head}, said_);
  expect_said({"up to line 1 it is what it was"});
  std::ofstream(at("trail.jsonl"), std::ios::trunc);
  expect_error<steer::format_error>([&] { audit({.file = at("trail.jsonl"), .head = head}, said_); }, "has 0 lines", "at least 1");
  audit({.file = at("trail.jsonl")}, said_);
  expect_said({"lines  0\nhead   0:0000"});
  for (const char* bad : {"1", "x:00", "-1:00"}) {
    expect_error<steer::argument_error>([&] { audit({.file = at("trail.jsonl"), .head = bad}, said_); }, "--head");
  }
  std::ofstream(at("trail.jsonl")) << "{}\n";
  expect_error<steer::format_error>([&] { audit({.file = at("trail.jsonl")}, said_); }, "line 1");
}

TEST_F(preset_folder, keys_are_never_overwritten_and_for_their_owner_only) {
  const std::string before = content(at("operator.key"));
  EXPECT_EQ(fs::status(at("operator.key")).permissions(), fs::perms::owner_read | fs::perms::owner_write);
  expect_error<steer::file_error>([&] { make_keys({at("operator")}, said_); }, "operator.key is there already", "a new name");
  std::ofstream(at("other.pub")) << "another's";
  expect_error<steer::file_error>([&] { make_keys({at("other")}, said_); }, "other.pub is there already");
  EXPECT_FALSE(fs::exists(at("other.key")));
  expect_error<steer::file_error>([&] { make_keys({at("none/other")}, said_); }, "cannot be written");
  EXPECT_EQ(content(at("operator.key")), before);
}

TEST_F(preset_folder, what_is_no_preset_is_signed_with_a_comment) {
  expect_error<steer::argument_error>([&] { sign({.files = {at("policy.json")}, .key = at("operator.key")}, said_); }, "is no preset", "--comment");
  EXPECT_FALSE(fs::exists(at("policy.json.minisig")));
  sign({.files = {at("policy.json")}, .key = at("operator.key"), .comment = "of May"}, said_);
  EXPECT_TRUE(verify({.files = {at("policy.json")}, .trusted = {at("operator.pub")}}, said_));
  expect_said({"\"of May\""});
  const fs::path signature = at("policy.json.minisig");
  expect_error<steer::argument_error>([&] { sign({.files = {at("policy.json"), signature}, .key = at("operator.key"), .comment = "x"}, said_); },
                                      "would overwrite one of the files that are named");
  expect_error<steer::argument_error>([&] { sign({.files = {at("policy.json")}, .key = at("operator.key"), .comment = "two\nlines"}, said_); }, "one line");
  expect_error<steer::format_error>([&] { sign({.files = {at("policy.json")}, .key = at("operator.pub"), .comment = "x"}, said_); }, "operator.pub");
  expect_error<steer::argument_error>(
      [&] { sign({.files = {at("policy.json")}, .key = at("operator.key"), .password = at("operator.pub"), .comment = "x"}, said_); },
      "--password-file has no effect", "not encrypted");
}

TEST_F(preset_folder, an_encrypted_key_signs_with_its_password) {
  const fs::path key = fs::path(STEER_SOURCE_DIR) / "tests/guard/fixtures/encrypted.key";
  const fs::path open = fs::path(STEER_SOURCE_DIR) / "tests/guard/fixtures/encrypted.pub";
  std::ofstream(at("right")) << "a password\n";
  std::ofstream(at("wrong")) << "another\n";
  const auto with = [&](const fs::path& password) {
    return sign_options{.files = {at("policy.json")}, .key = key, .password = password, .comment = "of May"};
  };
  expect_error<steer::argument_error>([&] { sign(with({}), said_); }, "is encrypted, and the password is empty");
  expect_error<steer::argument_error>([&] { sign(with(at("wrong")), said_); }, "The password is wrong");
  EXPECT_FALSE(fs::exists(at("policy.json.minisig")));
  sign(with(at("right")), said_);
  EXPECT_TRUE(verify({.files = {at("policy.json")}, .trusted = {open}}, said_));
}

TEST_F(preset_folder, who_trusts_nobody_verifies_nothing) {
  expect_error<steer::argument_error>([&] { verify({.files = {at("policy.json")}}, said_); }, "trusts nobody", "--trust or --policy");
  policy_.rules.trusted_keys = std::nullopt;
  save_policy();
  expect_error<steer::argument_error>([&] { verify({.files = {at("policy.json")}, .policy = at("policy.json")}, said_); }, "asks for no signature");
  make_keys({at("stranger")}, said_);
  make_and_sign();
  EXPECT_FALSE(verify({.files = {at("terse.safetensors")}, .trusted = {at("stranger.pub")}}, said_));
  expect_said({"is by the key "});
  EXPECT_TRUE(check({.files = {at("terse.safetensors")}, .policy = at("policy.json")}, said_));
  expect_said({"no signature asked for"});
}

TEST_F(preset_folder, the_table_of_a_policy_names_every_rule_that_allows_everything) {
  print(policy_, said_);
  expect_said({"policy \"strict\" for toy, gguf:0a/1b", "--operations        any", "--layer-dose        at most 0.2", "--trust             key ",
               "refusal at layers 0-1 (a share of at most 0.2, a dose of at most 0.1)", "--base-may-be-left  no", "1 points of 2 layers"});
}

TEST(printable, what_is_not_seen_is_shown_by_its_bytes) {
  EXPECT_EQ(printable("plain, \"quoted\" \\"), "plain, \"quoted\" \\");
  EXPECT_EQ(printable("f\xC3\xBCr \xE6\x97\xA5"), "f\xC3\xBCr \xE6\x97\xA5");
  EXPECT_EQ(printable("a\nb\x1b[2J\x7f"), "a\\x0ab\\x1b[2J\\x7f");
  EXPECT_EQ(printable("a\xFF\xC3"), "a\\xff\\xc3");
  EXPECT_EQ(printable("\xC2\x9B""2J"), "\\xc2\\x9b2J") << "a control character beyond ASCII";
  EXPECT_EQ(printable("\xE2\x80\xAE""fdp"), "\\xe2\\x80\\xaefdp") << "right to left";
  EXPECT_EQ(printable("\xE2\x80\x9Cx\xE2\x80\x9D"), "\xE2\x80\x9Cx\xE2\x80\x9D") << "quotation marks";
  EXPECT_EQ(layers_text({3, 10, 11, 12}), "3,10-12");
  EXPECT_EQ(layers_text({}), "");
}

TEST(row_norms, are_means_over_all_rows_but_the_first) {
  toy::host host{steer::matrix<float>::Zero(3, 3)};
  host.embedding << 100, 0, 0, 3, 4, 0, 0, 0, 1;
  host.model.points = {steer::point::residual_out};
  const std::vector<std::vector<std::int32_t>> texts{host.tokenize("ab"), host.tokenize("a")};
  const steer::row_norms found = measure_row_norms(host, texts);
  ASSERT_EQ(found.size(), 2U);
  EXPECT_DOUBLE_EQ(found.at({0, steer::point::residual_out}), 11.0 / 3.0);
  EXPECT_DOUBLE_EQ(found.at({1, steer::point::residual_out}), 22.0 / 3.0);
  expect_error<steer::host_error>([&] { measure_row_norms(host, std::vector<std::vector<std::int32_t>>{host.tokenize("")}); }, "expected 0");
  host.model.points.insert(steer::point::mlp_out);
  expect_error<steer::host_error>([&] { measure_row_norms(host, texts); }, "mlp_out", "showed 0 rows", "expected 3");
  host.model.facts = {};
  expect_error<steer::argument_error>([&] { measure_row_norms(host, texts); }, "position");
}

}  // namespace
