// steer/guard/signature.ipp: the bodies of signature.hpp.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <sodium.h>

#include "steer/core/error.hpp"
#include "steer/core/real.hpp"
#include "steer/guard/signature.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

static_assert(std::endian::native == std::endian::little, "ids and limits are little-endian in these files");

inline constexpr std::string_view untrusted_prefix = "untrusted comment: ";
inline constexpr std::string_view trusted_prefix = "trusted comment: ";

// What lines of numbers begin with, and what a secret key says of its encryption and its checksum.
inline constexpr std::string_view key_algorithm = "Ed";
inline constexpr std::string_view prehashed_algorithm = "ED";
inline constexpr std::string_view scrypt_algorithm = "Sc";
inline constexpr std::string_view no_encryption{"\0\0", 2};
inline constexpr std::string_view checksum_algorithm = "B2";

using key_id = std::array<unsigned char, 8>;
using checksum = std::array<unsigned char, 32>;
using public_key_bytes = std::array<unsigned char, 2 + 8 + 32>;       // algorithm, id, point
using signature_bytes = std::array<unsigned char, 2 + 8 + 64>;        // algorithm, id, signature
using secret_part = std::array<unsigned char, 8 + 64 + 32>;           // id, seed and point, checksum: what is encrypted
using secret_key_bytes = std::array<unsigned char, 6 + 32 + 16 + 104>;  // three algorithms, salt, limits, secret part

inline void require_sodium() {
  if (sodium_init() < 0) {
    throw signature_error("signature: libsodium cannot be initialised");
  }
}

/// Bytes that are overwritten when they go.
template <class Array>
struct wiped {
  Array bytes{};

  wiped() = default;
  wiped(const wiped&) = delete;
  wiped& operator=(const wiped&) = delete;
  ~wiped() { sodium_memzero(bytes.data(), bytes.size()); }
};

/// Takes parts of fixed sizes off a line's bytes, one after the other.
class part_reader {
 public:
  explicit part_reader(std::span<const unsigned char> bytes) noexcept : rest_(bytes) {}

  [[nodiscard]] std::span<const unsigned char> take(std::size_t count) noexcept {
    const auto out = rest_.first(count);
    rest_ = rest_.subspan(count);
    return out;
  }

  [[nodiscard]] bool take_if(std::string_view expected) noexcept {
    return std::ranges::equal(take(expected.size()), expected,
                              [](unsigned char a, char b) { return a == static_cast<unsigned char>(b); });
  }

  template <class Array>
  void read(Array& out) noexcept {
    std::ranges::copy(take(out.size()), out.begin());
  }

  [[nodiscard]] std::uint64_t number() noexcept {
    std::uint64_t out = 0;
    std::memcpy(&out, take(sizeof out).data(), sizeof out);
    return out;
  }

 private:
  std::span<const unsigned char> rest_;
};

/// Puts parts into a line's bytes, one after the other.
class part_writer {
 public:
  explicit part_writer(std::span<unsigned char> bytes) noexcept : rest_(bytes) {}

  void put(std::span<const unsigned char> part) noexcept {
    std::ranges::copy(part, rest_.begin());
    rest_ = rest_.subspan(part.size());
  }
  void put(std::string_view part) noexcept {
    std::ranges::copy(part, rest_.begin());
    rest_ = rest_.subspan(part.size());
  }
  void skip(std::size_t count) noexcept { rest_ = rest_.subspan(count); }

 private:
  std::span<unsigned char> rest_;
};

/// An id as minisign prints it.
inline std::string id_text(const key_id& id) {
  std::uint64_t number = 0;
  std::memcpy(&number, id.data(), sizeof number);
  std::string out;
  do {
    out.insert(out.begin(), "0123456789ABCDEF"[number % 16]);
    number /= 16;
  } while (number != 0);
  return out;
}

/// Appends bytes in base64 and a line end. The string grows before anything is written: no copy of a secret stays behind.
template <std::size_t Count>
void append_base64(std::string& out, const std::array<unsigned char, Count>& bytes) {
  constexpr std::size_t length = sodium_base64_ENCODED_LEN(Count, sodium_base64_VARIANT_ORIGINAL);  // with a zero at the end
  const std::size_t before = out.size();
  out.resize(before + length);
  sodium_bin2base64(out.data() + before, length, bytes.data(), Count, sodium_base64_VARIANT_ORIGINAL);
  out.back() = '\n';
}

