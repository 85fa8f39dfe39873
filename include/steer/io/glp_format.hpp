// steer/io/glp_format.hpp: what a GLP file holds, and the names in it; the entry is steer/io/glp.hpp.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <Eigen/Core>

#include "steer/core/linkage.hpp"
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
STEER_API std::vector<std::string_view> split(std::string_view text, char separator);

/// The largest difference of V Vᵀ from the identity.
STEER_API double off_orthonormal(const std::vector<Eigen::VectorXf>& basis);

}  // namespace detail
}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/io/glp_format.ipp"
#endif
