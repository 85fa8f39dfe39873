// The program's parts on SmolLM2, and with the pairs that ship with it.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "adapter/llama_cpp/small_model.hpp"
#include "expect_error.hpp"
#include "llama_steer/answer_readout.hpp"
#include "llama_steer/chat.hpp"
#include "llama_steer/compose.hpp"
#include "llama_steer/compose_recipes.hpp"
#include "llama_steer/compose_table.hpp"
#include "llama_steer/fit.hpp"
#include "llama_steer/report.hpp"
#include "llama_steer/report_page.hpp"
#include "llama_steer/serve/measure_presets.hpp"
#include "llama_steer/serve/serve.hpp"
#include "llama_steer/sweep.hpp"
#include "serve/presets.hpp"
#include "steer/guard/expected_shifts.hpp"
#include "steer/io/preset_file.hpp"
#include "temporary_file.hpp"
#include "toy.hpp"

namespace {

using namespace llama_steer;
using small_model::model;

model_options one_thread() { return {.model = STEER_LLAMA_MODEL, .threads = 1}; }

std::vector<token_list> prompts(const std::vector<std::string>& texts) {
  std::vector<token_list> out;
  for (const std::string& text : texts) {
    out.push_back(tokens_of(*model(), text, one_thread()));
  }
  return out;
}

TEST(LlamaSteer, AnswersTogetherAreTheAnswersAlone) {
  const auto questions = prompts({"What is a cat?", "Name three colours.", "Say hello."});
  auto host = make_host(model(), one_thread(), 3, 128);
  const auto together = answer_all(host, questions, 24);
  ASSERT_EQ(together.size(), 3U);
  for (std::size_t i = 0; i < questions.size(); ++i) {
    const auto alone = answer_all(host, {&questions[i], 1}, 24);
    EXPECT_EQ(together[i].text, alone[0].text);
    EXPECT_FALSE(together[i].text.empty());
    EXPECT_LE(together[i].tokens.size(), 24U);
  }
}

TEST(LlamaSteer, DriftIsZeroUnsteeredAndGrows) {
  const auto questions = prompts({"What is a cat?", "Name three colours."});
  auto unsteered = make_host(model(), one_thread(), 2, 128);
  auto steered = make_host(model(), one_thread(), 2, 128);
  const auto answers = answer_all(unsteered, questions, 40);
  EXPECT_EQ(drift(unsteered, steered, questions, answers, 40), 0.0);
  vector_options terse;
  terse.name = "terse";
  const steer::steering_vector v = extract(model(), one_thread(), terse, {12, 15});
  double last = 0.0;
  for (const float strength : {0.02F, 0.1F, 0.3F}) {
    steering dose = dose_options{}.of({.vectors = {{v}}}, strength, steered, 2);
    act(steered, dose);
    const double now = drift(unsteered, steered, questions, answers, 40);
    EXPECT_GT(now, last) << strength;
    last = now;
  }
}

TEST(LlamaSteer, TheShippedPairsMakeAnswersShorter) {
  sweep_options options;
  options.model = one_thread();
  options.dose.layers = "10-22";
  options.strengths = {0.0F, 0.04F};
  options.tokens = 120;
  const acting_parts vectors{.vectors = {{extract(model(), options.model, options.vector, parse_layers(options.dose.layers))}}};
  const auto rows = sweep(model(), options, vectors);
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0].answers.drift, 0.0);
  EXPECT_GT(rows[1].answers.drift, 0.0);
  EXPECT_LT(rows[1].answers.words, 0.6 * rows[0].answers.words);
  EXPECT_GT(rows[1].answers.distinct_2, 0.8);
}

TEST(LlamaSteer, ChatTakesCommandsAndAnswers) {
  chat_options options;
  options.model = one_thread();
  options.tokens = 8;
  options.strength = 0.0F;
  conversation talk(model(), options, {.vectors = {{extract(model(), one_thread(), {}, {15})}}});
  std::istringstream in(
      "Hello\n/strength 0.02\n/strength much\n/side\nWhat is a cat?\n/new\n/dance\n\n/strength nan\n/quit\nnever read\n");
  testing::internal::CaptureStdout();
  chat(talk, in, {});
  const std::string said = testing::internal::GetCapturedStdout();
  EXPECT_FLOAT_EQ(talk.strength(), 0.02F);
  for (const char* part : {"/strength X", "0 > ", "0.02 > ", "takes a number", "0.02 side > ", "unsteered", "at 0.02",
                           "/dance is no command"}) {
    EXPECT_NE(said.find(part), std::string::npos) << part << "\nin\n" << said;
  }
  EXPECT_EQ(said.find("never read"), std::string::npos);
}

TEST(LlamaSteer, ThreeTextsAgainstFiveAreTwoSides) {
  const vector_options shipped;
  contrast_texts texts = part_of(read_pairs(shipped.positive, shipped.negative), 0, 5);
  texts.positive.resize(3);
  const steer::steering_vector v = extract(model(), one_thread(), texts, {"terse", "sides"}, "last", {15});
  EXPECT_EQ(v.source.positives, 3U);
  EXPECT_EQ(v.source.negatives, 5U);
  EXPECT_GT(v.directions.at(15).values.norm(), 0.0F);
}

/// From the first pairs that ship: enough to be seen in an answer.
const steer::steering_vector& roughly_terse() {
  static const steer::steering_vector v = [] {
    const vector_options shipped;
    return extract(model(), one_thread(), part_of(read_pairs(shipped.positive, shipped.negative), 0, 6), {"terse", "pairs"}, "last",
                   {12, 15});
  }();
  return v;
}

