// steer/io/gguf_provenance.hpp: what we know of a vector, kept in a GGUF file under keys of our own.
//
// `steer.version`, `steer.name`, `steer.point`, the fields of `provenance`, and per direction
// `steer.<measurement>.<tensor>` where <tensor> is what follows `direction.` in the tensor's name. llama.cpp ignores
// every key.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "steer/core/error.hpp"
#include "steer/core/linkage.hpp"
#include "steer/io/gguf_value.hpp"
#include "steer/vector/steering_vector.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

inline constexpr std::uint32_t gguf_provenance_version = 1;

/// Adds what is known of the vector as a whole.
STEER_API void append_provenance(gguf_metadata& out, const steering_vector& v);

/// Adds what was measured of one direction.
STEER_API void append_measurements(gguf_metadata& out, const direction& v, const std::string& tensor);

/// Reads them back; afterwards `check_all_read` finds keys of ours that mean something else to a later version.
class gguf_provenance {
 public:
  /// @param who  what every message begins with
  STEER_API gguf_provenance(const gguf_metadata& metadata, std::string who);

  [[nodiscard]] bool written_by_us() const noexcept { return written_by_us_; }

  STEER_API void read_into(steering_vector& v);

  STEER_API void read_into(direction& v, const std::string& tensor);

  /// @throws format_error if a key `steer.*` was not asked for
  STEER_API void check_all_read() const;

 private:
  template <class Value>
  std::optional<Value> read(const std::string& key) {
    const auto found = unread_.find(key);
    if (found == unread_.end()) {
      return std::nullopt;
    }
    const gguf_value& value = *found->second;
    auto out = value.get<Value>();
    if (!out) {
      throw format_error(
          text({thing(who_), " has ", key, " of type ", actual(to_string(value.type())), "; expected ",
                expected({to_string(gguf_value(Value{}).type()), value.type() == gguf_type::array ? " of f32" : ""})}));
    }
    unread_.erase(found);
    return out;
  }

  std::string who_;
  std::map<std::string_view, const gguf_value*, std::less<>> unread_;  // into the metadata, which must live as long
  bool written_by_us_ = false;
};

}  // namespace detail
}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/io/gguf_provenance.ipp"
#endif
