// steer/extract/recorder.ipp: the bodies of recorder.hpp.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>
#include <Eigen/Core>

#include "steer/core/error.hpp"
#include "steer/core/host.hpp"
#include "steer/core/matrix.hpp"
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
  if (options_.stream) {
    shape_.require_stream(*options_.stream, options_.point, "recorder");
  }
  tokens_ = token_rows(shape_.streams_at(options_.point), options_.stream);
  for (const int layer : options_.layers) {
    shape_.require({layer, options_.point}, "recorder");
    const auto [place, is_new] = layers_.try_emplace(layer);
    if (!is_new) {
      throw argument_error(text(
          {"recorder: layer ", at_layer(layer), " is ", actual("named twice"), "; expected ", expected("each once")}));
    }
    recorded_layer& here = place->second;
    const Eigen::VectorX<Real> zero = Eigen::VectorX<Real>::Zero(static_cast<Eigen::Index>(shape_.width_at(options_.point)));
    here.total = {zero, zero};
  }
}

STEER_BODY void recorder::merge(const recorder& other) {
  if (&other == this) {
    merge(recorder(other));
    return;
  }
  require_same_model(other.shape_);
  const recorder_options& theirs = other.options_;
  if (theirs.point != options_.point || theirs.layers != options_.layers || theirs.stream != options_.stream ||
      to_string(theirs.tokens) != to_string(options_.tokens)) {
    const auto what = [](const recorder_options& o) {
      return text({to_string(o.tokens), " at ", to_string(o.point), " of ", o.layers.size(), " layers",
                   o.stream ? text({", stream ", *o.stream}) : std::string()});
    };
    throw argument_error(text({"recorder: merges ", actual(what(theirs)), " into ", expected(what(options_)),
                               "; expected the same, layer by layer"}));
  }
  for (std::size_t s = 0; s < count_.size(); ++s) {
    make_room(s, other.count_[s]);
  }
  for (auto& [layer, here] : layers_) {
    const recorded_layer& there = other.layers_.at(layer);
    for (std::size_t s = 0; s < here.total.size(); ++s) {
      Eigen::VectorX<Real>& total = here.total[s];
      const Eigen::VectorX<Real>& more = there.total[s];
      total += more;
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
  const recorded_layer& here = at(layer);
  if (count(which) == 0) {
    throw numeric_error(
        text({"recorder: has ", actual({"no ", to_string(which), " text"}), "; expected ", expected("at least one")}));
  }
  const Eigen::VectorX<Real>& total = here.total[index_of(which)];
  return total / static_cast<double>(count(which));
}

STEER_BODY std::optional<double> recorder::mean_row_norm(int layer) const {
  const recorded_layer& here = at(layer);
  if (here.kept_norm_count == 0) {
    return std::nullopt;
  }
  return here.kept_norm_sum / static_cast<double>(here.kept_norm_count);
}

STEER_BODY const recorder::recorded_layer& recorder::at(int layer) const {
  const auto found = layers_.find(layer);
  if (found == layers_.end()) {
    throw shape_error(
        text({"recorder: layer ", at_layer(layer), " is not recorded; ", options_.layers.size(), " layers are, ",
              expected({"from ", options_.layers.front(), " to ", options_.layers.back()})}));
  }
  return found->second;
}

STEER_BODY Eigen::Map<const matrix<float>> recorder::texts(int layer, side which) const {
  const auto& kept = at(layer).texts[index_of(which)];
  const auto n = static_cast<Eigen::Index>(count_[index_of(which)]);
  return {kept.data(), n, static_cast<Eigen::Index>(shape_.width_at(options_.point))};
}

STEER_BODY recorder::recorded_layer* recorder::shown(site where, std::ptrdiff_t count, std::ptrdiff_t width,
                                             std::size_t facts) {
  const auto found = layers_.find(where.layer);
  if (found == layers_.end() || where.point != options_.point) {
    return nullptr;
  }
  recorded_layer& here = found->second;
  if (width != here.total[0].size() || static_cast<std::ptrdiff_t>(facts) < count) {
    throw shape_error(text({"recorder: layer ", at_layer(where.layer), " is shown ",
                            actual({count, " rows of width ", width, " with facts of ", facts}), "; expected ",
                            expected({"width ", here.total[0].size(), " and facts of each row"})}));
  }
  return &here;
}

STEER_BODY void recorder::begin(std::span<const answered_text> texts, bool side_by_side) {
  side_by_side_ = side_by_side;
  answers_.clear();
  for (const answered_text& each : texts) {
    answers_.push_back(each.answer);
  }
  for (auto& [layer, here] : layers_) {
    const Eigen::Index width = here.total[0].size();
    here.under_way.resize(texts.size());
    for (sums& each : here.under_way) {
      each.sum.setZero(width);
      each.count = 0;
      each.norm_sum = 0.0;
      each.norm_count = 0;
    }
  }
  failure_ = nullptr;
}

STEER_BODY recorder::pooled recorder::end(std::size_t i, const answered_text& text, side which, std::int64_t selected) {
  using namespace detail;
  if (failure_) {
    std::rethrow_exception(std::exchange(failure_, nullptr));
  }
  pooled out;
  for (const auto& entry : layers_) {
    const int layer = entry.first;
    const sums& here = entry.second.under_way[i];
    const auto refused = [&](std::initializer_list<text_part> what) {
      return steer::text({thing(name_of(text, which, side_by_side_ ? i : 0)), ", layer ", at_layer(layer), " ", to_string(options_.point),
                          ": ", steer::text(what)});
    };
    if (here.count < selected) {
      throw host_error(
          refused({"the host showed ", actual(here.count), " of the ", expected(selected), " tokens selected"}));
    }
    const Eigen::VectorX<Real>& sum = here.sum;
    if (!sum.allFinite() || !std::isfinite(here.norm_sum)) {
      throw numeric_error(refused({"an activation is ", actual("not finite")}));
    }
    out.emplace(layer, pooled_row{sum / static_cast<double>(here.count), here.norm_sum, here.norm_count});
  }
  return out;
}

STEER_BODY void recorder::require_pairs(std::size_t positives, std::size_t negatives) {
  if (positives != negatives) {
    throw argument_error(text({thing("recorder"), ": has ", actual(positives), " positive texts and ", expected(negatives),
                               " negative ones; pairs need as many"}));
  }
}

STEER_BODY recorder::mark recorder::here() const {
  mark out{count_, pairs_, {}};
  for (const auto& [layer, kept] : layers_) {
    recorded_layer& copy = out.sums[layer];
    copy.total = kept.total;
    copy.kept_norm_sum = kept.kept_norm_sum;
    copy.kept_norm_count = kept.kept_norm_count;
  }
  return out;
}

STEER_BODY void recorder::go_back(mark to) noexcept {
  count_ = to.count;
  pairs_ = to.pairs;
  for (auto& [layer, kept] : layers_) {
    recorded_layer& before = to.sums.at(layer);
    kept.total = std::move(before.total);
    kept.kept_norm_sum = before.kept_norm_sum;
    kept.kept_norm_count = before.kept_norm_count;
    for (std::size_t s = 0; s < kept.texts.size(); ++s) {
      kept.texts[s].resize(count_[s] * static_cast<std::size_t>(kept.total[s].size()));
    }
  }
}

STEER_BODY std::int64_t recorder::selected_of(const answered_text& text, side which, std::size_t after) const {
  return count_selected(options_.tokens, text, name_of(text, which, after));
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
  if (host.layers != shape_.layers || width != expected_width || host.streams != shape_.streams || host.fingerprint != shape_.fingerprint) {
    using namespace detail;
    throw shape_error(
        text({"recorder: was made for ",
              expected({"model \"", shape_.name, "\" with ", shape_.layers, " layers of width ", expected_width, " at ",
                        to_string(options_.point)}),
              "; asked to record ", actual({"\"", host.name, "\" with ", host.layers, " layers of width ", width}),
              host.streams == shape_.streams ? std::string() : text({" in ", host.streams, " streams instead of ", shape_.streams}),
              host.fingerprint == shape_.fingerprint ? "" : " and other weights"}));
  }
}

STEER_BODY std::string recorder::name_of(const answered_text& text, side which, std::size_t after) const {
  return steer::text({"recorder: ", to_string(which), " text ", count(which) + after, " (", text.tokens.size(), " tokens)"});
}

STEER_BODY void recorder::make_room(std::size_t s, std::size_t more) {
  const auto width = static_cast<std::size_t>(shape_.width_at(options_.point));
  for (auto& [layer, here] : layers_) {
    std::vector<float>& texts = here.texts[s];
    if (const std::size_t needed = texts.size() + more * width; needed > texts.capacity()) {
      texts.reserve(std::max(needed, 2 * texts.capacity()));
    }
  }
}

STEER_BODY void recorder::keep(const pooled& text_rows, side which) noexcept {
  const std::size_t s = index_of(which);
  for (const auto& [layer, row] : text_rows) {
    recorded_layer& here = layers_.at(layer);
    Eigen::VectorX<Real>& total = here.total[s];
    const Eigen::VectorX<Real>& mean = row.mean;
    total += mean;
    here.kept_norm_sum += row.norm_sum;
    here.kept_norm_count += row.norm_count;
    for (Eigen::Index i = 0; i < mean.size(); ++i) {
      here.texts[s].push_back(static_cast<float>(mean[i]));
    }
  }
  ++count_[s];
}

}  // namespace v0
}  // namespace steer
