// steer/adapter/llama_cpp/graph_watcher.ipp: the bodies of graph_watcher.hpp.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <ggml-backend.h>
#include <ggml.h>

#include "steer/adapter/llama_cpp/graph_watcher.hpp"
#include "steer/adapter/llama_cpp/micro_batches.hpp"
#include "steer/adapter/llama_cpp/tensor_names.hpp"
#include "steer/core/error.hpp"
#include "steer/core/model_shape.hpp"
#include "steer/core/real.hpp"
#include "steer/core/rows.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

/// What stands between "blk.N." and ".weight" in a weight's name, and N. On its way to another device a weight is copied and the
/// copy's name has more around it.
struct named_weight {
  std::string_view what;
  int layer;
};

inline std::optional<named_weight> weight_named(std::string_view name) noexcept {
  const std::size_t start = name.find("blk.");
  const std::size_t end = name.rfind(".weight");
  if (start == std::string_view::npos || end == std::string_view::npos || end < start + 4) {
    return std::nullopt;
  }
  name = name.substr(start + 4, end - start - 4);
  int layer = 0;
  while (!name.empty() && name.front() >= '0' && name.front() <= '9' && layer < 100'000) {
    layer = 10 * layer + (name.front() - '0');
    name.remove_prefix(1);
  }
  return name.starts_with(".") ? std::optional(named_weight{name.substr(1), layer}) : std::nullopt;
}

/// The last matrix of attention or of the feed-forward part, and how often weights were applied from it on: 1 is the product, more a
/// scale or bias after it.
struct projection {
  bool is_attention;
  int steps;
  int layer;
};

inline std::optional<projection> projection_of(const ggml_tensor& t, int most_steps = 3) noexcept {
  if (most_steps == 0 || t.src[0] == nullptr || t.src[1] == nullptr) {
    return std::nullopt;
  }
  if (t.op == GGML_OP_MUL_MAT) {
    const auto source = tensor_named(t.src[1]->name);
    if (source && source->what == llama_tensor::heads) {
      return projection{true, 1, source->layer};
    }
    const auto weight = weight_named(t.src[0]->name);
    const bool is_attention = weight && (weight->what == "attn_output" || weight->what == "ssm_out");
    const bool is_mlp = weight && weight->what == "ffn_down";
    return is_attention || is_mlp ? std::optional(projection{is_attention, 1, weight->layer}) : std::nullopt;
  }
  if ((t.op != GGML_OP_ADD && t.op != GGML_OP_MUL) || t.src[1]->op != GGML_OP_NONE) {
    return std::nullopt;
  }
  const auto before = projection_of(*t.src[0], most_steps - 1);
  return before ? std::optional(projection{before->is_attention, before->steps + 1, before->layer}) : std::nullopt;
}

/// What is known by its place in the graph.
inline std::optional<named_tensor> placed(const ggml_tensor& t) noexcept {
  using enum llama_tensor;
  if (std::string_view(t.name) == "ffn_post_norm" && t.src[1] != nullptr) {  // without its layer
    const auto weight = weight_named(t.src[1]->name);
    return weight ? std::optional(named_tensor{mlp_normed, weight->layer}) : std::nullopt;
  }
  if (t.op == GGML_OP_SCALE) {
    const ggml_tensor* of = t.src[0];
    while (of != nullptr && (of->op == GGML_OP_GET_ROWS || of->op == GGML_OP_RESHAPE)) {
      of = of->src[0];
    }
    if (of == nullptr) {
      return std::nullopt;
    }
    if (const auto found = projection_of(*of)) {
      return named_tensor{found->is_attention ? attention_scaled : mlp_scaled, found->layer};
    }
    const auto found = tensor_named(of->name);
    const bool is_attention = found && (found->what == attention || found->what == attention_output || found->what == attention_otherwise);
    const bool is_mlp = found && (found->what == mlp || found->what == mlp_otherwise || found->what == experts);
    return is_attention || is_mlp ? std::optional(named_tensor{is_attention ? attention_scaled : mlp_scaled, found->layer}) : std::nullopt;
  }
  if (t.op == GGML_OP_ADD) {
    const bool is_last = std::string_view(t.name) == "h_nextn";  // a block's output that draft layers read, too
    const ggml_tensor& from = is_last && t.src[0]->op == GGML_OP_ADD && t.src[1]->op == GGML_OP_NONE ? *t.src[0]->src[0] : *t.src[0];
    const auto first = tensor_named(from.name);
    if (first && is_last) {
      return named_tensor{block, first->layer};
    }
    if (first && first->what == experts) {  // and those that all tokens have
      return named_tensor{mlp_otherwise, first->layer};
    }
  }
  const auto found = projection_of(t);
  if (!found) {
    return std::nullopt;
  }
  constexpr std::array<llama_tensor, 3> of_attention{attention_projected, attention_projected_2, attention_projected_3};
  constexpr std::array<llama_tensor, 3> of_mlp{mlp_projected, mlp_projected_2, mlp_projected_3};
  return named_tensor{(found->is_attention ? of_attention : of_mlp)[static_cast<std::size_t>(found->steps) - 1], found->layer};
}

