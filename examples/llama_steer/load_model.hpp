// llama_steer/load_model.hpp: a GGUF model as llama.cpp loads it.
#pragma once

#include <llama.h>

#include <cstdio>
#include <filesystem>
#include <memory>

#include "steer/core/error.hpp"

namespace llama_steer {

using model_pointer = std::unique_ptr<llama_model, void (*)(llama_model*)>;

/// Of llama.cpp's log only errors are shown, on standard error.
/// @throws steer::file_error if llama.cpp cannot load it
inline model_pointer load_model(const std::filesystem::path& path) {
  llama_log_set(
      [](ggml_log_level level, const char* text, void*) {
        if (level == GGML_LOG_LEVEL_ERROR) {
          std::fputs(text, stderr);
        }
      },
      nullptr);
  llama_backend_init();
  model_pointer model(llama_model_load_from_file(path.c_str(), llama_model_default_params()), llama_model_free);
  if (!model) {
    throw steer::file_error(steer::text({"file ", path.string(), " is no model that llama.cpp can load"}));
  }
  return model;
}

}  // namespace llama_steer
