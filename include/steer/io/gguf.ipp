// steer/io/gguf.ipp: the bodies of gguf.hpp.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <initializer_list>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "steer/core/error.hpp"
#include "steer/core/real.hpp"
#include "steer/io/bytes.hpp"
#include "steer/io/gguf.hpp"
#include "steer/io/gguf_tensor.hpp"
#include "steer/io/gguf_value.hpp"
#include "steer/io/half.hpp"

namespace steer {
inline namespace v0 {

STEER_BODY gguf_file::gguf_file(const std::filesystem::path& path) : file_(path), name_(path.string()) {
  parse(file_->bytes());
}

STEER_BODY gguf_file::gguf_file(std::span<const std::byte> bytes, std::string name) : name_(std::move(name)) {
  parse(bytes);
}

STEER_BODY std::optional<std::string> gguf_file::text_at(std::string_view key) const {
  const gguf_value* value = find(metadata_, key);
  if (value == nullptr) {
    return std::nullopt;
  }
  auto text = value->get<std::string>();
  if (!text) {
    fail({"has metadata \"", key, "\" of type ", actual(to_string(value->type())), "; expected ", expected("string")});
  }
  return text;
}

STEER_BODY std::vector<float> gguf_file::floats(const gguf_tensor& tensor) const {
  const gguf_tensor_type* type = find_gguf_tensor_type(tensor.type);
  if (type == nullptr || (tensor.type != gguf_f32 && tensor.type != gguf_f16 && tensor.type != gguf_bf16)) {
    fail({"has tensor \"", tensor.name, "\" of type ", actual(detail::type_text(tensor.type)), "; only ",
          expected("F32, F16 and BF16"), " are read as numbers"});
  }
  if (const auto bytes = detail::gguf_bytes_of(*type, tensor.shape); bytes != tensor.bytes.size()) {
    fail({"has tensor \"", tensor.name, "\" of shape ", detail::shape_text(tensor.shape), " and type ", type->name,
          ", which does not fit its ", actual(tensor.bytes.size()), " bytes"});
  }
  if (tensor.type != gguf_f32) {
    return detail::floats_of_16_bits(tensor.bytes, tensor.type == gguf_f16 ? float_from_f16 : float_from_bf16);
  }
  std::vector<float> out(tensor.bytes.size() / sizeof(float));
  if (!out.empty()) {
    std::memcpy(out.data(), tensor.bytes.data(), tensor.bytes.size());
  }
  return out;
}

STEER_BODY void gguf_file::fail(std::initializer_list<text_part> parts) const {
  throw format_error(text({thing({"gguf: file ", name_}), " ", text(parts)}));
}

STEER_BODY void gguf_file::parse(std::span<const std::byte> bytes) {
  detail::byte_reader in(bytes, "gguf: file " + name_);
  in.enter("the header");
  if (const std::string magic = bytes.size() < 4 ? "" : in.string(4); magic != "GGUF") {
    fail({"does not begin with the magic bytes ", expected("GGUF")});
  }
  version_ = in.number<std::uint32_t>();
  if (version_ != 2 && version_ != 3) {
    fail({"has version ", actual(version_), "; expected ", expected("2 or 3"),
          (version_ & 0xFFFFU) == 0 ? " (a big-endian file?)" : ""});
  }
  const auto tensors = in.number<std::uint64_t>();
  const auto keys = in.count<std::uint64_t>(13, "metadata entries");
  if (tensors > in.remaining() / 24) {  // name length, dimension count, type, offset
    fail({"declares ", actual(tensors), " tensors; the ", in.remaining(), " bytes that follow have room for ",
          expected(in.remaining() / 24)});
  }
  read_metadata(in, keys);
  std::vector<std::uint64_t> offsets;
  read_tensor_list(in, tensors, offsets);
  place_tensors(bytes, in.position(), offsets);
}

STEER_BODY void gguf_file::read_metadata(detail::byte_reader& in, std::uint64_t count) {
  std::set<std::string> seen;
  for (std::uint64_t i = 0; i < count; ++i) {
    in.enter(text({"the key of metadata entry ", i}));
    std::string key = in.string(in.number<std::uint64_t>());
    if (!seen.insert(key).second) {
      fail({"has metadata \"", key, "\" twice"});
    }
    in.enter(text({"metadata \"", key, "\""}));
    gguf_value value = gguf_value::read(in);
    if (key == "general.alignment") {
      const auto stated = value.get<std::uint32_t>();
      if (!stated || !std::has_single_bit(*stated)) {
        fail({"has general.alignment ", actual(stated ? text(*stated) : std::string(to_string(value.type()))),
              "; expected ", expected("a power of two of type u32")});
      }
      alignment_ = *stated;
    }
    metadata_.emplace_back(std::move(key), std::move(value));
  }
}

STEER_BODY void gguf_file::read_tensor_list(detail::byte_reader& in, std::uint64_t count, std::vector<std::uint64_t>& offsets) {
  std::set<std::string> seen;
  for (std::uint64_t i = 0; i < count; ++i) {
    in.enter(text({"the description of tensor ", i}));
    gguf_tensor tensor;
    tensor.name = in.string(in.number<std::uint64_t>());
    if (!seen.insert(tensor.name).second) {
      fail({"has tensor \"", tensor.name, "\" twice"});
    }
    const auto dimensions = in.number<std::uint32_t>();
    if (dimensions > detail::gguf_most_dimensions) {
      fail({"has tensor \"", tensor.name, "\" with ", actual(dimensions), " dimensions; expected ",
            expected({"at most ", detail::gguf_most_dimensions})});
    }
    for (std::uint32_t d = 0; d < dimensions; ++d) {
      tensor.shape.push_back(in.number<std::uint64_t>());
    }
    tensor.type = in.number<std::uint32_t>();
    if (find_gguf_tensor_type(tensor.type) == nullptr) {
      fail({"has tensor \"", tensor.name, "\" of unknown type ", actual(tensor.type)});
    }
    offsets.push_back(in.number<std::uint64_t>());
    tensors_.push_back(std::move(tensor));
  }
}

STEER_BODY void gguf_file::place_tensors(std::span<const std::byte> bytes, std::uint64_t header,
                   const std::vector<std::uint64_t>& offsets) {
  const std::uint64_t start = detail::round_up(header, alignment_);
  const auto data = bytes.subspan(static_cast<std::size_t>(std::min<std::uint64_t>(start, bytes.size())));
  std::uint64_t end = 0;
  for (std::size_t i = 0; i < tensors_.size(); ++i) {
    gguf_tensor& tensor = tensors_[i];
    const auto size = detail::gguf_bytes_of(*find_gguf_tensor_type(tensor.type), tensor.shape);
    if (!size) {
      fail({"has tensor \"", tensor.name, "\" of shape ", detail::shape_text(tensor.shape), " and type ",
            detail::type_text(tensor.type), ", which no number of bytes can hold"});
    }
    if (offsets[i] % alignment_ != 0) {
      fail({"has tensor \"", tensor.name, "\" starting at byte ", actual(offsets[i]),
            " of the data, which is no multiple of ", expected(alignment_)});
    }
    const std::uint64_t place = detail::round_up(end, alignment_);
    if (offsets[i] != place) {
      fail({"has tensor \"", tensor.name, "\" starting at byte ", actual(offsets[i]), " of the data; expected ",
            expected(place), offsets[i] < place ? " (an overlap)" : " (a gap)"});
    }
    if (place > data.size() || *size > data.size() - place) {
      fail({"has tensor \"", tensor.name, "\" of ", expected(*size), " bytes at byte ", place,
            " of the data, which has ", actual(data.size())});
    }
    end = place + *size;
    tensor.bytes = data.subspan(static_cast<std::size_t>(place), static_cast<std::size_t>(*size));
  }
  const std::uint64_t last = tensors_.empty() ? header : start + end;  // padding after it is customary
  if (bytes.size() > detail::round_up(last, alignment_)) {
    fail({"has ", bytes.size() - detail::round_up(last, alignment_), " trailing bytes"});
  }
}

}  // namespace v0
}  // namespace steer
