// steer/io/pytorch.ipp: the bodies of pytorch.hpp.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <initializer_list>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "steer/core/error.hpp"
#include "steer/core/real.hpp"
#include "steer/io/bytes.hpp"
#include "steer/io/half.hpp"
#include "steer/io/mapped_file.hpp"
#include "steer/io/npy.hpp"
#include "steer/io/pytorch.hpp"
#include "steer/io/torch_pickle.hpp"
#include "steer/io/zip.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

/// The bytes of the storages, by key.
using torch_storages = std::map<std::string, std::span<const std::byte>>;

/// Makes arrays of the tensors of one pickle.
template <class Real>
class torch_tensors {
 public:
  using kind = torch_value::kind;

  torch_tensors(const torch_pickle& pickle, const torch_storages& storages, const std::string& who)
      : pickle_(pickle), storages_(storages), who_(who) {}

  named_arrays all() const {
    const torch_value& root = pickle_.at(pickle_.root);
    named_arrays out;
    if (root.what == kind::tensor) {
      out.arrays.emplace_back("", array_of(root, "the tensor"));
    } else if (root.what == kind::dictionary) {
      for (std::size_t i = 0; i < root.items.size(); i += 2) {
        add(out, key_of(pickle_.at(root.items[i])), root.items[i + 1]);
      }
    } else if (root.what == kind::list || root.what == kind::tuple) {
      for (std::size_t i = 0; i < root.items.size(); ++i) {
        add(out, std::to_string(i), root.items[i]);
      }
    } else {
      fail({"holds ", actual(kind_text(root.what)), "; expected ",
            expected("a tensor, or a dictionary or list of tensors")});
    }
    return out;
  }

 private:
  [[noreturn]] void fail(std::initializer_list<text_part> parts) const {
    throw format_error(text({thing(who_), " ", text(parts)}));
  }

  void add(named_arrays& to, const std::string& key, std::size_t place) const {
    const torch_value& value = pickle_.at(place);
    if (value.what != kind::tensor) {
      fail({"holds ", actual(kind_text(value.what)), " at \"", key, "\"; expected ", expected("a tensor")});
    }
    if (std::any_of(to.arrays.begin(), to.arrays.end(), [&](const auto& other) { return other.first == key; })) {
      fail({"holds \"", actual(key), "\" twice"});
    }
    to.arrays.emplace_back(key, array_of(value, "\"" + key + "\""));
  }

  std::string key_of(const torch_value& key) const {
    if (key.what == kind::integer) {
      return std::to_string(key.integer);
    }
    if (key.what != kind::text) {
      fail({"has ", actual(kind_text(key.what)), " for a key; expected ", expected("a number or a text")});
    }
    return key.text;
  }

  npy_array array_of(const torch_value& tensor, const std::string& name) const {
    const torch_value& storage = pickle_.at(tensor.items[0]);
    const std::string& type = pickle_.at(storage.items[0]).text;
    const std::size_t size = type == "torch.DoubleStorage"                                    ? 8
                             : type == "torch.FloatStorage"                                   ? 4
                             : type == "torch.HalfStorage" || type == "torch.BFloat16Storage" ? 2
                                                                                              : 0;
    if (size == 0) {
      fail({"holds ", name, " in a ", actual(type), "; expected ",
            expected("numbers of float32, float16, bfloat16 or float64")});
    }
    const std::string& key = pickle_.at(storage.items[1]).text;
    const auto found = storages_.find(key);
    if (found == storages_.end()) {
      fail({"has no storage ", actual({"\"", key, "\""}), ", which ", name, " needs"});
    }
    const std::int64_t length = pickle_.at(storage.items[2]).integer;
    if (length < 0 || static_cast<std::uint64_t>(length) != found->second.size() / size ||
        found->second.size() % size != 0) {
      fail({"has ", actual(found->second.size()), " bytes in storage \"", key, "\"; expected ",
            expected({length, " numbers of ", size})});
    }
    const std::vector<std::int64_t> shape = numbers_of(tensor.items[1]);
    const std::vector<std::int64_t> strides = numbers_of(tensor.items[2]);
    const std::vector<std::size_t> places = places_of(tensor.integer, shape, strides, length, name);
    npy_array out;
    out.shape.assign(shape.begin(), shape.end());
    if (type == "torch.DoubleStorage") {
      out.values = taken<double>(found->second, places);
    } else if (type == "torch.FloatStorage") {
      out.values = taken<float>(found->second, places);
    } else {
      std::vector<float> values;
      for (const std::uint16_t bits : taken<std::uint16_t>(found->second, places)) {
        values.push_back(type == "torch.HalfStorage" ? float_from_f16(bits) : float_from_bf16(bits));
      }
      out.values = std::move(values);
    }
    return out;
  }

