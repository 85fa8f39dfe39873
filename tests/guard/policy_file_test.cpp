#include "steer/guard/policy_file.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <functional>
#include <limits>
#include <map>
#include <random>
#include <set>
#include <span>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "expect_error.hpp"
#include "steer/compose/algebra.hpp"
#include "steer/io/sha256.hpp"
#include "steer/io/steering_vector_file.hpp"
#include "temporary_file.hpp"
#include "toy.hpp"

namespace {

using steer::point;

std::span<const std::byte> bytes(const std::string& text) { return std::as_bytes(std::span(text)); }

std::string sha256_of(const std::string& text) {
  steer::sha256 all;
  all.update(bytes(text));
  return all.hex();
}

steer::steering_vector vector_of(const std::string& name, const std::map<int, Eigen::VectorXf>& values) {
  steer::steering_vector out{.name = name};
  for (const auto& [layer, numbers] : values) {
    out.directions[layer].values = numbers;
  }
  return out;
}

/// Every rule says something, and nothing is protected.
steer::policy_document strict() {
  steer::policy_document out;
  out.model = toy::shape(12, 3);
  out.model.name = "caf\xC3\xA9 7B";
  out.model.fingerprint = "gguf:a/1";
  out.model.streams = 4;
  out.model.head_width = 5;
  out.model.heads = 6;
  out.model.points = {point::residual_in, point::residual_out, point::attention_heads};
  out.model.facts = {steer::row_fact::token, steer::row_fact::prompt_length};
  out.rules = {.name = "house rules",
               .fingerprints = std::set<std::string>{"gguf:a/1", "gguf:a/2", "gguf:b"},
               .operations = std::set<std::string>{"add", "ablate"},
               .points = std::set<point>{point::residual_out, point::attention_heads},
               .layers = std::set<int>{0, 3, 11},
               .row_norms = {{{0, point::residual_out}, 3.5}, {{11, point::residual_out}, 1e-30}, {{3, point::attention_heads}, 0.1}},
               .most_layer_dose = 0.3,
               .most_total_dose = 1.5,
               .readouts = {{"anger", 0.25}, {"refusal \"x\"", 0.0}},
               .trusted_keys = std::set<std::string>{"RWRyAASila4AmK4rJNlAnX+A/i6M23bfonLT9xKcc6JEdR7wxdW5+RRq", "another"},
               .least_versions = {{"terse", 3}, {"kind", 2147483647}},
               .least_dose = -0.5,
               .most_dose = 1.1,
               .base = steer::policy::base_preset::may_be_left};
  return out;
}

/// A policy beside the vectors that span what it protects.
struct folder {
  std::filesystem::path path;

  folder() {
    std::random_device entropy;
    path = std::filesystem::temp_directory_path() / ("steer_policy_" + std::to_string(entropy()) + std::to_string(entropy()));
    std::filesystem::create_directory(path);
  }
  folder(const folder&) = delete;
  folder& operator=(const folder&) = delete;
  ~folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }

  /// Writes a file; returns its digest.
  std::string write(const std::string& name, const std::string& content) const {
    std::ofstream(path / name, std::ios::binary) << content;
    return sha256_of(content);
  }
};

steer::steering_vector refusal() { return vector_of("refusal", {{3, Eigen::Vector3f(0.0F, 3.0F, 4.0F)}, {5, Eigen::Vector3f(1.0F, 0.0F, 0.0F)}}); }
steer::steering_vector harm() { return vector_of("harm", {{3, Eigen::Vector3f(2.0F, 3.0F, 4.0F)}, {7, Eigen::Vector3f(1.0F, 0.0F, 0.0F)}}); }

/// Two subspaces, of one file and of two.
steer::policy_document protective(const folder& at) {
  steer::policy_document out = strict();
  const std::string first = at.write("refusal.safetensors", steering_vector_bytes(refusal()));
  const std::string second = at.write("harm.safetensors", steering_vector_bytes(harm()));
  out.rules.protects = {steer::subspace_of({refusal()}, {.name = "one", .most_share = 0.25, .most_dose = 0.0}),
                        steer::subspace_of({harm(), refusal()}, {.name = "both", .most_share = 1.0, .most_dose = 0.5, .how = steer::protection::project_out})};
  out.files = {{"one", {{"refusal.safetensors", first}}}, {"both", {{"refusal.safetensors", first}, {"harm.safetensors", second}}}};
  return out;
}

