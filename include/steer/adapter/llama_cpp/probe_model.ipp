// steer/adapter/llama_cpp/probe_model.ipp: the bodies of probe_model.hpp.
#pragma once

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>
#include <Eigen/Core>
#include <ggml-backend.h>
#include <ggml.h>
#include <llama.h>

#include "steer/adapter/llama_cpp/graph_watcher.hpp"
#include "steer/adapter/llama_cpp/probe_model.hpp"
#include "steer/adapter/llama_cpp/tensor_names.hpp"
#include "steer/core/error.hpp"
#include "steer/core/matrix.hpp"
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

STEER_BODY int streams_of(const llama_model& model) {
  const std::string architecture = metadata(model, "general.architecture");
  const std::string said = metadata(model, (architecture + ".hyper_connection.count").c_str());
  int streams = 1;
  const auto [end, failure] = std::from_chars(said.data(), said.data() + said.size(), streams);
  const bool is_number = failure == std::errc{} && end == said.data() + said.size();
  constexpr int only = 4;  // an assertion of the graph
  constexpr int most = 64;
  const bool is_fixed = architecture == "deepseek4" || architecture == "glm5-next";
  const bool fits = is_fixed ? streams == only : streams >= 1 && streams <= most;
  if (!said.empty() && !(is_number && fits)) {
    throw host_error(text({"llama.cpp: ", thing({"model \"", model_name(model), "\""}), " has ", actual(said), " residual streams; its ",
                           architecture, " runs with ", expected(is_fixed ? text({only}) : text({"1 to ", most}))}));
  }
  return streams;
}

/// What a control vector is made of while a model is probed: too small to change a number that is not smaller still.
inline constexpr float trace = 1e-30F;

/// Whether a block's output is what was computed plus a control vector of traces.
inline bool adds_traces(const ggml_tensor& t, std::ptrdiff_t width) {
  const ggml_tensor* const added = t.src[1];
  if (t.op != GGML_OP_ADD || added == nullptr || added->type != GGML_TYPE_F32 || ggml_nelements(added) != width) {
    return false;
  }
  std::vector<float> numbers(static_cast<std::size_t>(width));
  ggml_backend_tensor_get(added, numbers.data(), 0, numbers.size() * sizeof(float));
  return std::all_of(numbers.begin(), numbers.end(), [](float number) { return number == trace; });
}

/// What may be a block's output, in the order in which they are looked for.
inline constexpr std::array blocks{llama_tensor::hybrid_block, llama_tensor::block, llama_tensor::last_block, llama_tensor::residual_block};

/// The named tensors that a block's output is a sum of, down to the block before it; factors and choices of rows are no matter.
inline void find_terms(const ggml_tensor& t, int layer, std::set<named_tensor>& out, int most_steps = 64) {
  const std::string_view name = t.name;
  const std::size_t from = name.find('#');  // a copy on another device is "DEVICE#name#number"
  const auto found = tensor_named(from == std::string_view::npos ? name : name.substr(from + 1, name.rfind('#') - from - 1));
  if (found) {
    out.insert(*found);
  }
  const bool is_before = found && found->layer != layer && std::ranges::find(blocks, found->what) != blocks.end();
  if (most_steps == 0 || is_before) {
    return;
  }
  const auto follow = [&](const ggml_tensor* source) {
    if (source != nullptr) {
      find_terms(*source, layer, out, most_steps - 1);
    }
  };
  const bool by_a_weight = t.op == GGML_OP_MUL && t.src[1] != nullptr && t.src[1]->op == GGML_OP_NONE;
  if (t.op == GGML_OP_ADD) {
    follow(t.src[1]);
  }
  constexpr std::array passing{GGML_OP_ADD, GGML_OP_SCALE, GGML_OP_RESHAPE, GGML_OP_VIEW, GGML_OP_CONT, GGML_OP_CPY, GGML_OP_GET_ROWS};
  if (by_a_weight || std::ranges::find(passing, t.op) != passing.end()) {
    follow(t.src[0]);
  }
}

/// Runs one token and empties the cache again.
inline void run_one_token(llama_context* context) {
  const llama_vocab* vocabulary = llama_model_get_vocab(llama_get_model(context));
  llama_token token = llama_vocab_bos(vocabulary);
  token = token < 0 || token >= llama_vocab_n_tokens(vocabulary) ? 0 : token;
  const std::int32_t failed = llama_decode(context, llama_batch_get_one(&token, 1));
  llama_synchronize(context);
  if (failed != 0) {
    throw host_error(
        text({"llama.cpp: cannot run one token of ", thing({"model \"", model_name(*llama_get_model(context)), "\""}),
              ": llama_decode returned ", actual(failed)}));
  }
  llama_memory_clear(llama_get_memory(context), true);
}

