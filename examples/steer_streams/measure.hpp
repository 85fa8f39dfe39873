// steer_streams/measure.hpp: how clean a model is steered at one place, all doses brought to the same own effect.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "steer_story/run_composition.hpp"
#include "steer_streams/places.hpp"

namespace steer_streams {

struct measure_options {
  int layer = 2;             ///< after which the residual streams are steered
  int threads = 1;
  std::uint64_t seed = 1;
  int trial = 96;            ///< stories under each dose that is tried
  int texts = 256;           ///< judged under each dose
  std::size_t stacks = 5;    ///< of two, and of three, spread over all of them
  double goal = 0.8;         ///< rate at which a concept counts as steered, as its complement does the other way; unsteered it is about .5
};

/// A figure of one model at one place.
struct figure {
  std::string place;
  std::string method;  ///< plain, joint or decoupled; or what else is measured
  std::string metric;
  double value = 0.0;
};

namespace detail {

using steer_story::stack;
using steer_story::tally;

/// Some of many, evenly spread.
inline std::vector<stack> spread(const std::vector<stack>& all, std::size_t count) {
  std::vector<stack> out;
  count = std::min(count, all.size());
  for (std::size_t i = 0; i < count; ++i) {
    out.push_back(all[i * all.size() / count]);
  }
  return out;
}

struct method_doses {
  std::string name;
  const moves* with;
  std::vector<std::vector<double>> singles;  ///< by stack of one; empty where none was found
};

inline std::vector<double> sum_of(const method_doses& m, const stack& s, const std::vector<stack>& singles, std::size_t concepts) {
  std::vector<double> out(concepts);
  for (const steer_story::wish& w : s) {
    const auto at = static_cast<std::size_t>(std::find(singles.begin(), singles.end(), stack{w}) - singles.begin());
    if (m.singles[at].empty()) {
      return {};
    }
    for (std::size_t i = 0; i < concepts; ++i) {
      out[i] += m.singles[at][i];
    }
  }
  return out;
}

}  // namespace detail

/// Every concept both ways, alone and in stacks, at the rate that counts as steered. Where not half of the sentences are grammatical a row counts
/// as broken, and as nothing else.
/// @throws what writing and `plan` throw
inline std::vector<figure> measure(const subject& what, const place& where, const measure_options& o, const steer_story::reporter& begin) {
  using namespace detail;
  using steer_story::detail::log_odds;
  const std::size_t k = what.concepts.size();
  const steer_story::composer composer(what, {.layer = o.layer, .threads = o.threads, .seed = o.seed}, o.trial);
  const std::vector<stack> singles = steer_story::stacks_of(1, k);
  constexpr double step = 0.1;
  const steer::response plain_response = composer.response(where.plain, step, begin(where.name + ": response"));
  const steer::response joint_response = composer.response(where.joint, step, begin(where.name + ": response"));
  std::vector<method_doses> methods{{"plain", &where.plain, {}}, {"joint", &where.joint, {}}, {"decoupled", &where.plain, {}}};
  for (method_doses& m : methods) {
    m.singles.resize(singles.size());
  }
  steer_story::for_each_parallel(3 * singles.size(), o.threads, begin(where.name + ": doses"), [&](std::size_t item, int) {
    method_doses& m = methods[item / singles.size()];
    const std::size_t at = item % singles.size();
    const steer_story::wish w = singles[at].front();
    const double target = w.sign * log_odds(o.goal) - composer.baseline(w.index);
    const steer::meet_options how{.rounds = 6, .tolerance = 0.05, .invertible = {.least_signal = 0.0}};
    std::vector<double>& doses = m.singles[at];
    try {
      if (m.name == "decoupled") {
        std::vector<double> wanted(k);
        wanted[w.index] = target;
        doses = composer.decoupled(*m.with, plain_response, wanted, how).doses;
      } else {
        doses.assign(k, 0.0);
        doses[w.index] = composer.plain(*m.with, m.with == &where.joint ? joint_response : plain_response, w.index, target, how);
      }
    } catch (const steer::error&) {  // no dose does it: the stories break before, or say nothing of the concept any more
      doses.clear();
    }
  });

  struct row {
    const method_doses* method;
    stack what;
    std::vector<double> doses;
    std::vector<tally> texts;
  };
  std::vector<row> rows;
  std::vector<stack> all = singles;
  for (const std::size_t size : {2U, 3U}) {
    const std::vector<stack> some = spread(steer_story::stacks_of(size, k), o.stacks);
    all.insert(all.end(), some.begin(), some.end());
  }
  for (const method_doses& m : methods) {
    for (const stack& s : all) {
      if (std::vector<double> doses = sum_of(m, s, singles, k); !doses.empty()) {
        rows.push_back({&m, s, std::move(doses), {}});
      }
    }
  }
  std::vector<tally> baseline;
  std::vector<double> explained;
  steer_story::for_each_parallel(rows.size() + 2, o.threads, begin(where.name + ": judging"), [&](std::size_t item, int) {
    if (item == 0) {
      explained = steer_story::detail::explained_by_prediction(what, where.plain, o.seed);
    } else if (item == 1) {
      baseline = composer.judged({}, o.texts);
    } else {
      row& r = rows[item - 2];
      r.texts = composer.judged({steer::recipe_of(*r.method->with, r.doses), what.model->shape()}, o.texts);
    }
  });

  std::vector<figure> out;
  const auto add = [&](const std::string& method, const std::string& metric, double value) { out.push_back({where.name, method, metric, value}); };
  for (const method_doses& m : methods) {
    add(m.name, "not reached", static_cast<double>(std::ranges::count_if(m.singles, [](const auto& d) { return d.empty(); })));
    for (const std::size_t size : {1U, 2U, 3U}) {
      double bleed = 0.0;
      double sound = 0.0;
      double dose = 0.0;
      double reached = 0.0;
      double count = 0.0;
      double broken = 0.0;
      for (const row& r : rows) {
        if (r.method != &m || r.what.size() != size) {
          continue;
        }
        constexpr double enough = 0.5;
        if (!(steer_story::rate(r.texts, steer_story::soundness).value >= enough)) {
          ++broken;
          continue;
        }
        double worst = 0.0;
        for (std::size_t i = 0; i < k; ++i) {
          const auto own = std::ranges::find_if(r.what, [&](const steer_story::wish& w) { return w.index == i; });
          const double moved = steer_story::shift(r.texts, baseline, what.fields[i]).value;
          if (own == r.what.end()) {
            worst = std::max(worst, std::abs(moved));
          } else {
            const double rate = steer_story::rate(r.texts, what.fields[i]).value;
            reached += (own->sign > 0 ? rate : 1.0 - rate) / static_cast<double>(size);
            dose += std::abs(r.doses[i]) / static_cast<double>(size);
          }
        }
        bleed += worst;
        sound += steer_story::rate(r.texts, steer_story::soundness).value;
        ++count;
      }
      const std::string of = steer::text({" of ", size});
      add(m.name, "broken" + of, broken / (broken + count));
      add(m.name, "bleed" + of, bleed / count);
      add(m.name, "grammatical" + of, sound / count);
      add(m.name, "own rate" + of, reached / count);
      if (size == 1) {
        add(m.name, "dose", dose / count);
      }
    }
  }
  double mean = 0.0;
  for (const double r2 : explained) {
    mean += r2 / static_cast<double>(k);
  }
  add("plain", "linearity R2", mean);
  add("plain", "cosine", where.cosine);
  return out;
}

}  // namespace steer_streams
