// llama_steer/vector_file.hpp: any file that holds steering vectors: what it is, and what it says is done with them.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "steer/io/control_vector.hpp"
#include "steer/io/ds4.hpp"
#include "steer/io/glp.hpp"
#include "steer/io/npy.hpp"
#include "steer/io/pytorch.hpp"
#include "steer/io/steering_vector_file.hpp"
#include "steer/io/svec.hpp"

namespace llama_steer {

enum class file_kind : std::uint8_t { steering_vector, safetensors, control_vector, glp, gguf, npy, pytorch, svec, ds4 };

constexpr std::string_view describe(file_kind kind) noexcept {
  constexpr std::array<std::string_view, 9> names{"steering vector of this library (safetensors)",
                                                  "safetensors file of another kind",
                                                  "control vector (GGUF)",
                                                  "GLP vector (GGUF)",
                                                  "GGUF file of another kind",
                                                  "NumPy array",
                                                  "PyTorch file of tensors",
                                                  ".svec file (IBM, AISteer360)",
                                                  "raw ds4 directions (float32 without a header)"};
  return names[static_cast<std::size_t>(kind)];
}

/// What some files leave unsaid, as far as the user has said it.
struct unsaid {
  std::string producer = {};                     ///< of a control vector: see steer::control_vector_producer
  std::vector<std::string> accepted = {};        ///< control vector: unknown keys that change nothing
  std::string point = {};                        ///< array, tensors: where the directions were measured; ds4: where they act, else mlp_out
  std::optional<int> first_layer = {};           ///< array, tensors: the zero-based layer of the first row, else 0; -1 for the embedding
  std::optional<int> layers = {};                ///< ds4: rows in the file, else 43
  std::optional<std::ptrdiff_t> width = {};      ///< ds4: numbers in a row, else 4096
  std::optional<float> scale = {};               ///< ds4: how much of the component is removed, else 1

