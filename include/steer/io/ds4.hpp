// steer/io/ds4.hpp: raw directions of ds4 (DeepSeek-V4-Flash): float32 without a header, which remove a component.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <initializer_list>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>
#include <Eigen/Core>

#include "steer/core/error.hpp"
#include "steer/core/matrix.hpp"
#include "steer/io/bytes.hpp"
#include "steer/io/mapped_file.hpp"
#include "steer/io/plain_edit.hpp"
#include "steer/io/write_file.hpp"
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

namespace detail {

inline constexpr double ds4_unit_tolerance = 1e-3;

/// @throws argument_error for what no file can have
inline void require_ds4_sizes(int layers, Eigen::Index width) {
  constexpr Eigen::Index most = Eigen::Index{1} << 30;
  if (layers < 1 || width < 1 || layers >= most || width >= most) {
    throw argument_error(text({thing("ds4"), ": ", actual({layers, " layers of width ", width}), "; expected ",
                               expected("positive numbers below 2^30")}));
  }
}

/// The rows that are not zero, by layer.
inline std::map<int, direction> read_ds4_rows(std::span<const std::byte> bytes, const std::string& name, int layers,
                                              Eigen::Index width) {
  const auto fail = [&](std::initializer_list<text_part> parts) {
    throw format_error(text({thing({"ds4: file ", name}), " ", text(parts)}));
  };
  require_ds4_sizes(layers, width);
  const std::uint64_t row = static_cast<std::uint64_t>(width) * sizeof(float);
  if (bytes.size() != row * static_cast<std::uint64_t>(layers)) {
    fail({"has ", actual(bytes.size()), " bytes; expected ", expected(row * static_cast<std::uint64_t>(layers)),
          " for ", layers, " layers of width ", width});
  }
  std::map<int, direction> out;
  for (int layer = 0; layer < layers; ++layer) {
    Eigen::VectorXf values(width);
    std::memcpy(values.data(), bytes.data() + row * static_cast<std::uint64_t>(layer), static_cast<std::size_t>(row));
    if (!values.allFinite()) {
      fail({"has NaN or infinity in the row of layer ", at_layer(layer), "; expected ", expected("finite numbers")});
    }
    if (values.isZero(0.0F)) {  // "not at this layer"
      continue;
    }
    if (const double norm = values.cast<double>().norm(); std::abs(norm - 1.0) > ds4_unit_tolerance) {
      fail({"has norm ", actual(norm), " in the row of layer ", at_layer(layer), "; expected ", expected("unit rows"),
            " (is the width ", width, "?)"});
    }
    out[layer].values = std::move(values);
  }
  if (out.empty()) {
    fail({"is all zero; expected a direction for at least one layer"});
  }
  return out;
}

inline std::vector<edit> read_ds4(std::span<const std::byte> bytes, const std::string& name,
                                  const ds4_options& options) {
  if (!options.ffn_scale && !options.attention_scale) {
    throw argument_error("ds4: neither ffn_scale nor attention_scale is given; the file does not say where it acts");
  }
  steering_vector v;
  v.name = std::filesystem::path(name).stem().string();
  v.directions = read_ds4_rows(bytes, name, options.layers, options.width);
  std::vector<edit> out;
  const auto act = [&](point where, const std::optional<float>& scale) {
    if (scale) {
      edit next;
      v.point = where;
      next.operation = scale_edit{v, *scale};
      check(next);
      out.push_back(std::move(next));
    }
  };
  act(point::attention_out, options.attention_scale);
  act(point::mlp_out, options.ffn_scale);
  return out;
}

}  // namespace detail

/// Reads the file as the edits that ds4 makes of it, one for each scale given:
///
///     y' = y - scale * v (v . y)     v a unit row, by zero-based layer; rows of zeros mean "not at this layer"
///
/// @throws file_error if the file cannot be read; argument_error if no scale is given; format_error naming the file for
///         another size than layers * width, numbers that are not finite, a row that is not unit (perhaps another
///         width), or no direction at all
/// @source antirez/ds4 dir-steering
inline std::vector<edit> load_ds4(const std::filesystem::path& path, const ds4_options& options) {
  return detail::read_ds4(mapped_file(path).bytes(), path.string(), options);
}

/// The same from a file's bytes; `name` stands for the file in messages.
inline std::vector<edit> parse_ds4(std::span<const std::byte> bytes, const std::string& name,
                                   const ds4_options& options) {
  return detail::read_ds4(bytes, name, options);
}

/// The directions of a projection as a file's bytes; there is no place in it for scale and point, which ds4 takes on its
/// command line. Rows keep their bits, except that those off unit length by more than 1e-3 are normalised.
///
/// @param layers  of the model: rows for which there is no direction are zero
/// @throws argument_error if `layers` is not above 0; format_error if the edit adds, carries what the format cannot say,
///         acts elsewhere than at mlp_out or attention_out, or names a layer beyond `layers`
inline std::string ds4_bytes(const edit& e, int layers) {
  check(e);
  detail::require_plain(e, "ds4");
  if (!std::holds_alternative<scale_edit>(e.operation)) {
    throw format_error(detail::text(
        {detail::thing({"ds4: ", to_string(e)}), " does not scale a component; ds4 would remove what it adds"}));
  }
  if (point_of(e) != point::mlp_out && point_of(e) != point::attention_out) {
    throw format_error(
        detail::text({detail::thing({"ds4: ", to_string(e)}), " acts at ", detail::actual(to_string(point_of(e))),
                      "; ds4 acts at ", detail::expected("mlp_out and attention_out")}));
  }
  detail::require_ds4_sizes(layers, only_vector(e).width());
  matrix<float> rows = matrix<float>::Zero(layers, only_vector(e).width());
  for (const auto& [layer, v] : detail::used_directions(e, "ds4")) {
    if (layer >= layers) {
      throw format_error(detail::text({detail::thing({"ds4: ", to_string(e)}), " has layer ", detail::at_layer(layer),
                                       "; the model has ", detail::expected(layers), " layers"}));
    }
    const bool is_unit = std::abs(v.values.cast<double>().norm() - 1.0) <= detail::ds4_unit_tolerance;
    rows.row(layer) = (is_unit ? v.values : Eigen::VectorXf(unit(v).cast<float>())).transpose();
  }
  return {reinterpret_cast<const char*>(rows.data()), static_cast<std::size_t>(rows.size()) * sizeof(float)};
}

/// Writes them, whole or not at all.
/// @throws what `ds4_bytes` throws; file_error if the file cannot be written
inline void save_ds4(const edit& e, int layers, const std::filesystem::path& path) {
  write_file(path, {detail::bytes_of(ds4_bytes(e, layers))}, "ds4");
}

}  // namespace v0
}  // namespace steer
