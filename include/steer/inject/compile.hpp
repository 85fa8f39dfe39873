// steer/inject/compile.hpp: from what edits do at a site to the groups that a call runs.
#pragma once

#include <Eigen/Core>
#include <algorithm>
#include <cstddef>
#include <iterator>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "steer/core/error.hpp"
#include "steer/inject/group.hpp"
#include "steer/inject/merge.hpp"
#include "steer/inject/term.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

/// Compiles the terms of one site.
///
/// @throws numeric_error if a number is not finite in Real; argument_error if an edit is too wide or there are too many
template <class Real>
class site_compiler {
 public:
  site_compiler(site where, bool separate) : where_(where), separate_(separate) {}

  [[nodiscard]] site_program<Real> compile(const std::vector<term>& all) {
    for (const segment& part : segments(all)) {
      std::vector<term> low_rank;
      for (const term& t : part.terms) {
        if (std::holds_alternative<low_rank_form>(t.form)) {
          require_rank(t);
          low_rank.push_back(t);
        } else {
          add_low_rank(part.where, std::exchange(low_rank, {}));
          add_map(part.where, t);
        }
      }
      add_low_rank(part.where, std::exchange(low_rank, {}));
    }
    place_entries();
    for (const group<Real>& g : out_.groups) {
      out_.writes |= g.writes;
    }
    return std::move(out_);
  }

 private:
  using matrix_real = Eigen::Matrix<Real, Eigen::Dynamic, Eigen::Dynamic>;

  struct segment {
    columns where;
    std::vector<term> terms;
  };

  static bool does_nothing(const term& t) {
    return !t.sets_latch &&
           (t.gate.amount == 0.0F || std::visit([](const auto& f) { return f.does_nothing(); }, t.form));
  }

  /// Terms on the same columns side by side. Edits of disjoint columns may change places, others keep their order.
  static std::vector<segment> segments(const std::vector<term>& all) {
    std::vector<segment> out;
    for (const term& t : all) {
      if (does_nothing(t)) {
        continue;
      }
      auto home = out.end();
      for (auto s = out.rbegin(); s != out.rend(); ++s) {
        if (s->where == t.where) {
          home = std::prev(s.base());
          break;
        }
        if (s->where.overlap(t.where)) {
          break;
        }
      }
      if (home == out.end()) {
        home = out.insert(out.end(), segment{t.where, {}});
      }
      home->terms.push_back(t);
    }
    return out;
  }

  void require_rank(const term& t) const {
    const low_rank_form& f = std::get<low_rank_form>(t.form);
    const Eigen::Index rank = std::max(f.read.rows() + t.asked.rows(), f.write.rows());
    if (rank > most_merged) {
      throw argument_error(text("plan: an edit at ", to_string(where_), " has rank ", rank, "; at most ", most_merged,
                                " is possible, above that use a dense map"));
    }
  }

  template <class Numbers>
  void require_finite(const Eigen::DenseBase<Numbers>& numbers) const {
    if (!numbers.derived().template cast<Real>().allFinite()) {
      throw numeric_error(text("plan: a dose at ", to_string(where_), " is not finite"));
    }
  }
  template <class Numbers>
  [[nodiscard]] matrix_real finite(const Eigen::DenseBase<Numbers>& numbers) const {
    require_finite(numbers);
    return numbers.derived().template cast<Real>();
  }

  /// Splits decisions into groups that keep within their limits.
  void add_low_rank(columns where, const std::vector<term>& all) {
    std::vector<draft> drafts = merge(all, separate_);
    std::erase_if(drafts, [](const draft& d) {  // doses below what Real can hold
      return d.form.decided_by != low_rank_form::policy::none && d.form.write.template cast<Real>().isZero(Real{0});
    });
    std::vector<draft> part;
    Eigen::Index reads = 0;
    Eigen::Index writes = 0;
    for (draft& d : drafts) {
      const Eigen::Index r = d.form.read.rows() + d.form.write.rows() + d.like->asked.rows();
      const Eigen::Index w = d.form.write.rows();
      if (!part.empty() && (reads + r > most_reads || writes + w > most_writes)) {
        add_group(where, std::exchange(part, {}));
        reads = writes = 0;
      }
      reads += r;
      writes += w;
      part.push_back(std::move(d));
    }
    if (!part.empty()) {
      add_group(where, part);
    }
  }

  static bool reads_norm(const draft& d) {
    const auto& conditions = d.like->gate.conditions;
    return d.form.asks_for == low_rank_form::norm::current || d.like->norm.rule != norm_rule::none ||
           (d.like->asked.rows() > 0 && std::any_of(conditions.begin(), conditions.end(), [](const condition& c) {
              return c.reading == reading::cosine;
            }));
  }

