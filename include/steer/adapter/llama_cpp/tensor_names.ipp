// steer/adapter/llama_cpp/tensor_names.ipp: the bodies of tensor_names.hpp.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <vector>

#include "steer/adapter/llama_cpp/tensor_names.hpp"
#include "steer/core/real.hpp"
#include "steer/core/site.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

STEER_BODY std::array<std::optional<site>, 2> tensor_table::sites_of(named_tensor t) const noexcept {
  const auto at = static_cast<std::size_t>(t.layer);
  const auto stands_in = [&](const std::vector<llama_tensor>& column) { return at < column.size() && column[at] == t.what; };
  if (t.what == input) {
    return {site{0, point::residual_in}};
  }
  if (stands_in(block)) {
    return {site{t.layer, point::residual_out},
            at + 1 < block.size() ? std::optional(site{t.layer + 1, point::residual_in}) : std::nullopt};
  }
  if (stands_in(attention)) {
    return {site{t.layer, point::attention_out}};
  }
  if (stands_in(mlp)) {
    return {site{t.layer, point::mlp_out}};
  }
  if (heads && t.what == llama_tensor::heads && at < block.size()) {
    return {site{t.layer, point::attention_heads}};
  }
  return {};
}

STEER_BODY int tensor_table::streams_of(named_tensor t) const noexcept {
  const auto at = static_cast<std::size_t>(t.layer);
  return t.what == input || (at < block.size() && block[at] == t.what) ? streams : 1;
}

}  // namespace detail
}  // namespace v0
}  // namespace steer
