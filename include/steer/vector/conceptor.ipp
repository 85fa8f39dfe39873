// steer/vector/conceptor.ipp: the bodies of conceptor.hpp.
#pragma once

#include <algorithm>
#include <string>
#include <Eigen/Cholesky>
#include <Eigen/Core>
#include <Eigen/Eigenvalues>

#include "steer/core/error.hpp"
#include "steer/core/real.hpp"
#include "steer/vector/affine_map.hpp"
#include "steer/vector/conceptor.hpp"
#include "steer/vector/decomposition.hpp"

namespace steer {
inline namespace v0 {

STEER_BODY dense_map conceptor::map() const {
  const Eigen::MatrixX<Real>& c = matrix;
  dense_map out{.linear = c.template cast<float>()};
  out.shift.setZero(c.rows());
  return out;
}

namespace detail {

STEER_BODY bool is_within_bounds(const Eigen::MatrixXd& symmetric) {
  const auto positive = [&](double sign, double shift) {
    Eigen::MatrixX<Real> shifted = symmetric;
    shifted *= sign;
    shifted.diagonal().array() += shift + conceptor_rounding;
    return Eigen::LLT<Eigen::MatrixX<Real>>(shifted).info() == Eigen::Success;
  };
  return positive(1.0, 0.0) && positive(-1.0, 1.0);
}

}  // namespace detail

STEER_BODY void check(const conceptor& c, const std::string& who) {
  const Eigen::MatrixX<Real>& matrix = c.matrix;
  if (matrix.rows() != matrix.cols() || matrix.size() == 0) {
    throw shape_error(text({thing(who), ": the conceptor is ", actual({"[", matrix.rows(), ", ", matrix.cols(), "]"}),
                            "; expected ", expected("square, not empty")}));
  }
  if (!matrix.allFinite()) {
    throw numeric_error(text(
        {thing(who), ": the conceptor holds ", actual("NaN or infinity"), "; expected ", expected("finite numbers")}));
  }
  const double asymmetry = (matrix - matrix.transpose()).cwiseAbs().maxCoeff();
  if (asymmetry > detail::conceptor_rounding) {
    throw numeric_error(
        text({thing(who), ": the conceptor is asymmetric by ", actual(asymmetry), "; expected ", expected(0)}));
  }
  if (!detail::is_within_bounds(matrix)) {
    const Eigen::SelfAdjointEigenSolver<Eigen::MatrixX<Real>> solved(matrix, Eigen::EigenvaluesOnly);
    detail::require_solved(solved.info(), who);
    const double least = solved.eigenvalues().minCoeff();
    const double most = solved.eigenvalues().maxCoeff();
    throw numeric_error(text({thing(who), ": the conceptor has eigenvalues from ", actual({least, " to ", most}),
                              ", by ", std::max(-least, most - 1.0), " outside; expected ", expected("0 to 1")}));
  }
}

}  // namespace v0
}  // namespace steer
