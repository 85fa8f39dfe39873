// tests/serve/presets.hpp: folders of presets, and what tests make of them.
#pragma once

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "guard/house_rules.hpp"
#include "steer/io/preset_file.hpp"
#include "steer/recipe/preset.hpp"
#include "temporary_file.hpp"

namespace toy {

/// A folder that goes with the test.
class temporary_folder {
 public:
  temporary_folder() { std::filesystem::create_directory(place_.path()); }
  temporary_folder(const temporary_folder&) = delete;
  temporary_folder& operator=(const temporary_folder&) = delete;
  ~temporary_folder() {
    std::error_code ignored;
    std::filesystem::remove_all(place_.path(), ignored);
  }

  [[nodiscard]] const std::filesystem::path& path() const { return place_.path(); }
  [[nodiscard]] std::filesystem::path operator/(const std::string& name) const { return place_.path() / name; }

  std::filesystem::path write(const std::string& name, const std::string& content) const {
    std::ofstream(*this / name, std::ios::binary) << content;
    return *this / name;
  }

 private:
  temporary_file place_;
};

inline std::string content_of(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// Adds so much along an axis at layer 1.
inline steer::preset preset_along(const std::string& name, int version, Eigen::Index along, float length) {
  steer::preset out{.name = name, .version = version};
  out.content.recipe.add(vector_at(name, {{1, axis(along, length)}}), {.unit = steer::strength_unit::raw});
  return out;
}

/// terse@1 and @2, happy@1 and formal@1, each along an axis of its own; a terse of version 2 is twice as long.
inline void write_presets(const temporary_folder& folder) {
  save(preset_along("terse", 1, 1, 1.0F), folder / "terse_1.safetensors");
  save(preset_along("terse", 2, 1, 2.0F), folder / "terse_2.safetensors");
  save(preset_along("happy", 1, 2, 3.0F), folder / "happy.safetensors");
  save(preset_along("formal", 1, 3, 4.0F), folder / "formal.safetensors");
}

}  // namespace toy