void expect_equal(const steer::model_shape& a, const steer::model_shape& b) {
  EXPECT_EQ(a.name, b.name);
  EXPECT_EQ(a.fingerprint, b.fingerprint);
  EXPECT_EQ(a.layers, b.layers);
  EXPECT_EQ(a.width, b.width);
  EXPECT_EQ(a.streams, b.streams);
  EXPECT_EQ(a.head_width, b.head_width);
  EXPECT_EQ(a.heads, b.heads);
  EXPECT_EQ(a.points, b.points);
  EXPECT_EQ(a.facts, b.facts);
}

void expect_equal(const steer::policy& a, const steer::policy& b) {
  EXPECT_EQ(a.name, b.name);
  EXPECT_EQ(a.fingerprints, b.fingerprints);
  EXPECT_EQ(a.operations, b.operations);
  EXPECT_EQ(a.points, b.points);
  EXPECT_EQ(a.layers, b.layers);
  EXPECT_EQ(a.row_norms, b.row_norms);
  EXPECT_EQ(a.most_layer_dose, b.most_layer_dose);
  EXPECT_EQ(a.most_total_dose, b.most_total_dose);
  EXPECT_EQ(a.readouts, b.readouts);
  EXPECT_EQ(a.trusted_keys, b.trusted_keys);
  EXPECT_EQ(a.least_versions, b.least_versions);
  EXPECT_EQ(a.least_dose, b.least_dose);
  EXPECT_EQ(a.most_dose, b.most_dose);
  EXPECT_EQ(a.base, b.base);
  ASSERT_EQ(a.protects.size(), b.protects.size());
  for (std::size_t i = 0; i < a.protects.size(); ++i) {
    EXPECT_EQ(a.protects[i].name, b.protects[i].name);
    EXPECT_EQ(a.protects[i].point, b.protects[i].point);
    EXPECT_EQ(a.protects[i].most_share, b.protects[i].most_share);
    EXPECT_EQ(a.protects[i].most_dose, b.protects[i].most_dose);
    EXPECT_EQ(a.protects[i].how, b.protects[i].how);
    ASSERT_EQ(a.protects[i].bases.size(), b.protects[i].bases.size());
    for (const auto& [layer, basis] : a.protects[i].bases) {
      ASSERT_TRUE(b.protects[i].bases.contains(layer));
      // The same span: files are read in the order of their names.
      const steer::matrix<double>& other = b.protects[i].bases.at(layer);
      EXPECT_LT((basis.transpose() * basis - other.transpose() * other).cwiseAbs().maxCoeff(), 1e-12) << layer;
    }
  }
}

steer::policy_document parsed(const std::string& written, const std::filesystem::path& at = "/nowhere") {
  return steer::parse_policy(bytes(written), "rules.json", at);
}

TEST(policy_file, gives_every_rule_back_as_it_was) {
  const steer::policy_document all = strict();
  const std::string written = policy_json(all);
  const steer::policy_document again = parsed(written);
  expect_equal(again.rules, all.rules);
  expect_equal(again.model, all.model);
  EXPECT_EQ(policy_json(again), written);
  const temporary_file file(".json");
  save(all, file.path());
  EXPECT_EQ(file.content(), written);
  expect_equal(steer::load_policy(file.path()).rules, all.rules);
}

TEST(policy_file, any_allows_everything_and_an_empty_list_nothing) {
  const steer::policy_document open;
  const std::string written = policy_json(open);
  for (const std::string rule : {"siblings", "operations", "points", "layers", "most_layer_dose", "most_total_dose", "trusted_keys"}) {
    EXPECT_EQ(nlohmann::json::parse(written).at(rule), "any") << rule;
  }
  expect_equal(parsed(written).rules, open.rules);
  expect_equal(parsed(written).model, open.model);
  steer::policy_document closed = open;
  closed.model.fingerprint = "gguf:a";
  closed.rules.fingerprints = {"gguf:a"};
  closed.rules.operations.emplace();
  closed.rules.points.emplace();
  closed.rules.layers.emplace();
  closed.rules.trusted_keys.emplace();
  const steer::policy_document again = parsed(policy_json(closed));
  expect_equal(again.rules, closed.rules);
  EXPECT_TRUE(again.rules.operations && again.rules.points && again.rules.layers && again.rules.trusted_keys);
}

