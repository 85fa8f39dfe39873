// transformer/sampler.hpp: from logits to a token.
#pragma once

#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <random>
#include <span>
#include <vector>

#include "steer/core/error.hpp"

namespace reference {

/// 64 random bits; the same with every standard library.
/// @pre the engine's values are all 32-bit or all 64-bit numbers, as those of std::mt19937 and std::mt19937_64 are
template <std::uniform_random_bit_generator Engine>
std::uint64_t random_bits(Engine& engine) {
  constexpr std::uint64_t all32 = std::numeric_limits<std::uint32_t>::max();
  constexpr std::uint64_t all64 = std::numeric_limits<std::uint64_t>::max();
  constexpr std::uint64_t most = Engine::max();
  static_assert(Engine::min() == 0 && (most == all32 || most == all64), "the engine must yield all 32 or all 64 bits");
  const std::uint64_t high = engine();
  if constexpr (most == all32) {
    return high << 32U | static_cast<std::uint64_t>(engine());
  } else {
    return high;
  }
}

/// A number in [0, 1) with 53 random bits.
template <std::uniform_random_bit_generator Engine>
double uniform(Engine& engine) {
  return static_cast<double>(random_bits(engine) >> 11U) * 0x1p-53;
}

struct sampling {
  float temperature = 0.0F;  ///< divides the logits; 0 takes the largest, and draws nothing
  float top_p = 1.0F;        ///< keeps the likeliest tokens that together have this probability; above 0, at most 1
};

/// Draws a token from p = softmax(logits / temperature), cut to its nucleus. Keeps its scratch: the first call allocates.
///
/// @throws steer::argument_error if an option has no meaning
/// @source Holtzman et al. 2019, arXiv:1904.09751
class sampler {
 public:
  explicit sampler(sampling options) : options_(options) {
    using steer::text;
    if (!(options.temperature >= 0.0F && std::isfinite(options.temperature))) {
      throw steer::argument_error(text({"sampler: temperature is ", options.temperature, ", expected 0 or more"}));
    }
    if (!(options.top_p > 0.0F && options.top_p <= 1.0F)) {
      throw steer::argument_error(text({"sampler: top_p is ", options.top_p, ", expected above 0 and at most 1"}));
    }
  }

  /// Ties go to the smaller token.
  /// @shape  logits [V]
  /// @throws steer::numeric_error if a logit is NaN or +infinity, or all are -infinity
  /// @cost   V exponentials; with top_p below 1 also a sort of the tokens that can be in the nucleus
  template <std::uniform_random_bit_generator Engine>
  std::int32_t operator()(std::span<const float> logits, Engine& engine) {
    const std::size_t best = largest(logits);
    if (options_.temperature == 0.0F) {
      return static_cast<std::int32_t>(best);
    }
    weigh(logits, logits[best]);
    const double target = uniform(engine) * total_;
    double sum = 0.0;
    for (const candidate& c : candidates_) {
      sum += static_cast<double>(c.weight);
      if (target < sum) {
        return c.token;
      }
    }
    return candidates_.back().token;  // rounding
  }

 private:
  struct candidate {
    float weight;
    std::int32_t token;
  };

  static std::size_t largest(std::span<const float> logits) {
    std::size_t best = 0;
    for (std::size_t token = 0; token < logits.size(); ++token) {
      if (!(logits[token] < std::numeric_limits<float>::infinity())) {
        throw steer::numeric_error(steer::text(
            {"sampler: the logit of token ", token, " is ", logits[token], ", expected a number below infinity"}));
      }
      best = logits[token] > logits[best] ? token : best;
    }
    if (logits.empty() || !std::isfinite(logits[best])) {
      throw steer::numeric_error(
          steer::text({"sampler: none of the ", logits.size(), " logits is finite, expected one at least"}));
    }
    return best;
  }

  /// Fills candidates_ with unnormalised probabilities, and total_ with their sum.
  void weigh(std::span<const float> logits, float most) {
    const auto size = static_cast<Eigen::Index>(logits.size());
    if (weights_.size() != size) {
      weights_.resize(size);
      candidates_.reserve(logits.size());
    }
    weights_ = ((Eigen::Map<const Eigen::ArrayXf>(logits.data(), size) - most) / options_.temperature).exp();
    double all = 0.0;
    for (const float weight : weights_) {
      all += static_cast<double>(weight);
    }
    // A token of less than (1 - top_p) / V is in no nucleus: all of its kind together do not make up what is cut off.
    const double least = all * (1.0 - static_cast<double>(options_.top_p)) / static_cast<double>(size);
    candidates_.clear();
    for (Eigen::Index token = 0; token < size; ++token) {
      const bool possible = std::isfinite(logits[static_cast<std::size_t>(token)]);  // exp(-inf) is not quite 0 in Eigen
      if (possible && static_cast<double>(weights_[token]) >= least) {
        candidates_.push_back({weights_[token], static_cast<std::int32_t>(token)});
      }
    }
    total_ = all;
    if (options_.top_p < 1.0F) {
      keep_nucleus(static_cast<double>(options_.top_p) * all);
    }
  }

  void keep_nucleus(double wanted) {
    std::sort(candidates_.begin(), candidates_.end(), [](const candidate& a, const candidate& b) {
      return a.weight > b.weight || (a.weight == b.weight && a.token < b.token);
    });
    total_ = 0.0;
    std::size_t kept = 0;
    while (kept < candidates_.size() && total_ < wanted) {
      total_ += static_cast<double>(candidates_[kept++].weight);
    }
    candidates_.resize(kept);
  }

  sampling options_;
  Eigen::ArrayXf weights_;             // [V]
  std::vector<candidate> candidates_;  // the nucleus, likeliest first; all tokens in their order where top_p is 1
  double total_ = 0.0;
};

}  // namespace reference
