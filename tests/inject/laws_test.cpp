// What each edit promises, and what every plan promises whatever its edits.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <vector>
#include <Eigen/Dense>

#include "allocations.hpp"
#include "inject/batch.hpp"
#include "inject/random_recipe.hpp"
#include "inject/in_sequence.hpp"
#include "steer/core/chain.hpp"
#include "steer/core/hook_ref.hpp"
#include "steer/inject/plan.hpp"
#include "steer/inject/session.hpp"

namespace {

using steer::point;
using steer::site;
using toy::batch;

constexpr site here{1, point::residual_out};

/// Random recipes, and a batch for each of their sites.
template <class Scalar, class Use>
void with_random_plans(std::uint64_t seeds, Use use) {
  for (std::uint64_t seed = 0; seed < seeds; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 engine(seed);
    const steer::model_shape shape = toy::shape(2, 3 + static_cast<std::ptrdiff_t>(engine() % 70));
    const steer::basic_plan<Scalar> plan(toy::random_recipe(engine, shape), shape);
    for (const point p : steer::all_points) {
      const site where{static_cast<int>(engine() % 2), p};
      batch<Scalar> data(engine, 1 + static_cast<std::ptrdiff_t>(engine() % 60), shape.width_at(p), 2);
      use(engine, plan, where, data);
    }
  }
}

template <class Scalar>
bool same_bits(const std::vector<Scalar>& a, const std::vector<Scalar>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(Scalar)) == 0;
}

TEST(every_plan, gives_the_same_bits_row_by_row_and_in_chunks) {
  with_random_plans<float>(60, [](std::mt19937_64& engine, const steer::plan& plan, site where, batch<float>& data) {
    batch<float> single = data;
    batch<float> chunks = data;
    plan(where, data.rows());
    for (std::ptrdiff_t i = 0; i < single.count(); ++i) {
      plan(where, single.rows(i, 1));
    }
    for (std::ptrdiff_t first = 0; first < chunks.count();) {
      const auto some =
          std::min<std::ptrdiff_t>(chunks.count() - first, 1 + static_cast<std::ptrdiff_t>(engine() % 30));
      plan(where, chunks.rows(first, some));
      first += some;
    }
    EXPECT_TRUE(same_bits(data.numbers, single.numbers)) << plan.explain();
    EXPECT_TRUE(same_bits(data.numbers, chunks.numbers)) << plan.explain();
  });
}

TEST(every_plan, keeps_a_row_of_nan_to_itself) {
  with_random_plans<float>(30, [](std::mt19937_64& engine, const steer::plan& plan, site where, batch<float>& data) {
    batch<float> clean = data;
    plan(where, clean.rows());
    const auto bad = static_cast<std::ptrdiff_t>(engine() % static_cast<std::size_t>(data.count()));
    data.rows()[bad][engine() % static_cast<std::size_t>(data.width)] = std::numeric_limits<float>::quiet_NaN();
    plan(where, data.rows());
    for (std::ptrdiff_t i = 0; i < data.count(); ++i) {
      EXPECT_TRUE(i == bad || std::equal(data.rows()[i].begin(), data.rows()[i].end(), clean.rows()[i].begin()))
          << "row " << i;
    }
  });
}

TEST(every_plan, is_a_session_with_the_same_bits_watched_or_not) {
  with_random_plans<float>(30, [](std::mt19937_64&, const steer::plan& plan, site where, batch<float>& data) {
    steer::observations ring;
    steer::session session(plan);
    steer::session watched(plan);
    watched.observe(&ring);
    batch<float> two = data;
    batch<float> three = data;
    plan(where, data.rows());
    session(where, two.rows());
    watched(where, three.rows());
    EXPECT_TRUE(same_bits(data.numbers, two.numbers));
    EXPECT_TRUE(same_bits(data.numbers, three.numbers));
  });
}

/// The rows of a batch in another scalar, at the same addresses of numbers.
template <class To, class From>
batch<To> converted(const batch<From>& from) {
  std::mt19937_64 unused;
  batch<To> out(unused, from.count(), from.width);
  out.info = from.info;
  std::transform(from.numbers.begin(), from.numbers.end(), out.numbers.begin(),
                 [](From number) { return static_cast<To>(number); });
  return out;
}

/// A plan for rows of 16 bits does what the plan for floats does to the same rows, and then rounds.
template <class Scalar>
void expect_narrow_plans_to_round_once() {
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 engine(seed);
    const steer::model_shape shape = toy::shape(2, 3 + static_cast<std::ptrdiff_t>(engine() % 70));
    const steer::recipe recipe = toy::random_recipe(engine, shape);
    const steer::basic_plan<Scalar> narrow(recipe, shape);
    const steer::plan wide(recipe, shape);
    for (const point p : steer::all_points) {
      const site where{static_cast<int>(engine() % 2), p};
      batch<Scalar> data(engine, 1 + static_cast<std::ptrdiff_t>(engine() % 60), shape.width_at(p), 2);
      batch<float> floats = converted<float>(data);
      narrow(where, data.rows());
      wide(where, floats.rows());
      EXPECT_TRUE(same_bits(data.numbers, converted<Scalar>(floats).numbers)) << narrow.explain();
    }
  }
}

