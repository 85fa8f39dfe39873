// tiny_model.hpp: models of any architecture that llama.cpp knows, three layers of width 64 with random weights.
#pragma once

#include <ggml-backend.h>
#include <ggml.h>
#include <gguf.h>
#include <llama.h>

#include <array>
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdint>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace tiny_model {

using pointer = std::unique_ptr<llama_model, void (*)(llama_model*)>;

inline constexpr int layers = 3;
inline constexpr int width = 64;
inline constexpr int vocabulary = 64;

inline std::vector<std::int32_t> tokens(unsigned seed, std::size_t count) {
  std::mt19937 engine{seed};
  std::vector<std::int32_t> out(count);
  std::generate(out.begin(), out.end(), [&] { return static_cast<std::int32_t>(engine() % vocabulary); });
  return out;
}

/// @param also    adds to the metadata or replaces them; a vocabulary of its own has any size
/// @param change  changes a tensor's numbers
inline pointer make(const std::string& architecture, const std::function<void(gguf_context&)>& also = {},
                    const std::function<void(std::string_view name, const ggml_tensor& tensor, std::vector<float>& numbers)>& change = {}) {
  llama_log_set([](ggml_log_level, const char*, void*) {}, nullptr);
  llama_backend_init();
  const std::unique_ptr<gguf_context, void (*)(gguf_context*)> metadata(gguf_init_empty(), gguf_free);
  const auto text = [&](const char* key, const std::string& value) { gguf_set_val_str(metadata.get(), key, value.c_str()); };
  const auto count = [&](const char* key, unsigned value) {
    gguf_set_val_u32(metadata.get(), (architecture + "." + key).c_str(), value);
  };
  const auto real = [&](const char* key, float value) {
    gguf_set_val_f32(metadata.get(), (architecture + "." + key).c_str(), value);
  };
  const bool experts = architecture.ends_with("moe");
  text("general.architecture", architecture);
  text("general.name", "tiny " + architecture);
  text("tokenizer.ggml.model", "none");
  count("vocab_size", vocabulary);
  count("context_length", 128);
  count("embedding_length", width);
  count("block_count", layers);
  count("feed_forward_length", 96);
  count("attention.head_count", 4);
  count("attention.head_count_kv", 2);
  count("attention.key_length", 16);
  count("attention.value_length", 16);
  count("attention.sliding_window", 32);
  count("rope.dimension_count", 16);
  count("expert_count", experts ? 4 : 0);
  count("expert_used_count", experts ? 2 : 0);
  count("expert_feed_forward_length", 32);
  count("ssm.conv_kernel", 4);
  count("ssm.inner_size", 2 * width);
  count("ssm.state_size", 16);
  count("ssm.time_step_rank", 4);
  count("ssm.group_count", 1);
  count("expert_shared_count", 1);
  count("expert_gating_func", 1);
  count("interleave_moe_layer_step", 1);
  count("full_attention_interval", 3);
  count("attention.q_lora_rank", 16);
  count("attention.kv_lora_rank", 16);
  count("attention.indexer.head_count", 2);
  count("attention.indexer.key_length", 64);
  count("attention.indexer.top_k", 8);
  count("hyper_connection.sinkhorn_iterations", 3);
  real("hyper_connection.epsilon", 1e-6F);
  count("kda.head_dim", 16);
  count("shortconv.l_cache", 3);
  count("wkv.head_size", 64);
  for (const char* const rank : {"time_mix_extra_dim", "time_decay_extra_dim", "attention.decay_lora_rank", "attention.iclr_lora_rank",
                                 "attention.value_residual_mix_lora_rank", "attention.gate_lora_rank"}) {
    count(rank, 16);
  }
  constexpr std::array<std::uint32_t, 4> sections{4, 2, 2, 0};
  gguf_set_arr_data(metadata.get(), (architecture + ".rope.dimension_sections").c_str(), GGUF_TYPE_UINT32, sections.data(), sections.size());
  real("attention.layer_norm_rms_epsilon", 1e-5F);
  real("attention.layer_norm_epsilon", 1e-5F);
  real("logit_scale", 1.0F);
  real("residual_scale", 0.5F);
  real("embedding_scale", 2.0F);
  if (also) {
    also(*metadata);
  }
  struct state {
    std::mt19937 engine{1};
    decltype(change) also;
  } of{.also = change};
  const auto fill = [](ggml_tensor* tensor, void* data) {
    auto& mine = *static_cast<state*>(data);
    std::normal_distribution<float> normal(0.0F, 0.2F);
    std::vector<float> values(static_cast<std::size_t>(ggml_nelements(tensor)));
    for (float& value : values) {
      value = normal(mine.engine);
    }
    if (mine.also) {
      mine.also(tensor->name, *tensor, values);
    }
    ggml_backend_tensor_set(tensor, values.data(), 0, ggml_nbytes(tensor));
  };
  return {llama_model_init_from_user(metadata.get(), fill, &of, llama_model_default_params()), llama_model_free};
}

}  // namespace tiny_model
