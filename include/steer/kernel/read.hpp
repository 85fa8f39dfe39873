// steer/kernel/read.hpp: the coordinates of rows along many directions, in one pass.
#pragma once

#include <Eigen/Core>
#include <algorithm>
#include <array>
#include <cstddef>
#include <span>
#include <type_traits>

#include "steer/kernel/packet.hpp"
#include "steer/kernel/strips.hpp"

namespace steer {
inline namespace v0 {
namespace kernel {

/// Rows that a caller passes at once, at most: they stay in the L2 cache between their read and their write.
inline constexpr std::ptrdiff_t block_rows = 24;

namespace detail {

inline constexpr std::ptrdiff_t read_rows = 3;        // of a register tile
inline constexpr std::ptrdiff_t chunk_numbers = 512;  // columns that stay in the L1 cache meanwhile

/// Accumulators of one dot product: few directions leave registers idle that hide the latency of the additions. It
/// depends on the number of directions only, so that a row is summed in the same order whichever rows are beside it.
constexpr std::ptrdiff_t ways_of(std::ptrdiff_t k) noexcept { return k >= 8 ? 1 : k >= 4 ? 2 : 4; }

/// Directions of a register tile, at most.
constexpr std::ptrdiff_t most_directions(std::ptrdiff_t rows, std::ptrdiff_t ways) noexcept {
  if (rows == 1) {
    return ways == 1 ? 8 : ways == 2 ? 7 : 3;
  }
  return 4 / ways;
}

/// c[i, j] += R_j . h_i over some strips, for a tile that stays in registers.
/// @shape h [Rows] pointers to the first strip; r the tile's first direction in the first strip, the next strip `step`
///        numbers on; c [Rows, Directions] with row stride `c_step`
template <std::ptrdiff_t Rows, std::ptrdiff_t Directions, std::ptrdiff_t Ways, class Real>
void read_tile(const Real* const* h, const Real* r, std::ptrdiff_t step, std::ptrdiff_t count, Real* c,
               std::ptrdiff_t c_step) noexcept {
  constexpr std::ptrdiff_t columns = strip_columns<Real>;
  constexpr std::ptrdiff_t packets = columns / lanes<Real>;                    // of a strip
  constexpr std::ptrdiff_t group = std::max<std::ptrdiff_t>(1, Ways / packets);  // strips of a turn
  packet<Real> sums[Rows][Directions][Ways];
  repeat<Rows>([&](auto i) {
    repeat<Directions>([&](auto j) { repeat<Ways>([&](auto way) { sums[i][j][way] = broadcast(Real{0}); }); });
  });
  const Real* from[Rows];
  repeat<Rows>([&](auto i) { from[i] = h[i]; });
  const auto turn = [&](auto strips) {
    repeat<strips * packets>([&](auto p) {
      packet<Real> numbers[Rows];
      repeat<Rows>([&](auto i) { numbers[i] = load(from[i] + p * lanes<Real>); });
      repeat<Directions>([&](auto j) {
        const packet<Real> direction =
            load_aligned(r + (p / packets) * step + j * columns + (p % packets) * lanes<Real>);
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
    repeat<Directions>([&](auto j) {
      packet<Real> sum = sums[i][j][0];
      repeat<Ways - 1>([&](auto way) { sum = Eigen::internal::padd(sum, sums[i][j][way + 1]); });
      c[i * c_step + j] += Eigen::internal::predux(sum);
    });
  });
}

/// All directions for the rows of a tile, in tiles of nearly equal width.
template <std::ptrdiff_t Rows, std::ptrdiff_t Ways, class Real>
void read_tiles(const Real* const* h, const Real* r, std::ptrdiff_t k, std::ptrdiff_t count, Real* c) noexcept {
  constexpr std::ptrdiff_t most = most_directions(Rows, Ways);
  for (std::ptrdiff_t j = 0, tiles = (k + most - 1) / most; tiles > 0; --tiles) {
    const std::ptrdiff_t here = (k - j + tiles - 1) / tiles;
    repeat<most>([&](auto one_less) {
      if (here == one_less + 1) {
        read_tile<Rows, one_less + 1, Ways>(h, r + j * strip_columns<Real>, k * strip_columns<Real>, count, c + j, k);
      }
    });
    j += here;
  }
}

template <std::ptrdiff_t Rows, class Real>
void read_chunk(const Real* const* h, const Real* r, std::ptrdiff_t k, std::ptrdiff_t count, Real* c) noexcept {
  switch (ways_of(k)) {
    case 1: return read_tiles<Rows, 1>(h, r, k, count, c);
    case 2: return read_tiles<Rows, 2>(h, r, k, count, c);
    default: return read_tiles<Rows, 4>(h, r, k, count, c);
  }
}

/// |h|^2 over some strips.
template <class Real>
Real squares_of(const Real* h, std::ptrdiff_t count) noexcept {
  constexpr std::ptrdiff_t ways = 4;
  static_assert(strip_columns<Real> * 4 % (lanes<Real> * ways) == 0);
  packet<Real> sums[ways];
  repeat<ways>([&](auto way) { sums[way] = broadcast(Real{0}); });
  const auto add = [&](auto way) {
    const packet<Real> numbers = load(h + way * lanes<Real>);
    sums[way] = Eigen::internal::pmadd(numbers, numbers, sums[way]);
  };
  const std::ptrdiff_t packets = count * strip_columns<Real> / lanes<Real>;
  std::ptrdiff_t p = 0;
  for (; p + ways <= packets; p += ways) {
    repeat<ways>(add);
    h += ways * lanes<Real>;
  }
  for (; p < packets; ++p) {
    add(std::integral_constant<std::ptrdiff_t, 0>{});
    h += lanes<Real>;
  }
  return Eigen::internal::predux(
      Eigen::internal::padd(Eigen::internal::padd(sums[0], sums[1]), Eigen::internal::padd(sums[2], sums[3])));
}

/// Columns of a row as numbers that are computed in, zeros after the last.
template <class Scalar, class Real>
void copy_columns(const Scalar* from, std::ptrdiff_t count, Real* to, std::ptrdiff_t padded) noexcept {
  std::ptrdiff_t column = 0;
  for (; column + lanes<Real> <= count; column += lanes<Real>) {
    store(to + column, load(from + column));
  }
  for (; column < count; ++column) {
    to[column] = static_cast<Real>(from[column]);
  }
  std::fill(to + column, to + padded, Real{0});
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
  constexpr std::ptrdiff_t columns = strip_columns<Real>;
  constexpr std::ptrdiff_t chunk = chunk_numbers / columns;
  constexpr bool in_place = std::same_as<std::remove_const_t<Scalar>, Real>;
  const auto n = static_cast<std::ptrdiff_t>(rows.size());
  const std::ptrdiff_t k = R.count();
  const std::ptrdiff_t d = R.width();
  std::fill(c, c + n * k, Real{0});
  if (squares != nullptr) {
    std::fill(squares, squares + n, Real{0});
  }
  std::array<Real, read_rows * chunk * columns> copies;
  for (std::ptrdiff_t first = 0; first < d; first += chunk * columns) {
    const std::ptrdiff_t width = std::min(d - first, chunk * columns);
    const std::ptrdiff_t count = (width + columns - 1) / columns;
    const Real* const r = R.data() + first * k;
    for (std::ptrdiff_t i = 0; i < n; i += read_rows) {
      const std::ptrdiff_t here = std::min(n - i, read_rows);
      std::array<const Real*, read_rows> h{};
      for (std::ptrdiff_t row = 0; row < here; ++row) {
        const Scalar* const from = rows[static_cast<std::size_t>(i + row)] + first;
        Real* const copy = copies.data() + row * chunk * columns;
        if constexpr (in_place) {
          h[static_cast<std::size_t>(row)] = width == count * columns ? from : copy;
          if (h[static_cast<std::size_t>(row)] == from) {
            continue;
          }
        } else {
          h[static_cast<std::size_t>(row)] = copy;
        }
        copy_columns<std::remove_const_t<Scalar>>(from, width, copy, count * columns);
      }
      if (squares != nullptr) {
        for (std::ptrdiff_t row = 0; row < here; ++row) {
          squares[i + row] += squares_of(h[static_cast<std::size_t>(row)], count);
        }
      }
      switch (here) {
        case 1: read_chunk<1>(h.data(), r, k, count, c + i * k); break;
        case 2: read_chunk<2>(h.data(), r, k, count, c + i * k); break;
        default: read_chunk<read_rows>(h.data(), r, k, count, c + i * k); break;
      }
    }
  }
}

}  // namespace kernel
}  // namespace v0
}  // namespace steer
