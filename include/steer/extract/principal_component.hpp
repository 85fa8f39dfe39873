// steer/extract/principal_component.hpp: the direction along which the sides differ most.
#pragma once

#include <Eigen/Core>
#include <cmath>
#include <cstdint>
#include <string_view>

#include "steer/core/error.hpp"
#include "steer/core/matrix.hpp"
#include "steer/extract/principal_axes.hpp"
#include "steer/extract/samples.hpp"

namespace steer {
inline namespace v0 {

/// Of what the principal component is taken.
enum class component_of : std::uint8_t {
  differences,          ///< of pairs, about zero: the shift that all pairs share counts
  centred_differences,  ///< of pairs, about their mean: the shift that all pairs share is *discarded*
  pooled,               ///< of all texts about their common mean; needs no pairs
};

constexpr std::string_view to_string(component_of of) noexcept {
  switch (of) {
    case component_of::differences: return "principal_component of differences";
    case component_of::centred_differences: return "principal_component of centred differences";
    case component_of::pooled: break;
  }
  return "principal_component, pooled";
}

struct component_options {
  component_of of = component_of::differences;
};

struct component {
  Eigen::VectorXd v = {};           ///< [d], norm 1
  double explained_variance = 0.0;  ///< share of the squares that lie along v, 0 to 1
  double majority = 0.0;  ///< share of the pairs (pooled: of the texts) that lie on the side that gave v its sign
};

/// First right singular vector of what `options.of` names, pointing to the positive side.
///
/// The sign is that of the means' difference; a singular vector has none of its own. Where a common shift is much
/// larger than the pairs' differences from each other, `centred_differences` finds something else than the concept.
///
/// @param positive  activations that show the behaviour
/// @param negative  activations that lack it; row i belongs with row i, unless pooled
/// @shape  positive [n, d], negative [m, d], m = n unless pooled
/// @throws shape_error if the shapes do not fit; numeric_error for too few samples, NaN, pairs that do not differ, or a
///         mean difference without a component along v
/// @cost   O(n d) for each of some 15 steps where one dimension stands out, else O(n d min(n, d) + min(n, d)³)
/// @source Zou et al. 2023, arXiv:2310.01405; deviation: the sign is determined. `differences` is what repeng calls
///         pca_center; `centred_differences` is the usual textbook form
template <class Positive, class Negative>
component principal_component(const Eigen::MatrixBase<Positive>& positive, const Eigen::MatrixBase<Negative>& negative,
                              component_options options = {}) {
  const char* const who = "principal_component";
  const bool pooled = options.of == component_of::pooled;
  detail::require_sides(positive, negative, options.of == component_of::centred_differences ? 2 : 1, who);
  const Eigen::Index n = positive.rows();
  const Eigen::Index m = negative.rows();
  if (!pooled && n != m) {
    throw shape_error(detail::text({who, ": ", detail::expected(n), " positive and ", detail::actual(m),
                                    " negative samples are no pairs; expected as many, or component_of::pooled"}));
  }
  const Eigen::RowVectorXd difference = detail::column_means(positive) - detail::column_means(negative);
  matrix<double> samples(pooled ? n + m : n, positive.cols());
  Eigen::RowVectorXd centre = Eigen::RowVectorXd::Zero(positive.cols());
  if (pooled) {
    samples << positive.template cast<double>(), negative.template cast<double>();
  } else {
    samples = positive.template cast<double>() - negative.template cast<double>();
  }
  if (options.of != component_of::differences) {
    centre = detail::column_means(samples);
    samples.rowwise() -= centre;
  }
  const detail::axes found = detail::principal_axes(samples, 1, who);
  component out{found.rows.row(0).transpose(), found.squares[0] / found.total};
  const double side = difference.dot(out.v);
  constexpr double rounding = 1e-12;
  if (!(std::abs(side) > rounding * difference.norm())) {
    throw numeric_error(detail::text(
        {who, ": the sides' means ", detail::actual("do not differ"), " along the component, so it has no sign"}));
  }
  out.v *= side < 0.0 ? -1.0 : 1.0;
  const Eigen::ArrayXd along = (samples * out.v).array();
  Eigen::Index right = 0;
  if (pooled) {
    const double middle = 0.5 * (along.head(n).mean() + along.tail(m).mean());
    right = (along.head(n) > middle).count() + (along.tail(m) < middle).count();
  } else {
    right = (along + centre.dot(out.v) > 0.0).count();
  }
  out.majority = static_cast<double>(right) / static_cast<double>(samples.rows());
  return out;
}

}  // namespace v0
}  // namespace steer
