// steer/extract/measure_evidence.ipp: the bodies of measure_evidence.hpp.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <optional>
#include <vector>
#include <Eigen/Core>

#include "steer/core/error.hpp"
#include "steer/core/matrix.hpp"
#include "steer/core/real.hpp"
#include "steer/extract/measure_evidence.hpp"
#include "steer/extract/samples.hpp"
#include "steer/extract/separation.hpp"
#include "steer/vector/evidence.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

STEER_BODY matrix<float> rows_at(const Eigen::Ref<const matrix<float>>& all, const std::vector<Eigen::Index>& chosen) {
  matrix<float> out(static_cast<Eigen::Index>(chosen.size()), all.cols());
  float* next = out.data();
  for (const Eigen::Index row : chosen) {
    next = std::copy_n(all.data() + row * all.outerStride(), all.cols(), next);
  }
  return out;
}

/// The rows of the groups for whose number `keep` is true.
template <class Keep>
std::vector<Eigen::Index> rows_of(const row_groups& groups, Keep keep) {
  std::vector<Eigen::Index> out;
  for (std::size_t i = 0; i < groups.of.size(); ++i) {
    if (keep(groups.of[i])) {
      out.push_back(static_cast<Eigen::Index>(i));
    }
  }
  return out;
}

STEER_BODY double spread_along(const Eigen::Ref<const matrix<float>>& positive,
                               const Eigen::Ref<const matrix<float>>& negative, const Eigen::VectorXd& u) {
  const Eigen::VectorX<Real>& along = u;
  Eigen::VectorX<Real> projections(positive.rows() + negative.rows());
  projections << positive.cast<Real>() * along, negative.cast<Real>() * along;
  projections.array() -= projections.mean();
  return std::sqrt(projections.squaredNorm() / static_cast<double>(projections.size() - 1));
}

STEER_BODY double cosine(const Eigen::VectorXd& a, const Eigen::VectorXd& b) {
  const Eigen::VectorX<Real>& left = a;
  const Eigen::VectorX<Real>& right = b;
  return left.normalized().dot(right.normalized());
}

/// AUROC and d' on folds that the direction has not seen. AUROC is the mean over the folds. So is d's distance of the
/// means, but its variances are pooled over all folds: in a fold of two texts a variance can be as good as zero.
template <class Scalar>
void held_out(const Eigen::Ref<const matrix<float>>& positive, const Eigen::Ref<const matrix<float>>& negative,
              const row_groups& plus_groups, const row_groups& minus_groups, const method_ref& method, evidence& out) {
  const Eigen::Index folds = std::min<Eigen::Index>(5, std::min(plus_groups.count, minus_groups.count) / 2);
  if (folds < 2 || std::min(plus_groups.count, minus_groups.count) < 2 * method.least()) {
    return;
  }
  double auroc_sum = 0.0;
  double distance_sum = 0.0;
  double plus_squares = 0.0;
  double minus_squares = 0.0;
  for (Eigen::Index fold = 0; fold < folds; ++fold) {
    const auto held = [&](Eigen::Index group) { return group % folds == fold; };
    const auto seen = [&](Eigen::Index group) { return group % folds != fold; };
    const Eigen::VectorX<Scalar> found =
        method(rows_at(positive, rows_of(plus_groups, seen)), rows_at(negative, rows_of(minus_groups, seen)));
    const Eigen::VectorX<Scalar> u = found.normalized();
    const Eigen::VectorX<Scalar> plus = rows_at(positive, rows_of(plus_groups, held)).template cast<Scalar>() * u;
    const Eigen::VectorX<Scalar> minus = rows_at(negative, rows_of(minus_groups, held)).template cast<Scalar>() * u;
    auroc_sum += auroc({plus.data(), static_cast<std::size_t>(plus.size())},
                       {minus.data(), static_cast<std::size_t>(minus.size())});
    distance_sum += plus.mean() - minus.mean();
    plus_squares += (plus.array() - plus.mean()).square().sum();
    minus_squares += (minus.array() - minus.mean()).square().sum();
  }
  out.auroc = auroc_sum / static_cast<double>(folds);
  const double variance = 0.5 * (plus_squares / static_cast<double>(positive.rows() - folds) +
                                 minus_squares / static_cast<double>(negative.rows() - folds));
  if (variance > 0.0) {
    out.d_prime = distance_sum / static_cast<double>(folds) / std::sqrt(variance);
  }
}

STEER_BODY evidence measured_evidence(const Eigen::Ref<const matrix<float>>& positive,
                                      const Eigen::Ref<const matrix<float>>& negative, pairing pairs,
                                      const Eigen::VectorXd& v, std::optional<double> row_norm,
                                      const method_ref& method) {
  if (positive.cols() != v.size() || negative.cols() != v.size() ||
      (pairs == pairing::paired && positive.rows() != negative.rows())) {
    throw shape_error(
        text({"measure_evidence: positive is ",
              actual({"[", positive.rows(), ", ", positive.cols(), "], negative is [", negative.rows(), ", ",
                      negative.cols(), "]"}),
              "; expected ",
              expected({"width ", v.size(), pairs == pairing::paired ? " and as many rows on both sides" : ""})}));
  }
  if (!v.allFinite()) {
    throw numeric_error(text({"measure_evidence: the direction is ", actual("not finite")}));
  }
  evidence out;
  if (row_norm && *row_norm > 0.0) {
    out.norm_ratio = v.norm() / *row_norm;
  }
  const bool paired = pairs == pairing::paired;
  const row_groups plus = equal_rows(positive, paired ? negative : positive);
  const row_groups minus = paired ? plus : equal_rows(negative, negative);
  out.copied =
      1.0 - static_cast<double>(plus.count + minus.count) / static_cast<double>(positive.rows() + negative.rows());
  held_out<Real>(positive, negative, plus, minus, method, out);
  if (std::min(plus.count, minus.count) >= 2 * method.least()) {
    const auto half = [&](Eigen::Index which) {
      const auto within = [which](Eigen::Index group) { return group % 2 == which; };
      return method(rows_at(positive, rows_of(plus, within)), rows_at(negative, rows_of(minus, within)));
    };
    out.split_half_cosine = cosine(half(0), half(1));
  }
  if (paired && positive.rows() >= 2) {  // one pair's difference is the direction
    const Eigen::VectorX<Real>& direction = v;
    const matrix<Real> differences = positive.cast<Real>() - negative.cast<Real>();
    const Eigen::VectorX<Real> along = differences * direction.normalized();
    double sum = 0.0;
    for (Eigen::Index i = 0; i < differences.rows(); ++i) {
      sum += cosine(differences.row(i).transpose(), v);
    }
    out.coherence = sum / static_cast<double>(differences.rows());
    out.majority = static_cast<double>((along.array() > 0.0).count()) / static_cast<double>(along.size());
    if (const double all = differences.squaredNorm(); all > 0.0) {
      out.explained_variance = along.squaredNorm() / all;
    }
  }
  return out;
}

}  // namespace detail
}  // namespace v0
}  // namespace steer
