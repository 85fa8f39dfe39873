// steer/guard/signed_file.ipp: the bodies of signed_file.hpp.
#pragma once

#include <cstddef>
#include <filesystem>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "steer/core/error.hpp"
#include "steer/core/real.hpp"
#include "steer/guard/signature.hpp"
#include "steer/guard/signed_file.hpp"
#include "steer/io/bytes.hpp"
#include "steer/io/mapped_file.hpp"
#include "steer/io/write_file.hpp"

namespace steer {
inline namespace v0 {

STEER_BODY std::filesystem::path signature_path(const std::filesystem::path& file) {
  std::filesystem::path out = file;
  out += ".minisig";
  return out;
}

STEER_BODY std::string verify_signed_file(std::span<const std::byte> content, const std::filesystem::path& file,
                                          const std::set<std::string>& trusted_keys) {
  const std::string who = text({"signature: file ", file.string()});
  std::vector<public_key> keys;
  for (const std::string& each : trusted_keys) {
    keys.push_back(parse_public_key(each, text({who, ": trusted key \"", each, "\""})));
  }
  const std::filesystem::path beside = signature_path(file);
  std::error_code failure;
  if (!std::filesystem::exists(beside, failure)) {
    throw signature_error(text({thing(who), " is ", actual("not signed"), ": there is no ", expected(beside.filename().string())}));
  }
  const mapped_file signature(beside);
  const std::string_view written(reinterpret_cast<const char*>(signature.bytes().data()), signature.bytes().size());
  const signed_by by = verify_signature(content, written, keys, text({"signature: file ", beside.string()}));
  return text({"key ", id_of(by.key), ", \"", by.trusted_comment, "\""});
}

STEER_BODY std::string signatures_beside_files::operator()(std::span<const std::byte> content, const std::filesystem::path& file,
                                                           const std::set<std::string>& trusted_keys) const {
  return verify_signed_file(content, file, trusted_keys);
}

STEER_BODY void sign_file(const std::filesystem::path& file, const secret_key& key, const std::string& trusted_comment) {
  const mapped_file content(file);
  const std::string signature = signature_of(content.bytes(), key, trusted_comment);
  write_file(signature_path(file), {detail::bytes_of(signature)}, "signature");
}

}  // namespace v0
}  // namespace steer
