// What a policy makes of recipes, and of recipes that were made to get past it.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>
#include <Eigen/Dense>

#include "expect_error.hpp"
#include "guard/house_rules.hpp"
#include "inject/random_recipe.hpp"
#include "steer/guard/admit.hpp"
#include "steer/guard/effects.hpp"
#include "steer/inject/plan.hpp"
#include "toy.hpp"

namespace {

using steer::policy_rule;
using toy::axis;
using toy::vector_at;

constexpr steer::strength_unit raw = steer::strength_unit::raw;

steer::admission examine(const steer::policy& rules, const steer::recipe& recipe) {
  return steer::examine(rules, steer::documented_recipe{recipe}, toy::guarded_model());
}

/// Expects just this violation, its number and the parts of its message.
template <class... Parts>
void expect_violation(const steer::admission& given, policy_rule rule, std::optional<int> layer, std::optional<double> actual,
                      std::optional<double> limit, const Parts&... parts) {
  ASSERT_FALSE(given.granted());
  std::string all;
  const steer::violation* found = nullptr;
  for (const steer::violation& each : given.violations) {
    all += each.message + "\n";
    if (each.rule == rule && each.layer == layer && found == nullptr) {
      found = &each;
    }
  }
  ASSERT_NE(found, nullptr) << "no violation of " << to_string(rule) << " among\n" << all;
  if (actual) {
    ASSERT_TRUE(found->actual) << all;
    EXPECT_TRUE(*found->actual == *actual || std::abs(*found->actual - *actual) < 1e-6) << all << "expected " << *actual;
  }
  EXPECT_EQ(found->limit, limit) << all;
  [[maybe_unused]] const auto contains = [&](const std::string& part) {
    EXPECT_NE(found->message.find(part), std::string::npos) << found->message << "\nlacks " << part;
  };
  (contains(parts), ...);
}

steer::recipe adds(const std::vector<steer::steering_vector>& vectors, steer::placement where = {}) {
  steer::recipe out;
  for (const steer::steering_vector& v : vectors) {
    out.add(v, {.unit = raw}, where);
  }
  return out;
}

TEST(a_policy, grants_what_keeps_to_it_and_leaves_it_as_it_is) {
  const steer::recipe recipe = adds({vector_at("kind", {{1, axis(1, 4.0F) + axis(0, 0.4F)}, {2, axis(2, 4.0F)}})});
  const steer::admission given = examine(toy::house_rules(), recipe);
  EXPECT_TRUE(given.granted()) << given.violations.front().message;
  EXPECT_EQ(given.recipe, recipe);
  EXPECT_TRUE(given.taken_out.empty());
  EXPECT_TRUE(examine(toy::house_rules(), {}).granted()) << "nothing is allowed";
}

TEST(a_policy, without_rules_allows_everything) {
  std::mt19937_64 engine(3);
  for (int i = 0; i < 20; ++i) {
    EXPECT_TRUE(examine({}, toy::random_recipe(engine, toy::shape(2, toy::rule_width))).granted());
  }
}

TEST(a_policy, accepts_its_model_and_siblings_only) {
  steer::policy rules = toy::house_rules();
  const steer::recipe own = adds({vector_at("kind", {{1, axis(1)}})});
  steer::model_shape sibling = toy::guarded_model();
  sibling.fingerprint = "gguf:a/2";
  const steer::documented_recipe known{own};
  expect_violation(steer::examine(rules, known, sibling), policy_rule::fingerprint, {}, {}, {}, "\"gguf:a/2\"", "accepts gguf:a/1");
  sibling.fingerprint = "gguf:a";  // says less: it might be another
  expect_violation(steer::examine(rules, known, sibling), policy_rule::fingerprint, {}, {}, {}, "\"gguf:a\"");
  rules.fingerprints->insert("gguf:a/2");
  sibling.fingerprint = "gguf:a/2";
  EXPECT_TRUE(steer::examine(rules, known, sibling).granted());

  steer::steering_vector other = vector_at("kind", {{1, axis(1)}});
  other.source.model = "toy";  // a name proves nothing
  other.source.fingerprint = "gguf:b/1";
  expect_violation(examine(rules, adds({other})), policy_rule::fingerprint, {}, {}, {}, "measured on a model with the fingerprint gguf:b/1");
  other.source.fingerprint.clear();
  expect_violation(examine(rules, adds({other})), policy_rule::fingerprint, {}, {}, {}, "does not say on which model");
  // In a gate, too.
  steer::recipe gated = own;
  other.source.fingerprint = "gguf:b/1";
  gated.add(vector_at("kind", {{1, axis(1)}}), {.unit = raw}, {.gate = {.conditions = {steer::above(other, 0.0F)}}});
  expect_violation(examine(rules, gated), policy_rule::fingerprint, {}, {}, {}, "gguf:b/1");
  steer::documented_recipe fitted{own};
  fitted.fitted = {.fingerprint = "gguf:b/1"};
  expect_violation(steer::examine(rules, fitted, toy::guarded_model()), policy_rule::fingerprint, {}, {}, {}, "gguf:b/1");
}

TEST(a_policy, names_operations_points_and_layers_that_it_does_not_allow) {
  steer::policy rules = toy::house_rules();
  rules.operations = {{"add", "watch"}};
  rules.points = {{steer::point::residual_out}};
  rules.layers = {{1, 2}};
  steer::recipe recipe = adds({vector_at("kind", {{1, axis(1)}, {3, axis(1)}})});
  recipe.ablate(vector_at("rude", {{1, axis(2)}}, steer::point::mlp_out));
  const steer::admission given = examine(rules, recipe);
  expect_violation(given, policy_rule::operations, {}, {}, {}, "ablate \"rude\"", "the operation \"ablate\"");
  expect_violation(given, policy_rule::points, 1, {}, {}, "acts at mlp_out");
  expect_violation(given, policy_rule::layers, 3, {}, {}, "add \"kind\"", "layer 3");
  EXPECT_EQ(given.violations.size(), 3U);
  rules.operations.emplace();  // an empty list allows nothing
  expect_violation(examine(rules, adds({vector_at("kind", {{1, axis(1)}})})), policy_rule::operations, {}, {}, {}, "\"add\"");
}

TEST(a_policy, says_what_the_model_cannot_take) {
  expect_violation(examine(toy::house_rules(), adds({vector_at("kind", {{9, axis(1)}})})), policy_rule::fits_model, 9, {}, {}, "layers 0 to 3");
  steer::steering_vector narrow = vector_at("kind", {});
  narrow.directions[1].values = Eigen::VectorXf::Ones(3);
  expect_violation(examine(toy::house_rules(), adds({narrow})), policy_rule::fits_model, {}, {}, {}, "width 3");
}

TEST(a_dose_budget, is_of_the_whole_stack_and_of_each_layer) {
  const auto kind = vector_at("kind", {{1, axis(1, 4.0F)}, {2, axis(1, 4.0F)}});
  const auto terse = vector_at("terse", {{1, axis(2, 4.0F)}});
  EXPECT_TRUE(examine(toy::house_rules(), adds({kind})).granted());
  EXPECT_TRUE(examine(toy::house_rules(), adds({terse})).granted());
  expect_violation(examine(toy::house_rules(), adds({kind, terse})), policy_rule::layer_dose, 1, std::sqrt(32.0) / 10.0, 0.5, "layer 1",
                   "0.565685 of the mean row norm", "\"house rules\" allows at most 0.5");
  const auto everywhere = vector_at("wide", {{0, axis(1, 4.0F)}, {1, axis(1, 4.0F)}, {2, axis(1, 4.0F)}});
  expect_violation(examine(toy::house_rules(), adds({everywhere})), policy_rule::total_dose, {}, 1.2, 1.0, "over all layers");
  // Points of one layer add up.
  const auto in = vector_at("in", {{1, axis(3, 4.0F)}}, steer::point::residual_in);
  expect_violation(examine(toy::house_rules(), adds({terse, in})), policy_rule::layer_dose, 1, 0.8, 0.5);
  // Huge at one layer only.
  expect_violation(examine(toy::house_rules(), adds({vector_at("spike", {{0, axis(1, 0.01F)}, {3, axis(1, 4e3F)}})})), policy_rule::layer_dose, 3,
                   400.0, 0.5);
}

TEST(a_dose_budget, counts_what_cancels_only_where_it_always_does) {
  const auto up = vector_at("up", {{1, axis(1, 8.0F)}});
  const auto down = vector_at("down", {{1, axis(1, -8.0F)}});
  EXPECT_TRUE(examine(toy::house_rules(), adds({up, down})).granted());
  // A gate may leave one of them out, and so may a schedule.
  steer::recipe gated = adds({up});
  gated.add(down, {.unit = raw}, {.gate = {.conditions = {steer::above(up, 1e30F)}}});
  expect_violation(examine(toy::house_rules(), gated), policy_rule::layer_dose, 1, 0.8, 0.5);
  steer::recipe timed = adds({up});
  timed.add(down, {.unit = raw}, {.rows = {.phase = steer::phase::prompt}});
  expect_violation(examine(toy::house_rules(), timed), policy_rule::layer_dose, 1, 0.8, 0.5);
  // Both on the same rows cancel again.
  EXPECT_TRUE(examine(toy::house_rules(), adds({up, down}, {.rows = {.phase = steer::phase::prompt}})).granted());
}

TEST(a_dose_budget, has_no_trust_in_norms_that_a_file_says) {
  steer::steering_vector v = vector_at("kind", {{1, axis(1)}});
  v.directions[1].row_norm = 1000.0;  // 10 in truth
  steer::recipe recipe;
  recipe.add(v, {.strength = 0.1F});
  expect_violation(examine(toy::house_rules(), recipe), policy_rule::layer_dose, 1, 10.0, 0.5);
  steer::recipe capped;
  capped.add(v, {.strength = 0.1F, .unit = steer::strength_unit::of_row_norm});
  EXPECT_TRUE(examine(toy::house_rules(), capped).granted()) << "of the row's own norm it is a tenth";
}

TEST(a_dose_budget, needs_a_cap_on_what_a_gate_multiplies) {
  const auto v = vector_at("kind", {{1, axis(1, 0.001F)}});
  steer::recipe recipe;
  recipe.add(v, {.unit = raw}, {.gate = {.conditions = {steer::ramp(v, 0.0F, 1.0F)}}});
  expect_violation(examine(toy::house_rules(), recipe), policy_rule::layer_dose, 1, std::numeric_limits<double>::infinity(), 0.5);
  steer::recipe capped;
  capped.add(v, {.unit = raw}, {.gate = {.conditions = {steer::ramp(v, 0.0F, 1.0F, 100.0F)}}});
  EXPECT_TRUE(examine(toy::house_rules(), capped).granted());
}

TEST(a_dose_budget, needs_the_row_norm) {
  steer::policy rules = toy::house_rules();
  rules.row_norms.erase({1, steer::point::residual_out});
  expect_violation(examine(rules, adds({vector_at("kind", {{1, axis(1)}})})), policy_rule::row_norm, 1, {}, {}, "does not know the mean row norm");
}

TEST(a_protected_subspace, limits_the_share_of_each_edit) {
  const auto straight = vector_at("straight", {{2, axis(0, 0.4F) + axis(1, 0.3F)}});
  expect_violation(examine(toy::house_rules(), adds({straight})), policy_rule::protected_share, 2, 0.8, 0.3, "add \"straight\", layer 2",
                   "up to 0.8 of what it writes lies in protected \"refusal\"", "at most 0.3");
  EXPECT_TRUE(examine(toy::house_rules(), adds({vector_at("aside", {{2, axis(0, 0.4F) + axis(1, 2.0F)}})})).granted());
  // At whatever point of the stream it enters.
  for (const steer::point p : {steer::point::residual_in, steer::point::attention_out, steer::point::mlp_out}) {
    expect_violation(examine(toy::house_rules(), adds({vector_at("straight", {{2, axis(0, 0.4F)}}, p)})), policy_rule::protected_share, 2, 1.0, 0.3);
  }
  // Through weights that nobody sees.
  steer::steering_vector heads = vector_at("heads", {}, steer::point::attention_heads);
  heads.directions[2].values = Eigen::VectorXf::Ones(2 * toy::rule_width);
  expect_violation(examine(toy::house_rules(), adds({heads})), policy_rule::protected_share, 2, {}, 0.3, "weights that no policy sees");
}

TEST(a_protected_subspace, sees_a_direction_that_is_split_over_two_vectors) {
  // Each hides refusal behind what the other takes back.
  const auto a = vector_at("a", {{1, axis(0, 0.2F) + axis(1, 2.0F)}});
  const auto b = vector_at("b", {{1, axis(0, 0.2F) - axis(1, 2.0F)}});
  EXPECT_TRUE(examine(toy::house_rules(), adds({a})).granted());
  EXPECT_TRUE(examine(toy::house_rules(), adds({b})).granted());
  expect_violation(examine(toy::house_rules(), adds({a, b})), policy_rule::protected_share, 1, 1.0, 0.3, "the stack at layer 1");
  // At two points, or at two layers.
  auto before = b;
  before.point = steer::point::mlp_out;
  expect_violation(examine(toy::house_rules(), adds({a, before})), policy_rule::protected_share, 1, 1.0, 0.3, "the stack at layer 1");
  const auto later = vector_at("b", {{3, axis(0, 0.2F) - axis(1, 2.0F)}});
  expect_violation(examine(toy::house_rules(), adds({a, later})), policy_rule::protected_share, 3, 1.0, 0.3, "the stack up to layer 3");
  // As parts of a stack, each with a dose.
  const steer::documented_recipe one{adds({a})};
  const steer::documented_recipe two{adds({vector_at("b", {{1, axis(0, 0.2F) - axis(1, 1.0F)}})})};
  const std::vector<steer::dosed_recipe> stack{{"one", &one, 0.5}, {"two", &two, 1.0}};
  expect_violation(steer::examine(toy::house_rules(), stack, toy::guarded_model()), policy_rule::protected_share, 1, 1.0, 0.3);
}

TEST(a_protected_subspace, is_not_deceived_by_gates_and_schedules) {
  const auto straight = vector_at("straight", {{1, axis(0, 0.4F)}});
  const steer::gate closed{.conditions = {steer::above(straight, 1e30F)}};
  // An edit behind a gate that never opens.
  expect_violation(examine(toy::house_rules(), adds({straight}, {.gate = closed})), policy_rule::protected_share, 1, 1.0, 0.3);
  // Three edits that cancel as long as the third one's gate is open, which it never is.
  const auto a = vector_at("a", {{1, axis(0, 0.2F) + axis(1, 2.0F)}});
  const auto b = vector_at("b", {{1, axis(0, 0.2F) - axis(1, 2.0F)}});
  const auto excuse = vector_at("excuse", {{1, axis(0, -0.4F) + axis(2, 2.0F)}});
  EXPECT_TRUE(examine(toy::house_rules(), adds({a, b, excuse})).granted());
  steer::recipe hidden = adds({a, b});
  hidden.add(excuse, {.unit = raw}, {.gate = closed});
  expect_violation(examine(toy::house_rules(), hidden), policy_rule::protected_share, 1, 1.0, 0.3);
  steer::recipe late = adds({a, b});
  late.add(excuse, {.unit = raw}, {.rows = {.first = 1'000'000}});
  expect_violation(examine(toy::house_rules(), late), policy_rule::protected_share, 1, 1.0, 0.3);
  // Over layers: the excuse comes first.
  steer::recipe spread = adds({vector_at("a", {{1, axis(0, 0.3F) + axis(1, 2.0F)}}), vector_at("b", {{2, axis(0, 0.3F) - axis(1, 2.0F)}})});
  spread.add(vector_at("excuse", {{0, axis(0, -0.6F) + axis(2, 2.0F)}}), {.unit = raw}, {.gate = {.conditions = {steer::above(vector_at("x", {{0, axis(1)}}), 1e30F)}}});
  expect_violation(examine(toy::house_rules(), spread), policy_rule::protected_dose, 0, 0.06, 0.05, "up to layer 0");
  steer::policy rules = toy::house_rules();
  rules.protects[0].most_dose = 0.1;
  expect_violation(examine(rules, spread), policy_rule::protected_dose, 2, 0.12, 0.1, "up to layer 2");
}

TEST(a_protected_subspace, adds_up_what_is_small_at_every_layer) {
  std::map<int, Eigen::VectorXf> values;
  for (int layer = 0; layer < toy::rule_layers; ++layer) {
    values[layer] = axis(0, 0.2F) + axis(layer + 1, 2.0F);
  }
  expect_violation(examine(toy::house_rules(), adds({vector_at("drip", values)})), policy_rule::protected_dose, 2, 0.06, 0.05, "up to layer 2",
                   "0.06 of the mean row norm into protected \"refusal\"");
}

TEST(a_protected_subspace, counts_an_ablation_in_full_and_reading_not_at_all) {
  steer::policy rules = toy::house_rules();
  rules.fingerprints.reset();  // planes and maps do not say where they were found
  rules.most_layer_dose.reset();
  rules.most_total_dose.reset();
  const auto r = vector_at("refusal", {{1, axis(0)}});
  const auto x = vector_at("x", {{1, axis(1)}});
  const auto refused = [&](const steer::recipe& recipe) { expect_violation(examine(rules, recipe), policy_rule::protected_share, 1, 1.0, 0.3); };
  refused(steer::recipe().ablate(r));
  refused(steer::recipe().ablate(r, {.share = 0.01F}));
  refused(steer::recipe().reflect(r));
  refused(steer::recipe().scale(r, {.factor = 1.01F}));
  refused(steer::recipe().cap(r, 1.0F));
  refused(steer::recipe().floor(r, -1.0F));
  refused(steer::recipe().set({x, r}, {1.0F, 0.0F}));
  refused(steer::recipe().erase(vector_at("both", {{1, axis(0) + axis(1)}}), r));
  refused(steer::recipe().turn_towards(r, {.share = 0.1F}));
  refused(steer::recipe().rotate(steer::plane_through(x.directions.at(1), r.directions.at(1)), {.angle = 0.1F}, {.layers = {1}}));
  refused(steer::recipe().set_angle(steer::plane_through(x.directions.at(1), r.directions.at(1)), {.angle = 0.1F}, {.layers = {1}}));
  steer::diagonal_map diagonal{Eigen::VectorXf::Ones(toy::rule_width), Eigen::VectorXf::Zero(toy::rule_width)};
  diagonal.scale[0] = 0.0F;
  refused(steer::recipe().transform(diagonal, {.layers = {1}}));
  steer::dense_map dense{steer::matrix<float>::Identity(toy::rule_width, toy::rule_width), Eigen::VectorXf::Zero(toy::rule_width)};
  dense.linear(0, 3) = 0.001F;
  refused(steer::recipe().transform(dense, {.layers = {1}}));
  // What reads it, in a gate or for telemetry, and what writes elsewhere.
  steer::recipe reads;
  reads.watch({r});
  reads.add(x, {.unit = raw}, {.gate = {.conditions = {steer::above(r, 0.0F)}}});
  reads.erase(r, vector_at("aside", {{1, axis(0, 0.2F) + axis(1)}}));
  EXPECT_FALSE(examine(rules, reads).granted()) << "in the protected dose: erasing along a direction nearly across it moves far";
  steer::recipe watches;
  watches.watch({r});
  watches.add(x, {.unit = raw}, {.gate = {.conditions = {steer::above(r, 0.0F)}}});
  EXPECT_TRUE(examine(rules, watches).granted());
  dense.linear(0, 3) = 0.0F;
  dense.linear(3, 0) = 0.5F;
  EXPECT_TRUE(examine(rules, steer::recipe().transform(dense, {.layers = {1}})).granted());
}

TEST(projecting_out, leaves_the_rest_of_every_affine_edit_and_says_what_was_taken) {
  steer::policy rules = toy::house_rules();
  rules.protects = {toy::refusal(steer::protection::project_out)};
  const auto v = vector_at("v", {{1, axis(0, 0.6F) + axis(1, 0.8F)}, {2, axis(2, 1.0F)}});
  const steer::admission given = examine(rules, adds({v}));
  ASSERT_TRUE(given.granted()) << given.violations.front().message;
  ASSERT_EQ(given.taken_out.size(), 1U) << "nothing of it is inside at layer 2";
  EXPECT_EQ(given.taken_out[0].edit, "add \"v\"");
  EXPECT_EQ(given.taken_out[0].subspaces, "refusal");
  EXPECT_EQ(given.taken_out[0].layer, 1);
  EXPECT_NEAR(given.taken_out[0].share, 0.6, 1e-6);
  ASSERT_EQ(given.recipe.edits().size(), 2U);
  EXPECT_EQ(given.recipe.edits()[0].where.layers, std::vector<int>{2});
  const steer::steering_vector& kept = only_vector(given.recipe.edits()[1]);
  EXPECT_LE((kept.directions.at(1).values - axis(1, 0.8F)).norm(), 1e-7F);
  // What lies inside altogether is left out.
  const steer::admission nothing = examine(rules, adds({vector_at("r", {{1, axis(0)}})}));
  EXPECT_TRUE(nothing.granted());
  EXPECT_TRUE(nothing.recipe.empty());
  EXPECT_EQ(nothing.taken_out.front().share, 1.0);
  // What cannot be projected is refused as ever.
  rules.most_layer_dose.reset();
  rules.most_total_dose.reset();
  expect_violation(examine(rules, steer::recipe().cap(vector_at("r", {{1, axis(0)}}), 1.0F)), policy_rule::protected_share, 1, 1.0, 0.3);
}

TEST(projecting_out, makes_plans_that_write_nothing_inside) {
  int looked_at = 0;
  for (std::uint64_t seed = 0; seed < 120; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 engine(seed);
    const std::ptrdiff_t width = 6 + static_cast<std::ptrdiff_t>(engine() % 12);
    const steer::model_shape shape = toy::shape(2, width);
    const steer::recipe drawn = toy::random_recipe(engine, shape);
    steer::recipe affine;
    for (steer::edit e : drawn.edits()) {
      e.where.norm = {};
      const auto* const add = std::get_if<steer::add_edit>(&e.operation);
      const auto* const bound = std::get_if<steer::bound_edit>(&e.operation);
      const bool policy_of_its_own = (add != nullptr && add->unit == steer::strength_unit::of_row_norm) || (bound != nullptr && bound->low != bound->high) ||
                                     std::holds_alternative<steer::angle_edit>(e.operation) || std::holds_alternative<steer::towards_edit>(e.operation);
      if (!policy_of_its_own && std::isfinite(steer::detail::most_open(e.where.gate)) && point_of(e) != steer::point::attention_heads) {
        affine.append(std::move(e));
      }
    }
    steer::policy rules;
    rules.row_norms = toy::norms_of(shape);
    rules.protects = {{.name = "p", .most_share = 1.0, .most_dose = 1e30, .how = steer::protection::project_out}};
    for (const int layer : {0, 1}) {
      rules.protects[0].bases[layer] = steer::detail::orthonormal(toy::random_rows<double>(engine, 2, width));
    }
    const steer::admission given = steer::examine(rules, steer::documented_recipe{affine}, shape);
    ASSERT_TRUE(given.granted()) << given.violations.front().message;
    const steer::basic_plan<double> whole(affine, shape);
    const steer::basic_plan<double> projected(given.recipe, shape);
    for (const int layer : {0, 1}) {
      for (const steer::point p : steer::all_points) {
        if (p == steer::point::attention_heads) {
          continue;
        }
        const steer::matrix<double> rows = toy::random_rows<double>(engine, 8, width);
        std::vector<steer::row_info> info;
        for (std::int32_t i = 0; i < rows.rows(); ++i) {
          info.push_back({.position = i, .prompt_length = 4, .phase = i < 4 ? steer::phase::prompt : steer::phase::generation});
        }
        steer::matrix<double> a = rows;
        steer::matrix<double> b = rows;
        whole({layer, p}, toy::view(a, info));
        projected({layer, p}, toy::view(b, info));
        const steer::matrix<double>& basis = rules.protects[0].bases.at(layer);
        EXPECT_LE((basis * (b - rows).transpose()).norm(), 1e-5 * (1.0 + (b - rows).norm()));
        looked_at += (basis * (a - rows).transpose()).norm() > 0.1;
      }
    }
  }
  EXPECT_GT(looked_at, 100) << "what was not projected writes inside";
}

TEST(a_readout_limit, holds_the_measured_response_of_the_stack_against_it) {
  steer::policy rules = toy::house_rules();
  rules.readouts = {{"refusal", 0.5}};
  steer::documented_recipe terse{adds({vector_at("terse", {{1, axis(1)}})})};
  expect_violation(steer::examine(rules, terse, toy::guarded_model()), policy_rule::readout, {}, {}, 0.5, "no measured response", "\"refusal\"");
  terse.response = {.readouts = {"terse", "refusal"}, .vectors = {"terse", "other"}, .fingerprint = "gguf:a/1", .dose_unit = {.unit = raw}, .step = 1.0};
  terse.response->baseline.setZero(2);
  terse.response->slope = (Eigen::MatrixXd(2, 2) << 3.0, 0.0, -0.3, 1.0).finished();
  terse.response->error = (Eigen::MatrixXd(2, 2) << 0.1, 0.1, 0.05, 0.1).finished();
  terse.response->bend.setZero(2, 2);
  EXPECT_TRUE(steer::examine(rules, terse, toy::guarded_model()).granted());  // .3 and two errors of .05
  const auto at_dose = [&](double dose) {
    const steer::dosed_recipe part{"terse@2", &terse, dose};
    return steer::examine(rules, std::span(&part, 1), toy::guarded_model());
  };
  expect_violation(at_dose(2.0), policy_rule::readout, {}, 0.8, 0.5, "readout \"refusal\" by 0.8 nats");
  expect_violation(at_dose(-2.0), policy_rule::readout, {}, 0.8, 0.5);
  const std::vector<steer::dosed_recipe> twice{{"terse@1", &terse, 1.0}, {"terse@2", &terse, 1.0}};
  expect_violation(steer::examine(rules, twice, toy::guarded_model()), policy_rule::readout, {}, 0.6 + 2.0 * std::hypot(0.05, 0.05), 0.5);
  terse.response->readouts[1] = "another";
  expect_violation(at_dose(1.0), policy_rule::readout, {}, {}, 0.5, "no measured response");
}

TEST(a_stack, multiplies_what_each_edit_gives_to_a_row) {
  std::mt19937_64 engine(7);
  const steer::model_shape shape = toy::shape(2, 9);
  const steer::documented_recipe a{toy::random_recipe(engine, shape)};
  const steer::documented_recipe b{toy::random_recipe(engine, shape)};
  const std::vector<steer::dosed_recipe> stack{{"a", &a, 0.25}, {"none", &b, 0.0}, {"b", &b, -1.5}};
  const steer::recipe made = steer::stacked(stack);
  ASSERT_EQ(made.edits().size(), a.recipe.edits().size() + b.recipe.edits().size());
  for (std::size_t i = 0; i < made.edits().size(); ++i) {
    const bool first = i < a.recipe.edits().size();
    steer::edit expected = first ? a.recipe.edits()[i] : b.recipe.edits()[i - a.recipe.edits().size()];
    expected.where.gate.share *= first ? 0.25F : -1.5F;
    EXPECT_EQ(made.edits()[i], expected);
  }
  const std::vector<steer::dosed_recipe> no_number{{"a", &a, std::nan("")}};
  expect_error<steer::numeric_error>([&] { (void)steer::stacked(no_number); }, "\"a\"", "the dose nan");
  const std::vector<steer::dosed_recipe> no_recipe{{"a", nullptr}};
  expect_error<steer::argument_error>([&] { (void)steer::stacked(no_recipe); }, "no recipe");
}

TEST(admit, throws_every_violation_at_once) {
  steer::policy rules = toy::house_rules();
  const steer::documented_recipe both{adds({vector_at("refusal", {{0, axis(0, 9.0F)}})})};
  try {
    (void)steer::admit(rules, both, toy::guarded_model());
    FAIL() << "nothing was thrown";
  } catch (const steer::policy_error& problem) {
    std::vector<policy_rule> found;
    for (const steer::violation& each : problem.violations()) {
      found.push_back(each.rule);
    }
    EXPECT_EQ(found, (std::vector{policy_rule::layer_dose, policy_rule::protected_share, policy_rule::protected_dose}));
    for (const steer::violation& each : problem.violations()) {
      EXPECT_NE(std::string(problem.what()).find(each.message), std::string::npos);
    }
  }
  const steer::documented_recipe fine{adds({vector_at("kind", {{0, axis(1)}})})};
  EXPECT_EQ(steer::admit(rules, fine, toy::guarded_model()), fine.recipe);
}

}  // namespace
