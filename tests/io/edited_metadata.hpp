// tests/io/edited_metadata.hpp: a sound file with one fault in its metadata.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "steer/io/safetensors.hpp"

/// Writes a safetensors file again as `to`, with the first `find` in its metadata `key` replaced, and no other metadata.
inline void edit_metadata(const std::filesystem::path& from, const std::filesystem::path& to, const std::string& key,
                          const std::string& find, const std::string& replace) {
  const steer::safetensors_file source(from);
  std::string about = source.metadata_at(key);
  const auto at = about.find(find);
  ASSERT_NE(at, std::string::npos) << about;
  about.replace(at, find.size(), replace);
  steer::write_safetensors(to, source.tensors(), {{key, about}});
}
