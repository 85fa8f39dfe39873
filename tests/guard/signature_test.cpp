#include "steer/guard/signature.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <sodium.h>

#include "expect_error.hpp"
#include "temporary_file.hpp"

namespace {

// What Debian's minisign 0.11 wrote: fixtures/, by make_fixtures.sh.
std::string fixture(const std::string& name) {
  std::ifstream in(std::filesystem::path{STEER_SOURCE_DIR} / "tests/guard/fixtures" / name, std::ios::binary);
  EXPECT_TRUE(in) << name;
  return {std::istreambuf_iterator<char>(in), {}};
}

std::span<const std::byte> bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

steer::public_key fixture_key(const std::string& name) { return steer::parse_public_key(fixture(name), name); }
steer::secret_key plain_key() { return steer::parse_secret_key(fixture("plain.key"), "", "plain.key"); }

steer::signed_by verify(std::string_view bytes, std::string_view signature, const std::vector<steer::public_key>& trusted) {
  return steer::verify_signature(bytes_of(bytes), signature, trusted, "x.minisig");
}

/// Whether it is refused, by one of the two errors that a caller expects.
bool refused(std::string_view bytes, std::string_view signature, const std::vector<steer::public_key>& trusted) {
  try {
    verify(bytes, signature, trusted);
  } catch (const steer::format_error&) {
    return true;
  } catch (const steer::signature_error&) {
    return true;
  }
  return false;
}

/// The n-th line, counted from zero, without its end.
std::string line_of(const std::string& text, std::size_t n) {
  std::size_t begin = 0;
  for (; n > 0; --n) {
    begin = text.find('\n', begin) + 1;
  }
  return text.substr(begin, text.find('\n', begin) - begin);
}

/// The text with the n-th line replaced.
std::string with_line(const std::string& text, std::size_t n, const std::string& line) {
  std::size_t begin = 0;
  for (; n > 0; --n) {
    begin = text.find('\n', begin) + 1;
  }
  return text.substr(0, begin) + line + text.substr(std::min(text.find('\n', begin), text.size()));
}

std::string decoded(const std::string& base64) {
  std::string out(base64.size(), '\0');
  std::size_t count = 0;
  EXPECT_EQ(sodium_base642bin(reinterpret_cast<unsigned char*>(out.data()), out.size(), base64.data(), base64.size(), nullptr,
                              &count, nullptr, sodium_base64_VARIANT_ORIGINAL),
            0);
  out.resize(count);
  return out;
}

std::string encoded(const std::string& bytes) {
  std::string out(sodium_base64_encoded_len(bytes.size(), sodium_base64_VARIANT_ORIGINAL), '\0');
  sodium_bin2base64(out.data(), out.size(), reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(),
                    sodium_base64_VARIANT_ORIGINAL);
  out.pop_back();
  return out;
}

/// The text whose n-th line, of base64, has one byte changed.
std::string with_byte(const std::string& text, std::size_t n, std::size_t at, char byte) {
  std::string bytes = decoded(line_of(text, n));
  bytes.at(at) = byte;
  return with_line(text, n, encoded(bytes));
}

std::string with_bit_flipped(std::string text, std::size_t bit) {
  text.at(bit / 8) = static_cast<char>(static_cast<unsigned char>(text[bit / 8]) ^ (1U << (bit % 8)));
  return text;
}

std::string random_text(std::mt19937& random, std::size_t longest) {
  std::string out(std::uniform_int_distribution<std::size_t>(0, longest)(random), '\0');
  std::ranges::generate(out, [&] { return static_cast<char>(random() & 0xFFU); });
  return out;
}

/// As `random_text`, of what a comment may have: all but control characters, and tabs.
std::string random_comment(std::mt19937& random, std::size_t longest) {
  std::string out = random_text(random, longest);
  std::ranges::replace_if(
      out, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }, '\t');
  return out;
}

static_assert(!std::is_copy_constructible_v<steer::secret_key> && !std::is_copy_assignable_v<steer::secret_key>);
static_assert(std::is_nothrow_move_constructible_v<steer::secret_key> && std::is_nothrow_move_assignable_v<steer::secret_key>);

// ---- what minisign wrote ------------------------------------------------------------------------------------------------

