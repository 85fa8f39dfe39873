// steer/io/layer_alignment.hpp: whether a file's layers are ours, or shifted by one.
#pragma once

#include <optional>
#include <string>

#include "steer/core/linkage.hpp"
#include "steer/vector/steering_vector.hpp"

namespace steer {
inline namespace v0 {

/// How alike a file's directions are to our own of the same concept, at the same layer and at its neighbours.
struct layer_alignment {
  int layers = 0;       ///< layers compared: those for which we have both neighbours
  double before = 0.0;  ///< mean |cosine| of the file's layer l with our layer l - 1
  double same = 0.0;    ///< with our layer l
  double after = 0.0;   ///< with our layer l + 1

  /// The layers by which the file looks shifted: -1 if what it calls l is our l - 1, 1 if it is our l + 1, 0 if neither
  /// is more alike than the layer itself. Neighbouring layers are alike anyway, so this is a hint, not a proof.
  STEER_API [[nodiscard]] int shift() const noexcept;

  /// A sentence for the user where the file looks shifted; nothing otherwise.
  STEER_API [[nodiscard]] std::optional<std::string> warning() const;
};

/// Compares a file with directions of the same concept that a recorder found on the same model.
///
/// @throws as `check` of either vector; shape_error if the widths differ or no layer of the file has both neighbours in `own`
/// @cost   three dot products a layer
STEER_API layer_alignment compare_layers(const steering_vector& file, const steering_vector& own);

}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/io/layer_alignment.ipp"
#endif
