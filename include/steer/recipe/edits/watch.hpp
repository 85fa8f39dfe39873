// steer/recipe/edits/watch.hpp: coordinates and norms are read at this point of the order, nothing is written.
#pragma once

#include <Eigen/Core>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "steer/recipe/edits/bound.hpp"
#include "steer/recipe/field.hpp"
#include "steer/recipe/form.hpp"

namespace steer {
inline namespace v0 {

enum class watched_norm : std::uint8_t { ignored, read };
constexpr watched_norm last_of(watched_norm) noexcept { return watched_norm::read; }

/// h' = h, and a session's telemetry receives u . h for each vector, and |h| if asked for.
struct watch_edit {
  static constexpr std::string_view name = "watch";

  std::vector<steering_vector> vectors = {};
  watched_norm norm = watched_norm::ignored;

  bool operator==(const watch_edit&) const = default;

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("vector", self.vectors);
    visit("norm", self.norm);
  }

  void check_more(const std::string& who) const {
    if (vectors.empty()) {
      throw argument_error(detail::text({who, ": watches no vector; expected ", detail::expected("at least one")}));
    }
  }

  [[nodiscard]] form at(int layer, const std::string&) const {
    const auto directions = detail::directions_at(vectors, layer);
    low_rank_form out;
    out.read.resize(static_cast<Eigen::Index>(directions.size()), directions.front()->values.size());
    for (std::size_t i = 0; i < directions.size(); ++i) {
      out.read.row(static_cast<Eigen::Index>(i)) = steer::unit(*directions[i]).transpose();
    }
    out.write.resize(0, out.read.cols());
    out.decided_by = low_rank_form::policy::none;
    out.asks_for = norm == watched_norm::read ? low_rank_form::norm::current : low_rank_form::norm::ignored;
    return out;
  }

  void apply(int, double, Eigen::VectorXd&) const {}
};

}  // namespace v0
}  // namespace steer
