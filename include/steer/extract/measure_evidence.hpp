// steer/extract/measure_evidence.hpp: evidence for any method that turns two sides into a direction.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>
#include <Eigen/Core>

#include "steer/core/linkage.hpp"
#include "steer/core/matrix.hpp"
#include "steer/extract/method_ref.hpp"
#include "steer/vector/evidence.hpp"

namespace steer {
inline namespace v0 {

/// Whether row i of one side belongs with row i of the other.
enum class pairing : std::uint8_t { unpaired, paired };

namespace detail {

/// @shape all [n, d]; returns [as many as are chosen, d]
STEER_API matrix<float> rows_at(const Eigen::Ref<const matrix<float>>& all, const std::vector<Eigen::Index>& chosen);

/// Standard deviation of all the texts' projections on a unit direction, both sides together.
/// @shape positive [n, d], negative [m, d], u [d]
STEER_API double spread_along(const Eigen::Ref<const matrix<float>>& positive,
                              const Eigen::Ref<const matrix<float>>& negative, const Eigen::VectorXd& u);

STEER_API double cosine(const Eigen::VectorXd& a, const Eigen::VectorXd& b);

/// `measure_evidence` by a method without its type.
STEER_API evidence measured_evidence(const Eigen::Ref<const matrix<float>>& positive,
                                     const Eigen::Ref<const matrix<float>>& negative, pairing pairs,
                                     const Eigen::VectorXd& v, std::optional<double> row_norm,
                                     const method_ref& method);

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
evidence measure_evidence(const Eigen::Ref<const matrix<float>>& positive,
                          const Eigen::Ref<const matrix<float>>& negative, pairing pairs, const Eigen::VectorXd& v,
                          std::optional<double> row_norm, Method method) {
  return detail::measured_evidence(positive, negative, pairs, v, row_norm, detail::method_ref(method));
}

}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/extract/measure_evidence.ipp"
#endif