  std::vector<std::int64_t> numbers_of(std::size_t tuple) const {
    std::vector<std::int64_t> out;
    for (const std::size_t place : pickle_.at(tuple).items) {
      out.push_back(pickle_.at(place).integer);
    }
    return out;
  }

  /// Where the numbers of a view stand in its storage, in C order. No more of them than the storage has: a file of a
  /// few bytes could ask for any number of them otherwise.
  std::vector<std::size_t> places_of(std::int64_t offset, const std::vector<std::int64_t>& shape,
                                     const std::vector<std::int64_t>& strides, std::int64_t length,
                                     const std::string& name) const {
    const auto refuse = [&] {
      fail({"holds ", name, ", whose ", actual("view"), " does not fit the ", expected({length, " numbers"}),
            " of its storage"});
    };
    if (strides.size() != shape.size() || offset < 0 || offset > length) {
      refuse();
    }
    std::int64_t count = 1;
    for (std::size_t i = 0; i < shape.size(); ++i) {
      if (shape[i] < 0 || strides[i] < 0) {
        refuse();
      }
      count = shape[i] == 0 ? 0 : count > length / shape[i] ? length + 1 : count * shape[i];
    }
    if (std::find(shape.begin(), shape.end(), 0) != shape.end()) {
      return {};
    }
    std::int64_t last = offset;
    for (std::size_t i = 0; i < shape.size(); ++i) {
      if (shape[i] > 1 && strides[i] > length / (shape[i] - 1)) {
        refuse();
      }
      last += (shape[i] - 1) * (shape[i] > 1 ? strides[i] : 0);
      if (last >= length) {
        refuse();
      }
    }
    if (count > length || last >= length) {
      refuse();
    }
    std::vector<std::size_t> out{static_cast<std::size_t>(offset)};
    for (std::size_t i = 0; i < shape.size(); ++i) {
      std::vector<std::size_t> next;
      next.reserve(out.size() * static_cast<std::size_t>(shape[i]));
      for (const std::size_t from : out) {
        for (std::int64_t j = 0; j < shape[i]; ++j) {
          next.push_back(from + static_cast<std::size_t>(j * (shape[i] > 1 ? strides[i] : 0)));
        }
      }
      out = std::move(next);
    }
    return out;
  }

  template <class Number>
  static std::vector<Number> taken(std::span<const std::byte> bytes, const std::vector<std::size_t>& places) {
    std::vector<Number> out(places.size());
    for (std::size_t i = 0; i < places.size(); ++i) {
      std::memcpy(&out[i], bytes.data() + places[i] * sizeof(Number), sizeof(Number));
    }
    return out;
  }

  const torch_pickle& pickle_;
  const torch_storages& storages_;
  const std::string& who_;
};

template <class Real>
named_arrays parse_torch_archive(std::span<const std::byte> bytes, const std::string& who) {
  const auto files = zip_files(bytes, who);
  constexpr std::string_view pickle_name = "data.pkl";
  std::optional<std::string> folder;
  for (const auto& [path, content] : files) {
    if (path == pickle_name || path.ends_with("/data.pkl")) {
      if (folder) {
        throw format_error(text({thing(who), " holds ", actual("several data.pkl"), "; expected ", expected("one")}));
      }
      folder = path.substr(0, path.size() - pickle_name.size());
    }
  }
  if (!folder) {
    throw format_error(
        text({thing(who), " is a ZIP archive without a ", expected("data.pkl"), "; it is no PyTorch file"}));
  }
  if (const auto order = files.find(*folder + "byteorder"); order != files.end()) {
    const std::string_view said(reinterpret_cast<const char*>(order->second.data()), order->second.size());
    if (said != "little") {
      throw format_error(
          text({thing(who), " has numbers in ", actual(said), "-endian order; expected ", expected("little")}));
    }
  }
  torch_storages storages;
  const std::string data = *folder + "data/";
  for (const auto& [path, content] : files) {
    if (path.starts_with(data)) {
      storages.emplace(path.substr(data.size()), content);
    }
  }
  byte_reader in(files.at(*folder + std::string(pickle_name)), who);
  const torch_pickle pickle = read_torch_pickle(in);
  return torch_tensors<Real>(pickle, storages, who).all();
}

