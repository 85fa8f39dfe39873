# For our own tests, benchmarks and examples only; nothing of this reaches the exported target.

set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/bin")
set(CMAKE_CXX_EXTENSIONS OFF)

# A translation unit of ours: warnings, and this machine's instructions where asked for.
add_library(steer_own INTERFACE)
target_compile_options(steer_own INTERFACE
  -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wold-style-cast -Wcast-align -Wundef -Wextra-semi
  -Wnon-virtual-dtor -Woverloaded-virtual
  # clang counts it among -Wconversion, g++ does not. Eigen's indices are signed and the standard library's are not:
  # the casts would hide more than the warning finds.
  -Wno-sign-conversion
  $<$<BOOL:${STEER_WERROR}>:-Werror>
  $<$<BOOL:${STEER_NATIVE}>:-march=native>)

# What our own executables link: the compiled library, or the headers alone.
add_library(steer_linked INTERFACE)
target_link_libraries(steer_linked INTERFACE $<IF:$<BOOL:${STEER_HEADER_ONLY}>,steer::steer,steer::compiled>)

# steer_require(<package> <target> <debian package> <what needs it>)
macro(steer_require package target debian purpose)
  if(NOT TARGET ${target})
    find_package(${package} CONFIG QUIET)
  endif()
  if(NOT TARGET ${target})
    message(FATAL_ERROR "${purpose} need ${package} and found none (Debian: ${debian}; or switch off ${ARGN})")
  endif()
endmacro()

# steer_require_component(<component> <what needs it> <option>): the opt-in parts that our own executables use.
function(steer_require_component component purpose switch)
  if(NOT TARGET steer::${component})
    message(FATAL_ERROR "${purpose} need steer::${component}, which needs ${STEER_${component}_PACKAGE} "
                        "(${STEER_${component}_SOURCE}; or switch off ${switch})")
  endif()
endfunction()
