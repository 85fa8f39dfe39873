// steer/io/glp_format.hpp: what a GLP file holds, and the names in it; the entry is steer/io/glp.hpp.
#pragma once

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <Eigen/Core>

#include "steer/core/site.hpp"
#include "steer/recipe/edit.hpp"

namespace steer {
inline namespace v0 {

/// The checkpoint that a GLP file was derived from, under GGUF's own keys `general.base_model.0.*`.
struct glp_base_model {
  std::string name = {};
  std::string organization = {};
  std::string version = {};  ///< the commit
  std::string repo_url = {};

  bool operator==(const glp_base_model&) const = default;
};

/// A GLP file: edits, all of one operation at one point, and where they come from.
struct glp {
  std::vector<edit> edits = {};  ///< for `recipe::append`; applying a part of them is another edit than the file's
  glp_base_model base_model = {};
  std::string derived_at = {};  ///< the hook point at which the directions were captured, if not where they act
  std::string created = {};     ///< a date

  bool operator==(const glp&) const = default;
};

namespace detail {

inline constexpr std::array<std::pair<std::string_view, point>, 3> glp_hook_points{
    {{"residual_stream_post_layer", point::residual_out},
     {"ffn_out_pre_residual", point::mlp_out},
     {"attn_out_pre_residual", point::attention_out}}};

/// A tensor of this name makes llama.cpp refuse a file that it would misapply; readers of GLP pass over it.
inline constexpr std::string_view glp_guard = "steer.not_a_control_vector";

inline constexpr double glp_unit_tolerance = 1e-3;

/// Text between separators, without the blanks around it.
inline std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> out;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(separator, begin), text.size());
    std::string_view part = text.substr(begin, end - begin);
    while (part.starts_with(' ')) {
      part.remove_prefix(1);
    }
    while (part.ends_with(' ')) {
      part.remove_suffix(1);
    }
    out.push_back(part);
    begin = end + 1;
  }
  return out;
}

/// The number that the whole text is; nothing for anything else, NaN and infinity included.
template <class Number>
std::optional<Number> parse_number(std::string_view text) {
  Number out{};
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (failure != std::errc{} || end != text.data() + text.size() || !std::isfinite(static_cast<double>(out))) {
    return std::nullopt;
  }
  return out;
}

/// The largest difference of V Vᵀ from the identity.
inline double off_orthonormal(const std::vector<Eigen::VectorXf>& basis) {
  double worst = 0.0;
  for (std::size_t i = 0; i < basis.size(); ++i) {
    for (std::size_t j = 0; j <= i; ++j) {
      const double product = basis[i].cast<double>().dot(basis[j].cast<double>());
      worst = std::max(worst, std::abs(product - (i == j ? 1.0 : 0.0)));
    }
  }
  return worst;
}

}  // namespace detail
}  // namespace v0
}  // namespace steer
