// steer/inject/build_group.hpp: decisions get their places in one read and one write matrix.
#pragma once

#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "steer/core/error.hpp"
#include "steer/core/real.hpp"
#include "steer/inject/group.hpp"
#include "steer/inject/merge.hpp"
#include "steer/inject/term.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

/// The dense maps of one program, by the edits that are them: 64 MiB each for rows of 4096 floats.
template <class Real>
using dense_maps = std::map<std::size_t, std::shared_ptr<const kernel::strips<Real>>>;

/// Builds the groups of one site.
///
/// @throws numeric_error if a number is not finite in Real; argument_error if a dense map is too wide
template <class Real>
class group_builder {
  using draft = dependent_type<Real, detail::draft>;
  using node = dependent_type<Real, detail::node>;
  using row_set = dependent_type<Real, detail::row_set>;
  using term = dependent_type<Real, detail::term>;

 public:
  group_builder(site where, doses_from doses, dense_maps<Real>& maps) : where_(where), doses_(doses), maps_(maps) {}

  /// Decisions that share one read and one write.
  [[nodiscard]] group<Real> low_rank(columns where, const std::vector<draft>& drafts) const {
    group<Real> g;
    g.where = where;
    row_set reads;
    row_set writes;
    std::size_t last_norm = 0;  // one past the last decision for which a norm must be right
    for (std::size_t i = 0; i < drafts.size(); ++i) {
      g.nodes.push_back(node_of(drafts[i], reads, writes));
      const bool restores = drafts[i].like->norm.rule != norm_rule::none;
      if (g.nodes.back().reads_norm) {
        last_norm = restores ? i + 1 : i;
        g.needs_norm = true;
      }
      if (!g.nodes.back().reads.empty() || !g.nodes.back().asks.empty() || g.nodes.back().reads_norm) {
        g.last_reader = i;
      }
    }
    for (std::size_t i = 0; i < last_norm; ++i) {
      g.nodes[i].moved = reads.places(drafts[i].form.write);
    }
    const auto r = reads.rows(where.count);
    const auto w = writes.rows(where.count);
    g.m = w.rows();
    g.gram = r.lazyProduct(w.transpose());
    finish(g);
    if (r.rows() == 0 && w.rows() == 1 && !g.needs_norm) {
      g.stage = bias_stage<Real>{kernel::strips<Real>(w)};
    } else {
      low_rank_stage<Real> stage;
      g.read = kernel::strips<Real>(r);
      stage.write_is_read = equal(r, w);
      if (!stage.write_is_read) {
        stage.write = kernel::strips<Real>(w);
      }
      g.stage = std::move(stage);
    }
    return g;
  }

  /// A diagonal or dense stage, with the node that says how much of it a row receives.
  [[nodiscard]] group<Real> map(columns where, const term& t) const {
    group<Real> g;
    g.where = where;
    row_set reads;
    draft d{{t.edit}, {1.0F}, {}, {}, &t};
    d.form.read.resize(0, where.count);
    d.form.write.resize(0, where.count);
    node n;
    n.edits = d.edits;
    n.shares = d.shares;
    n.seen.resize(1);
    circumstances(n, t, reads);
    n.reads_norm = reads_norm(d);
    g.needs_norm = n.reads_norm;
    g.nodes.push_back(std::move(n));
    g.read = kernel::strips<Real>(reads.rows(where.count));
    if (const auto* const diagonal = std::get_if<diagonal_form>(t.form.get())) {
      g.stage = diagonal_stage<Real>{finite(diagonal->scale.array() - 1.0, t), finite(diagonal->shift, t)};
    } else {
      const auto& dense = std::get<dense_form>(*t.form);
      if (where.count > dense_numbers) {
        throw argument_error(
            text({thing(t.who), ": a dense map at layer ", at_layer(where_.layer), " ", to_string(where_.point),
                  " has width ", actual(where.count), "; at most ", expected(dense_numbers), " is possible"}));
      }
      std::shared_ptr<const kernel::strips<Real>>& shared = maps_[t.edit];
      if (shared == nullptr) {
        require_finite(dense.linear, t);
        shared = std::make_shared<const kernel::strips<Real>>(dense.linear);
      }
      g.stage = dense_stage<Real>{shared, finite(dense.shift, t)};
    }
    finish(g);
    return g;
  }

