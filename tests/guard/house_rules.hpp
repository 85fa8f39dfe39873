// tests/guard/house_rules.hpp: a small model, a policy for it, and edits to hold against it.
#pragma once

#include <map>
#include <string>
#include <vector>
#include <Eigen/Core>

#include "steer/guard/admit.hpp"
#include "steer/guard/policy.hpp"
#include "steer/recipe/recipe.hpp"
#include "toy.hpp"

namespace toy {

inline constexpr int rule_layers = 4;
inline constexpr std::ptrdiff_t rule_width = 8;

/// With a fingerprint, and rows of norm 10 at every site.
inline steer::model_shape guarded_model() {
  steer::model_shape out = shape(rule_layers, rule_width);
  out.fingerprint = "gguf:a/1";
  return out;
}

/// A vector of values at some layers, found on that model.
inline steer::steering_vector vector_at(const std::string& name, std::map<int, Eigen::VectorXf> values,
                                        steer::point point = steer::point::residual_out) {
  steer::steering_vector out{.name = name, .point = point};
  out.source.fingerprint = "gguf:a/1";
  for (auto& [layer, numbers] : values) {
    out.directions[layer].values = std::move(numbers);
  }
  return out;
}

/// The unit vector along one axis.
inline Eigen::VectorXf axis(Eigen::Index i, float length = 1.0F) { return length * Eigen::VectorXf::Unit(rule_width, i); }

/// Axis 0 is refusal, at every layer.
inline steer::protected_subspace refusal(steer::protection how = steer::protection::refuse) {
  steer::protected_subspace out{.name = "refusal", .most_share = 0.3, .most_dose = 0.05, .how = how};
  for (int layer = 0; layer < rule_layers; ++layer) {
    out.bases[layer] = steer::matrix<double>::Zero(1, rule_width);
    out.bases[layer](0, 0) = 1.0;
  }
  return out;
}

inline steer::row_norms norms_of(const steer::model_shape& model, double norm = 10.0) {
  steer::row_norms out;
  for (int layer = 0; layer < model.layers; ++layer) {
    for (const steer::point p : steer::all_points) {
      out[{layer, p}] = norm;
    }
  }
  return out;
}

/// Nothing is allowed but what this says.
inline steer::policy house_rules() {
  steer::policy out;
  out.name = "house rules";
  out.fingerprints = {{"gguf:a/1"}};
  out.row_norms = norms_of(guarded_model());
  out.most_layer_dose = 0.5;
  out.most_total_dose = 1.0;
  out.protects = {refusal()};
  return out;
}

}  // namespace toy
