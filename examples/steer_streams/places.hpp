// steer_streams/places.hpp: where a model is steered: after a layer, in one of its residual streams, or at its writers.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "steer/compose/orthogonalise.hpp"
#include "steer_story/compose.hpp"
#include "steer_story/experiment.hpp"

namespace steer_streams {

using steer_story::moves;
using steer_story::subject;
using vectors = std::vector<steer::steering_vector>;  ///< one for each concept

/// One way to steer a model: what a dose of 1 of each concept is, with vectors as found and made orthogonal to each other.
struct place {
  std::string name;
  moves plain;
  moves joint;
  double cosine = 0.0;  ///< mean |cosine| of two concepts' directions, over all layers and points where they act
};

/// The share of each stream in a concept's direction: |d_s|² / Σ|d_s|².
struct stream_shares {
  std::string name;            ///< the concept
  std::vector<double> shares;  ///< by stream
};

namespace detail {

inline moves moves_at(const vectors& of, const std::vector<int>& layers, const std::vector<int>& streams) {
  moves out;
  for (const steer::steering_vector& v : of) {
    out.push_back(steer::recipe{}.add(v, {.strength = 1.0F, .unit = steer::strength_unit::of_row_norm}, {.layers = layers, .rows = {.streams = streams}}));
  }
  return out;
}

/// Each concept's edits of both.
inline moves together(moves a, const moves& b) {
  for (std::size_t i = 0; i < a.size(); ++i) {
    for (const steer::edit& each : b[i].edits()) {
      a[i].append(each);
    }
  }
  return a;
}

inline double mean_cosine(const std::vector<const vectors*>& of, const std::vector<int>& layers) {
  double sum = 0.0;
  int count = 0;
  for (const vectors* each : of) {
    for (const int layer : layers) {
      for (std::size_t i = 0; i < each->size(); ++i) {
        for (std::size_t j = 0; j < i; ++j) {
          const auto& a = (*each)[i].directions.at(layer).values;
          const auto& b = (*each)[j].directions.at(layer).values;
          sum += std::abs(static_cast<double>(a.normalized().dot(b.normalized())));
          ++count;
        }
      }
    }
  }
  return sum / count;
}

}  // namespace detail

/// The places of a model, and for one with several streams how much of each concept lies in each.
struct surveyed {
  std::vector<place> places;
  std::vector<stream_shares> streams;
};

/// @throws what extraction throws
inline surveyed survey(const subject& what, int layer, int threads, const steer_story::progress& report) {
  surveyed out;
  const int layers = what.model->shape().layers;
  const int streams = what.model->shape().streams;
  const double parts = 3.0 + (streams > 1 ? streams : 0);
  int part = 0;
  const auto found = [&](steer::recorder_options where) {
    vectors v = steer_story::extract(what, threads, [&](double done) { report((part + done) / parts); }, where);
    ++part;
    return v;
  };
  const vectors residual = found({.point = steer::point::residual_out, .layers = {layer}});
  out.places.push_back({"residual_out", detail::moves_at(residual, {layer}, {}), detail::moves_at(steer::lowdin(residual), {layer}, {}),
                        detail::mean_cosine({&residual}, {layer})});

  std::vector<int> all;
  for (int each = 0; each < layers; ++each) {
    all.push_back(each);
  }
  const vectors attention = found({.point = steer::point::attention_out});
  const vectors mlp = found({.point = steer::point::mlp_out});
  out.places.push_back({"writers", detail::together(detail::moves_at(attention, all, {}), detail::moves_at(mlp, all, {})),
                        detail::together(detail::moves_at(steer::lowdin(attention), all, {}), detail::moves_at(steer::lowdin(mlp), all, {})),
                        detail::mean_cosine({&attention, &mlp}, all)});

  if (streams > 1) {
    std::vector<vectors> of_stream;
    for (int stream = 0; stream < streams; ++stream) {
      of_stream.push_back(found({.point = steer::point::residual_out, .layers = {layer}, .stream = stream}));
    }
    std::vector<double> total(static_cast<std::size_t>(streams));
    for (std::size_t i = 0; i < what.concepts.size(); ++i) {
      stream_shares shares{what.concepts[i].name, {}};
      double sum = 0.0;
      for (const vectors& each : of_stream) {
        shares.shares.push_back(static_cast<double>(each[i].directions.at(layer).values.squaredNorm()));
        sum += shares.shares.back();
      }
      for (std::size_t s = 0; s < shares.shares.size(); ++s) {
        shares.shares[s] /= sum;
        total[s] += shares.shares[s];
      }
      out.streams.push_back(std::move(shares));
    }
    const auto most = std::max_element(total.begin(), total.end()) - total.begin();
    const vectors& best = of_stream[static_cast<std::size_t>(most)];
    const std::vector<int> only{static_cast<int>(most)};
    out.places.push_back({"one stream", detail::moves_at(best, {layer}, only), detail::moves_at(steer::lowdin(best), {layer}, only),
                          detail::mean_cosine({&best}, {layer})});
  }
  return out;
}

}  // namespace steer_streams
