// steer/measure/token_text.ipp: the bodies of token_text.hpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>
#include <Eigen/Core>

#include "steer/core/error.hpp"
#include "steer/core/host.hpp"
#include "steer/core/real.hpp"
#include "steer/measure/token_text.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

STEER_BODY void require_tokens(std::span<const std::int32_t> tokens, std::optional<Eigen::Index> vocabulary, const std::string& who,
                           const std::string& where) {
  for (std::size_t t = 0; t < tokens.size(); ++t) {
    if (tokens[t] < 0) {
      throw argument_error(text(
          {thing(who), ": ", where, "token ", t, " is ", actual(tokens[t]), "; expected ", expected("0 or above")}));
    }
    if (vocabulary && tokens[t] >= *vocabulary) {
      throw argument_error(
          text({thing(who), ": ", where, "token ", t, " is ", actual(tokens[t]), "; expected ",
                expected({"at most ", *vocabulary - 1}), ", as the model has ", *vocabulary, " tokens"}));
    }
  }
}

STEER_BODY void require_texts(const std::vector<token_text>& texts, const std::string& who) {
  if (texts.empty()) {
    throw argument_error(text({thing(who), ": has ", actual("no texts"), "; expected ", expected("at least one")}));
  }
  for (std::size_t i = 0; i < texts.size(); ++i) {
    if (texts[i].empty()) {
      throw argument_error(
          text({thing(who), ": text ", i, " is ", actual("empty"), "; expected ", expected("at least one token")}));
    }
    require_tokens(texts[i], std::nullopt, who, text({"text ", i, ", "}));
  }
}

STEER_BODY void require_logits(std::span<const std::int32_t> tokens, const logits_view& logits, const std::string& who) {
  if (logits.rows() != static_cast<Eigen::Index>(tokens.size())) {
    throw host_error(text({thing(who), ": the host gave ", actual(logits.rows()), " rows of logits for a text of ",
                           expected(tokens.size()), " tokens"}));
  }
  require_tokens(tokens, logits.cols(), who, {});
}

}  // namespace detail
}  // namespace v0
}  // namespace steer