TEST(LlamaSteer, VectorsAddUpByTheirScales) {
  const steer::llama_cpp_host host = make_host(model(), one_thread(), 1, 1);
  const steer::model_shape& shape = host.shape();
  steer::steering_vector one = roughly_terse();
  one.directions.erase(12);
  steer::steering_vector both = one;
  both.directions.at(15).values *= 0.5F - 0.25F;
  dose_options raw;
  raw.unit = "raw";
  const auto apart = std::get<steer::plan>(raw.of({.vectors = {{one, 0.5F}, {one, -0.25F}}}, 0.1F, host, 1));
  const auto together = std::get<steer::plan>(raw.of({.vectors = {{both}}}, 0.1F, host, 1));
  std::vector<float> row(static_cast<std::size_t>(shape.width), 1.0F);
  std::vector<float> other = row;
  apart({15, steer::point::residual_out}, {row.data(), 1, shape.width, shape.width, {}});
  together({15, steer::point::residual_out}, {other.data(), 1, shape.width, shape.width, {}});
  EXPECT_NE(row[0], 1.0F);
  for (std::size_t i = 0; i < row.size(); ++i) {
    EXPECT_NEAR(row[i], other[i], 1e-5F);
  }
  one.source.fingerprint = "another";
  const temporary_file file(".gguf");
  steer::save_control_vector(one, file.path());
  file_options from;
  from.files = {{file.path()}};
  expect_error<steer::argument_error>([&] { static_cast<void>(raw.of({.vectors = vectors_of(from)}, 0.1F, host, 1)); }, "measured on model",
                                      "fingerprint another");
  from.any_model = true;
  EXPECT_NO_THROW(static_cast<void>(raw.of({.vectors = vectors_of(from)}, 0.1F, host, 1)));
}

TEST(LlamaSteer, ADoseActsWhereTheTokensSay) {
  // The template's own end of turn stands twice in the prompt: after the system's message and after the user's.
  dose_options dose;
  dose.marks = {{marked::kind::outside, "<|im_start|>", "<|im_end|>"}};
  auto host = make_host(model(), one_thread(), 2, 64);
  const acting_parts vectors{.vectors = {{roughly_terse()}}};
  const token_list prompt = tokens_of(*model(), "Hello", one_thread());
  const std::int32_t end = steer::marker_tokens(*model(), "<|im_end|>").at(0);
  ASSERT_EQ(std::count(prompt.begin(), prompt.end(), end), 2);
  const auto last_rows = [&](steering& what) {
    act(host, what);
    std::vector<std::vector<float>> out;
    for (const std::int32_t until : {3, static_cast<std::int32_t>(prompt.size())}) {
      host.prompt(0, std::span(prompt).first(static_cast<std::size_t>(until)));
      const auto logits = host.logits(-1);
      out.emplace_back(logits.begin(), logits.end());
    }
    return out;
  };
  steering none = dose_options{}.of(vectors, 0.0F, host, 1);
  steering everywhere = dose_options{}.of(vectors, 0.1F, host, 1);
  steering outside = dose.of(vectors, 0.1F, host, 2);
  ASSERT_TRUE(std::holds_alternative<steer::session>(outside));
  const auto plain = last_rows(none);
  const auto all = last_rows(everywhere);
  const auto some = last_rows(outside);
  EXPECT_EQ(some[0], plain[0]) << "the first three tokens are inside";
  EXPECT_NE(some[1], plain[1]) << "line ends between the turns are outside, and the last row has read them";
  EXPECT_NE(some[1], all[1]);
  EXPECT_EQ(std::get<steer::session>(outside).rows_without_state(), 0U);

  sweep_options options;
  options.model = one_thread();
  options.strengths = {0.1F};
  options.tokens = 8;
  options.dose.marks = {{marked::kind::from, "<|endoftext|>", {}}};
  EXPECT_EQ(sweep(model(), options, vectors).at(0).answers.drift, 0.0) << "it never comes";
  options.dose.marks = {{marked::kind::from, "<|im_start|>", {}}};
  const double drift = sweep(model(), options, vectors).at(0).answers.drift;
  EXPECT_GT(drift, 0.0);
  options.dose.marks.clear();
  EXPECT_EQ(sweep(model(), options, vectors).at(0).answers.drift, drift) << "it is the first token";

  chat_options talk;
  talk.model = one_thread();
  talk.tokens = 8;
  talk.strength = 0.1F;
  talk.dose.marks = {{marked::kind::until, "<|im_start|>", {}}};
  conversation unsteered(model(), talk, vectors);
  talk.dose.marks.clear();
  conversation steered(model(), talk, vectors);
  steered.set_strength(0.0F);
  EXPECT_EQ(unsteered.answer("Hello", {}), steered.answer("Hello", {}));
  talk.dose.marks = {{marked::kind::inside, "<think>", "</think>"}};
  expect_error<steer::argument_error>([&] { conversation(model(), talk, vectors); }, "think>\" is plain text");
}