TEST(every_plan, rounds_rows_of_16_bits_once) {
  expect_narrow_plans_to_round_once<Eigen::half>();
  expect_narrow_plans_to_round_once<Eigen::bfloat16>();
}

// Between two edits numbers may leave what 16 bits can hold; only what is written must be within it.
TEST(every_plan, computes_rows_of_16_bits_in_float) {
  constexpr std::ptrdiff_t d = 64;
  const steer::model_shape shape = toy::shape(1, d);
  const site where{0, point::residual_out};
  std::mt19937_64 engine(9);
  const steer::diagonal_map grow{Eigen::VectorXf::Constant(d, 20.0F), Eigen::VectorXf::Zero(d)};
  const steer::diagonal_map shrink{Eigen::VectorXf::Constant(d, 0.05F), Eigen::VectorXf::Zero(d)};
  const steer::dense_map dense{steer::matrix<float>(20.0F * steer::matrix<float>::Identity(d, d)), Eigen::VectorXf::Zero(d)};
  const std::vector<steer::recipe> recipes{
      steer::recipe{}.transform(grow, {.norm = steer::restore_norm}),
      steer::recipe{}.transform(dense, {.norm = steer::restore_norm}),
      steer::recipe{}.transform(grow, {.norm = steer::cap_norm(2.0F)}),
      steer::recipe{}.transform(dense, {.norm = steer::cap_norm(2.0F)}),
      steer::recipe{}.transform(grow).transform(shrink),
      steer::recipe{}.transform(dense).transform(shrink),
  };
  for (std::size_t i = 0; i < recipes.size(); ++i) {
    SCOPED_TRACE("recipe " + std::to_string(i));
    batch<Eigen::half> data(engine, 30, d);
    for (Eigen::half& number : data.numbers) {
      number = static_cast<Eigen::half>(6000.0F + 100.0F * static_cast<float>(number));
    }
    batch<float> floats = converted<float>(data);
    steer::plan(recipes[i], shape)(where, floats.rows());
    steer::basic_session<Eigen::half> session(recipes[i], shape);
    session(where, data.rows());
    EXPECT_EQ(session.numbers_clamped(), 0U);
    for (std::ptrdiff_t row = 0; row < data.count(); ++row) {
      EXPECT_LE((data.row(row) - floats.row(row)).norm(), 1e-3 * floats.row(row).norm());
    }
  }
}

TEST(every_plan, clamps_and_counts_what_16_bits_cannot_hold) {
  constexpr std::ptrdiff_t d = 64;
  const steer::model_shape shape = toy::shape(1, d);
  const site where{0, point::residual_out};
  steer::steering_vector ones{.name = "ones"};
  ones.directions[0].values = Eigen::VectorXf::Ones(d);
  const steer::recipe add = steer::recipe{}.add(ones, {.strength = 1000.0F, .unit = steer::strength_unit::raw});
  const steer::recipe grow = steer::recipe{}.transform(
      steer::diagonal_map{Eigen::VectorXf::Constant(d, 3.0F), Eigen::VectorXf::Zero(d)}, {.norm = steer::cap_norm(1.1F)});
  const steer::recipe gated = steer::recipe{}.add(
      ones, {.strength = 1000.0F, .unit = steer::strength_unit::raw}, {.gate = {.conditions = {steer::above(ones, 0.0F)}}});
  for (const steer::recipe& recipe : {add, grow, gated}) {
    std::vector<Eigen::half> h(3 * d, static_cast<Eigen::half>(60.0F));  // the second row fits
    std::fill(h.begin(), h.begin() + d, static_cast<Eigen::half>(65000.0F));
    std::fill(h.begin() + 2 * d, h.end(), static_cast<Eigen::half>(65000.0F));
    steer::basic_session<Eigen::half> session(recipe, shape);
    session(where, {h.data(), 3, d, d, {}});
    for (std::ptrdiff_t i = 0; i < 3 * d; ++i) {
      const auto number = static_cast<float>(h[static_cast<std::size_t>(i)]);
      if (i / d == 1) {
        EXPECT_TRUE(number > 60.0F && number < 1100.0F) << i << " is " << number;
      } else {
        EXPECT_EQ(number, 65504.0F) << i;
      }
    }
    EXPECT_EQ(session.numbers_clamped(), 2U * d);
  }
}

