// Raw ds4 directions: the first two bytes are the width and the number of layers, which come from the caller. The rest is
// what is written of them, but for the sign of zeros.
#include "steer/io/ds4.hpp"

#include <cstring>
#include <span>
#include <string>
#include <vector>

#include "fuzz/fuzz.hpp"

namespace {

std::vector<float> numbers_of(std::span<const std::byte> bytes) {
  std::vector<float> out(bytes.size() / sizeof(float));
  std::memcpy(out.data(), bytes.data(), out.size() * sizeof(float));
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) {
    return 0;
  }
  const steer::ds4_options options{
      .layers = 1 + data[0] % 8, .width = 1 + data[1] % 8, .ffn_scale = 1.0F, .attention_scale = -1.0F};
  const auto content = fuzz::bytes(data + 2, size - 2);
  return fuzz::run([&] { return steer::parse_ds4(content, "fuzz", options); },
                   [&](const std::vector<steer::edit>& edits) {
                     fuzz::require(edits.size() == 2);
                     for (const steer::edit& e : edits) {
                       const std::string again = steer::ds4_bytes(e, options.layers);
                       fuzz::require(numbers_of(fuzz::bytes(again)) == numbers_of(content));
                       fuzz::require(steer::parse_ds4(fuzz::bytes(again), "fuzz", options) == edits);
                     }
                   });
}
