// steer/guard/policy.ipp: the bodies of policy.hpp.
#pragma once

#include <cmath>
#include <cstddef>
#include <limits>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <Eigen/Core>

#include "steer/core/error.hpp"
#include "steer/core/real.hpp"
#include "steer/guard/policy.hpp"
#include "steer/recipe/edit.hpp"
#include "steer/recipe/field.hpp"
#include "steer/recipe/preset.hpp"
#include "steer/vector/subspace.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

template <class Real, std::size_t... I>
std::set<std::string> names_of_operations(std::index_sequence<I...>) {
  return {std::string(std::variant_alternative_t<I, dependent_type<Real, operation>>::name)...};
}

inline void require_limit(double limit, const std::string& who, const char* what) {
  if (!contains(domain::not_negative, limit)) {
    throw numeric_error(text({thing(who), ": ", what, " is ", actual(limit), "; expected ", expected(to_string(domain::not_negative))}));
  }
}

template <class Real>
void check_protected(const protected_subspace& s, const std::string& of) {
  const std::string who = text({of, ", protected \"", s.name, "\""});
  if (s.name.empty() || s.bases.empty()) {
    throw argument_error(text({thing(who), " has ", actual(s.name.empty() ? "no name" : "no layers"), "; expected ",
                               expected("a name and a basis for at least one layer")}));
  }
  if (!contains(domain::fraction, s.most_share)) {
    throw argument_error(text({thing(who), ": the largest share is ", actual(s.most_share), "; expected ", expected("0 to 1")}));
  }
  require_limit(s.most_dose, who, "the most dose");
  Eigen::Index width = 0;
  for (const auto& [layer, basis] : s.bases) {
    const std::string here = text({who, ", layer ", layer});
    if (layer < 0) {
      throw argument_error(text({thing(here), ": the layer is ", actual(layer), "; expected ", expected("0 or more")}));
    }
    check(dependent_type<Real, subspace>{.basis = basis}, here);
    width = width == 0 ? basis.cols() : width;
    if (basis.cols() != width) {
      throw argument_error(text({thing(here), " has width ", actual(basis.cols()), "; expected ", expected(width), " as at other layers"}));
    }
  }
}

}  // namespace detail

STEER_BODY std::set<std::string> operation_names() {
  return detail::names_of_operations<Real>(std::make_index_sequence<std::variant_size_v<detail::dependent_type<Real, operation>>>{});
}

STEER_BODY void check(const policy& p) {
  const std::string who = text({"policy \"", p.name, "\""});
  if (p.operations) {
    const std::set<std::string> known = operation_names();
    for (const std::string& name : *p.operations) {
      if (!known.contains(name)) {
        std::string all;
        for (const std::string& each : known) {
          all += (all.empty() ? "" : ", ") + each;
        }
        throw argument_error(text({thing(who), " allows the operation ", actual({"\"", name, "\""}), "; expected ",
                                   expected({"some of ", all})}));
      }
    }
  }
  if (p.layers && !p.layers->empty() && *p.layers->begin() < 0) {
    throw argument_error(text({thing(who), " allows layer ", actual(*p.layers->begin()), "; expected ", expected("0 or more")}));
  }
  for (const auto& [where, norm] : p.row_norms) {
    if (where.layer < 0 || !(norm > 0.0) || !std::isfinite(norm)) {
      throw numeric_error(text({thing(who), ": the mean row norm at ", to_string(where), " is ", actual(norm), "; expected ",
                                expected("a finite number above 0, at a layer from 0")}));
    }
  }
  for (const auto* limit : {&p.most_layer_dose, &p.most_total_dose}) {
    if (*limit) {
      detail::require_limit(**limit, who, limit == &p.most_layer_dose ? "the most dose of a layer" : "the most dose in sum");
    }
  }
  for (const auto& [readout, limit] : p.readouts) {
    detail::require_limit(limit, text({who, ", readout \"", readout, "\""}), "the limit in nats");
  }
  std::set<std::string> names;
  for (const protected_subspace& each : p.protects) {
    detail::check_protected<Real>(each, who);
    if (!names.insert(each.name).second) {
      throw argument_error(text({thing(who), " protects ", actual({"\"", each.name, "\" twice"}), "; expected ",
                                 expected("different names")}));
    }
  }
  if (p.row_norms.empty() && (p.most_layer_dose || p.most_total_dose || !p.protects.empty())) {
    throw argument_error(text({thing(who), " limits doses or protects a subspace and knows ", actual("no row norms"), "; expected ",
                               expected("the mean row norm of the model at each site")}));
  }
  for (const auto& [preset, version] : p.least_versions) {
    if (const preset_reference named = parse_preset_reference(preset); named.version != 0) {
      throw argument_error(text({thing(who), " has a least version of ", actual({"\"", preset, "\""}), "; expected ", expected("a preset's name alone")}));
    }
    if (version < 1) {
      throw argument_error(text({thing(who), ": the least version of \"", preset, "\" is ", actual(version), "; expected ",
                                 expected("1 or more")}));
    }
  }
  if (!std::isfinite(p.least_dose) || !std::isfinite(p.most_dose) || p.least_dose > p.most_dose) {
    throw argument_error(text({thing(who), " allows doses in requests from ", actual({p.least_dose, " to ", p.most_dose}), "; expected ",
                               expected("two finite numbers, the smaller one first")}));
  }
}

}  // namespace v0
}  // namespace steer
