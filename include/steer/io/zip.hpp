// steer/io/zip.hpp: the files in a ZIP archive that is not compressed, as PyTorch writes its own.
#pragma once

#include <cstddef>
#include <map>
#include <span>
#include <string>

#include "steer/core/linkage.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

/// The bytes of each file in an archive, by its path there. Views into `bytes`; checksums are not looked at, which
/// PyTorch can be told not to write.
///
/// @throws format_error for what is no archive, ends early, has a path twice, or holds a file that is compressed or
/// encrypted;
///         `who` names it
/// @cost   proportional to the number of files
/// @source PKWARE, APPNOTE.TXT 6.3, with the 64-bit records
STEER_API std::map<std::string, std::span<const std::byte>> zip_files(std::span<const std::byte> bytes,
                                                                      const std::string& who);

}  // namespace detail
}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/io/zip.ipp"
#endif
