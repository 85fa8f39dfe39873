// steer/measure/compare_with_prompt.ipp: the bodies of compare_with_prompt.hpp.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <utility>
#include <vector>
#include <Eigen/Core>

#include "steer/core/answered_request.hpp"
#include "steer/core/error.hpp"
#include "steer/core/hook.hpp"
#include "steer/core/matrix.hpp"
#include "steer/core/real.hpp"
#include "steer/measure/compare_with_prompt.hpp"
#include "steer/measure/log_sum_exp.hpp"
#include "steer/measure/quantile.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

/// Σ above / Σ below, with the error of a jackknife that leaves out one at a time; NaN where there is one only.
/// @source Efron & Tibshirani 1993, An Introduction to the Bootstrap, chapter 11
template <class Real, class Above, class Below>
estimate ratio_of(std::size_t n, Above above, Below below) {
  double top = 0.0;
  double bottom = 0.0;
  for (std::size_t i = 0; i < n; ++i) {
    top += above(i);
    bottom += below(i);
  }
  estimate out{top / bottom, std::numeric_limits<double>::quiet_NaN()};
  if (n < 2) {
    return out;
  }
  std::vector<double> without(n);
  double mean = 0.0;
  for (std::size_t i = 0; i < n; ++i) {
    without[i] = (top - above(i)) / (bottom - below(i));
    mean += without[i] / static_cast<double>(n);
  }
  double squares = 0.0;
  for (const double each : without) {
    squares += (each - mean) * (each - mean);
  }
  out.error = std::sqrt(squares * static_cast<double>(n - 1) / static_cast<double>(n));
  return out;
}

template <class Real>
double tokens_of(const prompt_comparison& r) { return static_cast<double>(r.tokens); }

/// What a model says of the tokens of an answer: log-probabilities.
/// @shape returns [T, V], T the answer's tokens
/// @throws host_error if the rows are not as many; numeric_error if a number is not finite; `who` names the text
template <class Real>
matrix<float> log_probabilities(logits_view logits, std::size_t tokens, const std::string& who) {
  if (logits.rows() != static_cast<Eigen::Index>(tokens)) {
    throw host_error(text({thing(who), ": the host gave ", actual(logits.rows()), " rows of logits; expected ", expected(tokens)}));
  }
  matrix<float> out = logits;
  for (Eigen::Index i = 0; i < out.rows(); ++i) {
    const double log_sum = log_sum_exp(dependent<Real>(out).row(i));
    if (!std::isfinite(log_sum)) {
      throw numeric_error(text({thing(who), ": the logits of token ", i, " are ", actual("not finite")}));
    }
    out.row(i).array() -= static_cast<float>(log_sum);
  }
  return out;
}

/// KL(p, q) of a row each.
template <class Real>
double divergence(const matrix<float>& p, const matrix<float>& q, Eigen::Index row) {
  const auto lp = p.row(row).array();
  const auto lq = q.row(row).array();
  return std::max(0.0, (lp.exp() * (lp - lq)).eval().template cast<Real>().sum());
}

/// @throws argument_error for a token that the model does not have
template <class Real>
double likelihood(const matrix<float>& p, std::span<const std::int32_t> of, const std::string& who) {
  double out = 0.0;
  for (std::size_t i = 0; i < of.size(); ++i) {
    if (of[i] >= p.cols()) {
      throw argument_error(text({thing(who), ": has token ", actual(of[i]), "; the model has ", expected({"0 to ", p.cols() - 1})}));
    }
    out += static_cast<double>(p(static_cast<Eigen::Index>(i), of[i]));
  }
  return out;
}

/// Texts whose logits are in memory together.
inline constexpr std::size_t texts_in_memory = 8;

