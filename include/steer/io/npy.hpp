// steer/io/npy.hpp: NumPy's .npy files, versions 1 and 2, in C order: the bridge to everything in Python.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "steer/core/linkage.hpp"
#include "steer/vector/steering_vector.hpp"

namespace steer {
inline namespace v0 {

/// An array of numbers, in C order: the last index runs fastest.
struct npy_array {
  std::vector<std::size_t> shape;
  std::variant<std::vector<float>, std::vector<double>> values;  ///< f2 and f4 as float, f8 as double; all exact

  bool operator==(const npy_array&) const = default;
};

/// Several arrays by key, in the order of their file: keys that are numbers as digits, a list's as the places in it. One that stands
/// alone has an empty key.
struct named_arrays {
  std::vector<std::pair<std::string, npy_array>> arrays;
};

namespace detail {

/// @throws format_error if the shape asks for another number of values than there are; `who` names the array
STEER_API void check(const npy_array& array, const std::string& who);

}  // namespace detail

/// Reads an array as it is.
///
/// @throws file_error if the file cannot be read; format_error naming the file, expected and actual for a wrong magic or
///         version, a header that is no plain description, Fortran order, another type than little-endian f2, f4, f8,
///         and for data that is not as long as the shape asks
/// @source NumPy, numpy.lib.format
STEER_API npy_array load_npy(const std::filesystem::path& path);

/// The same from a file's bytes; `name` stands for the file in messages.
STEER_API npy_array parse_npy(std::span<const std::byte> bytes, const std::string& name);

/// An array as a file's bytes: version 1, or 2 where the header is too long for it.
/// @throws format_error if there are more or fewer values than the shape asks for
STEER_API std::string npy_bytes(const npy_array& array);

/// Writes an array, whole or not at all.
/// @throws what `npy_bytes` throws; file_error if the file cannot be written
STEER_API void save_npy(const npy_array& array, const std::filesystem::path& path);

/// What an array leaves unsaid about the directions in it.
struct npy_vector_options {
  std::string name;
  steer::point point;   ///< where they were measured
  /// The zero-based layer of the first row; -1 if that is the embedding's, as in arrays of all hidden states: it is left out.
  int first_layer = 0;
};

/// The rows [L, d] of an array, or its only one [d], as directions of consecutive layers. An array does not say what is
/// done with them, so that nothing is: the caller adds, scales or ablates.
///
/// @param who  stands for the array in messages
/// @throws format_error for another number of dimensions, more or fewer values than the shape asks for, NaN or infinity, a
///         row of zeros, or numbers beyond float32
STEER_API steering_vector to_steering_vector(const npy_array& array, const npy_vector_options& options,
                                          const std::string& who);

/// One array that stands alone as above; of several [d] or [1, d] each is the direction at the layer that its key ends with, such as
/// "3" or "layer_3", counted from the first layer of the options.
///
/// @param who  stands for the file in messages
/// @throws format_error as for one array; for a key that names no layer, or one that another names
STEER_API steering_vector to_steering_vector(const named_arrays& several, const npy_vector_options& options, const std::string& who);

/// The directions as an array [L, d], rows in the order of their layers, which must be consecutive.
/// @throws shape_error or numeric_error if the vector is not sound; format_error if layers are missing between its first
///         and last
STEER_API npy_array to_npy(const steering_vector& v);

}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/io/npy.ipp"
#endif
