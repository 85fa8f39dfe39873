// steer/io/layer_alignment.hpp: whether a file's layers are ours, or shifted by one.
#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <iterator>
#include <optional>
#include <string>

#include "steer/core/error.hpp"
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
  [[nodiscard]] int shift() const noexcept {
    if (before > same && before >= after) {
      return -1;
    }
    return after > same ? 1 : 0;
  }

  /// A sentence for the user where the file looks shifted; nothing otherwise.
  [[nodiscard]] std::optional<std::string> warning() const {
    if (shift() == 0) {
      return std::nullopt;
    }
    return detail::text({"the file's layers look shifted by ", shift(), ": over ", layers,
                         " layers the mean |cosine| with our own directions is ", same, " at the same layer, ", before,
                         " one before, ", after, " one after; was it read with the right producer?"});
  }
};

/// Compares a file with directions of the same concept that a recorder found on the same model.
///
/// @throws as `check` of either vector; shape_error if the widths differ or no layer of the file has both neighbours in `own`
/// @cost   three dot products a layer
inline layer_alignment compare_layers(const steering_vector& file, const steering_vector& own) {
  check(file);
  check(own);
  if (file.width() != own.width()) {
    throw shape_error(detail::text({detail::thing({"layer alignment: \"", file.name, "\""}), " has width ",
                                    detail::actual(file.width()), "; our own \"", own.name, "\" has ",
                                    detail::expected(own.width())}));
  }
  const auto cosine = [](const direction& a, const direction& b) { return std::abs(unit(a).dot(unit(b))); };
  layer_alignment out;
  for (const auto& [layer, direction] : file.directions) {
    const auto here = own.directions.find(layer);
    if (here == own.directions.end() || here == own.directions.begin() || std::next(here) == own.directions.end()) {
      continue;
    }
    const auto before = std::prev(here);
    const auto after = std::next(here);
    if (layer - before->first == 1 && after->first - layer == 1) {
      ++out.layers;
      out.before += cosine(direction, before->second);
      out.same += cosine(direction, here->second);
      out.after += cosine(direction, after->second);
    }
  }
  if (out.layers == 0) {
    throw shape_error(detail::text({detail::thing("layer alignment"), ": no layer of \"", file.name,
                                    "\" has both neighbours in our own \"", own.name, "\""}));
  }
  out.before /= out.layers;
  out.same /= out.layers;
  out.after /= out.layers;
  return out;
}

}  // namespace v0
}  // namespace steer
