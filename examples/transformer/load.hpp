// transformer/load.hpp: a model from a file of either format.
#pragma once

#include <filesystem>
#include <memory>

#include "transformer/huggingface.hpp"
#include "transformer/llama2c.hpp"

namespace reference {

/// Loads a checkpoint, `.bin` of llama2.c or `.safetensors` with Hugging Face's names.
///
/// @throws what the two loaders throw; steer::argument_error for any other extension
inline std::shared_ptr<const model> load_model(const std::filesystem::path& path) {
  if (path.extension() == ".bin") {
    return load_llama2c(path);
  }
  if (path.extension() == ".safetensors") {
    return load_safetensors(path);
  }
  throw steer::argument_error(steer::text({"load_model: extension \"", path.extension().string(),
                                           "\" is unknown, expected .bin or .safetensors (file ", path.string(), ")"}));
}

}  // namespace reference
