// steer/adapter/llama_cpp/tensor_names.hpp: what llama.cpp calls the tensors of a block, and which points they are.
#pragma once

#include <algorithm>
#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "steer/core/linkage.hpp"
#include "steer/core/site.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

/// Tensors of a llama.cpp graph that may stand for a point; which do depends on the architecture.
enum class llama_tensor : std::uint8_t {
  embeddings,             ///< "embd": the first tensor of every graph; some name it anew
  scaled_embeddings,      ///< "inp_scaled"
  normed_embeddings,      ///< "inp_norm"
  placed_embeddings,      ///< "inpL": with those of the positions
  stream_embeddings,      ///< "hc_init": a copy for each residual stream
  heads,                  ///< "kqv_out-N": before the output projection
  attention,              ///< "attn_out-N"
  attention_output,       ///< "attn_output-N"
  attention_otherwise,    ///< what else it or a recurrent part that stands in its place is called
  attention_projected,    ///< its projection, in architectures that do not name it
  attention_projected_2,  ///< the same with a scale or bias applied
  attention_projected_3,  ///< with both
  attention_scaled,       ///< one of these with a factor
  attention_normed,       ///< "attn_post_norm-N"
  mlp,                    ///< "ffn_out-N"
  mlp_otherwise,          ///< what else it is called
  mlp_projected,          ///< as for attention
  mlp_projected_2,
  mlp_projected_3,
  experts,                ///< "ffn_moe_out-N"
  mlp_scaled,             ///< one of these with a factor
  mlp_normed,             ///< "ffn_post_norm-N"
  block,                  ///< "l_out-N"
  last_block,             ///< "l_last-N"
  residual_block,         ///< "ffn_residual-N": where there is no "l_out-N"
  hybrid_block,           ///< "nemotron_h_block_out-N": where "l_out-N" is what the feed-forward part adds
};

struct named_tensor {
  llama_tensor what = llama_tensor::embeddings;
  int layer = 0;  ///< zero-based

  constexpr auto operator<=>(const named_tensor&) const = default;
};

/// Reads a tensor's name; empty for all but those above. Called for every node of every graph.
constexpr std::optional<named_tensor> tensor_named(std::string_view name) noexcept {
  using enum llama_tensor;
  const std::size_t dash = name.rfind('-');
  if (dash == std::string_view::npos) {
    constexpr std::array<std::pair<std::string_view, llama_tensor>, 11> inputs{{{"embd", embeddings},
                                                                                {"model.embed_tokens", embeddings},
                                                                                {"model.input_embed", embeddings},
                                                                                {"inp_embd", embeddings},
                                                                                {"embedding_output", embeddings},
                                                                                {"inp_scaled", scaled_embeddings},
                                                                                {"inp_embd_scaled", scaled_embeddings},
                                                                                {"inp_norm", normed_embeddings},
                                                                                {"embd_norm", normed_embeddings},
                                                                                {"inpL", placed_embeddings},
                                                                                {"hc_init", stream_embeddings}}};
    const auto* const found = std::ranges::find(inputs, name, &std::pair<std::string_view, llama_tensor>::first);
    return found == inputs.end() ? std::nullopt : std::optional(named_tensor{found->second, 0});
  }
  if (dash + 1 == name.size()) {
    return std::nullopt;
  }
  int layer = 0;
  for (const char digit : name.substr(dash + 1)) {
    if (digit < '0' || digit > '9' || layer > 100'000) {
      return std::nullopt;  // "ffn_out-3 (view)", say
    }
    layer = 10 * layer + (digit - '0');
  }
  const std::string_view start = name.substr(0, dash);
  if (start == "attn_norm_in") {  // a block's output gets this name from the next block
    return layer == 0 ? named_tensor{embeddings, 0} : named_tensor{block, layer - 1};
  }
  constexpr std::array<std::pair<std::string_view, llama_tensor>, 27> names{{{"l_out", block},
                                                                             {"attn_out", attention},
                                                                             {"ffn_out", mlp},
                                                                             {"kqv_out", heads},
                                                                             {"ffn_moe_out", experts},
                                                                             {"attn_post_norm", attention_normed},
                                                                             {"ffn_post_norm", mlp_normed},
                                                                             {"l_last", last_block},
                                                                             {"ffn_residual", residual_block},
                                                                             {"nemotron_h_block_out", hybrid_block},
                                                                             {"post_attn_norm", attention_normed},
                                                                             {"attn_out_norm", attention_normed},
                                                                             {"post_mlp_norm", mlp_normed},
                                                                             {"attn_output", attention_output},
                                                                             {"attn_o_proj", attention_otherwise},
                                                                             {"attn_out_proj", attention_otherwise},
                                                                             {"mla_out", attention_otherwise},
                                                                             {"kda_out", attention_otherwise},
                                                                             {"linear_attn_out", attention_otherwise},
                                                                             {"model.layers.{}.self_attn.out_proj", attention_otherwise},
                                                                             {"model.layers.{}.conv.out_proj", attention_otherwise},
                                                                             {"layer_out", attention_otherwise},
                                                                             {"hidden_scaled", attention_scaled},
                                                                             {"hidden_scaled_ffn", mlp_scaled},
                                                                             {"ffn_dense_out", mlp_otherwise},
                                                                             {"ffn_final_moe_out", mlp_otherwise},
                                                                             {"inp_norm", normed_embeddings}}};
  const auto* const found = std::ranges::find(names, start, &std::pair<std::string_view, llama_tensor>::first);
  return found == names.end() ? std::nullopt : std::optional(named_tensor{found->second, layer});
}

/// Which tensors of one model stand for its points.
struct tensor_table {
  llama_tensor input = llama_tensor::embeddings;
  std::vector<llama_tensor> attention;  ///< [L], or empty where the model does not show the point
  std::vector<llama_tensor> mlp;        ///< [L], or empty
  std::vector<llama_tensor> block;      ///< [L]
  bool heads = false;
  int streams = 1;     ///< rows of a token in `input` and `block`: [d, S, T] where there are several, else [d, T]
  bool by_place = false;  ///< whether one of them has no name of its own
  bool native = false;  ///< whether llama.cpp's own control vector is added at `block`, above layer 0

  /// Rows of a token in a tensor.
  STEER_API [[nodiscard]] int streams_of(named_tensor t) const noexcept;

  /// The points that a tensor is, in the order in which hooks see it: a block's output is also the next one's input.
  STEER_API [[nodiscard]] std::array<std::optional<site>, 2> sites_of(named_tensor t) const noexcept;
};

}  // namespace detail
}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/adapter/llama_cpp/tensor_names.ipp"
#endif