/// The bytes of a number in a storage of that type.
STEER_CHEAP_BODY std::size_t size_of_number(std::string_view type) {
  for (const auto& [name, size] : {std::pair<std::string_view, std::size_t>{"torch.DoubleStorage", 8},
                                   {"torch.LongStorage", 8},
                                   {"torch.FloatStorage", 4},
                                   {"torch.IntStorage", 4},
                                   {"torch.HalfStorage", 2},
                                   {"torch.BFloat16Storage", 2},
                                   {"torch.ShortStorage", 2}}) {
    if (type == name) {
      return size;
    }
  }
  return 1;
}

/// A magic number, the protocol, what is known of the machine, the object and its storages' keys, each a pickle; then
/// the storages.
template <class Real>
named_arrays parse_legacy_torch(std::span<const std::byte> bytes, const std::string& who) {
  using kind = torch_value::kind;
  byte_reader in(bytes, who);
  static_cast<void>(read_torch_pickle(in));
  const torch_pickle protocol = read_torch_pickle(in);
  if (protocol.at(protocol.root).what != kind::integer || protocol.at(protocol.root).integer != 1001) {
    in.fail({"is of ", actual("another protocol"), "; expected ", expected(1001)});
  }
  const torch_pickle machine = read_torch_pickle(in);
  const torch_value& known = machine.at(machine.root);
  for (std::size_t i = 0; known.what == kind::dictionary && i < known.items.size(); i += 2) {
    if (machine.at(known.items[i]).text == "little_endian" && machine.at(known.items[i + 1]).integer != 1) {
      in.fail({"has numbers in ", actual("big"), "-endian order; expected ", expected("little")});
    }
  }
  const torch_pickle pickle = read_torch_pickle(in);
  const torch_pickle keys = read_torch_pickle(in);
  if (keys.at(keys.root).what != kind::list) {
    in.fail({"has ", actual(kind_text(keys.at(keys.root).what)), " where ", expected("a list of storages"),
             " is expected"});
  }
  std::map<std::string, std::size_t> sizes;  // of a number in each storage
  for (const torch_value& value : pickle.values) {
    if (value.what == kind::storage) {
      sizes.emplace(pickle.at(value.items[1]).text, size_of_number(pickle.at(value.items[0]).text));
    }
  }
  torch_storages storages;
  in.enter("its storages");
  for (const std::size_t place : keys.at(keys.root).items) {
    const std::string& key = keys.at(place).text;
    const auto found = sizes.find(key);
    if (keys.at(place).what != kind::text || found == sizes.end()) {
      in.fail({"lists storage ", actual({"\"", key, "\""}), ", which no tensor needs"});
    }
    const std::size_t size = found->second;
    const std::uint64_t count = in.count<std::uint64_t>(size, "numbers");
    if (!storages.emplace(key, in.take(count * size)).second) {
      in.fail({"has storage ", actual({"\"", key, "\""}), " twice"});
    }
  }
  if (in.remaining() != 0) {
    in.fail({"goes on for ", actual(in.remaining()), " bytes after its storages; expected ", expected("its end")});
  }
  return torch_tensors<Real>(pickle, storages, who).all();
}

}  // namespace detail

STEER_BODY named_arrays parse_pytorch(std::span<const std::byte> bytes, const std::string& name) {
  const std::string who = "pytorch: file " + name;
  const std::string_view start(reinterpret_cast<const char*>(bytes.data()), std::min<std::size_t>(bytes.size(), 4));
  if (start == "PK\x03\x04") {
    return detail::parse_torch_archive<Real>(bytes, who);
  }
  if (start.starts_with("\x80\x02\x8A\x0A")) {
    return detail::parse_legacy_torch<Real>(bytes, who);
  }
  throw format_error(
      text({thing(who), " is no ", expected("PyTorch file"), ": it begins with neither of the two formats"}));
}

STEER_BODY named_arrays load_pytorch(const std::filesystem::path& path) {
  return parse_pytorch(mapped_file(path).bytes(), path.string());
}

}  // namespace v0
}  // namespace steer
