// steer/compose/algebra.ipp: the bodies of algebra.hpp.
#pragma once

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <utility>
#include <vector>
#include <Eigen/Core>

#include "steer/compose/algebra.hpp"
#include "steer/core/error.hpp"
#include "steer/core/fingerprint.hpp"
#include "steer/core/real.hpp"
#include "steer/vector/steering_vector.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

/// What two measurements of the same thing agree on: their mean, or nothing if one is missing.
inline std::optional<double> mean_of(const std::optional<double>& a, const std::optional<double>& b) {
  return a && b ? std::optional(0.5 * (*a + *b)) : std::nullopt;
}

STEER_BODY void require_together(const steering_vector& a, const steering_vector& b, const std::string& who) {
  check(a);
  check(b);
  if (a.point != b.point) {
    throw argument_error(text({thing(who), ": \"", a.name, "\" belongs to ", expected(to_string(a.point)), ", \"",
                               b.name, "\" to ", actual(to_string(b.point)), "; expected one point"}));
  }
  if (!may_be_same_weights(a.source.fingerprint, b.source.fingerprint)) {
    throw argument_error(
        text({thing(who), ": \"", a.name, "\" was measured on ", expected({"model \"", a.source.model, "\""}), ", \"",
              b.name, "\" on ", actual({"\"", b.source.model, "\" with other weights"}),
              "; their spaces have nothing in common"}));
  }
  if (a.width() != b.width()) {
    throw shape_error(text({thing(who), ": \"", a.name, "\" has width ", expected(a.width()), ", \"", b.name, "\" has ",
                            actual(b.width()), "; expected the same"}));
  }
  for (const auto* pair : {&a, &b}) {
    const steering_vector& other = pair == &a ? b : a;
    for (const auto& [layer, v] : pair->directions) {
      if (!other.directions.contains(layer)) {
        throw shape_error(text({thing(who), ": \"", pair->name, "\" has layer ", at_layer(layer), ", \"", other.name,
                                "\" has not; expected ", expected("the same layers")}));
      }
    }
  }
}

STEER_BODY const steering_vector& require_all_together(const std::vector<steering_vector>& vectors,
                                                       const std::string& who) {
  const auto known = std::find_if(vectors.begin(), vectors.end(),
                                  [](const steering_vector& v) { return !v.source.fingerprint.empty(); });
  const steering_vector& first = known == vectors.end() ? vectors.front() : *known;
  for (const steering_vector& v : vectors) {
    require_together(first, v, who);
  }
  return first;
}

template <class Scalar>
steering_vector multiple(Scalar factor, const steering_vector& v, std::string name) {
  check(v);
  if (!(std::isfinite(factor) && factor != 0.0)) {
    throw numeric_error(text({thing({"multiple of \"", v.name, "\""}), ": the factor is ", actual(factor),
                              "; expected ", expected("a finite number other than 0")}));
  }
  steering_vector out = v;
  out.name = std::move(name);
  for (auto& [layer, here] : out.directions) {
    here.values = (factor * here.values.template cast<Scalar>()).template cast<float>();
    evidence& e = here.evidence;
    if (e.norm_ratio) {
      *e.norm_ratio *= std::abs(factor);
    }
    if (factor < 0.0) {  // read the other way round
      const auto minus = [](std::optional<double>& x) { x = x ? std::optional(-*x) : std::nullopt; };
      const auto complement = [](std::optional<double>& x) { x = x ? std::optional(1.0 - *x) : std::nullopt; };
      complement(e.auroc);
      complement(e.majority);
      minus(e.d_prime);
      minus(e.coherence);
    }
  }
  check(out);
  return out;
}

}  // namespace detail

STEER_BODY steering_vector operator+(const steering_vector& a, const steering_vector& b) {
  const std::string name = text({a.name, " + ", b.name});
  detail::require_together(a, b, name);
  steering_vector out;
  out.name = name;
  out.point = a.point;
  out.source = a.source;
  if (out.source.fingerprint.size() < b.source.fingerprint.size()) {  // what one of them knows of the model is not lost
    out.source.model = b.source.model;
    out.source.fingerprint = b.source.fingerprint;
  }
  out.source.method = text({a.source.method, " + ", b.source.method});
  out.source.contrast = text({"(", a.source.contrast, ") + (", b.source.contrast, ")"});
  out.source.tokens = a.source.tokens == b.source.tokens ? a.source.tokens : a.source.tokens + "; " + b.source.tokens;
  out.source.positives += b.source.positives;
  out.source.negatives += b.source.negatives;
  for (const auto& [layer, left] : a.directions) {
    const direction& right = b.directions.at(layer);
    const Eigen::VectorX<Real> first = left.values.template cast<Real>();
    const Eigen::VectorX<Real> second = right.values.template cast<Real>();
    const Eigen::VectorX<Real> sum = first + second;
    constexpr double rounding = 1e-6;  // of floats
    const double size = first.norm() + second.norm();
    if (sum.norm() <= rounding * size) {
      throw numeric_error(text({thing(name), ", layer ", at_layer(layer), ": the sum is ", actual("zero"),
                                "; a direction needs ", expected("a norm above 0")}));
    }
    out.directions[layer].values = sum.template cast<float>();
    out.directions[layer].row_norm = detail::mean_of(left.row_norm, right.row_norm);
  }
  check(out);
  return out;
}

STEER_BODY steering_vector operator*(double factor, const steering_vector& v) {
  return detail::multiple<Real>(factor, v, text({factor, " ", v.name}));
}

STEER_BODY steering_vector operator*(const steering_vector& v, double factor) { return factor * v; }

STEER_BODY steering_vector operator/(const steering_vector& v, double divisor) { return (1.0 / divisor) * v; }

STEER_BODY steering_vector operator-(const steering_vector& v) {
  return detail::multiple<Real>(-1.0, v, text({"-", v.name}));
}

STEER_BODY steering_vector operator-(const steering_vector& a, const steering_vector& b) { return a + -b; }

}  // namespace v0
}  // namespace steer
