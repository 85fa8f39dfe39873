#include "steer/inject/session.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "allocations.hpp"
#include "expect_error.hpp"
#include "inject/batch.hpp"
#include "toy.hpp"

namespace {

using steer::phase;
using steer::point;
using steer::site;

/// Rows of two numbers: the first is what the gate reads, the second what the edit writes.
class latched : public testing::Test {
 protected:
  static constexpr std::int32_t prompt = 3;
  steer::steering_vector asks = axis("asks", 0);
  steer::steering_vector writes = axis("writes", 1);
  steer::model_shape shape = toy::shape(2, 2);

  static steer::steering_vector axis(const char* name, int which) {
    steer::steering_vector out{.name = name};
    for (const int layer : {0, 1}) {
      out.directions[layer].values = Eigen::Vector2f::Unit(which);
    }
    return out;
  }
  [[nodiscard]] steer::recipe recipe(std::optional<int> layer = std::nullopt) const {
    return steer::recipe{}.add(writes, {.strength = 1.0F}, {.gate = {.conditions = {steer::above(asks, 0.5F)},
                                                 .time = steer::gate_time::on_prompt,
                                                 .layer = layer}});
  }
  /// What is written to a row of which the gate reads `asked`.
  static float run(steer::session& session, std::int32_t position, float asked, std::int32_t sequence = 0,
                   int layer = 0) {
    float h[2] = {asked, 0.0F};
    const steer::row_info info{7, position, sequence, prompt, position < prompt ? phase::prompt : phase::generation};
    session({layer, point::residual_out}, {h, 1, 2, 2, {&info, 1}});
    return h[1];
  }
};

TEST_F(latched, decides_at_the_last_row_of_the_prompt_and_acts_from_then_on) {
  steer::session session(recipe(), shape);
  EXPECT_EQ(run(session, 3, 1.0F), 0.0F) << "nothing has been decided";
  EXPECT_EQ(run(session, 0, 1.0F), 0.0F);
  EXPECT_EQ(run(session, 1, 0.0F), 0.0F);
  EXPECT_EQ(run(session, 2, 1.0F), 0.0F) << "this row decides and is left alone";
  EXPECT_EQ(run(session, 3, 0.0F), 1.0F) << "whatever later rows say";
  EXPECT_EQ(run(session, 4, 1.0F), 1.0F);
  EXPECT_EQ(run(session, 2, 0.0F), 0.0F) << "another prompt decides anew";
  EXPECT_EQ(run(session, 3, 1.0F), 0.0F);
}

TEST_F(latched, keeps_sequences_and_layers_apart) {
  steer::session session(recipe(), shape, {.sequences = 2});
  run(session, 2, 1.0F, 0, 0);
  run(session, 2, 0.0F, 1, 0);
  run(session, 2, 0.0F, 0, 1);
  run(session, 2, 1.0F, 1, 1);
  EXPECT_EQ(run(session, 3, 0.0F, 0, 0), 1.0F);
  EXPECT_EQ(run(session, 3, 0.0F, 1, 0), 0.0F);
  EXPECT_EQ(run(session, 3, 0.0F, 0, 1), 0.0F);
  EXPECT_EQ(run(session, 3, 0.0F, 1, 1), 1.0F);
}

TEST_F(latched, can_be_read_at_another_layer) {
  steer::session session(recipe(1), shape);
  EXPECT_EQ(session.access({1, point::residual_out}), steer::access::write);
  run(session, 2, 0.0F, 0, 0);
  run(session, 2, 1.0F, 0, 1);
  EXPECT_EQ(run(session, 3, 0.0F, 0, 0), 1.0F);
  const steer::recipe only_first = steer::recipe{}.add(
      writes, {.layers = {0},
               .gate = {.conditions = {steer::above(asks, 0.5F)}, .time = steer::gate_time::on_prompt, .layer = 1}});
  EXPECT_EQ(steer::session(only_first, shape).access({1, point::residual_out}), steer::access::read);
}

TEST_F(latched, is_reset_forked_and_rewound) {
  steer::session session(recipe(), shape, {.sequences = 3});
  run(session, 2, 1.0F);
  session.fork(0, 2);
  EXPECT_EQ(run(session, 3, 0.0F, 2), 1.0F);
  session.reset(0);
  EXPECT_EQ(run(session, 3, 0.0F, 0), 0.0F);
  EXPECT_EQ(run(session, 4, 0.0F, 2), 1.0F) << "another sequence keeps its state";
  session.rewind(2, 3);
  EXPECT_EQ(run(session, 4, 0.0F, 2), 1.0F) << "row 2 has decided and stays";
  session.rewind(2, 2);
  EXPECT_EQ(run(session, 4, 0.0F, 2), 0.0F);
  run(session, 2, 1.0F);
  steer::session copy = session;
  session.reset();
  EXPECT_EQ(run(session, 3, 0.0F), 0.0F);
  EXPECT_EQ(run(copy, 3, 0.0F), 1.0F) << "copies share no state";
}

TEST_F(latched, goes_back_to_what_an_earlier_prompt_decided) {
  const auto at = [&](steer::session& session, phase in, std::int32_t position, std::int32_t prompt_length,
                      float asked) {
    float h[2] = {asked, 0.0F};
    const steer::row_info info{7, position, 0, prompt_length, in};
    session({0, point::residual_out}, {h, 1, 2, 2, {&info, 1}});
    return h[1];
  };
  steer::session session(recipe(), shape);
  for (std::int32_t turn = 0; turn < 12; ++turn) {  // prompts end at 9, 19, ...; every second one opens the gate
    at(session, phase::prompt, 10 * turn + 9, 10 * turn + 10, static_cast<float>(turn % 2));
    EXPECT_EQ(at(session, phase::generation, 10 * turn + 10, 10 * turn + 10, 0.0F), static_cast<float>(turn % 2));
  }
  session.rewind(0, 105);
  EXPECT_EQ(at(session, phase::generation, 105, 100, 0.0F), 1.0F) << "of the turn that ended its prompt at 99";
  session.rewind(0, 70);
  EXPECT_EQ(at(session, phase::generation, 70, 70, 0.0F), 0.0F);
  session.rewind(0, 15);
  EXPECT_EQ(at(session, phase::generation, 15, 10, 0.0F), 0.0F) << "eight are remembered; none is left";
}

TEST_F(latched, holds_while_rows_are_shifted_out_of_the_cache) {
  steer::session session(recipe(), shape, {.sequences = 2});
  run(session, 2, 1.0F);
  run(session, 2, 1.0F, 1);
  EXPECT_EQ(run(session, 9, 0.0F), 1.0F);
  session.shift(0, 0, 2);
  EXPECT_EQ(run(session, 8, 0.0F), 1.0F) << "its decision has moved down";
  session.shift(0, 0, 6);
  EXPECT_EQ(run(session, 0, 0.0F), 0.0F) << "a row of a prompt";
  EXPECT_EQ(run(session, 3, 0.0F), 1.0F) << "the row that decided is gone";
  session.shift(1, 1, 4);
  EXPECT_EQ(run(session, 3, 0.0F, 1), 1.0F);
  session.rewind(1, 1);
  EXPECT_EQ(run(session, 3, 0.0F, 1), 1.0F) << "what the rows before have decided stays";
  session.rewind(1, 0);
  EXPECT_EQ(run(session, 3, 0.0F, 1), 0.0F);
  expect_error<steer::argument_error>([&] { session.shift(2, 0, 1); }, "sequence 2", "0 to 1");
  expect_error<steer::argument_error>([&] { session.shift(0, -1, 1); }, "1 rows from position -1", "at least 0");
}

TEST_F(latched, needs_a_session_and_a_host_that_knows_its_rows) {
  expect_error<steer::argument_error>([&] { steer::plan(recipe(), shape); }, "add \"writes\"", "latches on the prompt",
                                      "expected a session");
  for (const steer::row_fact fact : {steer::row_fact::phase, steer::row_fact::position, steer::row_fact::prompt_length,
                                     steer::row_fact::sequence}) {
    steer::model_shape blind = shape;
    blind.facts = {};
    for (const steer::row_fact other : {steer::row_fact::phase, steer::row_fact::position,
                                        steer::row_fact::prompt_length, steer::row_fact::sequence}) {
      if (other != fact) {
        blind.facts.insert(other);
      }
    }
    expect_error<steer::argument_error>([&] { steer::session(recipe(), blind); }, "needs each row's",
                                        std::string(to_string(fact)));
  }
  expect_error<steer::argument_error>([&] { steer::session(recipe(), shape, {.sequences = 0}); }, "0 sequences",
                                      "at least 1");
  steer::session session(recipe(), shape, {.sequences = 2});
  expect_error<steer::argument_error>([&] { session.reset(2); }, "sequence 2 does not exist", "0 to 1");
  expect_error<steer::argument_error>([&] { session.fork(0, -1); }, "sequence -1");
  EXPECT_EQ(run(session, 3, 1.0F, 9), 0.0F);
  EXPECT_EQ(session.rows_without_state(), 1U);
}

TEST_F(latched, cannot_act_in_the_prompt_or_be_read_elsewhere_without_latching) {
  steer::gate gate = recipe().edits()[0].where.gate;
  expect_error<steer::argument_error>(
      [&] { steer::session(steer::recipe{}.add(writes, {.rows = {.phase = phase::prompt}, .gate = gate}), shape); },
      "acts on what is generated", "in the prompt");
  gate.time = steer::gate_time::each_row;
  gate.layer = 1;
  expect_error<steer::argument_error>([&] { steer::recipe{}.add(writes, {.gate = gate}); },
                                      "reads layer 1 for other layers");
}

TEST_F(latched, gives_the_same_rows_in_chunks) {
  std::mt19937_64 engine(4);
  toy::batch<float> whole(engine, 60, 2, 2);
  toy::batch<float> chunks = whole;
  steer::session one(recipe(), shape, {.sequences = 2});
  steer::session other(recipe(), shape, {.sequences = 2});
  one({0, point::residual_out}, whole.rows());
  for (std::ptrdiff_t first = 0; first < 60; first += 7) {
    other({0, point::residual_out}, chunks.rows(first, std::min<std::ptrdiff_t>(7, 60 - first)));
  }
  EXPECT_EQ(whole.numbers, chunks.numbers);
}

class observed : public testing::Test {
 protected:
  std::mt19937_64 engine{8};
  steer::model_shape shape = toy::shape(1, 16);
  steer::steering_vector u = toy::random_vector(engine, {0}, 16);
  steer::steering_vector v = toy::random_vector(engine, {0}, 16);
  toy::batch<float> data{engine, 30, 16, 2};
  const site here{0, point::residual_out};
};

TEST_F(observed, telemetry_has_coordinates_and_norms_at_their_place_in_the_order) {
  const steer::recipe recipe = steer::recipe{}
                                   .watch({u, v}, steer::watched_norm::read)
                                   .ablate(u)
                                   .watch({u, v}, steer::watched_norm::read);
  EXPECT_EQ(steer::plan(recipe, shape).access(here), steer::access::write);
  EXPECT_EQ(steer::plan(steer::recipe{}.watch({u}), shape).access(here), steer::access::none);
  EXPECT_EQ(steer::session(steer::recipe{}.watch({u}), shape).access(here), steer::access::read);
  steer::session session(recipe, shape);
  steer::observations ring;
  session.observe(&ring);
  const toy::batch<float> before = data;
  session(here, data.rows());
  ASSERT_EQ(ring.size(), 3U * 30U);
  const Eigen::VectorXd unit_u = unit(u.directions.at(0));
  const Eigen::VectorXd unit_v = unit(v.directions.at(0));
  std::size_t i = 0;
  for (std::ptrdiff_t row = 0; row < 30; ++row) {
    for (const std::uint32_t edit : {0U, 1U, 2U}) {
      const steer::observation& seen = ring[i];
      EXPECT_EQ(seen.edit, edit);
      EXPECT_EQ(seen.sequence, data.info[static_cast<std::size_t>(row)].sequence);
      EXPECT_EQ(seen.position, data.info[static_cast<std::size_t>(row)].position);
      EXPECT_EQ(seen.changed, edit == 1);
      const Eigen::VectorXd h = edit == 2 ? data.row(row) : before.row(row);
      EXPECT_NEAR(static_cast<double>(ring.coordinates(i)[0]), unit_u.dot(h), 1e-5);
      if (edit != 1) {
        EXPECT_NEAR(static_cast<double>(ring.coordinates(i)[1]), unit_v.dot(h), 1e-5);
        EXPECT_NEAR(static_cast<double>(seen.norm), h.norm(), 1e-5 * h.norm());
      }
      ++i;
    }
  }
}

TEST_F(observed, a_trace_holds_exactly_what_was_steered) {
  const steer::recipe recipe = steer::recipe{}
                                   .add(u, {.rows = {.first = 2, .last = 9, .except = {5}}})
                                   .cap(v, 0.5F)
                                   .ablate(u, {.gate = {.conditions = {steer::above(v, 0.2F)}}});
  steer::session session(recipe, shape);
  steer::observations trace({.keep = steer::keep::changes});
  session.observe(&trace);
  const Eigen::VectorXd unit_v = unit(v.directions.at(0));
  const steer::plan first(steer::recipe{}.add(u, {.rows = {.first = 2, .last = 9, .except = {5}}}), shape);
  toy::batch<float> added = data;
  first(here, added.rows());
  session(here, data.rows());
  std::size_t at = 0;
  for (std::ptrdiff_t row = 0; row < 30; ++row) {
    const steer::row_info& info = data.info[static_cast<std::size_t>(row)];
    const auto expect_next = [&](std::uint32_t edit) {
      ASSERT_LT(at, trace.size());
      EXPECT_EQ(trace[at].edit, edit);
      EXPECT_EQ(trace[at].position, info.position);
      EXPECT_EQ(trace[at].sequence, info.sequence);
      ++at;
    };
    if (info.position >= 2 && info.position <= 9 && info.position != 5) {
      expect_next(0);
    }
    const double c = unit_v.dot(added.row(row));
    if (c > 0.5) {
      expect_next(1);
    }
    if (std::min(c, 0.5) > static_cast<double>(0.2F)) {
      expect_next(2);
    }
  }
  EXPECT_EQ(at, trace.size());
}

TEST_F(observed, shares_say_what_was_applied_and_only_rows_concerned_are_seen) {
  const steer::schedule generated{.phase = phase::generation};
  for (const bool beside_another : {false, true}) {
    steer::recipe recipe = steer::recipe{}.ablate(u, {.rows = generated, .gate = {.share = 0.5F}});
    if (beside_another) {
      recipe.watch({v}, {.rows = generated});
    }
    steer::session session(recipe, shape);
    steer::observations ring;
    session.observe(&ring);
    steer::session copy = session;
    toy::batch<float> rows = data;
    session(here, rows.rows());
    const auto count = static_cast<std::size_t>(std::count_if(
        data.info.begin(), data.info.end(), [](const auto& row) { return row.phase == phase::generation; }));
    ASSERT_EQ(ring.size(), count * (beside_another ? 2 : 1));
    EXPECT_EQ(ring[0].share, 0.5F);
    copy(here, rows.rows());
    EXPECT_EQ(ring.size(), count * (beside_another ? 2 : 1)) << "a copy fills no ring";
  }
  steer::session session(steer::recipe{}.ablate(u), shape);
  steer::observations trace({.keep = steer::keep::changes});
  session.observe(&trace);
  std::vector<float> zeros(16);
  session(here, {zeros.data(), 1, 16, 16, std::span(data.info).first(1)});
  EXPECT_EQ(trace.size(), 0U) << "a row of zeros has nothing to remove";
}

TEST_F(observed, the_oldest_make_room) {
  steer::session session(steer::recipe{}.ablate(u), shape);
  steer::observations ring({.capacity = 8});
  session.observe(&ring);
  session(here, data.rows());
  EXPECT_EQ(ring.size(), 8U);
  EXPECT_EQ(ring.total(), 30U);
  EXPECT_EQ(ring[7].position, data.info.back().position);
  EXPECT_EQ(ring[0].position, data.info[22].position);
  session.observe(nullptr);
  session(here, data.rows());
  EXPECT_EQ(ring.total(), 30U);
  ring.clear();
  EXPECT_EQ(ring.size(), 0U);
}

TEST_F(observed, goes_on_after_its_session_has_been_moved) {
  steer::observations ring;
  std::vector<steer::session> sessions;
  sessions.emplace_back(steer::recipe{}.ablate(u), shape);
  sessions[0].observe(&ring);
  for (int i = 0; i < 5; ++i) {
    sessions.emplace_back(steer::recipe{}.add(u), shape);  // the vector grows
  }
  sessions[0](here, data.rows());
  EXPECT_EQ(ring.total(), 30U);
  steer::session moved = std::move(sessions[0]);
  moved(here, data.rows());
  EXPECT_EQ(ring.total(), 60U);
  steer::session assigned(steer::recipe{}.ablate(v), shape);
  assigned = std::move(moved);
  assigned(here, data.rows());
  EXPECT_EQ(ring.total(), 90U);
  steer::session copied = assigned;
  copied(here, data.rows());
  copied = assigned;
  copied(here, data.rows());
  EXPECT_EQ(ring.total(), 90U) << "copies fill no ring";
}

TEST_F(observed, rows_of_another_width_or_without_facts_are_left_alone_and_counted) {
  steer::session session(steer::recipe{}.ablate(u).add(v, {.rows = {.first = 1}}), shape);
  EXPECT_EQ(session.shape().width, 16);
  for (const std::ptrdiff_t width : {1, 15, 17, 4096}) {
    toy::batch<float> other(engine, 5, width);
    const toy::batch<float> before = other;
    session(here, other.rows());
    EXPECT_EQ(other.numbers, before.numbers) << "width " << width;
  }
  EXPECT_EQ(session.rows_refused(), 20U);
  const toy::batch<float> before = data;
  steer::rows<float> blind = data.rows();
  blind.info = {};
  session(here, blind);
  EXPECT_EQ(data.numbers, before.numbers);
  EXPECT_EQ(session.rows_refused(), 50U);
  session(here, data.rows());
  EXPECT_NE(data.numbers, before.numbers);
  EXPECT_EQ(session.rows_refused(), 50U);
}

TEST_F(observed, allocates_nothing_when_called) {
  STEER_NEED_ALLOCATION_COUNTS();
  steer::recipe recipe = steer::recipe{}.cap(v, 0.5F).ablate(u, {.norm = steer::restore_norm}).watch({v});
  recipe.add(u, {.gate = {.conditions = {steer::above(v, 0.0F)}, .time = steer::gate_time::on_prompt}});
  steer::session session(recipe, shape, {.sequences = 2});
  steer::observations ring;
  session.observe(&ring);
  EXPECT_EQ(steer_test::allocations_of([&] { session(here, data.rows()); }), 0U);
  EXPECT_GT(ring.size(), 0U);
}

}  // namespace
