// deepseek_model.hpp: DeepSeek-V4 in small, with random weights, and what its graph computes besides the points.
#pragma once

#include <ggml-backend.h>
#include <ggml.h>
#include <gguf.h>
#include <llama.h>

#include <Eigen/Core>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "adapter/llama_cpp/tiny_model.hpp"
#include "steer/core/matrix.hpp"

namespace deepseek_model {

struct sizes {
  int layers = 4;
  int width = 128;
  std::vector<std::uint32_t> ratios{0, 0, 4, 128};  ///< by layer, how far attention is compressed
  unsigned experts = 2;
  unsigned streams = 4;
};

/// A tensor's numbers while a model is made.
struct tensor_values {
  std::vector<float>& numbers;
  std::ptrdiff_t inputs;   ///< neighbours in memory
  std::ptrdiff_t outputs;  ///< of a matrix, or of each of several

  /// W <- (I - share u uᵀ) W
  void project_out(const Eigen::VectorXf& u, float share) const {
    for (std::size_t first = 0; first < numbers.size(); first += static_cast<std::size_t>(inputs * outputs)) {
      Eigen::Map<steer::matrix<float>> w(numbers.data() + first, outputs, inputs);
      w -= share * u * (u.transpose() * w).eval();
    }
  }
};

using change = std::function<void(std::string_view name, tensor_values& values)>;

inline tiny_model::pointer make(const sizes& of, const change& also = {}) {
  return tiny_model::make(
      "deepseek4",
      [&](gguf_context& metadata) {
        const auto count = [&](const std::string& key, unsigned value) { gguf_set_val_u32(&metadata, ("deepseek4." + key).c_str(), value); };
        const auto real = [&](const std::string& key, float value) { gguf_set_val_f32(&metadata, ("deepseek4." + key).c_str(), value); };
        count("context_length", 256);
        count("embedding_length", static_cast<unsigned>(of.width));
        count("block_count", static_cast<unsigned>(of.layers));
        count("attention.head_count_kv", 1);
        count("attention.key_length", 64);
        count("attention.value_length", 64);
        count("rope.dimension_count", 32);
        count("attention.q_lora_rank", 32);
        count("attention.output_group_count", 4);
        count("attention.output_lora_rank", 16);
        gguf_set_arr_data(&metadata, "deepseek4.attention.compress_ratios", GGUF_TYPE_UINT32, of.ratios.data(), of.ratios.size());
        real("attention.compress_rope_freq_base", 160000.0F);
        count("attention.indexer.head_count", 2);
        count("attention.indexer.key_length", 64);
        count("attention.indexer.top_k", 8);
        count("hyper_connection.count", of.streams);
        count("hyper_connection.sinkhorn_iterations", 3);
        real("hyper_connection.epsilon", 1e-6F);
        count("hash_layer_count", 0);
        real("swiglu_clamp_exp", 10.0F);
        real("expert_weights_scale", 1.0F);
        gguf_set_val_bool(&metadata, "deepseek4.expert_weights_norm", true);
        count("expert_feed_forward_length", 48);
        count("expert_count", of.experts);
        count("expert_used_count", 2);
        count("expert_shared_count", 1);
        count("expert_gating_func", 4);
      },
      [&](std::string_view name, const ggml_tensor& tensor, std::vector<float>& numbers) {
        if (also) {
          tensor_values values{numbers, tensor.ne[0], tensor.ne[1]};
          also(name, values);
        }
      });
}

/// What one run computes at one layer.
struct graph_values {
  std::vector<steer::matrix<float>> post;  ///< [T, S] for attention, then for the feed-forward part
  std::vector<steer::matrix<float>> comb;  ///< [T, S S] of each: from s to t at S s + t
  steer::matrix<float> logits;             ///< [T, V]
};

/// Runs a text without the adapter.
/// @param write  changes the streams between attention and the feed-forward part of that layer [T S, d]
inline graph_values run(llama_model& model, llama_context_params parameters, const std::vector<std::int32_t>& text, int layer,
                        const std::function<void(steer::matrix<float>&)>& write = {}) {
  struct watch {
    std::string suffix;
    const std::function<void(steer::matrix<float>&)>& write;
    graph_values out;
  } self{"-" + std::to_string(layer), write, {}};
  parameters.n_ubatch = parameters.n_batch;  // one micro-batch
  parameters.cb_eval_user_data = &self;
  parameters.cb_eval = [](ggml_tensor* t, bool ask, void* data) {
    auto& mine = *static_cast<watch*>(data);
    const std::string_view name = t->name;
    const bool is_post = name == "hc_post" + mine.suffix;
    const bool is_comb = name == "hc_comb" + mine.suffix;
    const bool is_between = mine.write && name == "hc_attn_post" + mine.suffix;
    if (ask) {
      return is_post || is_comb || is_between;
    }
    const auto tokens = is_post ? t->ne[1] : t->ne[2];
    if (is_post || is_comb) {
      steer::matrix<float> numbers(tokens, is_post ? t->ne[0] : t->ne[0] * t->ne[1]);
      ggml_backend_tensor_get(t, numbers.data(), 0, ggml_nbytes(t));
      (is_post ? mine.out.post : mine.out.comb).push_back(std::move(numbers));
    } else if (is_between) {
      steer::matrix<float> streams(t->ne[1] * t->ne[2], t->ne[0]);
      ggml_backend_tensor_get(t, streams.data(), 0, ggml_nbytes(t));
      mine.write(streams);
      ggml_backend_tensor_set(t, streams.data(), 0, ggml_nbytes(t));
    }
    return true;
  };
  const std::unique_ptr<llama_context, void (*)(llama_context*)> context(llama_init_from_model(&model, parameters), llama_free);
  llama_batch batch = llama_batch_init(static_cast<std::int32_t>(text.size()), 0, 1);
  for (std::size_t i = 0; i < text.size(); ++i) {
    batch.token[i] = text[i];
    batch.pos[i] = static_cast<llama_pos>(i);
    batch.n_seq_id[i] = 1;
    batch.seq_id[i][0] = 0;
    batch.logits[i] = 1;
  }
  batch.n_tokens = static_cast<std::int32_t>(text.size());
  const bool failed = llama_decode(context.get(), batch) != 0;
  llama_batch_free(batch);
  if (failed) {
    return {};
  }
  self.out.logits.resize(static_cast<Eigen::Index>(text.size()), tiny_model::vocabulary);
  for (Eigen::Index i = 0; i < self.out.logits.rows(); ++i) {
    const float* const row = llama_get_logits_ith(context.get(), static_cast<std::int32_t>(i));
    std::copy(row, row + tiny_model::vocabulary, self.out.logits.row(i).data());
  }
  return std::move(self.out);
}

}  // namespace deepseek_model