template <class Scalar>
void expect_calls_to_allocate_nothing() {
  bool moved = false;
  with_random_plans<Scalar>(20, [&moved](std::mt19937_64&, const steer::basic_plan<Scalar>& plan, site where,
                                         batch<Scalar>& data) {
    const batch<Scalar> before = data;
    steer::basic_session<Scalar> session(plan);
    const steer::basic_plan<Scalar> empty;
    const steer::chain both(empty, plan);
    const steer::hook_ref<Scalar> erased(both);
    EXPECT_EQ(steer_test::allocations_of([&] { plan(where, data.rows()); }), 0U) << plan.explain();
    EXPECT_EQ(steer_test::allocations_of([&] { session(where, data.rows()); }), 0U) << plan.explain();
    EXPECT_EQ(steer_test::allocations_of([&] { erased(where, data.rows()); }), 0U) << plan.explain();
    moved |= !same_bits(data.numbers, before.numbers);
  });
  EXPECT_TRUE(moved) << "the plans have done something";
}

TEST(every_plan, allocates_nothing_when_called) {  // of all edits, dense and diagonal maps among them
  STEER_NEED_ALLOCATION_COUNTS();
  expect_calls_to_allocate_nothing<float>();
  expect_calls_to_allocate_nothing<double>();
  expect_calls_to_allocate_nothing<Eigen::half>();
  expect_calls_to_allocate_nothing<Eigen::bfloat16>();
}

/// Stacks of k directions: one joint edit among others; one with a gate and a norm; k edits that each decide alone.
std::vector<steer::recipe> stacks_of(const std::vector<steer::steering_vector>& vectors, std::ptrdiff_t d) {
  const auto all = [&](float number) { return std::vector<float>(vectors.size(), number); };
  std::vector<steer::recipe> out(3);
  out[0]
      .set(vectors, all(0.25F))
      .scale(vectors[0], {.factor = 1.5F})
      .add(vectors[0], {.strength = 0.1F, .unit = steer::strength_unit::of_row_norm});
  const steer::gate soft{.share = 0.7F, .conditions = {steer::sigmoid(vectors[0], 0.0F, 0.5F)}};
  out[1]
      .keep_within(vectors, all(-0.1F), all(0.1F), {.gate = soft, .norm = steer::restore_norm})
      .turn_towards(vectors.back(), {.share = 0.25F});
  for (std::size_t i = 0; i < vectors.size(); ++i) {
    if (i == vectors.size() / 2) {
      out[2].transform(steer::diagonal_map{Eigen::VectorXf::Constant(d, 0.9F), Eigen::VectorXf::Constant(d, 0.01F)});
    }
    if (i % 2 == 0) {
      out[2].ablate(vectors[i], {.share = 0.5F}, {.gate = soft});
    } else {
      out[2].add(vectors[i], {.strength = 0.1F}, {.gate = soft, .norm = steer::cap_norm(1.01F)});
    }
  }
  return out;
}

/// @param most  of the row's norm
template <class Scalar>
void expect_the_sequence_at_all_widths_and_ranks(double most) {
  std::mt19937_64 engine(5);
  for (const std::ptrdiff_t d : {1, 2, 7, 8, 15, 64, 100, 1023, 4096, 16384}) {
    for (const std::ptrdiff_t k : {1, 5, 17, 64}) {
      if (4 * k > d && !(k == 1)) {
        continue;
      }
      const steer::model_shape shape = toy::shape(1, d);
      std::vector<steer::steering_vector> vectors;
      for (std::ptrdiff_t i = 0; i < k; ++i) {
        vectors.push_back(toy::random_vector(engine, {0}, d));
      }
      for (const steer::recipe& recipe : stacks_of(vectors, d)) {
        SCOPED_TRACE("width " + std::to_string(d) + ", rank " + std::to_string(k) + ", first " +
                     to_string(recipe.edits()[0]));
        const steer::basic_plan<Scalar> plan(recipe, shape);
        const toy::in_sequence reference(recipe, shape);
        batch<Scalar> data(engine, d * k > 100000 ? 2 : 26, d);
        const batch<Scalar> before = data;
        const site where{0, point::residual_out};
        plan(where, data.rows());
        for (std::ptrdiff_t i = 0; i < data.count(); ++i) {
          Eigen::VectorXd expected = before.row(i);
          reference.apply(where, data.info[static_cast<std::size_t>(i)], expected);
          EXPECT_LE((data.row(i) - expected).norm(), most * std::max(before.row(i).norm(), expected.norm()));
        }
      }
    }
  }
}

TEST(every_plan, works_at_all_widths_and_ranks) {
  expect_the_sequence_at_all_widths_and_ranks<double>(1e-11);
  expect_the_sequence_at_all_widths_and_ranks<float>(1e-5);
}