TEST(LlamaSteer, AFittedRecipeDoesUnaskedWhatItIsAskedFor) {
  const temporary_file requests(".txt",
                                "What is a cat?\nName a colour.\nWhy is the sky blue?\nWhat is bread?\nHow do I boil an egg?\nWhat is rain?\n"
                                "Why do dogs bark?\nWhat is a river?\n");
  const temporary_file prose(".txt", "The harbour lies below the old town.\nCopper was among the first metals.\n");
  fit_options o;
  o.model = one_thread();
  o.instruction = "Answer in one short sentence.";
  o.name = "terse";
  o.requests = requests.path();
  o.prose = prose.path();
  o.kind = "gated";
  o.held_out = 3;
  o.tokens = 16;
  const fitted_recipe found = fit(model(), o);
  EXPECT_EQ(found.passes, 2) << "all texts in one micro-batch";
  ASSERT_TRUE(found.recipe.fitted);
  EXPECT_EQ(found.recipe.fitted->instruction, o.instruction);
  EXPECT_EQ(found.recipe.fitted->requests, 5U);
  EXPECT_EQ(found.recipe.recipe.edits().size(), 30U);
  EXPECT_GT(found.recipe.fitted->recovery->value, 0.2) << "five requests";
  EXPECT_LT(found.recipe.fitted->drift->value, 0.2);

  o.kind = "best";
  o.layers = "10,20";
  const fitted_recipe best = fit(model(), o);
  EXPECT_EQ(best.tried.size(), 8U);
  EXPECT_NE(best.recipe.fitted->kind, "best") << "but what was chosen";

  const temporary_file file(".safetensors");
  save(found.recipe, file.path());
  file_options from;
  from.recipes = {{file.path(), 0.5F}};
  const acting_parts parts{.recipes = recipes_of(from)};
  auto host = make_host(model(), one_thread(), 1, 64);
  EXPECT_TRUE(std::get<steer::plan>(dose_options{}.of(parts, 0.0F, host, 1)).empty());
  EXPECT_EQ(std::get<steer::plan>(dose_options{}.of(parts, 2.0F, host, 1)).digest(), steer::plan(found.recipe.recipe, host.shape()).digest());
  dose_options until;
  until.marks = {{marked::kind::until, "<|im_start|>", {}}};
  EXPECT_TRUE(std::holds_alternative<steer::session>(until.of(parts, 1.0F, host, 1)));
  expect_error<steer::format_error>([&] { detect(file.path()); }, "is a recipe, not a vector", "--recipe");
}

TEST(LlamaSteer, AReportIsAPageOfItsOwn) {
  report of{.model = "toy <b>", .fingerprint = "12"};
  of.rows = {{"ter,se", "gated", 0.5, "recovery", 0.4, 0.1}, {"ter,se", "gated", 1.0, "recovery", 0.8, 0.1},
             {"ter,se", "gated", 0.5, "drift", 0.01, 0.001}, {"ter,se", "gated", 1.0, "drift", 0.02, 0.001},
             {"ter,se", "random", 1.0, "recovery", -0.1, std::nullopt}, {"ter,se", "random", 1.0, "drift", 0.03, std::nullopt},
             {"ter,se", "plain", 0.0, "words", 40.0, std::nullopt}, {"ter,se", "gated", 1.0, "gain", 0.3, 0.02}};
  of.behaviours = {{"ter,se", "</p><script>alert(1)</script>", "gated", "t.safetensors", "abc",
                    {{"Why?", {{"plain", "a <i>"}, {"prompt", "b"}, {"gated", "</script>", {{"</scr", 0.1}, {"ipt>", 0.4}}}}}},
                    {{0, {0.5, 0.1}}, {1, {0.25, 0.2}}},
                    {{0.5, {{0, 1.0}, {1, 1.1}}}, {1.0, {{0, 1.1}, {1, 1.3}}}}}};
  const auto drawings = [](const std::string& page) {
    std::size_t out = 0;
    for (std::size_t at = page.find("<svg"); at != std::string::npos; at = page.find("<svg", at + 1)) {
      ++out;
    }
    return out;
  };
  const std::string page = html_of(of);
  for (const char* bad : {"<b>toy", "toy <b>", "<script>alert", "<i>", "http:", "https:", " src=", " href=", "nan"}) {
    EXPECT_EQ(page.find(bad), std::string::npos) << bad;
  }
  EXPECT_EQ(drawings(page), 5U) << "dose, cost, frontier, layers, norms";
  EXPECT_NE(page.find("background:rgba(194,87,26,0.5)\">ipt&gt;"), std::string::npos) << "the token of the largest addition is darkest";
  EXPECT_NE(page.find("background:rgba(194,87,26,0.12)\">&lt;/scr"), std::string::npos);
  const std::string begin = "<script type=\"application/json\" id=\"data\">";
  const std::size_t from = page.find(begin) + begin.size();
  const auto data = nlohmann::json::parse(page.substr(from, page.find("</script>", from) - from));
  ASSERT_EQ(data.size(), of.rows.size());
  EXPECT_EQ(data[1]["value"], 0.8);
  EXPECT_EQ(data[4]["stderr"], nullptr);
  std::ostringstream csv;
  write_csv(of, csv);
  EXPECT_EQ(csv.str().substr(0, csv.str().find("\n\"ter,se\",gated,1,recovery")),
            "behaviour,kind,dose,metric,value,stderr\n\"ter,se\",gated,0.5,recovery,0.4,0.1");
  EXPECT_NE(csv.str().find("\"ter,se\",plain,0,words,40,\n"), std::string::npos);

  of.behaviours.push_back(of.behaviours.front());
  of.behaviours.back().name = "happy";
  of.rows.push_back({"ter,se", "happy", 1.0, "gain", -0.1, 0.02});
  const std::string two = html_of(of);
  EXPECT_NE(two.find("ter,se, happy: -0.1<"), std::string::npos) << "who moves whom";
  EXPECT_NE(two.find("ter,se, ter,se: 0.3<"), std::string::npos);
  EXPECT_EQ(drawings(two), 11U);
  of.behaviours.resize(1);
  of.behaviours.front().instruction.clear();
  const std::string unknown = html_of(of);
  EXPECT_NE(unknown.find("all that compares with a prompt is left out"), std::string::npos);
  EXPECT_EQ(unknown.find("<b>What a dose brings.</b>"), std::string::npos);
  EXPECT_EQ(drawings(unknown), 3U);
}

