// steer/measure/take_readings.ipp: the bodies of take_readings.hpp.
#pragma once

#include <cmath>
#include <cstddef>
#include <functional>
#include <limits>
#include <span>
#include <string>
#include <vector>
#include <Eigen/Core>

#include "steer/core/error.hpp"
#include "steer/core/host.hpp"
#include "steer/core/model_shape.hpp"
#include "steer/core/real.hpp"
#include "steer/measure/take_readings.hpp"
#include "steer/measure/readout.hpp"
#include "steer/measure/token_text.hpp"
#include "steer/vector/response.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

STEER_BODY pooled_readings pool(const readings& all) {
  readout_sample sum;
  for (const readout_sample& r : all.samples) {
    sum.first += r.first;
    sum.second += r.second;
  }
  const bool mean = all.pooling == pooling::mean;
  pooled_readings out{mean ? sum.first / sum.second : std::log(sum.first / sum.second), {}};
  out.influence.resize(static_cast<Eigen::Index>(all.samples.size()));
  for (Eigen::Index s = 0; s < out.influence.size(); ++s) {
    const readout_sample& r = all.samples[static_cast<std::size_t>(s)];
    out.influence[s] = mean ? (r.first - out.value * r.second) / sum.second : r.first / sum.first - r.second / sum.second;
  }
  return out;
}

/// Standard error of a sum of independent terms with mean zero; NaN if there is one only.
template <class Real>
double error_of_sum(const Eigen::VectorX<Real>& parts) {
  const auto n = static_cast<double>(parts.size());
  return n > 1.0 ? std::sqrt(parts.squaredNorm() * n / (n - 1.0)) : std::numeric_limits<double>::quiet_NaN();
}

STEER_BODY void require_tokens(const std::vector<readout>& readouts, const std::vector<std::string>& names,
                           Eigen::Index vocabulary) {
  for (std::size_t i = 0; i < readouts.size(); ++i) {
    for (std::size_t t = 0; t < readouts[i].texts.size(); ++t) {
      require_tokens(readouts[i].texts[t], vocabulary, names[i], text({"text ", t, ", "}));
    }
  }
}

STEER_BODY std::vector<readings> take_readings(
    const model_shape& shape, const std::vector<readout>& readouts,
    const std::function<void(std::span<const token_text> texts, const logits_sink& sink)>& run) {
  std::vector<readings> out(readouts.size());
  std::vector<std::string> names;
  for (std::size_t i = 0; i < readouts.size(); ++i) {
    check(readouts[i]);
    names.push_back(text({"readout \"", readouts[i].name, "\""}));
    out[i].pooling = readouts[i].pooling;
  }
  bool vocabulary_known = false;
  for (std::size_t i = 0; i < readouts.size(); ++i) {
    if (!out[i].samples.empty()) {
      continue;  // has been read together with an earlier one
    }
    const std::vector<token_text>& texts = readouts[i].texts;
    std::vector<std::size_t> together;
    for (std::size_t j = i; j < readouts.size(); ++j) {
      if (readouts[j].texts == texts) {
        together.push_back(j);
        out[j].samples.resize(texts.size());
      }
    }
    std::size_t given = 0;
    const logits_sink sink = [&](std::size_t text, logits_view logits) {
      if (!vocabulary_known) {
        detail::require_tokens(readouts, names, logits.cols());
        vocabulary_known = true;
      }
      if (text != given || given == texts.size()) {
        throw host_error(steer::text({thing({"model \"", shape.name, "\""}), ": the host gave the logits of text ",
                                      actual(text), "; expected ", expected({"each of ", texts.size(), " in order"})}));
      }
      ++given;
      for (const std::size_t j : together) {
        const std::string where = steer::text({names[j], ", text ", text});
        detail::require_logits(texts[text], logits, where);
        const readout_sample found = readouts[j].read(texts[text], logits);
        if (!std::isfinite(found.first) || !std::isfinite(found.second)) {
          throw numeric_error(steer::text({thing(where), ": reads ", actual({found.first, " and ", found.second}),
                                           "; expected ", expected("finite numbers")}));
        }
        out[j].samples[text] = found;
      }
    };
    run(texts, sink);
    if (given != texts.size()) {
      throw host_error(text({thing({"model \"", shape.name, "\""}), ": the host gave the logits of ", actual(given),
                             given == 1 ? " text" : " texts", "; expected ", expected(texts.size())}));
    }
  }
  for (std::size_t i = 0; i < readouts.size(); ++i) {
    auto& samples = out[i].samples;
    if (readouts[i].sample == readout::sample::pair) {
      for (std::size_t s = 0; s < samples.size() / 2; ++s) {
        samples[s] = {samples[2 * s].first - samples[2 * s + 1].first, samples[2 * s].second};
      }
      samples.resize(samples.size() / 2);
    }
    if (const double value = detail::pool(out[i]).value; !std::isfinite(value)) {
      throw numeric_error(text({thing(names[i]), ": its ", samples.size(), " samples make ", actual(value),
                                "; expected ", expected("a finite number of nats")}));
    }
  }
  return out;
}

}  // namespace detail

STEER_BODY estimate value_of(const readings& all) {
  const detail::pooled_readings found = detail::pool(all);
  return {found.value, detail::error_of_sum<Real>(found.influence)};
}

STEER_BODY estimate shift_of(const readings& from, const readings& to) {
  const detail::pooled_readings before = detail::pool(from);
  const detail::pooled_readings after = detail::pool(to);
  const Eigen::VectorX<Real> moved = detail::dependent<Real>(after.influence) - before.influence;
  return {after.value - before.value, detail::error_of_sum<Real>(moved)};
}

}  // namespace v0
}  // namespace steer
