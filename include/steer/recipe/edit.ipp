// steer/recipe/edit.ipp: the bodies of edit.hpp.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "steer/core/error.hpp"
#include "steer/core/real.hpp"
#include "steer/core/site.hpp"
#include "steer/recipe/edit.hpp"
#include "steer/recipe/gate.hpp"
#include "steer/recipe/norm_mode.hpp"
#include "steer/recipe/schedule.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

template <class Variant>
inline constexpr bool all_are_edits = false;

template <class... Edits>
inline constexpr bool all_are_edits<std::variant<Edits...>> = (edit_operation<Edits> && ...);

static_assert(all_are_edits<operation>);

}  // namespace detail


STEER_BODY std::string to_string(const edit& e) {
  const auto& what = detail::dependent<Real>(e.operation);
  std::string out(std::visit([](const auto& op) { return std::string_view(op.name); }, what));
  detail::each_vector_of(what, [&](const steering_vector& v) { out += text({" \"", v.name, "\""}); });
  return out;
}

STEER_BODY const steering_vector& only_vector(const edit& e) {
  const steering_vector* found = nullptr;
  std::size_t count = 0;
  detail::each_vector_of(detail::dependent<Real>(e.operation), [&](const steering_vector& v) {
    found = &v;
    ++count;
  });
  if (count != 1) {
    throw argument_error(text({to_string(e), ": has ", actual(count), " vectors; expected ", expected(1)}));
  }
  return *found;
}

STEER_BODY point point_of(const edit& e) {
  std::optional<point> found;
  detail::each_vector_of(detail::dependent<Real>(e.operation), [&](const steering_vector& v) { found = found.value_or(v.point); });
  return found.value_or(e.point);
}

STEER_BODY void check(const edit& e) {
  const std::string who = to_string(e);
  const auto& what = detail::dependent<Real>(e.operation);
  std::visit(
      [&who](const auto& op) {
        op.fields(op, detail::field_check{who});
        if constexpr (requires { op.check_more(who); }) {
          op.check_more(who);
        }
      },
      what);
  const auto& [layers, rows, gate, norm, head] = e.where;
  check(rows, who);
  check(gate, who);
  norm_mode::fields(norm, detail::field_check{who});
  detail::field_check{who}("point", e.point);
  const point at = point_of(e);
  const auto same_point = [&](const steering_vector& v) {
    if (v.point != at) {
      throw argument_error(text({who, ": \"", v.name, "\" belongs to ", actual(to_string(v.point)),
                                 "; the edit acts at ", expected(to_string(at))}));
    }
  };
  detail::each_vector_of(what, same_point);
  if (!gate.layer) {
    for (const condition& c : gate.conditions) {
      same_point(c.vector);
    }
  }
  if (gate.latched() && (rows.phase == phase::prompt || rows.last_of_prompt)) {
    throw argument_error(text({who,
                               ": its gate latches on the prompt and acts on what is generated; its rows are in "
                               "the prompt"}));
  }
  if (head && at != point::attention_heads) {
    throw argument_error(text({who, ": names head ", *head, "; heads are shown at ", expected("attention_heads"),
                               ", and it acts at ", actual(to_string(at))}));
  }
}

}  // namespace v0
}  // namespace steer
