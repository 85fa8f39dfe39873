#include "steer/inject/routes.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "allocations.hpp"
#include "expect_error.hpp"
#include "inject/batch.hpp"
#include "inject/random_recipe.hpp"
#include "inject/in_sequence.hpp"
#include "toy.hpp"

constexpr int applies = 1'250'000;  // of each of eight threads: ten million in all; 16 s under a thread sanitizer

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

TEST(routes, give_each_sequence_its_doses) {
  for (std::uint64_t seed = 0; seed < 30; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 engine(seed);
    const steer::model_shape shape = toy::shape(2, 12);
    const steer::recipe recipe = toy::random_recipe(engine, shape);
    const steer::basic_plan<double> plan(recipe, shape, {.doses = steer::dosing::per_route});
    steer::basic_routing_table<double> table;
    std::vector<steer::recipe> dosed(3);
    for (std::int32_t s = 0; s < 3; ++s) {
      std::vector<float> doses;
      for (steer::edit e : recipe.edits()) {
        doses.push_back(static_cast<float>(engine() % 3) * 0.75F);
        e.gate.amount *= doses.back();  // 0, 0.75 and 1.5 times: exact enough in float to compare
        dosed[static_cast<std::size_t>(s)].append(e);
      }
      table.route(s, plan, doses);
    }
    const steer::basic_routes<double> routes(table);
    for (const point p : steer::all_points) {
      const site where{1, p};
      toy::batch<double> data(engine, 60, shape.width_at(p), 4);
      const toy::batch<double> before = data;
      if (routes.access(where) != steer::access::none) {
        routes(where, data.rows());
      }
      for (std::ptrdiff_t i = 0; i < data.count(); ++i) {
        const steer::row_info& info = data.info[static_cast<std::size_t>(i)];
        Eigen::VectorXd expected = before.row(i);
        if (info.sequence < 3) {
          toy::in_sequence(dosed[static_cast<std::size_t>(info.sequence)], shape).apply(where, info, expected);
          EXPECT_LE((data.row(i) - expected).norm(), 1e-6 * std::max(before.row(i).norm(), expected.norm()))
              << "the reference rounds amount times dose to float";
        } else {
          EXPECT_EQ(data.row(i), expected) << "a sequence without a route";
        }
      }
    }
  }
}

class routes_of_two : public testing::Test {
 protected:
  std::mt19937_64 engine{3};
  steer::model_shape shape = toy::shape(2, 8);
  steer::steering_vector u = toy::random_vector(engine, {1}, 8);
  steer::recipe recipe = steer::recipe{}.ablate(u).add(u, {.strength = 0.5F});
  steer::plan fixed{recipe, shape};
  steer::plan dosed{recipe, shape, {.doses = steer::dosing::per_route}};
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
  table.route(0, steer::plan(gated, shape, {.doses = steer::dosing::per_route}), {0.0F, 1.0F});
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
      "sequence 4", "compiled in", "per_route");
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
  std::atomic<bool> stop{false};
  std::vector<std::thread> readers;
  for (int t = 0; t < 8; ++t) {
    readers.emplace_back([&] {
      const std::array<steer::row_info, 2> info{{{.sequence = 0}, {.sequence = 1}}};
      std::array<float, 8> h{};
      for (int i = 0; i < applies; ++i) {
        h.fill(0.0F);
        routes(here, {h.data(), 2, 4, 4, info});
        torn += h[0] >= 1.0F && std::all_of(h.begin(), h.end(), [&](float x) { return x == h[0]; }) ? 0 : 1;
      }
    });
  }
  std::thread writer([&] {
    for (std::size_t i = 0; !stop; ++i) {
      routes.use(tables[i % tables.size()]);
    }
  });
  for (std::thread& reader : readers) {
    reader.join();
  }
  stop = true;
  writer.join();
  EXPECT_EQ(torn, 0);
}

}  // namespace
