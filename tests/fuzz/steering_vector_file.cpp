// Our own steering vectors.
#include "steer/io/steering_vector_file.hpp"
#include "fuzz/fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return fuzz::run([&] { return steer::parse_steering_vector(fuzz::bytes(data, size), "fuzz"); },
                   [](const steer::steering_vector& v) { check(v); });
}
