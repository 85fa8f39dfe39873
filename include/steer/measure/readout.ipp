// steer/measure/readout.ipp: the bodies of readout.hpp.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <limits>
#include <span>
#include <string>
#include <utility>
#include <vector>
#include <Eigen/Core>

#include "steer/core/error.hpp"
#include "steer/core/host.hpp"
#include "steer/core/real.hpp"
#include "steer/measure/log_sum_exp.hpp"
#include "steer/measure/readout.hpp"
#include "steer/measure/token_text.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

/// log Σ exp over the logits of some tokens.
/// @shape logits [V]
template <class Row>
double log_sum_exp(const Row& logits, std::span<const std::int32_t> tokens) {
  double most = -std::numeric_limits<double>::infinity();
  for (const std::int32_t token : tokens) {
    most = std::max(most, static_cast<double>(logits[token]));
  }
  double sum = 0.0;
  for (const std::int32_t token : tokens) {
    sum += std::exp(static_cast<double>(logits[token]) - most);
  }
  return most + std::log(sum);
}

/// Tokens without those that have come before.
template <class Real>
std::vector<std::int32_t> each_once(const std::vector<std::int32_t>& tokens) {
  std::vector<std::int32_t> out;
  std::copy_if(tokens.begin(), tokens.end(), std::back_inserter(out),
               [&](std::int32_t token) { return std::find(out.begin(), out.end(), token) == out.end(); });
  return out;
}

}  // namespace detail


STEER_BODY readout token_set_readout(token_sets sets, std::vector<token_text> texts, pooling how) {
  const std::string who = text({"readout \"", sets.name, "\""});
  detail::require_texts(texts, who);
  for (auto* side : {&sets.positive, &sets.negative}) {
    if (side->empty()) {
      throw argument_error(text({thing(who), ": the ", side == &sets.positive ? "positive" : "negative", " set has ",
                                 actual("no tokens"), "; expected ", expected("at least one")}));
    }
    for (const std::int32_t token : *side) {
      if (token < 0) {
        throw argument_error(
            text({thing(who), ": token ", actual(token), " does not exist; expected ", expected("0 or above")}));
      }
    }
    *side = detail::each_once<Real>(*side);
  }
  for (const std::int32_t token : sets.positive) {
    if (std::find(sets.negative.begin(), sets.negative.end(), token) != sets.negative.end()) {
      throw argument_error(
          text({thing(who), ": token ", actual(token), " is in both sets; expected ", expected("it in one")}));
    }
  }
  std::size_t chosen = 0;
  for (const token_text& each : texts) {
    for (std::size_t t = 0; t < each.size(); ++t) {
      chosen += !sets.positions || sets.positions(each, t) ? 1 : 0;
    }
  }
  if (chosen == 0) {
    throw argument_error(text({thing(who), ": ", actual("none"), " of its ", texts.size(),
                               " texts has a position that the predicate takes; expected ", expected("at least one")}));
  }
  readout out{.name = sets.name, .texts = std::move(texts), .pooling = how};
  const std::int32_t largest = std::max(*std::max_element(sets.positive.begin(), sets.positive.end()),
                                        *std::max_element(sets.negative.begin(), sets.negative.end()));
  out.read = [sets = std::move(sets), how, who, largest](std::span<const std::int32_t> tokens, logits_view logits) {
    detail::require_logits(tokens, logits, who);
    if (largest >= logits.cols()) {
      throw argument_error(
          text({thing(who), ": token ", actual(largest), " does not exist; the model has ", expected(logits.cols())}));
    }
    readout_sample sum;
    for (std::size_t t = 0; t < tokens.size(); ++t) {
      if (sets.positions && !sets.positions(tokens, t)) {
        continue;
      }
      const auto row = detail::dependent<Real>(logits).row(static_cast<Eigen::Index>(t));
      const double positive = detail::log_sum_exp(row, sets.positive);
      const double negative = detail::log_sum_exp(row, sets.negative);
      if (how == pooling::mean) {
        sum.first += positive - negative;
        sum.second += 1.0;
      } else {
        const double all = detail::log_sum_exp(row);
        sum.first += std::exp(positive - all);
        sum.second += std::exp(negative - all);
      }
    }
    return sum;
  };
  return out;
}

STEER_BODY readout pair_readout(std::string name, const std::vector<std::pair<token_text, token_text>>& pairs) {
  const std::string who = text({"readout \"", name, "\""});
  readout out{.name = std::move(name), .sample = readout::sample::pair};
  double longer = 0.0;
  double shared = 0.0;
  std::size_t different = 0;
  for (const auto& [positive, negative] : pairs) {
    if (positive.size() < 2 || negative.size() < 2) {
      throw argument_error(text({thing(who), ": pair ", out.texts.size() / 2, " has texts of ",
                                 actual({positive.size(), " and ", negative.size()}), " tokens; expected ",
                                 expected("at least 2 each")}));
    }
    if (positive == negative) {
      throw argument_error(text({thing(who), ": pair ", out.texts.size() / 2, " has ",
                                 actual("the same text on both sides"), "; expected ", expected("two that differ")}));
    }
    longer += static_cast<double>(positive.size()) - static_cast<double>(negative.size());
    different += positive.size() != negative.size() ? 1 : 0;
    token_text a = positive;
    token_text b = negative;
    token_text both;
    std::sort(a.begin(), a.end());
    std::sort(b.begin(), b.end());
    std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(both));
    shared += 2.0 * static_cast<double>(both.size()) / static_cast<double>(a.size() + b.size());
    out.texts.push_back(positive);
    out.texts.push_back(negative);
  }
  detail::require_texts(out.texts, who);
  const auto n = static_cast<double>(pairs.size());
  constexpr double few = 0.1;
  if (static_cast<double>(different) > few * n) {
    out.warnings.push_back(text({who, ": ", different, " of ", pairs.size(), " pairs differ in length, by ", longer / n,
                                 " tokens in the mean; what moves all words moves it"}));
  }
  if (shared < 0.5 * n) {
    out.warnings.push_back(text({who, ": the texts of a pair share ", 100.0 * shared / n,
                                 " % of their tokens; they may differ in more than the concept"}));
  }
  out.read = [who](std::span<const std::int32_t> tokens, logits_view logits) {
    detail::require_logits(tokens, logits, who);
    double sum = 0.0;
    for (std::size_t t = 0; t + 1 < tokens.size(); ++t) {
      const auto row = detail::dependent<Real>(logits).row(static_cast<Eigen::Index>(t));
      sum += static_cast<double>(row[tokens[t + 1]]) - detail::log_sum_exp(row);
    }
    return readout_sample{sum, 1.0};
  };
  return out;
}

STEER_BODY void check(const readout& r) {
  const std::string who = text({"readout \"", r.name, "\""});
  detail::require_texts(r.texts, who);
  if (r.name.empty() || !r.read) {
    throw argument_error(text({thing(who), ": has ", actual({"no ", r.name.empty() ? "name" : "function that reads"}),
                               "; expected ", expected("one")}));
  }
  if (r.sample == readout::sample::pair && r.texts.size() % 2 != 0) {
    throw argument_error(
        text({thing(who), ": has ", actual(r.texts.size()), " texts; expected ", expected("two for each pair")}));
  }
}

}  // namespace v0
}  // namespace steer
