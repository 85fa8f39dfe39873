#include "steer/guard/signed_file.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "expect_error.hpp"
#include "steer/guard/signature.hpp"
#include "temporary_file.hpp"

namespace {

std::span<const std::byte> bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

std::string content_of(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

constexpr std::string_view content = "a recipe, say\n";

struct signed_file : testing::Test {
  temporary_file file{".safetensors", content};
  steer::secret_key key = steer::make_secret_key();
  std::set<std::string> trusted{to_string(key.open())};

  ~signed_file() override {
    std::error_code ignored;
    std::filesystem::remove(steer::signature_path(file.path()), ignored);
  }

  std::string verify(std::string_view read = content) const { return steer::verify_signed_file(bytes_of(read), file.path(), trusted); }
  [[nodiscard]] std::string who() const { return "signature: file " + file.path().string(); }
  void write_signature(const std::string& text) const { std::ofstream(steer::signature_path(file.path()), std::ios::binary) << text; }
};

TEST_F(signed_file, the_signature_lies_beside_it) {
  EXPECT_EQ(steer::signature_path("presets/terse.safetensors"), std::filesystem::path("presets/terse.safetensors.minisig"));
  EXPECT_EQ(steer::signature_path("terse"), std::filesystem::path("terse.minisig"));
  sign_file(file.path(), key, "approved on Monday");
  EXPECT_EQ(content_of(steer::signature_path(file.path())), steer::signature_of(bytes_of(content), key, "approved on Monday"));
  EXPECT_EQ(file.content(), content) << "the file stays as it is";
}

TEST_F(signed_file, says_who_signed_it_and_with_which_comment) {
  sign_file(file.path(), key, "approved on Monday");
  const std::string by = "key " + id_of(key.open()) + ", \"approved on Monday\"";
  EXPECT_EQ(verify(), by);
  trusted.insert(to_string(steer::make_secret_key().open()));
  trusted.insert(to_string(steer::make_secret_key().open()));
  EXPECT_EQ(verify(), by) << "one of several keys";
  sign_file(file.path(), key, "and on Tuesday");
  EXPECT_EQ(verify(), "key " + id_of(key.open()) + ", \"and on Tuesday\"") << "the signature is replaced";
}

TEST_F(signed_file, reads_what_minisign_wrote) {
  const std::filesystem::path fixtures = std::filesystem::path(STEER_SOURCE_DIR) / "tests/guard/fixtures";
  const std::string bytes = content_of(fixtures / "signed.bin");
  write_signature(content_of(fixtures / "prehashed.minisig"));
  trusted = {content_of(fixtures / "plain.pub")};
  EXPECT_NE(verify(bytes).find("\"for the tests of steer\""), std::string::npos) << verify(bytes);
  const std::string line = to_string(steer::parse_public_key(*trusted.begin(), "plain.pub"));
  trusted = {line};  // as `minisign -P` takes it
  EXPECT_NO_THROW(verify(bytes));
}

TEST_F(signed_file, is_refused_without_a_signature) {
  expect_error<steer::signature_error>([&] { verify(); }, who() + " is not signed", "there is no " + file.path().filename().string() + ".minisig");
  std::filesystem::create_directory(steer::signature_path(file.path()));
  expect_error<steer::file_error>([&] { verify(); }, ".minisig is a directory");
}

TEST_F(signed_file, is_refused_with_a_signature_of_nobody_who_is_trusted) {
  sign_file(file.path(), steer::make_secret_key(), "approved by somebody else");
  expect_error<steer::signature_error>([&] { verify(); }, who() + ".minisig", "is by the key");
  sign_file(file.path(), key, "approved");
  EXPECT_NO_THROW(verify());
  trusted.clear();
  expect_error<steer::signature_error>([&] { verify(); }, who() + ".minisig", "is by the key");
}

TEST_F(signed_file, is_refused_if_what_was_read_is_not_what_was_signed) {
  sign_file(file.path(), key, "approved");
  for (std::size_t i = 0; i < content.size(); ++i) {
    std::string altered(content);
    altered[i] = static_cast<char>(altered[i] ^ 1);
    expect_error<steer::signature_error>([&] { verify(altered); }, who() + ".minisig: the bytes are others");
  }
  expect_error<steer::signature_error>([&] { verify(""); }, who() + ".minisig: the bytes are others");
  expect_error<steer::signature_error>([&] { verify(std::string(content) + "\n"); }, who() + ".minisig: the bytes are others");
  // The bytes that were read count, whatever the file holds by now.
  std::ofstream(file.path(), std::ios::binary) << "exchanged since";
  EXPECT_NO_THROW(verify());
  expect_error<steer::signature_error>([&] { verify(file.content()); }, who() + ".minisig: the bytes are others");
}

TEST_F(signed_file, is_refused_if_the_signature_is_none_or_was_altered) {
  sign_file(file.path(), key, "approved on Monday");
  const std::string sound = content_of(steer::signature_path(file.path()));
  std::string other = sound;
  other.replace(other.find("Monday"), 6, "Friday");
  write_signature(other);
  expect_error<steer::signature_error>([&] { verify(); }, who() + ".minisig: the trusted comment is another");
  write_signature("approved, really\n");
  expect_error<steer::format_error>([&] { verify(); }, who() + ".minisig");
  write_signature(sound.substr(0, sound.size() / 2));
  expect_error<steer::format_error>([&] { verify(); }, who() + ".minisig");
  write_signature("");
  expect_error<steer::format_error>([&] { verify(); }, ".minisig is empty");
  write_signature(sound);
  EXPECT_NO_THROW(verify());
}

TEST_F(signed_file, a_key_that_is_none_is_refused_whoever_signed) {
  sign_file(file.path(), key, "approved");
  for (const std::string& bad : {std::string("no key"), std::string(), std::string("any"), to_string(key.open()).substr(1)}) {
    trusted = {to_string(key.open()), bad};
    expect_error<steer::format_error>([&] { verify(); }, who() + ": trusted key \"" + bad + "\"");
  }
}

TEST_F(signed_file, refuses_to_sign_what_it_cannot_read_or_say) {
  expect_error<steer::file_error>([&] { sign_file("/nowhere/at.safetensors", key, "approved"); }, "/nowhere/at.safetensors");
  expect_error<steer::argument_error>([&] { sign_file(file.path(), key, "two\nlines"); }, "comment");
  const steer::secret_key moved = std::move(key);
  expect_error<steer::argument_error>([&] { sign_file(file.path(), key, "approved"); }, "moved");
  EXPECT_FALSE(std::filesystem::exists(steer::signature_path(file.path())));
}

}  // namespace
