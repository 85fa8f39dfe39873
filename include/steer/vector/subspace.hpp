// steer/vector/subspace.hpp: a few dimensions of one site.
#pragma once

#include <Eigen/Core>
#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

#include "steer/core/error.hpp"
#include "steer/core/matrix.hpp"
#include "steer/vector/affine_map.hpp"
#include "steer/vector/direction.hpp"

namespace steer {
inline namespace v0 {

/// An orthonormal basis, the strongest direction first.
///
/// A subspace is no vector: it is removed, read or protected, not scaled or added.
/// @shape basis [k, d]; explained [k]
struct subspace {
  matrix<double> basis = {};
  Eigen::VectorXd explained = {};  ///< share of the samples' squares along each

  /// One direction of norm 1 each, for edits that act on several jointly.
  [[nodiscard]] std::vector<direction> directions() const {
    std::vector<direction> out(static_cast<std::size_t>(basis.rows()));
    for (Eigen::Index i = 0; i < basis.rows(); ++i) {
      out[static_cast<std::size_t>(i)].values = basis.row(i).cast<float>().transpose();
    }
    return out;
  }

  /// h' = h - Vᵀ V h: what lies in the subspace is removed.
  [[nodiscard]] low_rank_map removal() const {
    return {basis.cast<float>(), -basis.cast<float>(), Eigen::VectorXf::Zero(basis.rows())};
  }
};

/// @throws shape_error if the basis is empty; numeric_error if it is not finite or not orthonormal; `who` names it
inline void check(const subspace& s, const std::string& who) {
  if (s.basis.size() == 0) {
    throw shape_error(detail::text({detail::thing(who), ": the basis is ",
                                    detail::actual({"[", s.basis.rows(), ", ", s.basis.cols(), "]"}), "; expected ",
                                    detail::expected("at least one direction")}));
  }
  if (!s.basis.allFinite()) {
    throw numeric_error(detail::text({detail::thing(who), ": the basis holds ", detail::actual("NaN or infinity"),
                                      "; expected ", detail::expected("finite numbers")}));
  }
  const Eigen::Index k = s.basis.rows();
  const double off = (s.basis.lazyProduct(s.basis.transpose()) - Eigen::MatrixXd::Identity(k, k)).cwiseAbs().maxCoeff();
  constexpr double rounding = 1e-9;
  if (!(off <= rounding)) {
    throw numeric_error(
        detail::text({detail::thing(who), ": the basis's products are off by ", detail::actual(off), "; expected ",
                      detail::expected("orthonormal directions"), " (see principal_subspace)"}));
  }
}

}  // namespace v0
}  // namespace steer