TEST(every_plan, steers_thousands_of_rows_at_once) {
  std::mt19937_64 engine(6);
  const steer::model_shape shape = toy::shape(1, 20);
  const steer::steering_vector u = toy::random_vector(engine, {0}, 20);
  const steer::plan plan(steer::recipe{}.ablate(u).add(u, {.gate = {.conditions = {steer::above(u, -1.0F)}}}), shape);
  batch<float> data(engine, 4096, 20);
  plan({0, point::residual_out}, data.rows());
  const Eigen::VectorXd unit = steer::unit(u.directions.at(0));
  const double dose = static_cast<double>(*u.directions.at(0).row_norm);
  for (std::ptrdiff_t i = 0; i < data.count(); ++i) {
    ASSERT_NEAR(data.row(i).dot(unit), dose, 1e-5 * dose);
  }
}

/// Recipes whose numbers coincide or nearly cancel, on rows of doubles and of floats.
class coincidence : public testing::Test {
 protected:
  std::mt19937_64 engine{11};
  steer::model_shape shape = toy::shape(1, 24);
  steer::steering_vector u = toy::random_vector(engine, {0}, 24);
  steer::steering_vector v = toy::random_vector(engine, {0}, 24);
  const site first{0, point::residual_out};

  template <class Scalar>
  void expect_the_sequence(const steer::recipe& recipe, double most, steer::plan_options options = {}) {
    const steer::basic_plan<Scalar> plan(recipe, shape, options);
    const toy::in_sequence reference(recipe, shape);
    batch<Scalar> data(engine, 80, 24);
    const batch<Scalar> before = data;
    plan(first, data.rows());
    for (std::ptrdiff_t i = 0; i < data.count(); ++i) {
      Eigen::VectorXd expected = before.row(i);
      reference.apply(first, data.info[static_cast<std::size_t>(i)], expected);
      EXPECT_LE((data.row(i) - expected).norm(), most * (before.row(i).norm() + expected.norm())) << "row " << i;
    }
  }
  /// u and what makes an angle of this cosine with it.
  [[nodiscard]] std::vector<steer::steering_vector> nearly_parallel(double cosine) const {
    const Eigen::VectorXd a = unit(u.directions.at(0));
    const Eigen::VectorXd b = unit(v.directions.at(0));
    const Eigen::VectorXd across = (b - a * a.dot(b)).normalized();
    steer::steering_vector other = v;
    other.directions[0].values = (cosine * a + std::sqrt(1.0 - cosine * cosine) * across).cast<float>();
    return {u, other};
  }
};

TEST_F(coincidence, a_folded_addition_that_equals_another_direction_is_written) {
  const auto half = [&](steer::recipe& to, float strength) -> steer::recipe& {
    return to.add(u, {.strength = strength, .unit = steer::strength_unit::unit});
  };
  steer::recipe recipe;
  half(half(recipe, 0.5F), 0.5F).ablate(u);
  expect_the_sequence<double>(recipe, 1e-14);
  expect_the_sequence<double>(steer::recipe(recipe).ablate(v), 1e-14);
  steer::recipe reflected;
  half(half(reflected, 2.0F), -1.0F).reflect(u);
  expect_the_sequence<double>(reflected, 1e-14);
}

TEST_F(coincidence, equal_directions_in_one_edit_are_told_apart) {
  steer::low_rank_map map{toy::random_rows<float>(engine, 3, 24), toy::random_rows<float>(engine, 3, 24),
                          Eigen::VectorXf::Ones(3)};
  map.read.row(1) = map.read.row(0);
  for (const steer::doses_from doses : {steer::doses_from::recipe, steer::doses_from::routes}) {
    expect_the_sequence<double>(steer::recipe{}.set({u, u}, {1.0F, 1.0F}, {.ridge = 0.5F}), 1e-13, {.doses = doses});
    expect_the_sequence<double>(steer::recipe{}.transform(map), 1e-13, {.doses = doses});
  }
}

TEST_F(coincidence, a_norm_on_entry_is_known_to_edits_of_other_rows) {
  const steer::add_options dose{.strength = 0.1F,
                                .unit = steer::strength_unit::of_row_norm,
                                .cap = std::numeric_limits<float>::infinity()};
  const steer::diagonal_map half{Eigen::VectorXf::Constant(24, 0.5F), Eigen::VectorXf::Zero(24)};
  expect_the_sequence<double>(
      steer::recipe{}
          .add(u, dose, {.rows = {.phase = steer::phase::prompt}})
          .transform(half)
          .add(v, dose, {.rows = {.phase = steer::phase::generation}}),
      1e-14);
}

