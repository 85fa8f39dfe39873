// steer/io/layer_alignment.ipp: the bodies of layer_alignment.hpp.
#pragma once

#include <cmath>
#include <iterator>
#include <optional>
#include <string>

#include "steer/core/error.hpp"
#include "steer/core/real.hpp"
#include "steer/io/layer_alignment.hpp"
#include "steer/vector/steering_vector.hpp"

namespace steer {
inline namespace v0 {

STEER_BODY int layer_alignment::shift() const noexcept {
  if (before > same && before >= after) {
    return -1;
  }
  return after > same ? 1 : 0;
}

STEER_BODY std::optional<std::string> layer_alignment::warning() const {
  if (shift() == 0) {
    return std::nullopt;
  }
  return text({"the file's layers look shifted by ", shift(), ": over ", layers,
               " layers the mean |cosine| with our own directions is ", same, " at the same layer, ", before,
               " one before, ", after, " one after; was it read with the right producer?"});
}

STEER_BODY layer_alignment compare_layers(const steering_vector& file, const steering_vector& own) {
  check(file);
  check(own);
  if (file.width() != own.width()) {
    throw shape_error(text({thing({"layer alignment: \"", file.name, "\""}), " has width ", actual(file.width()),
                            "; our own \"", own.name, "\" has ", expected(own.width())}));
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
    throw shape_error(text({thing("layer alignment"), ": no layer of \"", file.name,
                            "\" has both neighbours in our own \"", own.name, "\""}));
  }
  out.before /= out.layers;
  out.same /= out.layers;
  out.after /= out.layers;
  return out;
}

}  // namespace v0
}  // namespace steer
