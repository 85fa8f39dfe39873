// steer/io/bytes.hpp: numbers out of a file's bytes and into them.
#pragma once

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "steer/core/error.hpp"
#include "steer/core/linkage.hpp"

namespace steer {
inline namespace v0 {

static_assert(std::endian::native == std::endian::little, "the files are little-endian and are read as they are");

namespace detail {

template <class Number>
concept plain_number = std::integral<Number> || std::floating_point<Number>;

/// Reads one thing after the other from a file that may be cut off or lie about its lengths; never reads past the end.
class byte_reader {
 public:
  /// @param who  what every message begins with: "gguf: file happy.gguf"
  byte_reader(std::span<const std::byte> bytes, std::string who) : bytes_(bytes), who_(std::move(who)) {}

  [[nodiscard]] std::size_t position() const noexcept { return position_; }
  [[nodiscard]] std::size_t remaining() const noexcept { return bytes_.size() - position_; }

  /// What is being read, for the messages that follow.
  void enter(std::string field) { field_ = std::move(field); }

  STEER_API [[noreturn]] void fail(std::initializer_list<text_part> parts) const;

  /// @throws format_error if fewer bytes are left
  STEER_API std::span<const std::byte> take(std::uint64_t count);

  template <plain_number Number>
  Number number() {
    Number out{};
    std::memcpy(&out, take(sizeof out).data(), sizeof out);
    return out;
  }

  /// A number of things of which each takes at least `least` bytes: checked before anybody allocates for them.
  /// @throws format_error if the rest of the file cannot hold so many
  template <std::unsigned_integral Number>
  Number count(std::uint64_t least, std::string_view things) {
    const Number out = number<Number>();
    if (out > remaining() / least) {
      fail({"declares ", actual(out), " ", things, " in ", field_, "; the ", remaining(),
            " bytes that follow have room for ", expected(remaining() / least)});
    }
    return out;
  }

  STEER_API std::string string(std::uint64_t length);

 private:
  std::span<const std::byte> bytes_;
  std::string who_;
  std::string field_ = "the file";
  std::size_t position_ = 0;
};

/// Appends a number's bytes.
template <plain_number Number>
void append_bytes(std::string& out, Number number) {
  char raw[sizeof number];
  std::memcpy(raw, &number, sizeof number);
  out.append(raw, sizeof number);
}

STEER_API std::span<const std::byte> bytes_of(std::string_view text);

}  // namespace detail
}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/io/bytes.ipp"
#endif
