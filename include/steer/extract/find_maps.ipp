// steer/extract/find_maps.ipp: the bodies of find_maps.hpp.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <Eigen/Core>

#include "steer/core/error.hpp"
#include "steer/core/matrix.hpp"
#include "steer/core/real.hpp"
#include "steer/core/site.hpp"
#include "steer/extract/find_conceptor.hpp"
#include "steer/extract/find_maps.hpp"
#include "steer/extract/gaussian_transport.hpp"
#include "steer/extract/leace.hpp"
#include "steer/extract/linear_transport.hpp"
#include "steer/extract/moments.hpp"
#include "steer/extract/principal_subspace.hpp"
#include "steer/extract/recorder.hpp"
#include "steer/extract/samples.hpp"
#include "steer/vector/affine_map.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

/// What `find` returns, checked; what it throws says where.
template <class Find>
affine_map map_at(const std::string& who, int layer, Find find) {
  const std::string where = text({who, ", layer ", layer});
  const auto located = [&](const error& problem) {
    message out = within(where + ": ", problem);
    out.fields.layer = layer;
    return out;
  };
  try {
    affine_map out = find();
    check(out, who);
    return out;
  } catch (const numeric_error& problem) {
    throw numeric_error(located(problem));
  } catch (const argument_error& problem) {
    throw argument_error(located(problem));
  } catch (const shape_error& problem) {
    throw shape_error(located(problem));
  }
}

STEER_BODY affine_maps found_maps(const recorder& recorded, const any_method_ref<affine_map>& method) {
  const std::string who = method.name();
  const std::size_t n = recorded.count(side::positive);
  const std::size_t m = recorded.count(side::negative);
  if (n == 0 || m == 0) {
    throw numeric_error(text({thing(who), ": the recorder has ", actual({n, " positive and ", m, " negative"}),
                              " texts; expected ", expected("at least one of each")}));
  }
  if (method.needs_pairs() && !recorded.paired()) {
    throw argument_error(text({thing(who), " needs ", expected("pairs"), ", and these texts are ", actual("none")}));
  }
  affine_maps out{recorded.options().point};
  for (const int layer : recorded.options().layers) {
    const auto find = [&] {
      return method(recorded.texts(layer, side::positive), recorded.texts(layer, side::negative));
    };
    out.layers.emplace(layer, map_at(who, layer, find));
  }
  return out;
}

}  // namespace detail

STEER_BODY std::string by_leace::name() const { return text({"leace, shrinkage ", options.shrinkage}); }

STEER_BODY affine_map by_leace::operator()(const sample_rows& positive, const sample_rows& negative) const {
  return binary_leace(positive, negative, options).map();
}

STEER_BODY std::string by_subspace_removal::name() const {
  return text({"removal of ", dimensions, " principal dimensions"});
}

STEER_BODY affine_map by_subspace_removal::operator()(const sample_rows& positive, const sample_rows& negative) const {
  const detail::two_sides both = detail::sides(positive, negative, 1, "subspace removal");
  const matrix<Real>& plus = both.positive;
  const matrix<Real>& minus = both.negative;
  if (plus.rows() != minus.rows()) {
    throw shape_error(text({"subspace removal: ", expected(plus.rows()), " positive and ", actual(minus.rows()),
                            " negative samples are no pairs; expected as many"}));
  }
  const matrix<Real> differences = plus - minus;
  return principal_subspace(differences, dimensions).removal();
}

STEER_BODY std::string by_linear_transport::name() const { return "linear_transport"; }

STEER_BODY affine_map by_linear_transport::operator()(const sample_rows& positive, const sample_rows& negative) const {
  return linear_transport(negative, positive);
}

STEER_BODY std::string by_gaussian_transport::name() const {
  return text({"gaussian_transport, ridge ", options.ridge});
}

STEER_BODY affine_map by_gaussian_transport::operator()(const sample_rows& positive,
                                                        const sample_rows& negative) const {
  moments from(negative.cols());
  from.update(negative);
  moments to(positive.cols());
  to.update(positive);
  return gaussian_transport(from, to, options);
}

STEER_BODY std::string by_conceptor::name() const { return text({"conceptor, aperture ", options.aperture}); }

STEER_BODY affine_map by_conceptor::operator()(const sample_rows& positive, const sample_rows&) const {
  return find_conceptor(positive, options).map();
}

STEER_BODY affine_maps find_class_erasers(std::span<const recorder> classes) {
  const char* const who = "find_class_erasers";
  if (classes.size() < 2) {
    throw argument_error(text({who, ": has ", actual(classes.size()), " classes; expected ", expected("at least 2")}));
  }
  const recorder& first = classes.front();
  for (std::size_t i = 0; i < classes.size(); ++i) {
    const recorder& here = classes[i];
    if (here.count(side::positive) + here.count(side::negative) == 0) {
      throw numeric_error(
          text({who, ": class ", i, " has ", actual("no text"), "; expected ", expected("at least one")}));
    }
    if (here.shape().fingerprint != first.shape().fingerprint ||
        here.shape().width_at(first.options().point) != first.shape().width_at(first.options().point)) {
      throw shape_error(text({who, ": class ", i, " was recorded in model \"", actual(here.shape().name),
                              "\", class 0 in \"", expected(first.shape().name), "\"; expected one model"}));
    }
    if (here.options().point != first.options().point || here.options().layers != first.options().layers) {
      throw argument_error(text(
          {who, ": class ", i, " is recorded at ",
           actual({to_string(here.options().point), " of ", here.options().layers.size(), " layers"}), ", class 0 at ",
           expected({to_string(first.options().point), " of ", first.options().layers.size(), " layers"}),
           "; expected the same, layer by layer"}));
    }
  }
  affine_maps out{first.options().point};
  const auto k = static_cast<Eigen::Index>(classes.size());
  for (const int layer : first.options().layers) {
    const auto find = [&]() -> affine_map {
      cross_moments seen(first.texts(layer, side::positive).cols(), k);
      for (Eigen::Index i = 0; i < k; ++i) {
        const recorder& here = classes[static_cast<std::size_t>(i)];
        for (const side which : {side::positive, side::negative}) {
          if (here.count(which) == 0) {
            continue;
          }
          matrix<Real> labels = matrix<Real>::Zero(static_cast<Eigen::Index>(here.count(which)), k);
          labels.col(i).setOnes();
          seen.update(here.texts(layer, which), labels);
        }
      }
      return leace(seen).map();
    };
    out.layers.emplace(layer, detail::map_at(who, layer, find));
  }
  return out;
}

}  // namespace v0
}  // namespace steer