TEST(LlamaSteer, AReportIsRefusedBeforeAnythingRuns) {
  const temporary_file bare(".safetensors");
  steer::save(steer::documented_recipe{}, bare.path());
  report_options o;
  expect_error<steer::argument_error>([&] { check(o); }, "no --recipe");
  o.recipes = {bare.path()};
  EXPECT_EQ(check(o).size(), 1U) << "without an instruction less is reported";
  o.judges = 61;
  expect_error<steer::argument_error>([&] { check(o); }, "60 requests, of which 61 judge");
  o.judges = 20;
  o.drift_budget = 0.0F;
  expect_error<steer::argument_error>([&] { check(o); }, "--drift-budget is 0");
  o.drift_budget.reset();
  o.together = true;
  expect_error<steer::argument_error>([&] { check(o); }, "--together has one recipe");
  o.together = false;
  o.model.chat_template = false;
  expect_error<steer::argument_error>([&] { check(o); }, "--no-template");
}

TEST(LlamaSteer, AReportMeasuresWhatItSays) {
  const temporary_file requests(".txt", "What is a cat?\nName a colour.\n");
  const temporary_file prose(".txt", "The harbour lies below.\nCopper was first.\n");
  std::mt19937_64 engine(3);
  std::vector<steer::documented_recipe> recipes(2);
  const auto width = make_host(model(), one_thread(), 1, 8).shape().width;
  for (std::size_t i = 0; i < 2; ++i) {
    recipes[i].recipe.add(toy::random_vector(engine, {5}, width), {.strength = 0.2F, .unit = steer::strength_unit::raw}, {.rows = {.first = 1}});
    recipes[i].fitted = steer::fitted{.behaviour = i == 0 ? "terse" : "happy", .instruction = i == 0 ? "Be brief." : "Be happy.", .kind = "constant", .model = "x"};
  }
  report_options o;
  o.model = one_thread();
  o.model.chat_template = false;  // shorter texts
  o.model.frame = "Q: {}\nA:";
  o.recipes = {"a.safetensors", "b.safetensors"};
  o.requests = requests.path();
  o.prose = prose.path();
  o.doses = {1.0F};
  o.judges = 2;
  o.tokens = 4;
  const report found = measure(model(), o, recipes);
  std::map<std::string, double> values;
  for (const report_row& r : found.rows) {
    EXPECT_TRUE(values.emplace(r.behaviour + " " + r.kind + " " + r.metric, r.value).second) << r.behaviour << " " << r.kind << " " << r.metric;
  }
  for (const std::string name : {"terse", "happy"}) {
    for (const char* metric : {"recovery", "recovery_first", "gain", "drift", "drift_requests", "nll", "likeness", "words", "distinct2", "perplexity",
                               "norm_ratio_p50", "norm_ratio_p99"}) {
      EXPECT_TRUE(values.contains(name + " constant " + metric)) << name << " " << metric;
    }
    EXPECT_GT(values.at(name + " constant drift"), 0.0);
    EXPECT_GT(values.at(name + " prompt drift_requests"), 0.0);
  }
  EXPECT_TRUE(values.contains("terse happy gain")) << "the happy recipe on terse answers";
  EXPECT_TRUE(values.contains("terse happy prompt gain")) << "and the happy prompt";
  EXPECT_GT(values.at("terse prompt gain"), 0.0);
  ASSERT_EQ(found.behaviours.size(), 2U);
  ASSERT_EQ(found.behaviours[0].told.size(), 2U);
  ASSERT_EQ(found.behaviours[0].told[0].answers.size(), 3U);
  const told& steered = found.behaviours[0].told[0].answers[2];
  ASSERT_FALSE(steered.tokens.empty());
  std::string whole;
  for (const auto& [piece, share] : steered.tokens) {
    whole += piece;
    EXPECT_GT(share, 0.0);
  }
  EXPECT_EQ(whole, steered.text);

  o.together = true;
  o.drift_budget = 0.05F;
  const report stack = measure(model(), o, recipes);
  ASSERT_EQ(stack.behaviours.size(), 1U);
  EXPECT_EQ(stack.behaviours[0].name, "terse+happy");
  EXPECT_EQ(stack.behaviours[0].instruction, "Be brief. Be happy.");
  std::set<std::string> calibrated;
  for (const report_row& r : stack.rows) {
    if (r.metric == "dose_within_budget" || r.metric == "best_dose") {
      calibrated.insert(r.metric);
      EXPECT_GE(r.dose, 0.0);
      EXPECT_LE(r.dose, 2.0);
      EXPECT_LE(r.value, r.metric == "best_dose" ? 1.0 : 0.05);
    }
  }
  EXPECT_EQ(calibrated.size(), 2U);
  o.together = false;
  o.drift_budget.reset();
  recipes.resize(1);
  recipes[0].fitted.reset();
  const report without = measure(model(), o, recipes);
  for (const report_row& r : without.rows) {
    EXPECT_TRUE(r.kind != "prompt" && r.metric != "recovery" && r.metric != "likeness") << r.metric;
  }
  EXPECT_GT(without.rows.size(), 5U);
}

