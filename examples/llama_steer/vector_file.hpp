// llama_steer/vector_file.hpp: any file that holds steering vectors: what it is, and what it says is done with them.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "steer/io/control_vector.hpp"
#include "steer/io/ds4.hpp"
#include "steer/io/glp.hpp"
#include "steer/io/npy.hpp"
#include "steer/io/steering_vector_file.hpp"

namespace llama_steer {

enum class file_kind : std::uint8_t { steering_vector, safetensors, control_vector, glp, gguf, npy, ds4 };

constexpr std::string_view describe(file_kind kind) noexcept {
  constexpr std::array<std::string_view, 7> names{"steering vector of this library (safetensors)",
                                                  "safetensors file of another kind",
                                                  "control vector (GGUF)",
                                                  "GLP vector (GGUF)",
                                                  "GGUF file of another kind",
                                                  "NumPy array",
                                                  "raw ds4 directions (float32 without a header)"};
  return names[static_cast<std::size_t>(kind)];
}

/// What some files leave unsaid. Where a text is empty the user has not said it either.
struct unsaid {
  std::string producer = {};    ///< of a control vector: see steer::control_vector_producer
  std::string point = {};       ///< npy: where the directions were measured; ds4: where they act, else mlp_out
  int first_layer = 0;          ///< npy: the zero-based layer of the first row
  int layers = 43;              ///< ds4: rows in the file
  std::ptrdiff_t width = 4096;  ///< ds4: numbers in a row
  float scale = 1.0F;           ///< ds4: how much of the component is removed
};

/// What a file holds. Arrays and our own vectors do not say what is done with them, control vectors are added.
struct content {
  file_kind kind = file_kind::steering_vector;
  std::variant<steer::steering_vector, steer::glp> held = {};
};

/// Tells by content what a file is; what has no magic of its own is taken for ds4's if it is as long as it should be.
/// @throws steer::file_error if it cannot be read; steer::format_error if it is none of these
inline file_kind detect(const std::filesystem::path& path, const unsaid& said = {}) {
  const steer::mapped_file file(path);
  const auto bytes = file.bytes();
  const std::string start(reinterpret_cast<const char*>(bytes.data()), std::min<std::size_t>(bytes.size(), 9));
  if (start.starts_with("GGUF")) {
    const steer::gguf_file gguf(path);
    const auto has = [&](std::string_view prefix) {
      return std::any_of(gguf.metadata().begin(), gguf.metadata().end(),
                         [&](const auto& entry) { return entry.first.starts_with(prefix); });
    };
    const std::string architecture = gguf.text_at("general.architecture").value_or("");
    const bool vector = architecture == "controlvector" || architecture == "steeringvector";
    return has("glp.") || has("dspark.") ? file_kind::glp : vector ? file_kind::control_vector : file_kind::gguf;
  }
  if (start.starts_with("\x93NUMPY")) {
    return file_kind::npy;
  }
  std::uint64_t header = 0;  // safetensors begin with its length
  if (bytes.size() >= sizeof header) {
    std::memcpy(&header, bytes.data(), sizeof header);
  }
  if (start.size() == 9 && start[8] == '{' && header < bytes.size()) {
    return steer::safetensors_file(path).metadata().contains("steer") ? file_kind::steering_vector
                                                                      : file_kind::safetensors;
  }
  const double expected = 4.0 * said.layers * static_cast<double>(said.width);  // exact below 2^53
  if (expected == static_cast<double>(bytes.size()) && said.width > 0) {
    return file_kind::ds4;
  }
  throw steer::format_error(steer::text({"file ", path.string(), " of ", bytes.size(),
                                         " bytes is no GGUF, .npy or "
                                         "safetensors file, nor ds4's ",
                                         said.layers, " layers of width ", said.width, " (", expected, " bytes)"}));
}

/// Reads a file of any kind that holds vectors.
/// @throws steer::argument_error if the file leaves something unsaid that nobody has said; what its reader throws
inline content read_content(const std::filesystem::path& path, const unsaid& said) {
  content out;
  out.kind = detect(path, said);
  switch (out.kind) {
    case file_kind::steering_vector: out.held = steer::load_steering_vector(path); break;
    case file_kind::glp: out.held = steer::load_glp(path); break;
    case file_kind::control_vector:
      if (said.producer.empty()) {
        throw steer::argument_error(steer::text({"file ", path.string(),
                                                 " is a control vector; say who made it "
                                                 "(producer), since that decides its layers"}));
      }
      out.held = steer::load_control_vector(path, steer::control_vector_producer_from_string(said.producer));
      break;
    case file_kind::npy:
      if (said.point.empty()) {
        throw steer::argument_error(steer::text({"file ", path.string(),
                                                 " is an array; say at which point its "
                                                 "directions were measured"}));
      }
      out.held = steer::to_steering_vector(
          steer::load_npy(path), {path.stem().string(), steer::point_from_string(said.point), said.first_layer},
          "file " + path.string());
      break;
    case file_kind::ds4: {
      steer::ds4_options options{.layers = said.layers, .width = said.width};
      if (!said.point.empty() && said.point != "mlp_out" && said.point != "attention_out") {
        throw steer::argument_error(steer::text({"ds4 acts at mlp_out or attention_out, not at ", said.point}));
      }
      (said.point == "attention_out" ? options.attention_scale : options.ffn_scale) = said.scale;
      out.held = steer::glp{steer::load_ds4(path, options)};
      break;
    }
    case file_kind::safetensors:
    case file_kind::gguf:
      throw steer::format_error(steer::text(
          {"file ", path.string(), " is a ", describe(out.kind), "; it holds no steering vector that can be read"}));
  }
  return out;
}

/// Whether a file's edits remove components.
inline bool projects(const steer::glp& file) {
  return !file.edits.empty() && std::holds_alternative<steer::ablate_edit>(file.edits.front().operation);
}

}  // namespace llama_steer