TEST(policy_file, reads_the_vectors_that_span_what_it_protects) {
  const folder at;
  const steer::policy_document all = protective(at);
  save(all, at.path / "rules.json");
  const steer::policy_document again = steer::load_policy(at.path / "rules.json");
  expect_equal(again.rules, all.rules);
  EXPECT_EQ(again.files, all.files);
  EXPECT_EQ(policy_json(again), policy_json(all));
  const auto& one = again.rules.protects[0].bases;
  EXPECT_EQ(one.size(), 2U);
  EXPECT_LT((one.at(3) - Eigen::RowVector3d(0.0, 0.6, 0.8)).norm(), 1e-12);
  const auto& both = again.rules.protects[1].bases;
  ASSERT_EQ(both.size(), 1U) << "the layers that both have";
  EXPECT_EQ(both.at(3).rows(), 2);
  EXPECT_LT((both.at(3) * Eigen::Vector3d(0.0, 4.0, -3.0)).norm(), 1e-12);
  EXPECT_NEAR((both.at(3) * Eigen::Vector3d(1.0, 0.0, 0.0)).norm(), 1.0, 1e-12);
  const std::filesystem::path before = std::filesystem::current_path();
  std::filesystem::current_path(at.path);
  EXPECT_NO_THROW(steer::load_policy("rules.json"));
  std::filesystem::current_path(before);
}

TEST(policy_file, the_models_own_fingerprint_need_not_stand_among_its_siblings) {
  nlohmann::json about = nlohmann::json::parse(policy_json(strict()));
  EXPECT_EQ(about["siblings"], (std::vector<std::string>{"gguf:a/2", "gguf:b"}));
  about["siblings"] = nlohmann::json::array();
  EXPECT_EQ(parsed(about.dump()).rules.fingerprints, std::set<std::string>{"gguf:a/1"});
  about["siblings"] = {"gguf:a/1"};
  EXPECT_EQ(parsed(about.dump()).rules.fingerprints, std::set<std::string>{"gguf:a/1"});
}

TEST(policy_file, refuses_what_is_missing_unknown_or_of_another_type_by_its_name) {
  const folder at;
  const nlohmann::json sound = nlohmann::json::parse(policy_json(protective(at)));
  const auto refuse = [&](const std::function<void(nlohmann::json&)>& spoil, const auto&... parts) {
    nlohmann::json about = sound;
    spoil(about);
    const std::string bad = about.dump();
    expect_error<steer::format_error>([&] { parsed(bad, at.path); }, "policy: file rules.json", parts...);
  };
  ASSERT_NO_THROW(parsed(sound.dump(), at.path));
  const auto pointer = [](const std::string& path) { return nlohmann::json::json_pointer(path); };
  // Every key of every object that is no map of the author's.
  for (const std::string object : {"", "/model", "/protects/0", "/protects/1"}) {
    for (const auto& [key, value] : sound.at(pointer(object)).items()) {
      const std::string name = key;
      refuse([&](auto& a) { a.at(pointer(object)).erase(name); }, "'" + name + "' not found");
      refuse([&](auto& a) { a.at(pointer(object))[name] = nullptr; }, name == "format" ? "version" : name, "null");
      refuse([&](auto& a) { a.at(pointer(object))[name] = true; }, name == "format" ? "version" : name);
      if (name != "files" && name != "model" && name != "row_norms" && name != "readouts" && name != "least_versions") {
        refuse([&](auto& a) { a.at(pointer(object))[name] = nlohmann::json::object(); }, name == "format" ? "version" : name);
      }
      if (name != "name" && name != "fingerprint") {
        refuse([&](auto& a) { a.at(pointer(object))[name] = "some"; }, name == "format" ? "version" : name);
      }
    }
    refuse([&](auto& a) { a.at(pointer(object))["more"] = 1; }, "the unknown key \"more\"");
  }
  for (const std::string list : {"siblings", "operations", "points", "layers", "protects", "trusted_keys", "request_doses"}) {
    refuse([&](auto& a) { a[list] = {nullptr}; }, list == "protects" ? "a JSON object" : list, "null");
    refuse([&](auto& a) { a[list] = "Any"; }, list);
  }
  for (const std::string list : {"points", "facts"}) {
    refuse([&](auto& a) { a["model"][list] = {nullptr}; }, "model", list, "null");
    refuse([&](auto& a) { a["model"][list] = "any"; }, "model, " + list);
    refuse([&](auto& a) { a["model"][list] = {"nothing"}; }, "model, " + list, "\"nothing\"");
    refuse([&](auto& a) { a["model"][list].push_back(a["model"][list][0]); }, "model, " + list, "stands twice");
  }
  for (const std::string list : {"siblings", "operations", "points", "layers", "trusted_keys"}) {
    refuse([&](auto& a) { a[list].push_back(a[list][0]); }, list, "stands twice");
  }
}

