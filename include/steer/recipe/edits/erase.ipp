// steer/recipe/edits/erase.ipp: the bodies of erase.hpp.
#pragma once

#include <algorithm>
#include <cmath>
#include <string>
#include <Eigen/Core>

#include "steer/core/error.hpp"
#include "steer/core/real.hpp"
#include "steer/recipe/edits/bound.hpp"
#include "steer/recipe/edits/erase.hpp"
#include "steer/recipe/field.hpp"
#include "steer/recipe/form.hpp"
#include "steer/vector/small_matrix.hpp"

namespace steer {
inline namespace v0 {

STEER_BODY void erase_edit::check_more(const std::string& who) const {
  if (read.empty() || read.size() != write.size()) {
    throw argument_error(
        detail::text({who, ": reads ", read.size(), " directions and writes ", detail::actual(write.size()),
                      "; expected ", detail::expected("as many, at least one")}));
  }
}

STEER_BODY form erase_edit::at(int layer, const std::string& who) const {
  const parts here = parts_at(layer, who);
  return low_rank_form::affine(here.read, here.write, -here.inverse, here.inverse.lazyProduct(here.origin));
}

STEER_BODY void erase_edit::apply(int layer, double, Eigen::VectorXd& h) const {
  const parts here = parts_at(layer, {});
  const Eigen::VectorXd c = here.read.lazyProduct(h) - here.origin;
  h -= here.write.transpose().lazyProduct(here.inverse.lazyProduct(c).eval());
}

STEER_BODY erase_edit::parts erase_edit::parts_at(int layer, const std::string& who) const {
  const auto w = detail::directions_at(read, layer);
  const auto delta = detail::directions_at(write, layer);
  const frame reading(w, who + ", read");
  const frame writing(delta, who + ", write");
  parts out{reading.directions(), writing.directions(), {}, detail::origin_coordinates(w, origin, who)};
  const Eigen::MatrixXd both = out.read.lazyProduct(out.write.transpose());
  const auto [least, most] = detail::extreme_eigenvalues(both.transpose().lazyProduct(both));
  // As strict as for a frame, whose Gram matrix squares the condition number; the largest value is at most about 1.
  if (!(least * frame::most_condition > std::max(1.0, most))) {
    throw numeric_error(detail::text({who,
                                      ": what is read and what is written are nearly orthogonal: the least singular "
                                      "value of their products is ",
                                      detail::actual(std::sqrt(std::max(least, 0.0))),
                                      ", so erasing would move rows without bound"}));
  }
  out.inverse = detail::inverse_of(both);
  return out;
}

}  // namespace v0
}  // namespace steer
