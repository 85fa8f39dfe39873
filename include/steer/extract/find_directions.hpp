// steer/extract/find_directions.hpp: any method, at every layer of a recorder, with evidence.
#pragma once

#include <concepts>
#include <optional>
#include <string>
#include <utility>
#include <Eigen/Core>

#include "steer/core/linkage.hpp"
#include "steer/core/matrix.hpp"
#include "steer/extract/mean_difference.hpp"
#include "steer/extract/measure_evidence.hpp"
#include "steer/extract/method_ref.hpp"
#include "steer/extract/principal_component.hpp"
#include "steer/extract/probe.hpp"
#include "steer/extract/recorder.hpp"
#include "steer/extract/sample_rows.hpp"
#include "steer/extract/split_half.hpp"
#include "steer/extract/whitened_difference.hpp"
#include "steer/vector/direction.hpp"
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
  STEER_API [[nodiscard]] Eigen::VectorXd operator()(const sample_rows& positive, const sample_rows& negative) const;
};

/// `principal_component`
struct by_principal_component {
  component_options options = {};

  [[nodiscard]] std::string name() const { return std::string(to_string(options.of)); }
  [[nodiscard]] bool needs_pairs() const { return options.of != component_of::pooled; }
  [[nodiscard]] Eigen::Index least() const { return options.of == component_of::centred_differences ? 2 : 1; }
  STEER_API [[nodiscard]] Eigen::VectorXd operator()(const sample_rows& positive, const sample_rows& negative) const;
};

/// `whitened_difference`
struct by_whitened_difference {
  whitened_options options = {};

  STEER_API [[nodiscard]] std::string name() const;
  [[nodiscard]] Eigen::Index least() const { return 2; }
  STEER_API [[nodiscard]] Eigen::VectorXd operator()(const sample_rows& positive, const sample_rows& negative) const;
};

/// The weights of `fit_probe`
struct by_probe {
  probe_options options = {};

  STEER_API [[nodiscard]] std::string name() const;
  STEER_API [[nodiscard]] Eigen::VectorXd operator()(const sample_rows& positive, const sample_rows& negative) const;
};

static_assert(direction_method<by_mean_difference> && direction_method<by_principal_component> &&
              direction_method<by_whitened_difference> && direction_method<by_probe>);

/// What is known of two sides besides their rows.
struct side_facts {
  pairing pairs = pairing::unpaired;
  std::optional<double> row_norm = std::nullopt;  ///< mean |h| at that site
};

namespace detail {

/// `find_direction` and `find_directions` by a method without its type.
STEER_API direction found_direction(const matrix<float>& positive, const matrix<float>& negative,
                                    const method_ref& method, const side_facts& facts, const std::string& who);
STEER_API steering_vector found_directions(const recorder& recorded, vector_name of, const method_ref& method);

/// Puts split-half cosines over random halves in the place of those that are there.
STEER_API void bound_split_halves(steering_vector& found, const recorder& recorded, const method_ref& method,
                                  const engine_ref& engine, const split_half_options& options);

}  // namespace detail

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
  return detail::found_direction(positive, negative, detail::method_ref(method), facts, who);
}

/// The steering vector of everything that a recorder has recorded, by any method.
///
///     auto happy = steer::find_directions(recorder, {.name = "happy"}, steer::by_probe{{.penalty = 0.1}});
///
/// @throws as `find_direction`, naming the layer; numeric_error if a side has no text
/// @cost   8 calls of `method` a layer
template <direction_method Method>
steering_vector find_directions(const recorder& recorded, vector_name of, const Method& method) {
  return detail::found_directions(recorded, std::move(of), detail::method_ref(method));
}

/// The same, with the split-half cosine over random halves and its bounds in the evidence.
///
/// @param engine  the caller's source of randomness
/// @throws as `find_directions` and `split_half_interval`
/// @cost   4 · repeats more calls of `method` a layer, on half of the texts
template <direction_method Method, std::uniform_random_bit_generator Engine>
steering_vector find_directions(const recorder& recorded, vector_name of, const Method& method, Engine& engine,
                                split_half_options options = {}) {
  const detail::method_ref any(method);
  steering_vector out = detail::found_directions(recorded, std::move(of), any);
  detail::bound_split_halves(out, recorded, any, detail::engine_ref(engine), options);
  return out;
}

}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/extract/find_directions.ipp"
#endif
