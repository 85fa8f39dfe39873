// tests/examples/transformer/tiny_model.hpp: small random models, their files, and hooks that watch or write.
#pragma once

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "steer/core/hook.hpp"
#include "steer/io/safetensors.hpp"
#include "transformer/batch.hpp"
#include "transformer/model.hpp"
#include "transformer/sampler.hpp"

namespace transformer_test {

using reference::extent;
using reference::matrix;

/// Grouped-query attention, and sizes that no vector register divides.
inline reference::config tiny_config(bool tied = true) {
  return {.layers = 3, .width = 18, .hidden = 29, .heads = 3, .kv_heads = 1, .head_width = 6, .vocabulary = 41,
          .context = 24, .tied = tied};
}

/// In hyper-connections.
inline reference::config tiny_config_of_streams(int streams) {
  reference::config c = tiny_config();
  c.streams = streams;
  c.sinkhorn_iterations = 3;
  c.stream_epsilon = 1e-6F;
  return c;
}

inline reference::weights random_weights(const reference::config& c, std::uint64_t seed) {
  std::mt19937_64 engine(seed);
  reference::weights w;
  w.layers.resize(static_cast<std::size_t>(c.layers));
  reference::for_each_tensor(c, w, [&](const std::string&, extent rows, extent cols, auto& tensor) {
    tensor.resize(rows, cols);
    for (extent i = 0; i < tensor.size(); ++i) {
      tensor.data()[i] = static_cast<float>(reference::uniform(engine) - 0.5) * (cols == 1 ? 2.0F : 0.8F);
    }
  });
  return w;
}

inline std::shared_ptr<const reference::model> tiny_model(std::uint64_t seed, const reference::config& c = tiny_config()) {
  return std::make_shared<const reference::model>(c, random_weights(c, seed), "tiny");
}

inline std::vector<std::int32_t> random_tokens(std::uint64_t seed, std::size_t count, int vocabulary) {
  std::mt19937_64 engine(seed);
  std::vector<std::int32_t> tokens(count);
  for (std::int32_t& token : tokens) {
    token = static_cast<std::int32_t>(reference::uniform(engine) * vocabulary);
  }
  return tokens;
}

/// A whole prompt, of which every row wants logits.
inline std::vector<reference::row> prompt_rows(const std::vector<std::int32_t>& tokens, std::int32_t sequence = 0) {
  std::vector<reference::row> rows;
  for (const std::int32_t token : tokens) {
    rows.push_back({token, sequence, steer::phase::prompt, static_cast<std::int32_t>(tokens.size()), reference::output::logits});
  }
  return rows;
}

/// A file that is gone with its object.
class scratch_file {
 public:
  explicit scratch_file(const std::string& extension) {
    static std::mt19937_64 names(std::random_device{}());
    path_ = std::filesystem::temp_directory_path() / ("steer_transformer_" + std::to_string(names()) + extension);
  }
  scratch_file(const scratch_file&) = delete;
  scratch_file& operator=(const scratch_file&) = delete;
  ~scratch_file() {
    std::error_code ignored;
    std::filesystem::remove(path_, ignored);
  }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  [[nodiscard]] std::string name() const { return path_.string(); }
  void write(const std::string& bytes) const {
    std::ofstream(path_, std::ios::binary | std::ios::trunc).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  }

