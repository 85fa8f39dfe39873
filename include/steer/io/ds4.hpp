// steer/io/ds4.hpp: raw directions of ds4 (DeepSeek-V4-Flash): float32 without a header, which remove a component.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>
#include <Eigen/Core>

#include "steer/core/linkage.hpp"
#include "steer/recipe/edit.hpp"

namespace steer {
inline namespace v0 {

/// What a file without a header leaves unsaid. At least one scale must be given; ds4 takes both on its command line.
struct ds4_options {
  int layers = 43;
  Eigen::Index width = 4096;
  std::optional<float> ffn_scale =
      std::nullopt;  ///< at `mlp_out`: 1 removes the component, a negative one amplifies it
  std::optional<float> attention_scale = std::nullopt;  ///< at `attention_out`
};

/// Reads the file as the edits that ds4 makes of it, one for each scale given:
///
///     y' = y - scale * v (v . y)     v a unit row, by zero-based layer; rows of zeros mean "not at this layer"
///
/// @throws file_error if the file cannot be read; argument_error if no scale is given; format_error naming the file for
///         another size than layers * width, numbers that are not finite, a row that is not unit (perhaps another
///         width), or no direction at all
/// @source antirez/ds4 dir-steering
STEER_API std::vector<edit> load_ds4(const std::filesystem::path& path, const ds4_options& options);

/// The same from a file's bytes; `name` stands for the file in messages.
STEER_API std::vector<edit> parse_ds4(std::span<const std::byte> bytes, const std::string& name,
                                   const ds4_options& options);

/// The directions of a projection as a file's bytes; there is no place in it for scale and point, which ds4 takes on its
/// command line. Rows keep their bits, except that those off unit length by more than 1e-3 are normalised.
///
/// @param layers  of the model: rows for which there is no direction are zero
/// @throws argument_error if `layers` is not above 0; format_error if the edit adds, carries what the format cannot say,
///         acts elsewhere than at mlp_out or attention_out, or names a layer beyond `layers`
STEER_API std::string ds4_bytes(const edit& e, int layers);

/// Writes them, whole or not at all.
/// @throws what `ds4_bytes` throws; file_error if the file cannot be written
STEER_API void save_ds4(const edit& e, int layers, const std::filesystem::path& path);

}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/io/ds4.ipp"
#endif
