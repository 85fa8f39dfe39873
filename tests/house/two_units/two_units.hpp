#pragma once

#include <string>
#include <vector>

#include <steer/steer.hpp>

/// What a unit computes with the library: a row that a plan has moved, and what a model of two layers says when it is asked for
/// a third. Inline, so both units compile it.
struct outcome {
  std::vector<float> row;
  std::string refusal;

  bool operator==(const outcome&) const = default;
};

inline outcome outcome_of_a_unit() {
  steer::model_shape shape;
  shape.name = "two layers";
  shape.layers = 2;
  shape.width = 4;
  shape.points = {steer::point::residual_out};
  steer::steering_vector along;
  along.name = "along";
  along.directions[1].values = Eigen::VectorXf::Unit(4, 2);
  steer::recipe recipe;
  recipe.ablate(along);
  outcome out{{1.0F, 2.0F, 3.0F, 4.0F}, {}};
  const steer::plan plan(recipe, shape);
  plan({1, steer::point::residual_out}, {out.row.data(), 1, 4, 4, {}});
  try {
    shape.require({7, steer::point::residual_out}, "two_units");
  } catch (const steer::shape_error& refused) {
    out.refusal = refused.what();
  }
  return out;
}

outcome of_unit_one();
outcome of_unit_two();
