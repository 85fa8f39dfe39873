// llama_steer/sampling.hpp: the next token by temperature and top_p.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <random>
#include <span>
#include <utility>
#include <vector>

namespace llama_steer {

/// The likeliest token at temperature 0, the first of several; else one as the probabilities say, among the fewest that have a share of
/// `top_p`. The same engine gives the same token.
/// @cost O(V), and a sort of those that have any probability to speak of
inline std::int32_t sample(std::span<const float> logits, double temperature, double top_p, std::mt19937_64& engine) {
  const auto best = std::max_element(logits.begin(), logits.end());
  if (temperature == 0.0) {
    return static_cast<std::int32_t>(best - logits.begin());
  }
  std::vector<std::pair<double, std::int32_t>> all;
  double sum = 0.0;
  for (std::size_t t = 0; t < logits.size(); ++t) {
    const double weight = std::exp((static_cast<double>(logits[t]) - static_cast<double>(*best)) / temperature);
    sum += weight;
    if (constexpr double negligible = 1e-7; weight > negligible) {
      all.emplace_back(weight, static_cast<std::int32_t>(t));
    }
  }
  std::sort(all.begin(), all.end(), std::greater<>());
  double kept = 0.0;
  std::size_t count = 0;
  while (count < all.size() && kept < top_p * sum) {
    kept += all[count++].first;
  }
  double at = std::uniform_real_distribution<double>(0.0, kept)(engine);
  for (std::size_t i = 0; i + 1 < count; ++i) {
    at -= all[i].first;
    if (at < 0.0) {
      return all[i].second;
    }
  }
  return all[count - 1].second;
}

}  // namespace llama_steer
