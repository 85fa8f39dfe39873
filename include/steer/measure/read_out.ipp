// steer/measure/read_out.ipp: the bodies of read_out.hpp.
#pragma once

#include <cmath>
#include <cstddef>
#include <limits>
#include <string>
#include <vector>
#include <Eigen/Core>

#include "steer/core/error.hpp"
#include "steer/core/real.hpp"
#include "steer/measure/read_out.hpp"
#include "steer/measure/readout.hpp"
#include "steer/vector/response.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

STEER_BODY pooled_readings pool(const readings& all) {
  readout_sample sum;
  for (const readout_sample& r : all.samples) {
    sum.first += r.first;
    sum.second += r.second;
  }
  const bool mean = all.pooling == pooling::mean;
  pooled_readings out{mean ? sum.first / sum.second : std::log(sum.first / sum.second), {}};
  out.influence.resize(static_cast<Eigen::Index>(all.samples.size()));
  for (Eigen::Index s = 0; s < out.influence.size(); ++s) {
    const readout_sample& r = all.samples[static_cast<std::size_t>(s)];
    out.influence[s] = mean ? (r.first - out.value * r.second) / sum.second : r.first / sum.first - r.second / sum.second;
  }
  return out;
}

/// Standard error of a sum of independent terms with mean zero; NaN if there is one only.
inline double error_of_sum(const Eigen::VectorXd& parts) {
  const auto n = static_cast<double>(parts.size());
  return n > 1.0 ? std::sqrt(parts.squaredNorm() * n / (n - 1.0)) : std::numeric_limits<double>::quiet_NaN();
}

STEER_BODY void require_tokens(const std::vector<readout>& readouts, const std::vector<std::string>& names,
                           Eigen::Index vocabulary) {
  for (std::size_t i = 0; i < readouts.size(); ++i) {
    for (std::size_t t = 0; t < readouts[i].texts.size(); ++t) {
      require_tokens(readouts[i].texts[t], vocabulary, names[i], text({"text ", t, ", "}));
    }
  }
}

}  // namespace detail


STEER_BODY estimate value_of(const readings& all) {
  const detail::pooled_readings found = detail::pool(all);
  return {found.value, detail::error_of_sum(found.influence)};
}

STEER_BODY estimate shift_of(const readings& from, const readings& to) {
  const detail::pooled_readings before = detail::pool(from);
  const detail::pooled_readings after = detail::pool(to);
  return {after.value - before.value, detail::error_of_sum(after.influence - before.influence)};
}

}  // namespace v0
}  // namespace steer
