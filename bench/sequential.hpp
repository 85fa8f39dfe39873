// sequential.hpp: edits one by one, each with a pass of its own over every row: what chained hooks do.
//
// The passes are the library's own loops over one row, so that the comparison is one of structure and not of craft:
// vectorised, four accumulators, fused multiplications, the row in the L1 cache between its dot product and its change.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "steer/core/matrix.hpp"
#include "steer/core/rows.hpp"
#include "steer/kernel/functions_for.hpp"
#include "steer/kernel/strips.hpp"

namespace bench {

enum class edit_kind : std::uint8_t {
  scale,  ///< h -= amount (u . h) u
  set,    ///< h += (amount - u . h) u
  add,    ///< h += amount u
};

/// One edit along a row of the directions.
struct simple_edit {
  edit_kind kind = edit_kind::scale;
  double amount = 1.0;
};

template <class Scalar>
class sequential {
 public:
  using real = steer::kernel::real_of<Scalar>;

  /// @shape directions [k, d], one for each edit
  sequential(const steer::matrix<double>& directions, std::vector<simple_edit> edits) : edits_(std::move(edits)) {
    for (Eigen::Index j = 0; j < directions.rows(); ++j) {
      directions_.emplace_back(directions.row(j));
    }
  }

  /// Every edit over all rows, then the next: as many hooks as there are edits.
  void operator()(const steer::rows<Scalar>& h) const noexcept {
    for (std::size_t j = 0; j < edits_.size(); ++j) {
      for (std::ptrdiff_t i = 0; i < h.count; ++i) {
        apply(j, h[i]);
      }
    }
  }

  /// All edits of a row, then the next row: one hook that loops over the edits.
  void row_by_row(const steer::rows<Scalar>& h) const noexcept {
    for (std::ptrdiff_t i = 0; i < h.count; ++i) {
      for (std::size_t j = 0; j < edits_.size(); ++j) {
        apply(j, h[i]);
      }
    }
  }

 private:
  void apply(std::size_t j, std::span<Scalar> h) const noexcept {
    const std::span<const real> u(directions_[j].data(), h.size());
    const auto amount = static_cast<real>(edits_[j].amount);
    switch (edits_[j].kind) {
      case edit_kind::scale: loops_.add(h, -amount * loops_.dot(u, h), u); break;
      case edit_kind::set: loops_.add(h, amount - loops_.dot(u, h), u); break;
      case edit_kind::add: loops_.add(h, amount, u); break;
    }
  }

  steer::kernel::functions<Scalar> loops_ = steer::kernel::functions_for<Scalar>(steer::best_instruction_set());
  std::vector<steer::kernel::strips<real>> directions_;  // [k], each contiguous and aligned to a cache line
  std::vector<simple_edit> edits_;                       // [k]
};

}  // namespace bench
