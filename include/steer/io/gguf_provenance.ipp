// steer/io/gguf_provenance.ipp: the bodies of gguf_provenance.hpp.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>
#include <Eigen/Core>

#include "steer/core/error.hpp"
#include "steer/core/real.hpp"
#include "steer/io/gguf.hpp"
#include "steer/io/gguf_provenance.hpp"
#include "steer/io/steering_vector_fields.hpp"
#include "steer/vector/steering_vector.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

STEER_BODY void append_provenance(gguf_metadata& out, const steering_vector& v) {
  out.emplace_back("steer.version", gguf_provenance_version);
  out.emplace_back("steer.name", v.name);
  out.emplace_back("steer.point", std::string(to_string(v.point)));
  visit_provenance(v.source, [&](const std::string& key, const auto& value) {
    if constexpr (std::is_same_v<std::decay_t<decltype(value)>, std::string>) {
      out.emplace_back("steer." + key, value);
    } else {
      out.emplace_back("steer." + key, std::uint64_t{value});
    }
  });
}

STEER_BODY void append_measurements(gguf_metadata& out, const direction& v, const std::string& tensor) {
  visit_measurements(v, [&](const std::string& key, const std::optional<double>& value) {
    if (value) {
      out.emplace_back("steer." + key + "." + tensor, *value);
    }
  });
  if (v.origin.size() != 0) {
    out.emplace_back("steer.origin." + tensor, gguf_value(std::vector<float>(v.origin.data(), v.origin.data() + v.origin.size())));
  }
}

STEER_BODY gguf_provenance::gguf_provenance(const gguf_metadata& metadata, std::string who) : who_(std::move(who)) {
  for (const auto& [key, value] : metadata) {
    if (key.starts_with("steer.")) {
      unread_.emplace(key, &value);
    }
  }
  const auto version = read<std::uint32_t>("steer.version");
  written_by_us_ = version.has_value();
  if (version && *version != gguf_provenance_version) {
    throw format_error(text(
        {thing(who_), " has steer.version ", actual(*version), "; expected ", expected(gguf_provenance_version)}));
  }
}

STEER_BODY void gguf_provenance::read_into(steering_vector& v) {
  v.name = read<std::string>("steer.name").value_or(v.name);
  if (const auto point = read<std::string>("steer.point")) {
    try {
      v.point = point_from_string(*point);
    } catch (const argument_error& problem) {
      throw format_error(within(who_ + " has steer.point: ", problem));
    }
  }
  visit_provenance(v.source, [&](const std::string& key, auto& value) {
    using field = std::remove_reference_t<decltype(value)>;
    using stored = std::conditional_t<std::is_same_v<field, std::string>, std::string, std::uint64_t>;
    value = read<stored>("steer." + key).value_or(value);
  });
}

STEER_BODY void gguf_provenance::read_into(direction& v, const std::string& tensor) {
  visit_measurements(v, [&](const std::string& key, std::optional<double>& value) {
    value = read<double>("steer." + key + "." + tensor);
  });
  if (const auto numbers = read<std::vector<float>>("steer.origin." + tensor)) {
    v.origin = Eigen::Map<const Eigen::VectorXf>(numbers->data(), static_cast<Eigen::Index>(numbers->size()));
  }
}

STEER_BODY void gguf_provenance::check_all_read() const {
  if (!unread_.empty()) {
    throw format_error(text({thing(who_), " has the unknown key ", actual({"\"", unread_.begin()->first, "\""})}));
  }
}

}  // namespace detail
}  // namespace v0
}  // namespace steer