TEST(LlamaSteer, TextsSideBySideAreTheTextsAlone) {
  auto host = make_host(model(), one_thread(), 3, 64);
  const auto texts = prompts({"What is a cat?", "Name three colours.", "Say hello.", "What is bread made of?", "Why?"});
  std::vector<steer::asked_text> asked;
  for (const token_list& text : texts) {
    asked.push_back({text, static_cast<std::int32_t>(text.size()) - 3});
  }
  struct watch {
    std::map<std::pair<std::int32_t, std::int32_t>, float> seen;
    steer::access access(steer::site where) const noexcept {
      return where == steer::site{7, steer::point::residual_out} ? steer::access::read : steer::access::none;
    }
    void operator()(steer::site, steer::rows<float> rows) noexcept {
      for (std::ptrdiff_t i = 0; i < rows.count; ++i) {
        seen[{rows.info_of(i).sequence, rows.info_of(i).position}] = rows[i][3];
      }
    }
  } together;
  std::vector<std::vector<float>> logits(texts.size());
  host.ask(asked, together, [&](std::size_t text, steer::logits_view found) {
    EXPECT_EQ(found.rows(), 3);
    logits[text].assign(found.data() + 2 * found.cols(), found.data() + 3 * found.cols());
  });
  std::size_t rows = 0;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    watch alone;
    host.evaluate(texts[i], alone);
    rows += texts[i].size();
    for (const auto& [at, number] : alone.seen) {
      EXPECT_NEAR(together.seen.at({static_cast<std::int32_t>(i), at.second}), number, 1e-2F * std::max(1.0F, std::abs(number)));
    }
    host.prompt(0, texts[i]);
    const auto expected = host.logits(-1);
    for (std::size_t v = 0; v < expected.size(); v += 997) {
      EXPECT_NEAR(logits[i][v], expected[v], 0.05F) << i << " " << v;
    }
  }
  EXPECT_EQ(together.seen.size(), rows) << "each row of each text once, under its text's index";
  asked[1].from = 99;
  expect_error<steer::argument_error>([&] { host.ask(asked, together, [](std::size_t, steer::logits_view) {}); }, "from row 99 on", "0 to");
}

TEST(LlamaSteer, AnswersOfConversationsAreRead) {
  const dialogue asked{{"user", "What is a cat?"}, {"assistant", "A small animal."}};
  const auto [tokens, answer] = tokens_of(*model(), asked, one_thread());
  const token_list before = tokens_of(*model(), "What is a cat?", one_thread());
  ASSERT_EQ(static_cast<std::size_t>(answer), before.size());
  EXPECT_TRUE(std::equal(before.begin(), before.end(), tokens.begin()));
  std::string said;
  for (std::size_t i = before.size(); i < tokens.size(); ++i) {
    said += steer::text_of(*model(), tokens[i]);
  }
  EXPECT_EQ(said, "A small animal.") << "and no end of turn: it may go on";

  const contrast_texts texts{{asked}, {{{"user", "What is a cat?"}, {"assistant", "An animal, of which there are many kinds"}}}};
  const steer::steering_vector v = extract(model(), one_thread(), texts, {"brief", "messages"}, "answer", {15});
  EXPECT_EQ(v.source.tokens, "answer tokens");
  auto host = make_host(model(), one_thread(), 1, 64);
  steer::recorder last(host.shape(), {.tokens = steer::last_tokens{static_cast<std::int32_t>(tokens.size() - before.size())}, .layers = {15}});
  last.record(host, tokens, steer::side::positive);
  steer::recorder answers(host.shape(), {.tokens = steer::answer_tokens{}, .layers = {15}});
  answers.record(host, steer::answered_text{tokens, answer}, steer::side::positive);
  EXPECT_EQ(last.mean(15, steer::side::positive), answers.mean(15, steer::side::positive));
}

TEST(LlamaSteer, AConversationWithoutATemplateGoesOnAsText) {
  chat_options options;
  options.model = one_thread();
  options.model.chat_template = false;
  options.tokens = 12;
  const auto& terse = roughly_terse();
  conversation talk(model(), options, {.vectors = {{terse}}});
  const std::string first = talk.answer("The capital of France is", {});
  auto host = make_host(model(), one_thread(), 1, 128);
  const token_list prompt = steer::tokenize(*model(), "The capital of France is\n", steer::special_tokens::as_text);
  EXPECT_EQ(first, answer_all(host, {&prompt, 1}, 12)[0].text);
}

TEST(LlamaSteer, AnAnswerThatFailsLeavesTheConversationAsItWas) {
  chat_options options;
  options.model = one_thread();
  options.tokens = 40;
  options.context = 256;
  options.strength = 0.05F;
  const steer::steering_vector& terse = roughly_terse();
  conversation talk(model(), options, {.vectors = {{terse}}});
  conversation other(model(), options, {.vectors = {{terse}}});
  std::string story = "Tell me a story about a dog";
  while (tokens_of(*model(), story, one_thread()).size() < 246) {  // so that there is no room for the answer
    story += " and a cat";
  }
  const std::string short_one = "Say hello.";
  const auto nobody = [](const std::string&) {};
  std::string said;
  expect_error<steer::host_error>([&] { talk.answer(story, [&](const std::string& piece) { said += piece; }); }, "no room", "256");
  EXPECT_FALSE(said.empty());
  expect_error<steer::host_error>([&] { talk.answer_twice(story); }, "no room");
  EXPECT_EQ(talk.strength(), 0.05F);
  conversation fresh(model(), options, {.vectors = {{terse}}});
  fresh.set_strength(0.0F);
  const auto unsteered = fresh.answer(short_one, nobody);
  const auto expected = other.answer(short_one, nobody);
  ASSERT_NE(expected, unsteered) << "the dose is seen in the answer";
  EXPECT_EQ(talk.answer(short_one, nobody), expected) << "steered as the prompt says, and asked nothing else before";
  expect_error<steer::numeric_error>([&] { talk.set_strength(std::nanf("")); }, "finite");
  EXPECT_EQ(talk.strength(), 0.05F);
  EXPECT_EQ(talk.answer("And goodbye.", nobody), other.answer("And goodbye.", nobody));

  std::istringstream in(story + "\n" + short_one + "\n");
  testing::internal::CaptureStdout();
  conversation third(model(), options, {.vectors = {{terse}}});
  chat(third, in, {});
  const std::string shown = testing::internal::GetCapturedStdout();
  EXPECT_NE(shown.find("\nllama.cpp: llama_decode returned 1"), std::string::npos) << shown;
  EXPECT_NE(shown.find(expected + "\n"), std::string::npos) << shown;
}

