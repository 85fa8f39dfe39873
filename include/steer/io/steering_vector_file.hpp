// steer/io/steering_vector_file.hpp: a steering vector as a safetensors file. Opt-in: component `safetensors`.
//
// Tensors `direction.<layer>` and, where known, `origin.<layer>`, F32 [d], layers zero-based; the metadata's `steer` holds
// everything else as JSON. Doubles survive the round trip bit for bit.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <nlohmann/json.hpp>

#include "steer/core/error.hpp"
#include "steer/core/linkage.hpp"
#include "steer/io/safetensors.hpp"
#include "steer/vector/steering_vector.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

/// Everything of a vector but its tensors, which are added to `tensors` under names that begin with `prefix`.
STEER_API nlohmann::ordered_json written_vector(const steering_vector& v, const std::string& prefix,
                                             std::map<std::string, tensor_view, std::less<>>& tensors);

/// The vector that `written_vector` has described. The tensors that it takes are added to `taken`.
/// @throws format_error, argument_error or an exception of the JSON library if something is malformed; `who` names it
STEER_API steering_vector vector_from(const nlohmann::json& about, const std::string& prefix, const safetensors_file& file,
                                   std::set<std::string>& taken, const std::string& who);

/// What `read(about, taken)` makes of a file's metadata `key`.
///
/// @param who  names the file in messages
/// @throws format_error if the metadata is missing or malformed, what was read is not sound, or a tensor was not taken
template <class Read>
auto read_described(const safetensors_file& file, const char* key, const std::string& who, Read read) {
  if (!file.metadata().contains(key)) {
    throw format_error(
        text({thing(who), " has no metadata \"", key, "\"; it is not what this library has written there"}));
  }
  try {
    std::set<std::string> taken;
    auto out = read(strict_json(file.metadata_at(key), text({who, ": metadata \"", key, "\""})), taken);
    for (const auto& [name, tensor] : file.tensors()) {
      if (!taken.contains(name)) {
        throw format_error(text({thing(who), " has the unexpected tensor ", actual({"\"", name, "\""})}));
      }
    }
    check(out);
    return out;
  } catch (const format_error&) {
    throw;
  } catch (const nlohmann::json::exception& problem) {
    throw format_error(text({thing(who), " has malformed metadata \"", key, "\": ", std::string_view(problem.what())}));
  } catch (const error& problem) {
    throw format_error(within(who + ": ", problem));
  }
}

}  // namespace detail

/// A steering vector as a file's bytes; reading it back gives an equal one.
///
/// @throws shape_error or numeric_error if the vector is not sound; format_error if a text is no UTF-8
STEER_API std::string steering_vector_bytes(const steering_vector& v);

/// Writes it, whole or not at all.
/// @throws what `steering_vector_bytes` throws; file_error if the file cannot be written
STEER_API void save(const steering_vector& v, const std::filesystem::path& path);

/// Reads what `save` wrote.
///
/// @throws file_error if the file cannot be read; format_error naming the file and the field for a file of another kind or
///         version, an unknown key or tensor, a missing one, or a vector that is not sound
STEER_API steering_vector load_steering_vector(const std::filesystem::path& path);

/// The same from a file's bytes; `name` stands for the file in messages.
STEER_API steering_vector parse_steering_vector(std::span<const std::byte> bytes, std::string name);

}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/io/steering_vector_file.ipp"
#endif
