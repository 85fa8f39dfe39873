// steer/io/preset_file.ipp: the bodies of preset_file.hpp.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <utility>
#include <nlohmann/json.hpp>

#include "steer/core/error.hpp"
#include "steer/core/real.hpp"
#include "steer/io/bytes.hpp"
#include "steer/io/json_fields.hpp"
#include "steer/io/json_number.hpp"
#include "steer/io/preset_file.hpp"
#include "steer/io/recipe_file.hpp"
#include "steer/io/safetensors.hpp"
#include "steer/io/sha256.hpp"
#include "steer/io/write_file.hpp"
#include "steer/recipe/preset.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

inline constexpr int preset_format_version = 1;
inline constexpr const char* preset_key = "steer_preset";

template <class Real>
preset read_preset(const safetensors_file& file) {
  const std::string who = text({"preset: file ", file.name()});
  const auto& metadata = file.metadata();
  if (!metadata.contains(preset_key)) {
    throw format_error(text({thing(who), " has no metadata \"", preset_key, "\"; expected ",
                             expected("a preset"), metadata.contains(recipe_key) ? ", not a recipe without name and version" : ""}));
  }
  for (const auto& [key, value] : metadata) {
    if (key != preset_key && key != recipe_key) {
      throw format_error(text({thing(who), " has the metadata ", actual({"\"", key, "\""}), "; expected ",
                               expected({"\"", preset_key, "\" and \"", recipe_key, "\" only"})}));
    }
  }
  preset out;
  try {
    const nlohmann::json about = strict_json(file.metadata_at(preset_key), text({who, ": metadata \"", preset_key, "\""}));
    require_keys(about, {"format", "name", "version", "least_dose", "most_dose"}, who);
    require_version(about.at("format"), preset_format_version, who);
    out.name = string_of(about.at("name"), who, "name");
    out.version = whole_number_of<int>(about.at("version"), who, "version");
    out.least_dose = real_number_of<double>(about.at("least_dose"), who, "least_dose");
    out.most_dose = real_number_of<double>(about.at("most_dose"), who, "most_dose");
    out.content = recipe_in(file);
    check(out);
    return out;
  } catch (const format_error&) {
    throw;
  } catch (const nlohmann::json::exception& problem) {
    throw format_error(text({thing(who), " has malformed metadata \"", preset_key, "\": ", std::string_view(problem.what())}));
  } catch (const error& problem) {
    throw format_error(within(who + ": ", problem));
  }
}

}  // namespace detail

STEER_BODY std::string preset_bytes(const preset& p) {
  check(p);
  nlohmann::ordered_json about;
  about["format"] = detail::preset_format_version;
  about["name"] = p.name;
  about["version"] = p.version;
  about["least_dose"] = p.least_dose;
  about["most_dose"] = p.most_dose;
  return detail::recipe_bytes(p.content, {{detail::preset_key, detail::dumped(about, "preset")}});
}

STEER_BODY std::string content_digest(const preset& p) {
  const std::string bytes = preset_bytes(p);
  return sha256_hex(detail::bytes_of(bytes));
}

STEER_BODY void save(const preset& p, const std::filesystem::path& path) {
  write_file(path, {detail::bytes_of(preset_bytes(p))}, "safetensors");
}

STEER_BODY preset load_preset(const std::filesystem::path& path) { return detail::read_preset<Real>(safetensors_file(path)); }

STEER_BODY preset parse_preset(std::span<const std::byte> bytes, std::string name) {
  return detail::read_preset<Real>(safetensors_file(bytes, std::move(name)));
}

}  // namespace v0
}  // namespace steer
