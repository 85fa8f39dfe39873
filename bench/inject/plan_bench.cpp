// Stacks of k edits: by a compiled plan, one edit after the other over all rows or row by row, by naive Eigen, and the
// machine's limit.
//
//   plan    scale and set edits in turn        adds   additions        mixed   half additions, half scale edits
//
// `steer` is timed against `bound`, everything else against `steer`, so that a ratio says how many times longer it takes.
#include "steer/inject/plan.hpp"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <random>
#include <span>
#include <string>
#include <vector>
#include <Eigen/Core>

#include "bound.hpp"
#include "in_turn.hpp"
#include "inject/random_recipe.hpp"
#include "sequential.hpp"
#include "steer/inject/session.hpp"

namespace {

constexpr steer::site where{0, steer::point::residual_out};

steer::model_shape shape_of(Eigen::Index d) {
  steer::model_shape shape;
  shape.name = "one layer";
  shape.layers = 1;
  shape.width = d;
  shape.points = {where.point};
  shape.facts = {steer::row_fact::token, steer::row_fact::position, steer::row_fact::sequence, steer::row_fact::phase,
                 steer::row_fact::prompt_length};
  return shape;
}

std::vector<steer::steering_vector> directions(std::mt19937_64& engine, Eigen::Index k, Eigen::Index d) {
  std::vector<steer::steering_vector> out;
  for (Eigen::Index i = 0; i < k; ++i) {
    out.push_back(toy::random_vector(engine, {0}, d));
  }
  return out;
}

/// Which edits a stack consists of. Repeated on the same rows, none leaves the normal numbers.
enum class stack { plan, adds, mixed };

bench::simple_edit edit_of(stack kind, Eigen::Index i) {
  const bool even = i % 2 == 0;
  if (kind == stack::adds || (kind == stack::mixed && even)) {
    return {bench::edit_kind::add, i % 4 < 2 ? 0.01 : -0.01};
  }
  return kind == stack::plan && !even ? bench::simple_edit{bench::edit_kind::set, 0.5}
                                      : bench::simple_edit{bench::edit_kind::scale, 2.0};
}

/// Rows of a one-layer model and k edits of them, in every form.
template <class Scalar>
struct problem {
  using real = steer::kernel::real_of<Scalar>;

  steer::matrix<Scalar> h;                // [T, d]
  steer::matrix<double> u;                // [k, d]
  std::vector<steer::row_info> info;      // [T]
  std::vector<bench::simple_edit> edits;  // [k]
  steer::basic_plan<Scalar> plan;
  bench::sequential<Scalar> one_by_one;

  problem(stack kind, Eigen::Index d, Eigen::Index t, Eigen::Index k)
      : h(rows(t, d)), u(k, d), info(static_cast<std::size_t>(t)), one_by_one({}, {}) {
    std::mt19937_64 engine{2};
    const auto vectors = directions(engine, k, d);
    steer::recipe recipe;
    for (Eigen::Index i = 0; i < k; ++i) {
      const steer::steering_vector& v = vectors[static_cast<std::size_t>(i)];
      u.row(i) = unit(v.directions.at(0)).transpose();
      const bench::simple_edit e = edit_of(kind, i);
      const auto amount = static_cast<float>(e.amount);
      switch (e.kind) {
        case bench::edit_kind::add: recipe.add(v, {.strength = amount, .unit = steer::strength_unit::unit}); break;
        case bench::edit_kind::set: recipe.set(v, amount); break;
        case bench::edit_kind::scale: recipe.ablate(v, {.share = amount}); break;
      }
      edits.push_back({e.kind, static_cast<double>(amount)});
    }
    plan = steer::basic_plan<Scalar>(recipe, shape_of(d));
    one_by_one = bench::sequential<Scalar>(u, edits);
  }

  static steer::matrix<Scalar> rows(Eigen::Index t, Eigen::Index d) {
    std::mt19937_64 engine{1};
    return toy::random_rows<double>(engine, t, d).template cast<Scalar>();
  }
  steer::rows<Scalar> view() { return {h.data(), h.rows(), h.cols(), h.cols(), info}; }

  void steer() { plan(where, view()); }
  void sequential() { one_by_one(view()); }
  void row_by_row() { one_by_one.row_by_row(view()); }
  void eigen() {
    for (Eigen::Index i = 0; i < u.rows(); ++i) {
      const auto& e = edits[static_cast<std::size_t>(i)];
      const Eigen::RowVectorX<real> direction = u.row(i).template cast<real>();
      const auto amount = static_cast<real>(e.amount);
      if (e.kind == bench::edit_kind::add) {
        h.rowwise() += amount * direction;
        continue;
      }
      const Eigen::VectorX<real> c = h * direction.transpose();
      if (e.kind == bench::edit_kind::set) {
        h.noalias() += (amount - c.array()).matrix() * direction;
      } else {
        h.noalias() -= amount * c * direction;
      }
    }
  }
  [[nodiscard]] bench::bound<Scalar> bound() {
    const std::ptrdiff_t adds =
        std::count_if(edits.begin(), edits.end(), [](const auto& e) { return e.kind == bench::edit_kind::add; });
    const std::ptrdiff_t k = u.rows() - adds;
    return {
        std::span<Scalar>(h.data(), static_cast<std::size_t>(h.size())), {}, (2 * k + (adds > 0 ? 1 : 0)) * h.size()};
  }

