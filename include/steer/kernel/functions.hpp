// steer/kernel/functions.hpp: the loops over activations, as a table for one set of instructions.
#pragma once

#include <cstddef>
#include <span>

#include "steer/kernel/instruction_set.hpp"
#include "steer/kernel/scalar.hpp"
#include "steer/kernel/strips.hpp"

namespace steer {
inline namespace v0 {
namespace kernel {

/// Rows that a caller passes at once, at most: they stay in the L2 cache between their read and their write.
inline constexpr std::ptrdiff_t block_rows = 24;

/// The loops over rows of one type. None allocates, throws or checks; rows lie at any address and have any width.
///
/// A row's results are the same bits whichever rows are beside it, and whatever the flags of the unit that compiles them
/// (`-ffast-math` excepted). Rows of 16 bits are computed in float and rounded once, to nearest even; what 16 bits
/// cannot hold becomes the largest finite number of its sign, and is counted. A NaN stays one.
template <row_scalar Scalar>
struct functions {
  using Real = real_of<Scalar>;

  instruction_set instructions;

  /// h += factor * w
  /// @shape  h, w [d]
  /// @return how many numbers were clamped, as that of all that follow
  /// @cost   2 d flops, one pass
  std::size_t (*add)(std::span<Scalar> h, Real factor, std::span<const Real> w) noexcept;

  /// u . h
  Real (*dot)(std::span<const Real> u, std::span<const Scalar> h) noexcept;

  /// |h|^2, which may leave the range of the numbers; see `norm`.
  Real (*squared_norm)(std::span<const Scalar> h) noexcept;

  /// Coordinates of rows, and their squared norms where asked for.
  ///
  ///     c[i, j] = R_j . h_i        squares[i] = |h_i|^2
  ///
  /// @param squares  null where nobody asks
  /// @shape  rows [n] pointers to d numbers; R [k, d]; c [n, k]; squares [n]
  /// @cost   n k d multiplications and additions (n d more for the squares); the rows and R are read once if the rows are at
  ///         most `block_rows`
  /// @source the blocking is that of Goto and van de Geijn 2008, doi:10.1145/1356052.1356053, for a thin matrix
  void (*read)(std::span<const Scalar* const> rows, const strips<Real>& R, Real* c, Real* squares) noexcept;

  /// Moves rows along directions.
  ///
  ///     h_i = scale_i h_i + sum_j z[i, j] W_j        summed in the order of the directions
  ///
  /// A row whose scale is 1 and whose z are all 0 is not touched.
  ///
  /// @param scale  null for 1
  /// @shape  rows [n] pointers to d numbers, none twice; W [m, d]; z [n, m]; scale [n]
  /// @cost   n m d multiplications and additions; the rows are read and written once, W is read once for six rows
  std::size_t (*write)(std::span<Scalar* const> rows, const strips<Real>& W, const Real* z, const Real* scale) noexcept;

  /// numbers = h, as it is computed in.
  /// @shape  h, numbers [d]
  void (*widen)(std::span<const Scalar> h, Real* numbers) noexcept;

  /// h = numbers, rounded once. A row that equals them keeps its bits.
  std::size_t (*narrow)(const Real* numbers, std::span<Scalar> h) noexcept;

  /// h = factor h
  std::size_t (*multiply)(std::span<Scalar> h, Real factor) noexcept;

  /// h = h + share (growth ∘ h + shift)
  /// @shape  h, growth, shift [d]
  std::size_t (*add_diagonal)(std::span<Scalar> h, Real share, const Real* growth, const Real* shift) noexcept;

  /// h = h + share (target + shift - h)
  /// @shape  h, target, shift [d]
  std::size_t (*lerp)(std::span<Scalar> h, Real share, const Real* target, const Real* shift) noexcept;

  /// to += sum_i factors[i] columns_i, for decisions
  /// @shape  to [m]; columns [k, m]; factors [k]
  void (*combine)(std::span<double> to, const double* columns, std::span<const double> factors) noexcept;
};

/// @param set  one of `instruction_sets()`
template <row_scalar Scalar>
[[nodiscard]] const functions<Scalar>& functions_for(instruction_set set) noexcept;

}  // namespace kernel
}  // namespace v0
}  // namespace steer
