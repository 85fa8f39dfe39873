// llama_steer/serve/first_presets.hpp: the presets of a server that has no others: fitted once, then kept.
#pragma once

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <string>

#include <llama.h>

#include "llama_steer/fit.hpp"
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

/// The folder of the model's own presets: terse, happy and formal, fitted where they are not there yet or are another model's.
/// @param say  told what is being done
/// @throws as `fit`; steer::file_error if one cannot be written
/// @cost   for each that is fitted minutes of all threads
inline std::filesystem::path first_presets(llama_model* model, const model_options& how, const std::string& fingerprint,
                                           const std::filesystem::path& cache, const std::function<void(const std::string&)>& say) {
  constexpr std::array names{"terse", "happy", "formal"};
  const std::filesystem::path folder = cache / folder_name(fingerprint);
  std::filesystem::create_directories(folder);
  for (std::size_t i = 0; i < names.size(); ++i) {
    const std::filesystem::path file = folder / (std::string(names[i]) + ".safetensors");
    try {
      if (std::filesystem::exists(file)) {
        const steer::preset known = steer::load_preset(file);
        if (known.content.fitted && known.content.fitted->fingerprint == fingerprint) {
          continue;
        }
      }
    } catch (const steer::error&) {  // written by another version, or cut off: fitted anew
    }
    say(steer::text({"fitting ", names[i], ", ", i + 1, " of ", names.size()}));
    fit_options asked;
    asked.model = how;
    asked.name = names[i];
    asked.instruction = instruction_of(names[i]);
    asked.kind = "gated";
    steer::preset made{.name = names[i], .version = 1};
    made.content = fit(model, asked).recipe;
    save(made, file);
  }
  return folder;
}

}  // namespace llama_steer::serve
