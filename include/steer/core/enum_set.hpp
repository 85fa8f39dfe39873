// steer/core/enum_set.hpp: a small set of enumerators.
#pragma once

#include <cstdint>
#include <initializer_list>

#include "steer/core/version.hpp"

namespace steer {
inline namespace v0 {

/// A set of enumerators whose values are below 32.
///
/// @cost one word; every operation is constant time
template <class Enum>
class enum_set {
 public:
  constexpr enum_set() = default;
  constexpr enum_set(std::initializer_list<Enum> members) {
    for (const Enum member : members) {
      insert(member);
    }
  }

  constexpr void insert(Enum member) noexcept { bits_ |= bit(member); }
  [[nodiscard]] constexpr bool contains(Enum member) const noexcept { return (bits_ & bit(member)) != 0; }
  [[nodiscard]] constexpr bool empty() const noexcept { return bits_ == 0; }
  constexpr bool operator==(const enum_set&) const = default;

 private:
  static constexpr std::uint32_t bit(Enum member) noexcept { return std::uint32_t{1} << static_cast<unsigned>(member); }

  std::uint32_t bits_ = 0;
};

}  // namespace v0
}  // namespace steer
