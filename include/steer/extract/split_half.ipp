// steer/extract/split_half.ipp: the bodies of split_half.hpp.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <iterator>
#include <numeric>
#include <set>
#include <vector>
#include <Eigen/Core>

#include "steer/core/error.hpp"
#include "steer/core/matrix.hpp"
#include "steer/core/real.hpp"
#include "steer/extract/measure_evidence.hpp"
#include "steer/extract/samples.hpp"
#include "steer/extract/split_half.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

/// Row numbers of both sides; the same ones where rows are pairs.
struct chosen_rows {
  std::vector<Eigen::Index> positive;
  std::vector<Eigen::Index> negative;
};

/// The rows of each group.
inline std::vector<std::vector<Eigen::Index>> members_of(const row_groups& groups) {
  std::vector<std::vector<Eigen::Index>> out(static_cast<std::size_t>(groups.count));
  for (std::size_t i = 0; i < groups.of.size(); ++i) {
    out[static_cast<std::size_t>(groups.of[i])].push_back(static_cast<Eigen::Index>(i));
  }
  return out;
}

STEER_BODY split_half split_half_of(const Eigen::Ref<const matrix<float>>& positive,
                                    const Eigen::Ref<const matrix<float>>& negative, pairing pairs,
                                    const method_ref& method, const engine_ref& engine,
                                    const split_half_options& options) {
  const char* const who = "split_half_interval";
  const Eigen::Index n = positive.rows();
  const Eigen::Index m = negative.rows();
  if (positive.cols() != negative.cols() || (pairs == pairing::paired && n != m)) {
    throw shape_error(
        text({who, ": positive is ",
              actual({"[", n, ", ", positive.cols(), "], negative is [", m, ", ", negative.cols(), "]"}), "; expected ",
              expected({"equal widths", pairs == pairing::paired ? " and as many rows on both sides" : ""})}));
  }
  if (options.repeats < 20 || !(options.confidence > 0.0 && options.confidence < 1.0)) {
    throw argument_error(text({who, ": ", actual({options.repeats, " repeats and confidence ", options.confidence}),
                               "; expected ", expected("at least 20, and between 0 and 1")}));
  }
  const bool paired = pairs == pairing::paired;
  const row_groups plus_groups = equal_rows(positive, paired ? negative : positive);
  const row_groups minus_groups = paired ? plus_groups : equal_rows(negative, negative);
  const Eigen::Index least = std::max<Eigen::Index>(4, 2 * method.least());
  if (std::min(plus_groups.count, minus_groups.count) < least) {
    throw numeric_error(
        text({who, ": has ", actual({plus_groups.count, " positive and ", minus_groups.count, " negative"}),
              " texts that differ; expected ", expected({"at least ", least, " of each"})}));
  }
  const auto shuffled = [&](Eigen::Index count) {
    std::vector<Eigen::Index> order(static_cast<std::size_t>(count));
    std::iota(order.begin(), order.end(), Eigen::Index{0});
    engine.shuffle(order);
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
  const auto drawn = [&](const std::vector<Eigen::Index>& from, const row_groups& groups) {
    std::vector<Eigen::Index> out(from.size());
    std::set<Eigen::Index> different;
    while (std::ssize(different) < method.least()) {
      engine.draw(from, out);
      different.clear();
      for (const Eigen::Index row : out) {
        different.insert(groups.of[static_cast<std::size_t>(row)]);
      }
    }
    return out;
  };
  const auto found_on = [&](const chosen_rows& rows) {
    return method(rows_at(positive, rows.positive), rows_at(negative, rows.negative));
  };
  const auto plus_members = members_of(plus_groups);
  const auto minus_members = members_of(minus_groups);
  double plain = 0.0;
  std::vector<double> resampled;
  for (int repeat = 0; repeat < options.repeats; ++repeat) {
    const std::vector<Eigen::Index> plus = shuffled(plus_groups.count);
    const std::vector<Eigen::Index> minus = paired ? plus : shuffled(minus_groups.count);
    std::vector<Eigen::VectorXd> once;
    std::vector<Eigen::VectorXd> again;
    for (const int half : {0, 1}) {
      const chosen_rows rows{half_of(plus_members, plus, half), half_of(minus_members, minus, half)};
      once.push_back(found_on(rows));
      chosen_rows redrawn{drawn(rows.positive, plus_groups), {}};
      redrawn.negative = paired ? redrawn.positive : drawn(rows.negative, minus_groups);
      again.push_back(found_on(redrawn));
    }
    plain += cosine(once[0], once[1]) / options.repeats;
    resampled.push_back(cosine(again[0], again[1]));
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

}  // namespace detail
}  // namespace v0
}  // namespace steer
