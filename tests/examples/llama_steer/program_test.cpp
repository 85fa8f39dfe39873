// The program itself: what it says, and with which status it ends.
#include <gtest/gtest.h>

#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include "steer/guard/policy_file.hpp"
#include "steer/io/recipe_file.hpp"
#include "temporary_file.hpp"

namespace {

std::string fixture(const std::string& name) {
  return (std::filesystem::path{STEER_SOURCE_DIR} / "tests/io/fixtures" / name).string();
}

struct ending {
  int status;
  std::string said;
};

ending run(const std::vector<std::string>& arguments) {
  std::string command = "'" STEER_LLAMA_STEER "'";
  for (const std::string& each : arguments) {
    command += " '" + each + "'";
  }
  std::FILE* const out = popen((command + " 2>&1 </dev/null").c_str(), "r");
  ending result{-1, {}};
  std::array<char, 4096> part{};
  for (std::size_t n = 0; (n = std::fread(part.data(), 1, part.size(), out)) > 0;) {
    result.said.append(part.data(), n);
  }
  const int status = pclose(out);
  result.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return result;
}

void expect(const std::vector<std::string>& arguments, int status, const std::vector<std::string>& parts) {
  const ending was = run(arguments);
  std::string shown;
  for (const std::string& each : arguments) {
    shown += each + " ";
  }
  EXPECT_EQ(was.status, status) << shown << "\n" << was.said;
  for (const std::string& part : parts) {
    EXPECT_NE(was.said.find(part), std::string::npos) << shown << "\n" << was.said << "\nlacks: " << part;
  }
}

TEST(LlamaSteerProgram, EndsWith0WhereAllIsWell) {
  expect({"--version"}, 0, {"0.1.0"});
  expect({"--help"}, 0, {"extract", "sweep", "compose", "chat", "inspect", "convert", "preset", "audit"});
  expect({"inspect", fixture("repeng.gguf")}, 0, {"control vector"});
  expect({"inspect", fixture("by_layer.pt"), "--point", "residual_out"}, 0, {"PyTorch"});
  expect({"chat", "--model", STEER_LLAMA_MODEL, "--vector", fixture("repeng.gguf"), "--help"}, 0, {"--until-token"});
}

TEST(LlamaSteerProgram, PresetsAreSignedAndHeldAgainstAPolicy) {
  const temporary_file folder;
  std::filesystem::create_directory(folder.path());
  const auto at = [&](const char* name) { return (folder.path() / name).string(); };
  expect({"preset", "keys", "--out", at("operator")}, 0, {"operator.key, not encrypted", "operator.pub: key "});
  expect({"preset", "keys", "--out", at("operator")}, 1, {"llama_steer: ", "is there already"});
  expect({"preset", "policy", "--model", STEER_LLAMA_MODEL, "--name", "strict", "--layers", "10-20", "--layer-dose", "0.1", "--trust", at("operator.pub"),
          "--out", at("policy.json")},
         0, {"policy \"strict\" for ", "--operations        any", "--layers            10-20", "5 points of 30 layers", "wrote "});
  const steer::policy_document policy = steer::load_policy(at("policy.json"));
  steer::steering_vector v;
  v.name = "brief";
  v.source.fingerprint = policy.model.fingerprint;
  v.directions[12].values = Eigen::VectorXf::Constant(policy.model.width, 1.0F);
  v.directions[12].row_norm = policy.rules.row_norms.at({12, steer::point::residual_out});
  steer::documented_recipe recipe;
  recipe.recipe.add(v, {.strength = 0.05F, .unit = steer::strength_unit::of_row_norm, .cap = 1.0F});
  steer::save(recipe, at("recipe.safetensors"));
  const std::vector<std::string> make{"preset", "make", at("recipe.safetensors"), "--name", "brief", "--version", "1", "--policy", at("policy.json")};
  const auto with = [](std::vector<std::string> all, const std::vector<std::string>& more) {
    all.insert(all.end(), more.begin(), more.end());
    return all;
  };
  expect(with(make, {"--out", at("brief.safetensors"), "--audit", at("trail.jsonl")}), 0, {"brief@1, digest "});
  expect({"preset", "check", at("brief.safetensors"), "--policy", at("policy.json")}, 1, {"refused", "not signed"});
  expect({"preset", "sign", at("brief.safetensors"), "--key", at("operator.key")}, 0, {"brief@1 by key "});
  expect({"preset", "check", at("brief.safetensors"), "--policy", at("policy.json")}, 0, {"accepted brief@1"});
  expect({"preset", "verify", at("brief.safetensors"), "--policy", at("policy.json")}, 0, {"signed by key "});
  expect({"preset", "verify", at("policy.json"), "--trust", at("operator.pub")}, 1, {"refused", "not signed"});
  expect({"preset", "list", folder.path(), "--policy", at("policy.json")}, 0, {"brief@1", "recipe.safetensors"});
  recipe.recipe.add(v, {.strength = 0.2F, .unit = steer::strength_unit::of_row_norm, .cap = 1.0F});
  steer::save(recipe, at("recipe.safetensors"));
  expect(with(make, {"--out", at("loud.safetensors"), "--audit", at("trail.jsonl"), "--who", "alice"}), 1,
         {"llama_steer: preset brief@1 is refused by policy \"strict\":", "layer_dose: at layer 12"});
  EXPECT_FALSE(std::filesystem::exists(at("loud.safetensors")));
  expect({"audit", at("trail.jsonl"), "--show"}, 0, {"made  brief@1", "alice  refused  brief@1", "lines  2"});
  expect({"audit", at("trail.jsonl"), "--head", "9:" + std::string(64, '0')}, 1, {"has 2 lines", "its end was cut off"});
  expect({"preset", "chek"}, 1, {"chek is no command of preset; did you mean check?"});
  expect({"preset"}, 106, {"A subcommand is required"});
  std::filesystem::remove_all(folder.path());
}

TEST(LlamaSteerProgram, EndsWithAnErrorThatNamesTheFault) {
  const temporary_file pointer(".gguf", "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n");
  const temporary_file empty(".gguf", "");
  const temporary_file page(".gguf", "<!DOCTYPE html>");
  const temporary_file blank(".txt", "\n");
  const temporary_file three(".txt", "a\nb\nc\n");
  const temporary_file bad(".txt", "a\n\xFF\n");
  const temporary_file messages(".json", R"([[[{"role": "tool", "content": "a"}], "b"]])");
  const std::string model = STEER_LLAMA_MODEL;
  const auto path = [](const temporary_file& file) { return file.path().string(); };
  const auto refuse = [](const std::vector<std::string>& arguments, const std::vector<std::string>& parts) {
    std::vector<std::string> all = parts;
    all.emplace_back("llama_steer: ");
    expect(arguments, 1, all);
  };
  refuse({"inspect", path(pointer)}, {"is a Git LFS pointer", "`git lfs pull`"});
  refuse({"inspect", path(empty)}, {"is empty"});
  refuse({"inspect", path(page)}, {"is a web page"});
  refuse({"convert", fixture("repeng.gguf"), "v.npy"}, {"say who made it"});
  refuse({"convert", fixture("program.pt"), "v.npy", "--point", "residual_out"}, {"program.pt"});
  refuse({"convert", fixture("repeng.gguf"), "v.npy", "--point", "mlp_out", "--producer", "repeng"}, {"--point has no effect"});
  refuse({"inspect", fixture("repeng.gguf"), "--producers", "repeng"}, {"--producers is no option of inspect; did you mean --producer?"});
  refuse({"insect", fixture("repeng.gguf")}, {"insect is no command; did you mean inspect?"});
  refuse({"extract", "--model", model, "--positive", path(three), "--negative", path(blank)}, {"has no lines"});
  refuse({"extract", "--model", model, "--positive", path(three), "--negative", path(bad)}, {"line 2, byte 1", "UTF-8"});
  refuse({"extract", "--model", model, "--pairs", path(messages)}, {"pair 1", "has the role tool"});
  refuse({"extract", "--model", model, "--tokens-read", "answer"}, {"positive text 1 has no answer"});
  refuse({"sweep", "--model", model, "--strengths", "0,,1"}, {"--strengths \"\""});
  refuse({"sweep", "--model", model, "--positive", path(three), "--negative", path(three), "--vector", fixture("repeng.gguf")},
         {"--positive has no effect beside --vector"});
  refuse({"chat", "--model", model, "--unit", "raw", "--cap", "2"}, {"--cap has no effect with --unit raw"});
  refuse({"chat", "--model", model, "--vector", fixture("repeng.gguf")}, {"say who made it"});
  refuse({"chat", "--model", path(empty), "--vector", fixture("repeng.gguf"), "--producer", "repeng"}, {path(empty)});
  refuse({"chat", "--model", model, "--vector", fixture("repeng.gguf"), "--producer", "repeng"}, {"width"});
  refuse({"chat", "--model", model, "--template", "nobody-has-it"}, {"the chat template is none of", "chatml"});
  refuse({"chat", "--model", model, "--layers", "15", "--inside", "<think>", "</think>"}, {"think>\" is plain text"});
  expect({"chat"}, 106, {"--model is required"});
  EXPECT_FALSE(std::filesystem::exists("v.npy"));
}

}  // namespace
