// steer/inject/resolve.ipp: the bodies of resolve.hpp.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>
#include <Eigen/Core>

#include "steer/core/error.hpp"
#include "steer/core/fingerprint.hpp"
#include "steer/core/real.hpp"
#include "steer/inject/form_of.hpp"
#include "steer/inject/plan_options.hpp"
#include "steer/inject/resolve.hpp"
#include "steer/inject/term.hpp"
#include "steer/recipe/edit.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

STEER_BODY void resolver::resolve(const edit& e) {
  check(e);
  const std::string who = to_string(e);
  require_model(e, who);
  require_facts(e, who);
  const point at = point_of(e);
  const std::vector<int> layers = layers_of(e, at, who);
  require_one_unit(e.operation, layers, who);
  const std::size_t place = edits_.size();
  edits_.push_back({&e, who, columns_of(e.where.head, at, who), layers.size(), places_of(e.where.rows.passages, who)});
  each_vector_of(dependent<Real>(e.operation), [&](const steering_vector& v) { require_width(v.width(), edits_.back(), at); });
  const bool latched = e.where.gate.latched();
  const auto new_latch = [&](site here) {
    acts_[here].push_back({place, latches_, true});
    return latches_++;
  };
  const std::ptrdiff_t of_all = e.where.gate.layer ? new_latch(latch_site(e, who)) : -1;
  for (const int layer : layers) {
    const site here{layer, at};
    const std::ptrdiff_t latch = latched && of_all < 0 ? new_latch(here) : of_all;
    acts_[here].push_back({place, latch, false});
  }
}

STEER_BODY std::uint64_t resolver::places_of(const std::vector<passage>& wanted, const std::string& who) {
  constexpr std::ptrdiff_t most = 64;
  std::uint64_t out = 0;
  for (const passage& each : wanted) {
    const std::ptrdiff_t at = std::find(passages_.begin(), passages_.end(), each) - passages_.begin();
    if (at == std::ssize(passages_)) {
      passages_.push_back(each);
    }
    if (at >= most) {
      throw argument_error(text({thing(who), ": with its passages the recipe has ", actual(passages_.size()),
                                 " different ones; expected ", expected({"at most ", most})}));
    }
    out |= std::uint64_t{1} << at;
  }
  return out;
}

STEER_BODY std::vector<term> resolver::terms_at(site here) {
  std::vector<term> out;
  for (const act& what : acts_.at(here)) {
    out.push_back(term_of(what, here));
  }
  return out;
}

STEER_BODY term resolver::term_of(const act& what, site here) {
  resolved& of = edits_[what.edit];
  const placement& placed = of.source->where;
  term out;
  out.edit = what.edit;
  out.who = of.who;
  out.gate = placed.gate;
  for (condition& c : out.gate.conditions) {
    c.vector = {};
  }
  out.latch = what.latch;
  out.sets_latch = what.sets_latch;
  if (what.sets_latch) {
    out.rows = {.last_of_prompt = 1};
    out.where = columns_of(placed.head, here.point, of.who);
    low_rank_form reads;
    reads.read = matrix<Real>(0, out.where.count);
    reads.write = matrix<Real>(0, out.where.count);
    reads.only_reads = true;
    out.form = std::make_shared<const form>(std::move(reads));
  } else {
    out.rows = placed.rows;
    out.passages = of.passages;
    out.norm = placed.norm;
    out.where = of.where;
    out.form = form_at(of, here);
  }
  if (what.sets_latch || !placed.gate.latched()) {
    out.asked = asked(placed.gate, here.layer, out.where.count, of.who);
  }
  return out;
}

STEER_BODY std::shared_ptr<const form> resolver::form_at(resolved& of, site here) const {
  std::shared_ptr<const form> out = of.made;
  if (out == nullptr) {
    out = std::make_shared<const form>(form_of(of.source->operation, here.layer, text({of.who, ", layer ", here.layer})));
    require_width(width_of(*out), of, here.point);
  }
  of.made = --of.sites_left > 0 && same_everywhere(of.source->operation) ? out : nullptr;
  return out;
}

STEER_BODY void resolver::require_width(Eigen::Index width, const resolved& of, point at) const {
  if (width != of.where.count) {
    throw shape_error(text({of.who, ": has width ", actual(width), "; model \"", shape_.name, "\" has ",
                            expected(of.where.count), " at ", to_string(at), of.source->where.head ? " in one head" : "",
                            shape_.streams_at(at) > 1 ? text({" in each of ", shape_.streams_at(at), " streams"}) : std::string()}));
  }
}

