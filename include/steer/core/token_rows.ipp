// steer/core/token_rows.ipp: the bodies of token_rows.hpp.
#pragma once

#include <cstddef>
#include <span>

#include "steer/core/error.hpp"
#include "steer/core/real.hpp"
#include "steer/core/rows.hpp"
#include "steer/core/token_rows.hpp"

namespace steer {
inline namespace v0 {

STEER_BODY void token_rows::keep_first_of_each_token(std::span<const row_info> info, std::ptrdiff_t count) {
  info_.clear();
  if (static_cast<std::ptrdiff_t>(info.size()) < count || count % streams_ != 0) {
    throw host_error(text({"rows of ", streams_, " streams: ", actual(count), " rows with facts of ", actual(info.size()), "; expected ",
                           expected({streams_, " for each token, each with its facts"})}));
  }
  for (std::ptrdiff_t row = 0; row < count; ++row) {
    const row_info& here = info[static_cast<std::size_t>(row)];
    const row_info& first = info[static_cast<std::size_t>(row - row % streams_)];
    if (here.stream != row % streams_ || here.position != first.position || here.sequence != first.sequence) {
      throw host_error(text({"rows of ", streams_, " streams: row ", row, " is stream ", actual(static_cast<int>(here.stream)), " of position ",
                             here.position, "; expected ", expected({"stream ", row % streams_, " of position ", first.position})}));
    }
    if (row % streams_ == 0) {
      info_.push_back(here);
    }
  }
}

}  // namespace v0
}  // namespace steer
