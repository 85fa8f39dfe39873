// steer/core/linkage.hpp: one set of files, for two ways of use.
//
// Header-only, the default: every header ends with the bodies of what it declares (`<name>.ipp`). Those that cost anything to
// compile are templates over the number that they compute in, so that nobody pays for a body that nobody calls.
//
// Compiled, for who links `steer::compiled`, which defines STEER_COMPILED: headers declare, and the library has the bodies.
#pragma once

#include "steer/core/version.hpp"

#ifdef STEER_COMPILED
#define STEER_API     // before the declaration of what has its body in an .ipp file
#define STEER_BODY    // before that body, which computes in `Real`
#define STEER_CHEAP_BODY  // before a body that is cheap enough to be no template
#else
#define STEER_API template <class = double>
#define STEER_BODY template <class Real>
#define STEER_CHEAP_BODY inline
#endif
