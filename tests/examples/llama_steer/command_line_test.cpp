#include "llama_steer/command_line.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "expect_error.hpp"
#include "llama_steer/compose_recipes.hpp"
#include "temporary_file.hpp"

namespace {

using llama_steer::command_line;

/// A file that exists, for whatever an option names.
const std::string& some_file() {
  static const std::string path = std::filesystem::path(STEER_SOURCE_DIR) / "tests/io/fixtures/repeng.gguf";
  return path;
}

/// What each command cannot do without.
std::vector<std::string> least_of(const std::string& command) {
  static const std::string folder = std::filesystem::path(some_file()).parent_path();
  static const std::map<std::string, std::vector<std::string>> others{
      {"inspect", {"inspect", some_file()}},
      {"audit", {"audit", some_file()}},
      {"preset policy", {"preset", "policy", "--model", some_file()}},
      {"preset make", {"preset", "make", some_file(), "--name", "terse", "--version", "1", "--policy", some_file(), "--out", "p.safetensors"}},
      {"preset check", {"preset", "check", some_file(), "--policy", some_file()}},
      {"preset list", {"preset", "list", folder, "--policy", some_file()}},
      {"preset keys", {"preset", "keys", "--out", "k"}},
      {"preset sign", {"preset", "sign", some_file(), "--key", some_file()}},
      {"preset verify", {"preset", "verify", some_file()}},
  };
  if (const auto found = others.find(command); found != others.end()) {
    return found->second;
  }
  if (command == "report") {
    return {command, "--model", some_file(), "--recipe", some_file()};
  }
  if (command == "fit") {
    return {command, "--model", some_file(), "--instruction", "Be brief."};
  }
  return command == "convert" ? std::vector<std::string>{command, some_file(), "out.glp"}
                              : std::vector<std::string>{command, "--model", some_file()};
}

void parse(std::vector<std::string> arguments, const std::vector<std::string>& more = {}) {
  arguments.insert(arguments.end(), more.begin(), more.end());
  command_line().parse(arguments);
}

/// One row for each option of each command: what it is given, with what it has no effect, and the message. `with`
/// empty: there is no such thing, or it takes a look at a file (`vector_file.refuses_what_has_no_effect`,
/// `convert.refuses_what_has_no_effect`).
struct row {
  std::set<std::string> commands;
  std::vector<std::string> given;
  std::vector<std::string> with = {};
  bool idle_alone = false;
  std::string message = {};
};

const std::vector<row>& table() {
  const std::set<std::string> subjects{"sweep", "chat"};
  const std::set<std::string> files{"sweep", "chat", "compose"};
  const std::set<std::string> texts{"extract", "sweep", "chat"};
  const std::vector<std::string> vector{"--vector", some_file()};
  const std::set<std::string> trails{"preset make", "preset check", "preset list", "preset sign", "preset verify"};
  const std::string beside = "has no effect beside --vector: no vector is read from texts";
  const std::string without = "has no effect without --vector: it is of a file";
  static const std::vector<row> all{
      {{"extract", "fit", "report", "sweep", "chat", "compose"}, {"--model", some_file()}},
      {{"extract", "fit", "report", "sweep", "chat", "compose"}, {"--threads", "2"}},
      {{"extract", "fit", "report", "sweep", "chat", "compose"}, {"--no-template"}},
      {{"extract", "fit", "report", "sweep", "chat", "compose"},
       {"--template", "chatml"},
       {"--no-template"},
       false,
       "--template has no effect beside --no-template"},
      {{"extract", "fit", "report", "sweep", "chat", "compose"},
       {"--parse-special"},
       {},
       true,
       "--parse-special has no effect without --no-template"},
      {{"extract", "fit", "report", "sweep", "chat", "compose"},
       {"--frame", "Question: {}"},
       {},
       true,
       "--frame has no effect without --no-template"},
      {{"extract", "fit", "report", "sweep", "chat", "compose"}, {"--escape"}},
      {texts, {"--positive", some_file(), "--negative", some_file()}, vector, false, "--positive " + beside},
      {texts, {"--negative", some_file(), "--positive", some_file()}, vector, false, "--positive " + beside},
      {texts, {"--pairs", some_file()}, vector, false, "--pairs " + beside},
      {texts, {"--name", "happy"}, vector, false, "--name " + beside},
      {texts, {"--tokens-read", "mean"}, vector, false, "--tokens-read " + beside},
      {{"compose"}, {"--tokens-read", "mean"}, vector, false, "--tokens-read " + beside},
      {texts, {"--answer-prefix", "Well,"}, vector, false, "--answer-prefix " + beside},
      {texts, {"--answer-prefix", "Well,"}, {"--no-template"}, false, "--answer-prefix has no effect beside --no-template"},
      {files, {"--vector", some_file()}},
      {files, {"--producer", "repeng"}, {}, true, "--producer " + without},
      {files, {"--accept", "key"}, {}, true, "--accept " + without},
      {files, {"--point", "mlp_out"}, {}, true, "--point " + without},
      {files, {"--first-layer", "-1"}, {}, true, "--first-layer " + without},
      {files, {"--ds4-layers", "2"}, {}, true, "--ds4-layers " + without},
      {files, {"--ds4-width", "2"}, {}, true, "--ds4-width " + without},
      {files, {"--ds4-scale", "2"}, {}, true, "--ds4-scale " + without},
      {files, {"--any-model"}, {}, true, "--any-model " + without},
      {{"inspect", "convert"}, {"--producer", "repeng"}},
      {{"convert"}, {"--accept", "key"}},
      {{"inspect", "convert"}, {"--point", "mlp_out"}},
      {{"inspect", "convert"}, {"--first-layer", "-1"}},
      {{"inspect", "convert"}, {"--ds4-layers", "2"}},
      {{"inspect", "convert"}, {"--ds4-width", "2"}},
      {{"inspect", "convert"}, {"--ds4-scale", "2"}},
      {{"extract", "fit", "sweep", "chat", "compose"}, {"--layers", "1-2"}},
      {subjects, {"--layers", "1-2"}, {"--recipe", "r.safetensors"}, false, "--layers has no effect with --recipe alone"},
      {subjects, {"--unit", "raw"}, {"--recipe", "r.safetensors"}, false, "--unit has no effect with --recipe alone"},
      {subjects, {"--recipe", "r.safetensors"}, {"--positive", some_file(), "--negative", some_file()}, false,
       "--positive has no effect beside --recipe"},
      {{"report"}, {"--recipe", some_file()}},
      {{"compose"}, {"--recipe", some_file()}, {"--controls", "3"}, false, "--controls has no effect beside --recipe"},
      {{"compose"}, {"--recipe", some_file()}, {"--seed", "3"}, false, "--seed has no effect beside --recipe"},
      {{"compose"}, {"--recipe", some_file()}, {"--vector", some_file()}, false, "--vector has no effect beside --recipe"},
      {{"compose"}, {"--recipe", some_file()}, {"--concept", "a", some_file(), some_file()}, false, "--concept has no effect beside --recipe"},
      {{"compose"}, {"--requests", some_file()}, {}, true, "--requests has no effect without --recipe"},
      {{"compose"}, {"--fitted-to", some_file()}, {}, true, "--fitted-to has no effect without --recipe"},
      {{"report"}, {"--doses", "0.5,1"}},
      {{"report"}, {"--together"}},
      {{"report"}, {"--drift-budget", "0.1"}},
      {{"report"}, {"--judges", "5"}},
      {{"report"}, {"--out", "r.html"}},
      {{"report"}, {"--csv", "r.csv"}},
      {{"fit", "report"}, {"--instruction", "Be brief."}},
      {{"fit", "report"}, {"--as-system"}},
      {{"fit"}, {"--name", "terse"}},
      {{"fit"}, {"--behaviour", "terse"}, {"--name", "x"}, false, "--name has no effect beside --behaviour"},
      {{"fit", "report"}, {"--requests", some_file()}},
      {{"fit", "report", "compose"}, {"--prose", some_file()}},
      {{"fit"}, {"--kind", "gated"}},
      {{"fit"}, {"--rank", "2"}, {"--kind", "gated"}, false, "--rank has no effect with --kind gated"},
      {{"fit"}, {"--ridge", "2"}, {"--kind", "constant"}, false, "--ridge has no effect with --kind constant"},
      {{"fit"}, {"--ridge", "2"}, {"--kind", "best"}, false, "--ridge has no effect with --kind best"},
      {{"fit"}, {"--held-out", "5"}},
      {{"fit", "report"}, {"--tokens", "5"}},
      {{"fit", "report"}, {"--seed", "5"}},
      {{"fit"}, {"--out", "r.safetensors"}},
      {subjects, {"--unit", "of_row_norm"}},
      {subjects, {"--cap", "3"}, {"--unit", "raw"}, true, "--cap has no effect with --unit"},
      {subjects, {"--inside", "<think>", "</think>"}},
      {subjects, {"--outside", "<tool_call>", "</tool_call>"}},
      {subjects, {"--from-token", "<|im_end|>"}},
      {subjects, {"--until-token", "<|im_end|>"}},
      {{"extract"}, {"--out", "v.gguf"}},
      {{"sweep", "compose"}, {"--prompts", some_file()}},
      {{"sweep"}, {"--strengths", "0,0.5"}},
      {{"sweep", "chat", "compose"}, {"--tokens", "5"}},
      {{"sweep", "compose"}, {"--csv", "a.csv"}},
      {{"compose"}, {"--concept", "happy", some_file(), some_file()}},
      {{"compose"}, {"--doses", "-0.5,0.5"}},
      {{"compose"}, {"--readout-tokens", "5"}},
      {{"compose"}, {"--rounds", "2"}},
      {{"compose"}, {"--least-signal", "2"}},
      {{"compose"}, {"--controls", "2"}},
      {{"compose"}, {"--seed", "2"}, {"--controls", "0"}, false, "--seed has no effect with --controls 0"},
      {{"chat"}, {"--strength", "0.5"}},
      {{"convert"}, {"--to", "glp"}},
      {{"convert"}, {"--operation", "add"}},
      {{"convert"}, {"--alpha", "2"}},
      {{"convert"}, {"--directions-only"}},
      {{"preset policy"}, {"--model", some_file()}},
      {{"preset policy"}, {"--threads", "2"}},
      {{"preset policy"}, {"--prose", some_file()}},
      {{"preset policy", "preset make", "preset keys"}, {"--out", "o.safetensors"}},
      {{"preset policy", "preset make"}, {"--name", "strict"}},
      {{"preset policy"}, {"--protect", some_file()}},
      {{"preset policy"}, {"--protected-share", "0.1"}, {}, true, "--protected-share has no effect without --protect"},
      {{"preset policy"}, {"--protected-dose", "0.1"}, {}, true, "--protected-dose has no effect without --protect"},
      {{"preset policy"}, {"--project-out"}, {}, true, "--project-out has no effect without --protect"},
      {{"preset policy"}, {"--layer-dose", "0.1"}},
      {{"preset policy"}, {"--total-dose", "0.1"}},
      {{"preset policy"}, {"--operations", "add,ablate"}},
      {{"preset policy"}, {"--points", "mlp_out"}},
      {{"preset policy"}, {"--layers", "10-22"}},
      {{"preset policy"}, {"--readout", "terse:5"}},
      {{"preset policy", "preset verify"}, {"--trust", some_file()}},
      {{"preset policy"}, {"--sibling", "gguf:0a"}},
      {{"preset policy"}, {"--least-version", "terse:2"}},
      {{"preset policy"}, {"--request-doses", "0,2"}},
      {{"preset policy"}, {"--base-may-be-left"}},
      {{"preset make"}, {"--version", "2"}},
      {{"preset make"}, {"--least-dose", "-1"}},
      {{"preset make"}, {"--most-dose", "2"}},
      {{"preset make", "preset check", "preset list", "preset verify"}, {"--policy", some_file()}},
      {{"preset sign"}, {"--key", some_file()}},
      {{"preset sign"}, {"--password-file", some_file()}},
      {{"preset sign"}, {"--comment", "of May"}},
      {trails, {"--audit", "t.jsonl"}},
      {trails, {"--who", "alice"}, {}, true, "--who has no effect without --audit"},
      {{"audit"}, {"--head", "1:00"}},
      {{"audit"}, {"--show"}},
      {{"serve"}, {"--model", some_file()}},
      {{"serve"}, {"--threads", "2"}},
      {{"serve"}, {"--template", "chatml"}},
      {{"serve"}, {"--host", "0.0.0.0"}},
      {{"serve"}, {"--port", "0"}},
      {{"serve"}, {"--allow-host", "steer.example:8080"}},
      {{"serve"}, {"--model-name", "smol"}},
      {{"serve"}, {"--presets", std::filesystem::path(some_file()).parent_path()}},
      {{"serve"}, {"--cache", "presets"}},
      {{"serve"}, {"--policy", some_file()}},
      {{"serve"}, {"--activate", "terse"}},
      {{"serve"}, {"--audit", "t.jsonl"}},
      {{"serve"}, {"--api-key-file", some_file()}},
      {{"serve"}, {"--admin-key-file", some_file()}},
      {{"serve"}, {"--slots", "2"}},
      {{"serve"}, {"--context", "512"}},
      {{"serve"}, {"--queue", "4"}},
      {{"serve"}, {"--timeout", "60"}},
  };
  return all;
}

TEST(command_line, every_option_has_an_effect_or_is_refused_by_name) {
  std::map<std::string, std::set<std::string>> covered;
  for (const row& each : table()) {
    for (const std::string& command : each.commands) {
      SCOPED_TRACE(command + " " + each.given.front());
      covered[command].insert(each.given.front());
      std::vector<std::string> arguments = least_of(command);
      const std::string replaced = each.given.front() == "--behaviour" ? "--instruction" : each.given.front();
      if (const auto given = std::find(arguments.begin(), arguments.end(), replaced); given != arguments.end()) {
        arguments.erase(given, given + 2);
      }
      arguments.insert(arguments.end(), each.given.begin(), each.given.end());
      if (each.idle_alone) {
        expect_error<steer::argument_error>([&] { parse(arguments); }, each.message);
      } else {
        EXPECT_NO_THROW(parse(arguments));
      }
      const bool knows_it = command != "extract" || each.with.empty() || each.with.front() != "--vector";
      if (!each.with.empty() && knows_it) {
        expect_error<steer::argument_error>([&] { parse(arguments, each.with); }, each.message);
      }
    }
  }
  const command_line line;
  std::vector<const CLI::App*> commands{&line.app()};
  for (std::size_t i = 0; i < commands.size(); ++i) {
    const CLI::App* const app = commands[i];
    for (const CLI::App* each : app->get_subcommands([](const CLI::App*) { return true; })) {
      commands.push_back(each);
    }
    for (const CLI::Option* option : app->get_options()) {
      for (const std::string& name : option->get_lnames()) {
        EXPECT_TRUE(i == 0 || name == "help" || covered[command_line::name_of(*app)].contains("--" + name))
            << "the table has no row for --" << name << " of " << command_line::name_of(*app);
      }
    }
  }
  EXPECT_EQ(commands.size(), 19U);
}

TEST(command_line, a_command_of_a_command_is_named_whole) {
  command_line line;
  line.parse(least_of("preset make"));
  EXPECT_EQ(command_line::name_of(*line.command()), "preset make");
  EXPECT_EQ(line.presets.make_of.name, "terse");
  EXPECT_EQ(line.presets.make_of.version, 1);
  command_line other;
  other.parse(least_of("chat"));
  EXPECT_EQ(command_line::name_of(*other.command()), "chat");
}

TEST(command_line, options_that_are_named_again_take_nothing_that_follows) {
  command_line line;
  line.parse({"preset", "verify", "--trust", some_file(), "--trust", some_file(), some_file(), some_file(), some_file()});
  EXPECT_EQ(line.presets.verify_of.trusted.size(), 2U);
  EXPECT_EQ(line.presets.verify_of.files.size(), 3U);
  EXPECT_THROW(parse({"preset", "verify", some_file(), "--trust", some_file(), "--policy", some_file()}), CLI::ParseError);
}

TEST(command_line, rules_of_a_policy_are_drafted_before_a_model_is_loaded) {
  const temporary_file vector(".safetensors");
  steer::steering_vector v;
  v.name = "refusal";
  v.directions[3].values = Eigen::Vector2f(0.6F, 0.8F);
  steer::save(v, vector.path());
  const temporary_file key(".pub", steer::public_key_file(steer::make_secret_key().open()));
  const auto drafted = [&](std::vector<std::string> more) {
    command_line line;
    const std::string out = vector.path().parent_path() / "policy.json";
    std::vector<std::string> all{"preset", "policy", "--model", some_file(), "--out", out};
    all.insert(all.end(), more.begin(), more.end());
    line.parse(all);
    return draft(line.presets.policy_of);
  };
  const steer::policy bare = drafted({}).document.rules;
  EXPECT_FALSE(bare.operations || bare.points || bare.layers || bare.most_layer_dose || bare.most_total_dose || bare.trusted_keys);
  EXPECT_TRUE(bare.readouts.empty() && bare.protects.empty() && bare.least_versions.empty());
  EXPECT_EQ(bare.base, steer::policy::base_preset::always);

  const llama_steer::drafted_policy full = drafted(
      {"--name", "strict", "--protect", vector.path(), "--protected-share", "0.3", "--protected-dose", "0.05", "--project-out", "--layer-dose", "0.2",
       "--total-dose", "2", "--operations", "add,ablate", "--points", "residual_out,mlp_out", "--layers", "1,3-4", "--readout", "a:b:0.5", "--trust",
       key.path(), "--sibling", "gguf:0a", "--least-version", "terse:2", "--request-doses", "-1,1", "--base-may-be-left"});
  const steer::policy& rules = full.document.rules;
  EXPECT_EQ(rules.name, "strict");
  ASSERT_EQ(rules.protects.size(), 1U);
  EXPECT_EQ(rules.protects[0].name, "refusal");
  EXPECT_EQ(rules.protects[0].most_share, 0.3);
  EXPECT_EQ(rules.protects[0].most_dose, 0.05);
  EXPECT_EQ(rules.protects[0].how, steer::protection::project_out);
  EXPECT_TRUE(full.document.files.at("refusal").contains(vector.path().filename().string()));
  EXPECT_EQ(rules.most_layer_dose, 0.2) << "in double";
  EXPECT_EQ(rules.most_total_dose, 2.0);
  EXPECT_EQ(rules.operations, (std::set<std::string>{"add", "ablate"}));
  EXPECT_EQ(rules.points, (std::set<steer::point>{steer::point::mlp_out, steer::point::residual_out}));
  EXPECT_EQ(rules.layers, (std::set<int>{1, 3, 4}));
  EXPECT_EQ(rules.readouts, (std::map<std::string, double>{{"a:b", 0.5}}));
  EXPECT_EQ(rules.trusted_keys->size(), 1U);
  EXPECT_EQ(rules.fingerprints, std::set<std::string>{"gguf:0a"});
  EXPECT_EQ(rules.least_versions, (std::map<std::string, int>{{"terse", 2}}));
  EXPECT_EQ(rules.least_dose, -1.0);
  EXPECT_EQ(rules.base, steer::policy::base_preset::may_be_left);

  const auto refuse = [&](const std::vector<std::string>& more, const auto&... parts) {
    expect_error<steer::error>([&] { drafted(more); }, parts...);
  };
  refuse({"--operations", "add,frob"}, "\"frob\"", "expected some of");
  refuse({"--operations", "add,,ablate"}, "--operations names \"\"", "commas between them");
  refuse({"--points", "here"}, "\"here\"", "residual_in");
  refuse({"--layers", "x"}, "layers \"x\"");
  refuse({"--layer-dose", "-1"}, "is -1", "not negative");
  refuse({"--readout", "terse"}, "--readout \"terse\"", "NAME:NATS");
  refuse({"--readout", "terse:1", "--readout", "terse:2"}, "\"terse\" twice");
  refuse({"--least-version", "terse@2:1"}, "NAME:N");
  refuse({"--least-version", "terse:0"}, "a whole number from 1");
  refuse({"--request-doses", "1"}, "--request-doses \"1\"", "two numbers");
  refuse({"--request-doses", "1,0"}, "the smaller one first");
  refuse({"--trust", some_file()}, "--trust: file");
  refuse({"--protect", some_file()}, "is in ", "expected a file beside the policy");
  refuse({"--protect", vector.path(), "--protect", vector.path()}, "\"refusal\" twice");
  refuse({"--protect", vector.path(), "--protected-share", "2"}, "the largest share is 2", "0 to 1");
  refuse({"--sibling", "a", "--sibling", "a"}, "--sibling \"a\"");
}

TEST(command_line, options_take_effect_with_what_they_are_for) {
  EXPECT_NO_THROW(parse({"chat", "--model", some_file(), "--unit", "of_row_norm", "--cap", "inf"}));
  command_line line;
  line.parse({"sweep", "--model", some_file(), "--vector", some_file() + ":-0.5", "--vector", some_file(), "--producer",
              "repeng", "--strengths", "-1,+2,0.5e-3", "--first-layer", "-1", "--any-model"});
  ASSERT_EQ(line.sweep_of.vector.files.size(), 2U);
  EXPECT_EQ(line.sweep_of.vector.files[0].path, some_file());
  EXPECT_EQ(line.sweep_of.vector.files[0].scale, -0.5F);
  EXPECT_EQ(line.sweep_of.vector.files[1].scale, 1.0F);
  EXPECT_EQ(line.sweep_of.strengths, (std::vector{-1.0F, 2.0F, 0.5e-3F}));
  EXPECT_EQ(line.sweep_of.vector.said.first_layer, -1);
  EXPECT_TRUE(line.sweep_of.vector.any_model);
}

TEST(command_line, says_where_a_dose_acts) {
  command_line line;
  line.parse({"chat", "--model", some_file(), "--inside", "<a>", "</a>", "--until-token", "x", "--outside", "<b>", "</b>", "--outside",
              "<c>", "</c>", "--from-token", "y"});
  std::set<std::string> found;
  for (const llama_steer::marked& each : line.chat_of.dose.marks) {
    found.insert(std::to_string(static_cast<int>(each.how)) + " " + each.begin + " " + each.end);
  }
  EXPECT_EQ(found, (std::set<std::string>{"0 <a> </a>", "1 <b> </b>", "1 <c> </c>", "2 y ", "3 x "}));
  EXPECT_THROW(parse({"chat", "--model", some_file(), "--inside", "<a>"}), CLI::ParseError);
}

TEST(command_line, texts_are_what_can_be_read_of_them) {
  const temporary_file answered(".json", R"([[[{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}], "c"]])");
  command_line line;
  line.parse({"extract", "--model", some_file(), "--pairs", answered.path().string(), "--tokens-read", "answer"});
  llama_steer::model_options& model = line.extract_of.model;
  llama_steer::vector_options& vector = line.extract_of.vector;
  expect_error<steer::argument_error>([&] { llama_steer::texts_of(vector, model); }, "negative text 1 has no answer",
                                      "--answer-prefix");
  vector.answer_prefix = "Well,";
  EXPECT_EQ(llama_steer::texts_of(vector, model).negative[0].back().content, "Well,");
  vector.answer_prefix.clear();
  vector.tokens = "last";
  EXPECT_NO_THROW(llama_steer::texts_of(vector, model));
  model.chat_template = false;
  expect_error<steer::argument_error>([&] { llama_steer::texts_of(vector, model); }, "a conversation of 2 messages", "--no-template");
}

TEST(command_line, a_fit_is_refused_before_a_model_is_loaded) {
  command_line line;
  line.parse({"fit", "--model", some_file(), "--instruction", "Be brief."});
  llama_steer::fit_options o = line.fit_of;
  EXPECT_EQ(check(o).size(), 60U);
  const auto refuse = [&](const auto& spoil, const auto&... parts) {
    llama_steer::fit_options bad = o;
    spoil(bad);
    expect_error<steer::argument_error>([&] { check(bad); }, parts...);
  };
  refuse([](auto& b) { b.kind = "linear"; }, "kind \"linear\"", "constant, gated, affine or best");
  refuse([](auto& b) { b.instruction = " "; }, "--instruction is empty");
  refuse([](auto& b) { b.model.chat_template = false; }, "--no-template", "a chat template");
  refuse([](auto& b) { b.held_out = 57; }, "60 requests, of which 57 are held out");
  o.kind = "best";
  EXPECT_EQ(candidates_of(o).size(), 8U);
  o.model.chat_template = false;
  o.model.frame = "Q: {}";
  EXPECT_NO_THROW(check(o)) << "a frame is conversation enough";
}

TEST(command_line, a_behaviour_ships_with_its_instruction) {
  command_line line;
  line.parse({"fit", "--model", some_file(), "--behaviour", "pirate"});
  EXPECT_EQ(line.fit_of.instruction, "Answer like a pirate.");
  EXPECT_EQ(line.fit_of.name, "pirate");
  expect_error<steer::argument_error>([] { parse({"fit", "--model", some_file(), "--behaviour", "angry"}); }, "\"angry\"",
                                      "terse, happy, formal, pirate, sceptical");
  EXPECT_THROW(parse({"fit", "--model", some_file(), "--behaviour", "happy", "--instruction", "x"}), CLI::ParseError);
  command_line none;
  none.parse({"fit", "--model", some_file()});
  expect_error<steer::argument_error>([&] { check(none.fit_of); }, "--instruction is empty");
}

TEST(command_line, a_frame_says_where_a_request_stands) {
  command_line line;
  line.parse({"fit", "--model", some_file(), "--instruction", "Be brief.", "--no-template", "--frame", "Question: {}\\nAnswer:"});
  EXPECT_EQ(line.fit_of.model.frame, "Question: {}\nAnswer:");
  const std::string& frame = line.fit_of.model.frame;
  using llama_steer::without_template;
  EXPECT_EQ(without_template(llama_steer::instructed("Why?", "Be brief.", false), frame), "Question: Why? Be brief.\nAnswer:");
  EXPECT_EQ(without_template(llama_steer::instructed("Why?", "Be brief.", true), frame), "Be brief.\n\nQuestion: Why?\nAnswer:");
  EXPECT_EQ(without_template(llama_steer::request("{}"), frame), "Question: {}\nAnswer:");
  EXPECT_EQ(without_template(llama_steer::request("Why?"), ""), "Why?");
  expect_error<steer::argument_error>([&] { without_template(llama_steer::instructed("Why?", "Be brief.", true), ""); }, "2 messages");
  for (const auto& [bad, why] : {std::pair{"Question:", "no {}"}, {"{} {}", "several {}"}}) {
    expect_error<steer::argument_error>(
        [&, bad = std::string(bad)] { parse({"sweep", "--model", some_file(), "--no-template", "--frame", bad}); }, why);
  }
}

TEST(command_line, recipes_are_composed_if_they_stand_for_something) {
  command_line line;
  line.parse({"compose", "--model", some_file(), "--recipe", some_file()});
  llama_steer::compose_options o = line.compose_of;
  steer::documented_recipe recipe;
  const temporary_file bare(".safetensors");
  steer::save(recipe, bare.path());
  o.recipes = {bare.path()};
  expect_error<steer::argument_error>([&] { recipes_to_compose(o); }, "says no instruction");
  recipe.fitted = steer::fitted{.behaviour = "terse", .instruction = "Be brief.", .kind = "gated", .model = "toy"};
  const temporary_file whole(".safetensors");
  steer::save(recipe, whole.path());
  o.recipes = {whole.path()};
  EXPECT_EQ(recipes_to_compose(o).size(), 1U);
  o.recipes = {whole.path(), whole.path()};
  expect_error<steer::argument_error>([&] { recipes_to_compose(o); }, "two recipes stand for \"terse\"");
  o.recipes.resize(1);
  const temporary_file few(".txt", "Why?\nHow?\n");
  o.requests = few.path();
  expect_error<steer::argument_error>([&] { recipes_to_compose(o); }, "has 2 requests", "at least 8");
  o.model.chat_template = false;
  expect_error<steer::argument_error>([&] { recipes_to_compose(o); }, "--no-template");
}

TEST(command_line, compose_takes_a_vector_for_each_concept) {
  command_line line;
  line.parse({"compose", "--model", some_file(), "--vector", some_file() + ":-2", "--producer", "repeng"});
  llama_steer::compose_options& o = line.compose_of;
  expect_error<steer::argument_error>([&] { vectors_of(o); }, "1 vectors are named", "expected 3, one for each concept");
  o.concepts.resize(1);
  const steer::steering_vector longer = vectors_of(o).at(0);
  o.vectors.files[0].scale = 1.0F;
  const steer::steering_vector plain = vectors_of(o).at(0);
  for (const auto& [layer, direction] : plain.directions) {
    EXPECT_EQ(longer.directions.at(layer).values, -2.0F * direction.values);
  }
  o.layers = std::to_string(plain.directions.begin()->first);
  EXPECT_EQ(vectors_of(o).at(0).directions.size(), 1U);
  o.layers = "900";
  expect_error<steer::argument_error>([&] { vectors_of(o); }, "has no layer 900");
  o.layers = "";
  o.tokens_read = "answer";
  expect_error<steer::argument_error>([&] { check(o); }, "\"answer\"", "requests, without answers");
}

TEST(command_line, numbers_are_parsed_whole) {
  const auto refuse = [](const std::string& command, const std::string& option, const std::string& value,
                         const auto&... parts) {
    expect_error<steer::argument_error>([&] { parse(least_of(command), {option, value}); }, option, parts...);
  };
  for (const std::string bad : {"0,5", "nan", "inf", "1e30", "1.5x", "x", "0x10", "1 2"}) {
    refuse("chat", "--strength", bad, "\"" + bad + "\"", "with a point for decimals");
    refuse("convert", "--alpha", bad);
    refuse("inspect", "--ds4-scale", bad);
    refuse("compose", "--least-signal", bad);
  }
  refuse("sweep", "--strengths", "0,,1", "\"\": expected a number");
  refuse("sweep", "--strengths", "0,1,", "\"\": expected a number");
  refuse("sweep", "--strengths", "0,05", "\"05\": expected a number", "with a point");
  refuse("sweep", "--strengths", "1,nan", "\"nan\"");
  refuse("sweep", "--strengths", "1,2,1", "names 1 twice");
  refuse("compose", "--doses", "0.1;0.2", "\"0.1;0.2\"");
  refuse("chat", "--vector", some_file() + ":much", "scale \"much\"");
  refuse("chat", "--cap", "nan");
}

TEST(command_line, whole_numbers_have_plain_digits) {
  for (const std::string bad : {"1e3", "0x10", "010", "2.5", "1,000", "", "-1", "99999999999999999999", "5x", "+-1", "00"}) {
    const auto refuse = [&](const std::string& command, const std::string& option) {
      expect_error<steer::argument_error>([&] { parse(least_of(command), {option, bad}); }, option + " \"" + bad + "\"",
                                          "expected a whole number from");
    };
    refuse("chat", "--tokens");
    refuse("sweep", "--threads");
    refuse("compose", "--seed");
    refuse("compose", "--controls");
    refuse("inspect", "--ds4-width");
  }
  expect_error<steer::argument_error>([] { parse(least_of("chat"), {"--tokens", "3001"}); }, "from 1 to 3000");
  expect_error<steer::argument_error>([] { parse(least_of("inspect"), {"--first-layer", "-2"}); }, "from -1 to");
}

TEST(command_line, outputs_overwrite_no_input_and_say_their_format) {
  const auto refuse = [](const std::vector<std::string>& arguments, const std::string& what) {
    expect_error<steer::argument_error>([&] { parse(arguments); }, "would overwrite " + what, "expected another file");
  };
  const temporary_file model(".gguf", "model");
  const temporary_file texts(".txt", "texts");
  const std::string m = model.path().string();
  const std::string t = texts.path().string();
  refuse({"extract", "--model", m, "--out", m}, "--model");
  refuse({"sweep", "--model", m, "--csv", t, "--prompts", (texts.path().parent_path() / "." / texts.path().filename()).string()}, "--prompts");
  refuse({"sweep", "--model", m, "--csv", t, "--vector", t + ":0.5"}, "--vector");
  refuse({"compose", "--model", m, "--csv", t, "--concept", "terse", some_file(), t}, "--concept");
  refuse({"convert", m, m}, "input");
  refuse({"preset", "make", m, "--name", "a", "--version", "1", "--policy", t, "--out", m}, "recipe");
  refuse({"preset", "make", m, "--name", "a", "--version", "1", "--policy", t, "--out", t}, "--policy");
  refuse({"preset", "make", m, "--name", "a", "--version", "1", "--policy", t, "--out", "none.safetensors", "--audit", "./none.safetensors"}, "--audit");
  refuse({"preset", "check", m, "--policy", t, "--audit", t}, "--policy");
  expect_error<steer::argument_error>([&] { parse(least_of("fit"), {"--out", "r.gguf"}); }, "--out \"r.gguf\" names no format of recipes");
  expect_error<steer::argument_error>([&] { parse({"extract", "--model", m, "--out", "v.npy"}); }, "--out \"v.npy\" names no format",
                                      "expected .gguf or .safetensors");
}

TEST(command_line, a_template_is_no_empty_text) {
  const temporary_file empty(".jinja", " \n");
  for (const std::string& none : {std::string(), empty.path().string()}) {
    expect_error<steer::argument_error>([&] { parse(least_of("chat"), {"--template", none}); }, "--template", "is empty");
  }
}

TEST(command_line, what_is_misspelt_is_named_with_what_it_is_like) {
  const auto refuse = [](const std::vector<std::string>& arguments, const auto&... parts) {
    expect_error<steer::argument_error>([&] { parse(arguments); }, parts...);
  };
  refuse({"chat", "--model", some_file(), "--strenght", "1"},
         "--strenght is no option of chat; did you mean --strength?");
  refuse({"chat", "--modell", some_file()}, "--modell is no option of chat; did you mean --model?");
  refuse({"chat", "--model", some_file(), "--first_layer=3"},
         "--first_layer is no option of chat; did you mean --first-layer?");
  refuse({"swep", "--model", some_file()}, "swep is no command; did you mean sweep?");
  refuse({"chat", "--model", some_file(), "--zzzzzz"}, "--zzzzzz is no option of chat");
  refuse({"preset", "chek", some_file()}, "chek is no command of preset; did you mean check?");
  refuse({"preset", "check", some_file(), "--polcy", "x"}, "--polcy is no option of preset check; did you mean --policy?");
  refuse({"presets"}, "presets is no command; did you mean preset?");
  EXPECT_THROW(parse({"preset"}), CLI::RequiredError);
  EXPECT_THROW(parse({"chat"}), CLI::RequiredError);
  EXPECT_THROW(parse({}), CLI::RequiredError);
}

TEST(command_line, says_its_version) {
  try {
    parse({"--version"});
    ADD_FAILURE() << "parsed";
  } catch (const CLI::CallForVersion& version) {
    EXPECT_STREQ(version.what(), "0.1.0");
  }
}

}  // namespace