  /// Whether a form changes the rows as the plan does, to the rounding of a few dozen edits.
  template <class Form>
  [[nodiscard]] bool agrees(Form form) {
    const steer::matrix<Scalar> before = h;
    steer();
    const steer::matrix<Scalar> by_steer = h;
    h = before;
    form();
    const auto distance = (by_steer.template cast<double>() - h.template cast<double>()).rowwise().norm().eval();
    const auto size = before.template cast<double>().rowwise().norm().eval();
    return by_steer != before && (distance.array() <= 1e-4 * size.array()).all();
  }
};

/// Times two forms of one problem in turn, often enough that the clock's own cost is nothing.
template <class Contestant, class Base>
void race(benchmark::State& state, const char* ratio, std::int64_t numbers, Contestant contestant, Base base) {
  const std::int64_t calls = std::max<std::int64_t>(1, (1 << 19) / numbers);
  const auto repeated = [calls](auto& call) {
    return [calls, &call](std::size_t) {
      for (std::int64_t i = 0; i < calls; ++i) {
        call();
        benchmark::ClobberMemory();
      }
    };
  };
  bench::time_in_turn(state, ratio, {.calls_per_step = calls}, [] {}, repeated(contestant), repeated(base));
}

template <stack kind>
void steer_form(benchmark::State& state) {
  problem<float> p(kind, state.range(0), state.range(1), state.range(2));
  if (!p.agrees([&] { p.sequential(); })) {
    state.SkipWithError("steer and sequential do not give the same rows");
    return;
  }
  auto bound = p.bound();
  race(state, "of_bound", p.h.size(), [&] { p.steer(); }, [&] { bound(); });
}

template <stack kind, void (problem<float>::*form)()>
void against_steer(benchmark::State& state) {
  problem<float> p(kind, state.range(0), state.range(1), state.range(2));
  if (!p.agrees([&] { (p.*form)(); })) {
    state.SkipWithError("the forms do not give the same rows");
    return;
  }
  race(state, "of_steer", p.h.size(), [&] { (p.*form)(); }, [&] { p.steer(); });
}

template <stack kind>
void bound_form(benchmark::State& state) {
  problem<float> p(kind, state.range(0), state.range(1), state.range(2));
  auto bound = p.bound();
  race(state, "of_steer", p.h.size(), [&] { bound(); }, [&] { p.steer(); });
}

template <stack kind, class Scalar>
void narrow_form(benchmark::State& state) {
  problem<Scalar> narrow(kind, state.range(0), state.range(1), state.range(2));
  problem<float> p(kind, state.range(0), state.range(1), state.range(2));
  race(state, "of_steer", p.h.size(), [&] { narrow.steer(); }, [&] { p.steer(); });
}

/// The same plan by a session that keeps what it reads.
template <stack kind>
void observed_form(benchmark::State& state) {
  problem<float> p(kind, state.range(0), state.range(1), state.range(2));
  steer::observations ring({.coordinates = 1});
  steer::session session(p.plan);
  session.observe(&ring);
  race(state, "of_steer", p.h.size(), [&] { session(where, p.view()); }, [&] { p.steer(); });
}

void sizes(benchmark::internal::Benchmark* b) {
  b->ArgNames({"d", "T", "k"})->UseManualTime();
  b->ArgsProduct({{4096}, {1, 64, 512}, {1, 8, 32}});
  b->ArgsProduct({{1000, 4104}, {64}, {8}});
}

template <stack kind>
void register_stack(const std::string& name) {
  const auto add = [&](const char* contestant, void (*run)(benchmark::State&)) {
    sizes(benchmark::RegisterBenchmark((name + "/" + contestant).c_str(), run));
  };
  add("steer", steer_form<kind>);
  add("sequential", against_steer<kind, &problem<float>::sequential>);
  add("row_by_row", against_steer<kind, &problem<float>::row_by_row>);
  add("eigen", against_steer<kind, &problem<float>::eigen>);
  add("bound", bound_form<kind>);
  add("steer_f16", narrow_form<kind, Eigen::half>);
  add("steer_bf16", narrow_form<kind, Eigen::bfloat16>);
  add("observed", observed_form<kind>);
}

/// Every registered edit, drawn at random, alone.
void every_edit(benchmark::State& state, std::size_t kind) {
  std::mt19937_64 engine{4};
  const Eigen::Index d = state.range(0);
  const steer::model_shape shape = toy::shape(1, d);
  steer::edit e = toy::random_edit(engine, shape, kind, toy::latched_gates::none, [](const steer::edit& drawn) {
    return point_of(drawn) == where.point && drawn.where.layers.front() == 0;
  });
  e.where.layers = {0};
  e.where.rows = {};
  e.where.gate = {};
  e.where.norm = {};
  const steer::plan plan(steer::recipe{}.append(e), shape);
  problem<float> p(stack::adds, d, state.range(1), 1);
  const auto touch = [&] { bench::touch(std::span<float>(p.h.data(), static_cast<std::size_t>(p.h.size()))); };
  race(state, "of_touch", p.h.size(), [&] { plan(where, p.view()); }, touch);
}

const bool registered = [] {
  register_stack<stack::plan>("plan");
  register_stack<stack::adds>("adds");
  register_stack<stack::mixed>("mixed");
  const auto each = []<std::size_t... kinds>(std::index_sequence<kinds...>) {
    const auto one = [](std::size_t kind, std::string name) {
      std::replace(name.begin(), name.end(), ' ', '_');
      benchmark::RegisterBenchmark(("edit/" + name).c_str(), every_edit, kind)
          ->ArgNames({"d", "T"})->Args({1024, 64})->UseManualTime();
    };
    (one(kinds, std::string(std::variant_alternative_t<kinds, steer::operation>::name)), ...);
  };
  each(std::make_index_sequence<std::variant_size_v<steer::operation>>{});
  return true;
}();

}  // namespace
