// llama_steer/convert.hpp: one file of vectors as another, unless that changed what they mean.
#pragma once

#include <filesystem>
#include <initializer_list>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "llama_steer/vector_file.hpp"
#include "steer/io/write_file.hpp"

namespace llama_steer {

/// Options of `convert`.
struct convert_options {
  std::filesystem::path input = {};
  std::filesystem::path output = {};
  std::string to = {};  ///< control_vector, glp, ds4, npy or safetensors; empty: by the output's ending, if that says it
  std::string operation = {};          ///< add or project, for a file that does not say it; GLP and ds4 need it
  std::optional<float> alpha = {};     ///< the dose, else 1, of a file that has none, for GLP and ds4
  bool directions_only = false;        ///< write a projection's bare directions; whoever reads them must know what they were for
  unsaid said = {};
};

namespace detail {

inline std::string target_of(const convert_options& options) {
  const std::string ending = options.output.extension().string();
  const std::string by_ending = ending == ".npy"           ? "npy"
                                : ending == ".safetensors" ? "safetensors"
                                : ending == ".f32"         ? "ds4"
                                                           : "";
  const std::string to = options.to.empty() ? by_ending : options.to;
  for (const std::string_view known : {"control_vector", "glp", "ds4", "npy", "safetensors"}) {
    if (to == known) {
      return to;
    }
  }
  throw steer::argument_error(
      steer::text({"convert: \"", to.empty() ? options.output.string() : to,
                   "\" names no format; expected control_vector, glp, ds4, npy or safetensors"}));
}

/// What the input says is done with it, completed by the user where it says nothing.
inline steer::glp bound(const content& input, const convert_options& options) {
  const auto refuse = [&](std::initializer_list<steer::text_part> parts) {
    throw steer::argument_error(steer::text({"convert: file ", options.input.string(), " ", steer::text(parts)}));
  };
  if (!options.operation.empty() && options.operation != "add" && options.operation != "project") {
    throw steer::argument_error(
        steer::text({"convert: operation \"", options.operation, "\"; expected add or project"}));
  }
  if (const auto* file = std::get_if<steer::glp>(&input.held)) {
    if (!options.operation.empty() && projects(*file) != (options.operation == "project")) {
      refuse({"says that it ", projects(*file) ? "projects" : "adds", "; it cannot be written to ", options.operation});
    }
    return *file;
  }
  if (input.kind == file_kind::control_vector && options.operation == "project") {
    refuse({"is a control vector, which is added; it cannot be written to project"});
  }
  if (options.operation.empty() && input.kind != file_kind::control_vector) {
    refuse({"does not say what is done with its directions; say operation add or project"});
  }
  steer::edit only;
  const auto& vector = std::get<steer::steering_vector>(input.held);
  if (options.operation == "project") {
    only.operation = steer::ablate_edit{vector, options.alpha.value_or(1.0F)};
  } else {
    only.operation = steer::add_edit{vector, options.alpha.value_or(1.0F), steer::strength_unit::raw};
  }
  return {{std::move(only)}};
}

/// @throws steer::argument_error naming an option that has no effect
inline void require_use(const content& input, const convert_options& options, const std::string& to) {
  unsaid said = options.said;
  if (to == "ds4") {
    said.layers.reset();  // which the output needs
  }
  llama_steer::require_use(options.input, input.kind, said);
  const auto* const file = std::get_if<steer::glp>(&input.held);
  const bool keeps_edits = to == "glp" || to == "ds4";
  const auto refuse = [&](std::string_view option, std::string_view why) {
    throw steer::argument_error(steer::text({option, " has no effect: ", steer::actual(why)}));
  };
  if (options.alpha && file != nullptr) {
    refuse("--alpha", "the input says its dose");
  }
  if (options.alpha && !keeps_edits) {
    refuse("--alpha", to + " keeps no dose");
  }
  if (!options.operation.empty() && (to == "npy" || to == "safetensors")) {
    refuse("--operation", to + " does not say what is done with its directions");
  }
  if (options.directions_only && (file == nullptr || !projects(*file))) {
    refuse("--directions-only", "the input is no projection");
  }
  if (options.directions_only && keeps_edits) {
    refuse("--directions-only", to + " says that it projects");
  }
}

/// The one vector of a file that is to lose its operation and dose.
inline steer::steering_vector bare(const content& input, const convert_options& options, std::string_view to) {
  if (const auto* v = std::get_if<steer::steering_vector>(&input.held)) {
    return *v;
  }
  const auto& file = std::get<steer::glp>(input.held);
  const auto refuse = [&](std::initializer_list<steer::text_part> parts) {
    throw steer::format_error(steer::text({"convert: file ", options.input.string(), " ", steer::text(parts)}));
  };
  if (projects(file) && !options.directions_only) {
    refuse({"projects, and ", to,
            " cannot say so: whoever reads it may add it; ask for directions_only if that is known"});
  }
  if (file.edits.size() != 1) {
    refuse({"holds ", file.edits.size(), " edits that belong together; ", to, " holds one vector"});
  }
  if (const auto* add = std::get_if<steer::add_edit>(&file.edits[0].operation);
      add != nullptr && add->strength != 1.0F) {
    refuse({"is added with alpha ", add->strength, ", which ", to, " cannot say"});
  }
  return only_vector(file.edits[0]);
}

inline void write_control_vector(const content& input, const convert_options& options) {
  const auto* file = std::get_if<steer::glp>(&input.held);
  if ((file != nullptr && projects(*file)) || options.operation == "project") {
    throw steer::format_error(steer::text({"convert: file ", options.input.string(),
                                           " projects; llama.cpp would add its directions instead of removing them"}));
  }
  steer::save_control_vector(bare(input, options, "control_vector"), options.output);
}

inline void write_ds4(const content& input, const convert_options& options, std::ostream& out) {
  const steer::glp file = bound(input, options);
  if (file.edits.size() != 1) {
    throw steer::format_error(steer::text({"convert: file ", options.input.string(), " holds ", file.edits.size(),
                                           " edits that belong together; ds4 holds one vector"}));
  }
  steer::save_ds4(file.edits[0], options.said.layers.value_or(unsaid::ds4_layers), options.output);
  out << steer::text(
      {"note: ds4 takes the scale on its command line: ", std::get<steer::ablate_edit>(file.edits[0].operation).share,
       " at ", to_string(point_of(file.edits[0])), "\n"});
}

}  // namespace detail

/// Reads a file of vectors and writes it in another format.
///
/// Nothing is read where nothing can be written. A projection never becomes an addition: formats that cannot say it are
/// refused, as is a dose that would get lost.
/// @throws steer::argument_error for options without meaning and what a file leaves unsaid; steer::format_error for what the
///         target cannot say; what readers and writers throw
inline void convert(const convert_options& options, std::ostream& out) {
  const std::string to = detail::target_of(options);
  steer::require_writable(options.output, "convert");
  const content input = read_content(options.input, options.said);
  detail::require_use(input, options, to);
  if (to == "control_vector") {
    detail::write_control_vector(input, options);
  } else if (to == "glp") {
    steer::save_glp(detail::bound(input, options), options.output);
  } else if (to == "ds4") {
    detail::write_ds4(input, options, out);
  } else if (to == "npy") {
    const steer::steering_vector v = detail::bare(input, options, to);
    steer::save_npy(steer::to_npy(v), options.output);
    out << steer::text({"note: an array keeps neither name nor layers nor point: ", v.name, ", ",
                        v.directions.begin()->first, " to ", v.directions.rbegin()->first, ", ", to_string(v.point),
                        "\n"});
  } else {
    steer::save(detail::bare(input, options, to), options.output);
  }
  for (const std::string& note : input.notes) {
    out << steer::text({"note: ", note, "\n"});
  }
  out << steer::text({"wrote ", options.output.string(), " (", to, ") from a ", describe(input.kind), "\n"});
}

}  // namespace llama_steer
