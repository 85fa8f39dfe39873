// steer/inject/digest.hpp: a number that tells recipes apart.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <type_traits>
#include <vector>
#include <Eigen/Core>

#include "steer/core/linkage.hpp"
#include "steer/recipe/field.hpp"
#include "steer/vector/affine_map.hpp"
#include "steer/vector/plane.hpp"
#include "steer/vector/steering_vector.hpp"

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
  STEER_API void operator()(std::string_view, const steering_vector& v);
  STEER_API void operator()(std::string_view, const steer::plane& p);
  STEER_API void operator()(std::string_view, const affine_map& map);
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
  STEER_API void bytes(const void* data, std::size_t count);

  std::uint64_t value_ = 0xCBF29CE484222325U;
};

}  // namespace detail
}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/inject/digest.ipp"
#endif