/// @param what  the line: "the public key"
template <std::size_t Count>
void read_base64(std::array<unsigned char, Count>& out, std::string_view line, const std::string& who, std::string_view what) {
  constexpr std::size_t length = sodium_base64_ENCODED_LEN(Count, sodium_base64_VARIANT_ORIGINAL) - 1;
  if (line.size() != length) {
    throw format_error(text({thing(who), ": the line of ", what, " has ", actual({line.size(), " characters"}), "; expected ",
                             expected({length, ", which are ", Count, " bytes in base64"})}));
  }
  // libsodium 1.0.18 takes some characters above ASCII for digits, so the line is written again and compared.
  std::size_t count = 0;
  wiped<std::array<char, length + 1>> again;
  const bool decodes = sodium_base642bin(out.data(), Count, line.data(), line.size(), nullptr, &count, nullptr,
                                         sodium_base64_VARIANT_ORIGINAL) == 0;
  sodium_bin2base64(again.bytes.data(), again.bytes.size(), out.data(), Count, sodium_base64_VARIANT_ORIGINAL);
  if (!decodes || count != Count || sodium_memcmp(again.bytes.data(), line.data(), length) != 0) {
    throw format_error(text({thing(who), ": the line of ", what, " is ", actual("no base64"), "; expected ",
                             expected({Count, " bytes in base64, as they are encoded in one way only"})}));
  }
}

/// The lines of a short text, which must be there and after which nothing may follow.
class line_reader {
 public:
  line_reader(std::string_view lines, const std::string& who) : rest_(lines), who_(who) {}

  /// @param what  the line: "the public key"
  std::string_view take(std::string_view what) {
    if (rest_.empty()) {
      throw format_error(text({thing(who_), actual(" ends"), " before ", expected({"the line of ", what})}));
    }
    const std::size_t end = std::min(rest_.find('\n'), rest_.size());
    std::string_view line = rest_.substr(0, end);
    rest_.remove_prefix(std::min(end + 1, rest_.size()));
    if (line.ends_with('\r')) {
      line.remove_suffix(1);
    }
    return line;
  }

  /// The rest of a line that begins with `prefix`.
  std::string_view take_comment(std::string_view prefix, std::string_view what) {
    const std::string_view line = take(what);
    if (!line.starts_with(prefix)) {
      throw format_error(text({thing(who_), ": the line of ", what, " begins with ", actual("something else"), "; expected ",
                               expected({'"', prefix, '"'})}));
    }
    return line.substr(prefix.size());
  }

  void require_end() const {
    if (!rest_.empty()) {
      throw format_error(text({thing(who_), " goes on for ", actual({rest_.size(), " bytes"}), "; expected ",
                               expected("nothing"), " after its last line"}));
    }
  }

 private:
  std::string_view rest_;
  const std::string& who_;
};

/// The text of a key's file: a comment nobody trusts, and a line of bytes.
template <std::size_t Count>
void read_key_file(std::array<unsigned char, Count>& out, std::string_view file, const std::string& who, std::string_view what) {
  line_reader lines(file, who);
  lines.take_comment(untrusted_prefix, "the untrusted comment");
  read_base64(out, lines.take(what), who, what);
  lines.require_end();
}

/// Whether nothing in a comment ends its line or steers a terminal.
inline bool is_one_line(std::string_view comment) {
  return std::ranges::none_of(comment, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && byte != '\t') || byte == 0x7F;
  });
}

