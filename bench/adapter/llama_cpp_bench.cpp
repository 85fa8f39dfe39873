// A GGUF model in llama.cpp: a generated token without steering, and with an addition at 13 layers, by a hook and by
// llama.cpp's own control vector; with edits at every layer as a fit makes them; a text that is read, without and with a recorder; and what
// fitting a layer costs beside a forward pass.
#include "steer/adapter/llama_cpp.hpp"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <random>
#include <span>
#include <variant>
#include <vector>

#include "in_turn.hpp"
#include "llama_steer/load_model.hpp"
#include "steer/extract/recorder.hpp"
#include "steer/fit/fit_layer.hpp"
#include "steer/recipe/recipe.hpp"

namespace {

constexpr int prompt_length = 32;
constexpr std::size_t steps = 64;  // tokens generated after the prompt, before the cache is emptied
constexpr int first_layer = 10;
constexpr int last_layer = 22;

llama_model* model() {
  static const llama_steer::model_pointer loaded = llama_steer::load_model(STEER_LLAMA_MODEL);
  return loaded.get();
}

/// One context for both sides: what two contexts cost differs by more than steering does.
steer::llama_cpp_host make_host(int threads) {
  llama_context_params out = llama_context_default_params();
  out.n_ctx = 512;
  out.n_seq_max = 2;
  out.n_threads = threads;
  out.n_threads_batch = threads;
  return steer::llama_cpp_host(model(), out);
}

std::vector<std::int32_t> random_tokens(std::size_t count) {
  std::mt19937_64 engine{1};
  std::uniform_int_distribution<std::int32_t> token(100, 40'000);
  std::vector<std::int32_t> out(count);
  std::generate(out.begin(), out.end(), [&] { return token(engine); });
  return out;
}

/// One sequence of a host that is written, always the same tokens.
class writer {
 public:
  writer(steer::llama_cpp_host& host, llama_seq_id sequence)
      : host_(host), sequence_(sequence), tokens_(random_tokens(prompt_length + steps)) {}

  void begin() {
    host_.prompt(sequence_, std::span(tokens_).first(prompt_length));
    next_ = prompt_length;
  }

  void write() {
    batch_.clear();
    batch_.add(tokens_[static_cast<std::size_t>(next_)], next_, sequence_, steer::token_batch::output::logits);
    host_.decode(batch_.view());
    ++next_;
  }

  [[nodiscard]] std::vector<float> logits() {
    begin();
    write();
    const auto row = host_.logits(0);
    return {row.begin(), row.end()};
  }

 private:
  steer::llama_cpp_host& host_;
  llama_seq_id sequence_;
  std::vector<std::int32_t> tokens_;
  steer::token_batch batch_;
  llama_pos next_ = 0;
};

steer::plan additions(const steer::model_shape& shape) {
  std::mt19937_64 engine{2};
  std::normal_distribution<float> normal;
  steer::steering_vector v{.name = "random"};
  for (int layer = first_layer; layer <= last_layer; ++layer) {
    v.directions[layer].values = Eigen::VectorXf::NullaryExpr(shape.width, [&] { return normal(engine); });
  }
  return {steer::recipe{}.add(v, {.unit = steer::strength_unit::raw}), shape};
}

enum class contestant { plain, hook, native };

void steer_by(contestant who, steer::llama_cpp_host& host, const steer::plan& plan) {
  switch (who) {
    case contestant::plain: host.clear_hook(); break;
    case contestant::hook: host.steer(plan, steer::llama_cpp_native::never); break;
    case contestant::native: host.steer(plan); break;
  }
}

template <contestant who>
void against_plain(benchmark::State& state) {
  const auto threads = static_cast<int>(state.range(0));
  steer::llama_cpp_host host = make_host(threads);
  writer base(host, 0);
  writer other(host, 1);
  const steer::plan plan = additions(host.shape());
  const std::vector<float> plain = base.logits();
  steer_by(contestant::hook, host, plan);
  const std::vector<float> by_hook = other.logits();
  steer_by(contestant::native, host, plan);
  const std::vector<float> by_native = other.logits();
  double largest = 0.0;
  for (std::size_t i = 0; i < plain.size(); ++i) {
    largest = std::max(largest, static_cast<double>(std::abs(by_hook[i] - by_native[i])));
  }
  if (by_hook == plain || largest > 1e-2) {
    state.SkipWithError("hook and control vector do not give the same logits");
    return;
  }
  bench::time_in_turn(
      state, "of_plain", {.steps = steps, .clock = threads == 1 ? bench::clock::of_thread : bench::clock::of_wall},
      [&] {
        steer_by(contestant::plain, host, plan);
        base.begin();
        other.begin();
      },
      [&](std::size_t) {
        steer_by(who, host, plan);
        other.write();
      },
      [&](std::size_t) {
        steer_by(contestant::plain, host, plan);
        base.write();
      });
}

/// Edits at every layer like fitted ones: maps of rank 4 with a shift, or additions of which a ramp of one projection says how much.
steer::recipe like_fitted(const steer::model_shape& shape, steer::fit_kind kind) {
  std::mt19937_64 engine{3};
  std::normal_distribution<float> normal;
  const auto random = [&](Eigen::Index rows, float length) {
    steer::matrix<float> out = steer::matrix<float>::NullaryExpr(rows, shape.width, [&] { return normal(engine); });
    return steer::matrix<float>(out.rowwise().normalized() * length);
  };
  steer::recipe out;
  for (int layer = 0; layer < shape.layers; ++layer) {
    const steer::placement where{.layers = {layer}, .rows = {.first = 1}};
    steer::steering_vector v{.name = "random"};
    v.directions[layer].values = random(1, 0.05F).row(0).transpose();
    if (kind == steer::fit_kind::affine) {
      constexpr int rank = 4;
      out.transform(steer::low_rank_map{.read = random(rank, 0.05F), .write = random(rank, 0.05F), .shift = Eigen::VectorXf::Constant(rank, 0.01F)},
                    where);
      out.add(v, {.unit = steer::strength_unit::raw}, where);
    } else {
      steer::steering_vector gate{.name = "gate"};
      gate.directions[layer].values = random(1, 1.0F).row(0).transpose();
      steer::placement ramped = where;
      ramped.gate.conditions = {steer::ramp(gate, -0.5F, 1.0F, 3.0F)};
      out.add(v, {.unit = steer::strength_unit::raw}, ramped);
    }
  }
  return out;
}

/// The same by its formulas, a row at a time.
struct by_formula {
  const steer::recipe& edits;

  void operator()(steer::site where, steer::rows<float> shown) const noexcept {
    for (std::ptrdiff_t i = 0; i < shown.count; ++i) {
      Eigen::Map<Eigen::VectorXf> row(shown[i].data(), shown.width);
      const Eigen::VectorXf entered = row;
      for (const steer::edit& each : edits.edits()) {
        if (each.where.layers.front() != where.layer) {
          continue;
        }
        if (const auto* transform = std::get_if<steer::transform_edit>(&each.operation)) {
          const auto& map = std::get<steer::low_rank_map>(transform->map);
          row += map.write.transpose() * (map.read * row + map.shift);
        } else {
          const auto& addition = std::get<steer::add_edit>(each.operation);
          float share = 1.0F;
          for (const steer::condition& c : each.where.gate.conditions) {
            const Eigen::VectorXf unit = c.vector.directions.at(where.layer).values.normalized();
            share *= std::clamp(c.slope * (unit.dot(entered) - c.low), 0.0F, c.high);
          }
          row += share * addition.vector.directions.at(where.layer).values;
        }
      }
    }
  }
};

/// By how much they differ at most in what they make of a row, beside its length.
float apart(const by_formula& formula, const steer::plan& plan, const steer::model_shape& shape) {
  std::mt19937_64 engine{5};
  std::normal_distribution<float> normal;
  float out = 0.0F;
  const std::vector<steer::row_info> info{{.token = 1, .position = 1, .prompt_length = 2}};
  for (int layer = 0; layer < shape.layers; ++layer) {
    Eigen::VectorXf a = Eigen::VectorXf::NullaryExpr(shape.width, [&] { return normal(engine); });
    Eigen::VectorXf b = a;
    const steer::site where{layer, steer::point::residual_out};
    formula(where, {a.data(), 1, shape.width, shape.width, info});
    plan(where, {b.data(), 1, shape.width, shape.width, info});
    out = std::max(out, (a - b).norm() / a.norm());
  }
  return out;
}

template <steer::fit_kind kind>
void fitted_against_plain(benchmark::State& state) {
  const auto threads = static_cast<int>(state.range(0));
  steer::llama_cpp_host host = make_host(threads);
  writer base(host, 0);
  writer other(host, 1);
  const steer::recipe edits = like_fitted(host.shape(), kind);
  const steer::plan plan(edits, host.shape());
  const std::vector<float> plain = base.logits();
  host.steer(plan);
  if (other.logits() == plain || apart(by_formula{edits}, plan, host.shape()) > 1e-4F) {
    state.SkipWithError("the plan and the formulas do not make the same of a row");
    return;
  }
  bench::time_in_turn(
      state, "of_plain", {.steps = steps, .clock = threads == 1 ? bench::clock::of_thread : bench::clock::of_wall},
      [&] {
        host.clear_hook();
        base.begin();
        other.begin();
      },
      [&](std::size_t) {
        host.steer(plan);
        other.write();
      },
      [&](std::size_t) {
        host.clear_hook();
        base.write();
      });
}

/// One layer's fit of as many rows as a text has, beside one forward pass over the text.
template <steer::fit_kind kind>
void fit_against_forward(benchmark::State& state) {
  const auto threads = static_cast<int>(state.range(0));
  steer::llama_cpp_host host = make_host(threads);
  const std::vector<std::int32_t> text = random_tokens(static_cast<std::size_t>(state.range(1)));
  std::mt19937_64 engine{4};
  std::normal_distribution<float> normal;
  const auto random = [&] {
    return steer::matrix<float>(steer::matrix<float>::NullaryExpr(static_cast<Eigen::Index>(text.size()), host.shape().width, [&] { return normal(engine); }));
  };
  const steer::matrix<float> now = random();
  const steer::matrix<float> wanted = 1.1F * now + 0.1F * random();
  if (!(steer::fit_layer(now, wanted, 0, "bench", {.kind = kind}, {}).explained > 0.0)) {
    state.SkipWithError("the fit explains nothing");
    return;
  }
  steer::no_hook nothing;
  bench::time_in_turn(
      state, "of_forward", {.steps = 4, .clock = threads == 1 ? bench::clock::of_thread : bench::clock::of_wall}, [] {},
      [&](std::size_t) { benchmark::DoNotOptimize(steer::fit_layer(now, wanted, 0, "bench", {.kind = kind}, {}).explained); },
      [&](std::size_t) { host.evaluate(text, nothing); });
}

/// What a forward pass over a text computes at its end; a recorder that reads the last layer needs it for every row.
enum class head { none, all_rows };

/// The mean row of a layer by a hook that does nothing else: what the recorder has to find.
Eigen::VectorXd mean_row(steer::llama_cpp_host& host, std::span<const std::int32_t> text, int layer) {
  struct {
    int layer;
    Eigen::VectorXd sum;
    steer::access access(steer::site where) const noexcept {
      return where == steer::site{layer, steer::point::residual_out} ? steer::access::read : steer::access::none;
    }
    void operator()(steer::site, steer::rows<float> h) noexcept {
      for (std::ptrdiff_t i = 0; i < h.count; ++i) {
        sum += Eigen::Map<const Eigen::VectorXf>(h[i].data(), h.width).cast<double>();
      }
    }
  } hook{layer, Eigen::VectorXd::Zero(host.shape().width)};
  host.evaluate(text, hook);
  return hook.sum / static_cast<double>(text.size());
}

template <head ends>
void recording(benchmark::State& state) {
  const auto threads = static_cast<int>(state.range(0));
  steer::llama_cpp_host host = make_host(threads);
  const std::vector<std::vector<std::int32_t>> texts{random_tokens(static_cast<std::size_t>(state.range(1)))};
  const std::span<const std::int32_t> text = texts.front();
  steer::recorder_options options{.tokens = steer::token_span{0}};
  if constexpr (ends == head::none) {
    for (int layer = 0; layer + 1 < host.shape().layers; ++layer) {
      options.layers.push_back(layer);
    }
  }
  steer::recorder recorder(host.shape(), options);
  recorder.record(host, text, steer::side::positive);
  const int last = recorder.options().layers.back();
  const Eigen::VectorXd expected = mean_row(host, text, last);
  if (!recorder.mean(last, steer::side::positive).isApprox(expected, 1e-9)) {
    state.SkipWithError("the recorder has another mean than a plain sum");
    return;
  }
  steer::no_hook nothing;
  bench::time_in_turn(
      state, "of_plain", {.steps = 8, .clock = threads == 1 ? bench::clock::of_thread : bench::clock::of_wall}, [] {},
      [&](std::size_t) { recorder.record(host, text, steer::side::positive); },
      [&](std::size_t) {
        if constexpr (ends == head::none) {
          host.evaluate(text, nothing);
        } else {
          host.logits(texts, nothing, [](std::size_t, steer::logits_view) {});
        }
      });
}

void threads(benchmark::internal::Benchmark* b) { b->ArgName("threads")->Arg(1)->Arg(2)->UseManualTime(); }

BENCHMARK(against_plain<contestant::plain>)->Name("llama_decode/plain")->Apply(threads);
BENCHMARK(against_plain<contestant::hook>)->Name("llama_decode/hook")->Apply(threads);
BENCHMARK(against_plain<contestant::native>)->Name("llama_decode/native")->Apply(threads);

BENCHMARK(fitted_against_plain<steer::fit_kind::gated>)->Name("llama_decode/gated")->Apply(threads);
BENCHMARK(fitted_against_plain<steer::fit_kind::affine>)->Name("llama_decode/affine")->Apply(threads);

void threads_and_rows(benchmark::internal::Benchmark* b) {
  b->ArgNames({"threads", "T"})->ArgsProduct({{1, 2}, {32, 256}})->UseManualTime();
}

void one_thread(benchmark::internal::Benchmark* b) { b->ArgNames({"threads", "T"})->Args({1, 256})->UseManualTime(); }

BENCHMARK(fit_against_forward<steer::fit_kind::constant>)->Name("fit/constant_beside_forward")->Apply(one_thread);
BENCHMARK(fit_against_forward<steer::fit_kind::gated>)->Name("fit/gated_beside_forward")->Apply(one_thread);
BENCHMARK(fit_against_forward<steer::fit_kind::affine>)->Name("fit/affine_beside_forward")->Apply(one_thread);

BENCHMARK(recording<head::none>)->Name("llama_recording/all_layers_but_the_last")->Apply(threads_and_rows);
BENCHMARK(recording<head::all_rows>)->Name("llama_recording/all_layers")->Apply(threads_and_rows);

}  // namespace
