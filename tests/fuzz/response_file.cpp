// Our own steering vectors with their measured response: what is accepted is written and read again, and equal.
#include "steer/io/response_file.hpp"
#include "fuzz/fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return fuzz::run([&] { return steer::parse_measured_vectors(fuzz::bytes(data, size), "fuzz"); },
                   [](const steer::measured_vectors& measured) {
                     const std::string written = steer::measured_vectors_bytes(measured);
                     fuzz::require(measured == steer::parse_measured_vectors(fuzz::bytes(written), "again"));
                   });
}
