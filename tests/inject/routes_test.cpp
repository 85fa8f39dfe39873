#include "steer/inject/routes.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "allocations.hpp"
#include "expect_error.hpp"
#include "inject/batch.hpp"
#include "inject/naive_passage.hpp"
#include "inject/random_recipe.hpp"
#include "inject/varied_recipe.hpp"
#include "toy.hpp"

constexpr int applies = 1'250'000;  // of each of eight threads: ten million in all; 4 s under a thread sanitizer
constexpr int swaps = 1000;         // meanwhile, at least: threads go on until there were as many

namespace {

using steer::point;
using steer::site;

constexpr site here{1, point::residual_out};

TEST(routes, equal_separate_batches_bit_for_bit) {
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 engine(seed);
    const steer::model_shape shape = toy::shape(2, 3 + static_cast<std::ptrdiff_t>(engine() % 40));
    std::vector<steer::plan> plans(1);  // the first is empty
    for (int i = 0; i < 3; ++i) {
      plans.emplace_back(toy::random_recipe(engine, shape), shape);
    }
    steer::routing_table table;
    const std::int32_t sequences = 9;
    for (std::int32_t s = 0; s < sequences - 1; ++s) {
      table.route(s, plans[static_cast<std::size_t>(s) % plans.size()]);
    }
    table.otherwise(plans[1]);
    const steer::routes routes(table);
    for (const point p : steer::all_points) {
      const site where{0, p};
      toy::batch<float> all(engine, 700, shape.width_at(p), sequences);
      toy::batch<float> apart = all;
      if (routes.access(where) != steer::access::none) {
        routes(where, all.rows());
      }
      for (std::ptrdiff_t i = 0; i < apart.count(); ++i) {
        const std::int32_t s = apart.info[static_cast<std::size_t>(i)].sequence;
        plans[s == sequences - 1 ? 1 : static_cast<std::size_t>(s) % plans.size()](where, apart.rows(i, 1));
      }
      EXPECT_EQ(all.numbers, apart.numbers);
    }
  }
}

/// Routes of random recipes in which the sequences differ in everything that a route can say, and the recipe that each sequence
/// follows then.
template <class Scalar>
struct mixed_routes {
  std::vector<steer::recipe> followed;  // by sequence
  steer::basic_routing_table<Scalar> table;

  mixed_routes(std::mt19937_64& engine, const steer::model_shape& shape, std::int32_t sequences) {
    struct source {
      steer::recipe recipe;
      steer::basic_plan<Scalar> plan;
      steer::basic_plan<Scalar> dosed;
    };
    std::vector<source> sources;
    for (int i = 0; i < 2; ++i) {
      const steer::recipe recipe = toy::varied_recipe(engine, shape, toy::latched_gates::none);
      sources.push_back({recipe, {recipe, shape}, {recipe, shape, {.doses = steer::doses_from::routes}}});
    }
    for (std::int32_t s = 0; s < sequences; ++s) {
      const source& from = sources[engine() % 2];
      steer::recipe& own = followed.emplace_back();
      switch (engine() % 7) {
        case 0: break;  // no route
        case 1: table.route(s, steer::basic_plan<Scalar>{}); break;
        case 2:
          table.route(s, from.plan);
          own = from.recipe;
          break;
        case 3:
          table.route(s, from.dosed);
          own = from.recipe;
          break;
        default:
          std::vector<float> doses;
          for (steer::edit e : from.recipe.edits()) {
            constexpr std::array some{0.0F, 0.5F, 1.0F, 2.0F, -0.25F};  // times a share they are exact
            doses.push_back(some[engine() % some.size()]);
            e.where.gate.share *= doses.back();
            own.append(e);
          }
          table.route(s, from.dosed, doses);
      }
    }
  }
};

