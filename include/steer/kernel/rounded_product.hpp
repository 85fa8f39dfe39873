// steer/kernel/rounded_product.hpp: products beside a sum, the same in every unit.
#pragma once

#include <concepts>

namespace steer {
inline namespace v0 {
namespace kernel {

/// a b, rounded before anything is added to it. Left to the compiler, a unit with `-mfma`, or compiled for its own machine, would
/// round product and sum at once and another would not, and a row's bits would depend on which of them steers it.
template <std::floating_point Real>
[[nodiscard]] inline Real rounded_product(Real a, Real b) noexcept {
  Real product = a * b;
#if defined(__x86_64__)
  asm("" : "+x"(product));  // the sum does not see where it comes from
#elif defined(__aarch64__)
  asm("" : "+w"(product));
#else
  asm("" : "+m"(product));
#endif
  return product;
}

}  // namespace kernel
}  // namespace v0
}  // namespace steer
