// steer/extract/split_half.hpp: how far a direction depends on the choice of its texts.
#pragma once

#include <algorithm>  // has uniform_int_distribution too; <random> costs a tenth of Eigen/Core
#include <cstddef>
#include <memory>
#include <vector>
#include <Eigen/Core>

#include "steer/core/linkage.hpp"
#include "steer/core/matrix.hpp"
#include "steer/extract/measure_evidence.hpp"
#include "steer/extract/method_ref.hpp"

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

/// A source of randomness without its type, for the length of a call.
class engine_ref {
 public:
  template <class Engine>
  explicit engine_ref(Engine& engine)
      : engine_(std::addressof(engine)),
        shuffle_([](void* which, std::vector<Eigen::Index>& order) {
          std::shuffle(order.begin(), order.end(), *static_cast<Engine*>(which));
        }),
        draw_([](void* which, const std::vector<Eigen::Index>& from, std::vector<Eigen::Index>& out) {
          std::uniform_int_distribution<std::size_t> any(0, from.size() - 1);
          std::generate(out.begin(), out.end(), [&] { return from[any(*static_cast<Engine*>(which))]; });
        }) {}

  void shuffle(std::vector<Eigen::Index>& order) const { shuffle_(engine_, order); }
  /// Fills `out` with elements of `from`, each any of them.
  void draw(const std::vector<Eigen::Index>& from, std::vector<Eigen::Index>& out) const { draw_(engine_, from, out); }

 private:
  void* engine_;
  void (*shuffle_)(void*, std::vector<Eigen::Index>&);
  void (*draw_)(void*, const std::vector<Eigen::Index>&, std::vector<Eigen::Index>&);
};

/// `split_half_interval` by a method and with an engine without their types.
STEER_API split_half split_half_of(const Eigen::Ref<const matrix<float>>& positive,
                                   const Eigen::Ref<const matrix<float>>& negative, pairing pairs,
                                   const method_ref& method, const engine_ref& engine,
                                   const split_half_options& options);

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
  return detail::split_half_of(positive, negative, pairs, detail::method_ref(method), detail::engine_ref(engine),
                               options);
}

}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/extract/split_half.ipp"
#endif