TEST_F(coincidence, nearly_parallel_directions_keep_the_digits_of_a_float) {
  // A rounding of 6e-8 in a coordinate moves a row by up to sqrt(cond) times as much: 900 times at the last cosine.
  for (const double gap : {1e-1, 1e-3, 1e-5, 2.5e-6}) {
    SCOPED_TRACE("cosine 1 - " + std::to_string(gap));
    const double most = 2e-7 * std::sqrt(2.0 / gap);
    const auto pair = nearly_parallel(1.0 - gap);
    expect_the_sequence<float>(steer::recipe{}.set(pair, {0.0F, 0.0F}), most);
    expect_the_sequence<float>(steer::recipe{}.set(pair, {0.0F, 0.0F}, {.norm = steer::restore_norm}), 2.0 * most);
    expect_the_sequence<float>(steer::recipe{}.keep_within(pair, {-0.1F, -0.1F}, {0.1F, 0.1F}), most);
    expect_the_sequence<double>(steer::recipe{}.set(pair, {0.0F, 0.0F}), 4e-16 * (2.0 / gap));  // of G's inverse
  }
}

TEST_F(coincidence, rows_that_point_away_keep_their_norm_when_turned) {
  const Eigen::VectorXd a = unit(u.directions.at(0));
  const Eigen::VectorXd b = unit(v.directions.at(0));
  const Eigen::VectorXd across = (b - a * a.dot(b)).normalized();
  const steer::plan plan(steer::recipe{}.turn_towards(u, {.share = 0.5F}), shape);
  for (const double away : {1e-4, 1e-3, 1e-2, 0.029, 0.031, 0.1}) {
    Eigen::VectorXf h = (100.0 * (across * std::sin(away) - a * std::cos(away))).cast<float>();
    const Eigen::VectorXf before = h;
    plan(first, {h.data(), 1, 24, 24, {}});
    EXPECT_NEAR(static_cast<double>(h.norm() / before.norm()), 1.0, 1e-3) << away;
    EXPECT_EQ(h == before, away < 0.03) << away;
  }
}

class every_edit : public testing::TestWithParam<std::size_t> {
 protected:
  steer::edit draw(std::mt19937_64& engine, const steer::model_shape& shape) {
    return toy::random_edit(engine, shape, GetParam(), toy::latched_gates::none, [](const steer::edit& e) {
      return !std::holds_alternative<steer::erase_edit>(e.operation) || point_of(e) != point::attention_heads;
    });
  }
};

TEST_P(every_edit, of_share_zero_leaves_the_bits) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 engine(seed);
    const steer::model_shape shape = toy::shape(2, 20);
    steer::edit e = draw(engine, shape);
    e.where.gate.share = 0.0F;
    const steer::plan plan(steer::recipe{}.append(e), shape);
    for (const int layer : {0, 1}) {
      EXPECT_EQ(plan.access({layer, point_of(e)}), steer::access::none);
    }
  }
}

TEST_P(every_edit, leaves_rows_outside_its_schedule_bit_identical) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 engine(seed);
    const steer::model_shape shape = toy::shape(2, 20);
    steer::edit e = draw(engine, shape);
    e.where.rows = {.first = 2, .last = 6, .except = {4}};
    const steer::plan plan(steer::recipe{}.append(e), shape);
    const site where{e.where.layers[0], point_of(e)};
    batch<float> data(engine, 40, shape.width_at(where.point));
    data.numbers[1] = -0.0F;
    const batch<float> before = data;
    plan(where, data.rows());
    for (std::ptrdiff_t i = 0; i < data.count(); ++i) {
      const auto at = static_cast<std::size_t>(1 + i * data.stride);
      const std::int32_t position = data.info[static_cast<std::size_t>(i)].position;
      if (position < 2 || position > 6 || position == 4) {
        EXPECT_EQ(
            std::memcmp(&data.numbers[at], &before.numbers[at], static_cast<std::size_t>(data.stride) * sizeof(float)),
            0)
            << "row " << i;
      }
    }
  }
}

TEST_P(every_edit, changes_only_the_columns_of_its_head) {
  for (std::uint64_t seed = 0; seed < 30; ++seed) {
    std::mt19937_64 engine(seed);
    const steer::model_shape shape = toy::shape(2, 12);
    const steer::edit e = draw(engine, shape);
    if (!e.where.head) {
      continue;
    }
    SCOPED_TRACE("seed " + std::to_string(seed));
    const steer::plan plan(steer::recipe{}.append(e), shape);
    batch<float> data(engine, 9, 24);
    const batch<float> before = data;
    plan({e.where.layers[0], point::attention_heads}, data.rows());
    for (std::ptrdiff_t i = 0; i < data.count(); ++i) {
      const Eigen::VectorXd moved = data.row(i) - before.row(i);
      EXPECT_EQ(moved.segment(*e.where.head == 0 ? 12 : 0, 12).norm(), 0.0);
    }
  }
}

