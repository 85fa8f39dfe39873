// steer/io/npy.ipp: the bodies of npy.hpp.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <initializer_list>
#include <iterator>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>
#include <Eigen/Core>

#include "steer/core/error.hpp"
#include "steer/core/real.hpp"
#include "steer/io/bytes.hpp"
#include "steer/io/half.hpp"
#include "steer/io/mapped_file.hpp"
#include "steer/io/npy.hpp"
#include "steer/io/npy_header.hpp"
#include "steer/io/write_file.hpp"
#include "steer/vector/steering_vector.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

template <class Real>
std::size_t size_of_values(const npy_array& array) {
  return std::visit([](const auto& values) { return values.size(); }, array.values);
}

STEER_BODY void check(const npy_array& array, const std::string& who) {
  const auto count = count_of(array.shape);
  if (!count || *count != size_of_values<Real>(array)) {
    throw format_error(text({thing(who), ": shape ", expected(python_tuple(array.shape)), " does not fit ",
                             actual(size_of_values<Real>(array)), " numbers"}));
  }
}

template <class Real>
npy_array read_npy(std::span<const std::byte> bytes, const std::string& name) {
  byte_reader in(bytes, "npy: file " + name);
  in.enter("the header");
  if (bytes.size() < 6 || in.string(6) != "\x93NUMPY") {
    in.fail({"does not begin with the magic bytes ", expected("\\x93NUMPY")});
  }
  const auto major = in.number<std::uint8_t>();
  const auto minor = in.number<std::uint8_t>();
  if ((major != 1 && major != 2) || minor != 0) {
    in.fail({"has version ", actual({major, ".", minor}), "; expected ", expected("1.0 or 2.0")});
  }
  const std::uint64_t length = major == 1 ? in.number<std::uint16_t>() : in.number<std::uint32_t>();
  const std::string text_of_header = in.string(length);
  const npy_header header(text_of_header, in);
  const std::size_t size = header.descr == "<f2" ? 2 : header.descr == "<f4" ? 4 : header.descr == "<f8" ? 8 : 0;
  if (size == 0) {
    in.fail({"has descr ", actual({"'", header.descr, "'"}), "; expected ", expected("'<f2', '<f4' or '<f8'")});
  }
  const auto count = count_of(header.shape);
  if (!count) {
    in.fail({"has shape ", actual(python_tuple(header.shape)), ", more numbers than any file holds"});
  }
  if (in.remaining() != *count * size) {
    in.fail({"has ", actual(in.remaining()), " bytes of data; shape ", python_tuple(header.shape), " and '",
             header.descr, "' need ", expected(*count * size)});
  }
  const std::span<const std::byte> data = in.take(*count * size);
  const auto numbers = static_cast<std::size_t>(*count);
  npy_array out{header.shape, {}};
  if (size == 8) {
    std::vector<double> values(numbers);
    if (numbers != 0) {
      std::memcpy(values.data(), data.data(), data.size());
    }
    out.values = std::move(values);
    return out;
  }
  if (size == 2) {
    out.values = detail::floats_of_16_bits(data, float_from_f16);
    return out;
  }
  std::vector<float> values(numbers);
  if (numbers != 0) {
    std::memcpy(values.data(), data.data(), data.size());
  }
  out.values = std::move(values);
  return out;
}

}  // namespace detail


STEER_BODY npy_array load_npy(const std::filesystem::path& path) {
  return detail::read_npy<Real>(mapped_file(path).bytes(), path.string());
}

STEER_BODY npy_array parse_npy(std::span<const std::byte> bytes, const std::string& name) {
  return detail::read_npy<Real>(bytes, name);
}

STEER_BODY std::string npy_bytes(const npy_array& array) {
  detail::check(array, "npy");
  return std::visit(
      [&](const auto& values) {
        using number = typename std::decay_t<decltype(values)>::value_type;
        std::string header = text({"{'descr': '", sizeof(number) == 4 ? "<f4" : "<f8",
                                   "', 'fortran_order': False, 'shape': ", detail::python_tuple(array.shape), ", }"});
        const bool is_long = header.size() + 1 + 10 + 63 > std::numeric_limits<std::uint16_t>::max();
        const std::size_t before = is_long ? 12 : 10;
        header.append(63 - (before + header.size()) % 64, ' ');  // the data begins 64-byte aligned, as NumPy's does
        header += '\n';
        std::string out = is_long ? std::string("\x93NUMPY\x02\x00", 8) : std::string("\x93NUMPY\x01\x00", 8);
        if (is_long) {
          detail::append_bytes(out, static_cast<std::uint32_t>(header.size()));
        } else {
          detail::append_bytes(out, static_cast<std::uint16_t>(header.size()));
        }
        out += header;
        return out.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(number));
      },
      array.values);
}

STEER_BODY void save_npy(const npy_array& array, const std::filesystem::path& path) {
  write_file(path, {detail::bytes_of(npy_bytes(array))}, "npy");
}

namespace detail {

/// The number that a key ends with: 3 of "3", "layer_3" and "layer-3"; nothing for "-3" and "03".
STEER_CHEAP_BODY std::optional<int> layer_of_array_key(std::string_view key) {
  const std::size_t last = key.find_last_not_of("0123456789");
  const std::string_view digits = key.substr(last == std::string_view::npos ? 0 : last + 1);
  int layer = 0;
  const auto [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), layer);
  const bool whole = failure == std::errc() && end == digits.data() + digits.size() && std::to_string(layer) == digits;
  return whole && !key.starts_with('-') ? std::optional(layer) : std::nullopt;
}

}  // namespace detail