TEST(signature, verifies_what_minisign_signed) {
  const steer::public_key key = fixture_key("plain.pub");
  const std::string content = fixture("signed.bin");
  EXPECT_EQ(verify(content, fixture("prehashed.minisig"), {key}), (steer::signed_by{key, "for the tests of steer"}));
  EXPECT_EQ(verify(content, fixture("legacy.minisig"), {key}), (steer::signed_by{key, "for the tests of steer, legacy"}));
  const steer::public_key other = fixture_key("encrypted.pub");
  EXPECT_EQ(verify(content, fixture("encrypted.minisig"), {key, other}), (steer::signed_by{other, "by the encrypted key"}));
}

TEST(signature, signs_with_the_same_bytes_as_minisign) {
  const std::string content = fixture("signed.bin");
  const std::string theirs = fixture("prehashed.minisig");
  const std::string ours = steer::signature_of(bytes_of(content), plain_key(), "for the tests of steer");
  for (const std::size_t line : {1U, 2U, 3U}) {  // the first comment is everybody's own
    EXPECT_EQ(line_of(ours, line), line_of(theirs, line));
  }
  const steer::secret_key decrypted = steer::parse_secret_key(fixture("encrypted.key"), "a password", "encrypted.key");
  EXPECT_EQ(line_of(steer::signature_of(bytes_of(content), decrypted, "by the encrypted key"), 3),
            line_of(fixture("encrypted.minisig"), 3));
}

TEST(signature, reads_and_writes_the_keys_of_minisign) {
  for (const std::string name : {"plain.pub", "encrypted.pub"}) {
    const std::string theirs = fixture(name);
    const steer::public_key key = steer::parse_public_key(theirs, name);
    EXPECT_EQ(steer::public_key_file(key), theirs);
    EXPECT_EQ(steer::to_string(key), line_of(theirs, 1));
    EXPECT_EQ(steer::parse_public_key(line_of(theirs, 1), "-P"), key);
    EXPECT_EQ(steer::parse_public_key(line_of(theirs, 1) + "\n", "-P"), key);
    EXPECT_NE(theirs.find("minisign public key " + steer::id_of(key) + "\n"), std::string::npos);
  }
  EXPECT_EQ(plain_key().open(), fixture_key("plain.pub"));
  EXPECT_EQ(steer::parse_secret_key(fixture("plain.key"), "not looked at", "plain.key").open(), fixture_key("plain.pub"));
  EXPECT_EQ(steer::parse_secret_key(fixture("encrypted.key"), "a password", "encrypted.key").open(),
            fixture_key("encrypted.pub"));
}

TEST(signature, an_id_is_printed_without_leading_zeros) {
  EXPECT_EQ(steer::id_of({{0xAE, 0x19, 0x2F, 0x9F, 0x03, 0x5A, 0x05, 0x23}, {}}), "23055A039F2F19AE");
  EXPECT_EQ(steer::id_of({{0xAE, 0x19, 0x2F, 0x9F, 0x03, 0x5A, 0x05, 0x00}, {}}), "55A039F2F19AE");  // as minisign -R
  EXPECT_EQ(steer::id_of({}), "0");
}

// RFC 8032, section 7.1, test 2: a legacy signature is the plain one, which verifies; that of the comment is left out here.
TEST(signature, is_the_ed25519_of_its_specification) {
  const auto from_hex = [](std::string_view hex) {
    std::string out(hex.size() / 2, '\0');
    EXPECT_EQ(sodium_hex2bin(reinterpret_cast<unsigned char*>(out.data()), out.size(), hex.data(), hex.size(), nullptr, nullptr,
                             nullptr),
              0);
    return out;
  };
  const std::string point = from_hex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
  const std::string signature = from_hex(
      "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
      "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00");
  steer::public_key key;
  std::ranges::copy(point, key.point.begin());
  const std::string id(8, '\0');
  const std::string unsigned_comment = "untrusted comment: \n" + encoded("Ed" + id + signature) + "\ntrusted comment: \n" +
                                       encoded(signature) + "\n";
  expect_error<steer::signature_error>([&] { verify("r", unsigned_comment, {key}); }, "the trusted comment is another");
  expect_error<steer::signature_error>([&] { verify("s", unsigned_comment, {key}); }, "the bytes are others");
}

