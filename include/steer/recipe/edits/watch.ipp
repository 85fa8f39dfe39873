// steer/recipe/edits/watch.ipp: the bodies of watch.hpp.
#pragma once

#include <string>
#include <Eigen/Core>

#include "steer/core/error.hpp"
#include "steer/core/real.hpp"
#include "steer/recipe/edits/bound.hpp"
#include "steer/recipe/edits/watch.hpp"
#include "steer/recipe/field.hpp"
#include "steer/recipe/form.hpp"

namespace steer {
inline namespace v0 {

STEER_BODY void watch_edit::check_more(const std::string& who) const {
  if (vectors.empty()) {
    throw argument_error(detail::text({who, ": watches no vector; expected ", detail::expected("at least one")}));
  }
}

STEER_BODY form watch_edit::at(int layer, const std::string&) const {
  const auto directions = detail::directions_at(vectors, layer);
  low_rank_form out;
  out.read.resize(static_cast<Eigen::Index>(directions.size()), directions.front()->values.size());
  for (std::size_t i = 0; i < directions.size(); ++i) {
    out.read.row(static_cast<Eigen::Index>(i)) = steer::unit(*directions[i]).transpose();
  }
  out.write.resize(0, out.read.cols());
  out.decided_by = low_rank_form::policy::none;
  out.asks_for = norm == watched_norm::read ? low_rank_form::norm::current : low_rank_form::norm::ignored;
  return out;
}

}  // namespace v0
}  // namespace steer
