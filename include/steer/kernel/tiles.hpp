// steer/kernel/tiles.hpp: how the loops divide rows and directions, for every set of instructions.
#pragma once

#include <cstddef>
#include <cstdint>

namespace steer {
inline namespace v0 {
namespace kernel {
namespace detail {

inline constexpr std::ptrdiff_t read_rows = 3;   // of a register tile
inline constexpr std::ptrdiff_t write_rows = 6;  // of a register tile

/// Columns of a chunk, at most.
inline constexpr std::ptrdiff_t most_columns = 1024;

/// Columns of which the directions stay in the L1 cache while all rows of a block pass by; many directions come from L2
/// anyway, and then longer chunks have fewer sums to finish. It depends on the number of directions only, so that a row
/// is summed in the same order whichever rows are beside it.
template <class Real>
constexpr std::ptrdiff_t chunk_columns(std::ptrdiff_t k) noexcept {
  constexpr std::ptrdiff_t cached = 16384 / static_cast<std::ptrdiff_t>(sizeof(Real));
  const std::ptrdiff_t columns = k < 5 || k >= 16 ? most_columns : cached / k / 64 * 64;
  return columns < most_columns / 2 ? most_columns / 2 : columns;
}

/// A row on its way through the loops that write.
template <class Scalar, class Real>
struct moving_row {
  Scalar* h;
  const Real* z;  // [m]
  Real scale;
};

/// What a loop over one row does with each number.
enum class change : std::uint8_t { add, multiply, add_diagonal, lerp, replace };

}  // namespace detail
}  // namespace kernel
}  // namespace v0
}  // namespace steer
