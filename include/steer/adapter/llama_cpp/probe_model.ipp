// steer/adapter/llama_cpp/probe_model.ipp: the bodies of probe_model.hpp.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <Eigen/Core>
#include <llama.h>

#include "steer/adapter/llama_cpp/graph_watcher.hpp"
#include "steer/adapter/llama_cpp/probe_model.hpp"
#include "steer/adapter/llama_cpp/tensor_names.hpp"
#include "steer/core/error.hpp"
#include "steer/core/model_shape.hpp"
#include "steer/core/real.hpp"
#include "steer/io/bytes.hpp"
#include "steer/io/sha256.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

STEER_BODY std::string metadata(const llama_model& model, const char* key) {
  std::string value(256, '\0');
  const std::int32_t size = llama_model_meta_val_str(&model, key, value.data(), value.size());
  value.resize(size < 0 ? 0 : std::min(value.size() - 1, static_cast<std::size_t>(size)));
  return value;
}

STEER_BODY std::string model_name(const llama_model& model) {
  const std::string name = metadata(model, "general.name");
  return name.empty() ? metadata(model, "general.architecture") : name;
}

STEER_BODY std::string fingerprint_of(const llama_model& model) {
  const std::string architecture = metadata(model, "general.architecture");
  sha256 digest;
  const auto mix = [&](std::string_view value) {
    digest.update(bytes_of(value));
    digest.update(bytes_of(std::string_view("\0", 1)));
  };
  mix(model_name(model));
  mix(text(llama_model_n_params(&model)));
  std::map<std::string, std::string> sorted;
  for (std::int32_t i = 0; i < llama_model_meta_count(&model); ++i) {
    std::string key(256, '\0');
    const std::int32_t size = llama_model_meta_key_by_index(&model, i, key.data(), key.size());
    key.resize(size < 0 ? 0 : std::min(key.size() - 1, static_cast<std::size_t>(size)));
    if (key.starts_with(architecture + ".")) {
      sorted[key] = metadata(model, key.c_str());
    }
  }
  for (const auto& [key, value] : sorted) {
    mix(key);
    mix(value);
  }
  return text({"gguf:", digest.hex().substr(0, 16)});
}

STEER_BODY probed_tensors run_one_token(llama_context* context, graph_watcher& watcher) {
  const llama_vocab* vocabulary = llama_model_get_vocab(llama_get_model(context));
  probed_tensors seen;
  watcher.probe = [&](named_tensor name, const ggml_tensor& t) {
    const auto [entry, first] = seen.try_emplace(name);
    if (first && holds_rows(t) && t.ne[1] == 1) {
      entry->second.resize(t.ne[0]);
      ggml_backend_tensor_get(&t, entry->second.data(), 0, static_cast<std::size_t>(t.ne[0]) * sizeof(float));
    } else {
      entry->second.resize(0);
    }
  };
  llama_token token = llama_vocab_bos(vocabulary);
  token = token < 0 || token >= llama_vocab_n_tokens(vocabulary) ? 0 : token;
  const std::int32_t failed = llama_decode(context, llama_batch_get_one(&token, 1));
  llama_synchronize(context);
  watcher.probe = nullptr;
  if (failed != 0) {
    throw host_error(
        text({"llama.cpp: cannot run one token of ", thing({"model \"", model_name(*llama_get_model(context)), "\""}),
              ": llama_decode returned ", actual(failed)}));
  }
  if (!seen.contains({llama_tensor::embeddings, 0})) {
    throw host_error(text({"llama.cpp: the graph of ", thing({"model \"", model_name(*llama_get_model(context)), "\""}),
                           " has no ", expected("tensor embd"), ", by which micro-batches are told apart"}));
  }
  llama_memory_clear(llama_get_memory(context), true);
  return seen;
}

