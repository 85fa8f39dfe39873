// steer/measure/read_out.hpp: where readouts stand under a hook, and how far they move from one to another.
#pragma once

#include <cmath>
#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <vector>
#include <Eigen/Core>

#include "steer/core/error.hpp"
#include "steer/core/host.hpp"
#include "steer/core/linkage.hpp"
#include "steer/measure/readout.hpp"
#include "steer/vector/response.hpp"

namespace steer {
inline namespace v0 {

/// The readings of one readout under one hook.
struct readings {
  std::vector<readout_sample> samples = {};
  steer::pooling pooling = steer::pooling::mean;
};

namespace detail {

/// A readout's value, and by how much each sample moves it.
struct pooled_readings {
  double value = 0.0;
  Eigen::VectorXd influence = {};  // [n]
};

STEER_API pooled_readings pool(const readings& all);

/// @throws argument_error for a token of any text that the vocabulary does not have
STEER_API void require_tokens(const std::vector<readout>& readouts, const std::vector<std::string>& names,
                           Eigen::Index vocabulary);

}  // namespace detail

/// A readout in nats.
/// @return with the standard error by samples, which are independent, their positions need not be; NaN for a single one
/// @source Cochran 1977, Sampling Techniques, section 6.3 (ratio estimator)
STEER_API estimate value_of(const readings& all);

/// How far a readout moved, from one hook to another over the same samples: most of what differs between texts cancels.
STEER_API estimate shift_of(const readings& from, const readings& to);

/// Runs the readouts' texts under a hook; readouts that have the same texts share the pass.
///
/// @return one for each readout
/// @throws before the first pass as `check` of a readout; with the first logits, and naming readout and text, argument_error for
///         a token of any text that the model does not have; host_error if the host leaves out a text or a row of its logits;
///         numeric_error naming readout and text if a reading is not finite, or the readings of one add up to nothing
/// @cost   one forward pass over every different set of texts
template <logits_host Model>
std::vector<readings> read_out(Model& model, const std::vector<readout>& readouts, hook_ref<float> hook) {
  std::vector<readings> out(readouts.size());
  std::vector<std::string> names;
  for (std::size_t i = 0; i < readouts.size(); ++i) {
    check(readouts[i]);
    names.push_back(detail::text({"readout \"", readouts[i].name, "\""}));
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
        throw host_error(detail::text({detail::thing({"model \"", model.shape().name, "\""}),
                                       ": the host gave the logits of text ", detail::actual(text), "; expected ",
                                       detail::expected({"each of ", texts.size(), " in order"})}));
      }
      ++given;
      for (const std::size_t j : together) {
        const std::string where = detail::text({names[j], ", text ", text});
        detail::require_logits(texts[text], logits, where);
        const readout_sample found = readouts[j].read(texts[text], logits);
        if (!std::isfinite(found.first) || !std::isfinite(found.second)) {
          throw numeric_error(
              detail::text({detail::thing(where), ": reads ", detail::actual({found.first, " and ", found.second}),
                            "; expected ", detail::expected("finite numbers")}));
        }
        out[j].samples[text] = found;
      }
    };
    model.logits(std::span<const token_text>(texts), hook, sink);
    if (given != texts.size()) {
      throw host_error(detail::text({detail::thing({"model \"", model.shape().name, "\""}),
                                     ": the host gave the logits of ", detail::actual(given),
                                     given == 1 ? " text" : " texts", "; expected ", detail::expected(texts.size())}));
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
      throw numeric_error(
          detail::text({detail::thing(names[i]), ": its ", samples.size(), " samples make ", detail::actual(value),
                        "; expected ", detail::expected("a finite number of nats")}));
    }
  }
  return out;
}

/// The same without steering.
template <logits_host Model>
std::vector<readings> read_out(Model& model, const std::vector<readout>& readouts) {
  no_hook nothing;
  return read_out(model, readouts, nothing);
}

}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/measure/read_out.ipp"
#endif
