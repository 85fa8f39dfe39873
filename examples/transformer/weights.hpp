// transformer/weights.hpp: the numbers of a Llama model.
#pragma once

#include <Eigen/Core>
#include <string>
#include <vector>

#include "transformer/config.hpp"

namespace reference {

using matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using vector = Eigen::VectorXf;
using extent = Eigen::Index;

/// How a sub-block reads the residual streams and writes into them, see hyper_connections.hpp; empty where there is one.
struct stream_weights {
  matrix mix;    // [(2 + R) R, R d]: what it reads of each, what it writes into each, and how the streams mix meanwhile
  vector base;   // [(2 + R) R]
  vector scale;  // [3]
};

/// One block. RoPE is half-split, as in Hugging Face files: coordinate j of a head turns together with j + d_h/2.
struct layer_weights {
  vector attention_norm;    // [d]
  matrix query;             // [H d_h, d]
  matrix key;               // [K d_h, d]
  matrix value;             // [K d_h, d]
  matrix attention_output;  // [d, H d_h]
  vector mlp_norm;          // [d]
  matrix gate;              // [F, d]
  matrix up;                // [F, d]
  matrix down;              // [d, F]
  stream_weights attention_streams;
  stream_weights mlp_streams;
};

struct weights {
  matrix embedding;                   // [V, d]
  std::vector<layer_weights> layers;  // L
  vector final_norm;                  // [d]
  matrix head;                        // [V, d]; empty where it is the embedding
  stream_weights final_streams;       // mix [R, R d], base [R], scale [1]: what the head reads
};

/// Calls visit(name, rows, cols, tensor) for every tensor of a model, with its Hugging Face name and the extents that the
/// configuration asks for; a vector [d] counts as [d, 1]. The tensors themselves may still have any shape.
///
/// @param w  weights, or const weights, with as many layers as the configuration
template <class Weights, class Visit>
void for_each_tensor(const config& c, Weights& w, Visit&& visit) {
  const extent d = c.width;                              // d
  const extent q = extent{c.heads} * c.head_width;        // H d_h
  const extent kv = extent{c.kv_heads} * c.head_width;    // K d_h
  const extent f = c.hidden;                             // F
  const extent r = c.streams;                            // R
  const auto visit_streams = [&](const std::string& prefix, extent rows, extent scales, auto& of) {
    if (r > 1) {
      visit(prefix + "fn", rows, r * d, of.mix);
      visit(prefix + "base", rows, extent{1}, of.base);
      visit(prefix + "scale", scales, extent{1}, of.scale);
    }
  };
  visit(std::string("model.embed_tokens.weight"), extent{c.vocabulary}, d, w.embedding);
  for (std::size_t n = 0; n < w.layers.size(); ++n) {
    const std::string prefix = "model.layers." + std::to_string(n) + ".";
    auto& layer = w.layers[n];
    visit(prefix + "input_layernorm.weight", d, extent{1}, layer.attention_norm);
    visit(prefix + "self_attn.q_proj.weight", q, d, layer.query);
    visit(prefix + "self_attn.k_proj.weight", kv, d, layer.key);
    visit(prefix + "self_attn.v_proj.weight", kv, d, layer.value);
    visit(prefix + "self_attn.o_proj.weight", d, q, layer.attention_output);
    visit(prefix + "post_attention_layernorm.weight", d, extent{1}, layer.mlp_norm);
    visit(prefix + "mlp.gate_proj.weight", f, d, layer.gate);
    visit(prefix + "mlp.up_proj.weight", f, d, layer.up);
    visit(prefix + "mlp.down_proj.weight", d, f, layer.down);
    visit_streams(prefix + "attn_hc.", (2 + r) * r, extent{3}, layer.attention_streams);
    visit_streams(prefix + "mlp_hc.", (2 + r) * r, extent{3}, layer.mlp_streams);
  }
  visit(std::string("model.norm.weight"), d, extent{1}, w.final_norm);
  visit_streams("model.head_hc.", r, extent{1}, w.final_streams);
  if (!c.tied) {
    visit(std::string("lm_head.weight"), extent{c.vocabulary}, d, w.head);
  }
}

}  // namespace reference
