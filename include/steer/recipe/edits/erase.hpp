// steer/recipe/edits/erase.hpp: what one set of directions reads is erased along another.
#pragma once

#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <string>
#include <string_view>
#include <vector>

#include "steer/recipe/edits/bound.hpp"
#include "steer/recipe/field.hpp"
#include "steer/recipe/form.hpp"
#include "steer/vector/small_matrix.hpp"

namespace steer {
inline namespace v0 {

/// h' = h - Δᵀ (W Δᵀ)⁻¹ W (h - origin): an oblique projector, for one direction h - δ wᵀ(h - origin) / (wᵀδ).
///
/// Afterwards the directions w read 0 (at the origin); along everything that δ does not span, nothing has changed.
/// @source Belrose et al. 2023, arXiv:2306.03819 (LEACE): with w = S⁻¹δ, the least change after which no linear classifier
///         finds the concept
struct erase_edit {
  static constexpr std::string_view name = "erase";

  std::vector<steering_vector> read = {};   ///< w, whose origins count
  std::vector<steering_vector> write = {};  ///< δ, as many
  coordinate_origin origin = coordinate_origin::zero;

  bool operator==(const erase_edit&) const = default;

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("read", self.read);
    visit("write", self.write);
    visit("origin", self.origin);
  }

  void check_more(const std::string& who) const {
    if (read.empty() || read.size() != write.size()) {
      throw argument_error(
          detail::text({who, ": reads ", read.size(), " directions and writes ", detail::actual(write.size()),
                        "; expected ", detail::expected("as many, at least one")}));
    }
  }

  [[nodiscard]] form at(int layer, const std::string& who) const {
    const parts here = parts_at(layer, who);
    return low_rank_form::affine(here.read, here.write, -here.inverse, here.inverse.lazyProduct(here.origin));
  }

  void apply(int layer, double, Eigen::VectorXd& h) const {
    const parts here = parts_at(layer, {});
    const Eigen::VectorXd c = here.read.lazyProduct(h) - here.origin;
    h -= here.write.transpose().lazyProduct(here.inverse.lazyProduct(c).eval());
  }

 private:
  struct parts {
    matrix<double> read;
    matrix<double> write;
    Eigen::MatrixXd inverse;  // of read writeᵀ
    Eigen::VectorXd origin;
  };

  [[nodiscard]] parts parts_at(int layer, const std::string& who) const {
    const auto w = detail::directions_at(read, layer);
    const auto delta = detail::directions_at(write, layer);
    const frame reading(w, who + ", read");
    const frame writing(delta, who + ", write");
    parts out{reading.directions(), writing.directions(), {}, detail::origin_coordinates(w, origin, who)};
    const Eigen::MatrixXd both = out.read.lazyProduct(out.write.transpose());
    const auto [least, most] = detail::extreme_eigenvalues(both.transpose().lazyProduct(both));
    // As strict as for a frame, whose Gram matrix squares the condition number; the largest value is at most about 1.
    if (!(least * frame::most_condition > std::max(1.0, most))) {
      throw numeric_error(detail::text({who,
                                        ": what is read and what is written are nearly orthogonal: the least singular "
                                        "value of their products is ",
                                        detail::actual(std::sqrt(std::max(least, 0.0))),
                                        ", so erasing would move rows without bound"}));
    }
    out.inverse = detail::inverse_of(both);
    return out;
  }
};

}  // namespace v0
}  // namespace steer
