// Raw ds4 directions: the first two bytes are the width and the number of layers, which come from the caller.
#include "steer/io/ds4.hpp"
#include "fuzz/fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) {
    return 0;
  }
  const steer::ds4_options options{
      .layers = 1 + data[0] % 8, .width = 1 + data[1] % 8, .ffn_scale = 1.0F, .attention_scale = -1.0F};
  return fuzz::run([&] { return steer::parse_ds4(fuzz::bytes(data + 2, size - 2), "fuzz", options); },
                   [](const std::vector<steer::edit>& edits) { fuzz::require(edits.size() == 2); });
}
