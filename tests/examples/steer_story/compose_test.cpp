#include "steer_story/compose.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <span>
#include <sstream>
#include <string>
#include <vector>

#include "steer_story/storybox_subject.hpp"
#include "steer_story/run_composition.hpp"

namespace {

using namespace steer_story;

TEST(compose, stacks_are_all_choices_of_concepts_both_ways) {
  EXPECT_EQ(stacks_of(1, 4).size(), 8U);
  EXPECT_EQ(stacks_of(2, 4).size(), 24U);
  EXPECT_EQ(stacks_of(3, 4).size(), 32U);
  EXPECT_EQ(to_string(stacks_of(2, 2).at(1), {"mood", "verbose"}), "mood-verbose+");
  EXPECT_EQ(to_string(stack{}, {"mood"}), "random");
}

TEST(compose, csv_has_a_line_for_each_row_and_concept_against_its_own_part_of_the_baseline) {
  const auto text = [](double a, double b) { return tally{{{a, 4.0}, {b, 4.0}}, {4.0, 4.0}, 4.0}; };
  compose_table table;
  table.concepts = {"mood", "verbose"};
  table.fields = {concept_number(0), concept_number(1)};
  table.soundness = "grammatical";
  table.baseline = {text(2, 2), text(2, 1), text(0, 0)};
  table.rows.push_back({"decoupled mean_difference", {{0, 1}}, {0.4, -0.1}, {text(4, 2), text(4, 1)}});
  std::ostringstream out;
  write_csv(table, out);
  EXPECT_EQ(out.str(),
            "method,stack,strength,attribute,rate,baseline,grammatical,stderr\n"
            "decoupled mean_difference,mood+,0.4000,mood,1.000000,0.500000,1.000000,0.000000\n"
            "decoupled mean_difference,mood+,0.4000,verbose,0.375000,0.375000,1.000000,0.000000\n");
  EXPECT_NE(to_string(table, terminal{}).find("decoupled mean_difference, 1 concept"), std::string::npos);
}

/// The embedded model, few texts: decoupling brings the concept to its target and holds the others on the same texts.
TEST(compose, decoupled_doses_meet_their_targets_on_the_models_own_writing) {
  subject what = storybox_subject(STEER_STORYBOX_WEIGHTS, 40, 1);
  what.options.sentence_ends = what.sentence_ends;
  const moves of = moves_after(2, extract(what, 2, [](double) {}));
  const composer measure(what, {.layer = 2, .threads = 2}, 64);
  const steer::response response = measure.response(of, 0.2, [](double) {});
  const std::size_t dialogue = 2;
  std::vector<double> targets(4);
  targets[dialogue] = 1.5;
  const auto met = measure.decoupled(of, response, targets, {.rounds = 8, .tolerance = 0.05});
  EXPECT_LE(met.missed, 0.05) << steer::to_string(response);
  std::vector<double> plain(4);
  plain[dialogue] = measure.plain(of, response, dialogue, targets[dialogue], {.tolerance = 0.05});
  double bleed = 0.0;
  const auto shifts = measure.shifts(of, plain);
  EXPECT_NEAR(shifts[dialogue].value, targets[dialogue], 0.2);
  for (std::size_t i = 0; i < 4; ++i) {
    bleed = std::max(bleed, i == dialogue ? 0.0 : std::abs(shifts[i].value));
  }
  EXPECT_GT(bleed, 0.2) << "the plain dose moves something else: there was something to decouple";
}

TEST(compose, texts_less_sound_than_wanted_have_no_shift) {
  subject what = storybox_subject(STEER_STORYBOX_WEIGHTS, 2, 1);
  double sound = 0.8;
  what.judge = [&](const token_list&, const token_list&) { return tally{{}, {sound, 1.0}, 1.0}; };
  what.read = [](std::span<const text> written) {
    return std::vector<steer::readings>{{.samples = std::vector<steer::readout_sample>(written.size(), {1.0, 2.0})}};
  };
  const composer guarded(what, {.layer = 2}, 4, 0.9);
  const composer unguarded(what, {.layer = 2}, 4);
  EXPECT_EQ(guarded.shifts({}, {})[0].value, 0.0);
  sound = 0.74;
  EXPECT_EQ(guarded.shifts({}, {})[0].value, 0.0) << "the share is of what is unsteered";
  sound = 0.7;
  EXPECT_FALSE(std::isfinite(guarded.shifts({}, {})[0].value));
  EXPECT_EQ(unguarded.shifts({}, {})[0].value, 0.0);
}

TEST(compose, texts_under_two_plans_draw_alike_where_they_agree) {
  subject what = storybox_subject(STEER_STORYBOX_WEIGHTS, 2, 1);
  what.options.sentence_ends = what.sentence_ends;
  const std::vector<steer::plan> plans(2);
  const auto texts = write(what, plans, {.texts = 8, .threads = 1, .seed = 3}, [](double) {});
  for (std::size_t n = 0; n < 8; ++n) {
    EXPECT_EQ(texts[0][n].continuation, texts[1][n].continuation);
  }
  EXPECT_NE(texts[0][0].continuation, texts[0][1].continuation);
}

}  // namespace
