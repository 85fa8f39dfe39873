// tests/toy.hpp: shapes, vectors and a host that are small enough to compute by hand.
#pragma once

#include <Eigen/Core>
#include <cstdint>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "steer/core/host.hpp"
#include "steer/core/matrix.hpp"
#include "steer/vector/steering_vector.hpp"

namespace toy {

/// A shape with every point and every fact: width `width`, and two heads of `width` for `attention_heads`.
inline steer::model_shape shape(int layers, std::ptrdiff_t width) {
  steer::model_shape out;
  out.name = "toy";
  out.layers = layers;
  out.width = width;
  out.heads = 2;
  out.head_width = width;
  for (const steer::point p : steer::all_points) {
    out.points.insert(p);
  }
  out.facts = {steer::row_fact::token, steer::row_fact::position, steer::row_fact::sequence, steer::row_fact::phase,
               steer::row_fact::prompt_length};
  return out;
}

template <class Scalar>
steer::matrix<Scalar> random_rows(std::mt19937_64& engine, Eigen::Index count, Eigen::Index width) {
  std::normal_distribution<double> normal;
  return steer::matrix<Scalar>::NullaryExpr(count, width, [&] { return static_cast<Scalar>(normal(engine)); });
}

inline steer::direction random_direction(std::mt19937_64& engine, Eigen::Index width) {
  steer::direction out;
  out.values = random_rows<float>(engine, 1, width).row(0).transpose();
  out.row_norm = 1.0 + static_cast<double>(engine() % 100) / 10.0;
  out.spread = 0.5;
  return out;
}

inline steer::steering_vector random_vector(std::mt19937_64& engine, const std::vector<int>& layers, Eigen::Index width) {
  steer::steering_vector out;
  out.name = "toy" + std::to_string(engine() % 1000);
  for (const int layer : layers) {
    out.directions[layer] = random_direction(engine, width);
  }
  return out;
}

/// A view of a matrix's rows.
template <class Scalar>
steer::rows<Scalar> view(steer::matrix<Scalar>& rows, std::span<const steer::row_info> info = {}) {
  return {rows.data(), rows.rows(), rows.cols(), rows.cols(), info};
}

/// A host whose activations are known: the row of token t at layer l is `embedding.row(t) * (l + 1)`.
/// Text is read as one token per letter, 'a' being token 1, after a BOS token 0.
struct host {
  steer::matrix<float> embedding;  // [V, d]
  steer::model_shape model = toy::shape(2, 3);

  const steer::model_shape& shape() const { return model; }

  std::vector<std::int32_t> tokenize(std::string_view text) const {
    std::vector<std::int32_t> out{0};
    for (const char letter : text) {
      out.push_back(letter - 'a' + 1);
    }
    return out;
  }

  void evaluate(std::span<const std::int32_t> tokens, steer::hook_ref<float> hook) const {
    const auto count = static_cast<Eigen::Index>(tokens.size());
    std::vector<steer::row_info> info(tokens.size());
    steer::matrix<float> rows(count, embedding.cols());
    for (int layer = 0; layer < model.layers; ++layer) {
      for (std::size_t i = 0; i < tokens.size(); ++i) {
        info[i] = {tokens[i], static_cast<std::int32_t>(i), 0, static_cast<std::int32_t>(tokens.size()),
                   steer::phase::prompt};
        rows.row(static_cast<Eigen::Index>(i)) = embedding.row(tokens[i]) * static_cast<float>(layer + 1);
      }
      const steer::site here{layer, steer::point::residual_out};
      if (hook.access(here) != steer::access::none) {
        hook(here, view(rows, info));
      }
    }
  }
};
static_assert(steer::text_host<const host>);

}  // namespace toy
