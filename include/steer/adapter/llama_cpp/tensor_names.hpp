// steer/adapter/llama_cpp/tensor_names.hpp: what llama.cpp calls the tensors of a block, and which points they are.
#pragma once

#include <array>
#include <compare>
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
  embeddings,             ///< "embd": the first tensor of every graph
  scaled_embeddings,      ///< "inp_scaled"
  stream_embeddings,      ///< "hc_init": a copy for each residual stream
  heads,                  ///< "kqv_out-N": before the output projection
  attention,              ///< "attn_out-N"
  attention_projected,    ///< the projection of "kqv_out-N", in architectures that do not name it
  attention_projected_2,  ///< the same with a scale or bias applied
  attention_projected_3,  ///< with both
  attention_normed,       ///< "attn_post_norm-N"
  mlp,                    ///< "ffn_out-N"
  experts,                ///< "ffn_moe_out-N"
  mlp_normed,             ///< "ffn_post_norm-N"
  block,                  ///< "l_out-N"
  last_block,             ///< "l_last-N"
};

struct named_tensor {
  llama_tensor what = llama_tensor::embeddings;
  int layer = 0;  ///< zero-based

  constexpr auto operator<=>(const named_tensor&) const = default;
};

/// Reads a tensor's name; empty for all but those above. Called for every node of every graph.
constexpr std::optional<named_tensor> tensor_named(std::string_view name) noexcept {
  using enum llama_tensor;
  if (name == "embd") {
    return named_tensor{embeddings, 0};
  }
  if (name == "inp_scaled") {
    return named_tensor{scaled_embeddings, 0};
  }
  if (name == "hc_init") {
    return named_tensor{stream_embeddings, 0};
  }
  constexpr std::array<std::pair<std::string_view, llama_tensor>, 8> names{{{"l_out-", block},
                                                                            {"attn_out-", attention},
                                                                            {"ffn_out-", mlp},
                                                                            {"kqv_out-", heads},
                                                                            {"ffn_moe_out-", experts},
                                                                            {"attn_post_norm-", attention_normed},
                                                                            {"ffn_post_norm-", mlp_normed},
                                                                            {"l_last-", last_block}}};
  for (const auto& [start, what] : names) {
    if (!name.starts_with(start) || name.size() == start.size()) {
      continue;
    }
    int layer = 0;
    for (const char digit : name.substr(start.size())) {
      if (digit < '0' || digit > '9' || layer > 100'000) {
        return std::nullopt;  // "ffn_out-3 (view)", say
      }
      layer = 10 * layer + (digit - '0');
    }
    return named_tensor{what, layer};
  }
  return std::nullopt;
}

/// Which tensors of one model stand for its points.
struct tensor_table {
  llama_tensor input = llama_tensor::embeddings;
  std::vector<llama_tensor> attention;  ///< [L], or empty where the model does not show the point
  std::vector<llama_tensor> mlp;        ///< [L], or empty
  std::vector<llama_tensor> block;      ///< [L]
  bool heads = false;
  int streams = 1;     ///< rows of a token in `input` and `block`: [d, S, T] where there are several, else [d, T]
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
