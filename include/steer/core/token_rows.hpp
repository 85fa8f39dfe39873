// steer/core/token_rows.hpp: the rows of several residual streams as one row for each token.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <type_traits>
#include <vector>

#include "steer/core/linkage.hpp"
#include "steer/core/rows.hpp"

namespace steer {
inline namespace v0 {

/// One row for each token, for hooks that read tokens: the mean over its streams, or one of them. Of a model with one stream the rows as
/// they are.
///
///     steer::token_rows tokens(shape.streams_at(where.point));
///     tokens.read(activations, [&](const auto& rows) { ... });
class token_rows {
 public:
  /// @param one  the stream that is read; none: the mean
  explicit token_rows(int streams = 1, std::optional<int> one = std::nullopt) : streams_(streams), one_(one) {}

  /// Calls `use(rows)` with a view that lives as long as the call.
  /// @throws host_error if the rows of a token do not stand together, or have no facts
  /// @cost   a copy of the facts, and for the mean one pass over the numbers; allocates for the largest call so far
  template <class Scalar, class Use>
  void read(const rows<Scalar>& activations, Use use) {
    if (streams_ == 1) {
      use(activations);
      return;
    }
    keep_first_of_each_token(activations.info, activations.count);
    const std::ptrdiff_t count = activations.count / streams_;
    if (one_) {
      use(rows<Scalar>{activations.data + *one_ * activations.stride, count, activations.width, streams_ * activations.stride, info_});
      return;
    }
    using real = std::conditional_t<std::same_as<Scalar, double>, double, float>;
    std::vector<real>& means = means_of<real>();
    means.assign(static_cast<std::size_t>(count * activations.width), real{0});
    const real share = real{1} / static_cast<real>(streams_);
    for (std::ptrdiff_t row = 0; row < activations.count; ++row) {
      real* const to = means.data() + row / streams_ * activations.width;
      for (std::ptrdiff_t j = 0; j < activations.width; ++j) {
        to[j] += share * static_cast<real>(activations.data[row * activations.stride + j]);
      }
    }
    use(rows<real>{means.data(), count, activations.width, activations.width, info_});
  }

 private:
  template <class Real>
  [[nodiscard]] std::vector<Real>& means_of() noexcept {
    if constexpr (std::same_as<Real, double>) {
      return doubles_;
    } else {
      return floats_;
    }
  }

  STEER_API void keep_first_of_each_token(std::span<const row_info> info, std::ptrdiff_t count);

  int streams_;
  std::optional<int> one_;
  std::vector<row_info> info_;
  std::vector<float> floats_;
  std::vector<double> doubles_;
};

}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/core/token_rows.ipp"
#endif
