// steer/io/ds4.ipp: the bodies of ds4.hpp.
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
#include <utility>
#include <variant>
#include <vector>
#include <Eigen/Core>

#include "steer/core/error.hpp"
#include "steer/core/matrix.hpp"
#include "steer/core/real.hpp"
#include "steer/io/bytes.hpp"
#include "steer/io/ds4.hpp"
#include "steer/io/mapped_file.hpp"
#include "steer/io/plain_edit.hpp"
#include "steer/io/write_file.hpp"
#include "steer/recipe/edit.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

inline constexpr double ds4_unit_tolerance = 1e-3;

/// @throws argument_error for what no file can have
template <class Real>
void require_ds4_sizes(int layers, Eigen::Index width) {
  constexpr Eigen::Index most = Eigen::Index{1} << 30;
  if (layers < 1 || width < 1 || layers >= most || width >= most) {
    throw argument_error(text({thing("ds4"), ": ", actual({layers, " layers of width ", width}), "; expected ",
                               expected("positive numbers below 2^30")}));
  }
}

/// The rows that are not zero, by layer.
template <class Real>
std::map<int, direction> read_ds4_rows(std::span<const std::byte> bytes, const std::string& name, int layers,
                                              Eigen::Index width) {
  const auto fail = [&](std::initializer_list<text_part> parts) {
    throw format_error(text({thing({"ds4: file ", name}), " ", text(parts)}));
  };
  require_ds4_sizes<Real>(layers, width);
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
    if (const double norm = values.cast<Real>().norm(); std::abs(norm - 1.0) > ds4_unit_tolerance) {
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

template <class Real>
std::vector<edit> read_ds4(std::span<const std::byte> bytes, const std::string& name,
                                  const ds4_options& options) {
  if (!options.ffn_scale && !options.attention_scale) {
    throw argument_error("ds4: neither ffn_scale nor attention_scale is given; the file does not say where it acts");
  }
  steering_vector v;
  v.name = std::filesystem::path(name).stem().string();
  v.directions = read_ds4_rows<Real>(bytes, name, options.layers, options.width);
  std::vector<edit> out;
  const auto act = [&](point where, const std::optional<float>& scale) {
    if (scale) {
      edit next;
      v.point = where;
      next.operation = ablate_edit{v, *scale};
      check(next);
      out.push_back(std::move(next));
    }
  };
  act(point::attention_out, options.attention_scale);
  act(point::mlp_out, options.ffn_scale);
  return out;
}

}  // namespace detail

STEER_BODY std::vector<edit> load_ds4(const std::filesystem::path& path, const ds4_options& options) {
  return detail::read_ds4<Real>(mapped_file(path).bytes(), path.string(), options);
}

STEER_BODY std::vector<edit> parse_ds4(std::span<const std::byte> bytes, const std::string& name,
                                   const ds4_options& options) {
  return detail::read_ds4<Real>(bytes, name, options);
}

STEER_BODY std::string ds4_bytes(const edit& e, int layers) {
  check(e);
  detail::require_plain(e, "ds4");
  if (!std::holds_alternative<ablate_edit>(e.operation)) {
    throw format_error(
        text({thing({"ds4: ", to_string(e)}), " does not scale a component; ds4 would remove what it adds"}));
  }
  if (point_of(e) != point::mlp_out && point_of(e) != point::attention_out) {
    throw format_error(text({thing({"ds4: ", to_string(e)}), " acts at ", actual(to_string(point_of(e))),
                             "; ds4 acts at ", expected("mlp_out and attention_out")}));
  }
  detail::require_ds4_sizes<Real>(layers, only_vector(e).width());
  matrix<float> zeros;
  zeros.setZero(layers, only_vector(e).width());
  auto& rows = detail::dependent<Real>(zeros);
  for (const auto& [layer, v] : detail::used_directions(e, "ds4")) {
    if (layer >= layers) {
      throw format_error(text({thing({"ds4: ", to_string(e)}), " has layer ", at_layer(layer), "; the model has ",
                               expected(layers), " layers"}));
    }
    const Eigen::VectorX<Real> exact = v.values.template cast<Real>();
    const bool is_unit = std::abs(exact.norm() - 1.0) <= detail::ds4_unit_tolerance;
    rows.row(layer) = (is_unit ? exact : exact.normalized()).transpose().template cast<float>();
  }
  return {reinterpret_cast<const char*>(rows.data()), static_cast<std::size_t>(rows.size()) * sizeof(float)};
}

STEER_BODY void save_ds4(const edit& e, int layers, const std::filesystem::path& path) {
  write_file(path, {detail::bytes_of(ds4_bytes(e, layers))}, "ds4");
}

}  // namespace v0
}  // namespace steer
