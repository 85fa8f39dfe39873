// llama_steer: steers any GGUF model through llama.cpp.
//
//     llama_steer sweep --model M.gguf --layers 10-22               what each strength does to the answers
//     llama_steer compose --model M.gguf --layers 10-22             one concept moved, the others held still
//     llama_steer chat --model M.gguf --layers 10-22 --strength 0.02
//     llama_steer extract --model M.gguf --positive a.txt --negative b.txt --out v.gguf
//     llama_steer fit --model M.gguf --instruction "Answer in one short sentence." --out terse.safetensors
//     llama_steer report --model M.gguf --recipe terse.safetensors --out terse.html
//     llama_steer inspect v.gguf                                    what a file is, and what to beware of
//     llama_steer convert v.gguf v.safetensors --producer repeng    one format to another, never to another meaning
//     llama_steer preset make terse.safetensors --name terse --version 1 --policy policy.json --out presets/terse.safetensors
//     llama_steer audit trail.jsonl --show                          who made, signed or was refused what
//     llama_steer serve --model M.gguf                              a server of OpenAI's API, and a mixing board
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <iostream>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>

#include "exit_code.hpp"
#include "llama_steer/audit.hpp"
#include "llama_steer/chat.hpp"
#include "llama_steer/command_line.hpp"
#include "llama_steer/compose.hpp"
#include "llama_steer/compose_recipes.hpp"
#include "llama_steer/compose_table.hpp"
#include "llama_steer/convert.hpp"
#include "llama_steer/fit.hpp"
#include "llama_steer/inspect.hpp"
#include "llama_steer/preset.hpp"
#include "llama_steer/preset_commands.hpp"
#include "llama_steer/preset_keys.hpp"
#include "llama_steer/preset_policy.hpp"
#include "llama_steer/preset_policy_table.hpp"
#include "llama_steer/report.hpp"
#include "llama_steer/report_page.hpp"
#include "llama_steer/serve/serve.hpp"
#include "llama_steer/subject.hpp"
#include "llama_steer/sweep.hpp"
#include "output_file.hpp"
#include "terminal.hpp"

