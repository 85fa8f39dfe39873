// steer/vector/evidence.hpp: what is known about a direction besides its numbers.
#pragma once

#include <optional>
#include <string>

#include "steer/core/linkage.hpp"

namespace steer {
inline namespace v0 {

/// Measurements that come with a direction. All are about *reading* the concept; none shows that adding the direction
/// changes what a model writes. An entry is empty where the extraction had too few texts to measure it.
struct evidence {
  /// |v| / mean row norm at the site: how much of an activation the concept is.
  std::optional<double> norm_ratio = std::nullopt;
  /// Probability that a positive text projects higher than a negative one, on texts that the direction has not seen.
  std::optional<double> auroc = std::nullopt;
  /// (mean+ - mean-) / sqrt((var+ + var-) / 2) of the same projections.
  std::optional<double> d_prime = std::nullopt;
  /// Cosine of the two directions found on each half of the texts.
  std::optional<double> split_half_cosine = std::nullopt;
  /// Mean cosine of the single pairs' differences with the direction; only where the texts came in pairs.
  std::optional<double> coherence = std::nullopt;
  /// Share of the single pairs' squared differences that lies along the direction; for a principal component its
  /// explained variance. Only where the texts came in pairs, as the next.
  std::optional<double> explained_variance = std::nullopt;
  /// Share of the pairs whose difference points to the direction's positive side.
  std::optional<double> majority = std::nullopt;
  /// Bounds of the split-half cosine, where `split_half_interval` was asked for them.
  std::optional<double> split_half_low = std::nullopt;
  std::optional<double> split_half_high = std::nullopt;
  /// Share of the pairs (of the texts, where they are no pairs) whose activations repeat an earlier one's bit by bit. They
  /// are no further witnesses: the figures above keep copies together, so that none judges what its copy has taught.
  std::optional<double> copied = std::nullopt;

  bool operator==(const evidence&) const = default;
};

/// @throws numeric_error naming the entry if it is not finite or cannot be what it is called; `who` names the direction
STEER_API void check(const evidence& e, const std::string& who);

/// The evidence in words. It is about reading only, so the best that it can say is that the direction is worth a try.
///
/// An AUROC below 0.7 hardly separates; a split-half cosine below 0.5 says that more of the direction is the choice of
/// texts than the concept (both are conventions of this library); a coherence below 0 that pairs contradict each other.
STEER_API std::string verdict(const evidence& e);

}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/vector/evidence.ipp"
#endif