TEST(routes, of_all_kinds_in_one_batch_are_each_what_its_recipe_says) {
  std::size_t rows = 0;
  std::size_t touched = 0;
  std::size_t excluded = 0;
  for (std::uint64_t seed = 0; seed < 150; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 engine(seed);
    const steer::model_shape shape = toy::shape(2, 3 + static_cast<std::ptrdiff_t>(engine() % 38));
    constexpr std::int32_t sequences = 6;
    const mixed_routes<double> mixed(engine, shape, sequences);
    const steer::basic_routes<double> routes(mixed.table);
    std::vector<toy::naive> exact;
    for (const steer::recipe& recipe : mixed.followed) {
      exact.emplace_back(recipe, shape);
    }
    for (int layer = 0; layer < 2; ++layer) {
      for (const point p : steer::all_points) {
        const site where{layer, p};
        toy::batch<double> data(engine, 30, shape.width_at(p), sequences);
        const toy::batch<double> before = data;
        routes(where, data.rows());
        for (std::ptrdiff_t i = 0; i < data.count(); ++i) {
          const steer::row_info& info = data.info[static_cast<std::size_t>(i)];
          toy::thresholds reference(exact[static_cast<std::size_t>(info.sequence)], 1e-9);
          const auto expected = reference.follow(where, info, before.row(i));
          ++rows;
          touched += expected.row != before.row(i) ? 1U : 0U;
          if (expected.doubtful) {
            ++excluded;
            continue;
          }
          EXPECT_LE((data.row(i) - expected.row).norm(), 1e-10 * expected.largest)
              << to_string(where) << " row " << i << " of sequence " << info.sequence;
        }
      }
    }
  }
  EXPECT_GT(touched, rows / 8);
  EXPECT_LT(excluded, rows / 50);
}

template <class Scalar>
void expect_rows_to_ignore_their_neighbours(std::uint64_t seeds) {
  for (std::uint64_t seed = 0; seed < seeds; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 engine(seed);
    const steer::model_shape shape = toy::shape(2, 3 + static_cast<std::ptrdiff_t>(engine() % 60));
    constexpr std::int32_t sequences = 6;
    const steer::basic_routes<Scalar> routes(mixed_routes<Scalar>(engine, shape, sequences).table);
    for (const point p : steer::all_points) {
      const site where{static_cast<int>(engine() % 2), p};
      toy::batch<Scalar> together(engine, 60, shape.width_at(p), sequences);
      toy::batch<Scalar> apart = together;
      routes(where, together.rows());
      for (std::ptrdiff_t i = 0; i < apart.count(); ++i) {
        routes(where, apart.rows(i, 1));
      }
      EXPECT_EQ(std::memcmp(together.numbers.data(), apart.numbers.data(), apart.numbers.size() * sizeof(Scalar)), 0)
          << to_string(where);
    }
  }
}

TEST(routes, of_all_kinds_in_one_batch_give_each_row_the_bits_that_it_gets_alone) {
  expect_rows_to_ignore_their_neighbours<float>(100);
  expect_rows_to_ignore_their_neighbours<Eigen::half>(60);
}

class routes_of_two : public testing::Test {
 protected:
  std::mt19937_64 engine{3};
  steer::model_shape shape = toy::shape(2, 8);
  steer::steering_vector u = toy::random_vector(engine, {1}, 8);
  steer::recipe recipe = steer::recipe{}.ablate(u).add(u, {.strength = 0.5F});
  steer::plan fixed{recipe, shape};
  steer::plan dosed{recipe, shape, {.doses = steer::doses_from::routes}};
};

TEST_F(routes_of_two, leave_the_bits_at_dose_zero) {
  steer::routing_table table;
  table.route(0, dosed, {0.0F, 0.0F}).route(1, steer::plan{});
  toy::batch<float> data(engine, 10, 8, 2);
  const toy::batch<float> before = data;
  steer::routes{table}(here, data.rows());
  EXPECT_EQ(data.numbers, before.numbers);
  EXPECT_EQ(steer::routes{}.access(here), steer::access::none);
}