template <std::size_t Count>
const unsigned char* raw(std::span<const std::byte, Count> bytes) noexcept {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

inline std::array<unsigned char, 64> hash_of(std::span<const std::byte> bytes) {
  std::array<unsigned char, 64> out{};
  crypto_generichash_blake2b(out.data(), out.size(), raw(bytes), bytes.size(), nullptr, 0);
  return out;
}

/// What a trusted comment's signature is of: the signature of the bytes, and the comment.
inline std::string with_comment(const std::array<unsigned char, 64>& of_bytes, std::string_view trusted_comment) {
  std::string out(of_bytes.begin(), of_bytes.end());
  out += trusted_comment;
  return out;
}

inline checksum checksum_of(const secret_bytes& key) {
  wiped<std::array<unsigned char, 2 + 8 + 64>> all;
  part_writer writer(all.bytes);
  writer.put(key_algorithm);
  writer.put(key.id);
  writer.put(key.seed_and_point);
  checksum out{};
  crypto_generichash_blake2b(out.data(), out.size(), all.bytes.data(), all.bytes.size(), nullptr, 0);
  return out;
}

/// Encrypts what is not, and the other way round.
inline void apply_password(secret_part& part, std::string_view password, std::span<const unsigned char> salt,
                           std::uint64_t operations, std::uint64_t memory, const std::string& who) {
  // Below its least, libsodium makes up for memory by parallel blocks, which need memory, too.
  constexpr std::uint64_t least_operations = crypto_pwhash_scryptsalsa208sha256_OPSLIMIT_MIN;
  constexpr std::uint64_t least_memory = crypto_pwhash_scryptsalsa208sha256_MEMLIMIT_MIN;
  if (operations < least_operations || operations > most_key_operations || memory < least_memory || memory > most_key_memory) {
    throw format_error(text({thing(who), ": the password's scrypt asks for ",
                             actual({operations, " operations and ", memory, " bytes"}), "; expected ",
                             expected({least_operations, " to ", most_key_operations, " and ", least_memory, " to ",
                                       most_key_memory})}));
  }
  wiped<secret_part> stream;
  if (crypto_pwhash_scryptsalsa208sha256(stream.bytes.data(), stream.bytes.size(), password.data(), password.size(), salt.data(),
                                         operations, static_cast<std::size_t>(memory)) != 0) {
    throw file_error(text({thing(who), ": the password's scrypt needs ", expected({memory, " bytes"}), " of memory, and ",
                           actual("they are not to be had")}));
  }
  for (std::size_t i = 0; i < part.size(); ++i) {
    part[i] = static_cast<unsigned char>(part[i] ^ stream.bytes[i]);
  }
}

STEER_BODY void wipe_secret_bytes::operator()(secret_bytes* bytes) const noexcept {
  sodium_memzero(bytes, sizeof *bytes);
  delete bytes;
}

STEER_BODY signature_parts parse_signature(std::string_view file_text, const std::string& who) {
  signature_parts out;
  line_reader lines(file_text, who);
  lines.take_comment(untrusted_prefix, "the untrusted comment");
  signature_bytes bytes{};
  read_base64(bytes, lines.take("the signature"), who, "the signature");
  part_reader reader(bytes);
  const std::span<const unsigned char> algorithm = reader.take(2);
  if (part_reader(algorithm).take_if(prehashed_algorithm)) {
    out.kind = signature_kind::prehashed;
  } else if (part_reader(algorithm).take_if(key_algorithm)) {
    out.kind = signature_kind::legacy;
  } else {
    throw format_error(text({thing(who), ": the signature is of ", actual("another algorithm"), "; expected ",
                             expected(R"("ED", prehashed Ed25519, or "Ed", legacy)")}));
  }
  reader.read(out.id);
  reader.read(out.of_bytes);
  out.trusted_comment = lines.take_comment(trusted_prefix, "the trusted comment");
  if (!is_one_line(out.trusted_comment)) {
    throw format_error(text({thing(who), ": the trusted comment has ", actual("control characters"), "; expected ",
                             expected("no others than tabs")}));
  }
  read_base64(out.of_comment, lines.take("the trusted comment's signature"), who, "the trusted comment's signature");
  lines.require_end();
  return out;
}

STEER_BODY std::string signature_file(const signature_parts& parts) {
  std::string out = text({untrusted_prefix, "signature by the minisign key ", id_text(parts.id), '\n'});
  signature_bytes bytes{};
  part_writer writer(bytes);
  writer.put(parts.kind == signature_kind::prehashed ? prehashed_algorithm : key_algorithm);
  writer.put(parts.id);
  writer.put(parts.of_bytes);
  append_base64(out, bytes);
  out.append(trusted_prefix).append(parts.trusted_comment).append("\n");
  append_base64(out, parts.of_comment);
  return out;
}

}  // namespace detail

STEER_BODY std::string id_of(const public_key& key) { return detail::id_text(key.id); }

STEER_BODY std::string to_string(const public_key& key) {
  detail::public_key_bytes bytes{};
  detail::part_writer writer(bytes);
  writer.put(detail::key_algorithm);
  writer.put(key.id);
  writer.put(key.point);
  std::string out;
  detail::append_base64(out, bytes);
  out.pop_back();
  return out;
}

STEER_BODY std::string public_key_file(const public_key& key) {
  return text({detail::untrusted_prefix, "minisign public key ", id_of(key), '\n', to_string(key), '\n'});
}

