// Our own steering vectors with their measured response.
#include "steer/io/response_file.hpp"
#include "fuzz/fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return fuzz::run([&] { return steer::parse_measured_vectors(fuzz::bytes(data, size), "fuzz"); },
                   [](const steer::measured_vectors& measured) { check(measured); });
}
