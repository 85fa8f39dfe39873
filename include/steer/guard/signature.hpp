// steer/guard/signature.hpp: who vouches for some bytes: signatures in the format of minisign. Opt-in: component `signatures`.
//
//     const steer::secret_key key = steer::make_secret_key();
//     const std::string signature = steer::signature_of(bytes, key, "approved on Monday");
//     const steer::public_key trusted[] = {key.open()};
//     const steer::signed_by by = steer::verify_signature(bytes, signature, trusted, "happy.minisig");
//
// The program `minisign` reads what is written here, and the other way round. Its files are text: one or two pairs of lines, a
// comment and bytes in base64, which are Ed25519's beside the eight of an id that says which key to try.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "steer/core/error.hpp"
#include "steer/core/linkage.hpp"

namespace steer {
inline namespace v0 {

/// A signature that does not show what it should: it is of other bytes, of another comment, or by nobody who is trusted.
struct signature_error : error {
  using error::error;
};

/// What verifies the signatures of one secret key.
struct public_key {
  std::array<unsigned char, 8> id{};      ///< says which key to try; no signature vouches for it
  std::array<unsigned char, 32> point{};  ///< Ed25519's

  bool operator==(const public_key&) const = default;
};

/// The id as minisign prints it: a hexadecimal number without leading zeros.
STEER_API std::string id_of(const public_key& key);

/// The key's line in base64, which `minisign -P` takes.
STEER_API std::string to_string(const public_key& key);

/// The key as the text of a file, which `minisign -p` takes.
STEER_API std::string public_key_file(const public_key& key);

/// Reads what `public_key_file` or `to_string` or minisign wrote. The comment is not kept.
///
/// @param who  what every message begins with: "minisign: file happy.pub"
/// @throws format_error naming what is wrong with the text; if its point is none that a secret key has
/// @source Bernstein et al. 2012, "High-speed high-security signatures"; minisign's documentation, "Public key format"
STEER_API public_key parse_public_key(std::string_view file_text, const std::string& who);

namespace detail {

/// A secret key's bytes, where they stay from when they are known until they are wiped.
struct secret_bytes {
  std::array<unsigned char, 8> id{};
  std::array<unsigned char, 64> seed_and_point{};
};

struct wipe_secret_bytes {
  STEER_API void operator()(secret_bytes* bytes) const noexcept;
};

using owned_secret_bytes = std::unique_ptr<secret_bytes, wipe_secret_bytes>;

}  // namespace detail

/// What signs. It can be moved but not copied, and its bytes are overwritten when it goes; one that was moved from has none.
class secret_key {
 public:
  explicit secret_key(detail::owned_secret_bytes bytes) noexcept : bytes_(std::move(bytes)) {}

  /// The part that is for everybody.
  /// @throws argument_error if the key was moved from
  STEER_API [[nodiscard]] public_key open() const;

  /// @throws argument_error if the key was moved from
  STEER_API [[nodiscard]] const detail::secret_bytes& bytes() const;

 private:
  detail::owned_secret_bytes bytes_;
};

/// A new key from the system's randomness.
/// @throws signature_error if libsodium cannot be initialised, as everything here that computes does
STEER_API secret_key make_secret_key();

/// The most that a file of an encrypted key may ask for: what minisign writes.
inline constexpr std::uint64_t most_key_operations = std::uint64_t{1} << 25U;
inline constexpr std::uint64_t most_key_memory = std::uint64_t{1} << 30U;  ///< bytes

/// Reads minisign's file of a secret key.
///
/// @param password  of an encrypted key (`minisign -G`); empty, and not looked at, for one that is not (`minisign -G -W`). It is
///                  the caller's to overwrite, and so is the text
/// @param who       what every message begins with: "minisign: file happy.key"
/// @throws format_error naming what is wrong with the text; if it asks for less than libsodium's least or more than
///         `most_key_operations` or `most_key_memory`; if seed and point do not belong together. argument_error if the key is
///         encrypted and the password is empty or wrong. file_error if there is not the memory that it asks for
/// @cost   microseconds; for an encrypted key what its file says, usually 1 GiB and seconds
/// @source minisign's documentation, "Secret key format"; Percival and Josefsson, RFC 7914 (scrypt). Deviation: minisign 0.11
///         writes zeros for the checksum of a key that is not encrypted and reads anything; here zeros or the right one are read
STEER_API secret_key parse_secret_key(std::string_view file_text, std::string_view password, const std::string& who);

/// The key as the text of a file, not encrypted: whoever has the text can sign. minisign reads it.
/// @throws argument_error if the key was moved from
STEER_API std::string secret_key_file(const secret_key& key);

/// The longest trusted comment that minisign reads.
inline constexpr std::size_t longest_trusted_comment = 8173;

/// A signature of bytes and of a comment, as the text of a file that `minisign -V` verifies. The same three give the same text.
///
///     h = BLAKE2b-512(bytes),  s = Ed25519(h),  g = Ed25519(s, trusted_comment)
///
/// @param trusted_comment  one line; it is read by whoever verifies
/// @throws argument_error if the comment has line ends or other control characters but tabs, or more than
///         `longest_trusted_comment` bytes, or if the key was moved from
/// @cost   one pass over the bytes, about a gigabyte a second
/// @source minisign's documentation, "Signature format": "ED", prehashed, which is what minisign writes
STEER_API std::string signature_of(std::span<const std::byte> bytes, const secret_key& key, std::string_view trusted_comment);

/// Who signed, and what else they said.
struct signed_by {
  public_key key;
  std::string trusted_comment;

  bool operator==(const signed_by&) const = default;
};

/// Verifies a signature that `signature_of` or minisign wrote, prehashed or legacy, and its trusted comment; returns only if
/// both are by one of the keys that are trusted. Of the first comment nothing is known.
///
/// A prehashed signature of a file can be rewritten into a legacy one of that file's BLAKE2b hash as 64 bytes: sign nothing, and
/// trust nothing, where these 64 bytes would mean something.
///
/// @param who  what every message begins with: "minisign: file happy.minisig"
/// @throws format_error naming the line that is wrong; signature_error naming the key if it is not trusted, which none is where
///         `trusted` is empty; if the bytes or the comment are others than what was signed
/// @cost   as `signature_of`
/// @source minisign's documentation, "Signature format"; deviation: there are no control characters but tabs in the trusted
///         comment, and nothing may follow the last line
STEER_API signed_by verify_signature(std::span<const std::byte> bytes, std::string_view signature_text,
                                     std::span<const public_key> trusted, const std::string& who);

namespace detail {

enum class signature_kind : unsigned char { prehashed, legacy };

/// What the text of a signature says, of which nothing is verified.
struct signature_parts {
  signature_kind kind = signature_kind::prehashed;
  std::array<unsigned char, 8> id{};
  std::array<unsigned char, 64> of_bytes{};
  std::array<unsigned char, 64> of_comment{};
  std::string trusted_comment;

  bool operator==(const signature_parts&) const = default;
};

/// @throws format_error naming the line
STEER_API signature_parts parse_signature(std::string_view file_text, const std::string& who);
STEER_API std::string signature_file(const signature_parts& parts);

}  // namespace detail

}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/guard/signature.ipp"
#endif
