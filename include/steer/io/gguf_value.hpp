// steer/io/gguf_value.hpp: the values of a GGUF file's metadata.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "steer/io/bytes.hpp"

namespace steer {
inline namespace v0 {

/// An array of one type, which may be arrays again.
struct gguf_array {
  std::variant<std::vector<std::uint8_t>, std::vector<std::int8_t>, std::vector<std::uint16_t>,
               std::vector<std::int16_t>, std::vector<std::uint32_t>, std::vector<std::int32_t>, std::vector<float>,
               std::vector<bool>, std::vector<std::string>, std::vector<gguf_array>, std::vector<std::uint64_t>,
               std::vector<std::int64_t>, std::vector<double>>
      items;

  friend bool operator==(const gguf_array& a, const gguf_array& b) { return a.items == b.items; }
};

/// One value. Its index is the type's number in the file.
using gguf_value = std::variant<std::uint8_t, std::int8_t, std::uint16_t, std::int16_t, std::uint32_t, std::int32_t, float,
                                bool, std::string, gguf_array, std::uint64_t, std::int64_t, double>;
static_assert(std::variant_size_v<gguf_value> == std::variant_size_v<decltype(gguf_array::items)>);

/// Keys and values in the order of the file.
using gguf_metadata = std::vector<std::pair<std::string, gguf_value>>;

/// "u32", "array".
inline std::string_view type_name(const gguf_value& value) {
  constexpr std::array<std::string_view, std::variant_size_v<gguf_value>> names{
      "u8", "i8", "u16", "i16", "u32", "i32", "f32", "bool", "string", "array", "u64", "i64", "f64"};
  return names.at(value.index());
}

/// The value of a key, or null.
inline const gguf_value* find(const gguf_metadata& metadata, std::string_view key) noexcept {
  for (const auto& [name, value] : metadata) {
    if (name == key) {
      return &value;
    }
  }
  return nullptr;
}

/// A whole number of any of the integer types; nothing for other types and for numbers beyond int64.
inline std::optional<std::int64_t> whole_number(const gguf_value& value) {
  return std::visit(
      [](const auto& held) -> std::optional<std::int64_t> {
        using held_type = std::decay_t<decltype(held)>;
        if constexpr (std::integral<held_type> && !std::is_same_v<held_type, bool>) {
          return std::in_range<std::int64_t>(held) ? std::optional{static_cast<std::int64_t>(held)} : std::nullopt;
        } else {
          return std::nullopt;
        }
      },
      value);
}

/// A floating point number of either width; nothing for other types.
inline std::optional<double> real_number(const gguf_value& value) {
  if (const float* narrow = std::get_if<float>(&value)) {
    return static_cast<double>(*narrow);
  }
  const double* wide = std::get_if<double>(&value);
  return wide != nullptr ? std::optional{*wide} : std::nullopt;
}

namespace detail {

/// The fewest bytes that one item takes in a file.
template <class Item>
constexpr std::uint64_t least_bytes = sizeof(Item);
template <>
inline constexpr std::uint64_t least_bytes<std::string> = 8;
template <>
inline constexpr std::uint64_t least_bytes<gguf_array> = 12;

/// A variant whose alternative `index` is what `make.operator()<Alternative>()` returns.
template <class Variant, class Make, std::size_t... Index>
Variant make_alternative(std::size_t index, Make make, std::index_sequence<Index...>) {
  std::optional<Variant> out;
  ((Index == index
        ? void(out.emplace(std::in_place_index<Index>, make.template operator()<std::variant_alternative_t<Index, Variant>>()))
        : void()),
   ...);
  return std::move(*out);
}

inline std::size_t read_gguf_type(byte_reader& in) {
  const auto type = in.number<std::uint32_t>();
  if (type >= std::variant_size_v<gguf_value>) {
    in.fail("has a value of unknown type ", type, "; expected 0 to ", std::variant_size_v<gguf_value> - 1);
  }
  return type;
}

gguf_array read_gguf_array(byte_reader& in, int depth);

template <class Item>
Item read_gguf_item(byte_reader& in, int depth) {
  if constexpr (std::is_same_v<Item, std::string>) {
    return in.string(in.number<std::uint64_t>());
  } else if constexpr (std::is_same_v<Item, gguf_array>) {
    return read_gguf_array(in, depth + 1);
  } else if constexpr (std::is_same_v<Item, bool>) {
    const auto byte = in.number<std::uint8_t>();
    if (byte > 1) {
      in.fail("has a bool that is ", byte, "; expected 0 or 1");
    }
    return byte == 1;
  } else {
    return in.number<Item>();
  }
}

inline gguf_array read_gguf_array(byte_reader& in, int depth) {
  constexpr int deepest = 8;  // whoever reads or destroys it recurses
  if (depth > deepest) {
    in.fail("nests arrays deeper than ", deepest, " levels");
  }
  const std::size_t type = read_gguf_type(in);
  using items = decltype(gguf_array::items);
  return {make_alternative<items>(
      type,
      [&]<class Vector>() {
        using item = typename Vector::value_type;
        const auto count = in.count<std::uint64_t>(least_bytes<item>, "items");
        Vector out;
        out.reserve(static_cast<std::size_t>(count));
        for (std::uint64_t i = 0; i < count; ++i) {
          out.push_back(read_gguf_item<item>(in, depth));
        }
        return out;
      },
      std::make_index_sequence<std::variant_size_v<items>>{})};
}

inline gguf_value read_gguf_value(byte_reader& in) {
  return make_alternative<gguf_value>(
      read_gguf_type(in), [&]<class Item>() { return read_gguf_item<Item>(in, 0); },
      std::make_index_sequence<std::variant_size_v<gguf_value>>{});
}

inline void append_gguf_text(std::string& out, std::string_view text) {
  append_bytes(out, std::uint64_t{text.size()});
  out += text;
}

template <class Item>
void append_gguf_item(std::string& out, const Item& item) {
  if constexpr (std::is_same_v<Item, std::string>) {
    append_gguf_text(out, item);
  } else if constexpr (std::is_same_v<Item, gguf_array>) {
    append_bytes(out, static_cast<std::uint32_t>(item.items.index()));
    std::visit(
        [&](const auto& items) {
          append_bytes(out, std::uint64_t{items.size()});
          for (const auto& each : items) {
            append_gguf_item<typename std::decay_t<decltype(items)>::value_type>(out, each);
          }
        },
        item.items);
  } else {
    append_bytes(out, item);
  }
}

inline void append_gguf_value(std::string& out, const gguf_value& value) {
  append_bytes(out, static_cast<std::uint32_t>(value.index()));
  std::visit([&](const auto& item) { append_gguf_item(out, item); }, value);
}

}  // namespace detail
}  // namespace v0
}  // namespace steer
