#include "steer/inject/plan.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "allocations.hpp"
#include "expect_error.hpp"
#include "inject/batch.hpp"
#include "steer/inject/session.hpp"
#include "toy.hpp"

namespace {

using steer::point;
using steer::site;
using steer::strength_unit;

using toy::batch;

class plan_of_one : public testing::Test {
 protected:
  std::mt19937_64 engine{3};
  steer::model_shape shape = toy::shape(2, 24);
  steer::steering_vector happy = toy::random_vector(engine, {0, 1}, 24);
  batch<float> data{engine, 6, 24};
  const site here{1, point::residual_out};

  std::vector<float> after(const steer::recipe& recipe, int times = 1) {
    const steer::plan plan{recipe, shape};
    batch<float> copy = data;
    for (int i = 0; i < times; ++i) {
      plan(here, copy.rows());
    }
    return copy.numbers;
  }
  static void expect_near(const std::vector<float>& a, const std::vector<float>& b, float tolerance) {
    ASSERT_EQ(a.size(), b.size());
    for (std::size_t i = 0; i < a.size(); ++i) {
      EXPECT_NEAR(a[i], b[i], tolerance) << "element " << i;
    }
  }
};

TEST_F(plan_of_one, ablation_is_idempotent_and_leaves_no_component) {
  const std::vector<float> once = after(steer::recipe().ablate(happy));
  expect_near(once, after(steer::recipe().ablate(happy), 2), 2e-6F);
  const Eigen::VectorXd u = unit(happy.directions[1]);
  for (std::ptrdiff_t i = 0; i < 6; ++i) {
    const Eigen::VectorXd h = Eigen::Map<const Eigen::VectorXf>(once.data() + 1 + i * data.stride, 24).cast<double>();
    EXPECT_NEAR(u.dot(h), 0.0, 2e-6);
  }
}

TEST_F(plan_of_one, reflection_is_an_involution_and_keeps_norms) {
  const auto reflect = steer::recipe().reflect(happy);
  expect_near(after(reflect, 2), data.numbers, 2e-6F);
  const std::vector<float> once = after(reflect);
  for (std::ptrdiff_t i = 0; i < 6; ++i) {
    const auto row = [&](const std::vector<float>& numbers) {
      return Eigen::Map<const Eigen::VectorXf>(numbers.data() + 1 + i * data.stride, 24).norm();
    };
    EXPECT_NEAR(row(once), row(data.numbers), 1e-5F);
  }
}

TEST_F(plan_of_one, is_invariant_under_the_sign_and_length_of_an_ablated_direction) {
  steer::steering_vector other = happy;
  other.directions[1].values *= -3.0F;
  expect_near(after(steer::recipe().ablate(happy)), after(steer::recipe().ablate(other)), 2e-6F);
}

TEST_F(plan_of_one, does_nothing_at_strength_zero_bit_for_bit) {
  data.numbers[1] = -0.0F;  // adding +0 would change its sign bit
  steer::recipe recipe;
  recipe.add(happy, {.strength = 0.0F})
      .scale(happy, {.factor = 1.0F})
      .add(happy, {.strength = 0.0F, .unit = strength_unit::of_row_norm});
  const steer::plan plan{recipe, shape};
  for (int layer = 0; layer < 2; ++layer) {
    for (const point p : steer::all_points) {
      EXPECT_EQ(plan.access({layer, p}), steer::access::none);
    }
  }
  const auto numbers = after(recipe);
  EXPECT_EQ(std::memcmp(numbers.data(), data.numbers.data(), numbers.size() * sizeof(float)), 0);
  EXPECT_EQ(plan.explain(), "nothing\n");
}

TEST_F(plan_of_one, does_nothing_where_a_dose_is_too_small_for_the_scalar) {
  steer::steering_vector tiny;
  tiny.name = "tiny";
  tiny.directions[0].values = Eigen::VectorXf::Constant(3, 1e-30F);
  const steer::plan plan(steer::recipe{}.add(tiny, {.strength = 1e-20F, .unit = steer::strength_unit::raw}),
                         toy::shape(1, 3));
  EXPECT_EQ(plan.access({0, steer::point::residual_out}), steer::access::none) << "adding zero would turn -0 into 0";
}

TEST_F(plan_of_one, knows_row_norms_whose_squares_overflow_or_vanish) {
  steer::steering_vector v;
  v.name = "first axis";
  v.directions[0].values = Eigen::Vector3f(1.0F, 0.0F, 0.0F);
  const steer::plan plan(
      steer::recipe{}.add(v, {.strength = 0.1F, .unit = steer::strength_unit::of_row_norm, .cap = INFINITY}),
      toy::shape(1, 3));
  const steer::row_info info{};
  for (const float size : {2e19F, 1.0F, 1e-23F, 3e-39F}) {
    std::array<float, 3> row{0.0F, size, 0.0F};
    plan({0, steer::point::residual_out}, {row.data(), 1, 3, 3, {&info, 1}});
    EXPECT_NEAR(row[0] / (0.1F * size), 1.0F, 1e-5F) << size;
    EXPECT_EQ(row[1], size);
  }
}

TEST_F(plan_of_one, skips_sites_that_do_not_exist) {
  const steer::plan plan(steer::recipe{}.ablate(happy, {.layers = {1}}), shape);
  EXPECT_EQ(plan.access({0, static_cast<steer::point>(9)}), steer::access::none) << "not the next layer's residual_out";
  EXPECT_EQ(plan.access({-1, steer::point::residual_out}), steer::access::none);
  EXPECT_EQ(plan.access({2, steer::point::residual_out}), steer::access::none);
}

TEST_F(plan_of_one, drops_doses_that_cancel) {
  steer::recipe recipe;
  recipe.add(happy, {.strength = 0.5F}).add(happy, {.strength = -0.5F});
  EXPECT_EQ(steer::plan(recipe, shape).access(here), steer::access::none);
}

TEST_F(plan_of_one, checks_an_edit_of_strength_zero_too) {
  happy.directions[7] = happy.directions[1];
  expect_error<steer::shape_error>([&] { steer::plan(steer::recipe().add(happy, {.strength = 0.0F}), shape); },
                                   "layer 7");
}

TEST_F(plan_of_one, leaves_rows_outside_the_selection_bit_identical) {
  steer::recipe recipe;
  recipe.add(happy, {.strength = 0.5F}, {.rows = {.first = 2, .last = 3}});
  const auto numbers = after(recipe);
  for (std::ptrdiff_t i = 0; i < 6; ++i) {
    const auto at = static_cast<std::size_t>(1 + i * data.stride);
    EXPECT_EQ(std::memcmp(&numbers[at], &data.numbers[at], 24 * sizeof(float)) == 0, i < 2 || i > 3) << "row " << i;
  }
}

TEST_F(plan_of_one, gives_the_same_bits_row_by_row) {
  steer::recipe recipe;
  recipe.add(happy, {.strength = 0.3F, .unit = strength_unit::of_row_norm}).ablate(happy, {.share = 0.7F}).add(happy);
  const steer::plan plan{recipe, shape};
  batch<float> single = data;
  for (std::ptrdiff_t i = 0; i < 6; ++i) {
    const auto all = single.rows();
    plan(here, {all.data + i * all.stride, 1, all.width, all.stride, all.info.subspan(static_cast<std::size_t>(i), 1)});
  }
  EXPECT_EQ(single.numbers, after(recipe));
}

TEST_F(plan_of_one, keeps_a_row_of_nan_to_itself) {
  const auto clean = after(steer::recipe().ablate(happy).add(happy, {.unit = strength_unit::of_row_norm}));
  data.numbers[1] = std::numeric_limits<float>::quiet_NaN();  // row 0
  const auto numbers = after(steer::recipe().ablate(happy).add(happy, {.unit = strength_unit::of_row_norm}));
  const auto second = static_cast<std::size_t>(1 + data.stride);
  EXPECT_TRUE(std::isnan(numbers[1]));
  EXPECT_EQ(std::memcmp(&numbers[second], &clean[second], (numbers.size() - second) * sizeof(float)), 0);
}

TEST_F(plan_of_one, caps_the_row_norm_that_counts) {
  happy.directions[1].row_norm = 2.0;
  const auto dose_of = [&](float cap) {
    batch<float> one(engine, 1, 24);
    Eigen::Map<Eigen::VectorXf> h(one.numbers.data() + 1, 24);
    h.setZero();
    h[0] = 100.0F;
    const Eigen::VectorXf before = h;
    steer::plan(steer::recipe().add(happy, {.strength = 0.1F, .unit = strength_unit::of_row_norm, .cap = cap}), shape)(
        here, one.rows());
    return (h - before).norm();
  };
  EXPECT_NEAR(dose_of(3.0F), 0.1F * 3.0F * 2.0F, 1e-5F);
  EXPECT_NEAR(dose_of(std::numeric_limits<float>::infinity()), 10.0F, 1e-4F);
}

TEST_F(plan_of_one, is_shared_by_threads) {
  steer::recipe recipe;
  recipe.add(happy, {.strength = 0.3F, .unit = strength_unit::of_row_norm}).ablate(happy);
  const steer::plan plan{recipe, shape};
  const std::vector<float> expected = after(recipe);
  std::vector<int> wrong(4, 0);
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < wrong.size(); ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 500; ++i) {
        batch<float> copy = data;
        plan(here, copy.rows());
        wrong[t] += copy.numbers != expected ? 1 : 0;
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(wrong, std::vector<int>(4, 0));
}

TEST_F(plan_of_one, without_norms_counts_in_raw) {
  happy.directions[0].row_norm.reset();
  expect_error<steer::argument_error>([&] { steer::plan(steer::recipe().add(happy), shape); },
                                      "only some of its layers", "name a unit");
  happy.directions[1].row_norm.reset();
  EXPECT_EQ(after(steer::recipe().add(happy, {.strength = 0.5F})),
            after(steer::recipe().add(happy, {.strength = 0.5F, .unit = strength_unit::raw})));
  happy.name = "happy";
  for (const auto unit : {strength_unit::of_norm, strength_unit::of_row_norm}) {
    expect_error<steer::argument_error>([&] { steer::plan(steer::recipe().add(happy, {.unit = unit}), shape); },
                                        "add \"happy\", layer 0", steer::to_string(unit).data(), "mean row norm");
  }
  happy.directions[0].spread.reset();
  expect_error<steer::argument_error>(
      [&] { steer::plan(steer::recipe().add(happy, {.unit = strength_unit::sigma}), shape); }, "unit sigma", "spread");
}

TEST_F(plan_of_one, refuses_what_does_not_fit_the_model) {
  happy.name = "happy";
  const auto compile = [&](steer::recipe recipe, const steer::model_shape& model) { steer::plan(recipe, model); };
  expect_error<steer::shape_error>([&] { compile(steer::recipe().add(happy, {.layers = {4}}), shape); },
                                   "add \"happy\"", "layer 4 does not exist", "layers 0 to 1");
  expect_error<steer::shape_error>([&] { compile(steer::recipe().add(happy), toy::shape(1, 24)); },
                                   "layer 1 does not exist");
  expect_error<steer::shape_error>([&] { compile(steer::recipe().ablate(happy), toy::shape(2, 25)); },
                                   "ablate \"happy\"", "has width 24", "has 25 at residual_out");
  expect_error<steer::shape_error>([&] { compile(steer::recipe().add(happy, {.layers = {2}}), toy::shape(3, 24)); },
                                   "layer 2 has no direction", "0 to 1");
  expect_error<steer::argument_error>([&] { compile(steer::recipe().add(happy, {.layers = {1, 1}}), shape); },
                                      "layer 1 is named twice");
  steer::model_shape blind = shape;
  blind.facts = {};
  expect_error<steer::argument_error>(
      [&] { compile(steer::recipe().add(happy, {.rows = {.phase = steer::phase::prompt}}), blind); },
      "needs each row's phase");
  expect_error<steer::argument_error>([&] { compile(steer::recipe().add(happy, {.rows = {.last = 3}}), blind); },
                                      "needs each row's position");
  EXPECT_NO_THROW(compile(steer::recipe().add(happy), blind));
  blind.points = {point::mlp_out};
  expect_error<steer::shape_error>([&] { compile(steer::recipe().add(happy), blind); }, "does not show residual_out");
  happy.directions[1].row_norm = 1e300;
  expect_error<steer::numeric_error>([&] { compile(steer::recipe().add(happy), shape); }, "layer 1 residual_out",
                                     "not finite");
}

TEST_F(plan_of_one, refuses_another_models_vector_unless_told) {
  happy.name = "happy";
  happy.source.model = "A";
  happy.source.fingerprint = "0a";
  EXPECT_NO_THROW(steer::plan(steer::recipe().add(happy), shape)) << "a host without a fingerprint cannot be checked";
  shape.fingerprint = "0b";
  expect_error<steer::argument_error>([&] { steer::plan(steer::recipe().add(happy), shape); }, "\"happy\"", "\"A\"",
                                      "0a", "\"toy\" has 0b");
  EXPECT_NO_THROW(steer::plan(steer::recipe().add(happy), shape, {.models = steer::model_check::any}));
  shape.fingerprint = "0a";
  EXPECT_NO_THROW(steer::plan(steer::recipe().add(happy), shape));
}

TEST_F(plan_of_one, takes_fingerprints_that_say_less_and_refuses_others) {
  const auto meet = [&](const char* vector, const char* model) {
    happy.source.fingerprint = vector;
    shape.fingerprint = model;
    steer::plan(steer::recipe().add(happy), shape);
  };
  EXPECT_NO_THROW(meet("gguf:a/1", "gguf:a"));
  EXPECT_NO_THROW(meet("gguf:a", "gguf:a/1"));
  expect_error<steer::argument_error>([&] { meet("gguf:a/1", "gguf:a/2"); }, "with fingerprint gguf:a/1", "\"toy\" has gguf:a/2");
  expect_error<steer::argument_error>([&] { meet("gguf:ab", "gguf:a"); }, "with fingerprint gguf:ab", "\"toy\" has gguf:a");
  EXPECT_NO_THROW(steer::plan(steer::recipe().add(happy), shape, {.models = steer::model_check::any}));
}

TEST_F(plan_of_one, explains_what_was_folded) {
  steer::recipe recipe;
  recipe.add(happy).add(happy, {.strength = 2.0F}).ablate(happy, {.layers = {1}, .rows = {.first = 1}});
  const std::string who = "\"" + happy.name + "\"";
  EXPECT_EQ(steer::plan(recipe, shape).explain(),
            "layer 0 residual_out:\n  (add " + who + " + add " + who + "): k 0, m 1, 24 flops and 192 bytes per row\n" +
                "layer 1 residual_out:\n  (add " + who + " + add " + who + "); ablate " + who +
                ", some rows: k 1, m 2, 144 flops and 192 bytes per row\n" +
                "instructions: " + std::string(to_string(steer::best_instruction_set())) + "\n");
}

TEST_F(plan_of_one, runs_the_instructions_that_it_is_told) {
  const steer::recipe recipe = steer::recipe().ablate(happy);
  for (const steer::instruction_set set : steer::instruction_sets()) {
    const std::string text = steer::plan(recipe, shape, {.instructions = set}).explain();
    EXPECT_TRUE(text.ends_with("\ninstructions: " + std::string(to_string(set)) + "\n")) << text;
  }
  const auto best = steer::best_instruction_set();
  const auto foreign = best == steer::instruction_set::neon ? steer::instruction_set::sse2 : steer::instruction_set::neon;
  expect_error<steer::argument_error>([&] { steer::plan(recipe, shape, {.instructions = foreign}); },
                                      "plan: this machine cannot run the instructions " + std::string(to_string(foreign)),
                                      "expected", std::string(to_string(best)));
}

TEST_F(plan_of_one, refuses_bounds_and_additions_that_the_rows_cannot_hold) {
  happy.name = "happy";
  for (auto& [layer, v] : happy.directions) {
    v.row_norm = 1e10;
  }
  const steer::recipe floor = steer::recipe{}.floor(happy, 1e30F, {.unit = strength_unit::of_norm});
  expect_error<steer::numeric_error>([&] { steer::plan(floor, shape); }, "bound \"happy\"", "not finite");
  EXPECT_NO_THROW(steer::basic_plan<double>(floor, shape));
  const steer::recipe large = steer::recipe{}.add(happy, {.strength = 1e6F, .unit = strength_unit::unit});
  expect_error<steer::numeric_error>([&] { steer::basic_plan<Eigen::half>(large, shape); }, "layer 0 residual_out",
                                     "16 bits");
  EXPECT_NO_THROW(steer::plan(large, shape));
}

TEST_F(plan_of_one, equal_recipes_have_equal_digests) {
  const steer::plane plane = steer::plane_through(happy.directions.at(0), toy::random_direction(engine, 24));
  const auto digest = [&](const steer::recipe& recipe) { return steer::plan(recipe, shape).digest(); };
  const auto turned = [&](float angle) { return steer::recipe{}.set_angle(plane, {.angle = angle}); };
  EXPECT_EQ(turned(0.0F), turned(-0.0F));
  EXPECT_EQ(digest(turned(0.0F)), digest(turned(-0.0F)));
  EXPECT_NE(digest(turned(0.0F)), digest(turned(0.5F)));
  EXPECT_NE(digest(steer::recipe{}.ablate(happy)), digest(steer::recipe{}.ablate(happy).ablate(happy)));
  steer::steering_vector renamed = happy;
  renamed.name = "another name";
  EXPECT_EQ(digest(steer::recipe{}.ablate(happy)), digest(steer::recipe{}.ablate(renamed)));
}

// Each limit that the README names.
TEST(plan, refuses_more_than_a_call_has_room_for) {
  std::mt19937_64 engine(12);
  constexpr std::ptrdiff_t d = 4;
  steer::model_shape shape = toy::shape(1, d);
  const auto vectors = [&](std::size_t count) {
    std::vector<steer::steering_vector> out;
    while (out.size() < count) {
      out.push_back(toy::random_vector(engine, {0}, d));
    }
    return out;
  };
  const auto gated_by = [&](std::size_t count) {
    steer::gate out;
    for (const steer::steering_vector& v : vectors(count)) {
      out.conditions.push_back(steer::above(v, 0.0F));
    }
    return out;
  };
  const steer::diagonal_map diagonal{Eigen::VectorXf::Constant(d, 2.0F), Eigen::VectorXf::Zero(d)};
  const steer::dense_map dense{steer::matrix<float>::Constant(d, d, 0.5F), Eigen::VectorXf::Zero(d)};
  const auto recipes = [&](std::size_t count) {
    const steer::gate gate = gated_by(count);
    steer::gate latched = gate;
    latched.time = steer::gate_time::on_prompt;
    return std::vector{steer::recipe{}.transform(diagonal, {.gate = gate}), steer::recipe{}.transform(dense, {.gate = gate}),
                       steer::recipe{}.add(vectors(1)[0], {.gate = gate}),
                       steer::recipe{}.add(vectors(1)[0], {.gate = latched}), steer::recipe{}.watch(vectors(count))};
  };
  for (const std::size_t count : {128U, 257U, 300U}) {
    for (const steer::recipe& recipe : recipes(count)) {
      expect_error<steer::argument_error>([&] { steer::session(recipe, shape); }, "layer 0 residual_out",
                                          "has rank " + std::to_string(count), "at most 127 is possible");
    }
  }
  for (const steer::recipe& recipe : recipes(127)) {
    steer::session session(recipe, shape);
    steer::matrix<float> h = toy::random_rows<float>(engine, 30, d);
    const std::vector<steer::row_info> info(30);
    session({0, point::residual_out}, toy::view(h, info));
    EXPECT_TRUE(h.allFinite());
  }
  expect_fields<steer::argument_error>([&] { steer::session(recipes(200)[0], shape); },
                                       {.what = "transform", .layer = 0, .expected = "127", .actual = "200"});

  shape.width = 32769;  // for which a dense map would be 4 GiB
  const steer::diagonal_map wide{Eigen::VectorXf::Constant(shape.width, 2.0F), Eigen::VectorXf::Zero(shape.width)};
  const steer::recipe mapped = steer::recipe{}.transform(wide);
  EXPECT_NO_THROW(steer::plan(mapped, shape));
  expect_error<steer::argument_error>([&] { steer::basic_plan<Eigen::half>(mapped, shape); }, "layer 0 residual_out",
                                      "more than once", "at most 32768 columns", "has 32769");
  const steer::steering_vector v = toy::random_vector(engine, {0}, shape.width);
  EXPECT_NO_THROW(steer::basic_plan<Eigen::half>(steer::recipe{}.add(v).ablate(v), shape)) << "one read and one write";

  shape.head_width = 1;
  shape.heads = 300;
  steer::recipe entries;
  steer::steering_vector one = toy::random_vector(engine, {0}, 1);
  one.point = point::attention_heads;
  for (int head = 0; head < 257; ++head) {
    entries.add(one, {.strength = 0.1F, .unit = strength_unit::of_row_norm}, {.head = head});
  }
  expect_error<steer::argument_error>([&] { steer::plan(entries, shape); }, "layer 0 attention_heads",
                                      "in 257 sets of columns", "at most 256");
}

TEST(plan, leaves_rows_alone_that_are_not_what_it_was_compiled_for) {
  std::mt19937_64 engine(13);
  const steer::steering_vector v = toy::random_vector(engine, {0}, 16);
  const steer::plan plan(steer::recipe{}.add(v).ablate(v, {.rows = {.first = 1}}), toy::shape(1, 16));
  const site where{0, point::residual_out};
  for (const std::ptrdiff_t width : {1, 15, 17, 64, 4096}) {
    steer::matrix<float> h = toy::random_rows<float>(engine, 3, width);
    const steer::matrix<float> before = h;
    const std::vector<steer::row_info> info(3);
    plan(where, toy::view(h, info));
    EXPECT_EQ(h, before) << "width " << width;
  }
  steer::matrix<float> h = toy::random_rows<float>(engine, 3, 16);
  const steer::matrix<float> before = h;
  const std::vector<steer::row_info> info(2);
  plan(where, toy::view(h, info));
  EXPECT_EQ(h, before) << "facts of two rows only";
}

// Made anew for each of 32 layers, a map of width 4096 would be 6 GiB.
TEST(plan, keeps_a_dense_map_once_for_all_layers) {
  STEER_NEED_ALLOCATION_COUNTS();
  const steer::model_shape shape = toy::shape(32, 300);
  steer::dense_map map{steer::matrix<float>::Constant(300, 300, 0.25F), Eigen::VectorXf::Zero(300)};
  const steer::recipe recipe = steer::recipe{}.transform(map, {.point = point::residual_out});
  EXPECT_LT(steer_test::allocated_bytes_of([&] { steer::plan(recipe, shape); }), 10U * 300U * 300U * sizeof(float));
}

TEST(plan, of_nothing_skips_every_site) {
  const steer::plan nothing;
  EXPECT_EQ(nothing.access({0, point::residual_in}), steer::access::none);
  EXPECT_EQ(steer::plan(steer::recipe(), toy::shape(2, 4)).access({1, point::mlp_out}), steer::access::none);
  EXPECT_EQ(nothing.access({99, point::residual_out}), steer::access::none);
}

}  // namespace
