// steer/extract/find_directions.ipp: the bodies of find_directions.hpp.
#pragma once

#include <cmath>
#include <string>
#include <utility>
#include <Eigen/Core>

#include "steer/core/error.hpp"
#include "steer/core/matrix.hpp"
#include "steer/core/real.hpp"
#include "steer/extract/find_directions.hpp"
#include "steer/extract/samples.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

STEER_BODY direction found_direction(const matrix<float>& positive, const matrix<float>& negative,
                                     const method_ref& method, const side_facts& facts, const std::string& who) {
  const two_sides both = sides(positive, negative, 1, who);
  if (facts.pairs == pairing::paired && positive.rows() != negative.rows()) {
    throw shape_error(text({thing(who), ": ", expected(positive.rows()), " positive and ", actual(negative.rows()),
                            " negative texts are no pairs; expected as many"}));
  }
  if (method.needs_pairs() && facts.pairs != pairing::paired) {
    throw argument_error(text(
        {thing(who), ": ", method.name(), " needs ", expected("pairs"), ", and these texts are ", actual("none")}));
  }
  if (positive.rows() > 1) {
    require_variance(both.positive, who + ", positive");
  }
  if (negative.rows() > 1) {
    require_variance(both.negative, who + ", negative");
  }
  const Eigen::VectorX<Real> difference = both.difference();
  require_difference(both, difference, who);
  const Eigen::VectorX<Real> found = method(positive, negative);
  const Eigen::VectorX<Real> u = found.normalized();
  const double distance = std::abs(u.dot(difference));
  constexpr double rounding = 1e-12;
  if (!(distance > rounding * difference.norm())) {
    throw numeric_error(text(
        {thing(who), ": the sides' means ", actual("do not differ"), " along what ", method.name(), " has found"}));
  }
  const Eigen::RowVectorX<Real> plus = column_means(both.positive);
  const Eigen::RowVectorX<Real> minus = column_means(both.negative);
  const Eigen::VectorX<Real> middle = 0.5 * (plus + minus).transpose();
  return measured_direction(positive, negative, u * distance, middle, facts.pairs, facts.row_norm, method, who);
}

STEER_BODY steering_vector found_directions(const recorder& recorded, vector_name of, const method_ref& method) {
  steering_vector out = named_vector(recorded, std::move(of), method.name());
  const std::string who = text({method.name(), " \"", out.name, "\""});
  const recorder_options& how = recorded.options();
  side_facts facts{recorded.paired() ? pairing::paired : pairing::unpaired};
  for (const int here : how.layers) {
    facts.row_norm = recorded.mean_row_norm(here);
    out.directions[here] = found_direction(recorded.texts(here, side::positive), recorded.texts(here, side::negative),
                                           method, facts, text({who, ", layer ", here}));
  }
  return out;
}

STEER_BODY void bound_split_halves(steering_vector& found, const recorder& recorded, const method_ref& method,
                                   const engine_ref& engine, const split_half_options& options) {
  const pairing pairs = recorded.paired() ? pairing::paired : pairing::unpaired;
  for (auto& [layer, v] : found.directions) {
    const split_half halves = split_half_of(recorded.texts(layer, side::positive),
                                            recorded.texts(layer, side::negative), pairs, method, engine, options);
    v.evidence.split_half_cosine = halves.cosine;
    v.evidence.split_half_low = halves.low;
    v.evidence.split_half_high = halves.high;
  }
}

}  // namespace detail

STEER_BODY Eigen::VectorXd by_mean_difference::operator()(const sample_rows& positive,
                                                          const sample_rows& negative) const {
  return mean_difference(positive, negative);
}

STEER_BODY Eigen::VectorXd by_principal_component::operator()(const sample_rows& positive,
                                                              const sample_rows& negative) const {
  return principal_component(positive, negative, options).v;
}

STEER_BODY Eigen::VectorXd by_whitened_difference::operator()(const sample_rows& positive,
                                                              const sample_rows& negative) const {
  return whitened_difference(positive, negative, options);
}

STEER_BODY Eigen::VectorXd by_probe::operator()(const sample_rows& positive, const sample_rows& negative) const {
  return fit_probe(positive, negative, options).w;
}

STEER_BODY std::string by_whitened_difference::name() const {
  return text({"whitened_difference, shrinkage ", options.shrinkage});
}

STEER_BODY std::string by_probe::name() const { return text({"probe, penalty ", options.penalty}); }

}  // namespace v0
}  // namespace steer
