// Any GGUF file: what is read is written and read again, and equal.
#include "steer/io/gguf.hpp"

#include <algorithm>

#include "fuzz/fuzz.hpp"
#include "steer/io/write_gguf.hpp"

namespace {

/// What ggml refuses is read here and not written.
bool is_writable(const steer::gguf_file& file) {
  return file.alignment() <= 4096 &&  // writing pads, and that is no fault
         std::ranges::all_of(file.metadata(),
                             [](const auto& entry) { return !entry.first.empty() && entry.first.size() <= 65535; }) &&
         std::ranges::all_of(file.tensors(),
                             [](const auto& tensor) { return !tensor.name.empty() && tensor.name.size() <= 63; });
}

bool equal(const steer::gguf_tensor& a, const steer::gguf_tensor& b) {
  return a.name == b.name && a.type == b.type && a.shape == b.shape && std::ranges::equal(a.bytes, b.bytes);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return fuzz::run([&] { return steer::gguf_file(fuzz::bytes(data, size), "fuzz"); },
                   [](const steer::gguf_file& file) {
                     for (const steer::gguf_tensor& tensor : file.tensors()) {
                       if (tensor.type == steer::gguf_f32 || tensor.type == steer::gguf_f16) {
                         static_cast<void>(file.floats(tensor));
                       }
                     }
                     if (!is_writable(file)) {
                       return;
                     }
                     const std::string again = steer::gguf_bytes(file.metadata(), file.tensors());
                     const steer::gguf_file second(fuzz::bytes(again), "again");
                     fuzz::require(second.alignment() == file.alignment());
                     fuzz::require(second.metadata() == file.metadata());
                     fuzz::require(std::ranges::equal(second.tensors(), file.tensors(), equal));
                   });
}
