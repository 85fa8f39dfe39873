// steer/recipe/passage.ipp: the bodies of passage.hpp.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>

#include "steer/core/error.hpp"
#include "steer/core/real.hpp"
#include "steer/recipe/passage.hpp"

namespace steer {
inline namespace v0 {

STEER_BODY passage inside(marker begin, marker end) { return {{std::move(begin)}, {std::move(end)}, false}; }

STEER_BODY passage outside(marker begin, marker end) { return {{std::move(end)}, {std::move(begin)}, true}; }

STEER_BODY passage from_token(marker begin) { return {{std::move(begin)}, {}, false}; }

STEER_BODY passage until_token(marker end) { return {{}, {std::move(end)}, true}; }

STEER_BODY void check(const passage& p, const std::string& who) {
  if (p.from.empty() && (p.until.empty() || !p.at_start)) {
    throw argument_error(text({thing(who), ": a passage has ", p.until.empty() ? actual("no marker") : actual("no marker to begin at"),
                               "; expected ", expected(p.until.empty() ? "at least one" : "one, or at_start")}));
  }
  for (const auto* all : {&p.from, &p.until}) {
    for (const marker& one : *all) {
      if (one.empty()) {
        throw argument_error(
            text({thing(who), ": a marker of a passage has ", actual("no tokens"), "; expected ", expected("at least one")}));
      }
      for (const std::int32_t token : one) {
        if (token < 0) {
          throw argument_error(
              text({thing(who), ": a marker of a passage has token ", actual(token), "; expected ", expected("0 or above")}));
        }
      }
    }
  }
  for (const marker& one : p.from) {
    if (std::find(p.until.begin(), p.until.end(), one) != p.until.end()) {
      throw argument_error(text({thing(who), ": a passage begins and ends with ",
                                 actual({"the same marker, token ", one.front(), one.size() > 1 ? ", ..." : ""}), "; expected ",
                                 expected("two")}));
    }
  }
}

}  // namespace v0
}  // namespace steer
