// steer/inject/merge.hpp: affine edits that follow one another become one decision, and additions one bias.
#pragma once

#include <cstddef>
#include <iterator>
#include <map>
#include <vector>
#include <Eigen/Core>

#include "steer/core/linkage.hpp"
#include "steer/inject/term.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

/// Distinct rows of one width, found again by their numbers.
class row_set {
 public:
  /// The place of a row, which is added if it is new.
  STEER_API int place(const Eigen::Ref<const Eigen::RowVectorXd>& row);
  STEER_API std::vector<int> places(const matrix<double>& rows);
  [[nodiscard]] std::ptrdiff_t size() const noexcept { return std::ssize(places_); }
  /// @shape returns [size, width]
  STEER_API [[nodiscard]] matrix<double> rows(std::ptrdiff_t width) const;

 private:
  std::map<std::vector<double>, int> places_;
};

/// A decision before its rows have places in a group.
struct draft {
  std::vector<std::size_t> edits;
  std::vector<float> shares;               ///< of the edits, where the form contains them
  low_rank_form form;
  std::vector<std::vector<int>> reads_of;  ///< for each edit, its rows of form.read
  const term* like = nullptr;  ///< schedule, gate, norm mode, latch
};

/// Whether a term is an affine function of the row, whatever the row.
STEER_API bool is_affine(const term& t);

/// Whether two neighbours are the same share of two rows, such as |h| on entry, and so a share of their sum.
STEER_API bool same_share(const term& a, const term& b);

/// The coordinates that a term reads, or the directions that it writes if those are more; additions count nothing.
STEER_API Eigen::Index rank_of(const term& t);

/// Composes affine edits: the coordinates that each reads are known from those that the first finds.
///
///     c_e = R_e (h + Wᵀz) = R_e h + (R_e Wᵀ) z,  z = A c + b
///
/// so all of them write Wᵀ(A c + b) of the coordinates c on entry. Rows of W that only b reaches are summed into one.
/// @cost  O((k + m)² d) once
STEER_API draft compose(const std::vector<const term*>& run);

/// Coordinates and directions of one decision, at most, so that a few of them fit into a group.
inline constexpr Eigen::Index most_merged = 127;

/// From terms to decisions.
///
/// @param doses  from `routes`: every edit keeps a decision of its own, because each row may give it another dose
STEER_API std::vector<draft> merge(const std::vector<term>& all, doses_from doses);

}  // namespace detail
}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/inject/merge.ipp"
#endif
