#include "steer/io/sha256.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace {

std::string digest_of(std::string_view text) {
  steer::sha256 digest;
  digest.update(std::as_bytes(std::span(text)));
  return digest.hex();
}

// FIPS 180-4's examples and NIST's CAVP vectors (SHA256ShortMsg).
TEST(sha256, gives_the_published_digests) {
  EXPECT_EQ(digest_of(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(digest_of("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(digest_of("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(digest_of("abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrs"
                      "mnopqrstnopqrstu"),
            "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1");
  EXPECT_EQ(digest_of(std::string(1'000'000, 'a')), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
  EXPECT_EQ(digest_of("\xbd"), "68325720aabd7c82f30f554b313d0570c95accbb7dc4b5aae11204c08ffe732b");
  EXPECT_EQ(digest_of("\xc9\x8c\x8e\x55"), "7abc22c0ae5af26ce93dbb94433a0e0b2e119d014f8e7f65bd56c61ccccd9504");
}

TEST(sha256, is_the_same_however_the_bytes_arrive) {
  const std::string text(300, 'x');
  for (std::size_t piece = 1; piece < 130; ++piece) {
    steer::sha256 digest;
    for (std::size_t at = 0; at < text.size(); at += piece) {
      digest.update(std::as_bytes(std::span(text).subspan(at, std::min(piece, text.size() - at))));
    }
    EXPECT_EQ(digest.hex(), digest_of(text));
    EXPECT_EQ(digest.hex(), digest_of(text)) << "asking twice changes nothing";
  }
}

}  // namespace
