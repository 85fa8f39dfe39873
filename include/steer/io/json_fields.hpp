// steer/io/json_fields.hpp: what our JSON formats have in common. Opt-in: component `safetensors`.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>
#include <Eigen/Core>
#include <nlohmann/json.hpp>

#include "steer/core/linkage.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

STEER_API std::vector<double> numbers_of(const Eigen::VectorXd& values);

/// @throws as `real_numbers_of`
STEER_API Eigen::VectorXd vector_of(const nlohmann::json& written, const std::string& who, std::string_view name);

/// A matrix as an array of its rows.
STEER_API nlohmann::ordered_json rows_of(const Eigen::MatrixXd& values);

/// @throws format_error if this is no array of rows, or they are not as many as each has numbers; `who` names the matrix
STEER_API Eigen::MatrixXd square_matrix_of(const nlohmann::json& written, const std::string& who);

/// @throws format_error if this is no string; `who` names the thing that has it under that name
STEER_API std::string string_of(const nlohmann::json& written, const std::string& who, std::string_view name);

/// @throws format_error if this is another version; `who` names the thing that has it
STEER_API void require_version(const nlohmann::json& written, int version, const std::string& who);

/// @throws format_error if this is no object, or has another key than these
STEER_API void require_keys(const nlohmann::json& object, const std::set<std::string>& known, const std::string& who);

/// The layer that a key names, in the one way of writing it.
STEER_API int layer_of_key(std::string_view key, const std::string& who);

/// @throws format_error if a text in it is no UTF-8; `who` names the thing
STEER_API std::string dumped(const nlohmann::ordered_json& out, const std::string& who, int indent = -1);

}  // namespace detail
}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/io/json_fields.ipp"
#endif