  void add_group(columns where, const std::vector<draft>& drafts) {
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
      g.tracks_norm |= !drafts[i].form.write.isZero(0.0) && drafts[i].form.write.rows() > 0;
    }
    const matrix<double> r = reads.rows(where.count);
    const matrix<double> w = writes.rows(where.count);
    require_finite(w);
    require_finite(r);
    g.m = w.rows();
    g.gram = finite(r * w.transpose());
    finish(g);
    if (r.rows() == 0 && w.rows() == 1 && !g.needs_norm) {
      g.stage = bias_stage<Real>{w.row(0).transpose().cast<Real>()};
    } else {
      low_rank_stage<Real> stage;
      g.read = kernel::strips<Real>(r);
      stage.write_is_read = equal(r, w);
      if (!stage.write_is_read) {
        stage.write = kernel::strips<Real>(w);
      }
      g.stage = std::move(stage);
    }
    out_.groups.push_back(std::move(g));
  }

  node<Real> node_of(const draft& d, row_set& reads, row_set& writes) const {
    node<Real> out;
    out.edits = d.edits;
    out.reads = reads.places(d.form.read);
    for (const std::vector<int>& own : d.reads_of) {
      out.seen.emplace_back();
      for (const int row : own) {
        out.seen.back().push_back(out.reads[static_cast<std::size_t>(row)]);
      }
    }
    out.writes = writes.places(d.form.write);
    out.only_reads = d.form.decided_by == low_rank_form::policy::none;
    if (d.form.decided_by == low_rank_form::policy::affine) {
      out.turn = finite(d.form.turn);
      out.shift = finite(d.form.shift);
    } else if (!out.only_reads) {
      out.decide = policies<Real>[d.kind];
      for (const double number : d.form.numbers) {
        out.own.push_back(static_cast<Real>(number));
      }
    }
    out.reads_entry = d.form.asks_for == low_rank_form::norm::entry;
    circumstances(out, *d.like, reads);
    out.reads_norm = reads_norm(d);
    if (!separate_ && is_affine(*d.like)) {
      out.gate = {};  // its amount is in the numbers
    }
    return out;
  }

  static void circumstances(node<Real>& out, const term& t, row_set& reads) {
    out.asks = reads.places(t.asked);
    out.rows = t.rows;
    out.gate = t.gate;
    out.norm = t.norm;
    out.latch = t.latch;
    out.sets_latch = t.sets_latch;
    if (t.latch >= 0 && !t.sets_latch) {
      out.gate.conditions.clear();  // another node reads them
      out.gate.amount = 1.0F;       // and the amount is in what it keeps
    }
  }

  /// A diagonal or dense stage, with the node that says how much of it a row receives.
  void add_map(columns where, const term& t) {
    group<Real> g;
    g.where = where;
    row_set reads;
    draft d{{t.edit}, t.kind, {}, {}, &t};
    d.form.read.resize(0, where.count);
    d.form.write.resize(0, where.count);
    node<Real> n;
    n.edits = d.edits;
    n.seen.resize(1);
    circumstances(n, t, reads);
    n.reads_norm = reads_norm(d);
    g.needs_norm = n.reads_norm;
    g.nodes.push_back(std::move(n));
    g.read = kernel::strips<Real>(reads.rows(where.count));
    if (const auto* diagonal = std::get_if<diagonal_form>(&t.form)) {
      g.stage = diagonal_stage<Real>{finite(diagonal->scale.array() - 1.0), finite(diagonal->shift)};
    } else {
      const dense_form& dense = std::get<dense_form>(t.form);
      if (where.count > dense_numbers) {
        throw argument_error(text("plan: a dense map at ", to_string(where_), " has width ", where.count, "; at most ",
                                  dense_numbers, " is possible"));
      }
      require_finite(dense.linear);
      g.stage = dense_stage<Real>{kernel::strips<Real>(dense.linear), finite(dense.shift)};
    }
    finish(g);
    out_.groups.push_back(std::move(g));
  }

  static void finish(group<Real>& g) {
    for (const node<Real>& n : g.nodes) {
      g.every_row |= n.concerns_every_row();
      g.writes |= !n.only_reads;
    }
    const node<Real>& first = g.nodes.front();
    g.plain = g.nodes.size() == 1 && g.every_row && first.decide == nullptr && !first.only_reads && !g.needs_norm &&
              first.asks.empty() && first.latch < 0 && first.gate == gate{};
  }

  /// Decides which group, if any, sees each set of columns first and so takes their norm on entry.
  void place_entries() {
    std::vector<columns> kept;
    for (group<Real>& g : out_.groups) {
      if (std::none_of(g.nodes.begin(), g.nodes.end(), [](const node<Real>& n) { return n.reads_entry; })) {
        continue;
      }
      const auto found = std::find(kept.begin(), kept.end(), g.where);
      g.entry = found - kept.begin();
      if (found != kept.end()) {
        continue;
      }
      kept.push_back(g.where);
      if (std::any_of(out_.groups.data(), &g, [&g](const group<Real>& before) { return before.where.overlap(g.where); })) {
        out_.early_entries.emplace_back(g.entry, g.where);
      } else {
        g.records_entry = true;
      }
    }
    out_.entries = std::ssize(kept);
    if (out_.entries > most_entries) {
      throw argument_error(text("plan: ", to_string(where_), " has doses of row norms in ", out_.entries,
                                " sets of columns; at most ", most_entries, " are possible"));
    }
  }

  site where_;
  bool separate_;
  site_program<Real> out_;
};

}  // namespace detail
}  // namespace v0
}  // namespace steer
