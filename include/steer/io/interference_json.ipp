// steer/io/interference_json.ipp: the bodies of interference_json.hpp.
#pragma once

#include <string>
#include <string_view>
#include <nlohmann/json.hpp>

#include "steer/core/error.hpp"
#include "steer/core/real.hpp"
#include "steer/io/interference_json.hpp"
#include "steer/io/json_fields.hpp"
#include "steer/io/json_number.hpp"
#include "steer/io/safetensors.hpp"
#include "steer/vector/interference_report.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

inline constexpr int interference_version = 1;

template <class Real>
interference_report::at_layer interference_at(const nlohmann::json& written, const std::string& who) {
  require_keys(written, {"gram", "condition", "coherence", "lost", "norms", "sum_norm", "expected_norm"}, who);
  interference_report::at_layer out;
  out.gram = square_matrix_of(written.at("gram"), text({who, ", the Gram matrix"}));
  out.condition = real_or_infinity_of<double>(written.at("condition"), who, "condition");
  out.coherence = real_number_of<double>(written.at("coherence"), who, "coherence");
  out.lost = vector_of(written.at("lost"), who, "lost");
  out.norms = vector_of(written.at("norms"), who, "norms");
  out.sum_norm = real_number_of<double>(written.at("sum_norm"), who, "sum_norm");
  out.expected_norm = real_number_of<double>(written.at("expected_norm"), who, "expected_norm");
  return out;
}

}  // namespace detail


STEER_BODY std::string to_json(const interference_report& report) {
  check(report);
  nlohmann::ordered_json out;
  out["version"] = detail::interference_version;
  out["names"] = report.names;
  out["layers"] = nlohmann::ordered_json::object();
  for (const auto& [layer, here] : report.layers) {
    if (layer < 0) {
      throw shape_error(
          text({"interference report: has layer ", at_layer(layer), "; expected ", expected("a zero-based number")}));
    }
    nlohmann::ordered_json& written = out["layers"][std::to_string(layer)];
    written["gram"] = detail::rows_of(here.gram);
    written["condition"] = here.condition;  // null where it is infinite
    written["coherence"] = here.coherence;
    written["lost"] = detail::numbers_of(here.lost);
    written["norms"] = detail::numbers_of(here.norms);
    written["sum_norm"] = here.sum_norm;
    written["expected_norm"] = here.expected_norm;
  }
  return detail::dumped(out, "interference report", 2);
}

STEER_BODY interference_report parse_interference_json(std::string_view text) {
  const std::string who = "interference report";
  const nlohmann::json written = detail::strict_json(text, who);
  detail::require_keys(written, {"version", "names", "layers"}, who);
  try {
    detail::require_version(written.at("version"), detail::interference_version, who);
    interference_report out;
    written.at("names").get_to(out.names);
    for (const auto& [number, here] : written.at("layers").get_ref<const nlohmann::json::object_t&>()) {
      const int layer = detail::layer_of_key(number, who);
      out.layers[layer] = detail::interference_at<Real>(here, steer::text({who, ", layer ", layer}));
    }
    check(out);
    return out;
  } catch (const nlohmann::json::exception& problem) {
    throw format_error(steer::text({who, ": is malformed: ", std::string_view(problem.what())}));
  } catch (const shape_error& problem) {
    throw format_error(within(who + ": is malformed: ", problem));
  }
}

}  // namespace v0
}  // namespace steer
