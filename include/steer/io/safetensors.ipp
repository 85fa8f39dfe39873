// steer/io/safetensors.ipp: the bodies of safetensors.hpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <initializer_list>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <nlohmann/json.hpp>

#include "steer/core/error.hpp"
#include "steer/core/real.hpp"
#include "steer/io/bytes.hpp"
#include "steer/io/half.hpp"
#include "steer/io/json_number.hpp"
#include "steer/io/safetensors.hpp"
#include "steer/io/write_file.hpp"

namespace steer {
inline namespace v0 {

STEER_BODY std::string to_string(const std::vector<std::int64_t>& shape) {
  std::string out = "[";
  for (std::size_t i = 0; i < shape.size(); ++i) {
    out += (i == 0 ? "" : ", ") + std::to_string(shape[i]);
  }
  return out + "]";
}

namespace detail {

STEER_BODY nlohmann::json strict_json(std::string_view text, const std::string& who) {
  std::vector<std::set<std::string>> keys;
  const auto watch = [&](int depth, nlohmann::json::parse_event_t event, nlohmann::json& parsed) {
    constexpr int deepest = 16;
    if (depth > deepest) {
      throw format_error(steer::text({thing(who), " nests deeper than ", expected(deepest), " levels"}));
    }
    if (event == nlohmann::json::parse_event_t::object_start) {
      keys.emplace_back();
    } else if (event == nlohmann::json::parse_event_t::object_end) {
      keys.pop_back();
    } else if (event == nlohmann::json::parse_event_t::key && !keys.back().insert(parsed.get<std::string>()).second) {
      throw format_error(steer::text({thing(who), " has ", actual({"\"", parsed.get<std::string>(), "\""}), " twice"}));
    }
    return true;
  };
  if (!text.starts_with('{')) {
    throw format_error(steer::text({thing(who), " is no ", expected("JSON object")}));
  }
  if (text.find('\0') != std::string_view::npos) {  // to the parser it is the end
    throw format_error(steer::text({thing(who), " has a NUL in it"}));
  }
  try {
    return nlohmann::json::parse(text, watch);
  } catch (const nlohmann::json::exception& problem) {
    throw format_error(steer::text({thing(who), " is no valid JSON: ", std::string_view(problem.what())}));
  }
}

STEER_BODY std::optional<std::uint64_t> bytes_of(dtype type, const std::vector<std::int64_t>& shape) {
  std::uint64_t bytes = size_of(type);
  for (const std::int64_t extent : shape) {
    if (extent < 0 || (extent != 0 && bytes > std::numeric_limits<std::uint64_t>::max() / static_cast<std::uint64_t>(extent))) {
      return std::nullopt;
    }
    bytes *= static_cast<std::uint64_t>(extent);
  }
  return bytes;
}

STEER_BODY void check(const tensor_view& tensor, const std::string& who) {
  const auto needed = bytes_of(tensor.type, tensor.shape);
  if (!needed || *needed != tensor.bytes.size()) {
    throw format_error(text({thing(who), " of shape ", to_string(tensor.shape), " and type ", to_string(tensor.type),
                             " needs ", expected(needed ? text(*needed) : std::string("a number of")), " bytes; got ",
                             actual(tensor.bytes.size())}));
  }
}

}  // namespace detail

STEER_BODY std::vector<float> to_floats(const tensor_view& tensor) {
  detail::check(tensor, "tensor");
  if (tensor.type == dtype::f16 || tensor.type == dtype::bf16) {
    return detail::floats_of_16_bits(tensor.bytes, tensor.type == dtype::f16 ? float_from_f16 : float_from_bf16);
  }
  if (tensor.type != dtype::f32) {
    throw format_error(text(
        {thing("tensor"), " has type ", actual(to_string(tensor.type)), "; expected ", expected("F32, F16 or BF16")}));
  }
  std::vector<float> out(tensor.bytes.size() / sizeof(float));
  if (!out.empty()) {
    std::memcpy(out.data(), tensor.bytes.data(), tensor.bytes.size());
  }
  return out;
}

STEER_BODY const tensor_view& safetensors_file::at(std::string_view name) const {
  const auto found = tensors_.find(name);
  if (found == tensors_.end()) {
    fail({"has no tensor ", expected({"\"", name, "\""})});
  }
  return found->second;
}

STEER_BODY const std::string& safetensors_file::metadata_at(const std::string& key) const {
  const auto found = metadata_.find(key);
  if (found == metadata_.end()) {
    fail({"has no metadata ", expected({"\"", key, "\""})});
  }
  return found->second;
}

STEER_BODY void safetensors_file::fail(std::initializer_list<text_part> parts) const {
  throw format_error(text({thing({"safetensors: file ", name_}), " ", text(parts)}));
}

STEER_BODY void safetensors_file::parse(std::span<const std::byte> bytes) {
  std::uint64_t length = 0;
  if (bytes.size() < sizeof length) {
    fail({"has ", actual(bytes.size()), " bytes; expected ", expected("at least 8"), " for the header's length"});
  }
  std::memcpy(&length, bytes.data(), sizeof length);
  if (length > longest_header || length > bytes.size() - sizeof length) {
    fail({"declares a header of ", expected(length), " bytes; ", actual(bytes.size() - sizeof length), " follow"});
  }
  const auto* text = reinterpret_cast<const char*>(bytes.data()) + sizeof length;
  const nlohmann::json header = detail::strict_json({text, static_cast<std::size_t>(length)},
                                                    steer::text({"safetensors: file ", name_, ": the header"}));
  const auto data = bytes.subspan(sizeof length + static_cast<std::size_t>(length));
  std::map<std::uint64_t, std::pair<std::uint64_t, std::string>> ranges;  // begin -> (end, name); empty ones left out
  for (const auto& [name, entry] : header.items()) {
    if (name == "__metadata__") {
      read_metadata(entry);
    } else {
      read_tensor(name, entry, data, ranges);
    }
  }
  check_cover(ranges, data.size());
}

STEER_BODY void safetensors_file::read_metadata(const nlohmann::json& entry) {
  if (!entry.is_object()) {
    fail({"has __metadata__ that is no ", expected("object")});
  }
  for (const auto& [key, value] : entry.items()) {
    if (!value.is_string()) {
      fail({"has metadata \"", key, "\" that is no ", expected("string")});
    }
    metadata_[key] = value.template get<std::string>();
  }
}

STEER_BODY void safetensors_file::read_tensor(const std::string& name, const nlohmann::json& entry, std::span<const std::byte> data,
                 std::map<std::uint64_t, std::pair<std::uint64_t, std::string>>& ranges) {
  const auto bad = [&](const char* what) { fail({"has tensor \"", name, "\" with ", what}); };
  if (!entry.is_object() || !entry.contains("dtype") || !entry["dtype"].is_string() || !entry.contains("shape") ||
      !entry["shape"].is_array() || !entry.contains("data_offsets") || !entry["data_offsets"].is_array() ||
      entry["data_offsets"].size() != 2) {
    bad("a malformed entry; expected dtype, shape and two data_offsets");
  }
  tensor_view tensor;
  tensor.type = type_of(name, entry["dtype"].get<std::string>());
  for (const auto& extent : entry["shape"]) {
    const auto number = detail::integer_in<std::int64_t>(extent);
    if (!number || *number < 0) {
      bad("a shape that is not made of non-negative whole numbers");
    }
    tensor.shape.push_back(*number);
  }
  const std::optional<std::uint64_t> needed = detail::bytes_of(tensor.type, tensor.shape);
  const auto begin = detail::integer_in<std::uint64_t>(entry["data_offsets"][0]);
  const auto end = detail::integer_in<std::uint64_t>(entry["data_offsets"][1]);
  if (!begin || !end) {
    bad("data_offsets that are no non-negative whole numbers");
  }
  if (*begin > *end || *end > data.size()) {
    fail({"has tensor \"", name, "\" at bytes ", actual({*begin, " to ", *end}), "; the data has ",
          expected(data.size())});
  }
  if (needed != *end - *begin) {
    fail({"has tensor \"", name, "\" of ", actual(*end - *begin), " bytes; its shape ", to_string(tensor.shape), " of ",
          to_string(tensor.type), " needs ", expected(needed ? text(*needed) : std::string("more than any file has"))});
  }
  tensor.bytes = data.subspan(static_cast<std::size_t>(*begin), static_cast<std::size_t>(*end - *begin));
  if (*begin != *end && !ranges.emplace(*begin, std::pair{*end, name}).second) {
    fail({"has tensor ", actual({"\"", name, "\""}), " overlapping \"", ranges[*begin].second, "\""});
  }
  tensors_.emplace(name, std::move(tensor));
}

STEER_BODY dtype safetensors_file::type_of(const std::string& name, std::string_view type) const {
  for (std::size_t i = 0; i < detail::dtype_table.size(); ++i) {
    if (detail::dtype_table[i].name == type) {
      return static_cast<dtype>(i);
    }
  }
  fail({"has tensor \"", name, "\" of unknown type ", actual(type)});
}

STEER_BODY void safetensors_file::check_cover(const std::map<std::uint64_t, std::pair<std::uint64_t, std::string>>& ranges,
                 std::uint64_t size) const {
  std::uint64_t covered = 0;
  for (const auto& [begin, range] : ranges) {
    if (begin != covered) {
      fail({"has tensor \"", range.second, "\" starting at byte ", actual(begin), " of the data; expected ",
            expected(covered), begin < covered ? " (an overlap)" : " (a gap)"});
    }
    covered = range.first;
  }
  if (covered != size) {
    fail({"has ", size - covered, " trailing bytes"});
  }
}

namespace detail {

/// What stands before the tensors' bytes, which follow in the order of their names: the header's length and the header.
/// @throws format_error if a tensor's bytes do not fit its shape or a text is no UTF-8
template <class Real>
std::string safetensors_start(const std::map<std::string, tensor_view, std::less<>>& tensors,
                                     const std::map<std::string, std::string>& metadata) {
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  if (!metadata.empty()) {
    header["__metadata__"] = metadata;
  }
  std::uint64_t offset = 0;
  for (const auto& [name, tensor] : tensors) {
    if (name == "__metadata__") {
      throw format_error("safetensors: a tensor is called \"__metadata__\", which is not a tensor's name");
    }
    check(tensor, text({"safetensors: tensor \"", name, "\""}));
    header[name] = {{"dtype", std::string(to_string(tensor.type))},
                    {"shape", tensor.shape},
                    {"data_offsets", {offset, offset + tensor.bytes.size()}}};
    offset += tensor.bytes.size();
  }
  std::string written;
  try {
    written = header.dump();
  } catch (const nlohmann::json::exception& problem) {
    throw format_error(text({"safetensors: a name or metadata is no UTF-8: ", std::string_view(problem.what())}));
  }
  written.append((8 - written.size() % 8) % 8, ' ');
  std::string out;
  append_bytes(out, std::uint64_t{written.size()});
  return out + written;
}

}  // namespace detail

STEER_BODY std::string safetensors_bytes(const std::map<std::string, tensor_view, std::less<>>& tensors,
                                     const std::map<std::string, std::string>& metadata) {
  std::string out = detail::safetensors_start<Real>(tensors, metadata);
  for (const auto& [name, tensor] : tensors) {
    out.append(reinterpret_cast<const char*>(tensor.bytes.data()), tensor.bytes.size());
  }
  return out;
}

STEER_BODY void write_safetensors(const std::filesystem::path& path,
                              const std::map<std::string, tensor_view, std::less<>>& tensors,
                              const std::map<std::string, std::string>& metadata) {
  const std::string start = detail::safetensors_start<Real>(tensors, metadata);
  std::vector<std::span<const std::byte>> parts{detail::bytes_of(start)};
  for (const auto& [name, tensor] : tensors) {
    parts.push_back(tensor.bytes);
  }
  write_file(path, parts, "safetensors");
}

}  // namespace v0
}  // namespace steer
