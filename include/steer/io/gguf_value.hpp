// steer/io/gguf_value.hpp: the values of a GGUF file's metadata.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "steer/core/linkage.hpp"
#include "steer/io/bytes.hpp"

namespace steer {
inline namespace v0 {

/// The types of values, numbered as in the file.
enum class gguf_type : std::uint32_t { u8, i8, u16, i16, u32, i32, f32, boolean, string, array, u64, i64, f64 };

namespace detail {

struct gguf_type_row {
  std::string_view name;
  std::size_t least_bytes;  // that one takes in a file
};
inline constexpr std::array<gguf_type_row, 13> gguf_type_table{{{"u8", 1},
                                                                {"i8", 1},
                                                                {"u16", 2},
                                                                {"i16", 2},
                                                                {"u32", 4},
                                                                {"i32", 4},
                                                                {"f32", 4},
                                                                {"bool", 1},
                                                                {"string", 8},
                                                                {"array", 12},
                                                                {"u64", 8},
                                                                {"i64", 8},
                                                                {"f64", 8}}};

constexpr std::size_t least_bytes(gguf_type type) noexcept {
  return gguf_type_table[static_cast<std::size_t>(type)].least_bytes;
}

template <class Value>
concept gguf_scalar = plain_number<Value> && !std::same_as<Value, char> && !std::same_as<Value, long double>;

template <gguf_scalar Number>
constexpr gguf_type gguf_type_of() noexcept {
  if constexpr (std::same_as<Number, bool>) {
    return gguf_type::boolean;
  } else if constexpr (std::floating_point<Number>) {
    return sizeof(Number) == 4 ? gguf_type::f32 : gguf_type::f64;
  } else {
    constexpr bool is_signed = std::is_signed_v<Number>;
    switch (sizeof(Number)) {
      case 1: return is_signed ? gguf_type::i8 : gguf_type::u8;
      case 2: return is_signed ? gguf_type::i16 : gguf_type::u16;
      case 4: return is_signed ? gguf_type::i32 : gguf_type::u32;
      default: return is_signed ? gguf_type::i64 : gguf_type::u64;
    }
  }
}

}  // namespace detail

constexpr std::string_view to_string(gguf_type type) noexcept {
  return detail::gguf_type_table[static_cast<std::size_t>(type)].name;
}

/// One value: a number, a text, or an array of one type, which may be arrays again. Numbers are kept as the file has
/// them, so that an array of a million takes no more memory than in the file (a variant of vectors costs a second to
/// compile).
class gguf_value {
 public:
  template <detail::gguf_scalar Number>
  gguf_value(Number number) : type_(detail::gguf_type_of<Number>()) {  // implicit: metadata reads as key and value
    detail::append_bytes(bytes_, number);
  }
  gguf_value(std::string text) : type_(gguf_type::string), bytes_(std::move(text)) {}
  gguf_value(const char* text) : gguf_value(std::string(text)) {}
  template <detail::gguf_scalar Number>
    requires(!std::same_as<Number, bool>)
  explicit gguf_value(const std::vector<Number>& numbers)
      : type_(gguf_type::array),
        item_type_(detail::gguf_type_of<Number>()),
        bytes_(reinterpret_cast<const char*>(numbers.data()), numbers.size() * sizeof(Number)) {}
  /// An array of texts or of arrays.
  /// @throws argument_error if the items are of another type, or numbers, which are an array of their own kind
  STEER_API gguf_value(gguf_type item_type, std::vector<gguf_value> items);

  [[nodiscard]] gguf_type type() const noexcept { return type_; }
  [[nodiscard]] gguf_type item_type() const noexcept { return item_type_; }
  /// The items of an array of texts or arrays.
  [[nodiscard]] const std::vector<gguf_value>& items() const noexcept { return items_; }
  /// A text; a number's bytes; the bytes of an array of numbers.
  [[nodiscard]] const std::string& bytes() const noexcept { return bytes_; }

  /// The value if it is of exactly that type: a number, std::string, or a std::vector of numbers.
  template <class Value>
  [[nodiscard]] std::optional<Value> get() const {
    if constexpr (std::same_as<Value, std::string>) {
      return type_ == gguf_type::string ? std::optional{bytes_} : std::nullopt;
    } else if constexpr (detail::gguf_scalar<Value>) {
      if (type_ != detail::gguf_type_of<Value>()) {
        return std::nullopt;
      }
      Value out{};
      std::memcpy(&out, bytes_.data(), sizeof out);
      return out;
    } else {
      using number = typename Value::value_type;
      if (type_ != gguf_type::array || item_type_ != detail::gguf_type_of<number>()) {
        return std::nullopt;
      }
      Value out(bytes_.size() / sizeof(number));
      if (!out.empty()) {
        std::memcpy(out.data(), bytes_.data(), bytes_.size());
      }
      return out;
    }
  }

  bool operator==(const gguf_value&) const = default;

  /// @throws format_error, as `in` says it, for unknown types, booleans other than 0 and 1, arrays that nest deeper than 8
  ///         levels or have more items than the file
  STEER_API static gguf_value read(detail::byte_reader& in);

  /// @throws format_error for arrays that nest deeper than `read` reads
  STEER_API void append_to(std::string& out) const;

 private:
  static constexpr int deepest = 8;  // whoever reads or destroys an array recurses

  gguf_value() = default;

  STEER_API static gguf_type read_type(detail::byte_reader& in);

  STEER_API static gguf_value read(detail::byte_reader& in, gguf_type type, int depth);

  STEER_API void read_array(detail::byte_reader& in, int depth);

  STEER_API static void check_booleans(const detail::byte_reader& in, gguf_type type, std::string_view bytes);

  STEER_API void append_content(std::string& out, int depth) const;

  gguf_type type_ = gguf_type::u8;
  gguf_type item_type_ = gguf_type::u8;
  std::string bytes_;
  std::vector<gguf_value> items_;
};

/// Keys and values in the order of the file.
using gguf_metadata = std::vector<std::pair<std::string, gguf_value>>;

/// The value of a key, or null.
STEER_API const gguf_value* find(const gguf_metadata& metadata, std::string_view key) noexcept;

/// A whole number of any of the integer types; nothing for other types and for numbers beyond int64.
STEER_API std::optional<std::int64_t> whole_number(const gguf_value& value);

/// A floating point number of either width; nothing for other types.
STEER_API std::optional<double> real_number(const gguf_value& value);

}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/io/gguf_value.ipp"
#endif
