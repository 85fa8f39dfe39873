// steer/vector/fitted.hpp: what a recipe was fitted to, and how well it does: plain data that goes with it into files.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>

#include "steer/core/linkage.hpp"
#include "steer/vector/response.hpp"

namespace steer {
inline namespace v0 {

/// How well one layer was fitted.
struct fitted_layer {
  double explained = 0.0;   ///< share of what was missing there that the edits add
  double norm_ratio = 0.0;  ///< root mean square of what they add / mean norm of a row

  bool operator==(const fitted_layer&) const = default;
};

/// Where a fitted recipe comes from. Its dose 1 means: as the instruction does.
struct fitted {
  std::string behaviour = {};    ///< "terse"
  std::string instruction = {};  ///< "Answer in one short sentence."
  std::string kind = {};         ///< "constant", "gated" or "affine"
  std::string model = {};
  std::string fingerprint = {};  ///< of the model's weights; empty if unknown
  std::size_t requests = 0;      ///< that it was fitted to
  std::size_t tokens = 0;        ///< of their answers
  /// Share of the prompt's effect that the edits have, on requests that they were not fitted to; empty if not measured.
  std::optional<estimate> recovery = std::nullopt;
  /// KL(plain, steered) in nats a token on texts of another kind; empty if not measured.
  std::optional<estimate> drift = std::nullopt;
  std::map<int, fitted_layer> layers = {};

  bool operator==(const fitted&) const = default;
};

/// @throws numeric_error if a number is not finite or an error is negative; argument_error for a layer below 0
STEER_API void check(const fitted& f);

}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/vector/fitted.ipp"
#endif
