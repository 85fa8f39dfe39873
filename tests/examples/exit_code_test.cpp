#include "exit_code.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <functional>
#include <iostream>

namespace {

/// How a program ends that prints there and calls `exit_code(code)`.
int ends(const char* standard_output, int code, const std::function<void()>& print) {
  std::fflush(stdout);  // or the child prints it again
  const pid_t child = ::fork();
  if (child == 0) {
    ::dup2(::open("/dev/null", O_WRONLY), 2);  // the complaint
    if (standard_output == nullptr) {
      ::close(1);
    } else {
      ::dup2(::open(standard_output, O_WRONLY), 1);
    }
    print();
    ::_exit(example::exit_code(code));
  }
  int status = -1;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(exit_code, says_whether_all_was_printed) {
  const auto little = [] { std::puts("result"); };
  const auto much = [] {
    for (int line = 0; line < 10'000; ++line) {
      std::puts("more than any buffer holds");
    }
  };
  const auto by_stream = [] { std::cout << "result\n"; };
  for (const std::function<void()>& print :
       {std::function<void()>(little), std::function<void()>(much), std::function<void()>(by_stream)}) {
    EXPECT_EQ(ends("/dev/null", 0, print), 0);
    EXPECT_EQ(ends("/dev/null", 3, print), 3);
    EXPECT_EQ(ends("/dev/full", 0, print), 1);
    EXPECT_EQ(ends("/dev/full", 3, print), 3);
    EXPECT_EQ(ends(nullptr, 0, print), 1);
  }
  EXPECT_EQ(ends("/dev/full", 0, [] {}), 0) << "nothing was to be printed";
}

}  // namespace
