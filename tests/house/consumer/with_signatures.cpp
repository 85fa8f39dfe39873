// The same stranger, who signs.

#include <steer/guard/signature.hpp>

#include <array>
#include <cstdio>
#include <span>
#include <string>

int main() {
  const steer::secret_key key = steer::make_secret_key();
  const std::string text = "happy";
  const std::span bytes = std::as_bytes(std::span(text));
  const std::string signature = steer::signature_of(bytes, key, "approved");
  const std::array trusted{key.open()};
  std::puts(steer::verify_signature(bytes, signature, trusted, "signature").trusted_comment.c_str());
  try {
    steer::verify_signature(bytes.first(4), signature, trusted, "signature");
  } catch (const steer::signature_error& refused) {
    std::puts(refused.what());
    return 0;
  }
  return 1;
}
