// steer/core/fingerprint.hpp: whether two fingerprints can be of the same weights.
#pragma once

#include <string_view>

#include "steer/core/version.hpp"

namespace steer {
inline namespace v0 {

/// Whether nothing says that two models differ: a fingerprint is unknown (empty), both are equal, or one says more than the other:
/// "gguf:0a1b" (a model's metadata) and "gguf:0a1b/2c3d" (and a sample of its weights). Who must be sure, as a policy, compares whole.
constexpr bool may_be_same_weights(std::string_view a, std::string_view b) noexcept {
  if (a.empty() || b.empty()) {
    return true;
  }
  const std::string_view less = a.size() < b.size() ? a : b;
  const std::string_view more = a.size() < b.size() ? b : a;
  return more.substr(0, less.size()) == less && (more.size() == less.size() || more[less.size()] == '/');
}

}  // namespace v0
}  // namespace steer
