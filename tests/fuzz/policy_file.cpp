// Policies: what is accepted is written and read again, and says the same. There are no files beside them.
#include "steer/guard/policy_file.hpp"

#include <filesystem>

#include "fuzz/fuzz.hpp"

namespace {

const std::filesystem::path nowhere = "/nowhere";

steer::policy_document read(std::span<const std::byte> bytes) {
  try {
    return steer::parse_policy(bytes, "fuzz", nowhere);
  } catch (const steer::file_error& problem) {  // of a file that it names
    throw steer::format_error(steer::within("", problem));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return fuzz::run([&] { return read(fuzz::bytes(data, size)); },
                   [](const steer::policy_document& policy) {
                     fuzz::require(policy.rules.protects.empty() && policy.files.empty());
                     const std::string written = steer::policy_json(policy);
                     fuzz::require(written == steer::policy_json(read(fuzz::bytes(written))));
                   });
}