/// Whether something that was computed was added to a tensor and the sum got its name.
inline bool takes_a_name(const ggml_tensor& t) noexcept {
  const auto is_same = [&](const ggml_tensor* source) { return std::string_view(source->name) == t.name; };
  return t.op == GGML_OP_ADD && t.src[0]->op != GGML_OP_NONE && t.src[1]->op != GGML_OP_NONE && (is_same(t.src[0]) || is_same(t.src[1]));
}

STEER_BODY std::optional<named_tensor> named(const ggml_tensor& t, bool by_place) noexcept {
  const auto found = tensor_named(t.name);
  return found && !takes_a_name(t) ? found : by_place ? placed(t) : std::nullopt;
}

STEER_BODY const ggml_tensor* tokens_of(const ggml_tensor& t, int depth) noexcept {
  if (t.type == GGML_TYPE_I32 && std::string_view(t.name).find("inp_tokens") != std::string_view::npos) {
    return &t;
  }
  for (const ggml_tensor* source : t.src) {
    if (const ggml_tensor* found = source != nullptr && depth > 0 ? tokens_of(*source, depth - 1) : nullptr) {
      return found;
    }
  }
  return t.view_src != nullptr && depth > 0 ? tokens_of(*t.view_src, depth - 1) : nullptr;
}

STEER_BODY bool holds_rows(const ggml_tensor& t, int streams) noexcept {
  const bool is_one_piece = t.ne[2] == 1 || t.nb[2] == t.nb[1] * static_cast<std::size_t>(t.ne[1]);
  const bool as_many = is_one_piece && (streams == 1 || t.ne[1] == streams);
  return t.type == GGML_TYPE_F32 && t.nb[0] == sizeof(float) && as_many && t.ne[3] == 1 && t.nb[1] % sizeof(float) == 0;
}

/// The facts of tokens, once for each residual stream.
inline void repeat_for_streams(const std::vector<row_info>& tokens, int streams, std::vector<row_info>& out) {
  out.clear();
  for (const row_info& token : tokens) {
    for (int stream = 0; stream < streams; ++stream) {
      out.push_back(token);
      out.back().stream = static_cast<std::uint8_t>(stream);
    }
  }
}

STEER_BODY void graph_watcher::reserve(llama_cpp_memory memory, const model_shape& shape, std::size_t micro_batch) {
  memory_ = memory;
  wanted_.resize(static_cast<std::size_t>(shape.layers) * point_count);
  const auto widest = static_cast<std::size_t>(std::max(shape.width, shape.width_at(point::attention_heads)));
  const auto streams = static_cast<std::size_t>(shape.streams);
  staging_.reserve(widest * micro_batch * streams);
  all_streams_.reserve(streams * micro_batch);
  outputs_streams_.reserve(streams * micro_batch);
  all_.reserve(micro_batch);
  outputs_.reserve(micro_batch);
  tokens_.reserve(micro_batch);
}

STEER_BODY bool graph_watcher::announce(const model_shape& shape, std::span<const row_info> rows, std::span<const std::int8_t> output,
              std::size_t micro_batch) {
  failure_ = nullptr;
  if (look(shape)) {
    batch_ = micro_batches(rows, micro_batch);
    rows_ = rows;
    output_ = output;
    state_ = state::followed;
  } else {
    state_ = state::ignored;
  }
  return state_ == state::followed;
}

STEER_BODY std::exception_ptr graph_watcher::conclude() noexcept {
  state_ = state::unannounced;
  return std::exchange(failure_, nullptr);
}

STEER_BODY bool graph_watcher::on_node(ggml_tensor* t, bool ask, void* self) noexcept {
  auto& watcher = *static_cast<graph_watcher*>(self);
  if (!watcher.probe && (!watcher.hook || watcher.state_ == state::ignored)) {
    watcher.failure_ = nullptr;
    return !ask;
  }
  const auto name = named(*t, watcher.probe || watcher.table.by_place);
  if (!name) {
    return !ask;  // of a tensor that was not asked for nothing is said; false would end the graph
  }
  try {
    return ask ? watcher.wants(*t, *name) : (watcher.visit(*t, *name), true);
  } catch (...) {
    watcher.failure_ = std::current_exception();
    return !ask;
  }
}

STEER_BODY bool graph_watcher::look(const model_shape& shape) {
  bool any = false;
  for (int layer = 0; layer < shape.layers; ++layer) {
    for (const point p : all_points) {
      const bool shown = hook && shape.points.contains(p);
      const steer::access answer = shown ? hook->access({layer, p}) : steer::access::none;
      wanted({layer, p}) = answer;
      any |= answer != steer::access::none;
    }
  }
  return any;
}

