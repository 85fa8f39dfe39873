// steer/recipe/edits/watch.ipp: the bodies of watch.hpp.
#pragma once

#include <string>

#include "steer/core/error.hpp"
#include "steer/core/real.hpp"
#include "steer/recipe/edits/watch.hpp"

namespace steer {
inline namespace v0 {

STEER_BODY void watch_edit::check_more(const std::string& who) const {
  if (vectors.empty()) {
    throw argument_error(text({who, ": watches no vector; expected ", expected("at least one")}));
  }
}

}  // namespace v0
}  // namespace steer