std::string name_of_kind(const testing::TestParamInfo<std::size_t>& info) {
  std::string out;
  const auto name = [&]<std::size_t... kinds>(std::index_sequence<kinds...>) {
    ((kinds == info.param ? void(out = std::variant_alternative_t<kinds, steer::operation>::name) : void()), ...);
  };
  name(std::make_index_sequence<std::variant_size_v<steer::operation>>{});
  std::replace(out.begin(), out.end(), ' ', '_');
  return out;
}
INSTANTIATE_TEST_SUITE_P(of_all, every_edit, testing::Range(std::size_t{0}, std::variant_size_v<steer::operation>),
                         name_of_kind);

/// One edit on rows of doubles.
class one_edit : public testing::Test {
 protected:
  std::mt19937_64 engine{3};
  steer::model_shape shape = toy::shape(2, 24);
  steer::steering_vector u = toy::random_vector(engine, {1}, 24);
  steer::steering_vector v = toy::random_vector(engine, {1}, 24);
  steer::plane plane = toy::random_plane(engine, 24);
  batch<double> data{engine, 40, 24};
  Eigen::VectorXd unit_u = unit(u.directions.at(1));
  Eigen::VectorXd unit_v = unit(v.directions.at(1));

  batch<double> after(const steer::recipe& recipe, int times = 1) const {
    const steer::basic_plan<double> plan(recipe, shape);
    batch<double> out = data;
    for (int i = 0; i < times; ++i) {
      plan(here, out.rows());
    }
    return out;
  }
  /// Expects law(before, after) of every row.
  template <class Law>
  void expect(const steer::recipe& recipe, Law law) const {
    const batch<double> out = after(recipe);
    for (std::ptrdiff_t i = 0; i < data.count(); ++i) {
      law(data.row(i), out.row(i));
    }
  }
  static void expect_near(const batch<double>& a, const batch<double>& b) {
    for (std::ptrdiff_t i = 0; i < a.count(); ++i) {
      EXPECT_LE((a.row(i) - b.row(i)).norm(), 1e-12 * b.row(i).norm()) << "row " << i;
    }
  }
  [[nodiscard]] std::pair<double, double> on_plane(const Eigen::VectorXd& h) const {
    return {plane.first.dot(h), plane.second.dot(h)};
  }
};

TEST_F(one_edit, set_meets_all_targets_at_once_with_the_least_move) {
  const steer::recipe recipe = steer::recipe{}.set({u, v}, {0.5F, -1.25F});
  Eigen::MatrixXd both(2, 24);
  both << unit_u.transpose(), unit_v.transpose();
  const Eigen::MatrixXd pseudo_inverse = both.completeOrthogonalDecomposition().pseudoInverse();
  expect(recipe, [&](const Eigen::VectorXd& before, const Eigen::VectorXd& h) {
    EXPECT_NEAR(unit_u.dot(h), 0.5, 1e-12);
    EXPECT_NEAR(unit_v.dot(h), -1.25, 1e-12);
    EXPECT_LE((h - before - pseudo_inverse * (Eigen::Vector2d(0.5, -1.25) - both * before)).norm(),
              1e-12 * before.norm());
  });
  expect_near(after(recipe, 2), after(recipe));
}

TEST_F(one_edit, joint_ablation_leaves_nothing_where_one_after_the_other_leaks) {
  // At 60 degrees: removing v from what removing u left brings back a share of u.
  v.directions[1].values =
      (0.5 * unit_u + std::sqrt(0.75) * (unit_v - unit_u * unit_u.dot(unit_v)).normalized()).cast<float>();
  double joint = 0.0;
  double leak = 0.0;
  expect(steer::recipe{}.set({u, v}, {0.0F, 0.0F}), [&](const Eigen::VectorXd& before, const Eigen::VectorXd& h) {
    joint = std::max(
        {joint, std::abs(unit_u.dot(h)) / before.norm(), std::abs(unit(v.directions.at(1)).dot(h)) / before.norm()});
  });
  expect(steer::recipe{}.ablate(u).ablate(v), [&](const Eigen::VectorXd& before, const Eigen::VectorXd& h) {
    leak = std::max(leak, std::abs(unit_u.dot(h)) / before.norm());
  });
  EXPECT_LE(joint, 1e-15);
  EXPECT_GT(leak, 0.05);
}

TEST_F(one_edit, bounds_act_only_beyond_them_and_are_idempotent) {
  const auto coordinate = [&](const Eigen::VectorXd& h) { return unit_u.dot(h); };
  expect(steer::recipe{}.cap(u, 0.25F), [&](const Eigen::VectorXd& before, const Eigen::VectorXd& h) {
    EXPECT_NEAR(coordinate(h), std::min(coordinate(before), 0.25), 1e-12);
    EXPECT_EQ(coordinate(before) <= 0.25, before == h) << "a row within its bounds keeps its bits";
  });
  expect(steer::recipe{}.floor(u, 0.25F), [&](const Eigen::VectorXd& before, const Eigen::VectorXd& h) {
    EXPECT_NEAR(coordinate(h), std::max(coordinate(before), 0.25), 1e-12);
  });
  const steer::recipe joint = steer::recipe{}.keep_within({u, v}, {-0.5F, 0.1F}, {0.5F, 0.2F});
  expect(joint, [&](const Eigen::VectorXd& before, const Eigen::VectorXd& h) {
    EXPECT_NEAR(coordinate(h), std::clamp(coordinate(before), -0.5, 0.5), 1e-12);
    EXPECT_NEAR(unit_v.dot(h), std::clamp(unit_v.dot(before), static_cast<double>(0.1F), static_cast<double>(0.2F)),
                1e-12);
  });
  expect_near(after(joint, 2), after(joint));
}

