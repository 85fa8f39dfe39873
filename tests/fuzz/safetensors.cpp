// Any safetensors file: what is read is written and read again, and equal.
#include "steer/io/safetensors.hpp"

#include <algorithm>

#include "fuzz/fuzz.hpp"

namespace {

bool equal(const std::pair<const std::string, steer::tensor_view>& a,
           const std::pair<const std::string, steer::tensor_view>& b) {
  return a.first == b.first && a.second.type == b.second.type && a.second.shape == b.second.shape &&
         std::ranges::equal(a.second.bytes, b.second.bytes);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return fuzz::run([&] { return steer::safetensors_file(fuzz::bytes(data, size), "fuzz"); },
                   [](const steer::safetensors_file& file) {
                     for (const auto& [name, tensor] : file.tensors()) {
                       if (tensor.type == steer::dtype::f32 || tensor.type == steer::dtype::f16) {
                         static_cast<void>(steer::to_floats(tensor));
                       }
                     }
                     const std::string written = steer::safetensors_bytes(file.tensors(), file.metadata());
                     const steer::safetensors_file again(fuzz::bytes(written), "again");
                     fuzz::require(again.metadata() == file.metadata());
                     fuzz::require(std::ranges::equal(again.tensors(), file.tensors(), equal));
                   });
}
