// steer/recipe/edits/bound.ipp: the bodies of bound.hpp.
#pragma once

#include <algorithm>
#include <string>
#include <vector>
#include <Eigen/Core>

#include "steer/core/error.hpp"
#include "steer/core/real.hpp"
#include "steer/kernel/rounded_product.hpp"
#include "steer/recipe/edits/bound.hpp"
#include "steer/recipe/form.hpp"
#include "steer/vector/frame.hpp"
#include "steer/vector/strength_unit.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

STEER_BODY std::vector<const direction*> directions_at(const std::vector<steering_vector>& vectors, int layer) {
  std::vector<const direction*> out;
  for (const steering_vector& v : vectors) {
    out.push_back(&v.directions.at(layer));
  }
  return out;
}

STEER_BODY Eigen::VectorXd origin_coordinates(const std::vector<const direction*>& directions, coordinate_origin origin,
                                          const std::string& who) {
  Eigen::VectorXd out = Eigen::VectorXd::Zero(static_cast<Eigen::Index>(directions.size()));
  if (origin == coordinate_origin::midpoint) {
    for (std::size_t i = 0; i < directions.size(); ++i) {
      const direction& v = *directions[i];
      if (v.origin.size() == 0) {
        throw argument_error(text(
            {who, ": coordinates from the midpoint need the vector's origin, which direction ", i, " does not have"}));
      }
      out[static_cast<Eigen::Index>(i)] = unit(v).dot(v.origin.cast<double>());
    }
  }
  return out;
}

}  // namespace detail


STEER_BODY void bound_edit::check_more(const std::string& who) const {
  if (vectors.empty() || low.size() != vectors.size() || high.size() != vectors.size()) {
    throw argument_error(detail::text(
        {who, ": has ",
         detail::actual({vectors.size(), " vectors, ", low.size(), " low and ", high.size(), " high bounds"}),
         "; expected ", detail::expected("the same number, at least one")}));
  }
  for (std::size_t i = 0; i < low.size(); ++i) {
    if (low[i] > high[i] || low[i] == infinity || high[i] == -infinity) {
      throw argument_error(detail::text({who, ": bounds ", i, " are ", detail::actual({low[i], " and ", high[i]}),
                                         "; expected ", detail::expected("low <= high")}));
    }
  }
  if (unit == strength_unit::of_row_norm) {
    throw argument_error(detail::text({who, ": bounds have no unit ", detail::actual("of_row_norm"), "; expected ",
                                       detail::expected("raw, unit, of_norm or sigma")}));
  }
}

STEER_BODY form bound_edit::at(int layer, const std::string& who) const {
  const parts here = parts_at(layer, who);
  const Eigen::Index k = here.frame.size();
  low_rank_form out;
  out.read = here.frame.directions();
  out.write = here.frame.directions();
  if (here.low == here.high) {
    return low_rank_form::affine(out.read, out.write, -here.frame.inverse(),
                                 here.frame.inverse().lazyProduct(here.low));
  }
  out.decided_by = low_rank_form::policy::own;
  out.numbers.push_back(static_cast<double>(k));
  for (const auto* part : {&here.low, &here.high}) {
    out.numbers.insert(out.numbers.end(), part->begin(), part->end());
  }
  const Eigen::MatrixXd& inverse = here.frame.inverse();  // symmetric, so its layout does not matter
  out.numbers.insert(out.numbers.end(), inverse.data(), inverse.data() + inverse.size());
  return out;
}

STEER_BODY double bound_edit::decide(const double* numbers, const row_reading& row, double* z) noexcept {
  const auto k = static_cast<std::ptrdiff_t>(numbers[0]);
  const double* const low = numbers + 1;
  const double* const high = low + k;
  std::fill(z, z + k, 0.0);
  for (std::ptrdiff_t i = 0; i < k; ++i) {
    const double beyond = std::clamp(row.c[i], low[i], high[i]) - row.c[i];
    if (beyond != 0.0) {
      const double* const column = high + k + i * k;
      for (std::ptrdiff_t j = 0; j < k; ++j) {
        z[j] += kernel::rounded_product(column[j], beyond);
      }
    }
  }
  return 1.0;
}

STEER_BODY void bound_edit::apply(int layer, double, Eigen::VectorXd& h) const {
  const parts here = parts_at(layer, {});
  const Eigen::VectorXd c = here.frame.directions().lazyProduct(h);
  const Eigen::VectorXd target = c.cwiseMax(here.low).cwiseMin(here.high);
  const Eigen::VectorXd z = here.frame.inverse().lazyProduct(target - c);
  h += here.frame.directions().transpose().lazyProduct(z);
}

STEER_BODY bound_edit::parts bound_edit::parts_at(int layer, const std::string& who) const {
  const auto directions = detail::directions_at(vectors, layer);
  const Eigen::VectorXd zero = detail::origin_coordinates(directions, origin, who);
  parts out{frame(directions, who, {.ridge = static_cast<double>(ridge)}), zero, zero};
  for (std::size_t i = 0; i < directions.size(); ++i) {
    const double size = detail::size_of(unit, *directions[i], who);
    out.low[static_cast<Eigen::Index>(i)] += size * static_cast<double>(low[i]);
    out.high[static_cast<Eigen::Index>(i)] += size * static_cast<double>(high[i]);
  }
  return out;
}

}  // namespace v0
}  // namespace steer
