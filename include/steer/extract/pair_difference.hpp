// steer/extract/pair_difference.hpp: one pair of prompts, position by position.
#pragma once

#include <Eigen/Core>
#include <cstdint>
#include <map>

#include "steer/core/error.hpp"
#include "steer/core/matrix.hpp"
#include "steer/extract/samples.hpp"
#include "steer/vector/direction.hpp"

namespace steer {
inline namespace v0 {

/// h(positive)[t] - h(negative)[t] for each position t of two prompts with as many tokens. Positions at which both are
/// the same, such as a common beginning, have no direction and are left out.
///
///     for (const auto& [t, v] : steer::pair_difference(loving, hating)) {
///       recipe.add({.directions = {{6, v}}}, {.strength = 5, .unit = raw}, {.rows = {.positions = {t}}});
///     }
///
/// @param positive, negative  the activations of all tokens of one prompt each, at one site
/// @shape  positive, negative [T, d]
/// @throws shape_error if the widths or the numbers of tokens differ; numeric_error for NaN, no token, or prompts that
///         are the same at all positions
/// @cost   O(T d)
/// @source Turner et al. 2023, arXiv:2308.10248 (ActAdd); deviation: prompts are not padded here
template <class Positive, class Negative>
std::map<std::int32_t, direction> pair_difference(const Eigen::MatrixBase<Positive>& positive,
                                                  const Eigen::MatrixBase<Negative>& negative) {
  const char* const who = "pair_difference";
  const detail::two_sides both = detail::sides(positive, negative, 1, who);
  if (both.positive.rows() != both.negative.rows()) {
    throw shape_error(
        detail::text({who, ": the prompts have ", detail::expected(both.positive.rows()), " and ",
                      detail::actual(both.negative.rows()), " tokens; expected as many (pad the shorter one)"}));
  }
  std::map<std::int32_t, direction> out;
  for (Eigen::Index t = 0; t < both.positive.rows(); ++t) {
    direction here;
    here.values = (both.positive.row(t) - both.negative.row(t)).cast<float>().transpose();
    if (!here.values.isZero(0.0F)) {
      out.emplace(static_cast<std::int32_t>(t), std::move(here));
    }
  }
  if (out.empty()) {
    throw numeric_error(detail::text({who, ": the prompts are ",
                                      detail::actual({"the same at all ", both.positive.rows(), " positions"}),
                                      "; expected ", detail::expected("one at which they differ")}));
  }
  return out;
}

}  // namespace v0
}  // namespace steer
