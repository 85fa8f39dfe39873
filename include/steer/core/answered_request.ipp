// steer/core/answered_request.ipp: the bodies of answered_request.hpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "steer/core/answered_request.hpp"
#include "steer/core/error.hpp"
#include "steer/core/real.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

STEER_BODY request_text::request_text(const std::vector<std::int32_t>& prompt, const std::vector<std::int32_t>& answer)
    : tokens_(prompt), from_(static_cast<std::int32_t>(prompt.size()) - 1) {
  tokens_.insert(tokens_.end(), answer.begin(), answer.end() - 1);
}

STEER_BODY void check(std::span<const answered_request> requests, const std::string& who) {
  if (requests.empty()) {
    throw argument_error(text({thing(who), ": has ", actual("no requests"), "; expected ", expected("at least one")}));
  }
  for (std::size_t i = 0; i < requests.size(); ++i) {
    const answered_request& r = requests[i];
    for (const auto& [name, tokens] :
         {std::pair<std::string_view, const std::vector<std::int32_t>*>{"the prompt with the instruction", &r.prompted},
          {"the prompt without it", &r.plain},
          {"the answer", &r.answer}}) {
      if (tokens->empty()) {
        throw argument_error(text({thing(who), ": request ", i, ": ", name, " has ", actual("no tokens"), "; expected ",
                                   expected("at least one")}));
      }
      for (const std::int32_t token : *tokens) {
        if (token < 0) {
          throw argument_error(text({thing(who), ": request ", i, ": ", name, " has token ", actual(token), "; expected ",
                                     expected("0 or above")}));
        }
      }
    }
  }
}

}  // namespace detail
}  // namespace v0
}  // namespace steer
