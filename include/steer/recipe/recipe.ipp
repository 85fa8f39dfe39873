// steer/recipe/recipe.ipp: the bodies of recipe.hpp.
#pragma once

#include <algorithm>
#include <iterator>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "steer/core/error.hpp"
#include "steer/core/real.hpp"
#include "steer/core/site.hpp"
#include "steer/recipe/edit.hpp"
#include "steer/recipe/options.hpp"
#include "steer/recipe/placement.hpp"
#include "steer/recipe/recipe.hpp"
#include "steer/vector/affine_map.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

/// A template, so that the bodies below make edits when they are called (core/linkage.hpp).
template <class Real, class Operation>
edit placed(Operation what, placement where, point at = point::residual_out) {
  return {.operation = std::move(what), .where = std::move(where), .point = at};
}

}  // namespace detail

STEER_BODY recipe& recipe::add(steering_vector vector, add_options how, placement where) {
  return append(detail::placed<Real>(add_edit{std::move(vector), how.strength, how.unit, how.cap}, std::move(where)));
}
STEER_BODY recipe& recipe::add(steering_vector vector, placement where) {
  return add(std::move(vector), add_options{}, std::move(where));
}

STEER_BODY recipe& recipe::ablate(steering_vector vector, ablate_options how, placement where) {
  return append(detail::placed<Real>(ablate_edit{std::move(vector), how.share}, std::move(where)));
}
STEER_BODY recipe& recipe::ablate(steering_vector vector, placement where) {
  return ablate(std::move(vector), ablate_options{}, std::move(where));
}

STEER_BODY recipe& recipe::reflect(steering_vector vector, placement where) {
  return ablate(std::move(vector), ablate_options{2.0F}, std::move(where));
}

STEER_BODY recipe& recipe::scale(steering_vector vector, scale_options how, placement where) {
  return ablate(std::move(vector), ablate_options{1.0F - how.factor}, std::move(where));
}

STEER_BODY recipe& recipe::set(std::vector<steering_vector> vectors, std::vector<float> targets, bound_options how,
                               placement where) {
  std::vector<float> same = targets;
  return keep_within(std::move(vectors), std::move(targets), std::move(same), how, std::move(where));
}
STEER_BODY recipe& recipe::set(std::vector<steering_vector> vectors, std::vector<float> targets, placement where) {
  return set(std::move(vectors), std::move(targets), bound_options{}, std::move(where));
}
STEER_BODY recipe& recipe::set(steering_vector vector, float target, bound_options how, placement where) {
  return keep_within({std::move(vector)}, {target}, {target}, how, std::move(where));
}
STEER_BODY recipe& recipe::set(steering_vector vector, float target, placement where) {
  return set(std::move(vector), target, bound_options{}, std::move(where));
}

STEER_BODY recipe& recipe::cap(steering_vector vector, float most, bound_options how, placement where) {
  return keep_within({std::move(vector)}, {-std::numeric_limits<float>::infinity()}, {most}, how, std::move(where));
}
STEER_BODY recipe& recipe::cap(steering_vector vector, float most, placement where) {
  return cap(std::move(vector), most, bound_options{}, std::move(where));
}

STEER_BODY recipe& recipe::floor(steering_vector vector, float least, bound_options how, placement where) {
  return keep_within({std::move(vector)}, {least}, {std::numeric_limits<float>::infinity()}, how, std::move(where));
}
STEER_BODY recipe& recipe::floor(steering_vector vector, float least, placement where) {
  return floor(std::move(vector), least, bound_options{}, std::move(where));
}

STEER_BODY recipe& recipe::keep_within(std::vector<steering_vector> vectors, std::vector<float> low, std::vector<float> high,
                                       bound_options how, placement where) {
  bound_edit made{std::move(vectors), std::move(low), std::move(high), how.unit, how.origin, how.ridge};
  return append(detail::placed<Real>(std::move(made), std::move(where)));
}
STEER_BODY recipe& recipe::keep_within(std::vector<steering_vector> vectors, std::vector<float> low, std::vector<float> high,
                                       placement where) {
  return keep_within(std::move(vectors), std::move(low), std::move(high), bound_options{}, std::move(where));
}