TEST(policy_file, refuses_values_without_meaning_by_place) {
  const folder at;
  const nlohmann::json sound = nlohmann::json::parse(policy_json(protective(at)));
  const auto refuse = [&](const std::function<void(nlohmann::json&)>& spoil, const auto&... parts) {
    nlohmann::json about = sound;
    spoil(about);
    const std::string bad = about.dump();
    expect_error<steer::format_error>([&] { parsed(bad, at.path); }, "policy: file rules.json", parts...);
  };
  refuse([](auto& a) { a["format"] = 2; }, "has version 2", "expected 1");
  refuse([](auto& a) { a["model"]["fingerprint"] = ""; }, "siblings", "the model has no fingerprint");
  refuse([](auto& a) { a["operations"] = {"add", "explode"}; }, "\"explode\"", "some of");
  refuse([](auto& a) { a["operations"] = {"any"}; }, "\"any\"");
  refuse([](auto& a) { a["points"] = {"residual out"}; }, "points", "\"residual out\"");
  refuse([](auto& a) { a["layers"] = {-1}; }, "layers -1");
  refuse([](auto& a) { a["layers"] = {2.5}; }, "layers 2.5");
  refuse([](auto& a) { a["layers"] = {4294967296}; }, "layers 4294967296");
  refuse([](auto& a) { a["row_norms"]["mlp"]["0"] = 1.0; }, "row_norms", "\"mlp\"");
  refuse([](auto& a) { a["row_norms"]["residual_out"]["01"] = 1.0; }, "row_norms", "\"01\"");
  refuse([](auto& a) { a["row_norms"]["residual_out"]["0"] = 0.0; }, "row norm at layer 0 residual_out is 0");
  refuse([](auto& a) { a["row_norms"]["residual_out"]["0"] = "1"; }, "row_norms \"1\"");
  refuse([](auto& a) { a["row_norms"]["residual_out"] = 1.0; }, "row_norms", "expected an object");
  refuse([](auto& a) { a["row_norms"] = nlohmann::json::object(); }, "no row norms");
  refuse([](auto& a) { a["most_layer_dose"] = -0.1; }, "the most dose of a layer is -0.1");
  refuse([](auto& a) { a["most_total_dose"] = -0.1; }, "the most dose in sum is -0.1");
  refuse([](auto& a) { a["readouts"]["anger"] = -1.0; }, "readout \"anger\"", "-1");
  refuse([](auto& a) { a["readouts"]["anger"] = "any"; }, "readouts \"any\"");
  refuse([](auto& a) { a["least_versions"]["terse"] = 0; }, "\"terse\" is 0");
  refuse([](auto& a) { a["least_versions"]["terse"] = 2.5; }, "least_versions 2.5");
  refuse([](auto& a) { a["request_doses"] = {1.0}; }, "request_doses of 1 numbers");
  refuse([](auto& a) { a["request_doses"] = {1.0, 0.5}; }, "from 1 to 0.5");
  refuse([](auto& a) { a["base"] = "sometimes"; }, "base", "\"sometimes\"", "always or may_be_left");
  for (const std::string size : {"layers", "width", "streams", "head_width", "heads"}) {
    refuse([&](auto& a) { a["model"][size] = -1; }, "model", size + " -1");
    refuse([&](auto& a) { a["model"][size] = 1.5; }, "model", size + " 1.5");
    refuse([&](auto& a) { a["model"][size] = 1000001; }, "model", size, "1000001");
  }
  refuse([](auto& a) { a["protects"][0]["name"] = ""; }, "has no name");
  refuse([](auto& a) { a["protects"][0]["name"] = "both"; }, "\"both\" twice");
  refuse([](auto& a) { a["protects"][0]["most_share"] = 1.5; }, "protected \"one\"", "1.5", "0 to 1");
  refuse([](auto& a) { a["protects"][0]["most_dose"] = -0.5; }, "protected \"one\"", "-0.5");
  refuse([](auto& a) { a["protects"][0]["how"] = "project"; }, "how", "\"project\"", "refuse or project_out");
}

