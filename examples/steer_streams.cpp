// steer_streams: does it make steering clean that a model has several residual streams? Storybox, with one and with several.
//
//     steer_streams                                                     the two models that ship: some minutes, and no errors over seeds
//     steer_streams --model s1_2.safetensors --csv s1_2.csv             a model that train.py made
//     steer_streams --from s1_1.csv --from s1_2.csv --from s4_1.csv     the table of what was measured before
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>

#include "exit_code.hpp"
#include "output_file.hpp"
#include "steer_story/storybox_subject.hpp"
#include "steer_streams/comparison.hpp"
#include "steer_streams/measure.hpp"
#include "steer_streams/places.hpp"
#include "terminal.hpp"

namespace {

using namespace steer_streams;
using example::progress_bar;

struct options {
  std::vector<std::string> models;
  std::vector<std::string> from;
  measure_options how;
  bool quick = false;
  std::string csv;
};

void declare(CLI::App& app, options& o) {
  o.how.threads = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  app.add_option("--model", o.models, "a model of storybox that train.py made; more than once; by default the two that ship")->check(CLI::ExistingFile);
  app.add_option("--from", o.from, "instead of a model: a file that --csv wrote; more than once")->check(CLI::ExistingFile);
  app.add_option("--stories", o.how.texts, "stories that are judged under each dose")->check(CLI::Range(2, 100'000))->capture_default_str();
  app.add_option("--seed", o.how.seed, "seed of everything random")->capture_default_str();
  app.add_option("--threads", o.how.threads, "threads, by default one per processor")->check(CLI::Range(1, 256));
  app.add_flag("--quick", o.quick, "few stories, large errors");
  app.add_option("--csv", o.csv, "also write all figures to this file");
}

model_figures figures_of(const std::filesystem::path& file, const measure_options& how) {
  constexpr int contrast_pairs = 200;
  subject what = steer_story::storybox_subject(file, contrast_pairs, how.seed);
  what.options.sentence_ends = what.sentence_ends;
  std::unique_ptr<progress_bar> bar;
  const steer_story::reporter begin = [&](const std::string& part) -> steer_story::progress {
    bar = std::make_unique<progress_bar>(file.stem().string() + ", " + part);
    return std::ref(*bar);
  };
  model_figures out{file.stem().string(), what.model->shape().streams, {}};
  const surveyed found = survey(what, how.layer, how.threads, begin("reading"));
  for (const place& each : found.places) {
    const std::vector<figure> figures = measure(what, each, how, begin);
    out.figures.insert(out.figures.end(), figures.begin(), figures.end());
  }
  for (const stream_shares& each : found.streams) {
    for (std::size_t s = 0; s < each.shares.size(); ++s) {
      out.figures.push_back({steer::text({"stream ", s}), each.name, "share", each.shares[s]});
    }
    out.figures.push_back({"largest stream", each.name, "share", *std::max_element(each.shares.begin(), each.shares.end())});
  }
  bar.reset();
  return out;
}

}  // namespace

int main(int argc, char** argv) try {
  options o;
  CLI::App app{"Steers storybox models with one and with several residual streams, and says what is cleaner"};
  declare(app, o);
  try {
    app.parse(argc, argv);
    if (!o.models.empty() && !o.from.empty()) {
      throw CLI::ExcludesError("--model", "--from");
    }
  } catch (const CLI::ParseError& problem) {
    return example::exit_code(app.exit(problem));
  }
  std::optional<example::output_file> csv;
  if (!o.csv.empty()) {
    csv.emplace(o.csv);
  }
  if (o.quick) {
    o.how.trial = o.how.texts = 32;
    o.how.stacks = 2;
  }
  if (o.models.empty() && o.from.empty()) {
    o.models = {STEER_STORYBOX_WEIGHTS, (std::filesystem::path(STEER_STORYBOX_WEIGHTS).parent_path() / "storybox_streams.safetensors").string()};
  }
  std::vector<model_figures> all;
  for (const std::string& name : o.from) {
    std::ifstream in(name);
    for (model_figures& each : read_csv(in, name)) {
      all.push_back(std::move(each));
    }
  }
  for (const std::string& file : o.models) {
    all.push_back(figures_of(file, o.how));
  }
  std::fputs(to_string(all, example::terminal{}).c_str(), stdout);
  if (csv) {
    write_csv(all, csv->stream());
    csv->keep();
  }
  return example::exit_code();
} catch (const std::exception& error) {
  std::fprintf(stderr, "steer_streams: %s\n", error.what());
  return 1;
}