TEST_F(one_edit, coordinates_can_count_from_the_midpoint) {
  u.directions[1].origin = toy::random_rows<float>(engine, 1, 24).row(0).transpose();
  const double zero = unit_u.dot(u.directions[1].origin.cast<double>());
  expect(
      steer::recipe{}.set(u, 2.0F, {.unit = steer::strength_unit::sigma, .origin = steer::coordinate_origin::midpoint}),
      [&](const Eigen::VectorXd&, const Eigen::VectorXd& h) {
        EXPECT_NEAR(unit_u.dot(h) - zero, 2.0 * *u.directions[1].spread, 1e-12);
      });
}

TEST_F(one_edit, erase_leaves_nothing_to_read_and_is_idempotent) {
  const steer::recipe recipe = steer::recipe{}.erase(u, v);
  expect(recipe, [&](const Eigen::VectorXd& before, const Eigen::VectorXd& h) {
    EXPECT_NEAR(unit_u.dot(h), 0.0, 1e-12 * before.norm());
    const Eigen::VectorXd moved = h - before;
    EXPECT_NEAR(std::abs(unit_v.dot(moved)), moved.norm(), 1e-12 * before.norm()) << "moved along what is written only";
  });
  expect_near(after(recipe, 2), after(recipe));
}

TEST_F(one_edit, set_angle_is_idempotent_keeps_the_norm_and_sets_the_angle) {
  const steer::recipe recipe = steer::recipe{}.set_angle(plane, {.angle = 0.75F});
  expect(recipe, [&](const Eigen::VectorXd& before, const Eigen::VectorXd& h) {
    EXPECT_NEAR(h.norm(), before.norm(), 1e-12 * before.norm());
    const auto [a, b] = on_plane(h);
    EXPECT_NEAR(std::atan2(b, a), 0.75, 1e-12);
  });
  expect_near(after(recipe, 2), after(recipe));
}

TEST_F(one_edit, rotations_add_up_and_keep_the_norm) {
  const auto by = [&](float angle) { return steer::recipe{}.rotate(plane, {.angle = angle}); };
  expect_near(after(by(0.25F), 3), after(by(0.75F)));
  expect(by(1.5F), [&](const Eigen::VectorXd& before, const Eigen::VectorXd& h) {
    EXPECT_NEAR(h.norm(), before.norm(), 1e-12 * before.norm());
    const auto [a, b] = on_plane(before);
    const auto [c, d] = on_plane(h);
    EXPECT_NEAR(std::remainder(std::atan2(d, c) - std::atan2(b, a) - 1.5, 2.0 * std::acos(-1.0)), 0.0, 1e-11);
  });
}

TEST_F(one_edit, towards_keeps_the_norm_and_goes_a_share_of_the_angle) {
  const auto angle = [&](const Eigen::VectorXd& h) { return std::acos(unit_u.dot(h) / h.norm()); };
  expect(steer::recipe{}.turn_towards(u, {.share = 0.25F}),
         [&](const Eigen::VectorXd& before, const Eigen::VectorXd& h) {
           EXPECT_NEAR(h.norm(), before.norm(), 1e-12 * before.norm());
           EXPECT_NEAR(angle(h), 0.75 * angle(before), 1e-11);
         });
  expect(steer::recipe{}.turn_towards(u, {.share = 1.0F}),
         [&](const Eigen::VectorXd& before, const Eigen::VectorXd& h) {
           EXPECT_LE((h - before.norm() * unit_u).norm(), 1e-12 * before.norm());
         });
}

TEST_F(one_edit, transforms_are_the_matrices_they_were_given) {
  for (int i = 0; i < 12; ++i) {
    const steer::affine_map map = toy::random_map(engine, 24, 3);
    expect(steer::recipe{}.transform(map, {.share = 0.5F}),
           [&](const Eigen::VectorXd& before, const Eigen::VectorXd& h) {
             Eigen::VectorXd mapped;
             if (const auto* diagonal = std::get_if<steer::diagonal_map>(&map)) {
               mapped = diagonal->scale.cast<double>().asDiagonal() * before + diagonal->shift.cast<double>();
             } else if (const auto* dense = std::get_if<steer::dense_map>(&map)) {
               mapped = dense->linear.cast<double>() * before + dense->shift.cast<double>();
             } else {
               const auto& low = std::get<steer::low_rank_map>(map);
               mapped = before + low.write.cast<double>().transpose() *
                                     (low.read.cast<double>() * before + low.shift.cast<double>());
             }
             EXPECT_LE((h - 0.5 * (before + mapped)).norm(), 1e-12 * before.norm());
           });
  }
}

