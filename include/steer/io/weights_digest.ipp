// steer/io/weights_digest.ipp: the bodies of weights_digest.hpp.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "steer/core/error.hpp"
#include "steer/io/bytes.hpp"
#include "steer/io/gguf.hpp"
#include "steer/io/sha256.hpp"
#include "steer/io/weights_digest.hpp"

namespace steer {
inline namespace v0 {

STEER_BODY std::string weights_digest(const gguf_file& model) {
  constexpr std::size_t pieces = 16;
  constexpr std::size_t piece = 256;
  std::vector<const gguf_tensor*> by_name;
  for (const gguf_tensor& tensor : model.tensors()) {
    by_name.push_back(&tensor);
  }
  std::sort(by_name.begin(), by_name.end(), [](const auto* a, const auto* b) { return a->name < b->name; });
  sha256 all;
  for (const gguf_tensor* tensor : by_name) {
    const std::string about = text({tensor->name.size(), ":", tensor->name, " ", detail::type_text(tensor->type), " ",
                                    detail::shape_text(tensor->shape), "\n"});
    all.update(detail::bytes_of(about));
    const std::span<const std::byte> bytes = tensor->bytes;
    if (bytes.size() <= pieces * piece) {
      all.update(bytes);
      continue;
    }
    const std::size_t room = bytes.size() - piece;
    for (std::size_t i = 0; i < pieces; ++i) {  // room * i / (pieces - 1), which does not overflow: the last piece ends where the tensor does
      all.update(bytes.subspan(room / (pieces - 1) * i + room % (pieces - 1) * i / (pieces - 1), piece));
    }
  }
  return all.hex().substr(0, 32);
}

}  // namespace v0
}  // namespace steer
