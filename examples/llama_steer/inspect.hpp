// llama_steer/inspect.hpp: prints what a file is, what it means, how long its directions are, and what to beware of.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <initializer_list>
#include <map>
#include <ostream>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "llama_steer/vector_file.hpp"

namespace llama_steer {

/// Options of `inspect`.
struct inspect_options {
  std::filesystem::path file;
  unsaid said = {};
};

namespace detail {

void line(std::ostream& out, std::initializer_list<steer::text_part> parts) {
  out << steer::text({steer::text(parts), "\n"});
}

/// A row per layer: its norm, and a bar that is as long as the largest norm allows.
inline void plot_norms(const std::map<int, steer::direction>& directions, std::ostream& out) {
  constexpr double cells = 40.0;
  double largest = 0.0;
  for (const auto& [layer, direction] : directions) {
    largest = std::max(largest, direction.values.cast<double>().norm());
  }
  line(out, {"  layer      norm"});
  for (const auto& [layer, direction] : directions) {
    const double norm = direction.values.cast<double>().norm();
    char text[48];
    std::snprintf(text, sizeof text, "  %5d %9.4g ", layer, norm);
    std::string bar;
    for (int cell = 0; cell < std::lround(cells * norm / largest); ++cell) {
      bar += "█";
    }
    line(out, {text, bar});
  }
}

/// A value of a file's metadata, as far as it fits a line.
inline std::string shown(const steer::gguf_value& value) {
  constexpr std::size_t longest = 60;
  if (const auto text = value.get<std::string>()) {
    return text->size() > longest ? text->substr(0, longest) + "..." : *text;
  }
  if (const auto whole = steer::whole_number(value)) {
    return steer::text(*whole);
  }
  const auto real = steer::real_number(value);
  return real ? std::string(steer::text(*real)) : "of type " + std::string(to_string(value.type()));
}

inline void show_source(const steer::steering_vector& v, std::ostream& out) {
  const auto show = [&](const char* what, const std::string& value) {
    if (!value.empty()) {
      line(out, {"  ", what, value});
    }
  };
  show("name      ", v.name);
  show("model     ", v.source.model);
  show("method    ", v.source.method);
  show("contrast  ", v.source.contrast);
  if (v.source.positives + v.source.negatives > 0) {
    line(out, {"  texts     ", v.source.positives, " positive, ", v.source.negatives, " negative"});
  }
}

inline void show_vector(const steer::steering_vector& v, std::ostream& out) {
  line(out, {"  holds     ", v.directions.size(), " directions of width ", v.width(), " at ", to_string(v.point),
             ", layers ", v.directions.begin()->first, " to ", v.directions.rbegin()->first});
  show_source(v, out);
  plot_norms(v.directions, out);
}

/// Layers whose norm is far from what is usual in the file.
inline void warn_of_outliers(const std::map<int, steer::direction>& directions, std::vector<std::string>& warnings) {
  std::vector<double> norms;
  for (const auto& [layer, direction] : directions) {
    norms.push_back(direction.values.cast<double>().norm());
  }
  std::nth_element(norms.begin(), norms.begin() + static_cast<std::ptrdiff_t>(norms.size() / 2), norms.end());
  const double usual = norms[norms.size() / 2];
  for (const auto& [layer, direction] : directions) {
    if (const double norm = direction.values.cast<double>().norm(); norm > 10.0 * usual || norm < 0.1 * usual) {
      warnings.push_back(steer::text({"the norm at layer ", layer, ", ", norm, ", is far from the usual ", usual}));
    }
  }
}

/// Whom the file itself points to as its producer, for want of a word from the user.
inline steer::control_vector_producer likely_producer(const steer::gguf_file& file, std::vector<std::string>& warnings) {
  if (const auto stated = stated_producer(file)) {
    return *stated;
  }
  const std::string architecture = file.text_at("general.architecture").value_or("");
  const bool from_zero = std::any_of(file.tensors().begin(), file.tensors().end(),
                                     [](const steer::gguf_tensor& tensor) { return tensor.name == "direction.0"; });
  const steer::gguf_value* count = find(file.metadata(), architecture + ".layer_count");
  if (from_zero) {
    warnings.emplace_back("it has direction.0, as only EasySteer writes it; llama.cpp refuses the file");
    return steer::control_vector_producer::easysteer;
  }
  if (count != nullptr && count->type() == steer::gguf_type::i32) {
    warnings.emplace_back(
        "its layer count is an i32, as llama.cpp's cvector-generator writes it: direction.N was then measured at layer "
        "N - 1 "
        "and is applied one layer late; say producer cvector_generator to read the layers as measured");
  } else {
    warnings.emplace_back(
        "the file does not say who made it, and producers differ by one layer; shown as llama.cpp applies it");
  }
  return steer::control_vector_producer::as_applied;
}

inline void inspect_control_vector(const inspect_options& options, std::ostream& out,
                                   std::vector<std::string>& warnings) {
  const steer::gguf_file file(options.file);
  const auto producer = options.said.producer.empty() ? likely_producer(file, warnings)
                                                      : steer::control_vector_producer_from_string(options.said.producer);
  const steer::control_vector_file read = read_control_vector(file, producer);
  line(out, {"  meaning   added: h' = h + strength * v"});
  line(out, {"  layers    read as ", to_string(producer), ": direction.N was measured at layer ",
             steer::measured_layer(producer, 1) == 1 ? "N" : "N - 1", ", zero-based"});
  show_vector(read.vector, out);
  for (const std::string& key : read.unknown_keys) {
    const steer::gguf_value& value = *find(file.metadata(), key);
    line(out, {"  key       ", key, ": ", shown(value)});
    warnings.push_back("the key " + key + " is unknown and may change what the vector means; if it does not, say --accept " + key +
                       " where the vector is applied");
  }
  if (!read.zero_layers.empty()) {
    warnings.push_back(zero_layers_note(read.zero_layers));
  }
  warn_of_outliers(read.vector.directions, warnings);
}

inline void inspect_edits(const steer::glp& file, std::ostream& out, std::vector<std::string>& warnings) {
  line(out, {"  meaning   ", projects(file) ? "projected: h' = h - alpha * u (u . h)" : "added: h' = h + alpha * v"});
  for (const steer::edit& e : file.edits) {
    const auto* ablate = std::get_if<steer::ablate_edit>(&e.operation);
    line(out, {"  alpha     ", ablate != nullptr ? ablate->share : std::get<steer::add_edit>(e.operation).strength});
    show_vector(only_vector(e), out);
    warn_of_outliers(only_vector(e).directions, warnings);
  }
}

inline void inspect_glp(const inspect_options& options, std::ostream& out, std::vector<std::string>& warnings) {
  const steer::gguf_file raw(options.file);
  const steer::glp file = steer::load_glp(options.file);
  if (!file.base_model.name.empty()) {
    line(out, {"  made for  ", file.base_model.organization, file.base_model.organization.empty() ? "" : "/",
               file.base_model.name, file.base_model.version.empty() ? "" : " at " + file.base_model.version});
  }
  inspect_edits(file, out, warnings);
  const bool guarded = std::any_of(raw.tensors().begin(), raw.tensors().end(), [](const steer::gguf_tensor& tensor) {
    return !tensor.name.starts_with("direction.");
  });
  if (projects(file) && !guarded) {
    warnings.emplace_back("llama.cpp would load this file and add what is meant to be removed");
  }
  if (!raw.text_at("glp.content_sha256")) {
    warnings.emplace_back("it has no digest of its tensors");
  }
  if (file.base_model.version.empty()) {
    warnings.emplace_back("it does not say for which revision of the model it was made");
  }
  if (!file.derived_at.empty() && file.derived_at != raw.text_at("glp.hook_point")) {
    warnings.push_back("it was derived at " + file.derived_at + " and acts elsewhere");
  }
}

inline void inspect_gguf(const inspect_options& options, std::ostream& out) {
  const steer::gguf_file file(options.file);
  std::map<std::string, std::size_t> types;
  for (const steer::gguf_tensor& tensor : file.tensors()) {
    ++types[std::string(steer::find_gguf_tensor_type(tensor.type)->name)];
  }
  const std::string architecture = file.text_at("general.architecture").value_or("unknown");
  line(out, {"  model     ", file.text_at("general.name").value_or("without a name"), ", architecture ", architecture});
  for (const char* key : {"block_count", "embedding_length", "context_length"}) {
    if (const steer::gguf_value* value = find(file.metadata(), architecture + "." + key)) {
      const auto number = steer::whole_number(*value);
      line(out, {"  ", key, " ", number ? steer::text(*number) : steer::text({"of type ", to_string(value->type())})});
    }
  }
  for (const auto& [type, count] : types) {
    line(out, {"  ", count, " tensors of type ", type});
  }
}

inline void inspect_safetensors(const inspect_options& options, std::ostream& out) {
  const steer::safetensors_file file(options.file);
  for (const auto& [name, tensor] : file.tensors()) {
    line(out, {"  ", name, " ", to_string(tensor.type), " ", steer::to_string(tensor.shape)});
  }
}

inline void show_shape(const std::string& name, const steer::npy_array& array, std::ostream& out) {
  line(out, {"  ", name, steer::to_string(std::vector<std::int64_t>(array.shape.begin(), array.shape.end()))});
}

/// An array, or PyTorch's tensors, neither of which say more than their numbers.
inline void inspect_arrays(const inspect_options& options, file_kind kind, std::ostream& out, std::vector<std::string>& warnings) {
  const std::string& point = options.said.point;
  const steer::npy_vector_options how{options.file.stem().string(), steer::point_from_string(point.empty() ? "residual_out" : point),
                                      options.said.first_layer.value_or(0)};
  const std::string who = "file " + options.file.string();
  steer::steering_vector v;
  if (kind == file_kind::npy) {
    const steer::npy_array array = steer::load_npy(options.file);
    show_shape("shape     ", array, out);
    v = to_steering_vector(array, how, who);
  } else {
    const steer::named_arrays file = steer::load_pytorch(options.file);
    for (const auto& [key, tensor] : file.arrays) {
      show_shape(key.empty() ? "tensor    " : "tensor    \"" + key + "\" ", tensor, out);
    }
    v = to_steering_vector(file, how, who);
  }
  if (!point.empty()) {
    line(out, {"  point     ", point, ", as you said"});
  }
  plot_norms(v.directions, out);
  warnings.emplace_back(
      "an array says neither at which point and layers its rows were measured nor what is done with them");
  warn_of_outliers(v.directions, warnings);
}

}  // namespace detail

/// Prints what a file is, its convention, the norm of every direction and warnings.
/// @throws steer::error if it cannot be read; the message says why
inline void inspect(const inspect_options& options, std::ostream& out) {
  const file_kind kind = detect(options.file, options.said);
  require_use(options.file, kind, options.said);
  std::vector<std::string> warnings;
  detail::line(out, {options.file.filename().string(), ": ", describe(kind)});
  switch (kind) {
    case file_kind::control_vector: detail::inspect_control_vector(options, out, warnings); break;
    case file_kind::glp: detail::inspect_glp(options, out, warnings); break;
    case file_kind::gguf: detail::inspect_gguf(options, out); break;
    case file_kind::safetensors: detail::inspect_safetensors(options, out); break;
    case file_kind::npy:
    case file_kind::pytorch: detail::inspect_arrays(options, kind, out, warnings); break;
    case file_kind::ds4:
      detail::inspect_edits(std::get<steer::glp>(read_content(options.file, options.said).held), out, warnings);
      warnings.push_back(steer::text({"the file has no header: layers, width, point and alpha are what you said, ",
                                      options.said.layers.value_or(unsaid::ds4_layers), " and ",
                                      options.said.width.value_or(unsaid::ds4_width), " fit its size"}));
      break;
    case file_kind::svec: {
      const content read = read_content(options.file, options.said);
      const auto& v = std::get<steer::steering_vector>(read.held);
      detail::line(out, {"  meaning   directions; whoever reads them says what is done with them"});
      detail::show_vector(v, out);
      warnings = read.notes;
      detail::warn_of_outliers(v.directions, warnings);
      break;
    }
    case file_kind::steering_vector: {
      const steer::steering_vector v = steer::load_steering_vector(options.file);
      detail::line(out, {"  meaning   directions; the recipe says what is done with them"});
      detail::show_vector(v, out);
      detail::warn_of_outliers(v.directions, warnings);
      break;
    }
  }
  for (const std::string& warning : warnings) {
    detail::line(out, {"warning: ", warning});
  }
}

}  // namespace llama_steer