STEER_BODY steering_vector to_steering_vector(const npy_array& array, const npy_vector_options& options,
                                              const std::string& who) {
  const auto fail = [&](std::initializer_list<text_part> parts) {
    throw format_error(text({thing({"npy: ", who}), " ", text(parts)}));
  };
  if (array.shape.empty() || array.shape.size() > 2 || array.shape.back() == 0 || array.shape.front() == 0) {
    fail({"has shape ", actual(detail::python_tuple(array.shape)), "; expected ",
          expected("(width,) or (layers, width)")});
  }
  detail::check(array, text({"npy: ", who}));
  if (options.first_layer < -1) {
    fail({"begins at layer ", actual(options.first_layer), "; expected ", expected("0 or above, or -1 for the embedding")});
  }
  const std::size_t width = array.shape.back();
  const std::size_t rows = array.shape.size() == 2 ? array.shape.front() : 1;
  if (options.first_layer < 0 && rows == 1) {
    fail({"has ", actual("one row"), ", the embedding's; expected ", expected("layers after it")});
  }
  if (rows > static_cast<std::size_t>(std::numeric_limits<int>::max() - std::max(options.first_layer, 0))) {
    fail({"has ", rows, " rows, more layers than can be counted"});
  }
  steering_vector out;
  out.name = options.name;
  out.point = options.point;
  for (std::size_t row = options.first_layer < 0 ? 1 : 0; row < rows; ++row) {
    const int layer = options.first_layer + static_cast<int>(row);
    Eigen::VectorXf values(static_cast<Eigen::Index>(width));
    std::visit(
        [&](const auto& numbers) {
          for (std::size_t i = 0; i < width; ++i) {
            values[static_cast<Eigen::Index>(i)] = static_cast<float>(numbers[row * width + i]);
          }
        },
        array.values);
    if (!values.allFinite()) {
      fail({"has NaN, infinity or a number beyond float32 in row ", row, " (layer ", at_layer(layer), ")"});
    }
    if (values.isZero(0.0F)) {
      fail({"has row ", row, " that is all zero (layer ", at_layer(layer), "); a direction needs a norm above 0"});
    }
    out.directions[layer].values = std::move(values);
  }
  return out;
}

STEER_BODY steering_vector to_steering_vector(const named_arrays& several, const npy_vector_options& options, const std::string& who) {
  const auto fail = [&](std::initializer_list<text_part> parts) {
    throw format_error(text({thing({"npy: ", who}), " ", text(parts)}));
  };
  if (several.arrays.size() == 1 && several.arrays.front().first.empty()) {
    return to_steering_vector(several.arrays.front().second, options, who);
  }
  steering_vector out;
  out.name = options.name;
  out.point = options.point;
  for (const auto& [key, array] : several.arrays) {
    const std::optional<int> number = detail::layer_of_array_key(key);
    if (!number) {
      fail({"holds an array \"", actual(key), "\"; expected a key that ends with ", expected("a layer's number")});
    }
    if (*number > std::numeric_limits<int>::max() - std::max(options.first_layer, 0)) {
      fail({"holds \"", actual(key), "\", a later layer than can be counted"});
    }
    const int layer = options.first_layer + *number;
    if (layer == -1) {
      continue;  // the embedding's
    }
    if (array.shape.empty() || array.shape.size() > 2 || (array.shape.size() == 2 && array.shape.front() != 1)) {
      fail({"holds \"", key, "\" of ", actual({array.shape.size(), " dimensions"}), "; expected ", expected("(width,) or (1, width)")});
    }
    const steering_vector one = to_steering_vector(array, {options.name, options.point, layer}, text({who, ", array \"", key, "\""}));
    if (!out.directions.emplace(layer, one.directions.begin()->second).second) {
      fail({"has a second array for layer ", at_layer(layer), ", \"", actual(key), "\""});
    }
    if (one.width() != out.width()) {
      fail({"holds \"", key, "\" of width ", actual(one.width()), "; another has ", expected(out.width())});
    }
  }
  if (out.directions.empty()) {
    fail({"holds ", actual("no array"), " of a layer; expected ", expected("at least one")});
  }
  return out;
}

STEER_BODY npy_array to_npy(const steering_vector& v) {
  check(v);
  npy_array out;
  std::vector<float> values;
  const int first = v.directions.begin()->first;
  const int last = std::prev(v.directions.end())->first;
  if (std::int64_t{last} - first + 1 != static_cast<std::int64_t>(v.directions.size())) {
    throw format_error(text({thing({"npy: \"", v.name, "\""}), " has ", v.directions.size(),
                             " directions between layers ", first, " and ", last, "; an array has no place for gaps"}));
  }
  for (const auto& [layer, direction] : v.directions) {
    values.insert(values.end(), direction.values.data(), direction.values.data() + direction.values.size());
  }
  out.shape = {v.directions.size(), static_cast<std::size_t>(v.width())};
  out.values = std::move(values);
  return out;
}

}  // namespace v0
}  // namespace steer
