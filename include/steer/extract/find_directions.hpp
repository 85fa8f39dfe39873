// steer/extract/find_directions.hpp: any method, at every layer of a recorder, with evidence.
#pragma once

#include <cmath>
#include <concepts>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <Eigen/Core>

#include "steer/core/error.hpp"
#include "steer/core/linkage.hpp"
#include "steer/core/matrix.hpp"
#include "steer/extract/mean_difference.hpp"
#include "steer/extract/measure_evidence.hpp"
#include "steer/extract/principal_component.hpp"
#include "steer/extract/probe.hpp"
#include "steer/extract/recorder.hpp"
#include "steer/extract/samples.hpp"
#include "steer/extract/split_half.hpp"
#include "steer/extract/whitened_difference.hpp"
#include "steer/vector/steering_vector.hpp"

namespace steer {
inline namespace v0 {

/// Turns two sides into a direction, of any length, and says its name. One whose `needs_pairs()` is true is refused where
/// rows are no pairs; one that needs more than 1 text a side says how many as `least()`.
template <class Method>
concept direction_method = requires(const Method& method, const matrix<float>& side) {
  { method.name() } -> std::convertible_to<std::string>;
  { method(side, side) } -> std::convertible_to<Eigen::VectorXd>;
};

/// `mean_difference`
struct by_mean_difference {
  [[nodiscard]] std::string name() const { return "mean_difference"; }
  template <class Positive, class Negative>
  [[nodiscard]] Eigen::VectorXd operator()(const Eigen::MatrixBase<Positive>& positive,
                                           const Eigen::MatrixBase<Negative>& negative) const {
    return mean_difference(positive, negative);
  }
};

/// `principal_component`
struct by_principal_component {
  component_options options = {};

  [[nodiscard]] std::string name() const { return std::string(to_string(options.of)); }
  [[nodiscard]] bool needs_pairs() const { return options.of != component_of::pooled; }
  [[nodiscard]] Eigen::Index least() const { return options.of == component_of::centred_differences ? 2 : 1; }
  template <class Positive, class Negative>
  [[nodiscard]] Eigen::VectorXd operator()(const Eigen::MatrixBase<Positive>& positive,
                                           const Eigen::MatrixBase<Negative>& negative) const {
    return principal_component(positive, negative, options).v;
  }
};

/// `whitened_difference`
struct by_whitened_difference {
  whitened_options options = {};

  STEER_API [[nodiscard]] std::string name() const;
  [[nodiscard]] Eigen::Index least() const { return 2; }
  template <class Positive, class Negative>
  [[nodiscard]] Eigen::VectorXd operator()(const Eigen::MatrixBase<Positive>& positive,
                                           const Eigen::MatrixBase<Negative>& negative) const {
    return whitened_difference(positive, negative, options);
  }
};

/// The weights of `fit_probe`
struct by_probe {
  probe_options options = {};

  STEER_API [[nodiscard]] std::string name() const;
  template <class Positive, class Negative>
  [[nodiscard]] Eigen::VectorXd operator()(const Eigen::MatrixBase<Positive>& positive,
                                           const Eigen::MatrixBase<Negative>& negative) const {
    return fit_probe(positive, negative, options).w;
  }
};

static_assert(direction_method<by_mean_difference> && direction_method<by_principal_component> &&
              direction_method<by_whitened_difference> && direction_method<by_probe>);

/// What is known of two sides besides their rows.
struct side_facts {
  pairing pairs = pairing::unpaired;
  std::optional<double> row_norm = std::nullopt;  ///< mean |h| at that site
};

/// The direction that a method finds between two sides, with its evidence.
///
/// Its length is the distance of the sides' means along it. So a `raw` strength of 1 moves the negative side's mean to
/// where the positive side's lies along the direction, whatever the method, and norm ratios can be compared.
///
/// @shape  positive [n, d], negative [m, d]
/// @throws what the method throws, on all texts or on the halves and folds of the evidence; argument_error if it needs
///         pairs and there are none; shape_error if the widths differ, or pairs are not as many on both sides;
///         numeric_error for an empty side, NaN, a side whose texts are all the same, or means that do not differ along
///         the direction; `who` names the direction
/// @cost   8 calls of `method` and O((n + m) d)
template <direction_method Method>
direction find_direction(const matrix<float>& positive, const matrix<float>& negative, const Method& method,
                         side_facts facts = {}, const std::string& who = "find_direction") {
  const detail::two_sides both = detail::sides(positive, negative, 1, who);
  if (facts.pairs == pairing::paired && positive.rows() != negative.rows()) {
    throw shape_error(
        detail::text({detail::thing(who), ": ", detail::expected(positive.rows()), " positive and ",
                      detail::actual(negative.rows()), " negative texts are no pairs; expected as many"}));
  }
  if constexpr (requires { method.needs_pairs(); }) {
    if (method.needs_pairs() && facts.pairs != pairing::paired) {
      throw argument_error(detail::text({detail::thing(who), ": ", method.name(), " needs ", detail::expected("pairs"),
                                         ", and these texts are ", detail::actual("none")}));
    }
  }
  if (positive.rows() > 1) {
    detail::require_variance(both.positive, who + ", positive");
  }
  if (negative.rows() > 1) {
    detail::require_variance(both.negative, who + ", negative");
  }
  const Eigen::VectorXd difference = both.difference();
  detail::require_difference(both, difference, who);
  const Eigen::VectorXd u = Eigen::VectorXd(method(positive, negative)).normalized();
  const double distance = std::abs(u.dot(difference));
  constexpr double rounding = 1e-12;
  if (!(distance > rounding * difference.norm())) {
    throw numeric_error(detail::text({detail::thing(who), ": the sides' means ", detail::actual("do not differ"),
                                      " along what ", method.name(), " has found"}));
  }
  const Eigen::VectorXd middle = 0.5 * (detail::column_means(both.positive) + detail::column_means(both.negative)).transpose();
  return detail::measured_direction(positive, negative, u * distance, middle, facts.pairs, facts.row_norm, method, who);
}

/// The steering vector of everything that a recorder has observed, by any method.
///
///     auto happy = steer::find_directions(recorder, {.name = "happy"}, steer::by_probe{{.penalty = 0.1}});
///
/// @throws as `find_direction`, naming the layer; numeric_error if a side has no text
/// @cost   8 calls of `method` a layer
template <direction_method Method>
steering_vector find_directions(const recorder& recorded, vector_name of, const Method& method) {
  steering_vector out = detail::named_vector(recorded, std::move(of), method.name());
  const std::string who = detail::text({method.name(), " \"", out.name, "\""});
  const recorder_options& how = recorded.options();
  side_facts facts{recorded.paired() ? pairing::paired : pairing::unpaired};
  for (const int here : how.layers) {
    facts.row_norm = recorded.mean_row_norm(here);
    out.directions[here] = find_direction(recorded.texts(here, side::positive), recorded.texts(here, side::negative),
                                          method, facts, detail::text({who, ", layer ", here}));
  }
  return out;
}

/// The same, with the split-half cosine over random halves and its bounds in the evidence.
///
/// @param engine  the caller's source of randomness
/// @throws as `find_directions` and `split_half_interval`
/// @cost   4 · repeats more calls of `method` a layer, on half of the texts
template <direction_method Method, std::uniform_random_bit_generator Engine>
steering_vector find_directions(const recorder& recorded, vector_name of, const Method& method, Engine& engine,
                                split_half_options options = {}) {
  steering_vector out = find_directions(recorded, std::move(of), method);
  const pairing pairs = recorded.paired() ? pairing::paired : pairing::unpaired;
  for (auto& [layer, v] : out.directions) {
    const split_half found = split_half_interval(recorded.texts(layer, side::positive), recorded.texts(layer, side::negative),
                                                 pairs, method, engine, options);
    v.evidence.split_half_cosine = found.cosine;
    v.evidence.split_half_low = found.low;
    v.evidence.split_half_high = found.high;
  }
  return out;
}

}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/extract/find_directions.ipp"
#endif