STEER_BODY std::vector<std::vector<prompt_comparison>> compare_with_prompt(std::span<const answered_request> requests,
                                                                           std::span<const hook_ref<float>> hooks,
                                                                           const run_logits& run) {
  check(requests, "comparison with a prompt");
  std::vector<std::vector<prompt_comparison>> out(std::max<std::size_t>(hooks.size(), 1),
                                                  std::vector<prompt_comparison>(requests.size()));
  no_hook nothing;
  for (std::size_t first = 0; first < requests.size(); first += texts_in_memory) {
    const std::span<const answered_request> here = requests.subspan(first, std::min(texts_in_memory, requests.size() - first));
    std::vector<request_text> texts;
    std::vector<matrix<float>> prompted(here.size());
    const auto name = [&](std::size_t i) { return text({"comparison with a prompt: request ", first + i}); };
    const auto pass = [&](bool with_instruction, hook_ref<float> hook, const auto& use) {
      texts.clear();
      for (const answered_request& each : here) {
        texts.emplace_back(with_instruction ? each.prompted : each.plain, each.answer);
      }
      std::vector<asked_text> asked;
      for (const request_text& each : texts) {
        asked.push_back(each.asked());
      }
      run(asked, hook, [&](std::size_t i, logits_view logits) {
        use(i, log_probabilities<Real>(logits, here[i].answer.size(), name(i)));
      });
    };
    pass(true, nothing, [&](std::size_t i, matrix<float> p) { prompted[i] = std::move(p); });
    pass(false, nothing, [&](std::size_t i, const matrix<float>& plain) {
      prompt_comparison same;
      same.tokens = here[i].answer.size();
      same.prompted_likelihood = likelihood<Real>(prompted[i], here[i].answer, name(i));
      same.plain_likelihood = likelihood<Real>(plain, here[i].answer, name(i));
      for (Eigen::Index row = 0; row < plain.rows(); ++row) {
        same.plain_divergence += divergence<Real>(prompted[i], plain, row);
      }
      same.first_plain_divergence = divergence<Real>(prompted[i], plain, 0);
      same.steered_divergence = same.plain_divergence;
      same.first_steered_divergence = same.first_plain_divergence;
      same.steered_likelihood = same.plain_likelihood;
      for (auto& of_hook : out) {
        of_hook[first + i] = same;
      }
    });
    for (std::size_t h = 0; h < hooks.size(); ++h) {
      pass(false, hooks[h], [&](std::size_t i, const matrix<float>& steered) {
        prompt_comparison& mine = out[h][first + i];
        mine.steered_divergence = 0.0;
        for (Eigen::Index row = 0; row < steered.rows(); ++row) {
          mine.steered_divergence += divergence<Real>(prompted[i], steered, row);
        }
        mine.first_steered_divergence = divergence<Real>(prompted[i], steered, 0);
        mine.steered_likelihood = likelihood<Real>(steered, here[i].answer, name(i));
      });
    }
  }
  return out;
}

STEER_BODY std::vector<std::vector<text_drift>> measure_drift(std::span<const std::vector<std::int32_t>> texts,
                                                              std::span<const hook_ref<float>> hooks, const run_logits& run) {
  std::vector<asked_text> asked;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    constexpr std::size_t fewest = 3;
    if (texts[i].size() < fewest) {
      throw argument_error(text({thing("drift"), ": text ", i, " has ", actual(texts[i].size()), " tokens; expected ",
                                 expected({"at least ", fewest})}));
    }
    asked.push_back({std::span(texts[i]).first(texts[i].size() - 1), 1});
  }
  std::vector<std::vector<text_drift>> out(hooks.size(), std::vector<text_drift>(texts.size()));
  no_hook nothing;
  for (std::size_t first = 0; first < texts.size(); first += texts_in_memory) {
    const std::size_t count = std::min(texts_in_memory, texts.size() - first);
    const auto some = std::span(asked).subspan(first, count);
    std::vector<matrix<float>> plain(count);
    const auto pass = [&](hook_ref<float> hook, const auto& use) {
      run(some, hook, [&](std::size_t i, logits_view logits) {
        const std::string who = text({"drift: text ", first + i});
        const std::span<const std::int32_t> foretold = std::span(texts[first + i]).subspan(2);
        matrix<float> found = log_probabilities<Real>(logits, foretold.size(), who);
        const double sum = likelihood<Real>(found, foretold, who);
        use(i, std::move(found), sum);
      });
    };
    std::vector<double> likelihoods(count);
    pass(nothing, [&](std::size_t i, matrix<float> found, double sum) {
      plain[i] = std::move(found);
      likelihoods[i] = sum;
    });
    for (std::size_t h = 0; h < hooks.size(); ++h) {
      pass(hooks[h], [&](std::size_t i, const matrix<float>& steered, double sum) {
        text_drift& mine = out[h][first + i];
        for (Eigen::Index row = 0; row < steered.rows(); ++row) {
          mine.divergence.push_back(divergence<Real>(plain[i], steered, row));
        }
        mine.plain_likelihood = likelihoods[i];
        mine.steered_likelihood = sum;
      });
    }
  }
  return out;
}

}  // namespace detail