STEER_BODY bool graph_watcher::wants(const ggml_tensor& t, named_tensor name) {
  if (probe) {
    return true;
  }
  if (name.what == llama_tensor::embeddings) {
    begin_micro_batch(t);
  }
  for (const auto& s : table.sites_of(name)) {
    if (s && wanted(*s) != steer::access::none) {
      return true;
    }
  }
  return false;
}

STEER_BODY void graph_watcher::begin_micro_batch(const ggml_tensor& t) {
  failure_ = nullptr;
  if (state_ != state::followed) {
    throw host_error(text({"llama.cpp: a batch went to ", actual("llama_decode"), " while a hook was set; use ",
                           expected("llama_cpp_host::decode"), ", which knows its rows"}));
  }
  const ggml_tensor* ids = tokens_of(t);
  if (ids == nullptr) {
    throw host_error(text({"llama.cpp: ", thing("a graph"), " does not show its ", expected("tokens"),
                           "; its rows cannot be told apart"}));
  }
  tokens_.resize(static_cast<std::size_t>(ids->ne[0]));
  ggml_backend_tensor_get(ids, tokens_.data(), 0, tokens_.size() * sizeof(std::int32_t));
  if (!batch_.next(tokens_)) {
    throw host_error(text({"llama.cpp: ", thing("a micro-batch"), " of ", actual(tokens_.size()), " tokens is no ",
                           expected({"part of the batch of ", rows_.size()}),
                           " in any order known; its rows cannot be told apart"}));
  }
  all_.clear();
  outputs_.clear();
  for (const std::int32_t row : batch_.rows()) {
    all_.push_back(rows_[static_cast<std::size_t>(row)]);
    if (!names.empty()) {
      all_.back().sequence = names[static_cast<std::size_t>(all_.back().sequence)];
    }
    if (output_[static_cast<std::size_t>(row)] != 0) {
      outputs_.push_back(all_.back());
    }
  }
  if (table.streams > 1) {
    repeat_for_streams(all_, table.streams, all_streams_);
    repeat_for_streams(outputs_, table.streams, outputs_streams_);
  }
}

STEER_BODY void graph_watcher::visit(ggml_tensor& t, named_tensor name) {
  if (probe) {
    probe(name, t);
    return;
  }
  if (failure_) {
    return;
  }
  const int streams = table.streams_of(name);
  const auto count = static_cast<std::size_t>(streams == 1 ? t.ne[1] * t.ne[2] : t.ne[2]);
  if (!holds_rows(t, streams) || (count != all_.size() && count != outputs_.size())) {
    throw host_error(
        text({"llama.cpp: ", thing({"tensor ", std::string_view(t.name)}), ", layer ", at_layer(name.layer), ", has ",
              actual(count), " rows", streams == 1 ? std::string() : text({" of ", t.ne[1], " streams"}), "; expected ",
              expected({"those of the micro-batch, ", all_.size(), ", or those with logits, ", outputs_.size()}),
              streams == 1 ? std::string() : text({", of ", streams, " streams"})}));
  }
  const std::vector<row_info>& info = count == all_.size() ? (streams == 1 ? all_ : all_streams_) : (streams == 1 ? outputs_ : outputs_streams_);
  const auto rows_here = static_cast<std::ptrdiff_t>(count) * streams;
  const ggml_backend_buffer_t buffer = t.view_src != nullptr ? t.view_src->buffer : t.buffer;
  if (memory_ == llama_cpp_memory::in_place && ggml_backend_buffer_is_host(buffer)) {
    call(name, {static_cast<float*>(t.data), rows_here, t.ne[0], static_cast<std::ptrdiff_t>(t.nb[1] / sizeof(float)), info});
    return;
  }
  if (!ggml_is_contiguous(&t)) {
    throw host_error(text({"llama.cpp: ", thing({"tensor ", std::string_view(t.name)}), ", layer ",
                           at_layer(name.layer), ", lies ", actual("in pieces"), " outside of host memory"}));
  }
  staging_.resize(static_cast<std::size_t>(rows_here * t.ne[0]));
  ggml_backend_tensor_get(&t, staging_.data(), 0, ggml_nbytes(&t));
  if (call(name, {staging_.data(), rows_here, t.ne[0], t.ne[0], info}) == steer::access::write) {
    ggml_backend_tensor_set(&t, staging_.data(), 0, ggml_nbytes(&t));
  }
}

STEER_BODY steer::access graph_watcher::call(named_tensor name, rows<float> activations) {
  steer::access most = steer::access::none;
  for (const auto& s : table.sites_of(name)) {
    if (s && wanted(*s) != steer::access::none) {
      (*hook)(*s, activations);
      most = std::max(most, wanted(*s));
    }
  }
  return most;
}

}  // namespace detail
}  // namespace v0
}  // namespace steer