STEER_BODY probed_model recognise(const probed_tensors& seen, model_shape shape) {
  using enum llama_tensor;
  const auto find = [&](llama_tensor what, int layer) -> const Eigen::VectorXf* {
    const auto found = seen.find({what, layer});
    return found == seen.end() || found->second.size() == 0 ? nullptr : &found->second;
  };
  const auto has = [&](llama_tensor what, int layer) {
    const Eigen::VectorXf* values = find(what, layer);
    return values != nullptr && values->size() == shape.width;
  };
  probed_model out{std::move(shape), {}};
  const int layers = out.shape.layers;
  for (int layer = 0; layer < layers; ++layer) {
    const auto block_tensor = has(block, layer) ? block : last_block;
    if (!has(block_tensor, layer)) {
      out.table.block.clear();
      return out;  // no residual stream: no point
    }
    out.table.block.push_back(block_tensor);
  }
  out.shape.points.insert(point::residual_out);
  out.table.input = has(scaled_embeddings, 0) ? scaled_embeddings : embeddings;
  if (has(out.table.input, 0)) {
    out.shape.points.insert(point::residual_in);
  }

  const Eigen::VectorXf* first = find(heads, 0);
  out.table.heads = first != nullptr && out.shape.heads > 0 && first->size() % out.shape.heads == 0;
  for (int layer = 1; layer < layers; ++layer) {
    const Eigen::VectorXf* next = find(heads, layer);
    out.table.heads = out.table.heads && next != nullptr && next->size() == first->size();
  }
  if (out.table.heads) {
    out.shape.head_width = first->size() / out.shape.heads;
    out.shape.points.insert(point::attention_heads);
  }

  for (int layer = 0; layer < layers; ++layer) {
    const auto before = layer == 0 ? find(out.table.input, 0) : find(out.table.block[std::size_t(layer) - 1], layer - 1);
    const auto& after = *find(out.table.block[std::size_t(layer)], layer);
    std::optional<std::pair<llama_tensor, llama_tensor>> parts;
    for (const auto a : {attention, attention_normed, attention_projected_3, attention_projected_2, attention_projected}) {
      for (const auto m : {mlp, mlp_normed, experts}) {
        if (!parts && before != nullptr && has(a, layer) && has(m, layer)) {
          const Eigen::VectorXf sum = *before + *find(a, layer) + *find(m, layer);
          constexpr float rounding = 1e-4F;
          if ((sum - after).norm() <= rounding * (before->norm() + after.norm())) {
            parts = std::pair{a, m};
          }
        }
      }
    }
    if (!parts) {
      out.table.attention.clear();
      out.table.mlp.clear();
      return out;
    }
    out.table.attention.push_back(parts->first);
    out.table.mlp.push_back(parts->second);
  }
  out.shape.points.insert(point::attention_out);
  out.shape.points.insert(point::mlp_out);
  return out;
}

STEER_BODY probed_model probe_model(llama_context* context, graph_watcher& watcher, std::string fingerprint) {
  const llama_model& model = *llama_get_model(context);
  model_shape shape;
  shape.name = model_name(model);
  shape.fingerprint = fingerprint.empty() ? fingerprint_of(model) : std::move(fingerprint);
  shape.layers = llama_model_n_layer(&model);
  shape.width = llama_model_n_embd(&model);
  shape.heads = std::max(0, llama_model_n_head(&model));
  shape.facts = {row_fact::token, row_fact::position, row_fact::sequence, row_fact::phase, row_fact::prompt_length};
  probed_model found = recognise(run_one_token(context, watcher), std::move(shape));
  if (found.shape.points.empty()) {
    throw host_error(
        text({"llama.cpp: ", thing({"architecture \"", metadata(model, "general.architecture"), "\""}), " of model \"",
              found.shape.name, "\" has no ", expected({"tensor l_out-N of width ", found.shape.width}),
              " in all of its ", found.shape.layers, " layers; there is nothing to hook into"}));
  }
  return found;
}

}  // namespace detail
}  // namespace v0
}  // namespace steer
