// llama_steer/serve/request_fields.hpp: objects of a request, in which nothing stands that is not known.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "llama_steer/serve/api_error.hpp"
#include "steer/core/error.hpp"
#include "steer/io/json_number.hpp"

namespace llama_steer::serve::detail {

/// The fields that are read, and of others that the API has what they may say beside null.
struct field_table {
  std::vector<std::string> read;
  nlohmann::json neutral;
};

/// One of them, whose fields are read by name.
class request_object {
 public:
  using json = nlohmann::json;

  /// @param path  what is in front of the names of its fields: "" or "messages[0]."
  /// @throws api_error as `parse_completion_request`
  request_object(const json& object, std::string path, const field_table& fields) : object_(object), path_(std::move(path)) {
    for (const auto& [key, value] : object.items()) {
      if (std::find(fields.read.begin(), fields.read.end(), key) != fields.read.end()) {
        continue;
      }
      const auto neutral = fields.neutral.find(key);
      if (neutral == fields.neutral.end()) {
        const std::string name = path_ + excerpt(key);
        throw api_error(steer::text({"unknown field \"", name, "\""}), {.param = name, .code = "unknown_parameter"});
      }
      if (!value.is_null() && std::find(neutral->begin(), neutral->end(), value) == neutral->end()) {
        std::string allowed = "null";
        for (const json& each : *neutral) {
          allowed += " or " + each.dump();
        }
        throw api_error(steer::text({path_, key, " is not supported; expected ", allowed}),
                        {.param = path_ + key, .code = "unsupported_parameter"});
      }
    }
  }

  /// What a field says; null if it is not there, or is null itself.
  [[nodiscard]] const json* find(const char* name) const {
    const auto found = object_.find(name);
    return found == object_.end() || found->is_null() ? nullptr : &*found;
  }
  [[nodiscard]] const json& at(const char* name) const {
    const json* const found = find(name);
    if (found == nullptr) {
      throw api_error(steer::text({path_, name, " is missing"}), {.param = path_ + name, .code = "missing_required_parameter"});
    }
    return *found;
  }
  [[nodiscard]] std::string path_of(const char* name) const { return path_ + name; }

  [[nodiscard]] bool flag(const char* name) const {
    const json* const found = find(name);
    if (found != nullptr && !found->is_boolean()) {
      refuse_type(*found, path_of(name), "true or false");
    }
    return found != nullptr && found->get<bool>();
  }

  [[nodiscard]] double number(const char* name, double otherwise, bool (*holds)(double), std::string_view expected) const {
    const json* const found = find(name);
    if (found == nullptr) {
      return otherwise;
    }
    if (!found->is_number()) {
      refuse_type(*found, path_of(name), expected);
    }
    if (!holds(found->get<double>())) {
      refuse_value(*found, path_of(name), expected);
    }
    return found->get<double>();
  }

  [[nodiscard]] std::optional<std::uint64_t> whole_number(const char* name, std::uint64_t least, std::uint64_t most) const {
    const json* const found = find(name);
    if (found == nullptr) {
      return std::nullopt;
    }
    const std::string expected = steer::text({"a whole number from ", least, " to ", most});
    if (!found->is_number_integer()) {
      refuse_type(*found, path_of(name), expected);
    }
    const std::optional<std::uint64_t> out = steer::detail::integer_in<std::uint64_t>(*found);
    if (!out || *out < least || *out > most) {
      refuse_value(*found, path_of(name), expected);
    }
    return out;
  }

  /// A text that may be used as one: UTF-8 it is, or it would be no JSON.
  static std::string text(const json& written, const std::string& path) {
    if (!written.is_string()) {
      refuse_type(written, path, "a string");
    }
    std::string out = written.get<std::string>();
    if (out.find('\0') != std::string::npos) {
      throw api_error(steer::text({path, " has a NUL in it"}), {.param = path, .code = "invalid_value"});
    }
    return out;
  }

  [[noreturn]] static void refuse_type(const json& written, const std::string& path, std::string_view expected) {
    refuse(written, path, expected, "invalid_type");
  }
  [[noreturn]] static void refuse_value(const json& written, const std::string& path, std::string_view expected) {
    refuse(written, path, expected, "invalid_value");
  }

 private:
  [[noreturn]] static void refuse(const json& written, const std::string& path, std::string_view expected, std::string code) {
    throw api_error(steer::text({path, " is ", excerpt(steer::detail::shown(written)), "; expected ", expected}),
                    {.param = path, .code = std::move(code)});
  }

  const json& object_;  // of the call that made this
  std::string path_;
};

/// A list of at least one, each an object.
template <class Use>
void for_each_object(const nlohmann::json& list, const std::string& path, const field_table& fields, Use use) {
  if (!list.is_array()) {
    request_object::refuse_type(list, path, "a list");
  }
  if (list.empty()) {
    throw api_error(steer::text({path, " is empty; expected at least one"}), {.param = path, .code = "invalid_value"});
  }
  for (std::size_t i = 0; i < list.size(); ++i) {
    const std::string at = steer::text({path, "[", i, "]"});
    if (!list[i].is_object()) {
      request_object::refuse_type(list[i], at, "an object");
    }
    use(request_object(list[i], at + ".", fields));
  }
}

}  // namespace llama_steer::serve::detail
