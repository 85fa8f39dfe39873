// llama_steer/preset_policy_table.hpp: the rules of a policy as options name them, also those that allow everything.
#pragma once

#include <cstddef>
#include <optional>
#include <ostream>
#include <set>
#include <string>
#include <string_view>

#include "llama_steer/printable.hpp"
#include "steer/guard/policy_file.hpp"
#include "steer/guard/signature.hpp"

namespace llama_steer {

namespace detail {

inline constexpr const char* any_rule = "any";

/// "a, b"
template <class Names, class Text>
std::string listed(const Names& names, Text text) {
  std::string out;
  for (const auto& each : names) {
    out += (out.empty() ? "" : ", ") + std::string(text(each));
  }
  return out.empty() ? any_rule : out;
}

template <class Rule, class Text>
std::string rule_text(const std::optional<Rule>& rule, Text text) {
  return rule ? std::string(text(*rule)) : any_rule;
}

}  // namespace detail

/// A line for each rule.
inline void print(const steer::policy_document& p, std::ostream& out) {
  const steer::policy& rules = p.rules;
  const auto line = [&](std::string_view option, const std::string& allowed) {
    constexpr std::size_t width = 20;
    out << "  " << option << std::string(width - option.size(), ' ') << printable(allowed) << "\n";
  };
  const auto as_it_is = [](const std::string& name) { return name; };
  const auto dose = [](double most) { return steer::text({"at most ", most, " mean row norms"}); };
  std::set<std::string> siblings = rules.fingerprints.value_or(std::set<std::string>());
  siblings.erase(p.model.fingerprint);
  std::set<steer::point> measured;
  for (const auto& [where, norm] : rules.row_norms) {
    measured.insert(where.point);
  }
  out << steer::text({"policy \"", printable(rules.name), "\" for ", printable(p.model.name), ", ", p.model.fingerprint, "\n"});
  line("--sibling", siblings.empty() ? std::string("none: recipes of this model only") : detail::listed(siblings, as_it_is));
  line("--operations", detail::rule_text(rules.operations, [&](const auto& all) { return detail::listed(all, as_it_is); }));
  line("--points", detail::rule_text(rules.points, [](const auto& all) { return detail::listed(all, [](steer::point each) { return to_string(each); }); }));
  line("--layers", detail::rule_text(rules.layers, layers_text));
  line("--layer-dose", detail::rule_text(rules.most_layer_dose, dose));
  line("--total-dose", detail::rule_text(rules.most_total_dose, dose));
  line("--readout", detail::listed(rules.readouts, [](const auto& each) { return steer::text({each.first, " by at most ", each.second, " nats"}); }));
  line("--protect", detail::listed(rules.protects, [](const steer::protected_subspace& each) {
         std::set<int> layers;
         for (const auto& [layer, basis] : each.bases) {
           layers.insert(layer);
         }
         return steer::text({each.name, " at layers ", layers_text(layers), each.how == steer::protection::project_out ? " (taken out; what is left: " : " (",
                             "a share of at most ", each.most_share, ", a dose of at most ", each.most_dose, ")"});
       }));
  line("--trust", detail::rule_text(rules.trusted_keys, [](const auto& all) {
         return detail::listed(all, [](const std::string& key) { return "key " + id_of(steer::parse_public_key(key, "trusted key")); });
       }));
  line("--least-version", detail::listed(rules.least_versions, [](const auto& each) { return steer::text({each.first, "@", each.second}); }));
  line("--request-doses", steer::text({rules.least_dose, " to ", rules.most_dose}));
  line("--base-may-be-left", rules.base == steer::policy::base_preset::always ? "no" : "yes");
  out << steer::text({"any: allows everything. Row norms are known at ", measured.size(), " points of ", p.model.layers, " layers\n"});
}

}  // namespace llama_steer
