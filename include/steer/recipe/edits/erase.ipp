// steer/recipe/edits/erase.ipp: the bodies of erase.hpp.
#pragma once

#include <string>

#include "steer/core/error.hpp"
#include "steer/core/real.hpp"
#include "steer/recipe/edits/erase.hpp"

namespace steer {
inline namespace v0 {

STEER_BODY void erase_edit::check_more(const std::string& who) const {
  if (read.empty() || read.size() != write.size()) {
    throw argument_error(text({who, ": reads ", read.size(), " directions and writes ", actual(write.size()),
                               "; expected ", expected("as many, at least one")}));
  }
}

}  // namespace v0
}  // namespace steer
