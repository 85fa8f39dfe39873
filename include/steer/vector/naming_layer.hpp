// steer/vector/naming_layer.hpp: what goes wrong with one of several layers says which.
#pragma once

#include <string>

#include "steer/core/error.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

/// What an error says, with the layer in a field of its own where it named none.
inline message with_layer(int layer, const error& problem) {
  message out = within({}, problem);
  out.fields.layer = out.fields.layer.value_or(layer);
  if (const std::string suffix = text(", layer ", layer); out.fields.what.ends_with(suffix)) {
    out.fields.what.erase(out.fields.what.size() - suffix.size());
  }
  return out;
}

/// Calls act(); what it throws of the errors of numbers, shapes and options has the layer in its fields.
template <class Act>
decltype(auto) naming_layer(int layer, Act&& act) {
  try {
    return act();
  } catch (const shape_error& problem) {
    throw shape_error(with_layer(layer, problem));
  } catch (const numeric_error& problem) {
    throw numeric_error(with_layer(layer, problem));
  } catch (const argument_error& problem) {
    throw argument_error(with_layer(layer, problem));
  }
}

}  // namespace detail
}  // namespace v0
}  // namespace steer
