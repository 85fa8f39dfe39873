// steer/guard/signed_file.hpp: files with minisign's signature beside them. Opt-in: component `signatures`.
#pragma once

#include <cstddef>
#include <filesystem>
#include <set>
#include <span>
#include <string>

#include "steer/core/linkage.hpp"
#include "steer/guard/signature.hpp"

namespace steer {
inline namespace v0 {

/// Where the signature of a file is: "terse.safetensors.minisig" beside "terse.safetensors".
STEER_API std::filesystem::path signature_path(const std::filesystem::path& file);

/// Verifies the signature that lies beside a file, of bytes that were read from it.
///
/// @param content       what was read; it is verified, not the file, which may have changed since
/// @param trusted_keys  as a policy lists them: minisign's lines of base64
/// @return by whom and with which trusted comment, for the audit trail
/// @throws signature_error if there is no signature file, or as `verify_signature`; file_error or format_error for one that cannot be
///         read, or a key that is none
STEER_API std::string verify_signed_file(std::span<const std::byte> content, const std::filesystem::path& file,
                                         const std::set<std::string>& trusted_keys);

/// The same as an object: what a preset library asks of every file.
struct signatures_beside_files {
  STEER_API std::string operator()(std::span<const std::byte> content, const std::filesystem::path& file,
                                   const std::set<std::string>& trusted_keys) const;
};

/// Signs a file, its signature beside it. One that is there already is replaced.
/// @throws file_error if one of both cannot be read or written; as `signature_of`
STEER_API void sign_file(const std::filesystem::path& file, const secret_key& key, const std::string& trusted_comment);

}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/guard/signed_file.ipp"
#endif
