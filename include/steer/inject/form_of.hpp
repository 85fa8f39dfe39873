// steer/inject/form_of.hpp: the form of each edit.
//
// To add an edit's: declare `form_of` for it. It may bring a policy of its own as `low_rank_form::decide`.
#pragma once

#include <string>
#include <vector>

#include "steer/core/linkage.hpp"
#include "steer/inject/form.hpp"
#include "steer/recipe/edit.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

/// What an edit is at one layer, for rows without gate or schedule.
/// @param who  the edit and the layer, for messages
/// @throws argument_error or numeric_error for what its vectors do not know, or where it is not defined
STEER_API form form_of(const add_edit& e, int layer, const std::string& who);
STEER_API form form_of(const ablate_edit& e, int layer, const std::string& who);
STEER_API form form_of(const bound_edit& e, int layer, const std::string& who);
STEER_API form form_of(const erase_edit& e, int layer, const std::string& who);
STEER_API form form_of(const angle_edit& e, int layer, const std::string& who);
STEER_API form form_of(const rotate_edit& e, int layer, const std::string& who);
STEER_API form form_of(const towards_edit& e, int layer, const std::string& who);
STEER_API form form_of(const transform_edit& e, int layer, const std::string& who);
STEER_API form form_of(const watch_edit& e, int layer, const std::string& who);

STEER_API form form_of(const operation& what, int layer, const std::string& who);

/// @throws argument_error if the unit that is meant differs between the layers at which an operation acts
STEER_API void require_one_unit(const operation& what, const std::vector<int>& layers, const std::string& who);

/// Whether the form is the same at every layer.
STEER_API bool same_everywhere(const operation& what) noexcept;

}  // namespace detail
}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/inject/form_of.ipp"
#endif