 private:
  std::filesystem::path path_;
};

/// The bytes of a llama2.c version 0 checkpoint; RoPE pairs become neighbours again.
inline std::string llama2c_bytes(const reference::config& c, const reference::weights& w) {
  std::string out;
  const auto put = [&](const void* data, std::size_t size) { out.append(static_cast<const char*>(data), size); };
  for (const std::int32_t field :
       {c.width, c.hidden, c.layers, c.heads, c.kv_heads, c.tied ? c.vocabulary : -c.vocabulary, c.context}) {
    put(&field, sizeof field);
  }
  const auto tensor = [&](const auto& t) { put(t.data(), static_cast<std::size_t>(t.size()) * sizeof(float)); };
  const auto each = [&](auto member) {
    for (const auto& layer : w.layers) {
      tensor(layer.*member);
    }
  };
  const auto each_rotated = [&](auto member) {
    for (const auto& layer : w.layers) {
      const matrix& halves = layer.*member;
      matrix pairs = halves;
      for (extent row = 0; row < halves.rows(); ++row) {
        const extent j = row % c.head_width;
        const extent half = c.head_width / 2;
        pairs.row(row - j + (j < half ? 2 * j : 2 * (j - half) + 1)) = halves.row(row);
      }
      tensor(pairs);
    }
  };
  using layer = reference::layer_weights;
  tensor(w.embedding);
  each(&layer::attention_norm);
  each_rotated(&layer::query);
  each_rotated(&layer::key);
  each(&layer::value);
  each(&layer::attention_output);
  each(&layer::mlp_norm);
  each(&layer::gate);
  each(&layer::down);
  each(&layer::up);
  tensor(w.final_norm);
  out.append(static_cast<std::size_t>(c.context) * static_cast<std::size_t>(c.head_width) * sizeof(float), '\x7f');
  if (!c.tied) {
    tensor(w.head);
  }
  return out;
}

/// What a Hugging Face checkpoint holds, to be spoilt and written.
struct huggingface_parts {
  std::map<std::string, std::vector<float>> values;
  std::map<std::string, std::vector<std::int64_t>> shapes;
  std::map<std::string, std::string> metadata;

  void write(const std::filesystem::path& path) const {
    std::map<std::string, steer::tensor_view, std::less<>> tensors;
    for (const auto& [name, numbers] : values) {
      tensors[name] = {steer::dtype::f32, shapes.at(name), std::as_bytes(std::span(numbers))};
    }
    steer::write_safetensors(path, tensors, metadata);
  }
};

inline huggingface_parts huggingface(const reference::config& c, const reference::weights& w) {
  huggingface_parts parts;
  reference::for_each_tensor(c, w, [&](const std::string& name, extent rows, extent cols, const auto& tensor) {
    parts.values[name].assign(tensor.data(), tensor.data() + tensor.size());
    parts.shapes[name] = {rows};
    if (!std::decay_t<decltype(tensor)>::IsVectorAtCompileTime) {
      parts.shapes[name].push_back(cols);
    }
  });
  const auto n = [](int value) { return std::to_string(value); };
  parts.metadata = {{"hidden_size", n(c.width)}, {"intermediate_size", n(c.hidden)}, {"num_hidden_layers", n(c.layers)},
                    {"num_attention_heads", n(c.heads)}, {"num_key_value_heads", n(c.kv_heads)},
                    {"head_dim", n(c.head_width)}, {"vocab_size", n(c.vocabulary)},
                    {"max_position_embeddings", n(c.context)}, {"rms_norm_eps", "1e-05"}, {"rope_theta", "10000.0"},
                    {"tie_word_embeddings", c.tied ? "true" : "false"}};
  if (c.streams > 1) {
    parts.metadata["residual_streams"] = n(c.streams);
    parts.metadata["sinkhorn_iterations"] = n(c.sinkhorn_iterations);
    parts.metadata["stream_epsilon"] = "1e-06";
  }
  return parts;
}

/// Copies everything it is shown.
struct recording_hook {
  struct call {
    steer::site where;
    matrix values;  // [T, width]
    std::vector<steer::row_info> info;
  };
  std::vector<call> calls;

  [[nodiscard]] steer::access access(steer::site) const noexcept { return steer::access::read; }
  void operator()(steer::site where, steer::rows<float> rows) noexcept {
    const Eigen::Map<const matrix, 0, Eigen::OuterStride<>> values(rows.data, rows.count, rows.width,
                                                                   Eigen::OuterStride<>(rows.stride));
    calls.push_back({where, values, {rows.info.begin(), rows.info.end()}});
  }
};
static_assert(steer::hook<recording_hook, float>);

/// Adds a vector to every row at one site, or only to one sequence's.
struct adding_hook {
  steer::site target;
  Eigen::RowVectorXf delta;
  std::int32_t sequence = -1;  // all

  [[nodiscard]] steer::access access(steer::site where) const noexcept {
    return where == target ? steer::access::write : steer::access::none;
  }
  void operator()(steer::site, steer::rows<float> rows) const noexcept {
    for (std::ptrdiff_t t = 0; t < rows.count; ++t) {
      if (sequence < 0 || rows.info_of(t).sequence == sequence) {
        Eigen::Map<Eigen::RowVectorXf>(rows[t].data(), rows.width) += delta;
      }
    }
  }
};
static_assert(steer::hook<const adding_hook, float>);

}  // namespace transformer_test