// ---- laws ---------------------------------------------------------------------------------------------------------------

TEST(signature, verifies_what_it_signed) {
  std::random_device entropy;
  for (int round = 0; round < 50; ++round) {
    const unsigned seed = entropy();
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    const steer::secret_key key = steer::make_secret_key();
    const std::string bytes = random_text(random, 5000);
    const std::string comment = random_comment(random, round == 0 ? 0 : 300);
    const std::string signature = steer::signature_of(bytes_of(bytes), key, comment);
    EXPECT_EQ(verify(bytes, signature, {key.open()}), (steer::signed_by{key.open(), comment}));
    EXPECT_EQ(steer::signature_of(bytes_of(bytes), key, comment), signature);

    EXPECT_TRUE(refused(bytes + '\0', signature, {key.open()}));
    EXPECT_TRUE(refused(bytes, steer::signature_of(bytes_of(bytes + "x"), key, comment), {key.open()}));
    steer::public_key namesake = steer::make_secret_key().open();
    EXPECT_TRUE(refused(bytes, signature, {namesake}));
    namesake.id = key.open().id;
    EXPECT_TRUE(refused(bytes, signature, {namesake}));
    EXPECT_EQ(verify(bytes, signature, {namesake, key.open()}).key, key.open());  // whose id is the same is no obstacle
    EXPECT_EQ(verify(bytes, signature, {key.open(), namesake}).key, key.open());
  }
}

TEST(signature, keys_survive_their_files) {
  for (int round = 0; round < 50; ++round) {
    const steer::secret_key key = steer::make_secret_key();
    EXPECT_EQ(steer::parse_public_key(steer::to_string(key.open()), "key"), key.open());
    EXPECT_EQ(steer::parse_public_key(steer::public_key_file(key.open()), "key"), key.open());
    const std::string file = steer::secret_key_file(key);
    const steer::secret_key again = steer::parse_secret_key(file, "", "key");
    EXPECT_EQ(again.open(), key.open());
    EXPECT_EQ(again.bytes().seed_and_point, key.bytes().seed_and_point);
    EXPECT_EQ(steer::secret_key_file(again), file);
  }
  EXPECT_NE(steer::make_secret_key().open(), steer::make_secret_key().open());
}

TEST(signature, signs_nothing_at_all) {
  const steer::secret_key key = steer::make_secret_key();
  const std::string signature = steer::signature_of({}, key, "");
  EXPECT_EQ(verify({}, signature, {key.open()}).trusted_comment, "");
  EXPECT_TRUE(refused(std::string(1, '\0'), signature, {key.open()}));
}

TEST(signature, lines_may_end_as_they_do_elsewhere) {
  const std::string content = fixture("signed.bin");
  const steer::public_key key = fixture_key("plain.pub");
  std::string elsewhere;
  for (const char c : fixture("prehashed.minisig")) {
    elsewhere += c == '\n' ? "\r\n" : std::string(1, c);
  }
  EXPECT_EQ(verify(content, elsewhere, {key}).trusted_comment, "for the tests of steer");
  elsewhere.resize(elsewhere.size() - 2);
  EXPECT_EQ(verify(content, elsewhere, {key}).trusted_comment, "for the tests of steer");
}

// The untrusted comment is what it is called; anything else that changes by a bit is refused.
TEST(signature, each_flipped_bit_is_refused) {
  const std::string content = fixture("signed.bin");
  const std::vector<steer::public_key> trusted{fixture_key("plain.pub"), fixture_key("encrypted.pub")};
  for (const std::string name : {"prehashed.minisig", "legacy.minisig"}) {
    const std::string signature = fixture(name);
    ASSERT_FALSE(refused(content, signature, trusted));
    for (std::size_t bit = 0; bit < 8 * content.size(); ++bit) {
      EXPECT_TRUE(refused(with_bit_flipped(content, bit), signature, trusted)) << "bit " << bit << " of the bytes";
    }
    const std::string prefix = "untrusted comment: ";
    const std::size_t end = signature.find('\n');
    for (std::size_t bit = 0; bit < 8 * signature.size(); ++bit) {
      const std::string flipped = with_bit_flipped(signature, bit);
      const bool untrusted = bit >= 8 * prefix.size() && bit < 8 * end && flipped[bit / 8] != '\n';
      EXPECT_EQ(refused(content, flipped, trusted), !untrusted) << "bit " << bit << " of " << name;
    }
    for (std::size_t length = 0; length + 1 < signature.size(); ++length) {  // without the last line end it is whole
      EXPECT_TRUE(refused(content, signature.substr(0, length), trusted)) << "cut off after " << length << " bytes of " << name;
    }
  }
}

