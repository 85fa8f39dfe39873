// transformer/hyper_connections.hpp: several residual streams for each token, instead of one that everything is added to.
#pragma once

#include <cmath>

#include "transformer/linear.hpp"
#include "transformer/weights.hpp"

namespace reference {

/// A sub-block f reads a mixture of a token's streams H [R, d] and writes into all of them, while they mix. All the shares depend on the
/// token: r is H as one row, divided by its root mean square.
///
///     pre  = sigmoid(scale_0 (W_pre r) + base_pre) + ε       [R]
///     post = 2 sigmoid(scale_1 (W_post r) + base_post)       [R]
///     comb = sinkhorn(scale_2 (W_comb r) + base_comb)        [R, R], rows and columns sum to 1
///     H_t <- post_t f(Σ_s pre_s H_s) + Σ_s comb_st H_s
///
/// Holds its scratch, and what `read` has found for `write`; allocates when built.
/// @source Zhu et al. 2024, arXiv:2409.19606 (hyper-connections); Xie et al. 2025, arXiv:2512.24880 (doubly stochastic comb); the details
///         as in DeepSeek-V4
class hyper_connections {
 public:
  hyper_connections(const config& c, extent most_tokens) : streams_(c.streams), width_(c.width), iterations_(c.sinkhorn_iterations),
        norm_epsilon_(c.norm_epsilon), epsilon_(c.stream_epsilon) {
    if (streams_ > 1) {
      flat_.resize(most_tokens, streams_ * width_);
      shares_.resize(most_tokens, (2 + streams_) * streams_);
      mixture_.resize(most_tokens, width_);
      before_.resize(streams_, width_);
    }
  }

  /// What a sub-block reads.
  /// @shape streams [T R, d], returns [T, d]; of a single stream that itself
  rows_in read(const stream_weights& w, const rows_in& streams) noexcept {
    if (streams_ == 1) {
      return streams;
    }
    const extent tokens = mix(w.mix, streams);
    for (extent t = 0; t < tokens; ++t) {
      float* const post = shares_.row(t).data() + streams_;
      float* const comb = post + streams_;
      take_mixture(t, w, streams);
      for (extent s = 0; s < streams_; ++s) {
        post[s] = 2.0F * sigmoid(post[s] * w.scale[1] + w.base[streams_ + s]);
      }
      for (extent i = 0; i < streams_ * streams_; ++i) {
        comb[i] = comb[i] * w.scale[2] + w.base[2 * streams_ + i];
      }
      make_doubly_stochastic(Eigen::Map<matrix>(comb, streams_, streams_));
    }
    return mixture_.topRows(tokens);
  }

  /// Writes what the sub-block made of what was read last.
  /// @shape branch [T, d], streams [T R, d]
  void write(const rows_in& branch, rows_out streams) noexcept {
    if (streams_ == 1) {
      streams += branch;
      return;
    }
    for (extent t = 0; t < branch.rows(); ++t) {
      const float* const post = shares_.row(t).data() + streams_;
      const Eigen::Map<const matrix> comb(post + streams_, streams_, streams_);  // from, to
      before_ = streams.middleRows(t * streams_, streams_);
      for (extent to = 0; to < streams_; ++to) {
        auto row = streams.row(t * streams_ + to);
        row = post[to] * branch.row(t);
        for (extent from = 0; from < streams_; ++from) {
          row += comb(from, to) * before_.row(from);
        }
      }
    }
  }

  /// What the model's head reads: Σ_s (sigmoid(scale (W r) + base) + ε)_s H_s
  /// @shape streams [T R, d], returns [T, d]
  rows_in read_last(const stream_weights& w, const rows_in& streams) noexcept {
    if (streams_ == 1) {
      return streams;
    }
    const extent tokens = mix(w.mix, streams);
    for (extent t = 0; t < tokens; ++t) {
      take_mixture(t, w, streams);
    }
    return mixture_.topRows(tokens);
  }

 private:
  static float sigmoid(float x) noexcept { return 1.0F / (1.0F + std::exp(-x)); }

  /// shares = W r for each token.
  extent mix(const matrix& w, const rows_in& streams) noexcept {
    const extent tokens = streams.rows() / streams_;
    const extent n = streams_ * width_;
    const Eigen::Map<const matrix> flat(streams.data(), tokens, n);  // the streams of a token stand together
    for (extent t = 0; t < tokens; ++t) {
      float squares = 0.0F;
      detail::dot_rows<1, 1>(flat.row(t).data(), n, flat.row(t).data(), n, n, &squares, 1);
      flat_.row(t) = flat.row(t) * (1.0F / std::sqrt(squares / static_cast<float>(n) + norm_epsilon_));
    }
    multiply(flat_.topRows(tokens), w, shares_.topLeftCorner(tokens, w.rows()));
    return tokens;
  }

  /// Σ_s pre_s H_s of one token.
  void take_mixture(extent t, const stream_weights& w, const rows_in& streams) noexcept {
    float* const shares = shares_.row(t).data();
    for (extent s = 0; s < streams_; ++s) {
      shares[s] = sigmoid(shares[s] * w.scale[0] + w.base[s]) + epsilon_;
    }
    auto out = mixture_.row(t);
    out = shares[0] * streams.row(t * streams_);
    for (extent s = 1; s < streams_; ++s) {
      out += shares[s] * streams.row(t * streams_ + s);
    }
  }

  /// A softmax of each row, then columns and rows divided by their sums in turn.
  /// @source Sinkhorn & Knopp 1967, doi:10.2140/pjm.1967.21.343
  void make_doubly_stochastic(Eigen::Map<matrix> m) const noexcept {
    for (extent from = 0; from < m.rows(); ++from) {
      m.row(from).array() = (m.row(from).array() - m.row(from).maxCoeff()).exp();
      m.row(from) /= m.row(from).sum();
    }
    m.array() += epsilon_;
    for (int i = 0; i < iterations_; ++i) {
      for (extent from = 0; i > 0 && from < m.rows(); ++from) {
        m.row(from) /= m.row(from).sum() + epsilon_;
      }
      for (extent to = 0; to < m.cols(); ++to) {
        m.col(to) /= m.col(to).sum() + epsilon_;
      }
    }
  }

  extent streams_;
  extent width_;
  int iterations_;
  float norm_epsilon_;
  float epsilon_;
  matrix flat_;     // [T, R d]
  matrix shares_;   // [T, (2 + R) R]: pre, post, comb
  matrix mixture_;  // [T, d]
  matrix before_;   // [R, d] one token's streams
};

}  // namespace reference