STEER_BODY public_key parse_public_key(std::string_view file_text, const std::string& who) {
  constexpr std::string_view what = "the public key";
  detail::require_sodium();
  detail::public_key_bytes bytes{};
  if (file_text.starts_with(detail::untrusted_prefix)) {
    detail::read_key_file(bytes, file_text, who, what);
  } else {
    detail::line_reader lines(file_text, who);
    detail::read_base64(bytes, lines.take(what), who, what);
    lines.require_end();
  }
  detail::part_reader reader(bytes);
  if (!reader.take_if(detail::key_algorithm)) {
    throw format_error(text({thing(who), ": the public key is of ", actual("another algorithm"), "; expected ",
                             expected("\"Ed\", Ed25519")}));
  }
  public_key out;
  reader.read(out.id);
  reader.read(out.point);
  if (crypto_core_ed25519_is_valid_point(out.point.data()) != 1) {
    throw format_error(text({thing(who), ": the public key's 32 bytes are ", actual("another thing"), "; expected ",
                             expected("a point that a secret key of Ed25519 can have")}));
  }
  return out;
}

STEER_BODY public_key secret_key::open() const {
  const detail::secret_bytes& own = bytes();
  public_key out{own.id, {}};
  std::ranges::copy(std::span(own.seed_and_point).last(32), out.point.begin());
  return out;
}

STEER_BODY const detail::secret_bytes& secret_key::bytes() const {
  if (!bytes_) {
    throw argument_error(text({thing("secret key"), " has ", actual("no bytes"), ": it was moved from; expected ",
                               expected("one that was made or read")}));
  }
  return *bytes_;
}

STEER_BODY secret_key make_secret_key() {
  detail::require_sodium();
  detail::owned_secret_bytes own(new detail::secret_bytes);
  randombytes_buf(own->id.data(), own->id.size());
  std::array<unsigned char, 32> point{};
  crypto_sign_keypair(point.data(), own->seed_and_point.data());
  return secret_key(std::move(own));
}

STEER_BODY secret_key parse_secret_key(std::string_view file_text, std::string_view password, const std::string& who) {
  detail::require_sodium();
  detail::wiped<detail::secret_key_bytes> file;
  detail::read_key_file(file.bytes, file_text, who, "the secret key");
  detail::part_reader reader(file.bytes);
  if (!reader.take_if(detail::key_algorithm)) {
    throw format_error(text({thing(who), ": the secret key is of ", actual("another algorithm"), "; expected ",
                             expected("\"Ed\", Ed25519")}));
  }
  const std::span<const unsigned char> encryption = reader.take(2);
  const bool encrypted = detail::part_reader(encryption).take_if(detail::scrypt_algorithm);
  if (!encrypted && !detail::part_reader(encryption).take_if(detail::no_encryption)) {
    throw format_error(text({thing(who), ": the secret key is encrypted by ", actual("another algorithm"), "; expected ",
                             expected("\"Sc\", scrypt, or zeros for none")}));
  }
  if (!reader.take_if(detail::checksum_algorithm)) {
    throw format_error(text({thing(who), ": the secret key's checksum is of ", actual("another algorithm"), "; expected ",
                             expected("\"B2\", BLAKE2b")}));
  }
  const std::span<const unsigned char> salt = reader.take(32);
  const std::uint64_t operations = reader.number();
  const std::uint64_t memory = reader.number();
  detail::wiped<detail::secret_part> part;
  reader.read(part.bytes);
  if (encrypted) {
    if (password.empty()) {
      throw argument_error(text({thing(who), " is encrypted, and the password is ", actual("empty"), "; expected ",
                                 expected("the one that it was encrypted with")}));
    }
    detail::apply_password(part.bytes, password, salt, operations, memory, who);
  }

  detail::owned_secret_bytes own(new detail::secret_bytes);
  detail::part_reader inner(part.bytes);
  inner.read(own->id);
  inner.read(own->seed_and_point);
  detail::checksum written{};
  inner.read(written);
  const detail::checksum right = detail::checksum_of(*own);
  const bool same = sodium_memcmp(written.data(), right.data(), right.size()) == 0;
  if (!same && encrypted) {
    throw argument_error(text({thing(who), " cannot be decrypted: its checksum is ", actual("another"), "; expected ",
                               expected("that of its key"), ". The password is wrong, or the file was altered"}));
  }
  if (!same && sodium_is_zero(written.data(), written.size()) == 0) {
    throw format_error(text({thing(who), ": the secret key's checksum is ", actual("another"), "; expected ",
                             expected("that of its bytes, or zeros as minisign writes them"), ". The file was altered"}));
  }
  detail::wiped<std::array<unsigned char, 64>> derived;
  std::array<unsigned char, 32> point{};
  crypto_sign_seed_keypair(point.data(), derived.bytes.data(), own->seed_and_point.data());
  if (sodium_memcmp(derived.bytes.data(), own->seed_and_point.data(), derived.bytes.size()) != 0) {
    throw format_error(text({thing(who), ": the secret key has ", actual("another public key"), " in it; expected ",
                             expected("that of its seed"), ". The file was altered"}));
  }
  return secret_key(std::move(own));
}

