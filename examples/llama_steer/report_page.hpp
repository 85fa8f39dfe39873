// llama_steer/report_page.hpp: a report as one HTML file: no network, and nothing that must run to read it.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "llama_steer/plot.hpp"
#include "llama_steer/report.hpp"
#include "steer/core/version.hpp"

namespace llama_steer {

namespace detail {

/// The points of a metric by dose.
inline std::vector<plot::point> points_of(const report& of, const std::string& behaviour, const std::string& kind, const std::string& metric) {
  std::vector<plot::point> out;
  for (const report_row& r : of.rows) {
    if (r.behaviour == behaviour && r.kind == kind && r.metric == metric) {
      out.push_back({r.dose, r.value, r.error.value_or(0.0), {}});
    }
  }
  return out;
}

/// Of each dose what it costs and what it brings.
inline std::vector<plot::point> frontier_of(const report& of, const std::string& behaviour, const std::string& kind) {
  std::vector<plot::point> out;
  const std::vector<plot::point> costs = points_of(of, behaviour, kind, "drift");
  for (const plot::point& gained : points_of(of, behaviour, kind, "recovery")) {
    for (const plot::point& cost : costs) {
      if (cost.x == gained.x) {
        out.push_back({cost.y, gained.y, gained.error, "dose " + plot::number(gained.x)});
      }
    }
  }
  return out;
}

inline std::string figure(const std::string& title, const std::string& drawing, const std::string& how) {
  return "<figure><figcaption><b>" + plot::escaped(title) + "</b> " + plot::escaped(how) + "</figcaption>" + drawing + "</figure>\n";
}

/// A number with its error, as a cell.
inline std::string cell(const std::vector<plot::point>& found) {
  if (found.empty()) {
    return "<td class=\"r\"></td>";
  }
  const int decimals = std::abs(found.back().y) < 1.0 ? 3 : 2;
  return "<td class=\"r\">" + plot::number(found.back().y, decimals) +
         (found.back().error == 0.0 ? std::string() : " \xC2\xB1 " + plot::number(found.back().error, decimals)) + "</td>";
}

/// A table, its first column of names.
inline std::string table(const std::vector<std::string>& head, const std::vector<std::pair<std::string, std::vector<std::string>>>& rows) {
  std::string out = "<div class=\"wide\"><table><tr>";
  for (std::size_t i = 0; i < head.size(); ++i) {
    out += (i == 0 ? "<th>" : "<th class=\"r\">") + plot::escaped(head[i]) + "</th>";
  }
  out += "</tr>";
  for (const auto& [name, cells] : rows) {
    out += "<tr><td>" + plot::escaped(name) + "</td>";
    for (const std::string& each : cells) {
      out += each;
    }
    out += "</tr>";
  }
  return out + "</table></div>";
}

/// A row for each kind and a column for each metric, at the dose of 1 where there are several.
inline std::string table_of(const report& of, const std::string& behaviour, const std::vector<std::string>& kinds,
                            const std::vector<std::pair<std::string, std::string>>& metrics) {
  std::vector<std::string> head{""};
  for (const auto& [metric, name] : metrics) {
    head.push_back(name);
  }
  std::vector<std::pair<std::string, std::vector<std::string>>> rows;
  for (const std::string& kind : kinds) {
    rows.push_back({kind, {}});
    for (const auto& [metric, name] : metrics) {
      std::vector<plot::point> found = points_of(of, behaviour, kind, metric);
      if (found.size() > 1) {
        std::erase_if(found, [](const plot::point& p) { return p.x != 1.0; });
      }
      rows.back().second.push_back(cell(found));
    }
  }
  return table(head, rows);
}

/// An answer, its tokens on a ground that is the darker the more was added.
inline std::string html_of(const told& answer) {
  if (answer.tokens.empty()) {
    return plot::escaped(answer.text);
  }
  double most = 0.0;
  for (const auto& [piece, share] : answer.tokens) {
    most = std::max(most, share);
  }
  std::string out;
  for (const auto& [piece, share] : answer.tokens) {
    out += "<span title=\"" + plot::number(share) + "\" style=\"background:rgba(194,87,26," + plot::number(most > 0.0 ? 0.5 * share / most : 0.0, 2) + ")\">" +
           plot::escaped(piece) + "</span>";
  }
  return out;
}

/// How much likelier each of them makes the answers that each instruction calls for; no drawing if nothing is known.
/// @param kind_of  what the figures of an acting behaviour are called on another one, or on itself
template <class KindOf>
std::string gains_of(const report& of, const std::string& x_name, const KindOf& kind_of) {
  plot::grid gains{.x_name = x_name, .y_name = "behaviour", .columns = {}, .rows = {}, .values = {}};
  bool known = false;
  for (const behaviour_report& acting : of.behaviours) {
    gains.columns.push_back(acting.name);
  }
  for (const behaviour_report& b : of.behaviours) {
    gains.rows.push_back(b.name);
    gains.values.emplace_back();
    for (const behaviour_report& acting : of.behaviours) {
      std::vector<plot::point> found = points_of(of, b.name, kind_of(b, acting), "gain");
      std::erase_if(found, [](const plot::point& p) { return p.x != 1.0; });
      gains.values.back().push_back(found.empty() ? std::numeric_limits<double>::quiet_NaN() : found.back().y);
      known = known || !found.empty();
    }
  }
  return known ? plot::drawn(gains) : std::string();
}

/// The behaviours that others may move, and by how much.
inline std::string bleed_of(const report& of) {
  const auto recipe = [](const behaviour_report& b, const behaviour_report& acting) { return acting.name == b.name ? b.kind : acting.name; };
  const auto prompt = [](const behaviour_report& b, const behaviour_report& acting) {
    return acting.name == b.name ? std::string("prompt") : acting.name + " prompt";
  };
  const std::string drawings = gains_of(of, "recipe that acts", recipe) + gains_of(of, "prompt that acts", prompt);
  return of.behaviours.size() < 2 || drawings.empty()
             ? std::string()
             : figure("Who moves whom.", drawings,
                      "How much likelier each recipe, and below it each prompt, makes the answers that an instruction calls for, in nats a token. The diagonal is what it is "
                      "for; what stands beside it below 0 makes the other behaviour less likely. A recipe that is as good as its prompt has the same squares.");
}

}  // namespace detail

/// The page.
inline std::string html_of(const report& of) {
  using plot::escaped;
  std::string out =
      "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">"
      "<title>Steering report</title><style>"
      ":root{--paper:#fff;--ink:#1c1f24;--soft:#5b636e;--grid:#e3e6ea;--c0:#2563b0;--c1:#c2571a;--c2:#6b7280;--c3:#2c8a57;--c4:#8a3fa0;--c5:#a3843a}"
      "@media(prefers-color-scheme:dark){:root{--paper:#15181d;--ink:#e6e9ed;--soft:#9aa3ae;--grid:#2b313a;--c0:#6ea8f0;--c1:#f0955c;--c2:#9aa3ae;"
      "--c3:#67c795;--c4:#c98be0;--c5:#d9bd6e}}"
      "@media print{:root{--paper:#fff;--ink:#000;--soft:#444;--grid:#ddd}figure,tr{break-inside:avoid}}"
      "body{margin:0 auto;max-width:860px;padding:24px 16px;background:var(--paper);color:var(--ink);font:15px/1.5 system-ui,sans-serif}"
      "h1{font-size:24px}h2{font-size:19px;margin-top:40px;border-top:1px solid var(--grid);padding-top:20px}figure{margin:24px 0}"
      "figcaption{color:var(--soft);margin-bottom:6px}figcaption b{color:var(--ink)}.wide{overflow-x:auto}"
      "table{border-collapse:collapse;width:100%;font-size:13px}th,td{text-align:left;vertical-align:top;padding:5px 10px 5px 0;border-bottom:1px solid "
      "var(--grid)}td.r,th.r{text-align:right;white-space:nowrap}code{overflow-wrap:anywhere}";
  out += plot::style;
  out += "</style></head><body>\n<h1>Steering report</h1>\n<p>Model " + escaped(of.model) +
         ". A recipe that was fitted to an instruction should, at dose 1, make the model do unasked what it does when it is asked. Recovery is the share of the "
         "instruction's effect on the next-token distributions that is there, on requests that the fit has not seen; drift is how far the distributions of "
         "unrelated prose move, which should be little. Bars and \xC2\xB1 are one standard error.</p>\n";
  out += detail::bleed_of(of);
  for (const behaviour_report& b : of.behaviours) {
    const bool has_prompt = !b.instruction.empty();
    out += "<h2>" + escaped(b.name) + "</h2>\n<p>" +
           (has_prompt ? "Instruction: \xE2\x80\x9C" + escaped(b.instruction) + "\xE2\x80\x9D"
                       : std::string("Nothing says which instruction this stands for, so all that compares with a prompt is left out.")) +
           " Kind: " + escaped(b.kind) + ".</p>\n";
    const auto by_dose = [&](const std::string& metric) { return detail::points_of(of, b.name, b.kind, metric); };
    if (has_prompt) {
      out += detail::figure("What a dose brings.", plot::drawn({"dose", "recovery", {{b.kind, by_dose("recovery"), 0}, {"first token", by_dose("recovery_first"), 3}}, {{"prompt", 1.0}}, 0.0}),
                            "Higher is better; the dashed line is the prompt itself. Beyond the dose at which the line turns down the model overshoots.");
    }
    std::vector<plot::mark> prompt_drift;
    if (const auto found = detail::points_of(of, b.name, "prompt", "drift_requests"); !found.empty()) {
      prompt_drift.push_back({"prompt", found.back().y});
    }
    out += detail::figure("What it costs.",
                          plot::drawn({"dose", "drift, nats a token", {{"prose", by_dose("drift"), 1}, {"own answers", by_dose("drift_requests"), 4}}, prompt_drift, 0.0}),
                          "How far the distributions move: of prose that has nothing to do with the instruction, where lower is better, and of the answers that the "
                          "plain model gives itself, where the dashed line is what the prompt does.");
    if (has_prompt) {
      out += detail::figure("Effect against drift.",
                            plot::drawn({"drift on prose, nats a token", "recovery",
                                         {{b.kind, detail::frontier_of(of, b.name, b.kind), 0},
                                          {"mean difference", detail::frontier_of(of, b.name, "mean_difference"), 1, false},
                                          {"random", detail::frontier_of(of, b.name, "random"), 2, false},
                                          {"prompt", {{0.0, 1.0, 0.0, {}}}, 3, false}},
                                         {{"prompt", 1.0}},
                                         0.0}),
                            "Up and to the left is better; the prompt, which prose does not see, is the corner. The mean difference is added at the layer and strength that recover "
                            "most on other requests; random directions as long as the recipe's edits show what any push does.");
      out += "<figure><figcaption><b>At dose 1.</b> Recovery, of the first token, log-likelihood gained, drift on prose and on the plain model's own answers in "
             "nats a token; loss is how much less likely the prose is; norms are those of the steered rows beside the plain ones.</figcaption>" +
             detail::table_of(of, b.name, {b.kind, "mean_difference", "random", "prompt"},
                              {{"recovery", "recovery"}, {"recovery_first", "first"}, {"gain", "gain"}, {"drift", "drift"}, {"drift_requests", "own answers"},
                               {"nll", "loss"}, {"norm_ratio_p50", "norm, p50"}, {"norm_ratio_p99", "p99"}}) +
             "</figure>\n";
    }
    if (!b.layers.empty()) {
      std::vector<plot::point> ratio;
      std::vector<plot::point> explained;
      for (const auto& [layer, here] : b.layers) {
        ratio.push_back({static_cast<double>(layer), here.norm_ratio, 0.0, {}});
        explained.push_back({static_cast<double>(layer), here.explained, 0.0, {}});
      }
      out += detail::figure("Layer by layer.", plot::drawn({"layer", "share", {{"norm ratio", ratio, 4}, {"explained", explained, 3}}, {}, 0.0}),
                            "Norm ratio: how long the edit is beside a row. Explained: the share of what was still missing at that layer that it adds.");
    }
    if (!b.norms.empty()) {
      plot::grid norms{.x_name = "dose", .y_name = "layer", .columns = {}, .rows = {}, .values = {}, .with_numbers = false};
      for (const auto& [dose, layers] : b.norms) {
        norms.columns.push_back(plot::number(dose));
        norms.values.resize(layers.size());
        norms.rows.clear();
        for (auto& [layer, ratio] : layers) {
          norms.values[norms.rows.size()].push_back(ratio);
          norms.rows.push_back(std::to_string(layer));
        }
      }
      out += detail::figure("Where rows grow.", plot::drawn(norms),
                            "The 99th percentile of the steered rows' norms beside the plain ones, by layer and dose; darker is larger, and a cell tells its number. Where it "
                            "is far from 1 the dose pushes rows where the model has never been.");
    }
    std::vector<std::string> kinds{"plain"};
    if (has_prompt) {
      kinds.push_back("prompt");
    }
    kinds.push_back(b.kind);
    out += "<figure><figcaption><b>Answers that each wrote itself.</b> Words and repetition are means; likeness is how much rather the prompted than the plain "
           "model would have written them, in nats a token; perplexity is that under the plain model.</figcaption>" +
           detail::table_of(of, b.name, kinds, {{"words", "words"}, {"distinct2", "distinct-2"}, {"likeness", "likeness"}, {"perplexity", "perplexity"}}) +
           "</figure>\n<figure><figcaption><b>Five of them side by side.</b> Each cut where the report cuts. The steered tokens stand on a ground that is the darker the "
           "more was added to the row that foretold them.</figcaption><div class=\"wide\"><table><tr><th>request</th>";
    for (const std::string& kind : kinds) {
      out += "<th>" + escaped(kind) + "</th>";
    }
    out += "</tr>";
    for (std::size_t i = 0; i < std::min<std::size_t>(5, b.told.size()); ++i) {
      out += "<tr><td>" + escaped(b.told[i].request) + "</td>";
      for (const told& each : b.told[i].answers) {
        out += "<td>" + detail::html_of(each) + "</td>";
      }
      out += "</tr>";
    }
    out += "</table></div></figure>\n<p>File " + escaped(b.files) + ", content <code>" + escaped(b.digests) + "</code>.</p>\n";
  }
  nlohmann::ordered_json data = nlohmann::ordered_json::array();
  for (const report_row& r : of.rows) {
    data.push_back({{"behaviour", r.behaviour}, {"kind", r.kind}, {"dose", r.dose}, {"metric", r.metric}, {"value", r.value}, {"stderr", nullptr}});
    if (r.error) {
      data.back()["stderr"] = *r.error;
    }
  }
  std::string embedded = data.dump();
  for (std::size_t at = embedded.find('<'); at != std::string::npos; at = embedded.find('<', at)) {
    embedded.replace(at, 1, "\\u003c");
  }
  out += "<script type=\"application/json\" id=\"data\">" + embedded + "</script>\n<h2>Settings</h2>\n<p>" + escaped(of.settings) +
         ".</p>\n<p>Model fingerprint <code>" + escaped(of.fingerprint) + "</code>; steer " +
         std::string(steer::text({STEER_VERSION_MAJOR, ".", STEER_VERSION_MINOR, ".", STEER_VERSION_PATCH})) + ".</p>\n</body></html>\n";
  return out;
}

}  // namespace llama_steer
