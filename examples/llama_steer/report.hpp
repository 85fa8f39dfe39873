// llama_steer/report.hpp: what recipes do to a model, beside the prompts that they stand for, as a table and as a page.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <map>
#include <optional>
#include <ostream>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <nlohmann/json.hpp>

#include "llama_steer/fit.hpp"
#include "llama_steer/measures.hpp"
#include "llama_steer/plot.hpp"
#include "llama_steer/text_lines.hpp"
#include "steer/core/version.hpp"
#include "steer/io/recipe_file.hpp"
#include "terminal.hpp"

namespace llama_steer {

struct report_options {
  model_options model;
  std::vector<std::filesystem::path> recipes;
  std::string instruction;  ///< of a recipe that does not say its own
  bool as_system = false;
  std::filesystem::path requests = std::filesystem::path(STEER_LLAMA_STEER_DATA) / "requests.txt";
  std::filesystem::path prose = std::filesystem::path(STEER_LLAMA_STEER_DATA) / "prose.txt";
  std::vector<float> doses{0.25F, 0.5F, 0.75F, 1.0F, 1.25F, 1.5F};
  std::size_t judges = 20;  ///< requests: the last ones
  std::size_t tokens = 48;
  std::uint64_t seed = 1;
  std::filesystem::path out = "report.html";
  std::filesystem::path csv;
};

/// One figure.
struct report_row {
  std::string behaviour;
  std::string kind;  ///< the recipe's, or plain, prompt or random
  double dose = 0.0;
  std::string metric;
  double value = 0.0;
  std::optional<double> error = std::nullopt;
};

/// One request, answered by each.
struct told_side_by_side {
  std::string request;
  std::vector<std::pair<std::string, std::string>> answers;  ///< by kind
};

struct behaviour_report {
  std::string name;
  std::string instruction;
  std::string kind;
  std::string file;
  std::string digest;
  std::vector<told_side_by_side> told;
  std::map<int, steer::fitted_layer> layers;
};

struct report {
  std::string model;
  std::string fingerprint;
  std::vector<behaviour_report> behaviours = {};
  std::vector<report_row> rows = {};
};

namespace detail {

/// Constant additions along random directions, at each layer as long as what the recipe adds there; empty if that is not known.
inline steer::recipe random_like(const steer::documented_recipe& of, std::uint64_t seed) {
  steer::recipe out;
  std::mt19937_64 engine(seed);
  std::normal_distribution<float> normal;
  if (!of.fitted) {
    return out;
  }
  for (const steer::edit& each : of.recipe.edits()) {
    const auto* addition = std::get_if<steer::add_edit>(&each.operation);
    if (addition == nullptr || addition->vector.directions.size() != 1) {
      continue;
    }
    const auto& [layer, direction] = *addition->vector.directions.begin();
    const auto known = of.fitted->layers.find(layer);
    if (known == of.fitted->layers.end() || !direction.row_norm) {
      continue;
    }
    steer::steering_vector v{.name = "random"};
    v.directions[layer].values = Eigen::VectorXf::NullaryExpr(direction.values.size(), [&] { return normal(engine); });
    v.directions[layer].values *= static_cast<float>(known->second.norm_ratio * *direction.row_norm) / v.directions[layer].values.norm();
    out.add(v, {.unit = steer::strength_unit::raw}, {.layers = {layer}, .rows = each.where.rows});
  }
  return out;
}

}  // namespace detail

/// What can be told of the options before a model is loaded.
/// @return the recipes
/// @throws steer::argument_error if there is none, one has no dose or no instruction, or there are not as many requests as judge
inline std::vector<steer::documented_recipe> check(const report_options& o) {
  std::vector<steer::documented_recipe> out;
  if (o.recipes.empty()) {
    throw steer::argument_error(steer::text({"report: has ", steer::actual("no --recipe"), "; expected ", steer::expected("at least one")}));
  }
  for (const std::filesystem::path& file : o.recipes) {
    out.push_back(steer::load_recipe(file));
    static_cast<void>(steer::with_dose(out.back().recipe, 0.0F));
    if (!out.back().fitted && o.instruction.empty()) {
      throw steer::argument_error(steer::text({"report: file ", file.string(), " says ", steer::actual("no instruction"), " that it stands for; expected ",
                                               steer::expected("--instruction")}));
    }
  }
  require_template(o.model, "report");
  const std::size_t requests = read_lines(o.requests, o.model.lines).size();
  if (o.judges < 2 || requests < o.judges) {
    throw steer::argument_error(steer::text({"report: has ", steer::actual(requests), " requests, of which ", o.judges, " judge; expected ",
                                             steer::expected("at least 2, and as many requests")}));
  }
  static_cast<void>(read_lines(o.prose));
  return out;
}

/// @param recipes  what `check` has read
/// @throws as `answered_requests` and `judge`
inline report measure(llama_model* model, const report_options& o, const std::vector<steer::documented_recipe>& recipes) {
  std::vector<std::string> requests = read_lines(o.requests, o.model.lines);
  requests.erase(requests.begin(), requests.end() - static_cast<std::ptrdiff_t>(o.judges));
  const std::vector<token_list> prose = prose_of(*model, o.prose);
  const steer::model_shape shape = make_host(model, o.model, 1, 1).shape();
  report out{.model = shape.name, .fingerprint = shape.fingerprint};
  for (std::size_t r = 0; r < recipes.size(); ++r) {
    const steer::documented_recipe& of = recipes[r];
    behaviour_report about;
    about.name = of.fitted ? of.fitted->behaviour : o.recipes[r].stem().string();
    about.instruction = o.instruction.empty() ? of.fitted->instruction : o.instruction;
    about.kind = of.fitted ? of.fitted->kind : "recipe";
    about.file = o.recipes[r].filename().string();
    about.digest = steer::content_digest(of);
    about.layers = of.fitted ? of.fitted->layers : std::map<int, steer::fitted_layer>{};
    example::progress_bar progress(steer::text({"reporting ", about.name}));
    std::vector<steer::answered_request> asked = answered_requests(model, o.model, requests, about.instruction, o.as_system, o.tokens, o.seed,
                                                                   [&](double done) { progress(0.2 * done); });

    // Along the prompted model's answers.
    const auto row = [&](const std::string& kind, double dose, const char* metric, double value, std::optional<double> error = std::nullopt) {
      out.rows.push_back({about.name, kind, dose, metric, value, error && std::isfinite(*error) ? error : std::nullopt});
    };
    const auto estimated = [&](const std::string& kind, double dose, const char* metric, const steer::estimate& e) {
      row(kind, dose, metric, e.value, e.error);
    };
    std::vector<steer::plan> plans;
    std::vector<std::pair<std::string, double>> names;
    for (const float dose : o.doses) {
      plans.emplace_back(steer::with_dose(of.recipe, dose), shape);
      names.emplace_back(about.kind, static_cast<double>(dose));
    }
    if (const steer::recipe control = detail::random_like(of, o.seed); !control.empty()) {
      plans.emplace_back(control, shape);
      names.emplace_back("random", 1.0);
    }
    plans.emplace_back(of.recipe, shape);  // for the free answers
    std::vector<steer::answered_request> judged = asked;
    std::erase_if(judged, [](const steer::answered_request& each) { return each.answer.empty(); });
    const std::vector<judgement> found = judge(model, o.model, judged, prose, std::span(plans).first(names.size()));
    for (std::size_t i = 0; i < names.size(); ++i) {
      const auto& [kind, dose] = names[i];
      estimated(kind, dose, "recovery", steer::recovery(found[i].requests));
      estimated(kind, dose, "recovery_first", steer::recovery_of_first_token(found[i].requests));
      estimated(kind, dose, "gain", steer::likelihood_gain(found[i].requests));
      estimated(kind, dose, "drift", steer::drift(found[i].prose));
      row(kind, dose, "drift_p95", steer::drift_quantile(found[i].prose, 0.95));
      estimated(kind, dose, "nll", steer::likelihood_loss(found[i].prose));
      row(kind, dose, "wrong_way", steer::wrong_way(found[i].requests));
    }
    estimated("prompt", 1.0, "effect", steer::prompt_effect(found.front().requests));
    progress(0.7);

    // Answers that each writes itself.
    for (const std::string& request : requests) {
      about.told.push_back({request, {}});
    }
    for (const std::string& kind : {std::string("plain"), std::string("prompt"), about.kind}) {
      std::vector<token_list> prompts;
      for (const steer::answered_request& each : asked) {
        prompts.push_back(kind == "prompt" ? each.prompted : each.plain);
      }
      steer::llama_cpp_host host = make_host(model, o.model, prompts.size(), longest(prompts) + o.tokens + 1);
      if (kind == about.kind) {
        host.steer(plans.back());
      }
      const std::vector<answer> answers = answer_all(host, prompts, o.tokens, {}, sampler(prompts.size(), 0.8, 0.95, o.seed + 100));
      double words_told = 0.0;
      double distinct = 0.0;
      std::vector<steer::answered_request> own;
      for (std::size_t i = 0; i < answers.size(); ++i) {
        const std::string said = without_thoughts(answers[i].text);
        words_told += static_cast<double>(words(said).size()) / static_cast<double>(answers.size());
        distinct += distinct_2(words(said)) / static_cast<double>(answers.size());
        about.told[i].answers.emplace_back(kind, said);
        if (!answers[i].tokens.empty()) {
          own.push_back({asked[i].prompted, asked[i].plain, answers[i].tokens});
        }
      }
      const double dose = kind == "plain" ? 0.0 : 1.0;
      row(kind, dose, "words", words_told);
      row(kind, dose, "distinct2", distinct);
      if (!own.empty()) {
        host.clear_hook();
        steer::llama_cpp_host reader = make_judge(model, o.model, own);
        const auto read = steer::compare_with_prompt(reader, own, {});
        estimated(kind, dose, "likeness", steer::likeness(read.front()));
        double likelihood = 0.0;
        double count = 0.0;
        for (const steer::prompt_comparison& each : read.front()) {
          likelihood += each.plain_likelihood;
          count += static_cast<double>(each.tokens);
        }
        row(kind, dose, "perplexity", std::exp(-likelihood / count));
      }
    }
    progress(1.0);
    out.behaviours.push_back(std::move(about));
  }
  return out;
}

/// Columns behaviour, kind, dose, metric, value, stderr; texts with a comma or a quote are quoted.
inline void write_csv(const report& of, std::ostream& out) {
  const auto cell = [](const std::string& text) {
    if (text.find_first_of(",\"\n") == std::string::npos) {
      return text;
    }
    std::string quoted = "\"";
    for (const char c : text) {
      quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
    }
    return quoted + "\"";
  };
  out << "behaviour,kind,dose,metric,value,stderr\n";
  for (const report_row& r : of.rows) {
    out << cell(r.behaviour) << ',' << cell(r.kind) << ',' << r.dose << ',' << r.metric << ',' << r.value << ',';
    if (r.error) {
      out << *r.error;
    }
    out << '\n';
  }
}

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

}  // namespace detail

