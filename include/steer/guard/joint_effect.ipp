// steer/guard/joint_effect.ipp: the bodies of joint_effect.hpp.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>
#include <Eigen/Core>

#include "steer/core/matrix.hpp"
#include "steer/core/real.hpp"
#include "steer/guard/effects.hpp"
#include "steer/guard/joint_effect.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

STEER_BODY void joint_effect::take(const effect& e) {
  if (!e.is_constant()) {
    varying_.push_back(&e);
  } else if (e.rows < 0) {
    single_.push_back(&e);
  } else if (auto& sum = dependent<Real>(sums_[e.rows]); sum.size() == 0) {
    sum = e.constant;
  } else {
    sum += e.constant;
  }
}

STEER_BODY std::vector<const Eigen::VectorXd*> joint_effect::optional_parts() const {
  std::vector<const Eigen::VectorXd*> out;
  for (const auto& [rows, sum] : sums_) {
    if (rows != 0) {
      out.push_back(&sum);
    }
  }
  for (const effect* e : single_) {
    out.push_back(&e->constant);
  }
  return out;
}

STEER_BODY double joint_effect::longest() const {
  double varying = 0.0;
  for (const effect* e : varying_) {
    varying += e->reach;
  }
  for (const effect* e : single_) {
    if (std::isinf(e->reach)) {
      return e->reach;
    }
  }
  const std::vector<const Eigen::VectorXd*> parts = optional_parts();
  constexpr std::size_t most = 10;
  if (parts.size() > most) {
    double sum = always() != nullptr ? dependent<Real>(*always()).norm() : 0.0;
    for (const Eigen::VectorXd* part : parts) {
      sum += dependent<Real>(*part).norm();
    }
    return sum + varying;
  }
  double constant = 0.0;
  for (std::size_t some = 0; some < (std::size_t{1} << parts.size()); ++some) {
    Eigen::VectorX<Real> sum;
    const auto add = [&](const Eigen::VectorXd& part) {
      if (sum.size() == 0) {
        sum = part;
      } else {
        sum += part;
      }
    };
    if (always() != nullptr) {
      add(*always());
    }
    for (std::size_t i = 0; i < parts.size(); ++i) {
      if ((some >> i & 1U) != 0) {
        add(*parts[i]);
      }
    }
    constant = std::max(constant, sum.size() == 0 ? 0.0 : sum.norm());
  }
  return constant + varying;
}

STEER_BODY double joint_effect::largest_share(const matrix<double>& basis) const {
  const std::vector<const Eigen::VectorXd*> parts = optional_parts();
  double largest = 0.0;
  auto rows = static_cast<Eigen::Index>(parts.size());
  for (const effect* e : varying_) {
    largest = std::max(largest, share_inside(basis, *e));
    rows += e->span.rows();
  }
  if (rows == 0) {
    return always() != nullptr ? std::max(largest, share_inside(basis, *always())) : largest;
  }
  matrix<Real> together(rows + (always() != nullptr ? 1 : 0), basis.cols());
  Eigen::Index at = 0;
  for (const Eigen::VectorXd* part : parts) {
    together.row(at++) = dependent<Real>(*part).transpose();
  }
  for (const effect* e : varying_) {
    if (e->span.rows() > 0) {
      together.middleRows(at, e->span.rows()) = dependent<Real>(e->span);
      at += e->span.rows();
    }
  }
  if (always() != nullptr) {
    together.row(at) = dependent<Real>(*always()).transpose();
  }
  return std::max(largest, share_inside(basis, orthonormal(together)));
}

STEER_BODY double joint_effect::most_inside(const matrix<double>& basis) const {
  double out = 0.0;
  const auto add = [&](const Eigen::VectorXd& part) {
    const Eigen::VectorX<Real> inside = dependent<Real>(basis).lazyProduct(dependent<Real>(part));
    out += inside.norm();
  };
  for (const Eigen::VectorXd* part : optional_parts()) {
    add(*part);
  }
  if (always() != nullptr) {
    add(*always());
  }
  for (const effect* e : single_) {
    if (std::isinf(e->reach) && share_inside(basis, e->constant) > rounding_of_shares) {
      return e->reach;
    }
  }
  for (const effect* e : varying_) {
    const double share = share_inside(basis, *e);
    out += share > rounding_of_shares ? share * e->reach : 0.0;
  }
  return out;
}

STEER_BODY double joint_effect::open_share(const matrix<double>& basis) const {
  Eigen::VectorX<Real> sum = Eigen::VectorX<Real>::Zero(basis.cols());
  double lengths = 0.0;
  const auto add = [&](const Eigen::VectorXd& part) {
    sum += part;
    lengths += dependent<Real>(part).norm();
  };
  for (const Eigen::VectorXd* part : optional_parts()) {
    add(*part);
  }
  if (always() != nullptr) {
    add(*always());
  }
  return sum.norm() <= rounding_of_shares * lengths ? 0.0 : share_inside(basis, sum);
}

}  // namespace detail
}  // namespace v0
}  // namespace steer
