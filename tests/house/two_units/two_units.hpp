#pragma once

#include <steer/steer.hpp>

#include <string>

/// What a model of two layers says when it is asked for another. Inline, so both units compile it.
inline std::string refusal_of(int layer) {
  steer::model_shape shape;
  shape.name = "two layers";
  shape.layers = 2;
  shape.width = 4;
  shape.points = {steer::point::residual_out};
  try {
    shape.require({layer, steer::point::residual_out}, "two_units");
  } catch (const steer::shape_error& refused) {
    return refused.what();
  }
  return {};
}

std::string refusal_in_one();
std::string refusal_in_two();
