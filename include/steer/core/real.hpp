// steer/core/real.hpp: what the bodies in .ipp files compute in.
//
// Header-only, a body is a template over `Real`, and what it writes in terms of it (`Eigen::VectorX<Real>`, `cast<Real>()`) is
// looked at when somebody calls it. In the compiled library it is this.
#pragma once

#ifdef STEER_COMPILED
namespace steer {
inline namespace v0 {

using Real = double;

}  // namespace v0
}  // namespace steer
#endif