TEST_F(one_edit, loreft_says_what_the_rows_of_r_read) {
  const steer::matrix<float> r = Eigen::HouseholderQR<Eigen::MatrixXf>(toy::random_rows<float>(engine, 24, 3))
                                     .householderQ()
                                     .operator*(Eigen::MatrixXf::Identity(24, 3))
                                     .transpose();
  const steer::matrix<float> w = toy::random_rows<float>(engine, 3, 24);
  const Eigen::VectorXf b = toy::random_rows<float>(engine, 3, 1).col(0);
  expect(steer::recipe{}.transform(steer::loreft_map(r, w, b)),
         [&](const Eigen::VectorXd& before, const Eigen::VectorXd& h) {
           const Eigen::VectorXd said = w.cast<double>() * before + b.cast<double>();
           EXPECT_LE((r.cast<double>() * h - said).norm(), 1e-5 * before.norm())
               << "R is orthonormal to the digits of a float";
         });
}

TEST_F(one_edit, norm_modes_bound_the_length) {
  const auto ratio_of = [](const Eigen::VectorXd& before, const Eigen::VectorXd& h) {
    return h.norm() / before.norm();
  };
  const auto grow = [&](steer::norm_mode norm) { return steer::recipe{}.add(u, {.strength = 2.0F}, {.norm = norm}); };
  const auto shrink = [&](steer::norm_mode norm) { return steer::recipe{}.ablate(u, {.norm = norm}); };
  for (const auto& recipe : {grow(steer::restore_norm), shrink(steer::restore_norm)}) {
    expect(recipe, [&](const auto& before, const auto& h) { EXPECT_NEAR(ratio_of(before, h), 1.0, 1e-12); });
  }
  expect(grow(steer::restore_norm_if_grown),
         [&](const auto& before, const auto& h) { EXPECT_LE(ratio_of(before, h), 1.0 + 1e-12); });
  expect_near(after(shrink(steer::restore_norm_if_grown)), after(shrink({})));
  expect(grow(steer::cap_norm(1.25F)),
         [&](const auto& before, const auto& h) { EXPECT_LE(ratio_of(before, h), 1.25 + 1e-12); });
}

TEST_F(one_edit, restoring_survives_the_loss_of_nearly_the_whole_row) {
  // What is left is a difference of nearly equal numbers in k dimensions; then the row is read again.
  for (const double left : {1e-1, 1e-2, 1e-3, 1e-4}) {
    for (std::ptrdiff_t i = 0; i < data.count(); ++i) {
      Eigen::Map<Eigen::VectorXd> h(data.numbers.data() + 1 + i * data.stride, 24);
      h = 3.0 * unit_u + left * (h - unit_u * unit_u.dot(h)).normalized();
    }
    const steer::recipe recipe = steer::recipe{}.ablate(u, {.norm = steer::restore_norm}).ablate(v);
    const toy::in_sequence reference(recipe, shape);
    const batch<double> out = after(recipe);
    for (std::ptrdiff_t i = 0; i < data.count(); ++i) {
      Eigen::VectorXd expected = data.row(i);
      reference.apply(here, {}, expected);
      EXPECT_LE((out.row(i) - expected).norm(), 1e-15 / left * 10.0 * data.row(i).norm()) << left;
    }
  }
}

TEST_F(one_edit, gates_of_several_conditions_are_boolean) {
  const steer::condition one = steer::above(u, 0.0F);
  const steer::condition two = steer::within(v, -0.3F, 0.6F, steer::reading::cosine);
  const auto recipe = [&](steer::combination how) {
    return steer::recipe{}.add(u, {.strength = 0.5F}, {.gate = {.conditions = {one, two}, .combination = how}});
  };
  const auto check = [&](steer::combination how, auto truth) {
    expect(recipe(how), [&](const Eigen::VectorXd& before, const Eigen::VectorXd& h) {
      const bool first = unit_u.dot(before) > 0.0;
      const double cosine = unit_v.dot(before) / before.norm();
      const bool second = cosine >= static_cast<double>(-0.3F) && cosine <= static_cast<double>(0.6F);
      EXPECT_EQ(before != h, truth(first, second));
    });
  };
  check(steer::combination::all, [](bool a, bool b) { return a && b; });
  check(steer::combination::any, [](bool a, bool b) { return a || b; });
  check(steer::combination::none, [](bool a, bool b) { return !a && !b; });
}

}  // namespace