TEST(LlamaSteer, AnInterruptEndsTheAnswerAndNotTheProgram) {
  static int reached = 0;
  const auto before = std::signal(SIGINT, [](int) { ++reached; });
  chat_options options;
  options.model = one_thread();
  options.tokens = 200;
  conversation talk(model(), options, {.vectors = {{roughly_terse()}}});
  {
    const interruption noted;
    int pieces = 0;
    const auto at_the_fifth = [&](const std::string&) {
      if (++pieces == 5) {
        std::raise(SIGINT);
      }
    };
    const std::string cut = talk.answer("Tell me a long story.", at_the_fifth, &interruption::came);
    EXPECT_EQ(pieces, 5);
    EXPECT_FALSE(cut.empty());
    EXPECT_TRUE(interruption::came());
    const auto [plain, steered] = talk.answer_twice("And then?", &interruption::came);
    EXPECT_TRUE(plain.empty() && steered.empty());
  }
  EXPECT_EQ(reached, 0);
  std::raise(SIGINT);
  EXPECT_EQ(reached, 1) << "at the prompt it does what it always does";
  {
    const interruption noted;
    EXPECT_FALSE(interruption::came());
  }
  std::signal(SIGINT, SIG_IGN);
  {
    const interruption noted;
    std::raise(SIGINT);
    EXPECT_FALSE(interruption::came()) << "who ignores it goes on to";
  }
  std::signal(SIGINT, before);
}

TEST(LlamaSteer, AnswersThatAreReadOutFollowOneRequestAndAreAsLong) {
  const contrast_files formal = shipped_concepts().back();
  contrast_texts pairs = part_of(read_pairs(formal.positive, formal.negative), 30, 4);
  pairs.negative[1] = pairs.positive[1];  // says nothing
  const steer::readout r = answer_readout(model(), one_thread(), "formal", pairs, 12);
  ASSERT_EQ(r.texts.size(), 6U);
  const std::vector<dialogue> asked{pairs.positive[0], pairs.negative[2], pairs.positive[3]};
  for (std::size_t i = 0; i < 3; ++i) {
    const token_list request = tokens_of(*model(), asked[i], one_thread()).tokens;
    EXPECT_EQ(r.texts[2 * i].size(), r.texts[2 * i + 1].size()) << i;
    EXPECT_LE(r.texts[2 * i].size(), request.size() + 12) << i;
    EXPECT_NE(r.texts[2 * i], r.texts[2 * i + 1]) << i;
    for (const std::size_t side : {0U, 1U}) {
      ASSERT_GT(r.texts[2 * i + side].size(), request.size()) << i;
      EXPECT_TRUE(std::equal(request.begin(), request.end(), r.texts[2 * i + side].begin())) << i;
    }
  }
  pairs.positive = pairs.negative;
  expect_error<steer::argument_error>([&] { answer_readout(model(), one_thread(), "formal", pairs, 2); }, "\"formal\"",
                                      "all 4 pairs begin with the same 2 tokens");
}

/// The first pairs of a concept that ships.
struct few_pairs {
  /// @param turned  a pair whose sides change places
  few_pairs(const contrast_files& all, std::size_t count, std::optional<std::size_t> turned = {}) {
    contrast_texts texts = part_of(read_pairs(all.positive, all.negative), 0, count);
    if (turned) {
      std::swap(texts.positive[*turned], texts.negative[*turned]);
    }
    const auto lines = [](const std::vector<dialogue>& side) {
      std::string out;
      for (const dialogue& text : side) {
        out += text.front().content + "\n";
      }
      return out;
    };
    positive = std::make_unique<temporary_file>(".txt", lines(texts.positive));
    negative = std::make_unique<temporary_file>(".txt", lines(texts.negative));
    files = {all.name, positive->path(), negative->path()};
  }

  std::unique_ptr<temporary_file> positive;
  std::unique_ptr<temporary_file> negative;
  contrast_files files;
};

compose_options small_composition() {
  static const temporary_file prose(".txt", "The harbour lies below.\nCopper was first.\n");
  compose_options out;
  out.prose = prose.path();
  out.model = one_thread();
  out.layers = "12-15";
  out.doses = {0.05};
  out.readout_tokens = 16;
  out.rounds = 1;
  out.controls = 1;
  out.tokens = 8;
  return out;
}

