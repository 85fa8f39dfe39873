// faults.cpp: one fault for each sanitizer, to see that it is on.

#include <limits>
#include <memory>
#include <string_view>
#include <thread>

namespace {

int heap(int beyond) {
  const auto numbers = std::make_unique<int[]>(4);
  const volatile int* first = numbers.get();
  return first[beyond];
}

int overflow(int more) {
  volatile int most = std::numeric_limits<int>::max();
  return most + more;
}

int race() {
  int shared = 0;
  std::thread other{[&shared] {
    for (int i = 0; i < 1000; ++i) {
      shared += i;
    }
  }};
  for (int i = 0; i < 1000; ++i) {
    shared += i;
  }
  other.join();
  return shared;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view fault = argc == 2 ? argv[1] : "none";
  volatile int result = 0;  // so that no fault is optimised away
  if (fault == "heap") {
    result = heap(argc + 2);
  } else if (fault == "overflow") {
    result = overflow(argc);
  } else if (fault == "race") {
    result = race();
  }
  return fault == "none" ? result : 0;
}