STEER_BODY recipe& recipe::erase(steering_vector read, steering_vector write, erase_options how, placement where) {
  erase_edit made{{std::move(read)}, {std::move(write)}, how.origin};
  return append(detail::placed<Real>(std::move(made), std::move(where)));
}
STEER_BODY recipe& recipe::erase(steering_vector read, steering_vector write, placement where) {
  return erase(std::move(read), std::move(write), erase_options{}, std::move(where));
}

STEER_BODY recipe& recipe::set_angle(plane in, turn_options how, placement where) {
  return append(detail::placed<Real>(angle_edit{std::move(in), how.angle}, std::move(where), how.point));
}

STEER_BODY recipe& recipe::rotate(plane in, turn_options how, placement where) {
  return append(detail::placed<Real>(rotate_edit{std::move(in), how.angle}, std::move(where), how.point));
}

STEER_BODY recipe& recipe::turn_towards(steering_vector vector, towards_options how, placement where) {
  return append(detail::placed<Real>(towards_edit{std::move(vector), how.share}, std::move(where)));
}

STEER_BODY recipe& recipe::transform(affine_map map, transform_options how, placement where) {
  return append(detail::placed<Real>(transform_edit{std::move(map), how.share}, std::move(where),
                               how.point.value_or(point::residual_out)));
}
STEER_BODY recipe& recipe::transform(affine_map map, placement where) {
  return transform(std::move(map), transform_options{}, std::move(where));
}

STEER_BODY recipe& recipe::transform(const affine_maps& maps, transform_options how, placement where) {
  const std::string who(transform_edit::name);
  const auto& known = detail::dependent<Real>(maps.layers);
  if (known.empty()) {
    throw argument_error(text({who, ": there is ", actual("no map"), "; expected ", expected("one for at least one layer")}));
  }
  if (how.point.value_or(maps.point) != maps.point) {
    throw argument_error(text({who, ": its point is ", actual(to_string(*how.point)), "; its maps are of ",
                               expected(to_string(maps.point))}));
  }
  auto& layers = detail::dependent<Real>(where.layers);
  if (layers.empty()) {
    for (const auto& [layer, map] : known) {
      layers.push_back(layer);
    }
  }
  recipe made;
  for (const int layer : layers) {
    if (std::count(layers.begin(), layers.end(), layer) > 1) {
      throw argument_error(text({who, ": layer ", at_layer(layer), " is named twice"}));
    }
    const auto found = known.find(layer);
    if (found == known.end()) {
      throw argument_error(text({who, ": layer ", at_layer(layer), " has no map; there are maps for layers ",
                                 expected({known.begin()->first, " to ", std::prev(known.end())->first})}));
    }
    placement here = where;
    here.layers = {layer};
    made.transform(found->second, {how.share, maps.point}, std::move(here));
  }
  auto& mine = detail::dependent<Real>(edits_);
  mine.reserve(mine.size() + made.edits_.size());
  for (edit& e : detail::dependent<Real>(made.edits_)) {
    mine.push_back(std::move(e));
  }
  return *this;
}
STEER_BODY recipe& recipe::transform(const affine_maps& maps, placement where) {
  return transform(maps, transform_options{}, std::move(where));
}

STEER_BODY recipe& recipe::watch(std::vector<steering_vector> vectors, watched_norm norm, placement where) {
  return append(detail::placed<Real>(watch_edit{std::move(vectors), norm}, std::move(where)));
}
STEER_BODY recipe& recipe::watch(std::vector<steering_vector> vectors, placement where) {
  return watch(std::move(vectors), watched_norm::ignored, std::move(where));
}

STEER_BODY recipe& recipe::append(edit next) {
  check(next);
  detail::dependent<Real>(edits_).push_back(std::move(next));
  return *this;
}

}  // namespace v0
}  // namespace steer
