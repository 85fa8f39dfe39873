// steer/extract/recorder.ipp: the bodies of recorder.hpp.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>
#include <Eigen/Core>

#include "steer/core/error.hpp"
#include "steer/core/host.hpp"
#include "steer/core/model_shape.hpp"
#include "steer/core/real.hpp"
#include "steer/extract/recorder.hpp"
#include "steer/extract/token_selection.hpp"

namespace steer {
inline namespace v0 {

STEER_BODY recorder::recorder(model_shape shape, recorder_options options)
    : shape_(std::move(shape)), options_(std::move(options)) {
  check(options_.tokens);
  if (options_.layers.empty()) {
    for (int layer = 0; layer < shape_.layers; ++layer) {
      options_.layers.push_back(layer);
    }
  }
  require_facts(shape_);
  for (const int layer : options_.layers) {
    shape_.require({layer, options_.point}, "recorder");
    if (!streams_.try_emplace(layer, shape_.width_at(options_.point)).second) {
      throw argument_error(
          detail::text({"recorder: layer ", detail::at_layer(layer), " is ", detail::actual("named twice"),
                        "; expected ", detail::expected("each once")}));
    }
  }
}

STEER_BODY void recorder::merge(const recorder& other) {
  if (&other == this) {
    merge(recorder(other));
    return;
  }
  require_same_model(other.shape_);
  const recorder_options& theirs = other.options_;
  if (theirs.point != options_.point || theirs.layers != options_.layers ||
      to_string(theirs.tokens) != to_string(options_.tokens)) {
    const auto what = [](const recorder_options& o) {
      return detail::text({to_string(o.tokens), " at ", to_string(o.point), " of ", o.layers.size(), " layers"});
    };
    throw argument_error(detail::text({"recorder: merges ", detail::actual(what(theirs)), " into ",
                                       detail::expected(what(options_)), "; expected the same, layer by layer"}));
  }
  for (std::size_t s = 0; s < count_.size(); ++s) {
    make_room(s, other.count_[s]);
  }
  for (auto& [layer, here] : streams_) {
    const stream& there = other.streams_.at(layer);
    for (std::size_t s = 0; s < here.total.size(); ++s) {
      here.total[s] += there.total[s];
      here.texts[s].insert(here.texts[s].end(), there.texts[s].begin(), there.texts[s].end());
    }
    here.kept_norm_sum += there.kept_norm_sum;
    here.kept_norm_count += there.kept_norm_count;
  }
  for (std::size_t s = 0; s < count_.size(); ++s) {
    count_[s] += other.count_[s];
  }
  pairs_ += other.pairs_;
}

STEER_BODY Eigen::VectorXd recorder::mean(int layer, side which) const {
  const stream& here = at(layer);
  if (count(which) == 0) {
    throw numeric_error(detail::text({"recorder: has ", detail::actual({"no ", to_string(which), " text"}),
                                      "; expected ", detail::expected("at least one")}));
  }
  return here.total[index_of(which)] / static_cast<double>(count(which));
}

STEER_BODY std::optional<double> recorder::mean_row_norm(int layer) const {
  const stream& here = at(layer);
  if (here.kept_norm_count == 0) {
    return std::nullopt;
  }
  return here.kept_norm_sum / static_cast<double>(here.kept_norm_count);
}

STEER_BODY const recorder::stream& recorder::at(int layer) const {
  const auto found = streams_.find(layer);
  if (found == streams_.end()) {
    throw shape_error(detail::text(
        {"recorder: layer ", detail::at_layer(layer), " is not recorded; ", options_.layers.size(), " layers are, ",
         detail::expected({"from ", options_.layers.front(), " to ", options_.layers.back()})}));
  }
  return found->second;
}

STEER_BODY void recorder::require_facts(const model_shape& host) const {
  for (const row_fact fact : {row_fact::position, row_fact::prompt_length}) {
    host.require(fact, "recorder");
  }
  if (std::holds_alternative<tokens_where>(options_.tokens)) {
    host.require(row_fact::token, "recorder");
  }
}

STEER_BODY void recorder::require_same_model(const model_shape& host) const {
  require_facts(host);
  const std::ptrdiff_t width = host.width_at(options_.point);
  const std::ptrdiff_t expected_width = shape_.width_at(options_.point);
  if (host.layers != shape_.layers || width != expected_width || host.fingerprint != shape_.fingerprint) {
    using namespace detail;
    throw shape_error(
        text({"recorder: was made for ",
              expected({"model \"", shape_.name, "\" with ", shape_.layers, " layers of width ", expected_width,
                        " at ", to_string(options_.point)}),
              "; asked to observe ", actual({"\"", host.name, "\" with ", host.layers, " layers of width ", width}),
              host.fingerprint == shape_.fingerprint ? "" : " and other weights"}));
  }
}

STEER_BODY std::string recorder::name_of(std::span<const std::int32_t> text, side which) const {
  return detail::text({"recorder: ", to_string(which), " text ", count(which), " (", text.size(), " tokens)"});
}

STEER_BODY void recorder::make_room(std::size_t s, std::size_t more) {
  const auto width = static_cast<std::size_t>(shape_.width_at(options_.point));
  for (auto& [layer, here] : streams_) {
    std::vector<float>& texts = here.texts[s];
    if (const std::size_t needed = texts.size() + more * width; needed > texts.capacity()) {
      texts.reserve(std::max(needed, 2 * texts.capacity()));
    }
  }
}

STEER_BODY void recorder::keep(const pooled& text_rows, side which) noexcept {
  const std::size_t s = index_of(which);
  for (const auto& [layer, row] : text_rows) {
    stream& here = streams_.at(layer);
    here.total[s] += row.mean;
    here.kept_norm_sum += row.norm_sum;
    here.kept_norm_count += row.norm_count;
    for (const double number : row.mean) {
      here.texts[s].push_back(static_cast<float>(number));
    }
  }
  ++count_[s];
}

}  // namespace v0
}  // namespace steer