TEST(signature, each_flipped_bit_of_a_secret_key_shows) {
  const std::string file = steer::secret_key_file(plain_key());
  const std::string bytes = decoded(line_of(file, 1));
  for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
    if (bit / 8 >= 6 && bit / 8 < 54) {
      continue;  // salt and limits, which a key that is not encrypted does not use
    }
    try {
      steer::parse_secret_key(with_line(file, 1, encoded(with_bit_flipped(bytes, bit))), "", "key");
      ADD_FAILURE() << "bit " << bit << " does not show";
    } catch (const steer::format_error&) {
    }
  }
}

TEST(signature, each_flipped_bit_of_a_public_key_leaves_it_useless) {
  const std::string content = fixture("signed.bin");
  const std::string signature = fixture("prehashed.minisig");
  const std::string line = line_of(fixture("plain.pub"), 1);
  for (std::size_t bit = 0; bit < 8 * line.size(); ++bit) {
    steer::public_key other;
    try {
      other = steer::parse_public_key(with_bit_flipped(line, bit), "key");
    } catch (const steer::format_error&) {
      continue;
    }
    EXPECT_TRUE(refused(content, signature, {other})) << "bit " << bit;
  }
}

// ---- the secret stays where it is ---------------------------------------------------------------------------------------

TEST(signature, a_key_that_was_moved_from_does_nothing) {
  steer::secret_key key = plain_key();
  const steer::public_key open = key.open();
  const steer::secret_key moved = std::move(key);
  EXPECT_EQ(moved.open(), open);
  // NOLINTBEGIN(bugprone-use-after-move): it is what is tested
  expect_error<steer::argument_error>([&] { (void)key.open(); }, "secret key has no bytes: it was moved from");
  expect_error<steer::argument_error>([&] { steer::signature_of({}, key, ""); }, "it was moved from");
  expect_error<steer::argument_error>([&] { steer::secret_key_file(key); }, "it was moved from");
  // NOLINTEND(bugprone-use-after-move)
}

// ---- refusals -----------------------------------------------------------------------------------------------------------

TEST(signature, refuses_who_is_not_trusted) {
  const std::string content = fixture("signed.bin");
  const std::string signature = fixture("prehashed.minisig");
  const std::string id = steer::id_of(fixture_key("plain.pub"));
  const steer::public_key other = fixture_key("encrypted.pub");
  const steer::public_key another = steer::make_secret_key().open();
  expect_error<steer::signature_error>([&] { verify(content, signature, {}); },
                                       "x.minisig is by the key " + id + "; expected a key that is trusted, and none is");
  expect_error<steer::signature_error>(
      [&] {
        verify(content, signature, {other, another});
      },
      "x.minisig is by the key " + id + "; expected one that is trusted: " + steer::id_of(other) + ", " + steer::id_of(another));
  expect_fields<steer::signature_error>(
      [&] { verify(content, signature, {other}); },
      {.what = "x.minisig", .expected = "one that is trusted: " + steer::id_of(other), .actual = id});
}

