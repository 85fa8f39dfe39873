// steer/io/safetensors.hpp: the safetensors container. Opt-in: needs nlohmann_json (component `safetensors`).
//
// Eight bytes of header length (little-endian), a JSON header, then the tensors' bytes.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <nlohmann/json.hpp>

#include "steer/core/linkage.hpp"
#include "steer/io/bytes.hpp"
#include "steer/io/mapped_file.hpp"

namespace steer {
inline namespace v0 {

static_assert(std::endian::native == std::endian::little, "the files are little-endian and are mapped as they are");

enum class dtype : std::uint8_t { f64, f32, f16, bf16, i64, i32, i16, i8, u64, u32, u16, u8, boolean };

namespace detail {

struct dtype_row {
  std::string_view name;
  std::size_t bytes;
};
inline constexpr std::array<dtype_row, 13> dtype_table{{{"F64", 8}, {"F32", 4}, {"F16", 2}, {"BF16", 2}, {"I64", 8},
                                                        {"I32", 4}, {"I16", 2}, {"I8", 1}, {"U64", 8}, {"U32", 4},
                                                        {"U16", 2}, {"U8", 1}, {"BOOL", 1}}};

}  // namespace detail

constexpr std::string_view to_string(dtype type) noexcept {
  return detail::dtype_table[static_cast<std::size_t>(type)].name;
}
constexpr std::size_t size_of(dtype type) noexcept { return detail::dtype_table[static_cast<std::size_t>(type)].bytes; }

/// One tensor: row-major bytes that somebody else owns.
struct tensor_view {
  dtype type = dtype::f32;
  std::vector<std::int64_t> shape;
  std::span<const std::byte> bytes;
};

/// "[2, 3]".
STEER_API std::string to_string(const std::vector<std::int64_t>& shape);

namespace detail {

/// JSON in which no key stands twice (a plain parse would keep one of the two silently), nothing follows, and nothing
/// nests deeper than these files do (who prints or destroys it may recurse).
/// @throws format_error saying what is wrong, with `who` in front
STEER_API nlohmann::json strict_json(std::string_view text, const std::string& who);

/// The bytes that a tensor's shape asks for; nothing where they cannot be counted.
STEER_API std::optional<std::uint64_t> bytes_of(dtype type, const std::vector<std::int64_t>& shape);

/// @throws format_error if the bytes are not those of the shape; `who` names the tensor
STEER_API void check(const tensor_view& tensor, const std::string& who);

}  // namespace detail

/// A tensor's numbers as float32. F32, F16 and BF16 are exact.
/// @throws format_error for the types that float32 cannot hold exactly, and where bytes and shape do not fit
STEER_API std::vector<float> to_floats(const tensor_view& tensor);

/// A safetensors file, memory-mapped; views into it live as long as it does.
///
/// @throws file_error if it cannot be read; format_error naming the file, the field, expected and actual for a header
///         that is truncated, no JSON, or names an unknown type; for tensors that overlap, leave gaps, exceed the file, or
///         whose byte range does not fit their shape; and for trailing bytes
/// @cost   proportional to the header; tensor bytes are read when touched
class safetensors_file {
 public:
  explicit safetensors_file(const std::filesystem::path& path) : file_(path), name_(path.string()) { parse(file_->bytes()); }
  /// Bytes that somebody else keeps; `name` stands for the file in messages.
  safetensors_file(std::span<const std::byte> bytes, std::string name) : name_(std::move(name)) { parse(bytes); }

  [[nodiscard]] const std::map<std::string, std::string>& metadata() const noexcept { return metadata_; }
  [[nodiscard]] const std::map<std::string, tensor_view, std::less<>>& tensors() const noexcept { return tensors_; }
  /// The path, or what the bytes were called.
  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] std::filesystem::path path() const { return name_; }

  /// @throws format_error if there is no tensor of that name
  STEER_API [[nodiscard]] const tensor_view& at(std::string_view name) const;

  /// @throws format_error if the metadata lacks the key
  STEER_API [[nodiscard]] const std::string& metadata_at(const std::string& key) const;

 private:
  static constexpr std::uint64_t longest_header = 100'000'000;  // the reference implementation's limit

  STEER_API [[noreturn]] void fail(std::initializer_list<text_part> parts) const;

  STEER_API void parse(std::span<const std::byte> bytes);

  STEER_API void read_metadata(const nlohmann::json& entry);

  STEER_API void read_tensor(const std::string& name, const nlohmann::json& entry, std::span<const std::byte> data,
                   std::map<std::uint64_t, std::pair<std::uint64_t, std::string>>& ranges);

  STEER_API [[nodiscard]] dtype type_of(const std::string& name, std::string_view type) const;

  STEER_API void check_cover(const std::map<std::uint64_t, std::pair<std::uint64_t, std::string>>& ranges,
                   std::uint64_t size) const;

  std::optional<mapped_file> file_;
  std::string name_;
  std::map<std::string, std::string> metadata_;
  std::map<std::string, tensor_view, std::less<>> tensors_;
};

/// Tensors as a file's bytes, in the order of their names; the data section as a whole begins 8-byte aligned.
/// @throws format_error if a tensor's bytes do not fit its shape or a text is no UTF-8
/// @cost   one copy of the tensors
STEER_API std::string safetensors_bytes(const std::map<std::string, tensor_view, std::less<>>& tensors,
                                     const std::map<std::string, std::string>& metadata = {});

/// Writes them, whole or not at all.
/// @throws what `safetensors_bytes` throws; file_error if the file cannot be written
/// @cost   one pass over the bytes, without a copy
STEER_API void write_safetensors(const std::filesystem::path& path,
                              const std::map<std::string, tensor_view, std::less<>>& tensors,
                              const std::map<std::string, std::string>& metadata = {});

}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/io/safetensors.ipp"
#endif
