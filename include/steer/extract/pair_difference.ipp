// steer/extract/pair_difference.ipp: the bodies of pair_difference.hpp.
#pragma once

#include <cstdint>
#include <map>
#include <utility>
#include <Eigen/Core>

#include "steer/core/error.hpp"
#include "steer/core/matrix.hpp"
#include "steer/core/real.hpp"
#include "steer/extract/pair_difference.hpp"
#include "steer/extract/samples.hpp"
#include "steer/vector/direction.hpp"

namespace steer {
inline namespace v0 {

STEER_BODY std::map<std::int32_t, direction> pair_difference(const sample_rows& positive, const sample_rows& negative) {
  const char* const who = "pair_difference";
  const detail::two_sides both = detail::sides(positive, negative, 1, who);
  if (both.positive.rows() != both.negative.rows()) {
    throw shape_error(text({who, ": the prompts have ", expected(both.positive.rows()), " and ",
                            actual(both.negative.rows()), " tokens; expected as many (pad the shorter one)"}));
  }
  const matrix<Real>& plus = both.positive;
  const matrix<Real>& minus = both.negative;
  std::map<std::int32_t, direction> out;
  for (Eigen::Index t = 0; t < both.positive.rows(); ++t) {
    direction here;
    const Eigen::VectorX<Real> between = (plus.row(t) - minus.row(t)).transpose();
    here.values = between.template cast<float>();
    if (!between.template cast<float>().isZero(0.0F)) {
      out.emplace(static_cast<std::int32_t>(t), std::move(here));
    }
  }
  if (out.empty()) {
    throw numeric_error(
        text({who, ": the prompts are ", actual({"the same at all ", both.positive.rows(), " positions"}),
              "; expected ", expected("one at which they differ")}));
  }
  return out;
}

}  // namespace v0
}  // namespace steer
