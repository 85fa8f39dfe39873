// steer/inject/form.ipp: the bodies of form.hpp.
#pragma once

#include <utility>
#include <variant>
#include <Eigen/Core>

#include "steer/core/matrix.hpp"
#include "steer/core/real.hpp"
#include "steer/inject/form.hpp"

namespace steer {
inline namespace v0 {

STEER_BODY low_rank_form low_rank_form::affine(matrix<double> read, matrix<double> write, Eigen::MatrixXd linear,
                                               Eigen::VectorXd shift) {
  return {std::move(read), std::move(write), std::move(linear), std::move(shift)};
}

STEER_BODY low_rank_form low_rank_form::addition(const Eigen::VectorXd& dose) {
  low_rank_form out;
  out.read = matrix<Real>(0, dose.size());
  out.write = detail::dependent<Real>(dose).transpose();
  out.linear = Eigen::MatrixX<Real>(1, 0);
  out.shift = Eigen::VectorX<Real>::Ones(1);
  return out;
}

STEER_BODY bool low_rank_form::does_nothing() const {
  const auto& f = detail::dependent<Real>(*this);
  return !only_reads &&
         (f.write.isZero(0.0) || (decide == nullptr && f.linear.isZero(0.0) && f.shift.isZero(0.0)));
}

STEER_BODY bool diagonal_form::does_nothing() const {
  const auto& f = detail::dependent<Real>(*this);
  return (f.scale.array() == 1.0).all() && f.shift.isZero(0.0);
}

STEER_BODY bool dense_form::does_nothing() const {
  const auto& f = detail::dependent<Real>(*this);
  return f.linear == matrix<Real>::Identity(linear.rows(), linear.cols()) && f.shift.isZero(0.0);
}

namespace detail {

STEER_BODY bool does_nothing(const form& any) {
  return std::visit([](const auto& f) { return f.does_nothing(); }, dependent<Real>(any));
}

STEER_BODY Eigen::Index width_of(const form& any) {
  if (const auto* low_rank = std::get_if<low_rank_form>(&any)) {
    return low_rank->read.cols();
  }
  const auto* diagonal = std::get_if<diagonal_form>(&any);
  return diagonal != nullptr ? diagonal->scale.size() : std::get<dense_form>(any).linear.cols();
}

}  // namespace detail
}  // namespace v0
}  // namespace steer
