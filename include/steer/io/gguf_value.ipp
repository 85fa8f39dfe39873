// steer/io/gguf_value.ipp: the bodies of gguf_value.hpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "steer/core/error.hpp"
#include "steer/core/real.hpp"
#include "steer/io/bytes.hpp"
#include "steer/io/gguf_value.hpp"

namespace steer {
inline namespace v0 {

STEER_BODY gguf_value::gguf_value(gguf_type item_type, std::vector<gguf_value> items)
    : type_(gguf_type::array), item_type_(item_type), items_(std::move(items)) {
  const bool packed = item_type != gguf_type::string && item_type != gguf_type::array;
  for (const gguf_value& item : items_) {
    if (packed || item.type() != item_type) {
      throw argument_error(
          text({thing({"gguf: an array of ", to_string(item_type)}), " of single values holds ",
                actual({"a ", to_string(item.type())}), "; expected ", expected("texts or arrays, all of its type")}));
    }
  }
}

STEER_BODY void gguf_value::append_to(std::string& out) const {
  detail::append_bytes(out, static_cast<std::uint32_t>(type_));
  append_content(out, 0);
}

STEER_BODY gguf_value gguf_value::read(detail::byte_reader& in) { return read(in, read_type(in), 0); }

STEER_BODY gguf_type gguf_value::read_type(detail::byte_reader& in) {
  const auto type = in.number<std::uint32_t>();
  if (type >= detail::gguf_type_table.size()) {
    in.fail({"has a value of unknown type ", actual(type), "; expected ",
             expected({"0 to ", detail::gguf_type_table.size() - 1})});
  }
  return static_cast<gguf_type>(type);
}

STEER_BODY gguf_value gguf_value::read(detail::byte_reader& in, gguf_type type, int depth) {
  gguf_value out;
  out.type_ = type;
  if (type == gguf_type::array) {
    out.read_array(in, depth + 1);
  } else {
    out.bytes_ = in.string(type == gguf_type::string ? in.number<std::uint64_t>() : detail::least_bytes(type));
    check_booleans(in, type, out.bytes_);
  }
  return out;
}

STEER_BODY void gguf_value::read_array(detail::byte_reader& in, int depth) {
  if (depth > deepest) {
    in.fail({"nests arrays deeper than ", expected(deepest), " levels"});
  }
  item_type_ = read_type(in);
  const auto count = in.count<std::uint64_t>(detail::least_bytes(item_type_), "items");
  if (item_type_ != gguf_type::string && item_type_ != gguf_type::array) {
    bytes_ = in.string(count * detail::least_bytes(item_type_));
    check_booleans(in, item_type_, bytes_);
    return;
  }
  for (std::uint64_t i = 0; i < count; ++i) {
    items_.push_back(read(in, item_type_, depth));
  }
}

STEER_BODY void gguf_value::check_booleans(const detail::byte_reader& in, gguf_type type, std::string_view bytes) {
  const std::size_t wrong =
      type == gguf_type::boolean ? bytes.find_first_not_of(std::string_view("\0\1", 2)) : bytes.npos;
  if (wrong != bytes.npos) {
    in.fail({"has a bool that is ", actual(static_cast<int>(static_cast<unsigned char>(bytes[wrong]))), "; expected ",
             expected("0 or 1")});
  }
}

STEER_BODY void gguf_value::append_content(std::string& out, int depth) const {
  if (type_ == gguf_type::array) {
    if (++depth > deepest) {
      throw format_error(text({thing("gguf"), ": a value nests arrays deeper than ", expected(deepest), " levels"}));
    }
    detail::append_bytes(out, static_cast<std::uint32_t>(item_type_));
    const bool packed = item_type_ != gguf_type::string && item_type_ != gguf_type::array;
    detail::append_bytes(out,
                         std::uint64_t{packed ? bytes_.size() / detail::least_bytes(item_type_) : items_.size()});
    for (const gguf_value& item : items_) {
      item.append_content(out, depth);
    }
  } else if (type_ == gguf_type::string) {
    detail::append_bytes(out, std::uint64_t{bytes_.size()});
  }
  out += bytes_;
}

STEER_BODY const gguf_value* find(const gguf_metadata& metadata, std::string_view key) noexcept {
  for (const auto& [name, value] : metadata) {
    if (name == key) {
      return &value;
    }
  }
  return nullptr;
}

STEER_BODY std::optional<std::int64_t> whole_number(const gguf_value& value) {
  const auto widen = [](const auto& number) {
    return number ? std::optional{static_cast<std::int64_t>(*number)} : std::nullopt;
  };
  const auto& held = detail::dependent<Real>(value);
  switch (value.type()) {
    case gguf_type::u8: return widen(held.template get<std::uint8_t>());
    case gguf_type::i8: return widen(held.template get<std::int8_t>());
    case gguf_type::u16: return widen(held.template get<std::uint16_t>());
    case gguf_type::i16: return widen(held.template get<std::int16_t>());
    case gguf_type::u32: return widen(held.template get<std::uint32_t>());
    case gguf_type::i32: return widen(held.template get<std::int32_t>());
    case gguf_type::i64: return held.template get<std::int64_t>();
    case gguf_type::u64: {
      const auto number = held.template get<std::uint64_t>();
      return std::in_range<std::int64_t>(*number) ? widen(number) : std::nullopt;
    }
    default: return std::nullopt;
  }
}

STEER_BODY std::optional<double> real_number(const gguf_value& value) {
  const auto& held = detail::dependent<Real>(value);
  if (const auto narrow = held.template get<float>()) {
    return static_cast<double>(*narrow);
  }
  return held.template get<double>();
}

}  // namespace v0
}  // namespace steer
