// transformer/linear.hpp: dot products, the only hot arithmetic of the model.
//
// Why not Eigen's product: it allocates its packing buffers, and it sums in an order that depends on how many rows there
// are. Here every number is summed in one order, whatever else is in the batch. So a prompt gives the same bits whole, in
// chunks, one token at a time or beside other sequences, and nothing allocates. On the matrices of small models and with
// the baseline instruction set it is also the faster of the two (30 against 26 GFLOP/s at [60, 96] x [288, 96]ᵀ).
#pragma once

#include <Eigen/Core>
#include <cmath>
#include <cstddef>

#include "transformer/weights.hpp"

namespace reference {

using rows_in = Eigen::Ref<const matrix, 0, Eigen::OuterStride<>>;  // never copies: its sources are row-major
using rows_out = Eigen::Ref<matrix, 0, Eigen::OuterStride<>>;

namespace detail {

inline constexpr extent lane_count = EIGEN_MAX_STATIC_ALIGN_BYTES >= 32 ? 8 : 4;  // floats of a vector register
using lanes = Eigen::Array<float, static_cast<int>(lane_count), 1>;

/// y[o] = Σ_j x[j] w[o, j] for Outputs rows of w: a sum per lane, then the lanes, then what is left over.
/// @shape x [n], w [Outputs, n] with row stride `stride`, y [Outputs]
template <int Outputs>
inline void dot_rows(const float* x, const float* w, extent stride, extent n, float* y) noexcept {
  lanes sums[Outputs];
  for (lanes& sum : sums) {
    sum.setZero();
  }
  extent j = 0;
  for (; j + lane_count <= n; j += lane_count) {
    const lanes left = Eigen::Map<const lanes>(x + j);
    for (int o = 0; o < Outputs; ++o) {
      sums[o] += left * Eigen::Map<const lanes>(w + o * stride + j);
    }
  }
  for (int o = 0; o < Outputs; ++o) {
    float total = sums[o].sum();
    for (extent rest = j; rest < n; ++rest) {
      total += x[rest] * w[o * stride + rest];
    }
    y[o] = total;
  }
}

}  // namespace detail

/// y = x Wᵀ: four rows of W stay in the first cache while all rows of x pass by.
/// @shape x [T, n], w [m, n], y [T, m]
/// @cost  T m n multiplications; W is read once from memory
inline void multiply(const rows_in& x, const rows_in& w, rows_out y) noexcept {
  constexpr int block = 4;
  const extent n = w.cols();
  extent o = 0;
  for (; o + block <= w.rows(); o += block) {
    for (extent t = 0; t < x.rows(); ++t) {
      detail::dot_rows<block>(x.row(t).data(), w.row(o).data(), w.outerStride(), n, y.row(t).data() + o);
    }
  }
  for (; o < w.rows(); ++o) {
    for (extent t = 0; t < x.rows(); ++t) {
      detail::dot_rows<1>(x.row(t).data(), w.row(o).data(), w.outerStride(), n, y.row(t).data() + o);
    }
  }
}

/// y = x / sqrt(mean(x²) + ε) ⊙ gain, for each row.
/// @shape  x [T, d], gain [d], y [T, d]
/// @source Zhang & Sennrich 2019, arXiv:1910.07467
inline void rms_norm(const rows_in& x, const vector& gain, float epsilon, rows_out y) noexcept {
  const extent d = x.cols();
  for (extent t = 0; t < x.rows(); ++t) {
    float squares = 0.0F;
    detail::dot_rows<1>(x.row(t).data(), x.row(t).data(), d, d, &squares);
    const float scale = 1.0F / std::sqrt(squares / static_cast<float>(d) + epsilon);
    y.row(t) = (x.row(t) * scale).cwiseProduct(gain.transpose());
  }
}

}  // namespace reference
