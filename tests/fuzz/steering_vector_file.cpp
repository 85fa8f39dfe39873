// Our own steering vectors: what is accepted is written and read again, and equal.
#include "steer/io/steering_vector_file.hpp"
#include "fuzz/fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return fuzz::run([&] { return steer::parse_steering_vector(fuzz::bytes(data, size), "fuzz"); },
                   [](const steer::steering_vector& v) {
                     const std::string written = steer::steering_vector_bytes(v);
                     fuzz::require(v == steer::parse_steering_vector(fuzz::bytes(written), "again"));
                   });
}
