// steer/extract/separation.ipp: the bodies of separation.hpp.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include "steer/core/error.hpp"
#include "steer/core/real.hpp"
#include "steer/extract/separation.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

STEER_BODY void require_finite(std::span<const double> positive, std::span<const double> negative, const char* who) {
  for (const auto scores : {positive, negative}) {
    for (const double score : scores) {
      if (!std::isfinite(score)) {
        throw numeric_error(text({who, ": a score is ", actual(score), "; expected ", expected("finite numbers")}));
      }
    }
  }
}

}  // namespace detail


STEER_BODY double auroc(std::span<const double> positive, std::span<const double> negative) {
  if (positive.empty() || negative.empty()) {
    throw numeric_error(text({"auroc: has ", actual({positive.size(), " positive and ", negative.size(), " negative"}),
                              " scores; expected ", expected("at least one of each")}));
  }
  detail::require_finite(positive, negative, "auroc");
  std::vector<double> sorted(negative.begin(), negative.end());
  std::sort(sorted.begin(), sorted.end());
  double wins = 0.0;
  for (const double score : positive) {
    const auto [below, above] = std::equal_range(sorted.begin(), sorted.end(), score);
    wins += static_cast<double>(below - sorted.begin()) + 0.5 * static_cast<double>(above - below);
  }
  return wins / (static_cast<double>(positive.size()) * static_cast<double>(negative.size()));
}

STEER_BODY double d_prime(std::span<const double> positive, std::span<const double> negative) {
  const auto moments = [](std::span<const double> scores) {
    double mean = 0.0;
    for (const double score : scores) {
      mean += score;
    }
    mean /= static_cast<double>(scores.size());
    double squares = 0.0;
    for (const double score : scores) {
      squares += (score - mean) * (score - mean);
    }
    return std::pair{mean, squares / static_cast<double>(scores.size() - 1)};
  };
  if (positive.size() < 2 || negative.size() < 2) {
    throw numeric_error(
        text({"d_prime: has ", actual({positive.size(), " positive and ", negative.size(), " negative"}),
              " scores; expected ", expected("at least two of each")}));
  }
  detail::require_finite(positive, negative, "d_prime");
  const auto [plus, plus_variance] = moments(positive);
  const auto [minus, minus_variance] = moments(negative);
  const double variance = 0.5 * (plus_variance + minus_variance);
  if (variance == 0.0) {
    throw numeric_error(
        text({"d_prime: the scores of each side are ", actual("constant"), "; expected ", expected("some variance")}));
  }
  return (plus - minus) / std::sqrt(variance);
}

}  // namespace v0
}  // namespace steer
