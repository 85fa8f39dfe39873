// steer/guard/admit.ipp: the bodies of admit.hpp.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "steer/core/error.hpp"
#include "steer/core/real.hpp"
#include "steer/guard/admit.hpp"
#include "steer/guard/effects.hpp"
#include "steer/guard/expected_shifts.hpp"
#include "steer/guard/joint_effect.hpp"
#include "steer/guard/project_out.hpp"
#include "steer/inject/plan_options.hpp"
#include "steer/inject/resolve.hpp"
#include "steer/recipe/edit.hpp"
#include "steer/vector/response.hpp"

namespace steer {
inline namespace v0 {

STEER_CHEAP_BODY policy_error::policy_error(const std::string& who, std::vector<violation> found)
    : error([&] {
        std::string all;
        for (const violation& each : found) {
          all += (all.empty() ? "" : "; ") + each.message;
        }
        return text({thing(who), " is refused: ", all});
      }()),
      violations_(std::make_shared<const std::vector<violation>>(std::move(found))) {}

namespace detail {

/// One examination.
template <class Real>
class examiner {
 public:
  examiner(const policy& rules, std::span<const dosed_recipe> stack, const model_shape& shape)
      : rules_(rules), stack_(stack), shape_(shape), who_(text({"policy \"", rules.name, "\""})) {}

  admission examine() {
    out_.recipe = stacked(stack_);
    ask_soundness();
    ask_fingerprints();
    if (out_.violations.empty()) {
      ask_readouts();
      ask_placement();
    }
    if (out_.violations.empty()) {
      try {
        out_.recipe = project_out(rules_, out_.recipe, shape_, out_.taken_out);
        effects_ = effects_of(out_.recipe, shape_, rules_.row_norms);
      } catch (const error& problem) {
        add(policy_rule::fits_model, text({std::string_view(problem.what())}), problem.fields().layer);
        return std::move(out_);
      }
      ask_effects();
    }
    return std::move(out_);
  }

 private:
  void add(policy_rule rule, const message& about, std::optional<int> layer = std::nullopt, std::optional<double> actual = std::nullopt,
           std::optional<double> limit = std::nullopt) {
    out_.violations.push_back({rule, about, layer, actual, limit});
  }

  void ask_soundness() {
    for (const dosed_recipe& part : stack_) {
      try {
        check(*part.source);
      } catch (const error& problem) {
        add(policy_rule::sound, text({part.name, ": ", std::string_view(problem.what())}), problem.fields().layer);
      }
    }
  }

  void ask_fingerprints() {
    if (!rules_.fingerprints) {
      return;
    }
    const auto is_accepted = [&](const std::string& fingerprint) { return rules_.fingerprints->contains(fingerprint); };
    std::string accepted;
    for (const std::string& each : *rules_.fingerprints) {
      accepted += (accepted.empty() ? "" : " or ") + each;
    }
    if (!is_accepted(shape_.fingerprint)) {
      add(policy_rule::fingerprint, text({"model \"", shape_.name, "\" has the fingerprint ", actual({"\"", shape_.fingerprint, "\""}), "; ", who_,
                                          " accepts ", expected(accepted)}));
    }
    for (const dosed_recipe& part : stack_) {
      std::set<std::string> said;
      const auto hear = [&](const std::string& fingerprint) {
        if (!fingerprint.empty()) {
          said.insert(fingerprint);
        }
      };
      for (const edit& e : part.source->recipe.edits()) {
        edit::fields(e, each_vector{[&](const steering_vector& v) { hear(v.source.fingerprint); }});
      }
      if (part.source->fitted) {
        hear(part.source->fitted->fingerprint);
      }
      if (part.source->response) {
        hear(part.source->response->fingerprint);
      }
      if (said.empty() && !part.source->recipe.empty()) {
        add(policy_rule::fingerprint, text({part.name, ": does not say on which model it was measured; ", who_, " accepts ", expected(accepted)}));
      }
      for (const std::string& each : said) {
        if (!is_accepted(each)) {
          add(policy_rule::fingerprint, text({part.name, ": was measured on a model with the fingerprint ", actual(each), "; ", who_, " accepts ",
                                              expected(accepted)}));
        }
      }
    }
  }

  void ask_readouts() {
    if (rules_.readouts.empty()) {
      return;
    }
    std::vector<std::map<std::string, estimate>> known;
    for (const dosed_recipe& part : stack_) {
      known.push_back(expected_shifts(part));
    }
    for (const auto& [readout, limit] : rules_.readouts) {
      estimate shift;
      bool all_known = true;
      for (std::size_t i = 0; i < stack_.size(); ++i) {
        if (stack_[i].dose == 0.0 || stack_[i].source->recipe.empty()) {
          continue;
        }
        const auto one = known[i].find(readout);
        if (one == known[i].end()) {
          add(policy_rule::readout, text({stack_[i].name, ": has no measured response that says what it does to readout \"", readout, "\"; ", who_,
                                          " allows at most ", expected({limit, " nats"})}),
              std::nullopt, std::nullopt, limit);
          all_known = false;
          continue;
        }
        shift = {shift.value + one->second.value, std::hypot(shift.error, one->second.error)};
      }
      if (const double most = std::abs(shift.value) + 2.0 * shift.error; all_known && is_beyond(most, limit)) {
        add(policy_rule::readout, text({"the stack may move readout \"", readout, "\" by ", actual({most, " nats"}), " (", shift.value,
                                        ", and two errors of ", shift.error, "); ", who_, " allows at most ", expected(limit)}),
            std::nullopt, most, limit);
      }
    }
  }

  void ask_placement() {
    try {
      resolver found(shape_, model_check::any);
      for (const edit& e : out_.recipe.edits()) {
        found.resolve(e);
        const std::string who = to_string(e);
        const std::string name = std::visit([](const auto& op) { return std::string(op.name); }, e.operation);
        if (rules_.operations && !rules_.operations->contains(name)) {
          add(policy_rule::operations, text({who, ": is the operation ", actual({"\"", name, "\""}), ", which ", who_, " does not allow"}));
        }
      }
      for (const auto& [where, acts] : found.found()) {
        for (const auto& act : acts) {
          if (act.sets_latch) {
            continue;
          }
          const std::string who = to_string(out_.recipe.edits()[act.edit]);
          if (rules_.points && !rules_.points->contains(where.point)) {
            add(policy_rule::points, text({who, ", layer ", at_layer(where.layer), ": acts at ", actual(to_string(where.point)), ", which ", who_,
                                          " does not allow"}),
                where.layer);
          }
          if (rules_.layers && !rules_.layers->contains(where.layer)) {
            add(policy_rule::layers, text({who, ": acts at layer ", at_layer(where.layer), ", which ", who_, " does not allow"}), where.layer);
          }
        }
      }
    } catch (const error& problem) {
      add(policy_rule::fits_model, text({std::string_view(problem.what())}), problem.fields().layer);
    }
  }

  // ---- what is written, at worst ----

  void ask_effects() {
    if (!rules_.most_layer_dose && !rules_.most_total_dose && rules_.protects.empty()) {
      return;
    }
    std::set<site> unknown;
    for (const effect& e : effects_) {
      if (!rules_.row_norms.contains(e.where) && unknown.insert(e.where).second) {
        add(policy_rule::row_norm, text({e.who, ", layer ", at_layer(e.where.layer), ": acts at ", to_string(e.where.point), ", where ", who_,
                                         " does not know the mean row norm"}),
            e.where.layer);
      }
    }
    if (unknown.empty()) {
      ask_doses();
      for (const protected_subspace& each : rules_.protects) {
        ask_protected(each);
      }
    }
  }

  void ask_doses() {
    std::map<site, joint_effect> by_site;
    for (const effect& e : effects_) {
      by_site[e.where].take(e);
    }
    for (const auto& [where, all] : by_site) {
      out_.layer_doses[where.layer] += all.longest() / rules_.row_norms.at(where);
    }
    double total = 0.0;
    for (const auto& [layer, dose] : out_.layer_doses) {
      total += dose;
      if (rules_.most_layer_dose && is_beyond(dose, *rules_.most_layer_dose)) {
        add(policy_rule::layer_dose, text({"at layer ", at_layer(layer), " the stack may move a row by ", actual(dose), " of the mean row norm; ", who_,
                                           " allows at most ", expected(*rules_.most_layer_dose)}),
            layer, dose, rules_.most_layer_dose);
      }
    }
    if (rules_.most_total_dose && is_beyond(total, *rules_.most_total_dose)) {
      add(policy_rule::total_dose, text({"over all layers the stack may move a row by ", actual(total), " of the mean row norm; ", who_, " allows at most ",
                                         expected(*rules_.most_total_dose)}),
          std::nullopt, total, rules_.most_total_dose);
    }
  }

  void ask_protected(const protected_subspace& s) {
    const bool stream = in_residual_stream(s.point);
    joint_effect so_far;  // what has reached the stream
    std::size_t counted = 0;
    bool share_said = false;
    bool dose_said = false;
    for (const auto& [layer, basis] : s.bases) {
      if (basis.cols() != shape_.width_at(s.point)) {
        add(policy_rule::fits_model, text({who_, ", protected \"", s.name, "\", layer ", at_layer(layer), ": has width ", actual(basis.cols()), "; model \"",
                                           shape_.name, "\" has ", expected(shape_.width_at(s.point)), " at ", to_string(s.point)}),
            layer);
        return;
      }
      if (!stream) {
        so_far = {};
      }
      joint_effect here;
      std::size_t at_this_layer = 0;
      for (; counted < effects_.size() && effects_[counted].where.layer <= layer; ++counted) {
        const effect& e = effects_[counted];
        if (!in_one_space(e.where.point, s.point)) {
          if (stream) {
            refuse_unseen(s, e);
          }
          continue;
        }
        if (stream || e.where.layer == layer) {
          so_far.take(e);
        }
        if (e.where.layer == layer) {
          here.take(e);
          ++at_this_layer;
          share_said |= ask_share(s, layer, share_inside(basis, e), text({e.who, ", layer ", at_layer(layer)}));
        }
      }
      if (at_this_layer > 1) {
        share_said |= ask_share(s, layer, here.largest_share(basis), text({"the stack at layer ", at_layer(layer)}));
      }
      if (stream && counted > at_this_layer && !share_said) {  // what has been said of one layer need not be said of all that follow
        share_said = ask_share(s, layer, so_far.open_share(basis), text({"the stack up to layer ", at_layer(layer)}));
      }
      const auto norm = rules_.row_norms.find({layer, s.point});
      if (norm == rules_.row_norms.end()) {
        add(policy_rule::row_norm, text({who_, ", protected \"", s.name, "\": the mean row norm at layer ", at_layer(layer), " ", to_string(s.point),
                                         " is not known"}),
            layer);
        return;
      }
      const double dose = so_far.most_inside(basis) / norm->second;
      if (is_beyond(dose, s.most_dose) && !dose_said) {
        dose_said = stream;
        add(policy_rule::protected_dose, text({"up to layer ", at_layer(layer), " the stack may write ", actual(dose), " of the mean row norm into protected \"",
                                               s.name, "\"; ", who_, " allows at most ", expected(s.most_dose)}),
            layer, dose, s.most_dose);
      }
    }
  }

  void refuse_unseen(const protected_subspace& s, const effect& e) {
    add(policy_rule::protected_share, text({e.who, ", layer ", at_layer(e.where.layer), ": acts at ", actual(to_string(e.where.point)),
                                            ", from where weights that no policy sees lead to protected \"", s.name, "\"; expected ",
                                            expected("a point of the residual stream")}),
        e.where.layer, std::nullopt, s.most_share);
  }

  /// @return whether it is too much
  bool ask_share(const protected_subspace& s, int layer, double share, const message& about) {
    const bool beyond = is_beyond(share, s.most_share);
    if (beyond) {
      add(policy_rule::protected_share, text({about, ": up to ", actual(share), " of what it writes lies in protected \"", s.name, "\"; ", who_,
                                              " allows at most ", expected(s.most_share)}),
          layer, share, s.most_share);
    }
    return beyond;
  }

  const policy& rules_;
  std::span<const dosed_recipe> stack_;
  const model_shape& shape_;
  std::string who_;
  admission out_;
  std::vector<effect> effects_;
};

}  // namespace detail

STEER_BODY admission examine(const policy& rules, std::span<const dosed_recipe> stack, const model_shape& shape) {
  check(rules);
  return detail::examiner<Real>(rules, stack, shape).examine();
}

STEER_BODY admission examine(const policy& rules, const documented_recipe& alone, const model_shape& shape) {
  const dosed_recipe one{"recipe", &alone};
  return examine(rules, std::span(&one, 1), shape);
}

STEER_BODY std::optional<violation> age_of(const policy& rules, const preset& p) {
  const auto least = rules.least_versions.find(p.name);
  if (least == rules.least_versions.end() || p.version >= least->second) {
    return std::nullopt;
  }
  return violation{policy_rule::version,
                   text({"it is version ", actual(p.version), "; policy \"", rules.name, "\" expects ", expected(least->second), " or newer"}),
                   std::nullopt, static_cast<double>(p.version), static_cast<double>(least->second)};
}

STEER_BODY void require_granted(const admission& given, const std::string& who) {
  if (!given.granted()) {
    throw policy_error(who, given.violations);
  }
}

STEER_BODY recipe admit(const policy& rules, const documented_recipe& alone, const model_shape& shape) {
  admission given = examine(rules, alone, shape);
  require_granted(given, "recipe");
  return std::move(given.recipe);
}

}  // namespace v0
}  // namespace steer
