// steer/kernel/read.hpp: the coordinates of rows along many directions, in one pass.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>
#include <Eigen/Core>

#include "steer/kernel/lane_sums.hpp"
#include "steer/kernel/packet.hpp"
#include "steer/kernel/row.hpp"
#include "steer/kernel/strips.hpp"

namespace steer {
inline namespace v0 {
namespace kernel {

/// Rows that a caller passes at once, at most: they stay in the L2 cache between their read and their write.
inline constexpr std::ptrdiff_t block_rows = 24;

namespace detail {

inline constexpr std::ptrdiff_t read_rows = 3;  // of a register tile

/// Columns of which the directions stay in the L1 cache while all rows of a block pass by. It depends on the number of
/// directions only, as does `ways_of`, so that a row is summed in the same order whichever rows are beside it.
inline constexpr std::ptrdiff_t most_columns = 1024;
template <class Real>
constexpr std::ptrdiff_t chunk_columns(std::ptrdiff_t k) noexcept {
  constexpr std::ptrdiff_t cached = 16384 / static_cast<std::ptrdiff_t>(sizeof(Real));
  return std::clamp<std::ptrdiff_t>(cached / std::max<std::ptrdiff_t>(k, 1) / 64 * 64, most_columns / 2, most_columns);
}

/// Accumulators of one dot product: few directions leave registers idle that hide the latency of the additions.
constexpr std::ptrdiff_t ways_of(std::ptrdiff_t k) noexcept { return k >= 8 ? 1 : k >= 4 ? 2 : 4; }

/// Directions of a register tile, at most.
constexpr std::ptrdiff_t most_directions(std::ptrdiff_t rows, std::ptrdiff_t ways) noexcept {
  if (rows == 1) {
    return ways == 1 ? 8 : ways == 2 ? 7 : 3;
  }
  return 4 / ways;
}

/// What will be wanted next. The processor's own guess ends with each chunk of a row.
struct upcoming {
  std::array<std::uintptr_t, static_cast<std::size_t>(read_rows)> rows{};
  std::uintptr_t step = 0;  ///< bytes of a strip
};

/// c[i, j] += R_j . h_i over some strips, for a tile that stays in registers.
/// @shape h [Rows] pointers to the first strip; r the tile's first direction in the first strip, the next strip `step`
///        numbers on; c [Rows, Directions] with row stride `c_step`
template <std::ptrdiff_t Rows, std::ptrdiff_t Directions, std::ptrdiff_t Ways, class Real>
void read_tile(const Real* const* h, const Real* r, std::ptrdiff_t step, std::ptrdiff_t count, Real* c,
               std::ptrdiff_t c_step, upcoming next) noexcept {
  constexpr std::ptrdiff_t columns = strip_columns<Real>;
  constexpr std::ptrdiff_t packets = columns / lanes<Real>;                      // of a strip
  constexpr std::ptrdiff_t group = std::max<std::ptrdiff_t>(1, Ways / packets);  // strips of a turn
  packet<Real> sums[Rows][Directions][Ways];
  repeat<Rows>([&](auto i) {
    repeat<Directions>([&](auto j) { repeat<Ways>([&](auto way) { sums[i][j][way] = broadcast(Real{0}); }); });
  });
  const Real* from[Rows];
  repeat<Rows>([&](auto i) { from[i] = h[i]; });
  std::uintptr_t ahead[2] = {next.rows[0], next.rows[1]};
  const auto turn = [&](auto strips) {
    repeat<strips>([&](auto) {
      repeat<2>([&](auto i) {
        __builtin_prefetch(reinterpret_cast<const void*>(ahead[i]));
        ahead[i] += next.step;
      });
    });
    repeat<strips * packets>([&](auto p) {
      packet<Real> numbers[Rows];
      repeat<Rows>([&](auto i) { numbers[i] = held(load(from[i] + p * lanes<Real>)); });
      repeat<Directions>([&](auto j) {
        const packet<Real> direction =
            held(load_aligned(r + (p / packets) * step + j * columns + (p % packets) * lanes<Real>));
        repeat<Rows>([&](auto i) {
          sums[i][j][p % Ways] = Eigen::internal::pmadd(numbers[i], direction, sums[i][j][p % Ways]);
        });
      });
    });
    repeat<Rows>([&](auto i) { from[i] += strips * columns; });
    r += strips * step;
  };
  std::ptrdiff_t s = 0;
  for (; s + group <= count; s += group) {
    turn(std::integral_constant<std::ptrdiff_t, group>{});
  }
  if constexpr (group > 1) {
    for (; s < count; ++s) {
      turn(std::integral_constant<std::ptrdiff_t, 1>{});
    }
  }
  repeat<Rows>([&](auto i) {
    packet<Real> whole[Directions];
    repeat<Directions>([&](auto j) {
      whole[j] = sums[i][j][0];
      repeat<Ways - 1>([&](auto way) { whole[j] = Eigen::internal::padd(whole[j], sums[i][j][way + 1]); });
    });
    add_lane_sums<Directions>(whole, c + i * c_step);
  });
}

/// All directions for the rows of a tile, in tiles of nearly equal width, each of which fetches its share of what is
/// next.
template <std::ptrdiff_t Rows, std::ptrdiff_t Ways, class Real>
void read_tiles(const Real* const* h, const Real* r, std::ptrdiff_t k, std::ptrdiff_t count, Real* c,
                const upcoming& next) noexcept {
  constexpr std::ptrdiff_t most = most_directions(Rows, Ways);
  const std::ptrdiff_t tiles = (k + most - 1) / most;
  const std::ptrdiff_t share = tiles < Rows ? 2 : 1;
  for (std::ptrdiff_t tile = 0, j = 0; tile < tiles; ++tile) {
    const std::ptrdiff_t here = (k - j + tiles - tile - 1) / (tiles - tile);
    const auto row = [&](std::ptrdiff_t i) { return next.rows[static_cast<std::size_t>(std::min(i, Rows - 1))]; };
    const upcoming mine{{row(tile * share), row(tile * share + share - 1)}, next.step};
    repeat<most>([&](auto one_less) {
      if (here == one_less + 1) {
        read_tile<Rows, one_less + 1, Ways>(h, r + j * strip_columns<Real>, k * strip_columns<Real>, count, c + j, k,
                                            mine);
      }
    });
    j += here;
  }
}

template <std::ptrdiff_t Rows, class Real>
void read_chunk(const Real* const* h, const Real* r, std::ptrdiff_t k, std::ptrdiff_t count, Real* c,
                const upcoming& next) noexcept {
  switch (ways_of(k)) {
    case 1: return read_tiles<Rows, 1>(h, r, k, count, c, next);
    case 2: return read_tiles<Rows, 2>(h, r, k, count, c, next);
    default: return read_tiles<Rows, 4>(h, r, k, count, c, next);
  }
}

/// Where some columns of a row can be read as whole strips: in place, or in a copy.
template <class Scalar, class Real>
const Real* whole_strips(const Scalar* from, std::ptrdiff_t width, std::ptrdiff_t padded, Real* copy) noexcept {
  if constexpr (std::same_as<Scalar, Real>) {
    if (width == padded) {
      return from;
    }
  }
  widen_row(std::span<const Scalar>(from, static_cast<std::size_t>(width)), copy);
  std::fill(copy + width, copy + padded, Real{0});
  return copy;
}

/// One direction: what is read of it stays in the L1 cache anyway.
template <class Scalar, class Real>
void read_one(std::span<Scalar* const> rows, const strips<Real>& R, Real* c, Real* squares) noexcept {
  using number = std::remove_const_t<Scalar>;
  const auto d = static_cast<std::size_t>(R.width());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    c[i] = dot<number>(std::span<const Real>(R.data(), d), std::span<const number>(rows[i], d));
    if (squares != nullptr) {
      squares[i] = squared_norm<number>(std::span<const number>(rows[i], d));
    }
  }
}

}  // namespace detail

/// Coordinates of rows, and their squared norms where asked for.
///
///     c[i, j] = R_j . h_i        squares[i] = |h_i|^2
///
/// A row's results are the same bits whichever rows are beside it.
///
/// @param squares  null where nobody asks
/// @shape  rows [n] pointers to d numbers, at any address; R [k, d]; c [n, k]; squares [n]
/// @cost   n k d multiplications and additions (n d more for the squares); the rows and R are read once if the rows are
///         at most `block_rows`; allocates nothing
/// @source the blocking is that of Goto and van de Geijn 2008, doi:10.1145/1356052.1356053, for a thin matrix
template <class Scalar, class Real>
  requires row_scalar<std::remove_const_t<Scalar>> && std::same_as<Real, real_of<Scalar>>
void read(std::span<Scalar* const> rows, const strips<Real>& R, std::type_identity_t<Real>* c,
          std::type_identity_t<Real>* squares) noexcept {
  using namespace detail;
  using number = std::remove_const_t<Scalar>;
  constexpr std::ptrdiff_t columns = strip_columns<Real>;
  const auto n = static_cast<std::ptrdiff_t>(rows.size());
  const std::ptrdiff_t k = R.count();
  const std::ptrdiff_t d = R.width();
  const std::ptrdiff_t chunk = chunk_columns<Real>(k) / columns;
  if (k == 1) {
    return read_one(rows, R, c, squares);
  }
  std::fill(c, c + n * k, Real{0});
  if (squares != nullptr) {
    std::fill(squares, squares + n, Real{0});
  }
  alignas(64) std::array<Real, static_cast<std::size_t>(read_rows * most_columns)> copies;
  for (std::ptrdiff_t first = 0; first < d; first += chunk * columns) {
    const std::ptrdiff_t width = std::min(d - first, chunk * columns);
    const std::ptrdiff_t count = (width + columns - 1) / columns;
    const Real* const r = R.data() + first * k;
    for (std::ptrdiff_t i = 0; i < n; i += read_rows) {
      const std::ptrdiff_t here = std::min(n - i, read_rows);
      std::array<const Real*, read_rows> h{};
      for (std::ptrdiff_t row = 0; row < here; ++row) {
        const number* const from = rows[static_cast<std::size_t>(i + row)] + first;
        const Real* const numbers = whole_strips(from, width, count * columns, copies.data() + row * most_columns);
        h[static_cast<std::size_t>(row)] = numbers;
        if (squares != nullptr) {
          squares[i + row] += squared_norm<Real>({numbers, static_cast<std::size_t>(count * columns)});
        }
      }
      // The same columns of the next rows, or the first rows' next columns.
      const std::ptrdiff_t after = i + read_rows < n ? i + read_rows : 0;
      const std::ptrdiff_t column = after > 0 || first + width == d ? first : first + width;
      upcoming next{{}, static_cast<std::uintptr_t>(columns) * sizeof(Scalar)};
      for (std::ptrdiff_t row = 0; row < here; ++row) {
        const auto wanted = static_cast<std::size_t>(std::min(after + row, n - 1));
        next.rows[static_cast<std::size_t>(row)] = reinterpret_cast<std::uintptr_t>(rows[wanted] + column);
      }
      repeat<read_rows>([&](auto one_less) {
        if (here == one_less + 1) {
          read_chunk<one_less + 1>(h.data(), r, k, count, c + i * k, next);
        }
      });
    }
  }
}

}  // namespace kernel
}  // namespace v0
}  // namespace steer
