// steer/io/torch_pickle.hpp: the pickles of PyTorch's files, as far as tensors and what holds them need it.
//
// A pickle is a program for a stack machine, and a general reader runs whatever it names. This one knows a fixed list
// of instructions and of names, builds plain values and calls nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "steer/core/linkage.hpp"
#include "steer/io/bytes.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

/// A value, and the places of those in it: what is shared stands once, and what contains itself does no harm.
struct torch_value {
  enum class kind : std::uint8_t {
    none,
    boolean,
    integer,
    real,
    text,
    tuple,
    list,
    dictionary,
    global,
    storage,
    tensor
  };

  kind what = kind::none;
  std::int64_t integer = 0;  ///< integer, boolean; tensor: the offset into its storage, in numbers
  std::string text = {};     ///< text; global: "module.name"
  /// tuple, list; dictionary: each key and its value; storage: its global, key and length; tensor: storage, shape,
  /// strides
  std::vector<std::size_t> items = {};
};

/// What a kind is called in messages.
STEER_API std::string kind_text(torch_value::kind what);

/// One pickle: its values, and the place of the one that it is.
struct torch_pickle {
  std::vector<torch_value> values;
  std::size_t root = 0;

  [[nodiscard]] const torch_value& at(std::size_t place) const { return values[place]; }
};

/// Reads one pickle and leaves the reader behind it.
///
/// @throws format_error, as `in` says it, for an instruction or a global that is not on the list, a stack or a memo
/// that has not
///         what is asked for, arguments of another kind, and the end of the file
/// @source Python, Lib/pickletools.py; PyTorch, torch/_utils.py and torch/serialization.py
STEER_API torch_pickle read_torch_pickle(byte_reader& in);

}  // namespace detail
}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/io/torch_pickle.ipp"
#endif
