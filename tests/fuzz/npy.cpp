// NumPy arrays, and the vectors in them.
#include "steer/io/npy.hpp"
#include "fuzz/fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return fuzz::run([&] { return steer::parse_npy(fuzz::bytes(data, size), "fuzz"); },
                   [](const steer::npy_array& array) {
                     check(steer::to_steering_vector(array, {"fuzz", steer::point::mlp_out, 0}, "fuzz"));
                   });
}