TEST(policy_file, refuses_what_is_no_json_and_keys_that_stand_twice) {
  const std::string written = policy_json(strict());
  const auto refuse = [&](const std::string& find, const std::string& replace, const auto&... parts) {
    std::string bad = written;
    const std::size_t place = bad.find(find);
    ASSERT_NE(place, std::string::npos) << find;
    bad.replace(place, find.size(), replace);
    expect_error<steer::format_error>([&] { parsed(bad); }, "policy: file rules.json", parts...);
  };
  refuse("\"most_layer_dose\"", "\"most_layer_dose\": \"any\", \"most_layer_dose\"", "\"most_layer_dose\" twice");
  refuse("\"terse\"", "\"terse\": 9, \"terse\"", "\"terse\" twice");
  refuse("\"width\"", "\"width\": 3, \"width\"", "\"width\" twice");
  refuse("\"format\"", "format", "no valid JSON");
  refuse("{", "[{", "no JSON object");
  refuse("0.3", "1e999", "no valid JSON", "1e999");
  refuse("0.3", "NaN", "no valid JSON");
  for (std::size_t length = 0; length + 2 < written.size(); ++length) {
    ASSERT_THROW(parsed(written.substr(0, length)), steer::format_error) << length;
  }
  expect_error<steer::format_error>([&] { parsed(written + "{}"); }, "no valid JSON");
  expect_error<steer::file_error>([] { steer::load_policy("/nowhere/rules.json"); }, "/nowhere/rules.json");
}

