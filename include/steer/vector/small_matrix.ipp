// steer/vector/small_matrix.ipp: the bodies of small_matrix.hpp.
#pragma once

#include <algorithm>
#include <cmath>
#include <utility>
#include <Eigen/Core>

#include "steer/core/real.hpp"
#include "steer/vector/small_matrix.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

STEER_BODY std::pair<double, double> extreme_eigenvalues(Eigen::MatrixXd symmetric) {
  const Eigen::Index k = symmetric.rows();
  double scale = 0.0;
  for (Eigen::Index i = 0; i < symmetric.size(); ++i) {
    scale = std::max(scale, std::abs(symmetric.data()[i]));
  }
  for (int sweep = 0; sweep < 60; ++sweep) {
    double largest = 0.0;
    for (Eigen::Index p = 0; p < k; ++p) {
      for (Eigen::Index q = p + 1; q < k; ++q) {
        const double off = symmetric(p, q);
        largest = std::max(largest, std::abs(off));
        if (off == 0.0) {
          continue;
        }
        const double theta = (symmetric(q, q) - symmetric(p, p)) / (2.0 * off);
        const double tangent = std::copysign(1.0, theta) / (std::abs(theta) + std::hypot(theta, 1.0));
        const double cosine = 1.0 / std::hypot(tangent, 1.0);
        const double sine = tangent * cosine;
        for (Eigen::Index i = 0; i < k; ++i) {
          const double a = symmetric(i, p);
          const double b = symmetric(i, q);
          symmetric(i, p) = cosine * a - sine * b;
          symmetric(i, q) = sine * a + cosine * b;
        }
        for (Eigen::Index i = 0; i < k; ++i) {
          const double a = symmetric(p, i);
          const double b = symmetric(q, i);
          symmetric(p, i) = cosine * a - sine * b;
          symmetric(q, i) = sine * a + cosine * b;
        }
      }
    }
    if (!(largest > 1e-17 * scale)) {
      break;
    }
  }
  std::pair<double, double> out{symmetric(0, 0), symmetric(0, 0)};
  for (Eigen::Index i = 1; i < k; ++i) {
    out.first = std::min(out.first, symmetric(i, i));
    out.second = std::max(out.second, symmetric(i, i));
  }
  return out;
}

STEER_BODY Eigen::MatrixXd inverse_of(Eigen::MatrixXd square) {
  const Eigen::Index k = square.rows();
  Eigen::MatrixXd out;
  out.setIdentity(k, k);
  const auto each_column = [k](auto act) {
    for (Eigen::Index j = 0; j < k; ++j) {
      act(j);
    }
  };
  for (Eigen::Index at = 0; at < k; ++at) {
    Eigen::Index pivot = at;
    for (Eigen::Index i = at + 1; i < k; ++i) {
      pivot = std::abs(square(i, at)) > std::abs(square(pivot, at)) ? i : pivot;
    }
    each_column([&](Eigen::Index j) {
      std::swap(square(at, j), square(pivot, j));
      std::swap(out(at, j), out(pivot, j));
    });
    const double scale = 1.0 / square(at, at);
    each_column([&](Eigen::Index j) {
      square(at, j) *= scale;
      out(at, j) *= scale;
    });
    for (Eigen::Index i = 0; i < k; ++i) {
      if (const double factor = square(i, at); i != at && factor != 0.0) {
        each_column([&](Eigen::Index j) {
          square(i, j) -= factor * square(at, j);
          out(i, j) -= factor * out(at, j);
        });
      }
    }
  }
  return out;
}

}  // namespace detail
}  // namespace v0
}  // namespace steer
