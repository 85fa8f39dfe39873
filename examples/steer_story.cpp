// steer_story: finds the directions of four concepts, steers stories with them, and measures what that does.
//
//     steer_story                                                 the embedded model, about half a minute
//     steer_story --concept mood --strength 0.3 --csv mood.csv
//     steer_story --compose --csv stacks.csv                      doses that move nothing else; eleven minutes
//     steer_story --model stories260K.bin --tokenizer tok512.bin --pairs story_pairs.json
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <CLI/CLI.hpp>

#include "exit_code.hpp"
#include "output_file.hpp"
#include "steer_story/checkpoint_subject.hpp"
#include "steer_story/dose_table.hpp"
#include "steer_story/experiment.hpp"
#include "steer_story/run_composition.hpp"
#include "steer_story/storybox_subject.hpp"
#include "terminal.hpp"

namespace {

using namespace steer_story;
using example::column;
using example::colour;
using example::progress_bar;
using example::span_of_text;
using example::terminal;

constexpr int contrast_pairs = 200;
constexpr int random_directions = 10;
constexpr int quick_stories = 16;

struct options {
  std::vector<std::string> concepts;
  std::vector<float> strengths;
  std::optional<int> layer;
  std::string prompt;
  std::uint64_t seed = 1;
  int stories = 128;
  bool quick = false;
  bool compose = false;
  int threads = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  std::string csv;
  std::string model;
  std::string tokenizer;
  std::string pairs;
};

void declare(CLI::App& app, options& o) {
  app.add_option("--concept", o.concepts, "concepts to steer, all of them by default");
  app.add_option("--strength", o.strengths, "doses, in units of each row's norm; both signs are measured");
  app.add_option("--layer", o.layer, "zero-based layer after which the doses are added, by default two thirds up");
  app.add_option("--prompt", o.prompt, "how every story begins, by default storybox draws a hero for each");
  app.add_option("--seed", o.seed, "seed of everything random")->capture_default_str();
  auto* stories = app.add_option("--stories", o.stories, "stories written under each dose")->capture_default_str();
  stories->check(CLI::Range(2, 100'000));
  app.add_flag("--quick", o.quick, "few stories, large errors")->excludes(stories);
  auto* compose = app.add_flag("--compose", o.compose, "compare plain, joint and decoupled doses, alone and in stacks");
  compose->excludes(stories);
  app.add_option("--threads", o.threads, "threads, by default one per processor")->check(CLI::Range(1, 256));
  app.add_option("--csv", o.csv, "also write the dose table to this file");
  auto* model = app.add_option("--model", o.model, "a llama2.c checkpoint instead of the embedded model");
  auto* tokenizer = app.add_option("--tokenizer", o.tokenizer, "its tokenizer, as llama2.c has it");
  auto* pairs = app.add_option("--pairs", o.pairs, "contrast pairs and word lists, a JSON file");
  model->needs(tokenizer)->needs(pairs)->check(CLI::ExistingFile);
  tokenizer->needs(model)->check(CLI::ExistingFile);
  pairs->needs(model)->check(CLI::ExistingFile);
}

/// The options as the subject needs them: defaults filled in, everything checked.
/// @throws steer::argument_error naming option, expected and actual
void complete(options& o, const subject& what) {
  using steer::text;
  std::string known;
  for (const contrast& c : what.concepts) {
    known += (known.empty() ? "" : ", ") + c.name;
  }
  for (const std::string& name : o.concepts) {
    if (std::none_of(what.concepts.begin(), what.concepts.end(), [&](const contrast& c) { return c.name == name; })) {
      throw steer::argument_error(text({"--concept is \"", name, "\", expected one of ", known}));
    }
  }
  const int layers = what.model->shape().layers;
  o.layer = o.layer.value_or(2 * layers / 3);
  if (*o.layer < 0 || *o.layer >= layers) {
    throw steer::argument_error(text({"--layer is ", *o.layer, ", expected 0 to ", layers - 1}));
  }
  if (o.strengths.empty()) {
    o.strengths = o.model.empty() ? std::vector{0.2F, 0.4F} : std::vector{0.1F, 0.2F};
  }
  for (float& strength : o.strengths) {
    strength = std::abs(strength);
    if (!std::isfinite(strength) || strength == 0.0F) {
      throw steer::argument_error(text({"--strength is ", strength, ", expected a finite number other than 0"}));
    }
  }
  std::sort(o.strengths.begin(), o.strengths.end());
  o.strengths.erase(std::unique(o.strengths.begin(), o.strengths.end()), o.strengths.end());
  o.stories = o.quick ? quick_stories : o.stories;
}

steer::plan plan_of(const steer::steering_vector& vector, float strength, int layer, const steer::model_shape& shape) {
  steer::recipe recipe;
  recipe.add(vector, {.strength = strength, .unit = steer::strength_unit::of_row_norm}, {.layers = {layer}});
  return {recipe, shape};
}

/// A vector that means nothing, whose doses are as long as those of `like`.
steer::steering_vector random_vector(const steer::steering_vector& like, int layer, std::mt19937_64& engine) {
  steer::steering_vector out{.name = "random", .point = like.point};
  std::normal_distribution<float> normal;
  steer::direction& here = out.directions[layer];
  here.values = Eigen::VectorXf::NullaryExpr(like.width(), [&] { return normal(engine); });
  here.row_norm = like.directions.at(layer).row_norm;
  return out;
}

void print_evidence(const std::vector<steer::steering_vector>& vectors, int layer, const terminal& out) {
  std::puts(out.paint("evidence    pairs  norm ratio   AUROC      d'  split-half  coherence", colour::bold).c_str());
  const auto number = [](const std::optional<double>& value) { return value.value_or(std::nan("")); };
  for (const steer::steering_vector& v : vectors) {
    const steer::evidence& e = v.directions.at(layer).evidence;
    std::printf("%-11s%6zu%12.2f%8.2f%8.1f%12.2f%11.2f\n", v.name.c_str(), v.source.positives, number(e.norm_ratio),
                number(e.auroc), number(e.d_prime), number(e.split_half_cosine), number(e.coherence));
  }
  std::puts("");
}

/// Sentences of a text, each in the colour of what the judge says of it.
std::vector<span_of_text> highlighted(const subject& what, std::size_t index, const std::string& text) {
  std::vector<span_of_text> pieces;
  for (std::size_t start = 0; start < text.size();) {
    const std::size_t stop = std::min(text.find_first_of(".!?", start), text.size() - 1);
    const std::string sentence = text.substr(start, stop + 1 - start);
    const verdict v = what.highlight(index, sentence);
    pieces.push_back({sentence, v == verdict::shown      ? colour::green
                                : v == verdict::opposite ? colour::blue
                                : v == verdict::broken   ? colour::red
                                                         : colour::plain});
    start = stop + 1;
  }
  return pieces;
}

void print_story(const subject& what, std::size_t index, const steer::steering_vector& vector, const options& o,
                 const terminal& out) {
  const float strength = o.strengths.back();
  const steer::model_shape& shape = what.model->shape();
  const std::vector<steer::plan> plans{
      {}, plan_of(vector, -strength, *o.layer, shape), plan_of(vector, strength, *o.layer, shape)};
  const auto texts = write(what, plans, {.texts = 1, .threads = 1, .seed = o.seed}, [](double) {});
  std::vector<column> columns;
  for (std::size_t p = 0; p < plans.size(); ++p) {
    token_list tokens = texts[p].front().prompt;
    tokens.insert(tokens.end(), texts[p].front().continuation.begin(), texts[p].front().continuation.end());
    const std::string title =
        p == 0 ? "unsteered" : detail::format("%s %+.2f", vector.name.c_str(), static_cast<double>(p == 1 ? -strength : strength));
    columns.push_back({title, highlighted(what, index, what.decode(tokens))});
  }
  std::puts(example::side_by_side(columns, out).c_str());
}

dose_table measure(const subject& what, const std::vector<steer::steering_vector>& vectors, const options& o) {
  const steer::model_shape& shape = what.model->shape();
  dose_table table;
  table.soundness = what.soundness;
  table.layer = *o.layer;
  std::vector<steer::plan> plans(1);  // unsteered
  for (const steer::steering_vector& v : vectors) {
    table.concepts.push_back(v.name);
    if (!o.concepts.empty() && std::find(o.concepts.begin(), o.concepts.end(), v.name) == o.concepts.end()) {
      continue;
    }
    std::vector<float> signed_strengths;
    for (const float strength : o.strengths) {
      signed_strengths.insert(signed_strengths.end(), {-strength, strength});
    }
    std::sort(signed_strengths.begin(), signed_strengths.end());
    for (const float strength : signed_strengths) {
      table.doses.push_back({v.name, strength, {}});
      plans.push_back(plan_of(v, strength, *o.layer, shape));
    }
  }
  std::mt19937_64 engine(o.seed + 1);
  for (int n = 0; n < random_directions; ++n) {
    table.controls.push_back({"random", o.strengths.back(), {}});
    plans.push_back(plan_of(random_vector(vectors.front(), *o.layer, engine), o.strengths.back(), *o.layer, shape));
  }
  progress_bar bar("writing");
  const auto texts = write(what, plans, {.texts = o.stories, .threads = o.threads, .seed = o.seed}, std::ref(bar));
  auto next = texts.begin();
  table.baseline = judge(what, *next++);
  for (auto* const group : {&table.doses, &table.controls}) {
    for (dose& d : *group) {
      d.texts = judge(what, *next++);
    }
  }
  return table;
}

/// Every way of dosing on one subject; what it found is printed and, if wanted, written.
void compose(subject& what, const options& o, const terminal& out, std::ostream* csv) {
  compose_options how{.layer = *o.layer, .threads = o.threads, .seed = o.seed, .strength = o.strengths.front()};
  if (o.quick) {
    how.single_texts = how.texts = how.single_trial = how.trial = 2 * quick_stories;
  }
  what.options.sentence_ends = what.sentence_ends;
  std::unique_ptr<progress_bar> bar;
  const composition found = run_composition(what, how, [&](const std::string& part) -> progress {
    bar = std::make_unique<progress_bar>(part);
    return std::ref(*bar);
  });
  bar.reset();
  std::printf("response on the model's own writing\n%s\n%s\n%s", steer::to_string(found.response).c_str(),
              to_string(found.table, out).c_str(), summary(found).c_str());
  if (csv != nullptr) {
    write_csv(found.table, *csv);
  }
}

/// Whether each concept moved both ways, in words.
void print_summary(const dose_table& table, float strength) {
  for (std::size_t i = 0; i < table.concepts.size(); ++i) {
    const dose* less = nullptr;
    const dose* more = nullptr;
    for (const dose& d : table.doses) {
      if (table.is_own(d, i) && std::abs(d.strength) == strength) {
        (d.strength < 0.0F ? less : more) = &d;
      }
    }
    if (less == nullptr || more == nullptr) {
      continue;
    }
    const field own = concept_number(i);
    const estimate down = shift(less->texts, table.baseline, own);
    const estimate up = shift(more->texts, table.baseline, own);
    const bool both = down.value < -2.0 * down.error && up.value > 2.0 * up.error;
    std::printf("%-11s%.2f  <-  %.2f  ->  %.2f   %s\n", table.concepts[i].c_str(), rate(less->texts, own).value,
                rate(table.baseline, own).value, rate(more->texts, own).value,
                both ? "moves both ways" : "does not move both ways by two standard errors");
  }
}

/// The dose table: one concept at a time.
void survey(const subject& what, const options& o, const terminal& out, std::ostream* csv) {
  const auto vectors = [&] {
    progress_bar bar("reading");
    return extract(what, o.threads, std::ref(bar));
  }();
  print_evidence(vectors, *o.layer, out);

  std::size_t shown = 0;
  while (!o.concepts.empty() && what.concepts[shown].name != o.concepts.front()) {
    ++shown;
  }
  print_story(what, shown, vectors[shown], o, out);

  const dose_table table = measure(what, vectors, o);
  std::puts(to_string(table, out).c_str());
  print_summary(table, o.strengths.back());
  if (csv != nullptr) {
    write_csv(table, *csv);
  }
}

}  // namespace

int main(int argc, char** argv) try {
  options o;
  CLI::App app{"Extracts steering vectors, tells a story with and without them, and measures every dose"};
  declare(app, o);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& problem) {
    return example::exit_code(app.exit(problem));
  }
  std::optional<example::output_file> csv;
  if (!o.csv.empty()) {
    csv.emplace(o.csv);
  }

  const terminal out;
  subject what = o.model.empty() ? storybox_subject(STEER_STORYBOX_WEIGHTS, contrast_pairs, o.seed)
                                 : checkpoint_subject(o.model, o.tokenizer, o.pairs);
  complete(o, what);
  if (!o.prompt.empty()) {
    what.prompt = [tokens = what.encode(o.prompt)](std::mt19937_64&) { return tokens; };
  }

  const steer::model_shape& shape = what.model->shape();
  std::printf("%s: %d layers of width %td; doses are added after layer %d, as shares of each row's norm\n\n",
              shape.name.c_str(), shape.layers, shape.width, *o.layer);
  if (o.compose) {
    compose(what, o, out, csv ? &csv->stream() : nullptr);
  } else {
    survey(what, o, out, csv ? &csv->stream() : nullptr);
  }

  if (csv) {
    csv->keep();
  }
  return example::exit_code();
} catch (const std::exception& error) {
  std::fprintf(stderr, "steer_story: %s\n", error.what());
  return 1;
}
