// steer/extract/split_half.hpp: how far a direction depends on the choice of its texts.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <iterator>
#include <numeric>
#include <random>
#include <set>
#include <vector>
#include <Eigen/Core>

#include "steer/core/error.hpp"
#include "steer/core/linkage.hpp"
#include "steer/core/matrix.hpp"
#include "steer/extract/measure_evidence.hpp"
#include "steer/extract/samples.hpp"

namespace steer {
inline namespace v0 {

struct split_half_options {
  int repeats = 200;        ///< random halvings, and as many resamplings; at least 20
  double confidence = 0.9;  ///< share of the resamplings between the bounds
};

/// Mean over random halvings, with bounds.
struct split_half {
  double cosine = 0.0;
  double low = 0.0;
  double high = 0.0;
};

namespace detail {

/// Row numbers of both sides; the same ones where rows are pairs.
struct chosen_rows {
  std::vector<Eigen::Index> positive;
  std::vector<Eigen::Index> negative;
};

/// The rows of each group.
STEER_API std::vector<std::vector<Eigen::Index>> members_of(const row_groups& groups);

}  // namespace detail

/// The cosine of what a method finds on each of two random halves of the texts: its mean over halvings, and bounds by
/// bootstrap. Pairs stay together, and so do copies of one pair (of one text, where they are no pairs).
///
/// A resampling draws with replacement *within* each half, so that no text is in both. It therefore sees noise twice,
/// once by the sample and once by the draw; the bounds are its quantiles, moved so that their mean is that of the
/// halvings. A draw of fewer different texts than `method.least()` is drawn again.
///
/// @param method  callable: two matrices [n, d] -> direction [d]
/// @param engine  the caller's source of randomness
/// @shape  positive [n, d], negative [m, d]
/// @throws shape_error if the widths differ, or pairs are not as many; argument_error for fewer than 20 repeats or a
///         confidence outside 0 to 1; numeric_error for fewer than 4 different texts on a side; what `method` throws
/// @cost   4 · repeats calls of `method` on half of the texts
/// @source Efron & Tibshirani 1993, An Introduction to the Bootstrap, 10; deviation: the shift, which is theirs for a
///         mean
template <class Method, std::uniform_random_bit_generator Engine>
split_half split_half_interval(const Eigen::Ref<const matrix<float>>& positive,
                               const Eigen::Ref<const matrix<float>>& negative, pairing pairs, Method method,
                               Engine& engine, split_half_options options = {}) {
  const char* const who = "split_half_interval";
  const Eigen::Index n = positive.rows();
  const Eigen::Index m = negative.rows();
  if (positive.cols() != negative.cols() || (pairs == pairing::paired && n != m)) {
    throw shape_error(detail::text(
        {who, ": positive is ",
         detail::actual({"[", n, ", ", positive.cols(), "], negative is [", m, ", ", negative.cols(), "]"}),
         "; expected ",
         detail::expected({"equal widths", pairs == pairing::paired ? " and as many rows on both sides" : ""})}));
  }
  if (options.repeats < 20 || !(options.confidence > 0.0 && options.confidence < 1.0)) {
    throw argument_error(
        detail::text({who, ": ", detail::actual({options.repeats, " repeats and confidence ", options.confidence}),
                      "; expected ", detail::expected("at least 20, and between 0 and 1")}));
  }
  const bool paired = pairs == pairing::paired;
  const detail::row_groups plus_groups = detail::equal_rows(positive, paired ? negative : positive);
  const detail::row_groups minus_groups = paired ? plus_groups : detail::equal_rows(negative, negative);
  const Eigen::Index least = std::max<Eigen::Index>(4, 2 * detail::least_of(method));
  if (std::min(plus_groups.count, minus_groups.count) < least) {
    throw numeric_error(detail::text(
        {who, ": has ", detail::actual({plus_groups.count, " positive and ", minus_groups.count, " negative"}),
         " texts that differ; expected ", detail::expected({"at least ", least, " of each"})}));
  }
  const auto shuffled = [&](Eigen::Index count) {
    std::vector<Eigen::Index> order(static_cast<std::size_t>(count));
    std::iota(order.begin(), order.end(), Eigen::Index{0});
    std::shuffle(order.begin(), order.end(), engine);
    return order;
  };
  const auto half_of = [](const std::vector<std::vector<Eigen::Index>>& members, const std::vector<Eigen::Index>& order,
                          int half) {
    const std::size_t middle = order.size() / 2;
    std::vector<Eigen::Index> out;
    for (std::size_t i = half == 0 ? 0 : middle; i < (half == 0 ? middle : order.size()); ++i) {
      const std::vector<Eigen::Index>& rows = members[static_cast<std::size_t>(order[i])];
      out.insert(out.end(), rows.begin(), rows.end());
    }
    return out;
  };
  const auto drawn = [&](const std::vector<Eigen::Index>& from, const detail::row_groups& groups) {
    std::uniform_int_distribution<std::size_t> any(0, from.size() - 1);
    std::vector<Eigen::Index> out(from.size());
    std::set<Eigen::Index> different;
    while (std::ssize(different) < detail::least_of(method)) {
      std::generate(out.begin(), out.end(), [&] { return from[any(engine)]; });
      different.clear();
      for (const Eigen::Index row : out) {
        different.insert(groups.of[static_cast<std::size_t>(row)]);
      }
    }
    return out;
  };
  const auto found_on = [&](const detail::chosen_rows& rows) {
    return Eigen::VectorXd(
        method(matrix<float>(positive(rows.positive, Eigen::all)), matrix<float>(negative(rows.negative, Eigen::all))));
  };
  const auto plus_members = detail::members_of(plus_groups);
  const auto minus_members = detail::members_of(minus_groups);
  double plain = 0.0;
  std::vector<double> resampled;
  for (int repeat = 0; repeat < options.repeats; ++repeat) {
    const std::vector<Eigen::Index> plus = shuffled(plus_groups.count);
    const std::vector<Eigen::Index> minus = paired ? plus : shuffled(minus_groups.count);
    std::vector<Eigen::VectorXd> once;
    std::vector<Eigen::VectorXd> again;
    for (const int half : {0, 1}) {
      const detail::chosen_rows rows{half_of(plus_members, plus, half), half_of(minus_members, minus, half)};
      once.push_back(found_on(rows));
      detail::chosen_rows redrawn{drawn(rows.positive, plus_groups), {}};
      redrawn.negative = paired ? redrawn.positive : drawn(rows.negative, minus_groups);
      again.push_back(found_on(redrawn));
    }
    plain += detail::cosine(once[0], once[1]) / options.repeats;
    resampled.push_back(detail::cosine(again[0], again[1]));
  }
  std::sort(resampled.begin(), resampled.end());
  const double shift = plain - std::accumulate(resampled.begin(), resampled.end(), 0.0) / options.repeats;
  const auto quantile_at = [&](double share) {
    const auto at = static_cast<std::size_t>(std::lround(share * static_cast<double>(resampled.size() - 1)));
    return std::clamp(resampled[at] + shift, -1.0, 1.0);
  };
  const double tail = 0.5 * (1.0 - options.confidence);
  return {plain, std::min(plain, quantile_at(tail)), std::max(plain, quantile_at(1.0 - tail))};
}

}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/extract/split_half.ipp"
#endif
