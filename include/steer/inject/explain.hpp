// steer/inject/explain.hpp: what a compiled site does and costs, in words.
#pragma once

#include <cstddef>
#include <string>
#include <type_traits>
#include <variant>

#include "steer/core/error.hpp"
#include "steer/inject/group.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

inline std::string explain_node(const node& n, const recipe& source) {
  std::string out;
  for (const std::size_t edit : n.edits) {
    out += text({out.empty() ? "" : " + ", to_string(source.edits()[edit])});
  }
  if (n.sets_latch) {
    return text({"read the gate of ", out});
  }
  if (n.edits.size() > 1) {
    out = text({"(", out, ")"});
  }
  out += n.rows.everything() ? "" : n.passages != 0 ? ", rows in passages" : ", some rows";
  out += !n.gate.conditions.empty() ? ", gated" : n.latch >= 0 ? ", latched" : "";
  switch (n.norm.rule) {
    case norm_rule::none: break;
    case norm_rule::restore: out += ", norm restored"; break;
    case norm_rule::restore_if_grown: out += ", norm restored if grown"; break;
    case norm_rule::cap: out += text({", norm capped at ", n.norm.ratio, " times"}); break;
  }
  return out;
}

/// One group: its decisions, k directions read, m written, and what a row costs.
template <class Real>
std::string explain(const group<Real>& g, const recipe& source, std::size_t bytes_of_scalar, std::ptrdiff_t width) {
  std::string out = "  ";
  for (std::size_t i = 0; i < g.nodes.size(); ++i) {
    out += text({i == 0 ? "" : "; ", explain_node(g.nodes[i], source)});
  }
  const std::ptrdiff_t d = g.where.count;
  std::ptrdiff_t k = g.k();
  std::ptrdiff_t m = 0;
  std::ptrdiff_t flops = 0;
  std::visit(
      [&](const auto& stage) {
        using kind = std::remove_cvref_t<decltype(stage)>;
        if constexpr (std::is_same_v<kind, low_rank_stage<Real>>) {
          m = g.m;
          flops = 2 * d * (k + m);
        } else if constexpr (std::is_same_v<kind, bias_stage<Real>>) {
          m = 1;
          flops = (g.plain ? 1 : 2) * d;
        } else if constexpr (std::is_same_v<kind, diagonal_stage<Real>>) {
          flops = (4 + 2 * k) * d;
        } else {
          flops = (2 * d + 2 * k + 4) * d;
        }
      },
      g.stage);
  flops += g.needs_norm || g.records_entry ? 2 * d : 0;
  const std::ptrdiff_t bytes = (g.writes ? 2 : 1) * d * static_cast<std::ptrdiff_t>(bytes_of_scalar);
  out += text({": k ", k, ", m ", m, ", ", flops, " flops and ", bytes, " bytes per row"});
  if (d != width) {
    out += text({", columns ", g.where.first, " to ", g.where.first + d - 1});
  }
  return out + "\n";
}

}  // namespace detail
}  // namespace v0
}  // namespace steer
