// steer/core/version.hpp: which version this is, and which compilers it is for.
#pragma once

#if defined(_MSVC_LANG) ? _MSVC_LANG < 202002L : __cplusplus < 202002L
#error "steer needs C++20: compile with -std=c++20 or later (CMake: target_compile_features(... cxx_std_20))"
#elif defined(__clang__)
#if __clang_major__ < 14
#error "steer needs clang 14 or later, or g++ 11 or later"
#endif
#elif defined(__GNUC__)
#if __GNUC__ < 11
#error "steer needs g++ 11 or later (tested: 12), or clang 14 or later"
#endif
#else
#error "steer needs g++ or clang: its kernels are written with their vector extensions, which MSVC does not have"
#endif

// The same as in CMakeLists.txt, which a test compares.
#define STEER_VERSION_MAJOR 0
#define STEER_VERSION_MINOR 1
#define STEER_VERSION_PATCH 0

/// To compare: `#if STEER_VERSION >= 200` from 0.2.0 on. Two digits each for minor and patch.
#define STEER_VERSION (STEER_VERSION_MAJOR * 10000 + STEER_VERSION_MINOR * 100 + STEER_VERSION_PATCH)
