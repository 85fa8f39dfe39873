// steer/recipe/later.hpp: bodies that nobody calls cost nothing.
#pragma once

namespace steer {
inline namespace v0 {
namespace detail {

/// The thing itself. In a body over `Real` (see core/linkage.hpp), what is written in terms of it is looked at when somebody calls
/// the body, not when it is read: so that to include a header is no visit of every operation.
template <class Real, class Thing>
constexpr Thing& later(Thing& thing) noexcept {
  return thing;
}

}  // namespace detail
}  // namespace v0
}  // namespace steer
