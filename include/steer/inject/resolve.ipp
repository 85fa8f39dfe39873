// steer/inject/resolve.ipp: the bodies of resolve.hpp.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>
#include <Eigen/Core>

#include "steer/core/error.hpp"
#include "steer/core/real.hpp"
#include "steer/inject/form_of.hpp"
#include "steer/inject/plan_options.hpp"
#include "steer/inject/resolve.hpp"
#include "steer/inject/term.hpp"
#include "steer/recipe/recipe.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

STEER_BODY void resolver::resolve(const edit& e, std::size_t place) {
  check(e);
  const std::string who = to_string(e);
  require_model(e, who);
  require_facts(e, who);
  const point at = point_of(e);
  const std::vector<int> layers = layers_of(e, at, who);
  const columns where = columns_of(e.where.head, at, who);
  const operation named = with_unit(e.operation, layers, who);
  const auto require_width = [&](Eigen::Index width) {
    if (width != where.count) {
      throw shape_error(text({who, ": has width ", actual(width), "; model \"", shape_.name, "\" has ",
                              expected(where.count), " at ", to_string(at), e.where.head ? " in one head" : ""}));
    }
  };
  std::ptrdiff_t shared_latch = -1;
  if (e.where.gate.layer) {
    shared_latch = latches_++;
    set_latch(e, place, latch_site(e, who), shared_latch, who);
  }
  std::shared_ptr<const form> made;
  for (const int layer : layers) {
    const site here{layer, at};
    const std::string where_and_who = text({who, ", layer ", layer});
    each_vector_of(e.operation, [&](const steering_vector& v) { require_width(v.width()); });
    term next = base(e, place, who);
    next.where = where;
    if (made == nullptr || !same_everywhere(named)) {
      made = std::make_shared<const form>(form_of(named, layer, where_and_who));
    }
    next.form = made;
    require_width(width_of(*made));
    if (e.where.gate.latched()) {
      next.latch = shared_latch;
      if (shared_latch < 0) {
        next.latch = latches_++;
        set_latch(e, place, here, next.latch, who);
      }
    } else {
      next.asked = asked(e.where.gate, layer, where.count, who);
    }
    terms_[here].push_back(std::move(next));
  }
}

STEER_BODY term resolver::base(const edit& e, std::size_t place, const std::string& who) {
  term out;
  out.edit = place;
  out.who = who;
  out.rows = e.where.rows;
  out.gate = e.where.gate;
  for (condition& c : out.gate.conditions) {
    c.vector = {};
  }
  out.norm = e.where.norm;
  return out;
}

STEER_BODY void resolver::require_model(const edit& e, const std::string& who) const {
  const auto same = [&](const steering_vector& v) {
    const provenance& source = v.source;
    if (models_ == model_check::same_fingerprint && !source.fingerprint.empty() && !shape_.fingerprint.empty() &&
        source.fingerprint != shape_.fingerprint) {
      throw argument_error(
          text({who, ": was measured on model \"", source.model, "\" with fingerprint ", actual(source.fingerprint),
                "; the host's model \"", shape_.name, "\" has ", expected(shape_.fingerprint)}));
    }
  };
  each_vector_of(e.operation, same);
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
  if (e.where.rows.by_prompt_length() || latched) {
    shape_.require(row_fact::prompt_length, who);
  }
  if (latched) {
    shape_.require(row_fact::sequence, who);
  }
}

STEER_BODY std::vector<int> resolver::layers_of(const edit& e, point at, const std::string& who) const {
  std::vector<const steering_vector*> vectors;
  each_vector_of(e.operation, [&](const steering_vector& v) { vectors.push_back(&v); });
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

STEER_BODY void resolver::set_latch(const edit& e, std::size_t place, site here, std::ptrdiff_t latch, const std::string& who) {
  term next = base(e, place, who);
  next.rows = {.last_of_prompt = 1};
  next.norm = {};
  next.where = columns_of(e.where.head, here.point, who);
  next.asked = asked(e.where.gate, here.layer, next.where.count, who);
  next.latch = latch;
  next.sets_latch = true;
  low_rank_form reads;
  reads.read.resize(0, next.where.count);
  reads.write.resize(0, next.where.count);
  reads.only_reads = true;
  next.form = std::make_shared<const form>(std::move(reads));
  terms_[here].push_back(std::move(next));
}

}  // namespace detail
}  // namespace v0
}  // namespace steer
