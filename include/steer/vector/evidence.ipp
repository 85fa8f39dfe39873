// steer/vector/evidence.ipp: the bodies of evidence.hpp.
#pragma once

#include <cmath>
#include <limits>
#include <optional>
#include <string>

#include "steer/core/error.hpp"
#include "steer/core/real.hpp"
#include "steer/vector/evidence.hpp"

namespace steer {
inline namespace v0 {

STEER_BODY void check(const evidence& e, const std::string& who) {
  const auto within = [&](const std::optional<double>& value, const char* name, double least, double most) {
    constexpr double rounding = 1e-9;
    if (value && !(std::isfinite(*value) && *value >= least - rounding && *value <= most + rounding)) {
      const std::string range = std::isinf(most) ? std::string("a finite number") : text({least, " to ", most});
      throw numeric_error(text({thing(who), ": ", name, " is ", actual(*value), "; expected ", expected(range)}));
    }
  };
  constexpr double any = std::numeric_limits<double>::infinity();
  within(e.norm_ratio, "norm_ratio", 0.0, any);
  within(e.auroc, "auroc", 0.0, 1.0);
  within(e.d_prime, "d_prime", -any, any);
  within(e.split_half_cosine, "split_half_cosine", -1.0, 1.0);
  within(e.coherence, "coherence", -1.0, 1.0);
  within(e.explained_variance, "explained_variance", 0.0, 1.0);
  within(e.majority, "majority", 0.0, 1.0);
  within(e.split_half_low, "split_half_low", -1.0, 1.0);
  within(e.split_half_high, "split_half_high", -1.0, 1.0);
  within(e.copied, "copied", 0.0, 1.0);
}

STEER_BODY std::string verdict(const evidence& e) {
  constexpr double separates = 0.7;
  constexpr double repeats = 0.5;
  if (!e.auroc) {
    return "too few texts to judge";
  }
  if (*e.auroc < separates) {
    return "does not separate texts that it has not seen";
  }
  if (e.split_half_cosine && *e.split_half_cosine < repeats) {
    return "separates, but the halves of the texts find different directions";
  }
  if (e.coherence && *e.coherence < 0.0) {
    return "separates, but the pairs contradict each other";
  }
  if (e.copied && *e.copied > 0.0) {
    return text({"separates, but ", std::round(100.0 * *e.copied),
                 " % of the texts are copies of others; not yet shown to steer"});
  }
  return "separates, not yet shown to steer";
}

}  // namespace v0
}  // namespace steer