TEST(LlamaSteer, DecoupledDosesAreExpectedToMoveNothingElse) {
  const few_pairs terse(shipped_concepts()[0], 8);
  const few_pairs happy(shipped_concepts()[1], 8);
  compose_options options = small_composition();
  options.concepts = {terse.files, happy.files};
  options.invertible.least_signal = 0.0;  // two texts have no standard error worth the name
  const composition found = compose(model(), options);
  EXPECT_TRUE(found.failures.empty()) << found.failures.front();
  ASSERT_EQ(found.rows.size(), 5U);
  for (std::size_t r = 0; r < 4; ++r) {
    const composed& row = found.rows[r];
    const std::size_t own = r / 2;
    EXPECT_EQ(row.moves, std::vector<std::size_t>{own});
    EXPECT_EQ(row.method, r % 2 == 0 ? "plain" : "decoupled");
    EXPECT_GT(row.expected[own], 0.0);
    EXPECT_GT(row.answers.drift, 0.0);
    if (row.method == "decoupled") {
      EXPECT_LT(std::abs(row.expected[1 - own]), 1e-9 * row.expected[own]);
      EXPECT_NE(row.doses[1 - own], 0.0);
    } else {
      EXPECT_EQ(row.doses[1 - own], 0.0);
      EXPECT_GT(std::abs(row.expected[1 - own]), 1e-3 * row.expected[own]);
    }
  }
  EXPECT_EQ(found.rows[4].method, "random");

  std::ostringstream csv;
  write_csv(found, csv);
  std::istringstream lines(csv.str());
  std::string line;
  std::getline(lines, line);
  EXPECT_EQ(line, "concept,dose,method,readout,vector_dose,expected,shift,stderr,words,distinct2,kl,cut,prose");
  std::size_t count = 0;
  for (; std::getline(lines, line); ++count) {
    EXPECT_EQ(std::count(line.begin(), line.end(), ','), 12) << line;
  }
  EXPECT_EQ(count, 10U);

  testing::internal::CaptureStdout();
  print(found, 5, {});
  const std::string said = testing::internal::GetCapturedStdout();
  for (const char* part : {"nats per unit of dose", "unsteered", "decoupled", "random", "largest", "the worst of the others moves"}) {
    EXPECT_NE(said.find(part), std::string::npos) << part << "\nin\n" << said;
  }
}

TEST(LlamaSteer, RecipesAreComposedBesideMeanDifferencesWithAsMuchEffect) {
  const temporary_file requests(".txt",
                                "What is a cat?\nName a colour.\nWhy is the sky blue?\nWhat is bread?\nHow do I boil an egg?\nWhat is rain?\n"
                                "Why do dogs bark?\nWhat is a river?\n");
  const temporary_file prompt(".txt", "What is a cat?\n");
  const steer::model_shape shape = make_host(model(), one_thread(), 1, 8).shape();
  compose_options o = small_composition();
  o.model.chat_template = false;  // shorter texts
  o.model.frame = "Q: {}\nA:";
  o.readout_tokens = 4;
  o.prompts = prompt.path();
  o.requests = requests.path();
  o.fitted_to = requests.path();
  o.invertible.least_signal = 0.0;
  o.invertible.most_condition = 1e9;
  std::vector<steer::documented_recipe> recipes(2);
  for (std::size_t i = 0; i < 2; ++i) {
    recipes[i].fitted = steer::fitted{.behaviour = i == 0 ? "terse" : "happy",
                                      .instruction = i == 0 ? "Answer in one short sentence." : "Answer in a very happy way!",
                                      .kind = "constant",
                                      .model = shape.name};
    const contrast_texts texts = llama_steer::detail::instructed_pairs(read_lines(requests.path()), recipes[i].fitted->instruction);
    recipes[i].recipe.add(extract(model(), o.model, texts, {"v", "x"}, "last", {12, 13, 14}), {.strength = 0.06F}, {.rows = {.first = 1}});
  }
  const composition found = compose_recipes(model(), o, recipes);
  ASSERT_EQ(found.responses.size(), 2U);
  std::set<std::string> rows;
  for (const composed& row : found.rows) {
    std::string name = row.method;
    for (const std::size_t i : row.moves) {
      name += " " + found.concepts[i];
    }
    rows.insert(name);
    EXPECT_EQ(row.shifts.size(), 2U);
    EXPECT_GT(row.answers.drift, 0.0);
    EXPECT_GT(row.prose.value, 0.0);
  }
  for (const char* row : {"fitted terse", "fitted happy", "fitted terse happy", "mean difference terse", "mean difference happy", "mean difference terse happy"}) {
    EXPECT_TRUE(rows.contains(row)) << row;
  }
  testing::internal::CaptureStdout();
  print(found, 1, {});
  const std::string said = testing::internal::GetCapturedStdout();
  for (const char* part : {"terse+happy", "mean difference", "fitted: the worst of the others moves"}) {
    EXPECT_NE(said.find(part), std::string::npos) << part << "\nin\n" << said;
  }
}

