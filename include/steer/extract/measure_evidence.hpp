// steer/extract/measure_evidence.hpp: evidence for any method that turns two sides into a direction.
#pragma once

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>
#include <Eigen/Core>

#include "steer/core/error.hpp"
#include "steer/core/linkage.hpp"
#include "steer/core/matrix.hpp"
#include "steer/extract/samples.hpp"
#include "steer/extract/separation.hpp"
#include "steer/vector/evidence.hpp"

namespace steer {
inline namespace v0 {

/// Whether row i of one side belongs with row i of the other.
enum class pairing : std::uint8_t { unpaired, paired };

namespace detail {

/// The rows for whose index `keep` is true.
/// @shape all [n, d]; returns [at most n, d]
template <class Keep>
matrix<float> rows_where(const Eigen::Ref<const matrix<float>>& all, Keep keep) {
  std::vector<Eigen::Index> chosen;
  for (Eigen::Index i = 0; i < all.rows(); ++i) {
    if (keep(i)) {
      chosen.push_back(i);
    }
  }
  return all(chosen, Eigen::all);
}

/// Standard deviation of all the texts' projections on a unit direction, both sides together.
/// @shape positive [n, d], negative [m, d], u [d]
STEER_API double spread_along(const Eigen::Ref<const matrix<float>>& positive, const Eigen::Ref<const matrix<float>>& negative,
                           const Eigen::VectorXd& u);

STEER_API double cosine(const Eigen::VectorXd& a, const Eigen::VectorXd& b);

/// Sum of squares of each number's distance from their mean.
STEER_API double squares_within(const Eigen::VectorXd& scores);

/// How many texts a side a method needs at least; 1 where it does not say.
template <class Method>
Eigen::Index least_of(const Method& method) {
  if constexpr (requires { { method.least() } -> std::convertible_to<Eigen::Index>; }) {
    return method.least();
  } else {
    return 1;
  }
}

/// AUROC and d' on folds that the direction has not seen. AUROC is the mean over the folds. So is d's distance of the
/// means, but its variances are pooled over all folds: in a fold of two texts a variance can be as good as zero.
template <class Method>
void held_out(const Eigen::Ref<const matrix<float>>& positive, const Eigen::Ref<const matrix<float>>& negative,
              const row_groups& plus_groups, const row_groups& minus_groups, const Method& method, evidence& out) {
  const Eigen::Index folds = std::min<Eigen::Index>(5, std::min(plus_groups.count, minus_groups.count) / 2);
  if (folds < 2 || std::min(plus_groups.count, minus_groups.count) < 2 * least_of(method)) {
    return;
  }
  double auroc_sum = 0.0;
  double distance_sum = 0.0;
  double plus_squares = 0.0;
  double minus_squares = 0.0;
  for (Eigen::Index fold = 0; fold < folds; ++fold) {
    const auto held = [&](const row_groups& groups) {
      return [&](Eigen::Index i) { return groups.of[static_cast<std::size_t>(i)] % folds == fold; };
    };
    const auto seen = [&](const row_groups& groups) {
      return [&](Eigen::Index i) { return groups.of[static_cast<std::size_t>(i)] % folds != fold; };
    };
    const Eigen::VectorXd u =
        Eigen::VectorXd(method(rows_where(positive, seen(plus_groups)), rows_where(negative, seen(minus_groups))))
            .normalized();
    const Eigen::VectorXd plus = rows_where(positive, held(plus_groups)).template cast<double>() * u;
    const Eigen::VectorXd minus = rows_where(negative, held(minus_groups)).template cast<double>() * u;
    auroc_sum += auroc({plus.data(), static_cast<std::size_t>(plus.size())},
                       {minus.data(), static_cast<std::size_t>(minus.size())});
    distance_sum += plus.mean() - minus.mean();
    plus_squares += squares_within(plus);
    minus_squares += squares_within(minus);
  }
  out.auroc = auroc_sum / static_cast<double>(folds);
  const double variance = 0.5 * (plus_squares / static_cast<double>(positive.rows() - folds) +
                                 minus_squares / static_cast<double>(negative.rows() - folds));
  if (variance > 0.0) {
    out.d_prime = distance_sum / static_cast<double>(folds) / std::sqrt(variance);
  }
}

}  // namespace detail

/// Measures a direction's evidence on the texts that it came from, with `method` refitted wherever it must not have seen
/// what it is judged on. Entries for which there are too few texts stay empty: fewer than 4 different ones a side for
/// held-out figures, 2 for the halves, twice as many where `method.least()` is 2.
///
/// Text i is in fold i mod 5 (or as many folds as there are pairs of texts) and in half i mod 2. Copies of a pair (of a
/// text, where they are no pairs) count once in that numbering and stay together: none is judged by what its copy has
/// taught. Where the order of the texts has a period of its own, shuffle them first, or see `split_half_interval`.
///
/// @param v       the direction that `method(positive, negative)` found
/// @param method  callable: two matrices [n, d] -> direction [d]
/// @shape  positive [n, d], negative [m, d], v [d]
/// @throws shape_error if widths differ or pairs are not as many on both sides; numeric_error if v is not finite; what
///         `method` throws
/// @cost   7 calls of `method` and O((n + m) d), and sorting the texts; copies them twice
/// @source METHODS: AUROC, d', split-half cosine (even against odd texts), coherence (Braun et al. 2025, arXiv:2505.22637)
template <class Method>
evidence measure_evidence(const Eigen::Ref<const matrix<float>>& positive, const Eigen::Ref<const matrix<float>>& negative,
                          pairing pairs, const Eigen::VectorXd& v, std::optional<double> row_norm, Method method) {
  if (positive.cols() != v.size() || negative.cols() != v.size() ||
      (pairs == pairing::paired && positive.rows() != negative.rows())) {
    throw shape_error(detail::text(
        {"measure_evidence: positive is ",
         detail::actual({"[", positive.rows(), ", ", positive.cols(), "], negative is [", negative.rows(), ", ",
                         negative.cols(), "]"}),
         "; expected ",
         detail::expected({"width ", v.size(), pairs == pairing::paired ? " and as many rows on both sides" : ""})}));
  }
  if (!v.allFinite()) {
    throw numeric_error(detail::text({"measure_evidence: the direction is ", detail::actual("not finite")}));
  }
  evidence out;
  if (row_norm && *row_norm > 0.0) {
    out.norm_ratio = v.norm() / *row_norm;
  }
  const bool paired = pairs == pairing::paired;
  const detail::row_groups plus = detail::equal_rows(positive, paired ? negative : positive);
  const detail::row_groups minus = paired ? plus : detail::equal_rows(negative, negative);
  out.copied = 1.0 - static_cast<double>(plus.count + minus.count) / static_cast<double>(positive.rows() + negative.rows());
  detail::held_out(positive, negative, plus, minus, method, out);
  if (std::min(plus.count, minus.count) >= 2 * detail::least_of(method)) {
    const auto half = [&](Eigen::Index which) -> Eigen::VectorXd {
      const auto among = [which](const detail::row_groups& groups) {
        return [&groups, which](Eigen::Index i) { return groups.of[static_cast<std::size_t>(i)] % 2 == which; };
      };
      return method(detail::rows_where(positive, among(plus)), detail::rows_where(negative, among(minus)));
    };
    out.split_half_cosine = detail::cosine(half(0), half(1));
  }
  if (paired && positive.rows() >= 2) {  // one pair's difference is the direction
    const matrix<double> differences = positive.cast<double>() - negative.cast<double>();
    const Eigen::VectorXd along = differences * v.normalized();
    double sum = 0.0;
    for (Eigen::Index i = 0; i < differences.rows(); ++i) {
      sum += detail::cosine(differences.row(i).transpose(), v);
    }
    out.coherence = sum / static_cast<double>(differences.rows());
    out.majority = static_cast<double>((along.array() > 0.0).count()) / static_cast<double>(along.size());
    if (const double all = differences.squaredNorm(); all > 0.0) {
      out.explained_variance = along.squaredNorm() / all;
    }
  }
  return out;
}

}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/extract/measure_evidence.ipp"
#endif
