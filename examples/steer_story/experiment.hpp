// steer_story/experiment.hpp: extracts a subject's vectors, and lets it write under many plans at once.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <future>
#include <random>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "steer/extract/mean_difference.hpp"
#include "steer/inject/plan.hpp"
#include "steer_story/subject.hpp"
#include "transformer/decoder.hpp"

namespace steer_story {

/// Told how much of the work is done, 0 to 1, by any thread.
using progress = std::function<void(double)>;

/// Runs work(item, worker) for each item on `threads` threads; the first exception stops them and is thrown here.
template <class Work>
void for_each_parallel(std::size_t items, int threads, const progress& report, Work work) {
  std::atomic<std::size_t> next{0};
  std::atomic<std::size_t> done{0};
  std::vector<std::future<void>> workers;
  for (int worker = 0; worker < threads; ++worker) {
    workers.push_back(std::async(std::launch::async, [&, worker] {
      try {
        for (std::size_t item = next++; item < items; item = next++) {
          work(item, worker);
          report(static_cast<double>(++done) / static_cast<double>(items));
        }
      } catch (...) {
        next = items;
        throw;
      }
    }));
  }
  for (auto& worker : workers) {
    worker.wait();
  }
  for (auto& worker : workers) {
    worker.get();
  }
}

/// What the model's activations are on contrast pairs.
/// @param where  the point, and the residual stream
/// @throws what steer::recorder throws
template <class AfterEach>
steer::recorder record(const subject& what, std::span<const std::pair<token_list, token_list>> pairs, AfterEach after_each,
                       steer::recorder_options where = {}) {
  reference::decoder model(what.model);
  where.tokens = what.tokens;
  steer::recorder recorder(model.shape(), std::move(where));
  for (const auto& [positive, negative] : pairs) {
    recorder.record(model, positive, negative);
    after_each();
  }
  return recorder;
}

/// The steering vector of each concept, at every layer.
/// @throws what steer::recorder and steer::mean_difference throw
inline std::vector<steer::steering_vector> extract(const subject& what, int threads, const progress& report,
                                                   const steer::recorder_options& where = {}) {
  std::vector<steer::steering_vector> vectors(what.concepts.size());
  std::size_t pairs = 0;
  for (const contrast& c : what.concepts) {
    pairs += c.pairs.size();
  }
  std::atomic<std::size_t> done{0};
  for_each_parallel(vectors.size(), threads, [](double) {}, [&](std::size_t item, int) {
    const contrast& concept_pairs = what.concepts[item];
    const steer::recorder recorder = record(
        what, concept_pairs.pairs, [&] { report(static_cast<double>(++done) / static_cast<double>(pairs)); }, where);
    vectors[item] = steer::mean_difference(recorder, {.name = concept_pairs.name, .contrast = concept_pairs.description});
  });
  return vectors;
}

struct writing_options {
  int texts = 64;
  int threads = 1;
  std::uint64_t seed = 0;
  int batch = 32;            ///< texts that one thread writes at a time
  bool keep_logits = false;  ///< with the texts
};

/// Texts under each plan, as texts[plan][n]. Text n has the same prompt and random numbers under every plan; neither
/// threads nor batches change a token.
/// @throws what reference::generate throws
inline std::vector<std::vector<text>> write(const subject& what, std::span<const steer::plan> plans,
                                            const writing_options& options, const progress& report) {
  const int batch = std::min(options.batch, options.texts);
  const auto batches = static_cast<std::size_t>((options.texts + batch - 1) / batch);
  std::vector<reference::decoder> models;
  for (int worker = 0; worker < options.threads; ++worker) {
    models.emplace_back(what.model, reference::decoder_options{.sequences = batch, .max_rows = 8 * batch});
  }
  std::vector<std::vector<text>> texts(plans.size(), std::vector<text>(static_cast<std::size_t>(options.texts)));
  for_each_parallel(plans.size() * batches, options.threads, report, [&](std::size_t item, int worker) {
    const std::size_t plan = item / batches;
    const std::size_t first = item % batches * static_cast<std::size_t>(batch);
    const std::size_t count = std::min(static_cast<std::size_t>(batch), texts[plan].size() - first);
    std::seed_seq seed{options.seed, options.seed >> 32U, static_cast<std::uint64_t>(first)};
    std::mt19937_64 engine(seed);
    std::vector<token_list> prompts;
    for (std::size_t n = 0; n < count; ++n) {
      prompts.push_back(what.prompt(engine));
    }
    text* const here = texts[plan].data() + first;
    const auto keep = [&](std::int32_t sequence, std::int32_t, std::span<const float> logits) {
      if (options.keep_logits) {
        here[sequence].logits.insert(here[sequence].logits.end(), logits.begin(), logits.end());
      }
    };
    auto continuations = reference::generate(models[static_cast<std::size_t>(worker)], prompts, what.options, engine,
                                             plans[plan], keep);
    for (std::size_t n = 0; n < count; ++n) {
      here[n].prompt = std::move(prompts[n]);
      here[n].continuation = std::move(continuations[n]);
    }
  });
  return texts;
}

/// What the judge finds in each text.
inline std::vector<tally> judge(const subject& what, std::span<const text> texts) {
  std::vector<tally> out;
  for (const text& t : texts) {
    out.push_back(what.judge(t.prompt, t.continuation));
  }
  return out;
}

}  // namespace steer_story
