// steer/io/zip.ipp: the bodies of zip.hpp.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "steer/core/error.hpp"
#include "steer/core/real.hpp"
#include "steer/io/bytes.hpp"
#include "steer/io/zip.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

/// Where an archive lists its files.
struct zip_directory {
  std::uint64_t files = 0;
  std::uint64_t offset = 0;
};

inline constexpr std::uint32_t zip_in_64_bits = 0xFFFFFFFF;  // the number stands elsewhere

/// A reader of what begins at an offset with a signature.
/// @throws format_error if it is not there
template <class Real>
byte_reader zip_record(std::span<const std::byte> bytes, std::uint64_t offset, std::uint32_t signature,
                       const std::string& what, const std::string& who) {
  byte_reader in(bytes, who);
  in.enter(what);
  in.take(offset);
  if (const auto found = in.number<std::uint32_t>(); found != signature) {
    in.fail({"has no ", expected(what), " at byte ", actual(offset)});
  }
  return in;
}

/// What the archive's last record says, or the one in 64 bits that it points to.
template <class Real>
zip_directory find_zip_directory(std::span<const std::byte> bytes, const std::string& who) {
  constexpr std::size_t last_size = 22;
  constexpr std::size_t longest_comment = 0xFFFF;
  constexpr std::size_t locator_size = 20;
  for (std::size_t back = last_size; back <= std::min(bytes.size(), last_size + longest_comment); ++back) {
    const std::size_t at = bytes.size() - back;
    byte_reader in(bytes.subspan(at), who);
    in.enter("the end of the archive's directory");
    if (in.number<std::uint32_t>() != 0x06054B50) {
      continue;
    }
    in.take(6);
    zip_directory out;
    out.files = in.number<std::uint16_t>();
    in.take(4);
    out.offset = in.number<std::uint32_t>();
    if (at < locator_size || byte_reader(bytes.subspan(at - locator_size), who).number<std::uint32_t>() != 0x07064B50) {
      return out;
    }
    byte_reader locator(bytes.subspan(at - locator_size), who);
    locator.take(8);
    byte_reader wide =
        zip_record<Real>(bytes, locator.number<std::uint64_t>(), 0x06064B50, "directory in 64 bits", who);
    wide.take(28);
    out.files = wide.number<std::uint64_t>();
    wide.take(8);
    out.offset = wide.number<std::uint64_t>();
    return out;
  }
  throw format_error(text({thing(who), " is no ", expected("ZIP archive"), ", or ends early"}));
}

STEER_BODY std::map<std::string, std::span<const std::byte>> zip_files(std::span<const std::byte> bytes,
                                                                       const std::string& who) {
  const zip_directory directory = find_zip_directory<Real>(bytes, who);
  std::map<std::string, std::span<const std::byte>> out;
  std::uint64_t at = directory.offset;
  for (std::uint64_t i = 0; i < directory.files; ++i) {
    byte_reader in = zip_record<Real>(bytes, at, 0x02014B50, "file in its directory", who);
    in.take(4);
    const auto flags = in.number<std::uint16_t>();
    const auto method = in.number<std::uint16_t>();
    in.take(8);
    std::uint64_t packed = in.number<std::uint32_t>();
    std::uint64_t size = in.number<std::uint32_t>();
    const auto name_size = in.number<std::uint16_t>();
    const auto extra_size = in.number<std::uint16_t>();
    const auto comment_size = in.number<std::uint16_t>();
    in.take(8);
    std::uint64_t local = in.number<std::uint32_t>();
    const std::string name = in.string(name_size);
    byte_reader extra(in.take(extra_size), who);
    extra.enter("what is said of \"" + name + "\"");
    while (extra.remaining() >= 4) {
      const auto id = extra.number<std::uint16_t>();
      byte_reader field(extra.take(extra.number<std::uint16_t>()), who);
      field.enter("what is said of \"" + name + "\"");
      for (std::uint64_t* number : {&size, &packed, &local}) {
        if (id == 1 && *number == zip_in_64_bits) {
          *number = field.number<std::uint64_t>();
        }
      }
    }
    in.take(comment_size);
    at = in.position();
    if (method != 0 || (flags & 1U) != 0 || packed != size) {
      in.fail({"holds \"", name, "\" ", actual((flags & 1U) != 0 ? "encrypted" : "compressed"), "; expected it ",
               expected("as it is")});
    }
    byte_reader data = zip_record<Real>(bytes, local, 0x04034B50, "file \"" + name + "\"", who);
    data.take(22);
    const auto local_name = data.number<std::uint16_t>();
    const auto local_extra = data.number<std::uint16_t>();
    data.take(std::uint64_t{local_name} + local_extra);
    if (!out.emplace(name, data.take(size)).second) {
      in.fail({"holds \"", actual(name), "\" twice"});
    }
  }
  return out;
}

}  // namespace detail
}  // namespace v0
}  // namespace steer
