// steer/io/response_file.ipp: the bodies of response_file.hpp.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <map>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>
#include <nlohmann/json.hpp>

#include "steer/core/error.hpp"
#include "steer/core/real.hpp"
#include "steer/io/bytes.hpp"
#include "steer/io/json_fields.hpp"
#include "steer/io/json_number.hpp"
#include "steer/io/response_file.hpp"
#include "steer/io/safetensors.hpp"
#include "steer/io/steering_vector_file.hpp"
#include "steer/io/write_file.hpp"
#include "steer/vector/measured_vectors.hpp"
#include "steer/vector/response.hpp"
#include "steer/vector/steering_vector.hpp"
#include "steer/vector/strength_unit.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

inline constexpr int response_version = 1;

/// What a recipe of these vectors would be refused for, before it is one.
/// @throws numeric_error if the cap is not above 0; argument_error if a layer is named twice; shape_error if a vector has
///         no direction there
template <class Real>
void check_dose_unit(const measured_vectors& measured) {
  const steer::dose_unit& how = measured.response.dose_unit;
  if (!(how.cap > 0.0F)) {
    throw numeric_error(text(
        {thing("measured vectors, the cap"), " is ", actual(how.cap), "; expected ", expected("a number above 0")}));
  }
  std::set<int> seen;
  for (const int layer : how.layers) {
    if (!seen.insert(layer).second) {
      throw argument_error(text({thing("measured vectors"), ": layer ", at_layer(layer), " is named twice"}));
    }
    for (const steering_vector& v : measured.vectors) {
      if (!v.directions.contains(layer)) {
        throw shape_error(text({thing({"measured vectors: \"", v.name, "\""}), " has no direction at layer ",
                                at_layer(layer), ", at which it is said to be dosed"}));
      }
    }
  }
}

STEER_BODY nlohmann::ordered_json written_response(const response& r) {
  nlohmann::ordered_json out;
  out["readouts"] = r.readouts;
  out["model"] = r.model;
  out["fingerprint"] = r.fingerprint;
  out["unit"] = std::string(to_string(r.dose_unit.unit));
  out["layers"] = r.dose_unit.layers;
  out["cap"] = r.dose_unit.cap;  // null where it is infinite
  out["step"] = r.step;
  out["baseline"] = numbers_of(r.baseline);
  out["slope"] = rows_of(r.slope);
  out["error"] = rows_of(r.error);
  out["bend"] = rows_of(r.bend);
  out["random_slope"] = numbers_of(r.random_slope);
  out["warnings"] = r.warnings;
  return out;
}

STEER_BODY response response_from(const nlohmann::json& about, const std::vector<steering_vector>& vectors, const std::string& who) {
  require_keys(about, {"readouts", "model", "fingerprint", "unit", "layers", "cap", "step", "baseline", "slope", "error", "bend",
                       "random_slope", "warnings"},
               who);
  response out;
  for (const steering_vector& v : vectors) {
    out.vectors.push_back(v.name);
  }
  about.at("readouts").get_to(out.readouts);
  about.at("model").get_to(out.model);
  about.at("fingerprint").get_to(out.fingerprint);
  out.dose_unit.unit = strength_unit_from_string(about.at("unit").get<std::string>());
  for (const nlohmann::json& layer : about.at("layers").get_ref<const nlohmann::json::array_t&>()) {
    out.dose_unit.layers.push_back(whole_number_of<int>(layer, who, "the layer"));
  }
  out.dose_unit.cap = real_or_infinity_of<float>(about.at("cap"), who, "cap");
  out.step = real_number_of<double>(about.at("step"), who, "step");
  out.baseline = vector_of(about.at("baseline"), who, "baseline");
  out.slope = square_matrix_of(about.at("slope"), who + ", the slope");
  out.error = square_matrix_of(about.at("error"), who + ", the error");
  out.bend = square_matrix_of(about.at("bend"), who + ", the bend");
  out.random_slope = vector_of(about.at("random_slope"), who, "random_slope");
  about.at("warnings").get_to(out.warnings);
  return out;
}

template <class Real>
measured_vectors read_measured_vectors(const safetensors_file& file) {
  const std::string who = text({"measured vectors: file ", file.name()});
  return read_described(file, "steer_response", who, [&](const nlohmann::json& about, std::set<std::string>& taken) {
    require_keys(about, {"version", "vectors", "response"}, who);
    require_version(about.at("version"), response_version, who);
    measured_vectors out;
    for (const nlohmann::json& v : about.at("vectors").get_ref<const nlohmann::json::array_t&>()) {
      const std::string number = std::to_string(out.vectors.size());
      out.vectors.push_back(vector_from(v, number + ".", file, taken, text({who, ", vector ", number})));
    }
    out.response = response_from(about.at("response"), out.vectors, text({who, ", the response"}));
    check_dose_unit<Real>(out);
    return out;
  });
}

}  // namespace detail


STEER_BODY std::string measured_vectors_bytes(const measured_vectors& measured) {
  check(measured);
  detail::check_dose_unit<Real>(measured);
  std::map<std::string, tensor_view, std::less<>> tensors;
  nlohmann::ordered_json about;
  about["version"] = detail::response_version;
  about["vectors"] = nlohmann::ordered_json::array();
  for (std::size_t j = 0; j < measured.vectors.size(); ++j) {
    about["vectors"].push_back(detail::written_vector(measured.vectors[j], std::to_string(j) + ".", tensors));
  }
  about["response"] = detail::written_response(measured.response);
  return safetensors_bytes(tensors, {{"steer_response", detail::dumped(about, "measured vectors")}});
}

STEER_BODY void save(const measured_vectors& measured, const std::filesystem::path& path) {
  write_file(path, {detail::bytes_of(measured_vectors_bytes(measured))}, "safetensors");
}

STEER_BODY measured_vectors load_measured_vectors(const std::filesystem::path& path) {
  return detail::read_measured_vectors<Real>(safetensors_file(path));
}

STEER_BODY measured_vectors parse_measured_vectors(std::span<const std::byte> bytes, std::string name) {
  return detail::read_measured_vectors<Real>(safetensors_file(bytes, std::move(name)));
}

}  // namespace v0
}  // namespace steer
