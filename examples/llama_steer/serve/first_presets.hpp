// llama_steer/serve/first_presets.hpp: the presets of a server that has no others: fitted once, then kept.
#pragma once

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <llama.h>

#include "llama_steer/fit.hpp"
#include "llama_steer/serve/measure_presets.hpp"
#include "steer/core/error.hpp"
#include "steer/io/preset_file.hpp"

namespace llama_steer::serve {

/// Where presets are kept if nobody says otherwise: below $XDG_CACHE_HOME or ~/.cache.
inline std::filesystem::path default_cache() {
  if (const char* const cache = std::getenv("XDG_CACHE_HOME"); cache != nullptr && *cache != '\0') {
    return std::filesystem::path(cache) / "steer" / "presets";
  }
  const char* const home = std::getenv("HOME");
  return std::filesystem::path(home != nullptr ? home : ".") / ".cache" / "steer" / "presets";
}

/// A folder's name for a fingerprint.
inline std::string folder_name(std::string fingerprint) {
  std::replace_if(fingerprint.begin(), fingerprint.end(), [](unsigned char c) { return std::isalnum(c) == 0; }, '_');
  return fingerprint;
}

namespace detail {

/// A preset that was kept, if it is this model's and can be read.
inline std::optional<steer::preset> kept_preset(const std::filesystem::path& file, const std::string& fingerprint) {
  try {
    if (std::filesystem::exists(file)) {
      steer::preset known = steer::load_preset(file);
      if (known.content.fitted && known.content.fitted->fingerprint == fingerprint) {
        return known;
      }
    }
  } catch (const steer::error&) {  // written by another version, or cut off: fitted anew
  }
  return std::nullopt;
}

}  // namespace detail

/// The folder of the model's own presets: terse, happy and formal, fitted where they are not there yet or are another model's, and measured
/// together.
/// @param say  told what is being done
/// @throws as `fit` and `measure_presets`; steer::file_error if one cannot be written
/// @cost   for each that is fitted minutes of all threads, and as much to measure them
inline std::filesystem::path first_presets(llama_model* model, const model_options& how, const std::string& fingerprint,
                                           const std::filesystem::path& cache, const std::function<void(const std::string&)>& say) {
  constexpr std::array names{"terse", "happy", "formal"};
  const std::filesystem::path folder = cache / folder_name(fingerprint);
  const auto file_of = [&](const std::string& name) { return folder / (name + ".safetensors"); };
  std::filesystem::create_directories(folder);
  std::vector<steer::preset> all;
  bool are_measured = true;
  for (std::size_t i = 0; i < names.size(); ++i) {
    std::optional<steer::preset> known = detail::kept_preset(file_of(names[i]), fingerprint);
    if (!known) {
      say(steer::text({"fitting ", names[i], ", ", i + 1, " of ", names.size()}));
      fit_options asked;
      asked.model = how;
      asked.name = names[i];
      asked.instruction = instruction_of(names[i]);
      asked.kind = "gated";
      known = steer::preset{.name = names[i], .version = 1};
      known->content = fit(model, asked).recipe;
      save(*known, file_of(names[i]));  // not to be fitted again, whatever comes
    }
    are_measured = are_measured && is_measured(*known);
    all.push_back(std::move(*known));
  }
  if (!are_measured) {
    measure_presets(model, how, all, say);
    for (const steer::preset& each : all) {
      save(each, file_of(each.name));
    }
  }
  return folder;
}

}  // namespace llama_steer::serve