TEST(LlamaSteer, PresetsAreMeasuredTogetherAndWatchWhatTheyWereFittedTo) {
  std::vector<steer::preset> presets;
  for (const auto& [name, instruction] : {std::pair{"terse", "Answer in one short sentence."}, {"happy", "Answer in a very happy way!"}}) {
    std::mt19937_64 random(presets.size());
    steer::preset p{.name = name, .version = 1};
    p.content.recipe.add(toy::random_vector(random, {12}, llama_model_n_embd(model())), {.strength = 20.0F, .unit = steer::strength_unit::unit});
    p.content.fitted = steer::fitted{.behaviour = name, .instruction = instruction, .kind = "constant"};
    presets.push_back(std::move(p));
  }
  const std::vector<steer::recipe> before{presets[0].content.recipe, presets[1].content.recipe};
  std::mt19937_64 random(3);
  presets[1].content.recipe.watch({toy::random_vector(random, {12}, llama_model_n_embd(model()))});
  EXPECT_FALSE(serve::is_measured(presets[1])) << "it has no response";
  model_options how = one_thread();
  how.chat_template = false;  // shorter texts
  how.frame = "Q: {}\nA:";
  std::vector<std::string> said;
  serve::measure_presets(model(), how, presets, [&](const std::string& what) { said.push_back(what); },
                         {.read = 3, .read_tokens = 4, .answered = 4, .answered_tokens = 6});
  EXPECT_EQ(said.size(), 2U);
  for (std::size_t i = 0; i < 2; ++i) {
    const steer::preset& p = presets[i];
    EXPECT_TRUE(serve::is_measured(p));
    EXPECT_EQ(p.content.response, presets[0].content.response);
    const std::map<std::string, steer::estimate> expected = steer::expected_shifts({.name = reference_of(p), .source = &p.content, .dose = 0.5});
    ASSERT_EQ(expected.size(), 2U);
    EXPECT_DOUBLE_EQ(expected.at("happy").value, 0.5 * p.content.response->slope(1, static_cast<Eigen::Index>(i)));
    const std::vector<steer::edit>& edits = p.content.recipe.edits();
    ASSERT_EQ(edits.size(), 2U) << "what was watched before is watched no more";
    EXPECT_EQ(edits[0], before[i].edits()[0]);
    const auto& watch = std::get<steer::watch_edit>(edits[1].operation);
    ASSERT_EQ(watch.vectors.size(), 1U);
    EXPECT_EQ(watch.vectors[0].directions.size(), 1U);
    EXPECT_EQ(watch.vectors[0].directions.begin()->second.origin.size(), llama_model_n_embd(model()));
    EXPECT_EQ(watch.vectors[0].name, p.name);
    const temporary_file file(".safetensors", "");
    save(p, file.path());
    EXPECT_EQ(steer::load_preset(file.path()), p);
  }
}

TEST(LlamaSteer, AServerKeepsItsOwnPresetsAndLimitsThemTogether) {
  serve::serve_options o;
  o.model = one_thread();
  o.model.model = STEER_LLAMA_MODEL;
  o.engine = {.slots = 1, .context = 256, .queue = 1, .batch = 64, .threads = 1};
  const toy::temporary_folder cache;
  o.cache = cache.path();
  const steer::model_shape shape = make_host(model(), o.model, 1, 16, {.file = o.model.model}).shape();
  const std::filesystem::path folder = cache / serve::folder_name(shape.fingerprint);
  std::filesystem::create_directories(folder);
  for (const char* name : {"terse", "happy", "formal"}) {  // as if they had been fitted and measured
    std::mt19937_64 random(7);
    steer::preset p{.name = name, .version = 1};
    steer::steering_vector v = toy::random_vector(random, {12}, shape.width);
    v.directions[12].row_norm = 1.0;
    p.content.recipe.add(v, {.strength = 1.0F, .unit = steer::strength_unit::of_norm}).watch({v});
    p.content.fitted = steer::fitted{.behaviour = name, .instruction = "x", .kind = "gated", .fingerprint = shape.fingerprint};
    p.content.response = steer::response{.readouts = {name}, .vectors = {name}, .step = 0.5};
    p.content.response->baseline = Eigen::VectorXd::Zero(1);
    for (Eigen::MatrixXd* each : {&p.content.response->slope, &p.content.response->error, &p.content.response->bend}) {
      *each = Eigen::MatrixXd::Ones(1, 1);
    }
    save(p, folder / (std::string(name) + ".safetensors"));
  }
  std::vector<std::string> said;
  const auto found = serve::prepare(model(), o, [&](const std::string& what) { said.push_back(what); });
  EXPECT_EQ(said, (std::vector<std::string>{"measuring how long rows are", "loading presets"})) << "nothing is fitted again";
  const auto layer_dose = [&](double dose) { return found->presets().steering_for({.doses = {{"terse", dose}, {"happy", dose}, {"formal", dose}}}, "test")->layer_doses.at(12); };
  const double at_one = layer_dose(1.0);
  EXPECT_GT(at_one, 0.0);
  EXPECT_LT(at_one, 2.0);
  EXPECT_EQ(found->presets().rules().most_layer_dose, 2.0);
  EXPECT_EQ(found->presets().rules().row_norms.size(), 5U * static_cast<std::size_t>(shape.layers));
}

TEST(LlamaSteer, AConceptThatDoesNotRespondIsReportedAndNotDecoupled) {
  const few_pairs formal(shipped_concepts()[2], 8, 5);  // the two pairs that are fitted to contradict each other
  compose_options options = small_composition();
  options.concepts = {formal.files};
  options.controls = 0;
  options.tokens = 1;
  const composition found = compose(model(), options);
  ASSERT_EQ(found.rows.size(), 1U);
  EXPECT_EQ(found.rows[0].method, "plain");
  ASSERT_EQ(found.failures.size(), 1U);
  EXPECT_NE(found.failures[0].find("infeasible: readout \"formal\" does not respond"), std::string::npos) << found.failures[0];
  testing::internal::CaptureStdout();
  print(found, 5, {});
  const std::string said = testing::internal::GetCapturedStdout();
  EXPECT_NE(said.find("not decoupled: meet_targets: infeasible"), std::string::npos) << said;
}

TEST(LlamaSteer, TooFewPairsAreRefused) {
  const few_pairs terse(shipped_concepts()[0], 7);
  compose_options options = small_composition();
  options.concepts = {terse.files};
  expect_error<steer::argument_error>([&] { compose(model(), options); }, "\"terse\" has 7 pairs", "at least 8");
  options.concepts.clear();
  expect_error<steer::argument_error>([&] { compose(model(), options); }, "0 concepts and 1 doses");
}

TEST(LlamaSteer, AModelThatIsNoneIsRefused) {
  testing::internal::CaptureStderr();
  expect_error<steer::file_error>([&] { load_model(std::string(STEER_SOURCE_DIR) + "/README.md"); }, "README.md", "no model");
  testing::internal::GetCapturedStderr();
}

}  // namespace
