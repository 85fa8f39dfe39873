// steer/io/npy_header.ipp: the bodies of npy_header.hpp.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>

#include "steer/core/error.hpp"
#include "steer/core/real.hpp"
#include "steer/io/bytes.hpp"
#include "steer/io/npy_header.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

STEER_BODY npy_header::npy_header(std::string_view text, const byte_reader& file) : rest_(text), file_(file) {
  expect("{");
  while (!accept("}")) {
    const std::string key = quoted();
    expect(":");
    if (key == "descr" && descr.empty()) {
      descr = quoted();
    } else if (key == "fortran_order" && !ordered_) {
      ordered_ = true;
      if (!accept("False")) {
        fail({"has fortran_order that is not False; expected ", expected("C order")});
      }
    } else if (key == "shape" && !shaped_) {
      shaped_ = true;
      read_shape();
    } else {
      fail({"has the header key ", actual({"\"", key, "\""}), " twice or without meaning; expected ",
            expected("descr, fortran_order and shape, once each")});
    }
    if (!accept(",")) {
      expect("}");
      break;
    }
  }
  skip_blanks();
  if (!rest_.empty() || descr.empty() || !ordered_ || !shaped_) {
    fail({"has a header that is incomplete or goes on after its dictionary"});
  }
}

STEER_BODY bool npy_header::accept(std::string_view token) {
  skip_blanks();
  const bool here = rest_.starts_with(token);
  rest_.remove_prefix(here ? token.size() : 0);
  return here;
}

STEER_BODY void npy_header::expect(std::string_view token) {
  if (!accept(token)) {
    fail({"has a header with ", actual({"\"", rest_.substr(0, 16), "\""}), " where ", expected({"\"", token, "\""}),
          " is expected"});
  }
}

STEER_BODY std::string npy_header::quoted() {
  const bool doubled = accept("\"");
  if (!doubled) {
    expect("'");
  }
  const std::size_t end = rest_.find(doubled ? '"' : '\'');
  if (end == std::string_view::npos) {
    fail({"has a header whose text does not end"});
  }
  std::string out(rest_.substr(0, end));
  rest_.remove_prefix(end + 1);
  return out;
}

STEER_BODY void npy_header::read_shape() {
  expect("(");
  while (!accept(")")) {
    skip_blanks();
    std::size_t extent = 0;
    const auto [end, failure] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), extent);
    if (failure != std::errc{}) {
      fail({"has a shape with ", actual({"\"", rest_.substr(0, 16), "\""}), " in it; expected ",
            expected("whole numbers, not negative")});
    }
    rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
    shape.push_back(extent);
    if (!accept(",")) {
      expect(shape.size() == 1 ? "," : ")");  // (3) is a number to Python
      break;
    }
  }
}

STEER_BODY std::optional<std::uint64_t> count_of(std::span<const std::size_t> shape) {
  std::uint64_t out = 1;
  for (const std::size_t extent : shape) {
    if (extent != 0 && out > std::numeric_limits<std::uint64_t>::max() / 16 / extent) {
      return std::nullopt;
    }
    out *= extent;
  }
  return out;
}

STEER_BODY std::string python_tuple(std::span<const std::size_t> shape) {
  std::string out = "(";
  for (std::size_t i = 0; i < shape.size(); ++i) {
    out += text({i == 0 ? "" : ", ", shape[i]});
  }
  return out + (shape.size() == 1 ? ",)" : ")");
}

}  // namespace detail
}  // namespace v0
}  // namespace steer
