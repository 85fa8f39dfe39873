// exit_code.hpp: a program whose results could not be written has failed.
#pragma once

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace example {

/// How a program ends that has printed all it has to say.
///
/// @param code  how it would end if standard output were no matter
/// @return `code`; but EXIT_FAILURE, after a word on standard error, where that is success and not all could be printed
inline int exit_code(int code = EXIT_SUCCESS) {
  errno = 0;
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) {  // std::cout has no buffer of its own
    return code;
  }
  std::fprintf(stderr, "standard output cannot be written%s%s\n", errno == 0 ? "" : ": ",
               errno == 0 ? "" : std::strerror(errno));
  return code == EXIT_SUCCESS ? EXIT_FAILURE : code;
}

}  // namespace example