STEER_BODY std::string secret_key_file(const secret_key& key) {
  const detail::secret_bytes& own = key.bytes();
  detail::require_sodium();
  detail::wiped<detail::secret_key_bytes> file;
  detail::part_writer writer(file.bytes);
  writer.put(detail::key_algorithm);
  writer.put(detail::no_encryption);
  writer.put(detail::checksum_algorithm);
  writer.skip(32 + 8 + 8);
  writer.put(own.id);
  writer.put(own.seed_and_point);
  writer.put(detail::checksum_of(own));
  std::string out = text({detail::untrusted_prefix, "minisign secret key ", detail::id_text(own.id), ", not encrypted\n"});
  detail::append_base64(out, file.bytes);
  return out;
}

STEER_BODY std::string signature_of(std::span<const std::byte> bytes, const secret_key& key, std::string_view trusted_comment) {
  const detail::secret_bytes& own = key.bytes();
  if (!detail::is_one_line(trusted_comment)) {
    throw argument_error(text({thing("signature"), ": the trusted comment has ", actual("line ends or other control characters"),
                               "; expected ", expected("one line")}));
  }
  if (trusted_comment.size() > longest_trusted_comment) {
    throw argument_error(text({thing("signature"), ": the trusted comment has ", actual({trusted_comment.size(), " bytes"}),
                               "; expected ", expected({"at most ", longest_trusted_comment})}));
  }
  detail::require_sodium();
  detail::signature_parts parts;
  parts.id = own.id;
  parts.trusted_comment = trusted_comment;
  const auto hash = detail::hash_of(bytes);
  crypto_sign_detached(parts.of_bytes.data(), nullptr, hash.data(), hash.size(), own.seed_and_point.data());
  const std::string both = detail::with_comment(parts.of_bytes, trusted_comment);
  crypto_sign_detached(parts.of_comment.data(), nullptr, reinterpret_cast<const unsigned char*>(both.data()), both.size(),
                       own.seed_and_point.data());
  return detail::signature_file(parts);
}

STEER_BODY signed_by verify_signature(std::span<const std::byte> bytes, std::string_view signature_text,
                                      std::span<const public_key> trusted, const std::string& who) {
  detail::require_sodium();
  const detail::signature_parts parts = detail::parse_signature(signature_text, who);
  const auto has_id = [&](const public_key& key) { return key.id == parts.id; };
  if (std::ranges::none_of(trusted, has_id)) {
    std::string ids = trusted.empty() ? "a key that is trusted, and none is" : "one that is trusted: ";
    for (const public_key& key : trusted) {
      ids.append(&key == trusted.data() ? "" : ", ").append(detail::id_text(key.id));
    }
    throw signature_error(text({thing(who), " is by the key ", actual(detail::id_text(parts.id)), "; expected ", expected(ids)}));
  }

  const auto hash = parts.kind == detail::signature_kind::prehashed ? detail::hash_of(bytes) : std::array<unsigned char, 64>{};
  const std::span<const unsigned char> signed_bytes = parts.kind == detail::signature_kind::prehashed
                                                          ? std::span<const unsigned char>(hash)
                                                          : std::span(detail::raw(bytes), bytes.size());
  const std::string both = detail::with_comment(parts.of_bytes, parts.trusted_comment);
  bool bytes_are_signed = false;
  for (const public_key& key : trusted) {  // two may have one id
    if (!has_id(key) || crypto_sign_verify_detached(parts.of_bytes.data(), signed_bytes.data(), signed_bytes.size(),
                                                    key.point.data()) != 0) {
      continue;
    }
    bytes_are_signed = true;
    if (crypto_sign_verify_detached(parts.of_comment.data(), reinterpret_cast<const unsigned char*>(both.data()), both.size(),
                                    key.point.data()) == 0) {
      return {key, parts.trusted_comment};
    }
  }
  if (bytes_are_signed) {
    throw signature_error(text({thing(who), ": the trusted comment is ", actual("another"), "; expected ",
                                expected({"what the key ", detail::id_text(parts.id), " signed"}),
                                ". It or its signature was altered"}));
  }
  throw signature_error(text({thing(who), ": the bytes are ", actual("others"), "; expected ",
                              expected({"what the key ", detail::id_text(parts.id), " signed"}),
                              ". They or the signature were altered"}));
}

}  // namespace v0
}  // namespace steer