STEER_BODY estimate recovery(const std::vector<prompt_comparison>& of) {
  estimate out = detail::ratio_of<Real>(of.size(), [&](std::size_t i) { return of[i].steered_divergence; },
                                        [&](std::size_t i) { return of[i].plain_divergence; });
  if (!std::isfinite(out.value)) {
    throw numeric_error(text({thing("recovery"), ": the prompt has ", actual("no effect"), " on ", of.size(), " requests"}));
  }
  out.value = 1.0 - out.value;
  return out;
}

STEER_BODY estimate recovery_of_first_token(const std::vector<prompt_comparison>& of) {
  estimate out = detail::ratio_of<Real>(of.size(), [&](std::size_t i) { return of[i].first_steered_divergence; },
                                        [&](std::size_t i) { return of[i].first_plain_divergence; });
  out.value = 1.0 - out.value;
  return out;
}

STEER_BODY estimate prompt_effect(const std::vector<prompt_comparison>& of) {
  return detail::ratio_of<Real>(of.size(), [&](std::size_t i) { return of[i].plain_divergence; },
                                [&](std::size_t i) { return detail::tokens_of<Real>(of[i]); });
}

STEER_BODY estimate remaining_effect(const std::vector<prompt_comparison>& of) {
  return detail::ratio_of<Real>(of.size(), [&](std::size_t i) { return of[i].steered_divergence; },
                                [&](std::size_t i) { return detail::tokens_of<Real>(of[i]); });
}

STEER_BODY estimate likelihood_gain(const std::vector<prompt_comparison>& of) {
  return detail::ratio_of<Real>(of.size(), [&](std::size_t i) { return of[i].steered_likelihood - of[i].plain_likelihood; },
                                [&](std::size_t i) { return detail::tokens_of<Real>(of[i]); });
}

STEER_BODY estimate likeness(const std::vector<prompt_comparison>& of) {
  return detail::ratio_of<Real>(of.size(), [&](std::size_t i) { return of[i].prompted_likelihood - of[i].plain_likelihood; },
                                [&](std::size_t i) { return detail::tokens_of<Real>(of[i]); });
}

STEER_BODY double wrong_way(const std::vector<prompt_comparison>& of) {
  const auto count = std::count_if(of.begin(), of.end(), [](const prompt_comparison& r) { return r.steered_divergence > r.plain_divergence; });
  return static_cast<double>(count) / static_cast<double>(of.size());
}

STEER_BODY estimate drift(const std::vector<text_drift>& of) {
  const auto sum = [&](std::size_t i) {
    double out = 0.0;
    for (const double each : of[i].divergence) {
      out += each;
    }
    return out;
  };
  return detail::ratio_of<Real>(of.size(), sum, [&](std::size_t i) { return static_cast<double>(of[i].divergence.size()); });
}

STEER_BODY double drift_quantile(const std::vector<text_drift>& of, double share) {
  std::vector<double> all;
  for (const text_drift& each : of) {
    all.insert(all.end(), each.divergence.begin(), each.divergence.end());
  }
  return quantile(std::move(all), share, "drift");
}

STEER_BODY estimate likelihood_loss(const std::vector<text_drift>& of) {
  return detail::ratio_of<Real>(of.size(), [&](std::size_t i) { return of[i].plain_likelihood - of[i].steered_likelihood; },
                                [&](std::size_t i) { return static_cast<double>(of[i].divergence.size()); });
}

}  // namespace v0
}  // namespace steer