 private:
  using matrix_real = Eigen::Matrix<Real, Eigen::Dynamic, Eigen::Dynamic>;

  template <class Numbers>
  void require_finite(const Eigen::DenseBase<Numbers>& numbers, const term& of) const {
    if (!numbers.derived().template cast<Real>().allFinite()) {
      throw numeric_error(text({"plan: ", thing(of.who), ": a dose at layer ", at_layer(where_.layer), " ",
                                to_string(where_.point), " is not ", expected("finite")}));
    }
  }
  template <class Numbers>
  [[nodiscard]] matrix_real finite(const Eigen::DenseBase<Numbers>& numbers, const term& of) const {
    require_finite(numbers, of);
    return numbers.derived().template cast<Real>();
  }

  static bool reads_norm(const draft& d) {
    const auto& conditions = d.like->gate.conditions;
    return d.form.asks_for == low_rank_form::norm::current || d.like->norm.rule != norm_rule::none ||
           (d.like->asked.rows() > 0 && std::any_of(conditions.begin(), conditions.end(), [](const condition& c) {
              return c.reading == reading::cosine;
            }));
  }

  node node_of(const draft& d, row_set& reads, row_set& writes) const {
    node out;
    require_finite(d.form.read, *d.like);
    require_finite(d.form.write, *d.like);
    out.edits = d.edits;
    out.shares = d.shares;
    out.reads = reads.places(d.form.read);
    for (const std::vector<int>& own : d.reads_of) {
      out.seen.emplace_back();
      for (const int row : own) {
        out.seen.back().push_back(out.reads[static_cast<std::size_t>(row)]);
      }
    }
    out.writes = writes.places(d.form.write);
    out.only_reads = d.form.only_reads;
    out.decide = d.form.decide;
    if (out.decide == nullptr && !out.only_reads) {
      require_finite(d.form.linear, *d.like);
      require_finite(d.form.shift, *d.like);
      out.linear = d.form.linear;
      out.shift = d.form.shift;
    } else if (!out.only_reads) {
      for (const auto number : d.form.numbers) {
        if (std::isfinite(number)) {  // an infinite bound is none
          require_finite(Eigen::VectorXd::Constant(1, number), *d.like);
        }
      }
      out.own = d.form.numbers;
    }
    out.reads_entry = d.form.asks_for == low_rank_form::norm::entry;
    circumstances(out, *d.like, reads);
    out.reads_norm = reads_norm(d);
    if (doses_ == doses_from::recipe && is_affine(*d.like)) {
      out.gate = {};  // its share is in the numbers
    }
    return out;
  }

  static void circumstances(node& out, const term& t, row_set& reads) {
    out.asks = reads.places(t.asked);
    out.rows = t.rows;
    out.gate = t.gate;
    out.norm = t.norm;
    out.latch = t.latch;
    out.sets_latch = t.sets_latch;
    out.passages = t.passages;
    if (out.follows_latch()) {
      out.gate.conditions.clear();  // another node reads them
      out.gate.share = 1.0F;        // and the share is in what it keeps
    }
  }

  static void finish(group<Real>& g) {
    for (const node& n : g.nodes) {
      g.every_row |= n.concerns_every_row();
      g.writes |= !n.only_reads;
    }
    const node& first = g.nodes.front();
    // All numbers of the node are then at their own places, and its coordinates are those that were read.
    const bool in_place = first.reads.size() == static_cast<std::size_t>(g.gram.rows()) &&
                          first.writes.size() == static_cast<std::size_t>(g.m);
    g.plain = g.nodes.size() == 1 && g.every_row && first.decide == nullptr && !first.only_reads && !g.needs_norm &&
              first.asks.empty() && first.latch < 0 && first.gate == gate{} && in_place;
  }

  site where_;
  doses_from doses_;
  dense_maps<Real>& maps_;
};

}  // namespace detail
}  // namespace v0
}  // namespace steer
