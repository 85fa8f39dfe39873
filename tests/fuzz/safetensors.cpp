// Any safetensors file.
#include "steer/io/safetensors.hpp"
#include "fuzz/fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return fuzz::run([&] { return steer::safetensors_file(fuzz::bytes(data, size), "fuzz"); },
                   [](const steer::safetensors_file& file) {
                     for (const auto& [name, tensor] : file.tensors()) {
                       static_cast<void>(steer::to_floats(tensor));
                     }
                   });
}
