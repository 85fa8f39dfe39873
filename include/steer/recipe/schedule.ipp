// steer/recipe/schedule.ipp: the bodies of schedule.hpp.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "steer/core/error.hpp"
#include "steer/core/real.hpp"
#include "steer/core/rows.hpp"
#include "steer/recipe/field.hpp"
#include "steer/recipe/schedule.hpp"

namespace steer {
inline namespace v0 {

STEER_BODY bool schedule::by_position() const noexcept {
  return first > 0 || last != std::numeric_limits<std::int32_t>::max() || !positions.empty() || !except.empty() ||
         decays();
}

STEER_BODY bool schedule::contains(const row_info& row) const noexcept {
  const auto among = [&row](const std::vector<std::int32_t>& some) {
    return std::find(some.begin(), some.end(), row.position) != some.end();
  };
  return (!phase || *phase == row.phase) && row.position >= first && row.position <= last &&
         (!last_of_prompt ||
          (row.phase == steer::phase::prompt && row.position >= row.prompt_length - *last_of_prompt)) &&
         (positions.empty() || among(positions)) && !among(except) &&
         (streams.empty() || std::find(streams.begin(), streams.end(), int{row.stream}) != streams.end());
}

STEER_BODY double schedule::weight(const row_info& row) const noexcept {
  if (!contains(row)) {
    return 0.0;
  }
  if (!decays()) {
    return 1.0;
  }
  const std::int32_t start = phase == steer::phase::generation ? std::max(first, row.prompt_length) : first;
  return std::exp2(-static_cast<double>(std::max(row.position - start, 0)) / static_cast<double>(half_life));
}

STEER_BODY schedule first_rows(std::int32_t n) {
  if (n < 1) {
    throw argument_error(text({"first_rows: of ", actual(n), " rows; expected ", expected("at least 1")}));
  }
  return {.last = n - 1};
}

STEER_BODY void check(const schedule& rows, const std::string& who) {
  schedule::fields(rows, detail::field_check{who});
  for (const passage& each : rows.passages) {
    check(each, who);
  }
  if (rows.first < 0 || rows.last < rows.first) {
    throw argument_error(text({who, ": selects positions ", actual({rows.first, " to ", rows.last}), "; expected ",
                               expected("0 <= first <= last")}));
  }
  const auto possible = [&rows](std::int32_t position) {
    return position >= rows.first && position <= rows.last &&
           std::find(rows.except.begin(), rows.except.end(), position) == rows.except.end();
  };
  if (!rows.positions.empty() && std::none_of(rows.positions.begin(), rows.positions.end(), possible)) {
    throw argument_error(text({who, ": none of its ", rows.positions.size(), " positions lies in ",
                               expected({rows.first, " to ", rows.last}), " without being excepted"}));
  }
  if (rows.last_of_prompt && *rows.last_of_prompt < 1) {
    throw argument_error(text({who, ": selects the prompt's last ", actual(*rows.last_of_prompt), " rows; expected ",
                               expected("at least 1")}));
  }
  if (rows.last_of_prompt && rows.phase == phase::generation) {
    throw argument_error(
        text({who, ": selects the prompt's last rows and the generation phase, which no row is both"}));
  }
}

}  // namespace v0
}  // namespace steer