TEST(policy_file, refuses_files_that_are_not_those_that_it_names) {
  const folder at;
  const nlohmann::json sound = nlohmann::json::parse(policy_json(protective(at)));
  const auto parse = [&](const std::function<void(nlohmann::json&)>& change) {
    nlohmann::json about = sound;
    change(about["protects"][0]["files"]);
    parsed(about.dump(), at.path);
  };
  const auto refuse = [&](const std::function<void(nlohmann::json&)>& change, const auto&... parts) {
    expect_error<steer::format_error>([&] { parse(change); }, parts...);
  };
  const std::string digest = sound["protects"][0]["files"]["refusal.safetensors"];
  const std::string wrong = (digest[0] == '0' ? "1" : "0") + digest.substr(1);
  refuse([&](auto& f) { f["refusal.safetensors"] = wrong; }, "policy: file rules.json, protects \"one\": file refusal.safetensors has the SHA-256 " + digest,
         "expected " + wrong);
  refuse([&](auto& f) { f["refusal.safetensors"] = digest.substr(1); }, "has the SHA-256 " + digest);
  refuse([&](auto& f) { f["refusal.safetensors"] = ""; }, "has the SHA-256 " + digest);
  refuse([&](auto& f) { f["refusal.safetensors"] = 7; }, "has the SHA-256 " + digest, "expected 7");
  using namespace std::string_literals;
  std::filesystem::create_directory(at.path / "in");
  std::filesystem::copy_file(at.path / "refusal.safetensors", at.path / "in" / "refusal.safetensors");
  for (const std::string& name : {"in/refusal.safetensors"s, "../refusal.safetensors"s, "./refusal.safetensors"s,
                                  (at.path / "refusal.safetensors").string(), "in/"s, "."s,
                                  ".."s, "/"s, ""s}) {
    refuse([&](auto& f) { f = {{name, digest}}; }, "protects \"one\": names the file \"" + name + "\"", "a file beside the policy");
  }
  refuse([&](auto& f) { f = {{"refusal.safetensors\0x"s, digest}}; }, "protects \"one\": names the file \"refusal.safetensors");
  refuse([](auto& f) { f = nlohmann::json::object(); }, "protected \"one\" is spanned by no vector");
  expect_error<steer::file_error>([&] { parse([&](auto& f) { f = {{"lost.safetensors", digest}}; }); }, "lost.safetensors", "does not exist");
  expect_error<steer::file_error>([&] { parse([&](auto& f) { f = {{"in", digest}}; }); }, "is a directory");
  const std::string junk = at.write("junk.safetensors", "no vector");
  refuse([&](auto& f) { f = {{"junk.safetensors", junk}}; }, "junk.safetensors");
  const std::string wide = at.write("wide.safetensors", steering_vector_bytes(vector_of("wide", {{3, Eigen::VectorXf::Ones(4)}})));
  refuse([&](auto& f) { f["wide.safetensors"] = wide; }, "policy: file rules.json", "protects \"one\": file wide.safetensors has width 4",
         "expected 3 as the model has");
  const std::string late = at.write("late.safetensors", steering_vector_bytes(vector_of("late", {{3, Eigen::Vector3f::Ones()}, {99, Eigen::Vector3f::Ones()}})));
  refuse([&](auto& f) { f["late.safetensors"] = late; }, "protects \"one\": file late.safetensors: layer 99 does not exist");
  steer::steering_vector other = vector_of("other", {{3, Eigen::Vector3f::Ones()}});
  other.source.fingerprint = "gguf:other";
  const std::string others = at.write("others.safetensors", steering_vector_bytes(other));
  refuse([&](auto& f) { f["others.safetensors"] = others; }, "file others.safetensors was measured on a model with the fingerprint gguf:other");
  const std::string same = at.write("same.safetensors", steering_vector_bytes(2.0 * refusal()));
  refuse([&](auto& f) { f["same.safetensors"] = same; }, "protected \"one\", layer 3: its vectors are dependent");
  // What lies there was exchanged after the policy was written.
  at.write("refusal.safetensors", steering_vector_bytes(harm()));
  refuse([](auto&) {}, "file refusal.safetensors has the SHA-256", "expected " + digest);
}

TEST(policy_file, refuses_to_write_what_it_would_not_read) {
  const folder at;
  const auto refuse = [&](const std::function<void(steer::policy_document&)>& spoil, const auto&... parts) {
    steer::policy_document p = protective(at);
    spoil(p);
    expect_error<steer::argument_error>([&] { save(p, at.path / "rules.json"); }, "policy \"house rules\"", parts...);
  };
  refuse([](auto& p) { p.files.erase("one"); }, "protected \"one\" is in no file");
  refuse([](auto& p) { p.files["one"].clear(); }, "protected \"one\" is in no file");
  refuse([](auto& p) { p.files["more"] = p.files["one"]; }, "files of 3 protected subspaces; expected 2");
  refuse([](auto& p) { p.files["one"]["../refusal.safetensors"] = "0"; }, "\"../refusal.safetensors\"", "beside the policy");
  refuse([](auto& p) { p.rules.fingerprints->erase("gguf:a/1"); }, "its own model's fingerprint, gguf:a/1");
  refuse([](auto& p) { p.model.fingerprint = ""; }, "own model's fingerprint");
  refuse(
      [](auto& p) {
        p.model.fingerprint = "";
        p.rules.fingerprints->insert("");
      },
      "a model with none");
  refuse([](auto& p) { p.model.width = -1; }, "width -1", "0 to 1000000");
  refuse([](auto& p) { p.model.layers = 1000001; }, "layers 1000001");
  refuse([](auto& p) { p.rules.operations->insert("explode"); }, "\"explode\"");
  steer::policy_document p = strict();
  p.rules.most_total_dose = std::numeric_limits<double>::infinity();
  expect_error<steer::numeric_error>([&] { save(p, at.path / "rules.json"); }, "the most dose in sum is inf");
  p = strict();
  p.model.name = "\xFF";
  expect_error<steer::format_error>([&] { save(p, at.path / "rules.json"); }, "no UTF-8");
  EXPECT_FALSE(std::filesystem::exists(at.path / "rules.json"));
}

