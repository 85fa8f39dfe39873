// transformer/attention.hpp: grouped-query attention over the cache.
#pragma once

#include <cmath>
#include <span>

#include "steer/core/rows.hpp"
#include "transformer/kv_cache.hpp"
#include "transformer/linear.hpp"
#include "transformer/rope.hpp"

namespace reference {

/// Causal attention of a batch of rows that may belong to several sequences. Holds its scratch; allocates when built.
///
///     out_h = softmax(q_h Kᵀ / sqrt(d_h)) V    over the tokens of the row's own sequence up to its own position
///
/// @source Vaswani et al. 2017, arXiv:1706.03762; Ainslie et al. 2023, arXiv:2305.13245 (H / K query heads share a key)
class attention {
 public:
  attention(const config& c, int sequences, int context)
      : heads_(c.heads),
        group_(c.heads / c.kv_heads),
        head_width_(c.head_width),
        rope_(c, context),
        cache_(c, sequences, context),
        scores_(context) {}

  /// Stores keys and values of the rows in the cache, then attends. Queries and keys are turned in place.
  /// @shape queries [T, H d_h], keys and values [T, K d_h], out [T, H d_h]
  /// @cost  2 T n H d_h multiplications over n cached tokens
  void operator()(int layer, std::span<const steer::row_info> info, rows_out queries, rows_out keys,
                  const rows_in& values, rows_out out) noexcept {
    for (extent t = 0; t < queries.rows(); ++t) {
      const steer::row_info& row = info[static_cast<std::size_t>(t)];
      rope_.turn({queries.row(t).data(), static_cast<std::size_t>(queries.cols())}, row.position);
      rope_.turn({keys.row(t).data(), static_cast<std::size_t>(keys.cols())}, row.position);
      cache_.keys(layer, row.sequence).row(row.position) = keys.row(t);
      cache_.values(layer, row.sequence).row(row.position) = values.row(t);
    }
    for (extent t = 0; t < queries.rows(); ++t) {  // every key of the batch is stored by now
      const steer::row_info& row = info[static_cast<std::size_t>(t)];
      const extent n = extent{row.position} + 1;  // tokens that this row sees
      const rows_in seen_keys = cache_.keys(layer, row.sequence).topRows(n);      // [n, K d_h]
      const rows_in seen_values = cache_.values(layer, row.sequence).topRows(n);  // [n, K d_h]
      for (extent h = 0; h < heads_; ++h) {
        const extent first = h / group_ * head_width_;  // of the key head that this query head shares
        attend(queries.row(t).segment(h * head_width_, head_width_), seen_keys.middleCols(first, head_width_),
               seen_values.middleCols(first, head_width_), out.row(t).segment(h * head_width_, head_width_));
      }
    }
  }

 private:
  /// @shape query [1, d_h], keys and values [n, d_h], out [1, d_h]
  void attend(const rows_in& query, const rows_in& keys, const rows_in& values, rows_out out) noexcept {
    const extent n = keys.rows();
    auto weight = scores_.head(n);  // [n]
    multiply(query, keys, Eigen::Map<matrix>(scores_.data(), 1, n));
    weight *= 1.0F / std::sqrt(static_cast<float>(head_width_));
    weight = (weight - weight.maxCoeff()).exp();
    weight /= weight.sum();
    out.row(0).transpose().noalias() = values.transpose() * weight.matrix();
  }

  extent heads_;           // H
  extent group_;           // H / K
  extent head_width_;      // d_h
  rope rope_;
  kv_cache cache_;
  Eigen::ArrayXf scores_;  // [C]
};

}  // namespace reference
