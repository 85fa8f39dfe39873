// tests/examples/transformer/naive_forward.hpp: the forward pass as plain loops in double precision, without a cache.
#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

#include "transformer/model.hpp"

namespace transformer_test {

using doubles = std::vector<double>;

inline doubles times(const reference::matrix& w, const doubles& x) {
  doubles y(static_cast<std::size_t>(w.rows()), 0.0);
  for (reference::extent o = 0; o < w.rows(); ++o) {
    for (reference::extent i = 0; i < w.cols(); ++i) {
      y[static_cast<std::size_t>(o)] += static_cast<double>(w(o, i)) * x[static_cast<std::size_t>(i)];
    }
  }
  return y;
}

inline doubles normed(const doubles& x, const reference::vector& gain, double epsilon) {
  double squares = 0.0;
  for (const double value : x) {
    squares += value * value;
  }
  doubles y = x;
  for (std::size_t i = 0; i < y.size(); ++i) {
    y[i] *= static_cast<double>(gain[static_cast<reference::extent>(i)]) /
            std::sqrt(squares / static_cast<double>(x.size()) + epsilon);
  }
  return y;
}

inline void rotate(doubles& heads, std::size_t head_width, std::size_t position, double theta) {
  for (std::size_t first = 0; first < heads.size(); first += head_width) {
    for (std::size_t j = 0; j < head_width / 2; ++j) {
      const double angle = static_cast<double>(position) *
                           std::pow(theta, -2.0 * static_cast<double>(j) / static_cast<double>(head_width));
      const double a = heads[first + j];
      const double b = heads[first + j + head_width / 2];
      heads[first + j] = a * std::cos(angle) - b * std::sin(angle);
      heads[first + j + head_width / 2] = a * std::sin(angle) + b * std::cos(angle);
    }
  }
}

/// Logits of every token.
inline std::vector<doubles> naive_forward(const reference::model& m, const std::vector<std::int32_t>& tokens) {
  const reference::config& c = m.sizes();
  const auto dh = static_cast<std::size_t>(c.head_width);
  const auto epsilon = static_cast<double>(c.norm_epsilon);
  std::vector<doubles> residual(tokens.size());
  for (std::size_t t = 0; t < tokens.size(); ++t) {
    for (int i = 0; i < c.width; ++i) {
      residual[t].push_back(static_cast<double>(m.parameters().embedding(tokens[t], i)));
    }
  }
  const auto add = [](doubles& to, const doubles& what) {
    for (std::size_t i = 0; i < to.size(); ++i) {
      to[i] += what[i];
    }
  };
  for (const auto& w : m.parameters().layers) {
    std::vector<doubles> keys, values;
    for (std::size_t t = 0; t < tokens.size(); ++t) {
      const doubles x = normed(residual[t], w.attention_norm, epsilon);
      doubles query = times(w.query, x);
      keys.push_back(times(w.key, x));
      values.push_back(times(w.value, x));
      rotate(query, dh, t, static_cast<double>(c.rope_theta));
      rotate(keys.back(), dh, t, static_cast<double>(c.rope_theta));
      doubles heads(query.size(), 0.0);
      for (std::size_t h = 0; h < static_cast<std::size_t>(c.heads); ++h) {
        const std::size_t first = h / static_cast<std::size_t>(c.heads / c.kv_heads) * dh;
        doubles weight;
        double total = 0.0;
        for (std::size_t s = 0; s <= t; ++s) {
          double dot = 0.0;
          for (std::size_t j = 0; j < dh; ++j) {
            dot += query[h * dh + j] * keys[s][first + j];
          }
          weight.push_back(std::exp(dot / std::sqrt(static_cast<double>(dh))));
          total += weight.back();
        }
        for (std::size_t s = 0; s <= t; ++s) {
          for (std::size_t j = 0; j < dh; ++j) {
            heads[h * dh + j] += weight[s] / total * values[s][first + j];
          }
        }
      }
      add(residual[t], times(w.attention_output, heads));
    }
    for (doubles& row : residual) {
      const doubles x = normed(row, w.mlp_norm, epsilon);
      doubles gate = times(w.gate, x);
      const doubles up = times(w.up, x);
      for (std::size_t i = 0; i < gate.size(); ++i) {
        gate[i] *= up[i] / (1.0 + std::exp(-gate[i]));
      }
      add(row, times(w.down, gate));
    }
  }
  std::vector<doubles> logits;
  for (const doubles& row : residual) {
    logits.push_back(times(m.head(), normed(row, m.parameters().final_norm, epsilon)));
  }
  return logits;
}

}  // namespace transformer_test