STEER_BODY probed_tensors watch_one_token(llama_context* context, graph_watcher& watcher, const model_shape& shape) {
  probed_tensors seen;
  bool shows_tokens = false;
  watcher.probe = [&](named_tensor name, const ggml_tensor& t) {
    if (std::ranges::find(blocks, name.what) != blocks.end()) {
      find_terms(t, name.layer, seen.terms[name]);
    }
    if (tensor_named(t.name) != name) {
      seen.placed.insert(name);
    }
    shows_tokens |= name.what == llama_tensor::embeddings && tokens_of(t) != nullptr;
    const auto [entry, first] = seen.rows.try_emplace(name);
    const auto streams = static_cast<int>(t.ne[1]);  // there is one token
    if (first && t.ne[2] == 1 && (streams == 1 || streams == shape.streams) && holds_rows(t, streams)) {
      entry->second.resize(streams, t.ne[0]);
      for (std::ptrdiff_t row = 0; row < streams; ++row) {
        ggml_backend_tensor_get(&t, entry->second.row(row).data(), static_cast<std::size_t>(row) * t.nb[1],
                                static_cast<std::size_t>(t.ne[0]) * sizeof(float));
      }
    } else {
      entry->second.resize(0, 0);
      seen.others[name] = text({"[", t.ne[0], ", ", t.ne[1], ", ", t.ne[2], ", ", t.ne[3], "]"});
    }
  };
  run_one_token(context);
  // Once more with a control vector: where it is added a tensor that had two names has one.
  watcher.probe = [&](named_tensor name, const ggml_tensor& t) {
    if (std::ranges::find(blocks, name.what) != blocks.end() && adds_traces(t, shape.width)) {
      seen.native.insert(name);
    }
  };
  const int last = shape.layers - 1;
  const auto width = static_cast<std::int32_t>(shape.width);
  const std::vector<float> traces(static_cast<std::size_t>(std::max(last, 0)) * static_cast<std::size_t>(shape.width), trace);
  if (!traces.empty() && llama_set_adapter_cvec(context, traces.data(), traces.size(), width, 1, last) == 0) {
    run_one_token(context);
    if (llama_set_adapter_cvec(context, nullptr, 0, width, -1, -1) != 0) {
      throw host_error(text({"llama.cpp: ", thing("llama_set_adapter_cvec"), " refuses to clear the control vector"}));
    }
  }
  watcher.probe = nullptr;
  if (!shows_tokens) {
    throw host_error(text({"llama.cpp: the graph of ", thing({"model \"", model_name(*llama_get_model(context)), "\""}),
                           " has no ", expected("tensor embd"), " of its tokens, by which micro-batches are told apart"}));
  }
  return seen;
}

STEER_BODY bool are_mixed(const matrix<float>& before, const matrix<float>& attention, const matrix<float>& mlp, const matrix<float>& after) {
  constexpr double rounding = 1e-4;
  const auto lie_in_span = [&](bool with_attention, bool with_mlp) {
    matrix<double> basis(before.rows() + 2, before.cols());
    Eigen::Index rank = 0;
    const auto take_out_span = [&](Eigen::RowVectorX<double>& row) {
      for (Eigen::Index i = 0; i < rank; ++i) {
        row -= row.dot(basis.row(i)) * basis.row(i);
      }
    };
    const auto add = [&](const matrix<float>& rows) {
      for (Eigen::Index row = 0; row < rows.rows(); ++row) {
        Eigen::RowVectorX<double> left = rows.row(row).cast<double>();
        const double length = left.norm();
        take_out_span(left);
        take_out_span(left);  // what rounding has left
        if (left.norm() > rounding * length) {
          basis.row(rank++) = left.normalized();
        }
      }
    };
    add(before);
    if (with_attention) {
      add(attention);
    }
    if (with_mlp) {
      add(mlp);
    }
    for (Eigen::Index row = 0; row < after.rows(); ++row) {
      Eigen::RowVectorX<double> left = after.row(row).cast<double>();
      const double length = left.norm();
      take_out_span(left);
      if (left.norm() > rounding * length) {
        return false;
      }
    }
    return true;
  };
  return lie_in_span(true, true) && !lie_in_span(true, false) && !lie_in_span(false, true);
}

