// steer/extract/sample_rows.hpp: how every method takes its samples.
#pragma once

#include <type_traits>
#include <Eigen/Core>

#include "steer/core/matrix.hpp"

namespace steer {
inline namespace v0 {

/// Samples for the length of a call, one a row: what a matrix, a map or a block of floats or doubles converts to, by rows or
/// by columns, without a copy.
///
/// What has no numbers in memory yet (an expression), other numbers than these or lies apart in both ways is copied, in
/// double.
/// @shape  [n, d]
class sample_rows {
 public:
  template <class Rows>
  sample_rows(const Eigen::MatrixBase<Rows>& from) : rows_(from.rows()), cols_(from.cols()) {
    using scalar = typename Rows::Scalar;
    constexpr bool known = std::is_same_v<scalar, float> || std::is_same_v<scalar, double>;
    if constexpr (known && (Rows::Flags & Eigen::DirectAccessBit) != 0) {
      const auto& there = from.derived();
      if (there.colStride() == 1 || there.rowStride() == 1) {
        numbers_ = there.data();
        in_float_ = std::is_same_v<scalar, float>;
        by_rows_ = there.colStride() == 1;
        stride_ = by_rows_ ? there.rowStride() : there.colStride();
        return;
      }
    }
    copy_ = from.template cast<double>();
    numbers_ = copy_.data();
    stride_ = cols_;
  }
  sample_rows(const sample_rows&) = delete;
  sample_rows& operator=(const sample_rows&) = delete;

  [[nodiscard]] Eigen::Index rows() const noexcept { return rows_; }
  [[nodiscard]] Eigen::Index cols() const noexcept { return cols_; }

  /// Calls `look` with a map of the rows, whose type says what they are and how they lie.
  template <class Look>
  decltype(auto) visit(Look look) const {
    return in_float_ ? look_at<float>(look) : look_at<double>(look);
  }

 private:
  template <class Scalar, class Look>
  decltype(auto) look_at(Look& look) const {
    const auto* const numbers = static_cast<const Scalar*>(numbers_);
    using by_columns = Eigen::Matrix<Scalar, Eigen::Dynamic, Eigen::Dynamic>;
    using stride = Eigen::OuterStride<>;
    return by_rows_ ? look(Eigen::Map<const matrix<Scalar>, 0, stride>(numbers, rows_, cols_, stride(stride_)))
                    : look(Eigen::Map<const by_columns, 0, stride>(numbers, rows_, cols_, stride(stride_)));
  }

  const void* numbers_ = nullptr;
  Eigen::Index rows_;
  Eigen::Index cols_;
  Eigen::Index stride_ = 0;
  bool in_float_ = false;
  bool by_rows_ = true;
  matrix<double> copy_ = {};
};

}  // namespace v0
}  // namespace steer
