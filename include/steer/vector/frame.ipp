// steer/vector/frame.ipp: the bodies of frame.hpp.
#pragma once

#include <cmath>
#include <cstddef>
#include <limits>
#include <string>
#include <vector>
#include <Eigen/Core>

#include "steer/core/error.hpp"
#include "steer/core/matrix.hpp"
#include "steer/core/real.hpp"
#include "steer/vector/direction.hpp"
#include "steer/vector/frame.hpp"
#include "steer/vector/small_matrix.hpp"

namespace steer {
inline namespace v0 {

STEER_BODY frame::frame(const std::vector<const direction*>& directions, const std::string& who, frame_options options) {
  if (directions.empty()) {
    throw shape_error(
        text({thing(who), ": a frame of ", actual("no directions"), "; expected ", expected("at least one")}));
  }
  if (!(options.ridge >= 0.0 && std::isfinite(options.ridge))) {
    throw numeric_error(text(
        {thing(who), ": ridge is ", actual(options.ridge), "; expected ", expected("a finite number, not negative")}));
  }
  const auto k = static_cast<Eigen::Index>(directions.size());
  matrix<Real>& rows = directions_;
  rows.resize(k, directions.front()->values.size());
  for (Eigen::Index i = 0; i < k; ++i) {
    const direction& v = *directions[static_cast<std::size_t>(i)];
    check(v, text({who, ", direction ", i}));
    if (v.values.size() != rows.cols()) {
      throw shape_error(text({thing({who, ", direction ", i}), ": has width ", actual(v.values.size()),
                              "; direction 0 has ", expected(rows.cols())}));
    }
    const Eigen::VectorX<Real> one = unit(v);
    rows.row(i) = one.transpose();
  }
  gram_ = rows.lazyProduct(rows.transpose());
  Eigen::MatrixX<Real> regular = gram_;
  regular.diagonal().array() += options.ridge;
  const auto [least, most] = detail::extreme_eigenvalues(regular);
  condition_ = least > 0.0 ? most / least : std::numeric_limits<double>::infinity();
  if (!(condition_ <= most_condition)) {
    refuse(who);
  }
  const Eigen::MatrixX<Real> inverse = detail::inverse_of(regular);
  inverse_ = 0.5 * (inverse + inverse.transpose());
}

STEER_BODY void frame::refuse(const std::string& who) const {
  Eigen::Index a = 0;
  Eigen::Index b = 0;
  for (Eigen::Index i = 0; i < size(); ++i) {
    for (Eigen::Index j = i + 1; j < size(); ++j) {
      if (a == b || std::abs(gram_(i, j)) > std::abs(gram_(a, b))) {
        a = i;
        b = j;
      }
    }
  }
  throw numeric_error(
      text({thing(who), ": the directions are nearly dependent: their Gram matrix has condition number ",
            actual(condition_), ", ", expected({"at most ", most_condition}), " is accepted; directions ", a, " and ",
            b, " have cosine ", gram_(a, b), "; leave one out or state a ridge"}));
}

}  // namespace v0
}  // namespace steer
