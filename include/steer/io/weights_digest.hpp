// steer/io/weights_digest.hpp: a digest by which two models of equal metadata are told apart.
#pragma once

#include <string>

#include "steer/core/linkage.hpp"
#include "steer/io/gguf.hpp"

namespace steer {
inline namespace v0 {

/// SHA-256, cut to 32 hexadecimal digits, of every tensor's name, type and shape and of a fixed sample of its bytes: all of a tensor of
/// up to 4 KiB, else sixteen pieces of 256 bytes, evenly from its first byte to its last.
///
/// It tells models and their fine-tuned siblings apart, and quantisations, too. It proves nothing against who knows where the pieces
/// lie: for that, compare a digest of the whole file.
/// @cost   4 KiB a tensor are read and digested: milliseconds for hundreds of tensors
STEER_API std::string weights_digest(const gguf_file& model);

}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/io/weights_digest.ipp"
#endif
