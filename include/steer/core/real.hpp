// steer/core/real.hpp: what the bodies in .ipp files compute in.
//
// Header-only, a body is a template over `Real`, and what it writes in terms of it (`Eigen::VectorX<Real>`, `cast<Real>()`,
// `dependent<Real>(x)`) is looked at when somebody calls it; so is a function of an .ipp file alone, which is a template over
// `Real` in both ways of use. In the compiled library it is this.
#pragma once

namespace steer {
inline namespace v0 {

#ifdef STEER_COMPILED
using Real = double;
#endif

namespace detail {

/// `x`, for an expression without a `Real` of its own whose types would cost to look at: the compiler knows nothing of it
/// before somebody calls the body.
template <class Real, class Value>
constexpr Value& dependent(Value& x) noexcept {
  return x;
}

template <class Real, class Type>
struct dependent_name {
  using type = Type;
};

/// The same of a type, for the bodies of a class that is a template over `Real`.
template <class Real, class Type>
using dependent_type = typename dependent_name<Real, Type>::type;

}  // namespace detail
}  // namespace v0
}  // namespace steer