STEER_BODY void resolver::require_model(const edit& e, const std::string& who) const {
  const auto same = [&](const steering_vector& v) {
    const provenance& source = v.source;
    if (models_ == model_check::same_fingerprint && !may_be_same_weights(source.fingerprint, shape_.fingerprint)) {
      throw argument_error(
          text({who, ": was measured on model \"", source.model, "\" with fingerprint ", actual(source.fingerprint),
                "; the host's model \"", shape_.name, "\" has ", expected(shape_.fingerprint)}));
    }
  };
  each_vector_of(dependent<Real>(e.operation), same);
  for (const condition& c : e.where.gate.conditions) {
    same(c.vector);
  }
}

STEER_BODY void resolver::require_facts(const edit& e, const std::string& who) const {
  const bool latched = e.where.gate.latched();
  if (e.where.rows.phase || e.where.rows.last_of_prompt || latched) {
    shape_.require(row_fact::phase, who);
  }
  if (e.where.rows.by_position() || e.where.rows.last_of_prompt || latched) {
    shape_.require(row_fact::position, who);
  }
  for (const int stream : e.where.rows.streams) {
    shape_.require_stream(stream, point_of(e), who);
  }
  if (e.where.rows.by_prompt_length() || latched) {
    shape_.require(row_fact::prompt_length, who);
  }
  if (!e.where.rows.passages.empty()) {
    shape_.require(row_fact::token, who);
    shape_.require(row_fact::position, who);
  }
  if (latched || !e.where.rows.passages.empty()) {
    shape_.require(row_fact::sequence, who);
  }
}

STEER_BODY std::vector<int> resolver::layers_of(const edit& e, point at, const std::string& who) const {
  std::vector<const steering_vector*> vectors;
  each_vector_of(dependent<Real>(e.operation), [&](const steering_vector& v) { vectors.push_back(&v); });
  const auto all_have = [&](int layer) {
    return std::all_of(vectors.begin(), vectors.end(),
                       [layer](const auto* v) { return v->directions.contains(layer); });
  };
  std::vector<int> layers = e.where.layers;
  if (layers.empty() && vectors.empty()) {
    for (int layer = 0; layer < shape_.layers; ++layer) {
      layers.push_back(layer);
    }
  } else if (layers.empty()) {
    for (const auto& [layer, direction] : vectors.front()->directions) {
      if (all_have(layer)) {
        layers.push_back(layer);
      }
    }
    if (layers.empty()) {
      throw shape_error(text({who, ": there is no layer for which all its vectors have a direction"}));
    }
  }
  std::set<int> seen;
  for (const int layer : layers) {
    shape_.require({layer, at}, who);
    for (const steering_vector* v : vectors) {
      if (!v->directions.contains(layer)) {
        throw shape_error(text({who, ": layer ", at_layer(layer), " has no direction; the vector has layers ",
                                expected({v->directions.begin()->first, " to ", v->directions.rbegin()->first})}));
      }
    }
    if (!seen.insert(layer).second) {
      throw argument_error(text({who, ": layer ", at_layer(layer), " is named twice"}));
    }
  }
  return layers;
}

STEER_BODY columns resolver::columns_of(const std::optional<int>& head, point at, const std::string& who) const {
  if (!head || at != point::attention_heads) {
    return {0, shape_.width_at(at)};
  }
  if (*head < 0 || *head >= shape_.heads) {
    throw shape_error(text({who, ": head ", actual(*head), " does not exist; model \"", shape_.name, "\" has ",
                            expected(shape_.heads)}));
  }
  return {*head * shape_.head_width, shape_.head_width};
}

STEER_BODY matrix<double> resolver::asked(const gate& g, int layer, std::ptrdiff_t width, const std::string& who) const {
  matrix<double> out(static_cast<Eigen::Index>(g.conditions.size()), width);
  for (Eigen::Index i = 0; i < out.rows(); ++i) {
    const steering_vector& v = g.conditions[static_cast<std::size_t>(i)].vector;
    if (!v.directions.contains(layer)) {
      throw shape_error(
          text({who, ": its gate reads \"", v.name, "\", which has no direction at layer ", at_layer(layer)}));
    }
    if (v.width() != width) {
      throw shape_error(text({who, ": its gate reads \"", v.name, "\" of width ", actual(v.width()),
                              "; the rows have ", expected(width)}));
    }
    out.row(i) = unit(v.directions.at(layer)).transpose();
  }
  return out;
}

STEER_BODY site resolver::latch_site(const edit& e, const std::string& who) const {
  const point at = e.where.gate.conditions.front().vector.point;
  for (const condition& c : e.where.gate.conditions) {
    if (c.vector.point != at) {
      throw argument_error(text({who, ": its gate reads \"", c.vector.name, "\" at ", to_string(c.vector.point),
                                 " and another at ", to_string(at), "; expected ", expected("one point")}));
    }
  }
  shape_.require({*e.where.gate.layer, at}, text({who, ", its gate"}));
  return {*e.where.gate.layer, at};
}

}  // namespace detail
}  // namespace v0
}  // namespace steer
