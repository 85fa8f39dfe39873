// transformer/llama2c.hpp: checkpoints of llama2.c, version 0.
//
// Seven int32 (dim, hidden, layers, heads, kv_heads, vocabulary, context; a negative vocabulary says that the head is not
// tied), then float32 tensors, each for all layers before the next: embedding, attention norms, wq, wk, wv, wo, mlp norms,
// w1 (gate), w2 (down), w3 (up), final norm, two tables of RoPE that nobody reads, the head if it is not tied.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include "steer/io/mapped_file.hpp"
#include "transformer/model.hpp"

namespace reference {
namespace detail {

/// Reads float32 tensors one after the other.
class llama2c_reader {
 public:
  llama2c_reader(std::span<const std::byte> bytes, std::string file) : bytes_(bytes), file_(std::move(file)) {}

  template <class Tensor>
  void read(const char* name, Tensor& out, extent rows, extent cols) {
    out.resize(rows, cols);
    const std::size_t size = static_cast<std::size_t>(out.size()) * sizeof(float);
    std::memcpy(out.data(), bytes_.data() + offset_, size);
    if (!out.allFinite()) {
      throw steer::format_error(
          steer::text({"llama2.c: tensor ", name, " at byte ", offset_, " holds NaN or infinity (file ", file_, ")"}));
    }
    offset_ += size;
  }
  void skip(std::size_t floats) { offset_ += floats * sizeof(float); }

 private:
  std::span<const std::byte> bytes_;
  std::string file_;
  std::size_t offset_ = 7 * sizeof(std::int32_t);
};

/// The file turns coordinates 2j and 2j + 1 of a head together, we turn j and j + d_h/2: the rows of each head move.
/// @shape rotated [heads d_h, d]
inline void split_halves(matrix& rotated, extent head_width) {
  const extent half = head_width / 2;
  const matrix adjacent = rotated;
  for (extent first = 0; first < rotated.rows(); first += head_width) {
    for (extent j = 0; j < half; ++j) {
      rotated.row(first + j) = adjacent.row(first + 2 * j);
      rotated.row(first + half + j) = adjacent.row(first + 2 * j + 1);
    }
  }
}

inline config llama2c_config(std::span<const std::byte> bytes, const std::string& file) {
  using steer::text;
  std::array<std::int32_t, 7> header{};
  if (bytes.size() < sizeof header) {
    throw steer::format_error(text(
        {"llama2.c: the header needs ", sizeof header, " bytes, the file has ", bytes.size(), " (file ", file, ")"}));
  }
  std::memcpy(header.data(), bytes.data(), sizeof header);
  const auto [dim, hidden, layers, heads, kv_heads, vocabulary, context] = header;
  const std::int64_t words = vocabulary < 0 ? -std::int64_t{vocabulary} : vocabulary;
  const config c{.layers = layers,
                 .width = dim,
                 .hidden = hidden,
                 .heads = heads,
                 .kv_heads = kv_heads,
                 .head_width = heads > 0 ? dim / heads : 1,
                 .vocabulary = words <= INT32_MAX ? static_cast<int>(words) : 0,
                 .context = context,
                 .tied = vocabulary > 0};
  if (heads > 0 && (dim < heads || dim % heads != 0)) {
    throw steer::format_error(text({"llama2.c: header field dim is ", dim, ", expected a multiple of heads, which is ",
                                    heads, " (file ", file, ")"}));
  }
  if (const std::string fault = fault_of(c); !fault.empty()) {
    throw steer::format_error(text({"llama2.c: header field ", fault, " (file ", file, ")"}));
  }
  return c;
}

/// Bytes of a whole checkpoint. The bounds on a configuration keep every term below 2^61.
inline std::uint64_t llama2c_bytes(const config& c) {
  const auto u = [](int size) { return static_cast<std::uint64_t>(size); };
  const std::uint64_t kv = u(c.kv_heads) * u(c.head_width);
  const std::uint64_t layer = 2 * u(c.width) + 2 * u(c.width) * u(c.width) + 2 * kv * u(c.width) + 3 * u(c.hidden) * u(c.width);
  const std::uint64_t table = u(c.vocabulary) * u(c.width);
  const std::uint64_t floats =
      u(c.layers) * layer + u(c.width) + u(c.context) * u(c.head_width) + (c.tied ? table : 2 * table);
  return 7 * sizeof(std::int32_t) + floats * sizeof(float);
}

}  // namespace detail

/// Loads a version 0 checkpoint of llama2.c.
///
/// @throws steer::file_error if it cannot be read; steer::format_error naming file, field, expected and actual if a
///         header field is implausible, the file is longer or shorter than the header says, or a weight is not finite
/// @cost   memory of the weights; nothing is allocated before the size has been checked
/// @source github.com/karpathy/llama2.c, the format that run.c reads; deviation: q and k rows are permuted (weights.hpp)
inline std::shared_ptr<const model> load_llama2c(const std::filesystem::path& path) {
  const steer::mapped_file file(path);
  const std::span<const std::byte> bytes = file.bytes();
  const config c = detail::llama2c_config(bytes, path.string());
  if (const std::uint64_t expected = detail::llama2c_bytes(c); expected != bytes.size()) {
    throw steer::format_error(steer::text({"llama2.c: the header asks for ", expected, " bytes, the file has ",
                                           bytes.size(), " (file ", path.string(), ")"}));
  }
  const extent d = c.width;                               // d
  const extent kv = extent{c.kv_heads} * c.head_width;     // K d_h
  const extent f = c.hidden;                              // F
  weights w;
  w.layers.resize(static_cast<std::size_t>(c.layers));
  detail::llama2c_reader in(bytes, path.string());
  const auto each_layer = [&](const char* name, auto member, extent rows, extent cols) {
    for (layer_weights& layer : w.layers) {
      in.read(name, layer.*member, rows, cols);
    }
  };
  in.read("tok_emb", w.embedding, c.vocabulary, d);
  each_layer("rms_att", &layer_weights::attention_norm, d, 1);
  each_layer("wq", &layer_weights::query, d, d);
  each_layer("wk", &layer_weights::key, kv, d);
  each_layer("wv", &layer_weights::value, kv, d);
  each_layer("wo", &layer_weights::attention_output, d, d);
  each_layer("rms_ffn", &layer_weights::mlp_norm, d, 1);
  each_layer("w1", &layer_weights::gate, f, d);
  each_layer("w2", &layer_weights::down, d, f);
  each_layer("w3", &layer_weights::up, f, d);
  in.read("rms_final", w.final_norm, d, 1);
  in.skip(static_cast<std::size_t>(c.context) * static_cast<std::size_t>(c.head_width));  // RoPE tables
  if (!c.tied) {
    in.read("wcls", w.head, c.vocabulary, d);
  }
  for (layer_weights& layer : w.layers) {
    detail::split_halves(layer.query, c.head_width);
    detail::split_halves(layer.key, c.head_width);
  }
  return std::make_shared<const model>(c, std::move(w), path.stem().string());
}

}  // namespace reference