  static constexpr int ds4_layers = 43;
  static constexpr std::ptrdiff_t ds4_width = 4096;
};

/// What a file holds. Arrays and our own vectors do not say what is done with them, control vectors are added.
struct content {
  file_kind kind = file_kind::steering_vector;
  std::variant<steer::steering_vector, steer::glp> held = {};
  std::vector<std::string> notes = {};  ///< what the user should know of it
};

namespace detail {

/// What is often found in place of a file of vectors.
inline constexpr std::array<std::pair<std::string_view, std::string_view>, 8> other_files{
    {{"<!DOCTYPE", "a web page, perhaps one about the file; expected the file itself"},
     {"<!doctype", "a web page, perhaps one about the file; expected the file itself"},
     {"<html", "a web page, perhaps one about the file; expected the file itself"},
     {"\x1F\x8B", "compressed by gzip; expected what is in it"},
     {"\x80\x02", "a pickle of Python objects, which could run code; expected tensors from torch.save, or an .npy array"},
     {"\x80\x03", "a pickle of Python objects, which could run code; expected tensors from torch.save, or an .npy array"},
     {"\x80\x04", "a pickle of Python objects, which could run code; expected tensors from torch.save, or an .npy array"},
     {"\x80\x05", "a pickle of Python objects, which could run code; expected tensors from torch.save, or an .npy array"}}};

}  // namespace detail

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
  constexpr std::size_t name_at = 30;  // of the first file in an archive, whose length stands four bytes before
  if (start.starts_with("PK\x03\x04") && bytes.size() > name_at) {
    const std::string_view rest(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    if (rest.substr(name_at, static_cast<unsigned char>(rest[name_at - 4])).ends_with(".npy")) {
      throw steer::format_error(steer::text({"file ", path.string(), " is ", steer::actual("an archive of NumPy arrays (.npz)"),
                                             "; expected ", steer::expected("one array, as .npy")}));
    }
  }
  if (start.starts_with("PK\x03\x04") || start.starts_with("\x80\x02\x8A\x0A")) {
    return file_kind::pytorch;
  }
  if (const std::size_t at = start.find_first_not_of(" \t\r\n"); at != std::string::npos && start[at] == '{') {
    return file_kind::svec;
  }
  std::uint64_t header = 0;  // safetensors begin with its length
  if (bytes.size() >= sizeof header) {
    std::memcpy(&header, bytes.data(), sizeof header);
  }
  if (start.size() == 9 && start[8] == '{' && header < bytes.size()) {
    if (steer::safetensors_file(path).metadata().contains("steer_recipe")) {
      throw steer::format_error(steer::text({"file ", path.string(), " is ", steer::actual("a recipe"), ", not a vector; expected ",
                                             steer::expected("--recipe"), " in front of it"}));
    }
    return steer::safetensors_file(path).metadata().contains("steer") ? file_kind::steering_vector
                                                                      : file_kind::safetensors;
  }
  const int layers = said.layers.value_or(unsaid::ds4_layers);
  const std::ptrdiff_t width = said.width.value_or(unsaid::ds4_width);
  const double expected = 4.0 * layers * static_cast<double>(width);  // exact below 2^53
  if (expected == static_cast<double>(bytes.size()) && width > 0) {
    return file_kind::ds4;
  }
  for (const auto& [magic, what] : detail::other_files) {
    if (start.starts_with(magic)) {
      throw steer::format_error(steer::text({"file ", path.string(), " is ", steer::actual(what)}));
    }
  }
  throw steer::format_error(steer::text({"file ", path.string(), " of ", bytes.size(),
                                         " bytes is no GGUF, .npy, "
                                         ".svec, PyTorch or safetensors file, nor ds4's ",
                                         layers, " layers of width ", width, " (", expected, " bytes)"}));
}

/// What is said of files must be of use to one of them.
/// @throws steer::argument_error naming the option that has no effect
inline void require_use(const std::vector<std::pair<std::filesystem::path, file_kind>>& files, const unsaid& said) {
  const auto any = [&](std::initializer_list<file_kind> kinds) {
    return std::any_of(files.begin(), files.end(), [&](const auto& file) {
      return std::find(kinds.begin(), kinds.end(), file.second) != kinds.end();
    });
  };
  using kind = file_kind;
  struct option {
    const char* name;
    bool given;
    bool used;
    const char* of;
  };
  const std::array<option, 7> options{
      {{"--producer", !said.producer.empty(), any({kind::control_vector}), "control vectors"},
       {"--accept", !said.accepted.empty(), any({kind::control_vector}), "control vectors"},
       {"--point", !said.point.empty(), any({kind::npy, kind::pytorch, kind::safetensors, kind::ds4}), "arrays, tensors and ds4's directions"},
       {"--first-layer", said.first_layer.has_value(), any({kind::npy, kind::pytorch, kind::safetensors}), "arrays and tensors"},
       {"--ds4-layers", said.layers.has_value(), any({kind::ds4}), "ds4's directions"},
       {"--ds4-width", said.width.has_value(), any({kind::ds4}), "ds4's directions"},
       {"--ds4-scale", said.scale.has_value(), any({kind::ds4}), "ds4's directions"}}};
  for (const option& each : options) {
    if (each.given && !each.used) {
      std::string what;
      for (const auto& [path, found] : files) {
        what += steer::text({what.empty() ? "" : ", ", "file ", path.string(), " is a ", describe(found)});
      }
      throw steer::argument_error(
          steer::text({each.name, " has no effect: it is for ", steer::expected(each.of), ", and ", steer::actual(what)}));
    }
  }
}

inline void require_use(const std::filesystem::path& path, file_kind kind, const unsaid& said) {
  require_use({{path, kind}}, said);
}

/// Who made a control vector, as the user or the file says it.
/// @throws steer::argument_error if neither does
inline steer::control_vector_producer producer_of(const steer::gguf_file& file, const unsaid& said) {
  const auto stated = stated_producer(file);
  if (said.producer.empty() && !stated) {
    throw steer::argument_error(steer::text({"file ", file.name(),
                                             " is a control vector and does not say who made it; say it (--producer), since "
                                             "that decides its layers"}));
  }
  return said.producer.empty() ? *stated : steer::control_vector_producer_from_string(said.producer);
}

namespace detail {

inline std::string zero_layers_note(const std::vector<int>& layers) {
  std::string list;
  for (const int layer : layers) {
    list += (list.empty() ? "" : ", ") + std::to_string(layer);
  }
  return steer::text({"rows of zeros stand for layers that are left out: ", list});
}

inline steer::steering_vector accepted_vector(const steer::gguf_file& file, const unsaid& said, std::vector<std::string>& notes) {
  steer::control_vector_file read = read_control_vector(file, producer_of(file, said));
  for (const std::string& key : said.accepted) {
    if (std::find(read.unknown_keys.begin(), read.unknown_keys.end(), key) == read.unknown_keys.end()) {
      throw steer::argument_error(steer::text({"--accept ", steer::actual(key), " has no effect: file ", file.name(),
                                               " has no unknown key of that name"}));
    }
  }
  require_known_keys(read, said.accepted);
  if (!read.zero_layers.empty()) {
    notes.push_back(zero_layers_note(read.zero_layers));
  }
  return std::move(read.vector);
}

}  // namespace detail

/// The tensors of a file that says no more than their numbers.
inline steer::named_arrays arrays_of(const std::filesystem::path& path, file_kind kind) {
  if (kind == file_kind::pytorch) {
    return steer::load_pytorch(path);
  }
  const steer::safetensors_file file(path);
  steer::named_arrays out;
  for (const auto& [name, tensor] : file.tensors()) {
    out.arrays.emplace_back(name, steer::npy_array{{tensor.shape.begin(), tensor.shape.end()},
                                                   steer::to_floats(tensor)});
  }
  return out;
}

/// Reads a file of any kind that holds vectors.
/// @throws steer::argument_error if the file leaves something unsaid that nobody has said; what its reader throws
inline content read_content(const std::filesystem::path& path, const unsaid& said) {
  content out;
  out.kind = detect(path, said);
  switch (out.kind) {
    case file_kind::steering_vector: out.held = steer::load_steering_vector(path); break;
    case file_kind::glp: out.held = steer::load_glp(path); break;
    case file_kind::svec:
      out.held = steer::load_svec(path);
      out.notes.emplace_back("its layers are those that it was measured at; its own library adds it one layer earlier");
      break;
    case file_kind::control_vector: out.held = detail::accepted_vector(steer::gguf_file(path), said, out.notes); break;
    case file_kind::npy:
    case file_kind::pytorch:
    case file_kind::safetensors: {
      if (said.point.empty()) {
        throw steer::argument_error(steer::text({"file ", path.string(), " is a ", describe(out.kind),
                                                 "; say at which point its directions were measured (--point)"}));
      }
      const steer::npy_vector_options options{path.stem().string(), steer::point_from_string(said.point),
                                              said.first_layer.value_or(0)};
      const std::string who = "file " + path.string();
      out.held = out.kind == file_kind::npy ? to_steering_vector(steer::load_npy(path), options, who)
                                            : to_steering_vector(arrays_of(path, out.kind), options, who);
      break;
    }
    case file_kind::ds4: {
      steer::ds4_options options{.layers = said.layers.value_or(unsaid::ds4_layers), .width = said.width.value_or(unsaid::ds4_width)};
      if (!said.point.empty() && said.point != "mlp_out" && said.point != "attention_out") {
        throw steer::argument_error(steer::text({"--point ", steer::actual(said.point), ": ds4 acts at ",
                                                 steer::expected("mlp_out or attention_out")}));
      }
      (said.point == "attention_out" ? options.attention_scale : options.ffn_scale) = said.scale.value_or(1.0F);
      out.held = steer::glp{steer::load_ds4(path, options)};
      break;
    }
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
