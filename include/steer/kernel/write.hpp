// steer/kernel/write.hpp: moves rows along many directions, in one pass.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>
#include <type_traits>
#include <Eigen/Core>

#include "steer/kernel/packet.hpp"
#include "steer/kernel/row.hpp"
#include "steer/kernel/strips.hpp"

namespace steer {
inline namespace v0 {
namespace kernel {
namespace detail {

inline constexpr std::ptrdiff_t write_rows = 6;  // of a register tile

/// Packets of each row in a register tile: twelve accumulators in all, or eight for one row.
constexpr std::ptrdiff_t packets_beside(std::ptrdiff_t rows) noexcept { return rows == 1 ? 8 : rows <= 3 ? 4 : 2; }

/// A row on its way through the loops.
template <class Scalar>
struct moving_row {
  Scalar* h;
  const real_of<Scalar>* z;  // [m]
  real_of<Scalar> scale;
};

/// h_i = scale_i h_i + sum_j z_ij W_j over Packets packets that lie in as many strips as they need.
/// @shape w [.., m, strip_columns] at the first packet's strip, `column` the first packet's column
template <std::ptrdiff_t Rows, std::ptrdiff_t Packets, bool Scaled, class Scalar, class Real>
[[gnu::always_inline]] inline void write_tile(const moving_row<Scalar>* rows, const Real* w, std::ptrdiff_t m,
                                              std::ptrdiff_t column, clamp_count<Scalar>& clamped) noexcept {
  constexpr std::ptrdiff_t columns = strip_columns<Real>;
  constexpr std::ptrdiff_t per_strip = columns / lanes<Real>;
  packet<Real> sums[Rows][Packets];
  const Real* z[Rows];
  repeat<Rows>([&](auto i) {
    z[i] = rows[i].z;
    repeat<Packets>([&](auto p) {
      sums[i][p] = load<Scalar>(rows[i].h + column + p * lanes<Real>);
      if constexpr (Scaled) {
        sums[i][p] = Eigen::internal::pmul(sums[i][p], broadcast(rows[i].scale));
      }
    });
  });
  for (std::ptrdiff_t j = 0; j < m; ++j) {
    packet<Real> direction[Packets];
    repeat<Packets>([&](auto p) {
      direction[p] = load_aligned(w + (p / per_strip) * m * columns + j * columns + (p % per_strip) * lanes<Real>);
    });
    repeat<Rows>([&](auto i) {
      const packet<Real> dose = broadcast(z[i][j]);
      repeat<Packets>([&](auto p) { sums[i][p] = Eigen::internal::pmadd(dose, direction[p], sums[i][p]); });
    });
  }
  repeat<Rows>([&](auto i) {
    repeat<Packets>([&](auto p) { store<Scalar>(rows[i].h + column + p * lanes<Real>, sums[i][p], clamped); });
  });
}

/// The rows of a tile over whole strips. A single row begins at the end: what was read of the directions last is still
/// in the L1 cache.
template <std::ptrdiff_t Rows, bool Scaled, class Scalar, class Real>
void write_strips(const moving_row<Scalar>* rows, const strips<Real>& W, clamp_count<Scalar>& clamped) noexcept {
  constexpr std::ptrdiff_t columns = strip_columns<Real>;
  constexpr std::ptrdiff_t beside = packets_beside(Rows) * lanes<Real>;  // columns
  const std::ptrdiff_t m = W.count();
  const std::ptrdiff_t whole = W.width() / columns * columns;
  const std::ptrdiff_t turns = whole / beside;
  for (std::ptrdiff_t turn = 0; turn < turns; ++turn) {
    const std::ptrdiff_t column = (Rows == 1 ? turns - 1 - turn : turn) * beside;
    // A tile narrower than a strip starts inside one.
    const Real* const w = W.data() + column / columns * m * columns + column % columns;
    write_tile<Rows, packets_beside(Rows), Scaled>(rows, w, m, column, clamped);
  }
  if constexpr (beside > columns) {
    for (std::ptrdiff_t column = turns * beside; column < whole; column += columns) {
      write_tile<Rows, columns / lanes<Real>, Scaled>(rows, W.data() + column * m, m, column, clamped);
    }
  }
}

/// The last columns of a row, where they do not fill a strip.
template <bool Scaled, class Scalar, class Real>
void write_end(const moving_row<Scalar>& row, const strips<Real>& W, clamp_count<Scalar>& clamped) noexcept {
  constexpr std::ptrdiff_t columns = strip_columns<Real>;
  const std::ptrdiff_t whole = W.width() / columns * columns;
  std::array<Scalar, static_cast<std::size_t>(columns)> end{};
  std::copy(row.h + whole, row.h + W.width(), end.begin());
  const moving_row<Scalar> moved{end.data(), row.z, row.scale};
  write_tile<1, columns / lanes<Real>, Scaled>(&moved, W.data() + whole * W.count(), W.count(), 0, clamped);
  std::copy(end.begin(), end.begin() + (W.width() - whole), row.h + whole);
}

/// One direction: as an addition.
template <class Scalar, class Real>
std::size_t write_one(std::span<Scalar* const> rows, const strips<Real>& W, const Real* z, const Real* scale) noexcept {
  std::size_t clamped = 0;
  const std::span<const Real> direction(W.data(), static_cast<std::size_t>(W.width()));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const std::span<Scalar> h(rows[i], direction.size());
    if (scale != nullptr && scale[i] != Real{1}) {
      const packet<Real> dose = broadcast(z[i]);
      const packet<Real> factor = broadcast(scale[i]);
      clamped += change_row(h, W.data(), [&](const auto& numbers, const auto& along) {
        return Eigen::internal::pmadd(dose, along, Eigen::internal::pmul(numbers, factor));
      });
    } else if (z[i] != Real{0}) {
      clamped += add<Scalar>(h, z[i], direction);
    }
  }
  return clamped;
}

}  // namespace detail

/// Moves rows along directions.
///
///     h_i = scale_i h_i + sum_j z[i, j] W_j        summed in the order of the directions
///
/// A row's result is the same bits whichever rows are beside it. Rows of 16 bits are computed in float and rounded
/// once, to nearest even; what 16 bits cannot hold becomes the largest finite number. A row whose scale is 1 and whose z are
/// all 0 is not touched.
///
/// @param scale  null for 1
/// @shape  rows [n] pointers to d numbers, at any address, none twice; W [m, d]; z [n, m]; scale [n]
/// @cost   n m d multiplications and additions; the rows are read and written once, W is read once for six rows;
///         allocates nothing
/// @return how many numbers were clamped
template <class Scalar, class Real>
  requires row_scalar<Scalar> && std::same_as<Real, real_of<Scalar>>
std::size_t write(std::span<Scalar* const> rows, const strips<Real>& W, const std::type_identity_t<Real>* z,
           const std::type_identity_t<Real>* scale) noexcept {
  using namespace detail;
  const std::ptrdiff_t m = W.count();
  if (m == 1) {
    return write_one(rows, W, z, scale);
  }
  std::array<moving_row<Scalar>, static_cast<std::size_t>(write_rows)> tile;
  std::ptrdiff_t filled = 0;
  clamp_count<Scalar> clamped;
  const auto flush = [&] {
    repeat<write_rows>([&](auto one_less) {
      if (filled == one_less + 1) {
        scale == nullptr ? write_strips<one_less + 1, false>(tile.data(), W, clamped)
                         : write_strips<one_less + 1, true>(tile.data(), W, clamped);
      }
    });
    filled = 0;
  };
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const moving_row<Scalar> row{rows[i], z + static_cast<std::ptrdiff_t>(i) * m,
                                 scale == nullptr ? Real{1} : scale[i]};
    if (row.scale == Real{1} && std::all_of(row.z, row.z + m, [](Real dose) { return dose == Real{0}; })) {
      continue;
    }
    if (W.width() % strip_columns<Real> != 0) {
      scale == nullptr ? write_end<false>(row, W, clamped) : write_end<true>(row, W, clamped);
    }
    tile[static_cast<std::size_t>(filled++)] = row;
    if (filled == write_rows) {
      flush();
    }
  }
  flush();
  return clamped.total();
}

}  // namespace kernel
}  // namespace v0
}  // namespace steer
