// PyTorch's files, of which nothing is written: what is accepted has the numbers that its shapes ask for, and its
// vectors are sound.
#include "steer/io/pytorch.hpp"

#include "fuzz/fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return fuzz::run([&] { return steer::parse_pytorch(fuzz::bytes(data, size), "fuzz"); },
                   [](const steer::named_arrays& file) {
                     for (const auto& [key, tensor] : file.arrays) {
                       const std::string written = steer::npy_bytes(tensor);  // which checks them
                       fuzz::require(steer::parse_npy(fuzz::bytes(written), "again").shape == tensor.shape);
                     }
                     const steer::npy_vector_options options{"fuzz", steer::point::residual_out, 0};
                     if (const auto v = fuzz::accepted([&] { return to_steering_vector(file, options, "fuzz"); })) {
                       check(*v);
                     }
                   });
}