TEST(subspace_of, is_spanned_at_each_layer_that_all_vectors_have) {
  std::mt19937_64 engine(4);
  for (int round = 0; round < 20; ++round) {
    std::vector<steer::steering_vector> vectors;
    const std::size_t k = 1 + engine() % 4;
    for (std::size_t i = 0; i < k; ++i) {
      vectors.push_back(toy::random_vector(engine, {1, 2, static_cast<int>(4 + i)}, 7));
      vectors.back().point = point::mlp_out;
    }
    const steer::protected_subspace made =
        steer::subspace_of(vectors, {.name = "some", .most_share = 0.5, .most_dose = 0.75, .how = steer::protection::project_out});
    EXPECT_EQ(made.name, "some");
    EXPECT_EQ(made.point, point::mlp_out);
    EXPECT_EQ(made.most_share, 0.5);
    EXPECT_EQ(made.most_dose, 0.75);
    EXPECT_EQ(made.how, steer::protection::project_out);
    ASSERT_EQ(made.bases.size(), k == 1 ? 3U : 2U);
    for (const int layer : {1, 2}) {
      const steer::matrix<double>& basis = made.bases.at(layer);
      ASSERT_EQ(basis.rows(), static_cast<Eigen::Index>(k));
      EXPECT_LT((basis * basis.transpose() - Eigen::MatrixXd::Identity(basis.rows(), basis.rows())).cwiseAbs().maxCoeff(), 1e-12);
      for (const steer::steering_vector& v : vectors) {
        const Eigen::VectorXd values = v.directions.at(layer).values.cast<double>();
        EXPECT_LT((values - basis.transpose() * (basis * values)).norm(), 1e-9 * values.norm());
      }
    }
    EXPECT_NO_THROW(check(steer::policy{.row_norms = {{{1, point::mlp_out}, 1.0}}, .protects = {made}}));
  }
}

TEST(subspace_of, refuses_by_message) {
  const auto refuse = [](auto kind, const std::vector<steer::steering_vector>& vectors, const auto&... parts) {
    expect_error<decltype(kind)>([&] { steer::subspace_of(vectors, {.name = "some"}); }, "protected \"some\"", parts...);
  };
  const steer::argument_error argument("");
  refuse(argument, {}, "spanned by no vector", "at least one");
  steer::steering_vector other = harm();
  other.point = point::mlp_out;
  refuse(argument, {refusal(), other}, "\"harm\" belongs to mlp_out; expected residual_out");
  refuse(argument, {refusal(), vector_of("late", {{9, Eigen::Vector3f::Ones()}})}, "share no layer");
  refuse(steer::shape_error(""), {refusal(), vector_of("wide", {{3, Eigen::VectorXf::Ones(4)}})}, "\"wide\" has width 4; expected 3");
  const steer::numeric_error numeric("");
  refuse(numeric, {refusal(), -refusal()}, "layer 3: its vectors are dependent", "as many dimensions");
  refuse(numeric, {refusal(), harm(), vector_of("x", {{3, Eigen::Vector3f(1.0F, 0.0F, 0.0F)}})}, "layer 3: its vectors are dependent");
  expect_error<steer::error>([] { steer::subspace_of({steer::steering_vector{.name = "empty"}}, {.name = "some"}); }, "\"empty\"");
  expect_error<steer::numeric_error>([] { steer::subspace_of({vector_of("nought", {{3, Eigen::Vector3f::Zero()}})}, {.name = "some"}); }, "\"nought\"");
}

}  // namespace
