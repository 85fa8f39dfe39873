#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "allocations.hpp"
#include "expect_error.hpp"
#include "steer/inject/plan.hpp"
#include "steer/inject/session.hpp"
#include "steer/recipe/passage.hpp"
#include "toy.hpp"

namespace {

using steer::phase;
using steer::point;
using tokens = std::vector<std::int32_t>;

/// Rows of one number, to which 1 is added where they are in the passages.
class passages : public testing::Test {
 protected:
  static constexpr std::int32_t think = 100;
  static constexpr std::int32_t thought = 101;
  static constexpr std::int32_t call = 102;
  static constexpr std::int32_t called = 103;

  steer::model_shape shape = toy::shape(3, 1);
  steer::steering_vector one = ones();

  static steer::steering_vector ones() {
    steer::steering_vector out{.name = "one"};
    for (const int layer : {1, 2}) {
      out.directions[layer].values = Eigen::VectorXf::Ones(1);
    }
    return out;
  }
  steer::recipe recipe(std::vector<steer::passage> in) const {
    return steer::recipe{}.add(one, {.strength = 1.0F}, {.rows = {.passages = std::move(in)}});
  }

  struct row {
    std::int32_t token;
    std::int32_t position;
    std::int32_t sequence = 0;
  };
  /// What a pass adds to each row at layers 1 and 2; the host shows all sites.
  static std::vector<std::vector<float>> pass(steer::session& session, const std::vector<row>& batch) {
    std::vector<steer::row_info> info;
    for (const row& each : batch) {
      info.push_back({each.token, each.position, each.sequence, 2, each.position < 2 ? phase::prompt : phase::generation});
    }
    std::vector<std::vector<float>> out;
    for (int layer = 0; layer < 3; ++layer) {
      for (const point at : {point::residual_in, point::residual_out}) {
        std::vector<float> h(batch.size());
        if (session.access({layer, at}) != steer::access::none) {
          session({layer, at}, {h.data(), std::ssize(h), 1, 1, info});
        }
        if (layer > 0 && at == point::residual_out) {
          out.push_back(h);
        }
      }
    }
    EXPECT_EQ(out[0], out[1]) << "all layers agree";
    return out;
  }
  static std::vector<float> text(steer::session& session, const tokens& of, std::int32_t from = 0, std::int32_t sequence = 0) {
    std::vector<row> batch;
    for (std::size_t i = 0; i < of.size(); ++i) {
      batch.push_back({of[i], from + static_cast<std::int32_t>(i), sequence});
    }
    return pass(session, batch)[0];
  }
};

using numbers = std::vector<float>;

TEST_F(passages, are_of_the_rows_whose_next_token_is_in_them) {
  const tokens said{5, think, 6, 7, thought, 8, call, 9, called, 10};
  steer::session in(recipe({steer::inside({think}, {thought})}), shape);
  EXPECT_EQ(text(in, said), (numbers{0, 1, 1, 1, 0, 0, 0, 0, 0, 0}));
  steer::session out(recipe({steer::outside({think}, {thought})}), shape);
  EXPECT_EQ(text(out, said), (numbers{1, 0, 0, 0, 1, 1, 1, 1, 1, 1}));
  steer::session both(recipe({steer::outside({think}, {thought}), steer::outside({call}, {called})}), shape);
  EXPECT_EQ(text(both, said), (numbers{1, 0, 0, 0, 1, 1, 0, 0, 1, 1}));
  steer::session from(recipe({steer::from_token({thought})}), shape);
  EXPECT_EQ(text(from, said), (numbers{0, 0, 0, 0, 1, 1, 1, 1, 1, 1}));
  steer::session until(recipe({steer::until_token({6})}), shape);
  EXPECT_EQ(text(until, said), (numbers{1, 1, 0, 0, 0, 0, 0, 0, 0, 0}));
  EXPECT_EQ(until.rows_without_state(), 0U);
}

TEST_F(passages, belong_to_a_sequence_and_begin_anew_with_it) {
  steer::session session(recipe({steer::inside({think}, {thought})}), shape, {.sequences = 2});
  EXPECT_EQ(pass(session, {{think, 0, 0}, {5, 0, 1}, {6, 1, 0}, {think, 1, 1}, {thought, 2, 0}, {6, 2, 1}})[0],
            (numbers{1, 0, 1, 1, 0, 1}));
  EXPECT_EQ(pass(session, {{7, 3, 1}, {7, 3, 0}})[0], (numbers{1, 0}));
  EXPECT_EQ(text(session, {5, 6}, 0, 1), (numbers{0, 0})) << "another text";
  EXPECT_EQ(text(session, {7}, 4), (numbers{0}));
  EXPECT_EQ(text(session, {think, 7}, 0, 2), (numbers{0, 0}));
  EXPECT_EQ(session.rows_without_state(), 4U) << "no sequence 2: two rows at two layers";
}

TEST_F(passages, go_back_fork_and_move_with_their_sequence) {
  steer::session session(recipe({steer::inside({think}, {thought})}), shape, {.sequences = 2});
  text(session, {5, think, 6, thought, 7});
  session.fork(0, 1);
  EXPECT_EQ(text(session, {8}, 5, 1), (numbers{0}));
  session.rewind(1, 3);
  EXPECT_EQ(text(session, {8}, 3, 1), (numbers{1})) << "row 3, which ended the thought, is gone";
  EXPECT_EQ(text(session, {8}, 2), (numbers{1})) << "a host may go back without a word";
  EXPECT_EQ(text(session, {8}, 1), (numbers{0}));
  session.reset(1);
  EXPECT_EQ(text(session, {8}, 4, 1), (numbers{0})) << "nobody knows of the rows before";
  session.reset();
  text(session, {5, think, 6, 7, 8, 9});
  session.shift(0, 1, 3);
  EXPECT_EQ(text(session, {9}, 3), (numbers{1})) << "the row that began the thought is gone";
  session.rewind(0, 1);
  EXPECT_EQ(text(session, {9}, 1), (numbers{1}));
  session.shift(0, 0, 1);
  EXPECT_EQ(text(session, {9, thought}, 1), (numbers{1, 0}));
  session.rewind(0, 0);
  EXPECT_EQ(text(session, {9}), (numbers{0})) << "a text that begins begins outside";
  steer::session copy = session;
  text(session, {think}, 1);
  EXPECT_EQ(text(copy, {9}, 1), (numbers{0})) << "copies share no state";
}

TEST_F(passages, nobody_guesses_where_rows_were_not_shown) {
  steer::session session(recipe({steer::outside({think}, {thought})}), shape);
  EXPECT_EQ(text(session, {5, 6, think, 7, thought, 8}, 10), (numbers{0, 0, 0, 0, 1, 1}));
  EXPECT_EQ(session.rows_without_state(), 2U * 2U) << "until a marker says where it is";
  EXPECT_EQ(text(session, {9}, 20), (numbers{0})) << "rows are missing again";
  session.rewind(0, 16);
  EXPECT_EQ(text(session, {9}, 16), (numbers{1}));
}

TEST_F(passages, markers_of_several_tokens) {
  steer::session session(recipe({steer::inside({1, 2, 1, 3}, {2, 2})}), shape);
  EXPECT_EQ(text(session, {1, 2, 1, 2, 1, 3, 2, 1, 2, 2, 2, 1}), (numbers{0, 0, 0, 0, 0, 1, 1, 1, 1, 0, 0, 0}))
      << "a beginning that fails may hold another one";
  steer::session longer(recipe({steer::passage{{{1}, {1, 2}}, {{0, 1}}}}), shape);
  EXPECT_EQ(text(longer, {1, 0, 1, 2}), (numbers{1, 1, 0, 1})) << "of two that end at one token, the longer counts";
}

/// By the definition: of all markers that have ended, the one that ended last, and of these the longest.
bool is_inside(const steer::passage& p, const tokens& all, std::size_t row) {
  bool out = p.at_start;
  for (std::size_t end = 1; end <= row + 1; ++end) {
    std::size_t longest = 0;
    for (const auto* side : {&p.from, &p.until}) {
      for (const steer::marker& m : *side) {
        if (m.size() <= end && m.size() > longest && std::equal(m.begin(), m.end(), all.data() + end - m.size())) {
          longest = m.size();
          out = side == &p.from;
        }
      }
    }
  }
  return out;
}

TEST_F(passages, are_as_their_definition_says_whatever_the_batches) {
  std::mt19937_64 engine(1);
  const auto random_marker = [&] {
    steer::marker out(1 + engine() % 4);
    std::ranges::generate(out, [&] { return static_cast<std::int32_t>(engine() % 3); });
    return out;
  };
  for (int round = 0; round < 200; ++round) {
    steer::passage p;
    for (auto* side : {&p.from, &p.until}) {
      for (std::size_t i = 0; i < 1 + engine() % 2; ++i) {
        side->push_back(random_marker());
      }
    }
    std::erase_if(p.until, [&](const auto& m) { return std::ranges::find(p.from, m) != p.from.end(); });
    p.at_start = engine() % 2 == 0;
    constexpr std::int32_t sequences = 3;
    steer::session session(recipe({p, steer::until_token({99})}), shape, {.sequences = sequences});
    std::vector<tokens> said(sequences);
    for (int batch = 0; batch < 20; ++batch) {
      std::vector<row> rows;
      numbers expected;
      const auto s = static_cast<std::size_t>(engine() % sequences);
      switch (engine() % 6) {
        case 0:  // it goes back
          said[s].resize(engine() % (said[s].size() + 1));
          session.rewind(static_cast<std::int32_t>(s), static_cast<std::int32_t>(said[s].size()));
          break;
        case 1: {  // it becomes another one
          const auto to = static_cast<std::size_t>(engine() % sequences);
          said[to] = said[s];
          session.fork(static_cast<std::int32_t>(s), static_cast<std::int32_t>(to));
          break;
        }
        case 2:  // it begins anew, and the session is not told
          said[s].clear();
          break;
        default: break;
      }
      for (std::uint64_t n = 1 + engine() % 9; n > 0; --n) {
        const auto which = static_cast<std::size_t>(engine() % sequences);
        said[which].push_back(static_cast<std::int32_t>(engine() % 3));
        rows.push_back({said[which].back(), static_cast<std::int32_t>(said[which].size() - 1), static_cast<std::int32_t>(which)});
        expected.push_back(is_inside(p, said[which], said[which].size() - 1) ? 1.0F : 0.0F);
      }
      ASSERT_EQ(pass(session, rows)[0], expected) << "round " << round << ", batch " << batch;
    }
    EXPECT_EQ(session.rows_without_state(), 0U);
  }
}

TEST_F(passages, read_tokens_where_a_pass_begins) {
  steer::session session(recipe({steer::inside({think}, {thought})}), shape);
  EXPECT_EQ(session.access({0, point::residual_in}), steer::access::read);
  EXPECT_EQ(session.access({0, point::residual_out}), steer::access::none);
  EXPECT_EQ(session.access({1, point::residual_out}), steer::access::write);
  // A host that computes only the last row at the last layer.
  float h[3] = {};
  const std::vector<steer::row_info> info{{think, 0, 0, 3}, {5, 1, 0, 3}, {6, 2, 0, 3}};
  session({0, point::residual_in}, {h, 3, 1, 1, info});
  session({2, point::residual_out}, {h + 2, 1, 1, 1, std::span(info).last(1)});
  EXPECT_EQ(h[2], 1.0F);
  shape.points = {point::residual_out};
  steer::session elsewhere(recipe({steer::inside({think}, {thought})}), shape);
  EXPECT_EQ(elsewhere.access({0, point::residual_out}), steer::access::none);
  float g[3] = {};
  elsewhere({1, point::residual_out}, {g, 3, 1, 1, info});
  EXPECT_EQ(numbers(g, g + 3), (numbers{1, 1, 1}));
}

TEST_F(passages, act_beside_other_edits_gates_and_schedules) {
  steer::recipe mixed = recipe({steer::inside({think}, {thought})});
  mixed.add(one, {.strength = 10.0F});
  mixed.add(one, {.strength = 100.0F}, {.rows = {.phase = phase::generation, .passages = {steer::outside({think}, {thought})}}});
  mixed.add(one, {.strength = 1000.0F}, {.rows = {.passages = {steer::inside({think}, {thought})}},
                                         .gate = {.conditions = {steer::above(one, 10.5F)}}});
  steer::session session(mixed, shape);
  EXPECT_EQ(text(session, {5, think, thought, 6}), (numbers{10, 1011, 110, 110}));
  EXPECT_NE(session.explain().find("rows in passages"), std::string::npos) << session.explain();
  EXPECT_NE(steer::session(recipe({steer::inside({think}, {thought})}), shape).digest(),
            steer::session(recipe({steer::inside({think}, {call})}), shape).digest());
}

TEST_F(passages, are_refused_where_they_cannot_be_followed_or_mean_nothing) {
  expect_error<steer::argument_error>([&] { steer::plan(recipe({steer::from_token({7})}), shape); }, "add \"one\"", "passage",
                                      "expected a session");
  for (const steer::row_fact fact : {steer::row_fact::token, steer::row_fact::position, steer::row_fact::sequence}) {
    steer::model_shape blind = shape;
    blind.facts = {};
    for (const steer::row_fact other : {steer::row_fact::token, steer::row_fact::position, steer::row_fact::sequence}) {
      if (other != fact) {
        blind.facts.insert(other);
      }
    }
    expect_error<steer::argument_error>([&] { steer::session(recipe({steer::from_token({7})}), blind); }, "needs each row's",
                                        std::string(to_string(fact)));
  }
  expect_error<steer::argument_error>([&] { recipe({steer::passage{}}); }, "add \"one\"", "no marker", "at least one");
  expect_error<steer::argument_error>([&] { recipe({steer::passage{{}, {{7}}}}); }, "no marker to begin at", "at_start");
  expect_error<steer::argument_error>([&] { recipe({steer::inside({}, {7})}); }, "no tokens", "at least one");
  expect_error<steer::argument_error>([&] { recipe({steer::from_token({7, -1})}); }, "token -1", "0 or above");
  expect_error<steer::argument_error>([&] { recipe({steer::inside({7}, {7})}); }, "the same marker, token 7", "expected two");
  std::vector<steer::passage> many;
  for (std::int32_t i = 0; i < 65; ++i) {
    many.push_back(steer::from_token({i}));
  }
  expect_error<steer::argument_error>([&] { steer::session(recipe(many), shape); }, "65 different ones", "at most 64");
  many.pop_back();
  EXPECT_NO_THROW(steer::session(recipe(many), shape));
}

TEST_F(passages, calls_allocate_nothing_once_a_sequence_has_been_long) {
  STEER_NEED_ALLOCATION_COUNTS();
  steer::session session(recipe({steer::inside({think}, {thought})}), shape);
  const tokens said{5, think, 6, thought, 7, think, thought, 8};
  text(session, said);
  std::vector<float> h(said.size());
  std::vector<steer::row_info> info;
  for (std::size_t i = 0; i < said.size(); ++i) {
    info.push_back({said[i], static_cast<std::int32_t>(i), 0, 2});
  }
  EXPECT_EQ(steer_test::allocations_of([&] {
              session({0, point::residual_in}, {h.data(), std::ssize(h), 1, 1, info});
              session({1, point::residual_out}, {h.data(), std::ssize(h), 1, 1, info});
            }),
            0U);
  EXPECT_EQ(h, (numbers{0, 1, 1, 0, 0, 1, 0, 0}));
}

}  // namespace
