// transformer/huggingface.hpp: Llama checkpoints in safetensors files with Hugging Face's names.
//
// What Hugging Face keeps in config.json stands in the file's own metadata, under the same keys.
#pragma once

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <set>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "steer/io/safetensors.hpp"
#include "transformer/model.hpp"

namespace reference {
namespace detail {

/// The metadata of a checkpoint as numbers.
class checkpoint_metadata {
 public:
  explicit checkpoint_metadata(const steer::safetensors_file& file) : file_(file) {}

  template <class Number>
  [[nodiscard]] Number number(const char* key) const {
    const std::string& value = file_.metadata_at(key);
    Number out{};
    const auto [end, failure] = std::from_chars(value.data(), value.data() + value.size(), out);
    if (failure != std::errc{} || end != value.data() + value.size()) {
      fail(key, value, "a number");
    }
    return out;
  }
  [[nodiscard]] bool flag(const char* key) const {
    const std::string& value = file_.metadata_at(key);
    if (value != "true" && value != "false") {
      fail(key, value, "\"true\" or \"false\"");
    }
    return value == "true";
  }
  [[nodiscard]] bool has(const char* key) const { return file_.metadata().contains(key); }

 private:
  [[noreturn]] void fail(const char* key, const std::string& value, const char* expected) const {
    throw steer::format_error(steer::text({"llama: metadata \"", key, "\" is \"", value, "\", expected ", expected,
                                           " (file ", file_.path().string(), ")"}));
  }

  const steer::safetensors_file& file_;
};

inline config huggingface_config(const steer::safetensors_file& file) {
  const checkpoint_metadata in(file);
  config c{.layers = in.number<int>("num_hidden_layers"),
           .width = in.number<int>("hidden_size"),
           .hidden = in.number<int>("intermediate_size"),
           .heads = in.number<int>("num_attention_heads"),
           .kv_heads = in.number<int>("num_key_value_heads"),
           .vocabulary = in.number<int>("vocab_size"),
           .context = in.number<int>("max_position_embeddings"),
           .norm_epsilon = in.number<float>("rms_norm_eps"),
           .rope_theta = in.number<float>("rope_theta"),
           .tied = in.flag("tie_word_embeddings")};
  const auto fail = [&](const std::string& fault) {
    throw steer::format_error(steer::text({"llama: ", fault, " (file ", file.path().string(), ")"}));
  };
  if (in.has("residual_streams")) {
    c.streams = in.number<int>("residual_streams");
    c.sinkhorn_iterations = in.number<int>("sinkhorn_iterations");
    c.stream_epsilon = in.number<float>("stream_epsilon");
  }
  if (in.has("head_dim")) {
    c.head_width = in.number<int>("head_dim");
  } else if (c.heads < 1 || c.width % c.heads != 0) {
    fail(steer::text({"hidden_size is ", c.width, ", expected a multiple of num_attention_heads, which is ", c.heads,
                      ", where there is no head_dim"}));
  } else {
    c.head_width = c.width / c.heads;
  }
  if (const std::string fault = fault_of(c); !fault.empty()) {
    fail(fault);
  }
  return c;
}

/// Copies one tensor after checking its shape, type and numbers.
template <class Tensor>
void read_tensor(const steer::safetensors_file& file, const std::string& name, extent rows, extent cols, Tensor& out) {
  using steer::text;
  const steer::tensor_view& source = file.at(name);
  std::vector<std::int64_t> expected{rows};
  if constexpr (!Tensor::IsVectorAtCompileTime) {
    expected.push_back(cols);
  }
  const auto fail = [&](const std::string& fault) {
    throw steer::format_error(text({"llama: tensor \"", name, "\" ", fault, " (file ", file.path().string(), ")"}));
  };
  if (source.shape != expected) {
    fail(text({"is ", steer::to_string(source.shape), ", expected ", steer::to_string(expected)}));
  }
  if (source.type != steer::dtype::f32 && source.type != steer::dtype::f16 && source.type != steer::dtype::bf16) {
    fail(text({"is of type ", steer::to_string(source.type), ", expected F32, F16 or BF16"}));
  }
  const std::vector<float> values = steer::to_floats(source);
  out = Eigen::Map<const Tensor>(values.data(), rows, cols);
  if (!out.allFinite()) {
    fail("holds NaN or infinity");
  }
}

}  // namespace detail

/// Loads a Llama checkpoint with Hugging Face's tensor names, weights in F32, F16 or BF16.
///
/// Metadata, all strings: hidden_size, intermediate_size, num_hidden_layers, num_attention_heads, num_key_value_heads,
/// vocab_size, max_position_embeddings, rms_norm_eps, rope_theta, tie_word_embeddings ("true" or "false"), and head_dim
/// where it is not hidden_size / num_attention_heads. Of models with hyper-connections also residual_streams, sinkhorn_iterations and
/// stream_epsilon; their tensors are attn_hc, mlp_hc and head_hc, each with fn, base and scale.
///
/// @throws steer::file_error if it cannot be read; steer::format_error naming file, tensor or key, expected and actual
///         if one is missing, surplus, of another shape or type, or holds a number that is not finite
/// @cost   memory of the weights, and of one tensor more
inline std::shared_ptr<const model> load_safetensors(const std::filesystem::path& path) {
  const steer::safetensors_file file(path);
  const config c = detail::huggingface_config(file);
  if (static_cast<std::size_t>(c.layers) > file.tensors().size()) {  // before as many layers are allocated
    throw steer::format_error(steer::text({"llama: num_hidden_layers is ", c.layers, ", but there are only ",
                                           file.tensors().size(), " tensors (file ", path.string(), ")"}));
  }
  weights w;
  w.layers.resize(static_cast<std::size_t>(c.layers));
  std::set<std::string, std::less<>> known;
  for_each_tensor(c, w, [&](const std::string& name, extent rows, extent cols, auto& tensor) {
    detail::read_tensor(file, name, rows, cols, tensor);
    known.insert(name);
  });
  for (const auto& [name, tensor] : file.tensors()) {
    if (!known.contains(name)) {
      throw steer::format_error(
          steer::text({"llama: tensor \"", name, "\" is surplus; a ", c.tied ? "tied" : "untied", " model of ",
                       c.layers, " layers has none of that name (file ", path.string(), ")"}));
    }
  }
  return std::make_shared<const model>(c, std::move(w), path.stem().string());
}

}  // namespace reference
