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
#include "steer/core/real.hpp"
#include "steer/inject/build_group.hpp"
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
  using draft = dependent_type<Real, detail::draft>;
  using node = dependent_type<Real, detail::node>;
  using term = dependent_type<Real, detail::term>;

 public:
  site_compiler(site where, doses_from doses, dense_maps<Real>& maps)
      : where_(where), doses_(doses), builder_(where, doses, maps) {}

  [[nodiscard]] site_program<Real> compile(const std::vector<term>& all) {
    for (const segment& part : segments(all)) {
      std::vector<term> low_rank;
      for (const term& t : part.terms) {
        require_rank(t);
        if (std::holds_alternative<low_rank_form>(*t.form)) {
          low_rank.push_back(t);
        } else {
          add_low_rank(part.where, std::exchange(low_rank, {}));
          out_.groups.push_back(builder_.map(part.where, t));
        }
      }
      add_low_rank(part.where, std::exchange(low_rank, {}));
    }
    place_entries();
    for (const group<Real>& g : out_.groups) {
      out_.writes |= g.writes;
      out_.every_row &=
          std::all_of(g.nodes.begin(), g.nodes.end(), [](const node& n) { return n.concerns_every_row(); });
      out_.writes_once &= out_.groups.size() == 1 && g.is_low_rank() &&
                          std::all_of(g.nodes.begin(), g.nodes.end(), [](const node& n) { return n.moved.empty(); });
    }
    return std::move(out_);
  }

 private:
  struct segment {
    columns where;
    std::vector<term> terms;
  };

  static bool does_nothing(const term& t) {
    return t.gate.share == 0.0F ||
           (!t.sets_latch && detail::does_nothing(*t.form));
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

  /// What a decision reads and writes has a place on the stack of a call.
  void require_rank(const term& t) const {
    const auto* const f = std::get_if<low_rank_form>(t.form.get());
    const Eigen::Index rank =
        f != nullptr ? std::max(f->read.rows() + t.asked.rows(), f->write.rows()) : t.asked.rows();
    if (rank > most_merged) {
      const std::string own = f != nullptr && f->read.rows() + f->write.rows() > 0 ? ", above that use a dense map" : "";
      throw argument_error(
          text({thing(t.who), ": at layer ", at_layer(where_.layer), " ", to_string(where_.point), " it has rank ",
                actual(rank),
                t.asked.rows() > 0 ? text({" with its gate's ", t.asked.rows(), " conditions"}) : std::string(),
                "; at most ", expected(most_merged), " is possible", own}));
    }
  }

  /// Splits decisions into groups that keep within their limits.
  void add_low_rank(columns where, const std::vector<term>& all) {
    std::vector<draft> drafts = merge(all, doses_);
    std::erase_if(drafts, [](const draft& d) {  // doses below what Real can hold
      return !d.form.only_reads && d.form.write.template cast<Real>().isZero(Real{0});
    });
    std::vector<draft> part;
    Eigen::Index reads = 0;
    Eigen::Index writes = 0;
    for (draft& d : drafts) {
      const Eigen::Index r = d.form.read.rows() + d.form.write.rows() + d.like->asked.rows();
      const Eigen::Index w = d.form.write.rows();
      if (!part.empty() && (reads + r > most_reads || writes + w > most_writes)) {
        out_.groups.push_back(builder_.low_rank(where, std::exchange(part, {})));
        reads = writes = 0;
      }
      reads += r;
      writes += w;
      part.push_back(std::move(d));
    }
    if (!part.empty()) {
      out_.groups.push_back(builder_.low_rank(where, part));
    }
  }

  /// Decides which group, if any, sees each set of columns first and so takes their norm on entry.
  void place_entries() {
    std::vector<columns> kept;
    for (group<Real>& g : out_.groups) {
      if (std::none_of(g.nodes.begin(), g.nodes.end(), [](const node& n) { return n.reads_entry; })) {
        continue;
      }
      const auto found = std::find(kept.begin(), kept.end(), g.where);
      g.entry = found - kept.begin();
      if (found != kept.end()) {
        record_for_every_row(g.entry);
        continue;
      }
      kept.push_back(g.where);
      if (std::any_of(out_.groups.data(), &g,
                      [&g](const group<Real>& before) { return before.where.overlap(g.where); })) {
        out_.early_entries.emplace_back(g.entry, g.where);
      } else {
        g.records_entry = true;
      }
    }
    out_.entries = std::ssize(kept);
    if (out_.entries > most_entries) {
      throw argument_error(
          text({"plan: layer ", at_layer(where_.layer), " ", to_string(where_.point), " has doses of row norms in ",
                actual(out_.entries), " sets of columns; at most ", expected(most_entries), " are possible"}));
    }
  }

  /// Another group asks for a norm on entry, perhaps of rows that the group which records it does not see.
  void record_for_every_row(std::ptrdiff_t entry) {
    for (group<Real>& g : out_.groups) {
      if (g.records_entry && g.entry == entry && !g.every_row) {
        g.records_entry = false;
        out_.early_entries.emplace_back(entry, g.where);
      }
    }
  }

  site where_;
  doses_from doses_;
  group_builder<Real> builder_;
  site_program<Real> out_;
};

}  // namespace detail
}  // namespace v0
}  // namespace steer
