// Public keys, secret keys and signatures of minisign: what is accepted is written and read again, and equal. Of the bytes signed
// here, no text but the seeds' own is a signature.
#include "steer/guard/signature.hpp"

#include <string>
#include <string_view>

#include "fuzz/fuzz.hpp"

namespace {

constexpr std::string_view content = "bytes that somebody signs\n";  // tests/guard/fixtures/signed.bin
constexpr std::string_view trusted_line = "RWRyAASila4AmK4rJNlAnX+A/i6M23bfonLT9xKcc6JEdR7wxdW5+RRq";

bool is_seed(std::string_view comment) { return comment == "for the tests of steer" || comment == "for the tests of steer, legacy"; }

void meet_public_key(std::string_view text) {
  if (const auto key = fuzz::accepted([&] { return steer::parse_public_key(text, "fuzz"); })) {
    fuzz::require(*key == steer::parse_public_key(steer::to_string(*key), "again"));
    fuzz::require(*key == steer::parse_public_key(steer::public_key_file(*key), "again"));
    fuzz::require(text.find(steer::to_string(*key)) != text.npos);  // there is one way to write it
  }
}

void meet_secret_key(std::string_view text) {
  try {
    const steer::secret_key key = steer::parse_secret_key(text, "", "fuzz");  // what is encrypted is refused before scrypt
    const std::string written = steer::secret_key_file(key);
    fuzz::require(written == steer::secret_key_file(steer::parse_secret_key(written, "", "again")));
  } catch (const steer::format_error&) {
  } catch (const steer::argument_error&) {
  }
}

void meet_signature(std::string_view text) {
  static const steer::public_key trusted[] = {steer::parse_public_key(trusted_line, "the seeds' key")};
  const auto parts = fuzz::accepted([&] { return steer::detail::parse_signature(text, "fuzz"); });
  if (parts) {
    const std::string written = steer::detail::signature_file(*parts);
    fuzz::require(*parts == steer::detail::parse_signature(written, "again"));
  }
  try {
    const steer::signed_by by = steer::verify_signature(fuzz::bytes(content), text, trusted, "fuzz");
    fuzz::require(parts && by.key == trusted[0] && is_seed(by.trusted_comment));
  } catch (const steer::format_error&) {
    fuzz::require(!parts);
  } catch (const steer::signature_error&) {
    fuzz::require(parts.has_value());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  meet_public_key(text);
  meet_secret_key(text);
  meet_signature(text);
  return 0;
}
