// steer/io/bytes.ipp: the bodies of bytes.hpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

#include "steer/core/error.hpp"
#include "steer/core/real.hpp"
#include "steer/io/bytes.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

STEER_BODY void byte_reader::fail(std::initializer_list<text_part> parts) const {
  throw format_error(text({thing(who_), " ", text(parts)}));
}

STEER_BODY std::span<const std::byte> byte_reader::take(std::uint64_t count) {
  if (count > remaining()) {
    fail({"ends within ", field_, ": ", expected(count), " bytes are expected at byte ", position_, ", ",
          actual(remaining()), " are left"});
  }
  const auto taken = bytes_.subspan(position_, static_cast<std::size_t>(count));
  position_ += taken.size();
  return taken;
}

STEER_BODY std::string byte_reader::string(std::uint64_t length) {
  const auto taken = take(length);
  return {reinterpret_cast<const char*>(taken.data()), taken.size()};
}

STEER_BODY std::span<const std::byte> bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

}  // namespace detail
}  // namespace v0
}  // namespace steer