TEST_F(routes_of_two, are_off_at_dose_zero_whatever_a_gate_reads) {
  const steer::recipe gated = steer::recipe{}
                                  .add(u, {.gate = {.conditions = {steer::excess(u, 0.1F)}}})
                                  .ablate(u, {.rows = {.phase = steer::phase::generation}});
  steer::routing_table table;
  table.route(0, steer::plan(gated, shape, {.doses = steer::doses_from::routes}), {0.0F, 1.0F});
  std::vector<float> h(8, 1.0F);
  h[3] = std::numeric_limits<float>::infinity();
  const std::vector<float> before = h;
  const steer::row_info info{};
  steer::routes{table}(here, {h.data(), 1, 8, 8, {&info, 1}});
  EXPECT_EQ(h, before);
}

TEST_F(routes_of_two, skip_sites_that_no_route_changes) {
  steer::routing_table table;
  table.route(0, fixed);
  EXPECT_EQ(steer::routes{table}.access(here), steer::access::write);
  EXPECT_EQ(steer::routes{table}.access({0, point::residual_out}), steer::access::none);
  table.route(0, steer::plan{});
  EXPECT_EQ(steer::routes{table}.access(here), steer::access::none) << "the earlier route is gone";
  table.route(0, dosed, {0.0F, 0.0F});
  EXPECT_EQ(steer::routes{table}.access(here), steer::access::none);
  table.otherwise(fixed);
  EXPECT_EQ(steer::routes{table}.access(here), steer::access::write);
}

TEST_F(routes_of_two, refuse_doses_that_do_not_fit) {
  steer::routing_table table;
  expect_error<steer::argument_error>(
      [&] {
        table.route(4, fixed, {1.0F, 1.0F});
      },
      "sequence 4", "compiled in", "doses_from::routes");
  expect_error<steer::argument_error>([&] { table.route(4, dosed, {1.0F}); }, "has 1 doses", "2 edits");
  expect_error<steer::numeric_error>(
      [&] {
        table.route(4, dosed, {1.0F, std::numeric_limits<float>::quiet_NaN()});
      },
      "nan");
  shape.facts = {};
  expect_error<steer::argument_error>([&] { table.route(4, steer::plan(recipe, shape)); }, "needs each row's sequence");
}

TEST_F(routes_of_two, allocate_nothing_when_called) {
  STEER_NEED_ALLOCATION_COUNTS();
  steer::routing_table table;
  table.route(0, fixed).route(1, dosed, {0.5F, 2.0F}).otherwise(fixed);
  const steer::routes routes(table);
  toy::batch<float> data(engine, 600, 8, 3);
  EXPECT_EQ(steer_test::allocations_of([&] { routes(here, data.rows()); }), 0U);
}

// A plain edit, in a plan with and without doses: the first row of a block must not speak for the others.
TEST_F(routes_of_two, give_a_row_its_own_dose_whatever_is_beside_it) {
  steer::steering_vector axis{.name = "axis"};
  axis.directions[1].values = Eigen::VectorXf::Unit(8, 0);
  const steer::plan_options per_route{.doses = steer::doses_from::routes};
  const steer::plan add(steer::recipe{}.add(axis, {.strength = 1.0F, .unit = steer::strength_unit::unit}), shape, per_route);
  const steer::plan ablate(steer::recipe{}.ablate(axis), shape, per_route);
  for (const std::int32_t first : {0, 1}) {
    const auto run = [&](const steer::plan& plan) {
      const std::array<steer::row_info, 2> info{{{.sequence = first}, {.sequence = 1 - first}}};
      std::array<float, 16> h{};
      h[0] = h[8] = 10.0F;
      steer::routes{steer::routing_table{}.route(0, plan).route(1, plan, {0.5F})}(here, {h.data(), 2, 8, 8, info});
      return std::array{h[first == 0 ? 0 : 8], h[first == 0 ? 8 : 0]};  // of sequence 0, of sequence 1
    };
    EXPECT_EQ(run(add), (std::array{11.0F, 10.5F})) << first;
    EXPECT_EQ(run(ablate), (std::array{0.0F, 5.0F})) << first;
  }
}

