// steer/io/json_fields.ipp: the bodies of json_fields.hpp.
#pragma once

#include <charconv>
#include <cstddef>
#include <set>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>
#include <Eigen/Core>
#include <nlohmann/json.hpp>

#include "steer/core/error.hpp"
#include "steer/core/real.hpp"
#include "steer/io/json_fields.hpp"
#include "steer/io/json_number.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

STEER_BODY std::vector<double> numbers_of(const Eigen::VectorXd& values) { return {values.begin(), values.end()}; }

STEER_BODY Eigen::VectorXd vector_of(const nlohmann::json& written, const std::string& who, std::string_view name) {
  const std::vector<double> values = real_numbers_of(written, who, name);
  return Eigen::Map<const Eigen::VectorXd>(values.data(), static_cast<Eigen::Index>(values.size()));
}

STEER_BODY nlohmann::ordered_json rows_of(const Eigen::MatrixXd& values) {
  auto out = nlohmann::ordered_json::array();
  for (Eigen::Index i = 0; i < values.rows(); ++i) {
    out.push_back(numbers_of(values.row(i).transpose()));
  }
  return out;
}

STEER_BODY Eigen::MatrixXd square_matrix_of(const nlohmann::json& written, const std::string& who) {
  if (!written.is_array()) {
    throw format_error(text({thing(who), " is ", actual(shown(written)), "; expected ", expected("an array of rows")}));
  }
  std::vector<std::vector<double>> rows;  // all of them, before k by k numbers are allocated
  for (const nlohmann::json& row : written) {
    rows.push_back(real_numbers_of(row, who, text({"row ", rows.size()})));
    if (rows.back().size() != written.size()) {
      throw format_error(text({thing(who), ": row ", rows.size() - 1, " has ", actual(rows.back().size()),
                               " numbers; expected ", expected(written.size())}));
    }
  }
  const auto k = static_cast<Eigen::Index>(rows.size());
  Eigen::MatrixXd out(k, k);
  for (Eigen::Index i = 0; i < k; ++i) {
    out.row(i) = Eigen::Map<const Eigen::RowVectorXd>(rows[static_cast<std::size_t>(i)].data(), k);
  }
  return out;
}

STEER_BODY std::string string_of(const nlohmann::json& written, const std::string& who, std::string_view name) {
  if (!written.is_string()) {
    throw format_error(text({thing(who), " has ", name, " ", actual(shown(written)), "; expected ", expected("a string")}));
  }
  return written.get<std::string>();
}

STEER_BODY void require_version(const nlohmann::json& written, int version, const std::string& who) {
  if (!written.is_number_integer() || written != version) {
    throw format_error(text({thing(who), " has version ", actual(shown(written)), "; expected ", expected(version)}));
  }
}

STEER_BODY void require_keys(const nlohmann::json& object, const std::set<std::string>& known, const std::string& who) {
  if (!object.is_object()) {
    throw format_error(text({thing(who), ": is ", actual(shown(object)), "; expected ", expected("a JSON object")}));
  }
  for (const auto& [key, value] : object.items()) {
    if (!known.contains(key)) {
      throw format_error(text({thing(who), ": has the unknown key ", actual({"\"", key, "\""})}));
    }
  }
}

STEER_BODY int layer_of_key(std::string_view key, const std::string& who) {
  int layer = -1;
  const auto [end, failure] = std::from_chars(key.data(), key.data() + key.size(), layer);
  if (failure != std::errc{} || end != key.data() + key.size() || std::to_string(layer) != key || layer < 0) {
    throw format_error(text(
        {thing(who), ": has the layer ", actual({"\"", key, "\""}), "; expected ", expected("a zero-based number")}));
  }
  return layer;
}

STEER_BODY std::string dumped(const nlohmann::ordered_json& out, const std::string& who, int indent) {
  try {
    return out.dump(indent);
  } catch (const nlohmann::json::exception& problem) {
    throw format_error(text({thing(who), ": a text is no UTF-8: ", std::string_view(problem.what())}));
  }
}

}  // namespace detail
}  // namespace v0
}  // namespace steer