TEST(signature, refuses_what_was_altered) {
  const std::string content = fixture("signed.bin");
  const std::string signature = fixture("prehashed.minisig");
  const steer::public_key key = fixture_key("plain.pub");
  const std::string id = steer::id_of(key);
  expect_error<steer::signature_error>([&] { verify(content + "!", signature, {key}); },
                                       "x.minisig: the bytes are others; expected what the key " + id + " signed",
                                       "They or the signature were altered");
  const std::string renamed = with_line(signature, 2, "trusted comment: for the tests of steeR");
  expect_error<steer::signature_error>([&] { verify(content, renamed, {key}); },
                                       "x.minisig: the trusted comment is another; expected what the key " + id + " signed");
  // Each half of another signature by the same key.
  const std::string second = steer::signature_of(bytes_of(content + "?"), plain_key(), "for the tests of steer");
  expect_error<steer::signature_error>([&] { verify(content, with_line(signature, 1, line_of(second, 1)), {key}); },
                                       "the bytes are others");
  expect_error<steer::signature_error>([&] { verify(content, with_line(signature, 3, line_of(second, 3)), {key}); },
                                       "the trusted comment is another");
  // A prehashed signature is no legacy one, and the other way round.
  expect_error<steer::signature_error>([&] { verify(content, with_byte(signature, 1, 1, 'd'), {key}); }, "the bytes are others");
  expect_error<steer::signature_error>([&] { verify(content, with_byte(fixture("legacy.minisig"), 1, 1, 'D'), {key}); },
                                       "the bytes are others");
}

TEST(signature, a_trusted_key_that_is_no_key_verifies_nothing) {
  const std::string zeros(64, '\0');
  const std::string forged = "untrusted comment: \n" + encoded("ED" + std::string(8, '\0') + zeros) + "\ntrusted comment: \n" +
                             encoded(zeros) + "\n";
  for (const unsigned char first : {std::uint8_t{0}, std::uint8_t{1}}) {  // points of small order, which sign anything
    steer::public_key key;
    key.point[0] = first;
    EXPECT_TRUE(refused("anything", forged, {key}));
  }
}

TEST(signature, refuses_each_fault_of_a_text) {
  const std::string content = fixture("signed.bin");
  const std::string right = fixture("prehashed.minisig");
  const auto refuse = [&](const std::string& signature, const auto&... parts) {
    expect_error<steer::format_error>([&] { verify(content, signature, {fixture_key("plain.pub")}); }, "x.minisig", parts...);
  };
  refuse("", "ends before the line of the untrusted comment");
  refuse(line_of(right, 0), "ends before the line of the signature");
  refuse(line_of(right, 0) + "\n" + line_of(right, 1) + "\n", "ends before the line of the trusted comment");
  refuse(line_of(right, 0) + "\n" + line_of(right, 1) + "\n" + line_of(right, 2) + "\n",
         "ends before the line of the trusted comment's signature");
  refuse(right + "\n", "goes on for 1 bytes; expected nothing after its last line");
  refuse(right + right, "goes on for", "expected nothing");
  refuse(line_of(right, 1), "the untrusted comment begins with something else; expected \"untrusted comment: \"");
  refuse(with_line(right, 2, "trusted comment for you"),
         "the trusted comment begins with something else; expected \"trusted comment: \"");
  refuse(with_line(right, 2, "untrusted comment: "), "the trusted comment begins with something else");
  refuse(with_line(right, 2, "trusted comment: \x1B[2J"), "control characters; expected no others than tabs");
  refuse(with_line(right, 2, "trusted comment: a\rb"), "control characters");
  refuse(with_line(right, 2, std::string("trusted comment: a\0b", 20)), "control characters");

  const std::string line = line_of(right, 1);
  refuse(with_line(right, 1, ""), "the line of the signature has 0 characters; expected 100, which are 74 bytes in base64");
  refuse(with_line(right, 1, line + "="), "the line of the signature has 101 characters");
  refuse(with_line(right, 1, " " + line), "the line of the signature has 101 characters");
  refuse(with_line(right, 1, line.substr(4)), "the line of the signature has 96 characters");
  refuse(with_line(right, 3, line), "the line of the trusted comment's signature has 100 characters; expected 88, which are 64");
  refuse(with_line(right, 3, line_of(right, 1)), "the trusted comment's signature");
  for (const char c : {'-', '_', ' ', '=', '\0', '\xFF', '\t'}) {
    std::string bad = line;
    bad[50] = c;
    refuse(with_line(right, 1, bad), "the line of the signature is no base64; expected 74 bytes in base64");
  }
  // 74 bytes leave two bits of the last digit, which must be zeros.
  constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const std::size_t last = digits.find(line[98]);
  ASSERT_EQ(last % 4, 0U);
  for (const std::size_t more : {1U, 2U, 3U}) {
    std::string other_way = line;
    other_way[98] = digits[last + more];
    refuse(with_line(right, 1, other_way), "the signature is no base64", "encoded in one way only");
  }
  refuse(with_byte(right, 1, 0, 'X'),
         R"(the signature is of another algorithm; expected "ED", prehashed Ed25519, or "Ed", legacy)");
}

