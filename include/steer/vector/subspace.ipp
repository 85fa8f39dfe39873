// steer/vector/subspace.ipp: the bodies of subspace.hpp.
#pragma once

#include <cstddef>
#include <string>
#include <vector>
#include <Eigen/Core>

#include "steer/core/error.hpp"
#include "steer/core/matrix.hpp"
#include "steer/core/real.hpp"
#include "steer/vector/affine_map.hpp"
#include "steer/vector/direction.hpp"
#include "steer/vector/subspace.hpp"

namespace steer {
inline namespace v0 {

STEER_BODY std::vector<direction> subspace::directions() const {
  const matrix<Real>& rows = basis;
  std::vector<direction> out(static_cast<std::size_t>(rows.rows()));
  for (Eigen::Index i = 0; i < rows.rows(); ++i) {
    out[static_cast<std::size_t>(i)].values = rows.row(i).template cast<float>().transpose();
  }
  return out;
}

STEER_BODY low_rank_map subspace::removal() const {
  const matrix<Real>& rows = basis;
  low_rank_map out{.read = rows.template cast<float>(), .write = -rows.template cast<float>()};
  out.shift.setZero(rows.rows());
  return out;
}

STEER_BODY void check(const subspace& s, const std::string& who) {
  if (s.basis.size() == 0) {
    throw shape_error(text({thing(who), ": the basis is ", actual({"[", s.basis.rows(), ", ", s.basis.cols(), "]"}),
                            "; expected ", expected("at least one direction")}));
  }
  if (!s.basis.allFinite()) {
    throw numeric_error(
        text({thing(who), ": the basis holds ", actual("NaN or infinity"), "; expected ", expected("finite numbers")}));
  }
  const matrix<Real>& rows = s.basis;
  const auto one = Eigen::MatrixX<Real>::Identity(rows.rows(), rows.rows());
  const double off = (rows.lazyProduct(rows.transpose()) - one).cwiseAbs().maxCoeff();
  constexpr double rounding = 1e-9;
  if (!(off <= rounding)) {
    throw numeric_error(text({thing(who), ": the basis's products are off by ", actual(off), "; expected ",
                              expected("orthonormal directions"), " (see principal_subspace)"}));
  }
}

}  // namespace v0
}  // namespace steer
