// steer/io/json_fields.hpp: what our JSON formats have in common. Opt-in: component `safetensors`.
#pragma once

#include <Eigen/Core>
#include <charconv>
#include <cstddef>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "steer/core/error.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

inline std::vector<double> numbers_of(const Eigen::VectorXd& values) { return {values.begin(), values.end()}; }

inline Eigen::VectorXd vector_of(const nlohmann::json& written) {
  const auto values = written.get<std::vector<double>>();
  return Eigen::Map<const Eigen::VectorXd>(values.data(), static_cast<Eigen::Index>(values.size()));
}

/// A matrix as an array of its rows.
inline nlohmann::ordered_json rows_of(const Eigen::MatrixXd& values) {
  auto out = nlohmann::ordered_json::array();
  for (Eigen::Index i = 0; i < values.rows(); ++i) {
    out.push_back(numbers_of(values.row(i).transpose()));
  }
  return out;
}

/// @throws format_error if the rows are not as many as each has numbers; `who` names the matrix
inline Eigen::MatrixXd square_matrix_of(const nlohmann::json& written, const std::string& who) {
  const auto rows = written.get<std::vector<std::vector<double>>>();
  const auto k = static_cast<Eigen::Index>(rows.size());
  Eigen::MatrixXd out(k, k);
  for (Eigen::Index i = 0; i < k; ++i) {
    const std::vector<double>& row = rows[static_cast<std::size_t>(i)];
    if (row.size() != rows.size()) {
      throw format_error(text(who, ": row ", i, " has ", row.size(), " numbers; expected ", k));
    }
    out.row(i) = Eigen::Map<const Eigen::RowVectorXd>(row.data(), k);
  }
  return out;
}

/// @throws format_error if this is no object, or has another key than these
inline void require_keys(const nlohmann::json& object, const std::set<std::string>& known, const std::string& who) {
  if (!object.is_object()) {
    throw format_error(text(who, ": expected a JSON object"));
  }
  for (const auto& [key, value] : object.items()) {
    if (!known.contains(key)) {
      throw format_error(text(who, ": has the unknown key \"", key, "\""));
    }
  }
}

/// The layer that a key names, in the one way of writing it.
inline int layer_of_key(std::string_view key, const std::string& who) {
  int layer = -1;
  const auto [end, failure] = std::from_chars(key.data(), key.data() + key.size(), layer);
  if (failure != std::errc{} || end != key.data() + key.size() || std::to_string(layer) != key || layer < 0) {
    throw format_error(text(who, ": has the layer \"", key, "\"; expected a zero-based number"));
  }
  return layer;
}

/// @throws format_error if a text in it is no UTF-8; `who` names the thing
inline std::string dumped(const nlohmann::ordered_json& out, const std::string& who, int indent = -1) {
  try {
    return out.dump(indent);
  } catch (const nlohmann::json::exception& problem) {
    throw format_error(text(who, ": a text is no UTF-8: ", std::string_view(problem.what())));
  }
}

}  // namespace detail
}  // namespace v0
}  // namespace steer
