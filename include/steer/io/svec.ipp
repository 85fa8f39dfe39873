// steer/io/svec.ipp: the bodies of svec.hpp.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>
#include <Eigen/Core>
#include <nlohmann/json.hpp>

#include "steer/core/error.hpp"
#include "steer/core/real.hpp"
#include "steer/io/control_vector.hpp"
#include "steer/io/json_fields.hpp"
#include "steer/io/json_number.hpp"
#include "steer/io/mapped_file.hpp"
#include "steer/io/safetensors.hpp"
#include "steer/io/svec.hpp"
#include "steer/vector/steering_vector.hpp"

namespace steer {
inline namespace v0 {

STEER_BODY steering_vector parse_svec(std::span<const std::byte> bytes, const std::string& name) {
  const std::string who = "svec: file " + name;
  const nlohmann::json written =
      detail::strict_json(std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()), who);
  detail::require_keys(written, {"model_type", "directions", "explained_variances"}, who);
  if (!written.contains("directions") || !written["directions"].is_object() || written["directions"].empty()) {
    throw format_error(text({thing(who), " has no ", expected("directions by layer"), "; it is no .svec"}));
  }
  steering_vector out;
  out.name = std::filesystem::path(name).stem().string();
  if (written.contains("model_type")) {
    if (!written["model_type"].is_string()) {
      throw format_error(text({thing(who), " has model_type ", actual(detail::shown(written["model_type"])),
                               "; expected ", expected("a text")}));
    }
    out.source.model = written["model_type"].get<std::string>();
  }
  for (const auto& [key, rows] : written["directions"].items()) {
    const int layer = detail::layer_of_key(key, who);
    const std::string where = text({who, ": layer ", at_layer(layer)});
    if (rows.is_array() && !rows.empty() && rows[0].is_array() && rows.size() != 1) {
      throw format_error(
          text({thing(where), " has ", actual(rows.size()), " rows; expected ", expected("one"), ", a direction"}));
    }
    const nlohmann::json& numbers = rows.is_array() && !rows.empty() && rows[0].is_array() ? rows[0] : rows;
    const std::vector<double> values = detail::real_numbers_of(numbers, where, "a direction");
    out.directions[layer].values =
        Eigen::Map<const Eigen::VectorX<Real>>(values.data(), static_cast<Eigen::Index>(values.size()))
            .template cast<float>();
  }
  detail::check_read(out, who);  // explained variances are of other texts than any that evidence here speaks of
  return out;
}

STEER_BODY steering_vector load_svec(const std::filesystem::path& path) {
  return parse_svec(mapped_file(path).bytes(), path.string());
}

}  // namespace v0
}  // namespace steer
