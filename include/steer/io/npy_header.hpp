// steer/io/npy_header.hpp: the Python dictionary at the beginning of a .npy file.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "steer/core/linkage.hpp"
#include "steer/io/bytes.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

/// The header's Python dictionary, of which only what NumPy itself writes for plain numbers is understood:
/// {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }
class npy_header {
 public:
  std::string descr;
  std::vector<std::size_t> shape;

  STEER_API npy_header(std::string_view text, const byte_reader& file);

 private:
  [[noreturn]] void fail(std::initializer_list<text_part> parts) const { file_.fail(parts); }
  void skip_blanks() { rest_.remove_prefix(std::min(rest_.find_first_not_of(" \n"), rest_.size())); }
  STEER_API bool accept(std::string_view token);
  STEER_API void expect(std::string_view token);
  STEER_API std::string quoted();
  STEER_API void read_shape();

  std::string_view rest_;
  const byte_reader& file_;
  bool ordered_ = false;
  bool shaped_ = false;
};

/// How many numbers a shape holds; nothing where they are more than any file has.
STEER_API std::optional<std::uint64_t> count_of(std::span<const std::size_t> shape);

/// "(3, 4)", as Python writes it.
STEER_API std::string python_tuple(std::span<const std::size_t> shape);

}  // namespace detail
}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/io/npy_header.ipp"
#endif