TEST(signature, refuses_each_fault_of_a_public_key) {
  const std::string right = fixture("plain.pub");
  const auto refuse = [](const std::string& file, const auto&... parts) {
    expect_error<steer::format_error>([&] { steer::parse_public_key(file, "x.pub"); }, "x.pub", parts...);
  };
  refuse("", "ends before the line of the public key");
  refuse(line_of(right, 0), "ends before the line of the public key");
  refuse("hello", "the line of the public key has 5 characters; expected 56, which are 42 bytes in base64");
  refuse(std::string(56, '='), "the public key is no base64");
  refuse(right + "\n", "goes on for 1 bytes");
  refuse(line_of(right, 1) + "\n\n", "goes on for 1 bytes");
  refuse(fixture("prehashed.minisig"), "the line of the public key has 100 characters");
  refuse(with_byte(right, 1, 0, 'X'), "the public key is of another algorithm; expected \"Ed\", Ed25519");
  refuse(with_line(right, 1, encoded("Ed" + std::string(8, 'i') + std::string(32, '\0'))),
         "the public key's 32 bytes are another thing; expected a point that a secret key of Ed25519 can have");
  refuse(with_line(right, 1, encoded("Ed" + std::string(8, 'i') + std::string(32, '\xFF'))), "are another thing");
}

TEST(signature, refuses_each_fault_of_a_secret_key) {
  const std::string right = fixture("plain.key");
  const auto refuse = [](const std::string& file, const auto&... parts) {
    expect_error<steer::format_error>([&] { steer::parse_secret_key(file, "", "x.key"); }, "x.key", parts...);
  };
  refuse("", "ends before the line of the untrusted comment");
  refuse(line_of(right, 1), "expected \"untrusted comment: \"");
  refuse(fixture("plain.pub"), "the line of the secret key has 56 characters; expected 212, which are 158 bytes");
  refuse(right + "\n", "goes on for 1 bytes");
  refuse(with_byte(right, 1, 0, 'X'), "the secret key is of another algorithm; expected \"Ed\"");
  refuse(with_byte(right, 1, 2, 'S'), "is encrypted by another algorithm; expected \"Sc\", scrypt, or zeros for none");
  refuse(with_byte(right, 1, 5, '1'), "checksum is of another algorithm; expected \"B2\"");
  refuse(with_byte(right, 1, 157, '1'), "checksum is another; expected that of its bytes, or zeros as minisign writes them");
  refuse(with_byte(right, 1, 62, static_cast<char>(decoded(line_of(right, 1))[62] ^ 1)),
         "has another public key in it; expected that of its seed");
}

TEST(signature, refuses_a_password_that_does_not_open_the_key) {
  const std::string right = fixture("encrypted.key");
  const auto parse = [](const std::string& file, const std::string& password) {
    steer::parse_secret_key(file, password, "x.key");
  };
  expect_error<steer::argument_error>([&] { parse(right, ""); }, "x.key is encrypted, and the password is empty");
  expect_error<steer::argument_error>([&] { parse(right, "A password"); }, "x.key cannot be decrypted", "The password is wrong");
  expect_error<steer::argument_error>([&] { parse(with_byte(right, 1, 60, '\0'), "a password"); }, "or the file was altered");
  // What the file asks for is looked at before it is done: operations at byte 38, memory at byte 46, little-endian.
  for (const std::size_t at : {41U, 45U, 49U, 53U}) {
    expect_error<steer::format_error>([&] { parse(with_byte(right, 1, at, '\x7F'), "a password"); },
                                      "x.key: the password's scrypt asks for",
                                      "expected 32768 to 33554432 and 16777216 to 1073741824");
  }
  expect_error<steer::format_error>([&] { parse(with_byte(right, 1, 40, '\0'), "a password"); }, "scrypt asks for 0 operations");
  expect_error<steer::format_error>([&] { parse(with_byte(right, 1, 49, '\0'), "a password"); }, " operations and 0 bytes");
}

