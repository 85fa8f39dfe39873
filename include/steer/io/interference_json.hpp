// steer/io/interference_json.hpp: an interference report as JSON. Opt-in: component `safetensors`.
//
//     {"version": 1, "names": ["happy", ...], "layers": {"3": {"gram": [[1, ...], ...], "condition": 4, ...}, ...}}
//
// Layers are zero-based. Doubles survive the round trip bit for bit; an infinite condition number is null.
#pragma once

#include <charconv>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "steer/core/error.hpp"
#include "steer/io/safetensors.hpp"
#include "steer/vector/interference_report.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

inline constexpr int interference_version = 1;

inline std::vector<double> numbers_of(const Eigen::VectorXd& values) { return {values.begin(), values.end()}; }

inline Eigen::VectorXd vector_of(const nlohmann::json& written) {
  const auto values = written.get<std::vector<double>>();
  return Eigen::Map<const Eigen::VectorXd>(values.data(), static_cast<Eigen::Index>(values.size()));
}

/// @throws format_error if the object has another key than these
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

inline interference_report::at_layer interference_at(const nlohmann::json& written, const std::string& who) {
  require_keys(written, {"gram", "condition", "coherence", "lost", "norms", "sum_norm", "expected_norm"}, who);
  interference_report::at_layer out;
  const auto rows = written.at("gram").get<std::vector<std::vector<double>>>();
  const auto k = static_cast<Eigen::Index>(rows.size());
  out.gram.resize(k, k);
  for (Eigen::Index i = 0; i < k; ++i) {
    const std::vector<double>& row = rows[static_cast<std::size_t>(i)];
    if (row.size() != rows.size()) {
      throw format_error(text(who, ": row ", i, " of the Gram matrix has ", row.size(), " numbers; expected ", k));
    }
    out.gram.row(i) = Eigen::Map<const Eigen::RowVectorXd>(row.data(), k);
  }
  const nlohmann::json& condition = written.at("condition");
  out.condition = condition.is_null() ? std::numeric_limits<double>::infinity() : condition.get<double>();
  out.coherence = written.at("coherence").get<double>();
  out.lost = vector_of(written.at("lost"));
  out.norms = vector_of(written.at("norms"));
  out.sum_norm = written.at("sum_norm").get<double>();
  out.expected_norm = written.at("expected_norm").get<double>();
  return out;
}

}  // namespace detail

/// The report as JSON text, indented by two.
/// @throws as `check` of a report; format_error if a name is no UTF-8
inline std::string to_json(const interference_report& report) {
  check(report);
  nlohmann::ordered_json out;
  out["version"] = detail::interference_version;
  out["names"] = report.names;
  out["layers"] = nlohmann::ordered_json::object();
  for (const auto& [layer, here] : report.layers) {
    nlohmann::ordered_json& written = out["layers"][std::to_string(layer)];
    written["gram"] = nlohmann::ordered_json::array();
    for (Eigen::Index i = 0; i < here.gram.rows(); ++i) {
      written["gram"].push_back(detail::numbers_of(here.gram.row(i).transpose()));
    }
    written["condition"] = here.condition;  // null where it is infinite: JSON has no word for it
    written["coherence"] = here.coherence;
    written["lost"] = detail::numbers_of(here.lost);
    written["norms"] = detail::numbers_of(here.norms);
    written["sum_norm"] = here.sum_norm;
    written["expected_norm"] = here.expected_norm;
  }
  try {
    return out.dump(2);
  } catch (const nlohmann::json::exception& problem) {
    throw format_error(detail::text("interference report: a name is no UTF-8: ", std::string_view(problem.what())));
  }
}

/// Reads what `to_json` wrote.
/// @throws format_error for anything else: malformed JSON, another version, a key that is unknown or missing, sizes that
///         do not fit
inline interference_report parse_interference_json(std::string_view text) {
  const std::string who = "interference report";
  const nlohmann::json written = detail::strict_json(text, who);
  detail::require_keys(written, {"version", "names", "layers"}, who);
  try {
    if (written.at("version") != detail::interference_version) {
      throw format_error(detail::text(who, ": has version ", written.at("version").dump(), "; expected ",
                                      detail::interference_version));
    }
    interference_report out;
    written.at("names").get_to(out.names);
    for (const auto& [number, here] : written.at("layers").get_ref<const nlohmann::json::object_t&>()) {
      int layer = -1;
      const auto [end, failure] = std::from_chars(number.data(), number.data() + number.size(), layer);
      if (failure != std::errc{} || end != number.data() + number.size() || std::to_string(layer) != number || layer < 0) {
        throw format_error(detail::text(who, ": has the layer \"", number, "\"; expected a zero-based number"));
      }
      out.layers[layer] = detail::interference_at(here, detail::text(who, ", layer ", layer));
    }
    check(out);
    return out;
  } catch (const nlohmann::json::exception& problem) {
    throw format_error(detail::text(who, ": is malformed: ", std::string_view(problem.what())));
  } catch (const shape_error& problem) {
    throw format_error(detail::text(who, ": is malformed: ", std::string_view(problem.what())));
  }
}

}  // namespace v0
}  // namespace steer
