// steer/kernel/strips.hpp: directions packed for the loops that read and write rows.
#pragma once

#include <cstddef>
#include <vector>
#include <Eigen/Core>

#include "steer/core/matrix.hpp"

namespace steer {
inline namespace v0 {
namespace kernel {

/// Columns of a strip: one cache line.
template <class Real>
inline constexpr std::ptrdiff_t strip_columns = 64 / static_cast<std::ptrdiff_t>(sizeof(Real));

/// k directions, interleaved: the first cache line of each, then the second of each, and so on; zeros after the last
/// column.
///
/// Directions row by row lie a multiple of 4 KiB apart at the usual widths, as the activations do, so that all of them
/// would contend for the same few sets of the L1 cache; interleaved, the loops walk through one piece of memory.
///
/// @shape [ceil(d / strip_columns)][k][strip_columns], aligned to cache lines
template <class Real>
class strips {
 public:
  strips() = default;

  /// @shape directions [k, d]
  /// @cost  O(k d); the only allocation
  explicit strips(const Eigen::Ref<const matrix<double>>& directions)
      : count_(static_cast<int>(directions.rows())), width_(directions.cols()) {
    constexpr std::ptrdiff_t columns = strip_columns<Real>;
    lines_.resize(static_cast<std::size_t>((width_ + columns - 1) / columns * count_));
    for (std::ptrdiff_t j = 0; j < count_; ++j) {
      for (std::ptrdiff_t column = 0; column < width_; ++column) {
        lines_[static_cast<std::size_t>(column / columns * count_ + j)].numbers[column % columns] =
            static_cast<Real>(directions(j, column));
      }
    }
  }

  [[nodiscard]] int count() const noexcept { return count_; }             ///< k
  [[nodiscard]] std::ptrdiff_t width() const noexcept { return width_; }  ///< d
  [[nodiscard]] const Real* data() const noexcept { return lines_.empty() ? nullptr : lines_.front().numbers; }
  [[nodiscard]] std::size_t bytes() const noexcept { return lines_.size() * sizeof(line); }

 private:
  struct alignas(64) line {
    Real numbers[strip_columns<Real>] = {};
  };

  std::vector<line> lines_;
  int count_ = 0;
  std::ptrdiff_t width_ = 0;
};

}  // namespace kernel
}  // namespace v0
}  // namespace steer
