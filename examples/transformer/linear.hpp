// transformer/linear.hpp: dot products, the only hot arithmetic of the model.
//
// Why not Eigen's product: it allocates its packing buffers, and it sums in an order that depends on how many rows there
// are. Here every number is summed in one order, whatever else is in the batch. So a prompt gives the same bits whole, in
// chunks, one token at a time or beside other sequences, and nothing allocates. On the matrices of small models and with
// the baseline instruction set it is faster (21 to 19 GFLOP/s at [64, 96] x [288, 96]ᵀ on Zen 1); with AVX2 Eigen is (34 to 22).
// The sums are in registers only where the loops around them are unrolled, which compilers do at -O3 unasked (g++ 12 at -O2 without:
// .4 of the speed).
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

/// Halves are added until one is left, as Eigen does, but so that compilers do it for several outputs at once.
inline float sum_of_lanes(const float* x) noexcept {
  if constexpr (lane_count == 8) {
    return ((x[0] + x[4]) + (x[2] + x[6])) + ((x[1] + x[5]) + (x[3] + x[7]));
  } else {
    return (x[0] + x[2]) + (x[1] + x[3]);
  }
}

/// y[r, o] = Σ_j x[r, j] w[o, j] for Rows rows of x and Outputs of w: a sum per lane, then the lanes, then what is left over.
/// @shape x [Rows, n], w [Outputs, n], y [Rows, Outputs], each with its row stride
template <int Rows, int Outputs>
inline void dot_rows(const float* x, extent x_stride, const float* w, extent w_stride, extent n, float* y,
                     extent y_stride) noexcept {
  lanes sums[Rows][Outputs];
  for (auto& row : sums) {
    for (lanes& sum : row) {
      sum.setZero();
    }
  }
  extent j = 0;
  for (; j + lane_count <= n; j += lane_count) {
    lanes left[Rows];
#pragma GCC unroll 2
    for (int r = 0; r < Rows; ++r) {
      left[r] = Eigen::Map<const lanes>(x + r * x_stride + j);
    }
#pragma GCC unroll 6
    for (int o = 0; o < Outputs; ++o) {
      const lanes right = Eigen::Map<const lanes>(w + o * w_stride + j);
#pragma GCC unroll 2
      for (int r = 0; r < Rows; ++r) {
        sums[r][o] += left[r] * right;
      }
    }
  }
  for (int r = 0; r < Rows; ++r) {
    for (int o = 0; o < Outputs; ++o) {
      y[r * y_stride + o] = sum_of_lanes(sums[r][o].data());
    }
  }
  for (extent rest = j; rest < n; ++rest) {
    for (int r = 0; r < Rows; ++r) {
      for (int o = 0; o < Outputs; ++o) {
        y[r * y_stride + o] += x[r * x_stride + rest] * w[o * w_stride + rest];
      }
    }
  }
}

/// The columns of y that belong to Outputs rows of w.
template <int Outputs>
inline void multiply_by(const float* w, const rows_in& x, extent w_stride, rows_out& y, extent first) noexcept {
  constexpr int block = 2;  // with six outputs, what sixteen registers hold
  extent t = 0;
  for (; t + block <= x.rows(); t += block) {
    dot_rows<block, Outputs>(x.row(t).data(), x.outerStride(), w, w_stride, x.cols(), y.row(t).data() + first, y.outerStride());
  }
  for (; t < x.rows(); ++t) {
    dot_rows<1, Outputs>(x.row(t).data(), x.outerStride(), w, w_stride, x.cols(), y.row(t).data() + first, y.outerStride());
  }
}

}  // namespace detail

/// y = x Wᵀ: six rows of W stay in the first cache while all rows of x pass by.
/// @shape x [T, n], w [m, n], y [T, m]
/// @cost  T m n multiplications; W is read once from memory
inline void multiply(const rows_in& x, const rows_in& w, rows_out y) noexcept {
  constexpr int block = 6;
  extent o = 0;
  for (; o + block <= w.rows(); o += block) {
    detail::multiply_by<block>(w.row(o).data(), x, w.outerStride(), y, o);
  }
  for (; o < w.rows(); ++o) {
    detail::multiply_by<1>(w.row(o).data(), x, w.outerStride(), y, o);
  }
}

/// y = x / sqrt(mean(x²) + ε) ⊙ gain, for each row.
/// @shape  x [T, d], gain [d], y [T, d]
/// @source Zhang & Sennrich 2019, arXiv:1910.07467
inline void rms_norm(const rows_in& x, const vector& gain, float epsilon, rows_out y) noexcept {
  const extent d = x.cols();
  for (extent t = 0; t < x.rows(); ++t) {
    float squares = 0.0F;
    detail::dot_rows<1, 1>(x.row(t).data(), d, x.row(t).data(), d, d, &squares, 1);
    const float scale = 1.0F / std::sqrt(squares / static_cast<float>(d) + epsilon);
    y.row(t) = (x.row(t) * scale).cwiseProduct(gain.transpose());
  }
}

}  // namespace reference
