// steer/inject/digest.hpp: a number that tells recipes apart.
#pragma once

#include <Eigen/Core>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "steer/recipe/recipe.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

/// Digests fields: everything that changes what an edit does, and not the names or the evidence of its vectors.
///
/// @source FNV-1a, Fowler, Noll and Vo; 64 bits tell accidents apart, not attacks
class digest {
 public:
  [[nodiscard]] std::uint64_t value() const noexcept { return value_; }

  void operator()(std::string_view, std::string_view text) { bytes(text.data(), text.size()); }
  void operator()(std::string_view, const steering_vector& v) {
    plain(v.point);
    plain(v.directions.size());
    for (const auto& [layer, direction] : v.directions) {
      plain(layer);
      dense(direction.values);
      (*this)("row_norm", direction.row_norm);
      (*this)("spread", direction.spread);
      dense(direction.origin);
    }
  }
  void operator()(std::string_view, const steer::plane& p) {
    dense(p.first);
    dense(p.second);
  }
  void operator()(std::string_view, const affine_map& map) {
    plain(map.index());
    if (const auto* diagonal = std::get_if<diagonal_map>(&map)) {
      dense(diagonal->scale);
      dense(diagonal->shift);
    } else if (const auto* low_rank = std::get_if<low_rank_map>(&map)) {
      dense(low_rank->read);
      dense(low_rank->write);
      dense(low_rank->shift);
    } else {
      dense(std::get<dense_map>(map).linear);
      dense(std::get<dense_map>(map).shift);
    }
  }
  template <class Part>
  void operator()(std::string_view name, const std::vector<Part>& parts) {
    plain(parts.size());
    for (const Part& part : parts) {
      (*this)(name, part);
    }
  }
  template <class Part>
  void operator()(std::string_view name, const std::optional<Part>& part) {
    plain(part.has_value());
    if (part) {
      (*this)(name, *part);
    }
  }
  template <class Part, class... Domain>
    requires(has_fields<Part> || std::is_arithmetic_v<Part> || std::is_enum_v<Part>)
  void operator()(std::string_view, const Part& part, Domain...) {
    if constexpr (has_fields<Part>) {
      Part::fields(part, *this);
    } else {
      plain(part);
    }
  }
  template <class Part>
  void operator()(std::string_view name, const std::vector<Part>& parts, domain) {
    (*this)(name, parts);
  }

 private:
  template <class Number>
  void plain(Number number) {
    if constexpr (std::is_floating_point_v<Number>) {
      number += Number{0};  // -0 is 0
      bytes(&number, sizeof number);
    } else {
      const auto wide = static_cast<std::int64_t>(number);
      bytes(&wide, sizeof wide);
    }
  }
  template <class Derived>
  void dense(const Eigen::PlainObjectBase<Derived>& numbers) {
    plain(numbers.rows());
    for (Eigen::Index i = 0; i < numbers.size(); ++i) {
      plain(numbers.data()[i]);
    }
  }
  void bytes(const void* data, std::size_t count) {
    const auto* const from = static_cast<const unsigned char*>(data);
    for (std::size_t i = 0; i < count; ++i) {
      value_ = (value_ ^ from[i]) * 0x100000001B3U;
    }
  }

  std::uint64_t value_ = 0xCBF29CE484222325U;
};

}  // namespace detail
}  // namespace v0
}  // namespace steer
