// architectures.hpp: every decoder of llama.cpp of which tiny_model can make one, and what the adapter finds in it.
#pragma once

#include <ggml.h>
#include <gguf.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <ostream>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "adapter/llama_cpp/tiny_model.hpp"

namespace architectures {

/// What llama.cpp does that a test must know.
enum class quirk : std::uint8_t {
  none,
  one_batch,  ///< it wants all rows in one micro-batch, or all with logits
  mixed,      ///< it lets one sequence of a batch change the others
};

struct architecture {
  const char* name;
  const char* points;  ///< r(esidual_in), (attention_)h(eads), a(ttention_out), m(lp_out), (residual_)o(ut)
  const char* keys = "";  ///< besides those that all have: "key=value" with a number, a list of numbers or a truth value, and the groups below
  int streams = 1;
  bool is_native = true;  ///< llama.cpp adds its own control vector where residual_out is
  architectures::quirk quirk = quirk::none;
  float gain = 1.0F;  ///< of what its branches write, where that is else too little to tell
};

/// For GoogleTest.
inline void PrintTo(const architecture& of, std::ostream* out) { *out << of.name; }

inline const char* group(const std::string& item) {
  return item == "experts" ? "expert_count=4 expert_used_count=2"
         : item == "mla"   ? "attention.key_length_mla=24 attention.value_length_mla=16 attention.key_length=24 attention.head_count_kv=1 "
                             "rope.dimension_count=8"
                           : nullptr;
}

/// Sets keys as the table has them; one that starts with '/' is not the architecture's.
inline void set_keys(gguf_context& metadata, const std::string& architecture, const char* keys) {
  std::istringstream items(keys);
  for (std::string item; items >> item;) {
    if (const char* const more = group(item)) {
      set_keys(metadata, architecture, more);
      continue;
    }
    const std::size_t equals = item.find('=');
    const std::string name = item[0] == '/' ? item.substr(1, equals - 1) : architecture + "." + item.substr(0, equals);
    const std::string value = item.substr(equals + 1);
    if (value == "true" || value == "false") {
      gguf_set_val_bool(&metadata, name.c_str(), value == "true");
    } else if (value.find(',') != std::string::npos) {
      std::vector<std::uint32_t> numbers;
      std::istringstream list(value);
      for (std::string number; std::getline(list, number, ',');) {
        numbers.push_back(static_cast<std::uint32_t>(std::stoul(number)));
      }
      gguf_set_arr_data(&metadata, name.c_str(), GGUF_TYPE_UINT32, numbers.data(), numbers.size());
    } else if (value.find('.') != std::string::npos) {
      gguf_set_val_f32(&metadata, name.c_str(), std::stof(value));
    } else {
      gguf_set_val_u32(&metadata, name.c_str(), static_cast<std::uint32_t>(std::stoul(value)));
    }
  }
}

inline tiny_model::pointer make(const architecture& of) {
  return tiny_model::make(
      of.name, [&](gguf_context& metadata) { set_keys(metadata, of.name, of.keys); },
      [&](std::string_view name, const ggml_tensor&, std::vector<float>& numbers) {
        const bool writes = std::ranges::any_of(std::array{"ssm_out.", "attn_output.", "ffn_down"},
                                                [&](const char* part) { return name.find(part) != std::string_view::npos; });
        std::ranges::transform(numbers, numbers.begin(), [&](float number) { return writes ? of.gain * number : number; });
      });
}

// clang-format off
inline const std::vector<architecture> all{
    {"afmoe", "ramo"}, {"arcee", "rhamo"}, {"baichuan", "rhamo"}, {"bailingmoe", "rhamo"}, {"bitnet", "rhamo"}, {"bloom", "rhamo"},
    {"chatglm", "rhamo"}, {"codeshell", "rhamo"}, {"cohere2", "rhamo"}, {"command-r", "rhamo"}, {"deci", "rhamo"}, {"ernie4_5", "rhamo"},
    {"ernie4_5-moe", "rhamo"}, {"exaone", "rhamo"}, {"exaone-moe", "rhamo"}, {"exaone4", "rhamo"}, {"falcon", "rhamo"},
    {"falcon-h1", "rhamo"}, {"gemma", "rhamo"}, {"gemma2", "rhamo"}, {"gemma3", "rhamo"}, {"glm4", "rhamo"}, {"glm4moe", "rhamo"},
    {"gpt2", "rhamo"}, {"granite", "rhamo"}, {"granitemoe", "rhamo"}, {"hunyuan-dense", "rhamo"}, {"hunyuan-moe", "rhamo"},
    {"hunyuan_vl", "rhamo"}, {"internlm2", "rhamo"}, {"jais", "rhamo"}, {"jais2", "rhamo"}, {"llama", "rhamo"}, {"maincoder", "rhamo"},
    {"mamba", "ro"}, {"mamba2", "ro"}, {"minicpm", "rhamo"}, {"mistral3", "rhamo"}, {"mpt", "rhamo"}, {"muse-glimmer", "ramo"},
    {"nanbeige", "rhamo"}, {"nemotron", "rhamo"}, {"olmo", "rhamo"}, {"olmo2", "rhamo"}, {"openelm", "rhamo"}, {"orion", "rhamo"},
    {"paddleocr", "rhamo"}, {"pangu-embedded", "rhamo"}, {"phi2", "rhamo"}, {"phi3", "rhamo"}, {"phimoe", "rhamo"}, {"plamo", "rhamo"},
    {"plamo3", "rhamo"}, {"pockettts", "rhamo"}, {"qwen", "rhamo"}, {"qwen2", "rhamo"}, {"qwen2moe", "rhamo"}, {"qwen2vl", "rhamo"},
    {"qwen3", "rhamo"}, {"qwen3moe", "rhamo"}, {"qwen3vl", "rhamo"}, {"qwen3vlmoe", "rhamo"}, {"refact", "rhamo"}, {"rwkv7", "o"},
    {"seed_oss", "rhamo"}, {"smollm3", "rhamo"}, {"stablelm", "rhamo"}, {"starcoder", "rhamo"}, {"starcoder2", "rhamo"}, {"talkie", "rho"},
    {"xverse", "rhamo"},
    {"apertus", "rhamo", "/xielu.alpha_n=0.8 /xielu.alpha_p=0.8 /xielu.beta=0.5 /xielu.eps=-0.000001"},
    {"arctic", "rho", "experts"},
    {"arwkv7", "ro", "token_shift_count=1", 1, true, quirk::mixed},
    {"bailingmoe2", "rhamo", "experts expert_gating_func=2"},
    {"bailingmoe3", "ramo", "experts mla leading_dense_block_count=1 kda.gate_lower_bound=-5.0 attention.head_count_kv=0,1,0"},
    {"chameleon", "rhamo", "vocab_size=8256", 1, true, quirk::one_batch},
    {"cogvlm", "rhamo", "", 1, true, quirk::one_batch},
    {"cohere2moe", "rhamo", "leading_dense_block_count=1"},
    {"dbrx", "rhamo", "experts attention.clamp_kqv=8.0"},
    {"deepseek", "rhamo", "experts"},
    {"deepseek2", "rhamo", "experts mla"},
    {"deepseek2-ocr", "rhamo", "experts attention.head_count_kv=4"},
    {"deepseek32", "rhamo", "experts mla"},
    {"deepseek4", "ramo",
     "experts expert_gating_func=4 attention.q_lora_rank=32 expert_weights_scale=1.0 expert_weights_norm=true "
     "attention.output_group_count=4 attention.output_lora_rank=16 attention.compress_ratios=4,0,128 "
     "attention.compress_rope_freq_base=160000.0 hyper_connection.count=4 hash_layer_count=0 swiglu_clamp_exp=10.0 "
     "attention.head_count_kv=1 attention.key_length=64 attention.value_length=64", 4},
    {"dots1", "rhamo", "experts attention.head_count_kv=4"},
    {"dots3note", "ramo",
     "experts mla leading_dense_block_count=1 attention.kv_lora_rank=56 attention.sliding_window_pattern=1,0,1 "
     "rope.freq_base_swa=10000.0 attention.kv_lora_rank_swa=56 attention.key_length_mla_swa=24 attention.value_length_mla_swa=16 "
     "attention.indexer.types=1,1,1 attention.key_length=64"},
    {"dream", "rhamo", "", 1, true, quirk::one_batch},
    {"gemma4", "rho",
     "attention.sliding_window_pattern=1,0,1 attention.key_length_swa=16 attention.value_length_swa=16 "
     "embedding_length_per_layer_input=16"},
    {"glm-dsa", "rhamo", "experts mla"},
    {"glm5-next", "ramo",
     "experts attention.key_length_mla=16 attention.value_length_mla=16 rope.dimension_count=0 attention.indexer.kpool=2 "
     "hyper_connection.count=4 attention.head_count_kv=0,1,0", 4},
    {"gpt-oss", "rhamo", "experts"},
    {"gptneox", "rhamo", "use_parallel_residual=true"},
    {"granite_swa", "rhamo", "attention.sliding_window_pattern=1,0,1"},
    {"granitehybrid", "ramo", "experts attention.head_count_kv=0,2,0"},
    {"grok", "rhamo", "experts"},
    {"grovemoe", "rhamo", "expert_group_scale=0.5 experts_per_group=2"},
    {"hrm_text", "o", "hrm.layers_per_stack=1 hrm.h_cycles=1 hrm.l_cycles=2"},
    {"hy_v3", "rhamo", "experts leading_dense_block_count=1"},
    {"hy_v4", "ramo", "experts mla hyper_connection.count=3 hyper_connection.magnitude=1.0 attention.indexer.types=1,1,1", 3, false},
    {"hy_v4", "ramo", "experts mla hyper_connection.count=2 hyper_connection.magnitude=1.0 attention.indexer.types=1,1,1", 2, false},
    {"jamba", "ramo", "experts attention.head_count_kv=0,2,0"},
    {"kimi-k3", "o", "experts mla attn_res.block_size=1 activation.situ_beta=1.0 activation.situ_linear_beta=1.0 attention.head_count_kv=0,1,0"},
    {"kimi-linear", "ramo", "experts mla attention.head_count_kv=0,1,0 leading_dense_block_count=1"},
    {"laguna", "ramo", "experts leading_dense_block_count=1"},
    {"lfm2", "ramo", "attention.head_count_kv=0,2,0"},
    {"lfm2moe", "ramo", "attention.head_count_kv=0,2,0"},
    {"llada", "rhamo", "", 1, true, quirk::one_batch},
    {"llada-moe", "rhamo", "", 1, true, quirk::one_batch},
    {"llama4", "rhamo", "experts expert_used_count=1 block_count=4"},
    {"maple", "rhamo", "experts attention.sliding_window_pattern=1,0,1 swiglu_clamp_exp=7.0"},
    {"mellum", "rhamo", "experts"},
    {"mimo2", "rhamo", "experts attention.sliding_window_pattern=1,0,1 leading_dense_block_count=1"},
    {"minicpm3", "rhamo", "attention.head_count_kv=4"},
    {"minimax-01", "o", "experts"},
    {"minimax-m2", "rhamo", "experts"},
    {"minimax-m3", "rhamo", "experts attention.indexer.block_size=4 attention.indexer.local_blocks=1"},
    {"mistral4", "rhamo", "experts mla"},
    {"nemotron_h", "ro", "attention.head_count_kv=0,2,0 feed_forward_length=0,0,96", 1, false},
    {"nemotron_h_moe", "ro", "expert_shared_feed_forward_length=32 attention.head_count_kv=0,2,0 feed_forward_length=0,0,96", 1, false},
    {"olmoe", "rhamo", "attention.head_count_kv=4"},
    {"plamo2", "ramo", "ssm.group_count=0 attention.head_count_kv=0,2,0", 1, false, quirk::mixed},
    {"qwen35", "ramo", "ssm.inner_size=64"},
    {"qwen35moe", "ramo", "ssm.inner_size=64"},
    {"qwen3next", "ramo", "experts ssm.inner_size=64"},
    {"qwen4exp", "ramo", "experts ssm.inner_size=64 hyper_connection.count=4 hyper_connection.low_rank=8", 4, false, quirk::none, 100.0F},
    {"rnd1", "rhamo", "experts", 1, true, quirk::one_batch},
    {"rwkv6", "o", "attention.head_count_kv=1"},
    {"smallthinker", "rhamo", "experts"},
    {"spark2_5", "ramo", "attention.sliding_window_pattern=1,0,1"},
    {"step35", "ramo", "experts attention.sliding_window_pattern=1,0,1 leading_dense_block_count=1"},
};
// clang-format on

}  // namespace architectures