TEST_F(routes_of_two, leave_rows_alone_that_they_cannot_know) {
  const steer::routes routes(steer::routing_table{}.otherwise(fixed));
  toy::batch<float> data(engine, 10, 8);
  toy::batch<float> wide(engine, 10, 4096);
  const std::vector<float> before = data.numbers;
  const std::vector<float> before_wide = wide.numbers;
  steer::rows<float> blind = data.rows();
  blind.info = blind.info.first(9);
  routes(here, blind);
  routes(here, wide.rows());
  EXPECT_EQ(data.numbers, before);
  EXPECT_EQ(wide.numbers, before_wide);
}

TEST_F(routes_of_two, refuse_plans_and_hosts_of_another_width) {
  const steer::steering_vector other = toy::random_vector(engine, {1}, 12);
  const steer::plan wide(steer::recipe{}.ablate(other), toy::shape(2, 12));
  steer::routing_table table;
  table.route(0, fixed);
  expect_error<steer::shape_error>([&] { table.route(1, wide); }, "sequence 1", "2 layers of width 12", "2 layers of width 8");
  EXPECT_EQ(table.find(1), nullptr);
  steer::routes routes(table);
  expect_error<steer::shape_error>([&] { routes.use(steer::routing_table{}.route(1, wide)); }, "width 12", "width 8");
  EXPECT_NO_THROW(routes.require_fit(shape));
  expect_error<steer::shape_error>([&] { steer::hook_ref<float>(routes).require_fit(toy::shape(2, 12)); }, "width 8",
                                   "width 12");
  EXPECT_NO_THROW(steer::routes{}.require_fit(shape));
  EXPECT_NO_THROW(routes.use(steer::routing_table{}));
}

// Each table writes one number to all columns of all rows. A row or a batch of two numbers would be a torn read.
TEST_F(routes_of_two, are_swapped_between_calls_and_never_within_one) {
  steer::steering_vector ones{.name = "ones"};
  ones.directions[1].values = Eigen::VectorXf::Ones(4);
  shape.width = 4;
  std::vector<steer::routing_table> tables;
  for (int i = 1; i <= 4; ++i) {
    steer::routing_table table;
    const steer::recipe add =
        steer::recipe{}.add(ones, {.strength = static_cast<float>(i), .unit = steer::strength_unit::raw});
    tables.push_back(table.otherwise(steer::plan(add, shape)));
  }
  steer::routes routes(tables[0]);
  std::atomic<int> torn{0};
  std::atomic<int> swapped{0};
  std::atomic<bool> stop{false};
  std::vector<std::thread> readers;
  for (int t = 0; t < 8; ++t) {
    readers.emplace_back([&] {
      const std::array<steer::row_info, 2> info{{{.sequence = 0}, {.sequence = 1}}};
      std::array<float, 8> h{};
      for (int i = 0; i < applies || swapped < swaps; ++i) {
        h.fill(0.0F);
        routes(here, {h.data(), 2, 4, 4, info});
        torn += h[0] >= 1.0F && std::all_of(h.begin(), h.end(), [&](float x) { return x == h[0]; }) ? 0 : 1;
      }
    });
  }
  std::thread writer([&] {
    for (std::size_t i = 0; !stop; ++i) {
      routes.use(tables[i % tables.size()]);
      ++swapped;
    }
  });
  for (std::thread& reader : readers) {
    reader.join();
  }
  stop = true;
  writer.join();
  EXPECT_EQ(torn, 0);
  EXPECT_GE(swapped, swaps);
}

}  // namespace
