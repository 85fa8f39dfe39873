// Any GGUF file: what is read is written and read again, and equal.
#include "steer/io/gguf.hpp"
#include "fuzz/fuzz.hpp"
#include "steer/io/write_gguf.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return fuzz::run([&] { return steer::gguf_file(fuzz::bytes(data, size), "fuzz"); },
                   [](const steer::gguf_file& file) {
                     for (const steer::gguf_tensor& tensor : file.tensors()) {
                       if (tensor.type == steer::gguf_f32 || tensor.type == steer::gguf_f16) {
                         static_cast<void>(file.floats(tensor));
                       }
                     }
                     if (file.alignment() > 4096) {  // writing pads, and that is no fault
                       return;
                     }
                     const std::string again = steer::gguf_bytes(file.metadata(), file.tensors());
                     const steer::gguf_file second(std::as_bytes(std::span(again)), "again");
                     fuzz::require(second.metadata() == file.metadata());
                     fuzz::require(second.tensors().size() == file.tensors().size());
                   });
}