/// The page: no network, and nothing that must run to read it.
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
         ". Each recipe was fitted to an instruction: at dose 1 the model should do unasked what it does when it is asked. Recovery is the share of the "
         "instruction's effect on the next-token distributions that is there, on requests that the fit has not seen; drift is how far the distributions of "
         "unrelated prose move, which should be little. Bars are one standard error.</p>\n";
  for (const behaviour_report& b : of.behaviours) {
    out += "<h2>" + escaped(b.name) + "</h2>\n<p>Instruction: \xE2\x80\x9C" + escaped(b.instruction) + "\xE2\x80\x9D Kind: " + escaped(b.kind) + ".</p>\n";
    const auto by_dose = [&](const std::string& metric) { return detail::points_of(of, b.name, b.kind, metric); };
    out += detail::figure("What a dose brings.", plot::drawn({"dose", "recovery", {{b.kind, by_dose("recovery"), 0}, {"first token", by_dose("recovery_first"), 3}}, {{"prompt", 1.0}}, 0.0}),
                          "Higher is better; the dashed line is the prompt itself. Beyond the dose at which the line turns down the model overshoots.");
    out += detail::figure("What it costs.", plot::drawn({"dose", "drift, nats a token", {{b.kind, by_dose("drift"), 1}, {"95th percentile", by_dose("drift_p95"), 5}}, {}, 0.0}),
                          "Lower is better: how far prose moves that has nothing to do with the instruction.");
    out += detail::figure("Effect against drift.",
                          plot::drawn({"drift, nats a token", "recovery",
                                       {{b.kind, detail::frontier_of(of, b.name, b.kind), 0}, {"random", detail::frontier_of(of, b.name, "random"), 2, false}},
                                       {{"prompt", 1.0}},
                                       0.0}),
                          "Up and to the left is better. Random directions as long as the recipe's edits show what any push does.");
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
    out += "<figure><figcaption><b>Answers that each wrote itself.</b> Words and repetition are means; likeness is how much rather the prompted than the plain "
           "model would have written them, in nats a token; perplexity is that under the plain model.</figcaption><div class=\"wide\"><table><tr><th></th>";
    const char* const figures[] = {"words", "distinct2", "likeness", "perplexity"};
    for (const char* name : figures) {
      out += std::string("<th class=\"r\">") + name + "</th>";
    }
    out += "</tr>";
    for (const std::string& kind : {std::string("plain"), std::string("prompt"), b.kind}) {
      out += "<tr><td>" + escaped(kind) + "</td>";
      for (const char* name : figures) {
        std::vector<plot::point> found = detail::points_of(of, b.name, kind, name);
        out += "<td class=\"r\">" + (found.empty() ? std::string() : plot::number(found.back().y, 2)) +
               (found.empty() || found.back().error == 0.0 ? "" : " \xC2\xB1 " + plot::number(found.back().error, 2)) + "</td>";
      }
      out += "</tr>";
    }
    out += "</table></div></figure>\n<figure><figcaption><b>Five of them side by side.</b> Plain, prompted and steered, each cut where the report cuts."
           "</figcaption><div class=\"wide\"><table><tr><th>request</th><th>plain</th><th>prompt</th><th>" + escaped(b.kind) + "</th></tr>";
    for (std::size_t i = 0; i < std::min<std::size_t>(5, b.told.size()); ++i) {
      out += "<tr><td>" + escaped(b.told[i].request) + "</td>";
      for (const auto& [kind, said] : b.told[i].answers) {
        out += "<td>" + escaped(said) + "</td>";
      }
      out += "</tr>";
    }
    out += "</table></div></figure>\n<p>File " + escaped(b.file) + ", content <code>" + escaped(b.digest) + "</code>.</p>\n";
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
  out += "<script type=\"application/json\" id=\"data\">" + embedded + "</script>\n<p>Model fingerprint <code>" + escaped(of.fingerprint) + "</code>; steer " +
         std::string(steer::text({STEER_VERSION_MAJOR, ".", STEER_VERSION_MINOR, ".", STEER_VERSION_PATCH})) + ".</p>\n</body></html>\n";
  return out;
}

}  // namespace llama_steer