namespace {

using namespace llama_steer;

void print_evidence(const steer::steering_vector& v, const example::terminal& out) {
  std::puts(out.paint("layer  norm ratio   AUROC      d'  split-half  coherence", example::colour::bold).c_str());
  for (const auto& [layer, direction] : v.directions) {
    const steer::evidence& e = direction.evidence;
    const auto number = [](const std::optional<double>& value) { return value.value_or(std::nan("")); };
    std::printf("%5d %11.3f %7.2f %7.1f %11.2f %10.2f\n", layer, number(e.norm_ratio), number(e.auroc), number(e.d_prime),
                number(e.split_half_cosine), number(e.coherence));
  }
}

void tell(const std::vector<std::string>& notes) {
  for (const std::string& note : notes) {
    std::fprintf(stderr, "llama_steer: %s\n", note.c_str());
  }
}

/// What in a file of texts is perhaps not meant is said.
void tell_notes(const std::filesystem::path& file, const model_options& how) {
  tell(notes_on(file, how.lines, how.chat_template || how.parse_special));
}

/// What can be wrong is found before a model is loaded, which takes long.
void check_texts(const vector_options& o, const model_options& how) {
  const contrast_texts texts = texts_of(o, how);
  if (!texts.are_pairs()) {
    std::fprintf(stderr, "llama_steer: %zu positive texts and %zu negative ones are read without pairs: their evidence is less sure\n",
                 texts.positive.size(), texts.negative.size());
  }
  if (o.pairs.empty()) {
    tell_notes(o.positive, how);
    tell_notes(o.negative, how);
  } else {
    tell(notes_on(o.pairs, texts, how.chat_template || how.parse_special));
  }
}

std::size_t check_prompts(const std::filesystem::path& file, const model_options& how) {
  tell_notes(file, how);
  return read_lines(file, how.lines).size();
}

/// The same, and what is in files.
template <class Options>
acting_parts checked(const Options& o) {
  static_cast<void>(parse_layers(o.dose.layers));
  static_cast<void>(parse_unit(o.dose.unit));
  if (o.vector.files.empty() && o.vector.recipes.empty()) {
    check_texts(o.vector, o.model);
  }
  return {vectors_of(o.vector), recipes_of(o.vector)};
}

/// What acts: a vector from texts if nothing is in files.
template <class Options>
acting_parts parts_of(acting_parts from_files, llama_model* model, const Options& o) {
  if (from_files.vectors.empty() && from_files.recipes.empty()) {
    from_files.vectors.push_back({extract(model, o.model, o.vector, parse_layers(o.dose.layers))});
  }
  return from_files;
}

void run(const extract_options& o, const example::terminal& out) {
  steer::require_writable(o.out, "steering vector");
  check_texts(o.vector, o.model);
  static_cast<void>(parse_layers(o.layers));
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
  std::printf("wrote %s: %zu layers of width %td from %zu positive and %zu negative texts\n", o.out.c_str(), v.directions.size(), v.width(),
              v.source.positives, v.source.negatives);
}

void run(const fit_options& o, const example::terminal& out) {
  steer::require_writable(o.out, "recipe");
  static_cast<void>(check(o));
  tell_notes(o.requests, o.model);
  const model_pointer model = load_model(o.model.model);
  const fitted_recipe found = fit(model.get(), o);
  steer::save(found.recipe, o.out);
  print(found, out);
  std::printf("wrote %s: %zu edits\n", o.out.c_str(), found.recipe.recipe.edits().size());
}

/// The file for the table, if one is wanted.
template <class Options>
std::optional<example::output_file> csv_of(const Options& o) {
  return o.csv.empty() ? std::nullopt : std::make_optional<example::output_file>(o.csv);
}

void run(const report_options& o, const example::terminal&) {
  example::output_file page(o.out, "html");
  std::optional<example::output_file> csv = csv_of(o);
  const std::vector<steer::documented_recipe> recipes = check(o);
  tell_notes(o.requests, o.model);
  const model_pointer model = load_model(o.model.model);
  const report found = measure(model.get(), o, recipes);
  page.stream() << html_of(found);
  if (csv) {
    write_csv(found, csv->stream());
    csv->keep();
  }
  page.keep();
  std::printf("wrote %s: %zu figures of %zu recipes\n", o.out.c_str(), found.rows.size(), found.behaviours.size());
}

void run(const sweep_options& o, const example::terminal& out) {
  std::optional<example::output_file> csv = csv_of(o);
  acting_parts files = checked(o);
  const std::size_t prompts = check_prompts(o.prompts, o.model);
  const model_pointer model = load_model(o.model.model);
  const std::vector<sweep_row> rows = sweep(model.get(), o, parts_of(std::move(files), model.get(), o));
  print(rows, prompts, out);
  if (csv) {
    write_csv(rows, o.dose.layers.empty() ? "all" : o.dose.layers, csv->stream());
    csv->keep();
  }
}

void run(const compose_options& o, const example::terminal& out) {
  std::optional<example::output_file> csv = csv_of(o);
  check(o);
  std::vector<steer::steering_vector> vectors;
  std::vector<steer::documented_recipe> recipes;
  if (o.recipes.empty()) {
    vectors = vectors_of(o);
    for (const contrast_files& each : o.concepts) {
      static_cast<void>(read_pairs(each.positive, each.negative, o.model.lines));
      tell_notes(each.positive, o.model);
      tell_notes(each.negative, o.model);
    }
  } else {
    recipes = recipes_to_compose(o);
    tell_notes(o.requests, o.model);
    tell_notes(o.fitted_to, o.model);
  }
  const std::size_t prompts = check_prompts(o.prompts, o.model);
  const model_pointer model = load_model(o.model.model);
  const composition found = o.recipes.empty() ? compose(model.get(), o, std::move(vectors)) : compose_recipes(model.get(), o, recipes);
  print(found, prompts, out);
  if (csv) {
    write_csv(found, csv->stream());
    csv->keep();
  }
}

void run(const chat_options& o, const example::terminal& out) {
  acting_parts files = checked(o);
  const model_pointer model = load_model(o.model.model);
  conversation talk(model.get(), o, parts_of(std::move(files), model.get(), o));
  chat(talk, std::cin, out);
}

void run(const policy_options& o) {
  steer::require_writable(o.out, "policy");
  drafted_policy rules = draft(o);
  tell_notes(o.prose, o.model);
  const model_pointer model = load_model(o.model.model);
  const std::vector<token_list> prose = prose_of(*model, o.prose);
  steer::llama_cpp_host host = make_host(model.get(), o.model, 1, longest(prose), {.file = o.model.model});
  const steer::policy_document found = complete(std::move(rules), host, prose);
  steer::save(found, o.out);
  print(found, std::cout);
  std::printf("wrote %s\n", o.out.c_str());
}

/// @return whether nothing was refused
bool run(const preset_commands& of, const std::string& command) {
  if (command == "preset policy") {
    run(of.policy_of);
  } else if (command == "preset make") {
    make(of.make_of, std::cout);
  } else if (command == "preset check") {
    return check(of.check_of, std::cout);
  } else if (command == "preset list") {
    list(of.list_of, std::cout);
  } else if (command == "preset keys") {
    make_keys(of.keys_of, std::cout);
  } else if (command == "preset sign") {
    sign(of.sign_of, std::cout);
  } else {
    return verify(of.verify_of, std::cout);
  }
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  command_line line;
  const example::terminal out;
  try {
    line.parse({argv + 1, argv + argc});
    const std::string command = command_line::name_of(*line.command());
    if (command == "extract") {
      run(line.extract_of, out);
    } else if (command == "fit") {
      run(line.fit_of, out);
    } else if (command == "report") {
      run(line.report_of, out);
    } else if (command == "sweep") {
      run(line.sweep_of, out);
    } else if (command == "compose") {
      run(line.compose_of, out);
    } else if (command == "chat") {
      run(line.chat_of, out);
    } else if (command == "inspect") {
      inspect(line.inspect_of, std::cout);
    } else if (command.starts_with("preset ")) {
      return example::exit_code(run(line.presets, command) ? EXIT_SUCCESS : EXIT_FAILURE);
    } else if (command == "serve") {
      serve::run(line.serve_of);
    } else if (command == "audit") {
      audit(line.audit_of, std::cout);
    } else {
      convert(line.convert_of, std::cout);
    }
    return example::exit_code();
  } catch (const CLI::ParseError& problem) {
    return example::exit_code(line.exit(problem));
  } catch (const std::exception& problem) {
    std::fprintf(stderr, "llama_steer: %s\n", problem.what());
    return 1;
  }
}
