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

/// Residual streams of one token, and what a sub-block finds of them.
struct naive_streams {
  std::vector<doubles> streams;      // [R][d]
  std::vector<double> post;          // [R]
  std::vector<std::vector<double>> comb;  // from, to

  static double sigmoid(double x) { return 1.0 / (1.0 + std::exp(-x)); }

  [[nodiscard]] doubles mixes(const reference::matrix& mix, double epsilon) const {
    doubles flat;
    for (const doubles& each : streams) {
      flat.insert(flat.end(), each.begin(), each.end());
    }
    return times(mix, normed(flat, reference::vector::Ones(static_cast<reference::extent>(flat.size())), epsilon));
  }
  [[nodiscard]] doubles mixture(const doubles& shares) const {
    doubles out(streams[0].size(), 0.0);
    for (std::size_t s = 0; s < streams.size(); ++s) {
      for (std::size_t i = 0; i < out.size(); ++i) {
        out[i] += shares[s] * streams[s][i];
      }
    }
    return out;
  }
  [[nodiscard]] doubles shares(const reference::stream_weights& w, const doubles& mixed, double epsilon) const {
    doubles out;
    for (std::size_t s = 0; s < streams.size(); ++s) {
      out.push_back(sigmoid(mixed[s] * double{w.scale[0]} + double{w.base[static_cast<reference::extent>(s)]}) + epsilon);
    }
    return out;
  }

  doubles read(const reference::config& c, const reference::stream_weights& w) {
    if (streams.size() == 1) {
      return streams[0];
    }
    const std::size_t r = streams.size();
    const auto epsilon = static_cast<double>(c.stream_epsilon);
    const doubles mixed = mixes(w.mix, static_cast<double>(c.norm_epsilon));
    const auto base = [&](std::size_t i) { return static_cast<double>(w.base[static_cast<reference::extent>(i)]); };
    post.assign(r, 0.0);
    comb.assign(r, std::vector<double>(r));
    for (std::size_t s = 0; s < r; ++s) {
      post[s] = 2.0 * sigmoid(mixed[r + s] * double{w.scale[1]} + base(r + s));
      double sum = 0.0;
      for (std::size_t to = 0; to < r; ++to) {
        const std::size_t i = 2 * r + s * r + to;
        comb[s][to] = std::exp(mixed[i] * double{w.scale[2]} + base(i));
        sum += comb[s][to];
      }
      for (double& each : comb[s]) {
        each = each / sum + epsilon;
      }
    }
    for (int i = 0; i < 2 * c.sinkhorn_iterations - 1; ++i) {
      for (std::size_t a = 0; a < r; ++a) {
        double sum = epsilon;
        for (std::size_t b = 0; b < r; ++b) {
          sum += i % 2 == 0 ? comb[b][a] : comb[a][b];
        }
        for (std::size_t b = 0; b < r; ++b) {
          (i % 2 == 0 ? comb[b][a] : comb[a][b]) /= sum;
        }
      }
    }
    return mixture(shares(w, mixed, epsilon));
  }

  void write(const doubles& branch) {
    const std::vector<doubles> before = streams;
    for (std::size_t to = 0; to < streams.size(); ++to) {
      for (std::size_t i = 0; i < branch.size(); ++i) {
        streams[to][i] = streams.size() == 1 ? before[to][i] + branch[i] : post[to] * branch[i];
        for (std::size_t from = 0; streams.size() > 1 && from < streams.size(); ++from) {
          streams[to][i] += comb[from][to] * before[from][i];
        }
      }
    }
  }

  [[nodiscard]] doubles last(const reference::config& c, const reference::stream_weights& w) const {
    return streams.size() == 1 ? streams[0] : mixture(shares(w, mixes(w.mix, static_cast<double>(c.norm_epsilon)), static_cast<double>(c.stream_epsilon)));
  }
};

/// Logits of every token.
inline std::vector<doubles> naive_forward(const reference::model& m, const std::vector<std::int32_t>& tokens) {
  const reference::config& c = m.sizes();
  const auto dh = static_cast<std::size_t>(c.head_width);
  const auto epsilon = static_cast<double>(c.norm_epsilon);
  std::vector<naive_streams> residual(tokens.size());
  for (std::size_t t = 0; t < tokens.size(); ++t) {
    residual[t].streams.resize(static_cast<std::size_t>(c.streams));
    for (doubles& stream : residual[t].streams) {
      for (int i = 0; i < c.width; ++i) {
        stream.push_back(static_cast<double>(m.parameters().embedding(tokens[t], i)));
      }
    }
  }
  for (const auto& w : m.parameters().layers) {
    std::vector<doubles> keys, values;
    for (std::size_t t = 0; t < tokens.size(); ++t) {
      const doubles x = normed(residual[t].read(c, w.attention_streams), w.attention_norm, epsilon);
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
      residual[t].write(times(w.attention_output, heads));
    }
    for (naive_streams& row : residual) {
      const doubles x = normed(row.read(c, w.mlp_streams), w.mlp_norm, epsilon);
      doubles gate = times(w.gate, x);
      const doubles up = times(w.up, x);
      for (std::size_t i = 0; i < gate.size(); ++i) {
        gate[i] *= up[i] / (1.0 + std::exp(-gate[i]));
      }
      row.write(times(w.down, gate));
    }
  }
  std::vector<doubles> logits;
  for (const naive_streams& row : residual) {
    logits.push_back(times(m.head(), normed(row.last(c, m.parameters().final_streams), m.parameters().final_norm, epsilon)));
  }
  return logits;
}

}  // namespace transformer_test