STEER_BODY probed_model recognise(const probed_tensors& seen, model_shape shape) {
  using enum llama_tensor;
  const auto find = [&](llama_tensor what, int layer) -> const matrix<float>* {
    const auto found = seen.rows.find({what, layer});
    return found == seen.rows.end() || found->second.size() == 0 ? nullptr : &found->second;
  };
  const auto has = [&](llama_tensor what, int layer, int streams = 1) {
    const matrix<float>* values = find(what, layer);
    return values != nullptr && values->rows() == streams && values->cols() == shape.width;
  };
  probed_model out{std::move(shape), {}};
  const int layers = out.shape.layers;
  const int streams = out.shape.streams;
  for (int layer = 0; layer < layers; ++layer) {
    const auto found = std::ranges::find_if(blocks, [&](llama_tensor what) { return has(what, layer, streams); });
    if (found == blocks.end()) {
      out.table.block.clear();
      return out;  // no residual stream: no point
    }
    out.table.block.push_back(*found);
    out.table.by_place |= seen.placed.contains({*found, layer});
    out.table.native = layer == 0 || (out.table.native && seen.native.contains({*found, layer}));
  }
  out.table.streams = streams;
  out.shape.points.insert(point::residual_out);
  for (const auto input : {embeddings, scaled_embeddings, normed_embeddings, placed_embeddings}) {  // the last one enters the blocks
    out.table.input = has(input, 0) ? input : out.table.input;
  }
  out.table.input = streams > 1 ? stream_embeddings : out.table.input;

  const matrix<float>* first = find(heads, 0);
  out.table.heads = first != nullptr && first->rows() == 1 && out.shape.heads > 0 && first->size() % out.shape.heads == 0;
  for (int layer = 1; layer < layers; ++layer) {
    const matrix<float>* next = find(heads, layer);
    out.table.heads = out.table.heads && next != nullptr && next->rows() == 1 && next->size() == first->size();
  }
  if (out.table.heads) {
    out.shape.head_width = first->size() / out.shape.heads;
    out.shape.points.insert(point::attention_heads);
  }

  bool continues = has(out.table.input, 0, streams);
  for (int layer = 1; layer <= layers && streams == 1; ++layer) {
    const named_tensor before =
        layer == 1 ? named_tensor{out.table.input, 0} : named_tensor{out.table.block[std::size_t(layer) - 2], layer - 2};
    const auto terms = seen.terms.find({out.table.block[std::size_t(layer) - 1], layer - 1});
    continues = continues && terms != seen.terms.end() && terms->second.contains(before);
  }
  if (continues) {
    out.shape.points.insert(point::residual_in);
  }

  for (int layer = 0; layer < layers; ++layer) {
    const auto before = layer == 0 ? find(out.table.input, 0) : find(out.table.block[std::size_t(layer) - 1], layer - 1);
    const auto& after = *find(out.table.block[std::size_t(layer)], layer);
    std::optional<std::pair<llama_tensor, llama_tensor>> parts;
    for (const auto a : {attention, attention_output, attention_normed, attention_otherwise, attention_scaled, attention_projected_3,
                         attention_projected_2, attention_projected}) {
      for (const auto m : {mlp, mlp_normed, experts, mlp_otherwise, mlp_scaled, mlp_projected_3, mlp_projected_2, mlp_projected}) {
        if (parts || before == nullptr || !has(a, layer) || !has(m, layer)) {
          continue;
        }
        constexpr float rounding = 1e-4F;
        const bool sum_up = streams > 1 ? are_mixed(*before, *find(a, layer), *find(m, layer), after)
                                        : (*before + *find(a, layer) + *find(m, layer) - after).norm() <= rounding * (before->norm() + after.norm());
        if (sum_up) {
          parts = std::pair{a, m};
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
    out.table.by_place |= seen.placed.contains({parts->first, layer}) || seen.placed.contains({parts->second, layer});
  }
  out.shape.points.insert(point::residual_in);
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
  shape.streams = streams_of(model);
  shape.heads = std::max(0, llama_model_n_head(&model));
  shape.facts = {row_fact::token, row_fact::position, row_fact::sequence, row_fact::phase, row_fact::prompt_length};
  const probed_tensors seen = watch_one_token(context, watcher, shape);
  probed_model found = recognise(seen, std::move(shape));
  if (found.shape.points.empty()) {
    const auto odd = seen.others.find({llama_tensor::block, 0});
    throw host_error(
        text({"llama.cpp: ", thing({"architecture \"", metadata(model, "general.architecture"), "\""}), " of model \"",
              found.shape.name, "\" has no ", expected({"tensor l_out-N of width ", found.shape.width}),
              " in all of its ", found.shape.layers, " layers; there is nothing to hook into",
              odd == seen.others.end() ? std::string() : text({": l_out-0 of one token is ", odd->second})}));
  }
  return found;
}

}  // namespace detail
}  // namespace v0
}  // namespace steer
