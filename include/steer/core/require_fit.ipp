// steer/core/require_fit.ipp: the bodies of require_fit.hpp.
#pragma once

#include <string>

#include "steer/core/error.hpp"
#include "steer/core/fingerprint.hpp"
#include "steer/core/model_shape.hpp"
#include "steer/core/real.hpp"
#include "steer/core/require_fit.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

STEER_BODY void require_fit_at(site s, const model_shape& made_for, const model_shape& host) {
  const bool same_weights = may_be_same_weights(made_for.fingerprint, host.fingerprint);
  const bool shown = s.layer < host.layers && host.points.contains(s.point);
  const bool same_rows = made_for.width_at(s.point) == host.width_at(s.point) && made_for.streams_at(s.point) == host.streams_at(s.point);
  if (shown && same_rows && same_weights) {
    return;
  }
  const std::string who = text({"hook made for model \"", made_for.name, "\""});
  host.require(s, who);
  if (made_for.width_at(s.point) != host.width_at(s.point)) {
    throw shape_error(text({thing(who), ": acts at layer ", at_layer(s.layer), " ", to_string(s.point), " with width ",
                            actual(made_for.width_at(s.point)), "; model \"", host.name, "\" has width ",
                            expected(host.width_at(s.point)), " there"}));
  }
  if (made_for.streams_at(s.point) != host.streams_at(s.point)) {
    throw shape_error(text({thing(who), ": acts at layer ", at_layer(s.layer), " ", to_string(s.point), " with ",
                            actual(made_for.streams_at(s.point)), " rows a token; model \"", host.name, "\" has ",
                            expected(host.streams_at(s.point)), " residual streams there"}));
  }
  throw shape_error(text({thing(who), ": its model has fingerprint ", actual(made_for.fingerprint), "; model \"",
                          host.name, "\" has fingerprint ", expected(host.fingerprint)}));
}

STEER_BODY void require_facts(const model_shape& made_for, const model_shape& host) {
  for (const row_fact fact :
       {row_fact::token, row_fact::position, row_fact::sequence, row_fact::phase, row_fact::prompt_length}) {
    if (made_for.facts.contains(fact) && !host.facts.contains(fact)) {
      host.require(fact, text({"hook made for model \"", made_for.name, "\""}));
    }
  }
}

}  // namespace detail
}  // namespace v0
}  // namespace steer
