// llama_steer/serve/access.hpp: who may ask what: keys, hosts and origins.
#pragma once

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <string_view>

#include "steer/core/error.hpp"
#include "steer/io/bytes.hpp"
#include "steer/io/sha256.hpp"

namespace llama_steer::serve {

/// Whether two texts are equal, in a time that says nothing of where they differ: their digests are compared, all of them.
inline bool is_same_key(std::string_view a, std::string_view b) {
  const std::string one = steer::sha256_hex(steer::detail::bytes_of(a));
  const std::string other = steer::sha256_hex(steer::detail::bytes_of(b));
  unsigned different = 0;
  for (std::size_t i = 0; i < one.size(); ++i) {
    different |= static_cast<unsigned char>(one[i]) ^ static_cast<unsigned char>(other[i]);
  }
  return different == 0;
}

/// The first line of a file.
/// @throws steer::file_error if it cannot be read; steer::argument_error if there is nothing in it
inline std::string key_in(const std::filesystem::path& file) {
  std::ifstream in(file);
  std::string out;
  if (!in) {
    throw steer::file_error(steer::text({"key file ", file.string(), " cannot be read"}));
  }
  std::getline(in, out);
  while (!out.empty() && (out.back() == '\r' || out.back() == ' ')) {
    out.pop_back();
  }
  if (out.empty()) {
    throw steer::argument_error(steer::text({"key file ", file.string(), " has ", steer::actual("no key"), "; expected ",
                                             steer::expected("one, in its first line")}));
  }
  return out;
}

/// The key of "Bearer KEY"; empty for anything else.
inline std::string_view bearer_of(std::string_view header) {
  constexpr std::string_view scheme = "Bearer ";
  return header.substr(0, scheme.size()) == scheme ? header.substr(scheme.size()) : std::string_view();
}

/// The hosts that requests may name, so that no page of another site reaches the server by a name of its own (DNS rebinding).
class known_hosts {
 public:
  /// @param allowed  names beside the machine's own for itself, as in the header: "steer.example:8080"
  known_hosts(int port, const std::set<std::string>& allowed) : names_(allowed) {
    for (const char* own : {"127.0.0.1", "localhost", "[::1]"}) {
      names_.insert(steer::text({own, ":", port}));
      if (port == 80) {
        names_.insert(own);
      }
    }
  }

  [[nodiscard]] bool has(std::string_view host) const { return names_.contains(std::string(host)); }

  /// Whether a page may ask: one of the server's own, or whoever sends no origin, as programs do.
  [[nodiscard]] bool is_own(std::string_view origin) const {
    constexpr std::string_view http = "http://";
    constexpr std::string_view https = "https://";
    return origin.empty() || (origin.starts_with(http) && has(origin.substr(http.size()))) ||
           (origin.starts_with(https) && has(origin.substr(https.size())));
  }

 private:
  std::set<std::string> names_;
};

}  // namespace llama_steer::serve