TEST(signature, refuses_a_comment_that_is_not_one_line) {
  const steer::secret_key key = steer::make_secret_key();
  for (const std::string comment : {"a\nb", "\n", "a\r", "\x1B[31m", "\x7F"}) {
    expect_error<steer::argument_error>(
        [&] { steer::signature_of({}, key, comment); },
        "signature: the trusted comment has line ends or other control characters; expected one line");
  }
  expect_error<steer::argument_error>([&] { steer::signature_of({}, key, std::string(1, '\0')); }, "control characters");
  const std::string longest(steer::longest_trusted_comment, 'x');
  EXPECT_EQ(verify({}, steer::signature_of({}, key, longest), {key.open()}).trusted_comment, longest);
  expect_error<steer::argument_error>([&] { steer::signature_of({}, key, longest + "x"); },
                                      "the trusted comment has 8174 bytes; expected at most 8173");
}

// ---- the program minisign -----------------------------------------------------------------------------------------------

/// Runs it; true if it succeeds. Its output goes nowhere.
bool minisign(const std::string& arguments) {
  return std::system(("minisign " + arguments + " >/dev/null 2>&1 </dev/null").c_str()) == 0;  // NOLINT(cert-env33-c)
}

std::string quoted(const temporary_file& file) { return "'" + file.path().string() + "'"; }

class with_minisign : public testing::Test {
 protected:
  void SetUp() override {
    if (!minisign("-v")) {
      GTEST_SKIP() << "the program minisign is not installed (Debian: minisign)";
    }
  }
};

TEST_F(with_minisign, verifies_what_was_signed_here) {
  std::random_device entropy;
  for (int round = 0; round < 10; ++round) {
    const unsigned seed = entropy();
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    const steer::secret_key key = steer::make_secret_key();
    const std::string content = random_text(random, 3000);
    const std::string comment = round == 0 ? std::string(steer::longest_trusted_comment, 'x') : random_comment(random, 200);
    const temporary_file bytes(".bin", content);
    const temporary_file signature(".minisig", steer::signature_of(bytes_of(content), key, comment));
    const temporary_file open(".pub", steer::public_key_file(key.open()));
    const std::string arguments = " -m " + quoted(bytes) + " -x " + quoted(signature);
    EXPECT_TRUE(minisign("-V -p " + quoted(open) + arguments));
    EXPECT_TRUE(minisign("-V -P " + steer::to_string(key.open()) + arguments));
    EXPECT_FALSE(minisign("-V -P " + steer::to_string(steer::make_secret_key().open()) + arguments));
    const temporary_file altered(".bin", content + "x");
    EXPECT_FALSE(minisign("-V -p " + quoted(open) + " -m " + quoted(altered) + " -x " + quoted(signature)));
  }
}

TEST_F(with_minisign, signs_with_a_key_that_was_made_here) {
  const steer::secret_key key = steer::make_secret_key();
  const temporary_file secret(".key", steer::secret_key_file(key));
  const temporary_file bytes(".bin", "some bytes");
  const temporary_file signature(".minisig");
  ASSERT_TRUE(minisign("-S -s " + quoted(secret) + " -m " + quoted(bytes) + " -x " + quoted(signature) + " -t 'by minisign'"));
  EXPECT_EQ(verify("some bytes", signature.content(), {key.open()}), (steer::signed_by{key.open(), "by minisign"}));
  EXPECT_EQ(line_of(signature.content(), 1),
            line_of(steer::signature_of(bytes_of("some bytes"), key, "by minisign"), 1));
  const temporary_file open(".pub");
  ASSERT_TRUE(minisign("-R -s " + quoted(secret) + " -p " + quoted(open)));
  EXPECT_EQ(open.content(), steer::public_key_file(key.open()));
}

TEST_F(with_minisign, its_new_keys_are_read) {
  const temporary_file secret(".key");
  const temporary_file open(".pub");
  ASSERT_TRUE(minisign("-G -W -s " + quoted(secret) + " -p " + quoted(open)));
  const steer::secret_key key = steer::parse_secret_key(secret.content(), "", "new.key");
  EXPECT_EQ(key.open(), steer::parse_public_key(open.content(), "new.pub"));
}

}  // namespace
