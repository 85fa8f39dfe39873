// steer/extract/recorder.hpp: a hook that collects what directions are made of.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <Eigen/Core>

#include "steer/core/hook.hpp"
#include "steer/core/host.hpp"
#include "steer/core/linkage.hpp"
#include "steer/core/matrix.hpp"
#include "steer/core/model_shape.hpp"
#include "steer/core/token_rows.hpp"
#include "steer/extract/token_selection.hpp"

namespace steer {
inline namespace v0 {

enum class side : std::uint8_t { positive, negative };

constexpr std::string_view to_string(side s) noexcept { return s == side::positive ? "positive" : "negative"; }

struct recorder_options {
  token_selection tokens = token_span{1};
  steer::point point = steer::point::residual_out;
  std::vector<int> layers = {};  ///< empty: all
  /// Of a model with several residual streams, the one whose rows are recorded; empty: each token's mean over its streams.
  std::optional<int> stream = std::nullopt;
};

/// Streams a model's activations into one mean row per text and layer.
///
///     steer::recorder recorder{model.shape(), {.tokens = steer::last_token{}}};
///     recorder.record(model, "I am very happy.", "I am very sad.");
///
/// Sums are kept in double. What stays in memory is one float row per text and layer, which the evidence needs. A text
/// that has no selected token, or an activation that is not finite, makes `record` throw and leaves no trace.
///
/// @cost per row one pass for its norm and, if selected, one for its sum; n L d floats of memory
class recorder {
 public:
  /// @throws shape_error for a layer, point or stream that the host does not show, argument_error for an impossible selection or
  ///         row facts that the host does not supply
  STEER_API explicit recorder(model_shape shape, recorder_options options = {});

  /// Runs one text through the model and pools its selected rows.
  /// @throws before the pass: shape_error for another model, argument_error if no token is selected, one is negative, or an answer
  ///         begins where there is no token. After it: host_error if the host did not show every selected token, numeric_error for an
  ///         activation that is not finite
  template <host Model>
  void record(Model& model, const answered_text& text, side which) {
    require_same_model(model.shape());
    const std::int64_t selected = selected_of(text, which);
    const pooled found = run(model, text, which, selected);
    make_room(index_of(which), 1);
    keep(found, which);
  }
  template <host Model>
  void record(Model& model, std::span<const std::int32_t> text, side which) {
    record(model, answered_text{text}, which);
  }

  /// Runs a contrast pair; pairs make `evidence::coherence` possible. Either both texts are kept or none.
  /// @throws as for one text, for both before the first pass
  template <host Model>
  void record(Model& model, const answered_text& positive, const answered_text& negative) {
    require_same_model(model.shape());
    const std::int64_t selected_positive = selected_of(positive, side::positive);
    const std::int64_t selected_negative = selected_of(negative, side::negative);
    const pooled plus = run(model, positive, side::positive, selected_positive);
    const pooled minus = run(model, negative, side::negative, selected_negative);
    make_room(index_of(side::positive), 1);
    make_room(index_of(side::negative), 1);
    keep(plus, side::positive);
    keep(minus, side::negative);
    ++pairs_;
  }
  template <host Model>
  void record(Model& model, std::span<const std::int32_t> positive, std::span<const std::int32_t> negative) {
    record(model, answered_text{positive}, answered_text{negative});
  }

  /// Runs many texts side by side, in blocks of so many, and pools each as `record` of one text does. All are kept or none.
  /// @throws as for one text, for all before the first pass; argument_error for a host that does not tell sequences apart
  template <batch_host Model>
  void record(Model& model, std::span<const answered_text> texts, side which) {
    record_blocks(model, which == side::positive ? texts : std::span<const answered_text>(),
                  which == side::negative ? texts : std::span<const answered_text>(), 0);
  }

  /// The same for pairs.
  /// @throws also argument_error if there are not as many positive texts as negative ones
  template <batch_host Model>
  void record(Model& model, std::span<const answered_text> positive, std::span<const answered_text> negative) {
    require_pairs(positive.size(), negative.size());
    record_blocks(model, positive, negative, positive.size());
  }

  /// Texts that a host runs side by side: results depend on neither threads nor how many there are.
  static constexpr std::size_t block = 32;

  template <text_host Model>
  void record(Model& model, std::string_view text, side which) {
    const std::vector<std::int32_t> tokens = model.tokenize(text);
    record(model, std::span(tokens), which);
  }

  template <text_host Model>
  void record(Model& model, std::string_view positive, std::string_view negative) {
    const std::vector<std::int32_t> plus = model.tokenize(positive);
    const std::vector<std::int32_t> minus = model.tokenize(negative);
    record(model, std::span(plus), std::span(minus));
  }

  /// As if everything that `other` has recorded had been recorded here, after what was. Threads record into recorders
  /// of their own; merged in a fixed order they give the same bits every time.
  /// @throws shape_error for another model, argument_error for another selection of tokens, point or layers; nothing is merged
  ///         then
  STEER_API void merge(const recorder& other);

  [[nodiscard]] steer::access access(site where) const noexcept {
    return where.point == options_.point && layers_.contains(where.layer) ? steer::access::read : steer::access::none;
  }

  /// What the host calls. Rows seen outside `record` are not kept. What a `tokens_where` predicate throws, `record`
  /// throws, and a shape_error for rows of another width or without facts.
  template <class Scalar>
  void operator()(site where, rows<Scalar> activations) noexcept {
    try {
      collect(where, activations);
    } catch (...) {
      failure_ = std::current_exception();
    }
  }

  [[nodiscard]] const model_shape& shape() const noexcept { return shape_; }
  [[nodiscard]] const recorder_options& options() const noexcept { return options_; }
  [[nodiscard]] std::size_t count(side which) const noexcept { return count_[index_of(which)]; }
  /// Whether every text came as half of a pair.
  [[nodiscard]] bool paired() const noexcept { return pairs_ > 0 && pairs_ == count_[0] && pairs_ == count_[1]; }

  /// One row per text: the mean of its selected rows.
  /// @shape  returns [n, d], a view that the next `record` invalidates; rows of a pair stand at the same index
  /// @throws shape_error if the layer is not recorded
  STEER_API [[nodiscard]] Eigen::Map<const matrix<float>> texts(int layer, side which) const;

  /// Mean over the texts in double, as streamed.
  /// @shape  returns [d]
  /// @throws shape_error if the layer is not recorded; numeric_error if that side has no text yet
  STEER_API [[nodiscard]] Eigen::VectorXd mean(int layer, side which) const;

  /// Mean |h| over all tokens of all texts but those at position 0; empty if there was none.
  /// @throws shape_error if the layer is not recorded
  STEER_API [[nodiscard]] std::optional<double> mean_row_norm(int layer) const;

 private:
  /// A text under way.
  struct sums {
    Eigen::VectorXd sum;
    std::int64_t count = 0;
    double norm_sum = 0.0;
    std::int64_t norm_count = 0;
  };
  struct recorded_layer {
    std::vector<sums> under_way;
    // The texts kept.
    std::array<Eigen::VectorXd, 2> total;
    std::array<std::vector<float>, 2> texts;
    double kept_norm_sum = 0.0;
    std::int64_t kept_norm_count = 0;
  };

  struct pooled_row {
    Eigen::VectorXd mean;
    double norm_sum = 0.0;
    std::int64_t norm_count = 0;
  };
  using pooled = std::map<int, pooled_row>;

  /// What is streamed of a layer.
  /// @return nothing if the site is not recorded
  /// @throws shape_error for rows of another width or without facts
  STEER_API [[nodiscard]] recorded_layer* shown(site where, std::ptrdiff_t count, std::ptrdiff_t width, std::size_t facts);

  template <class Scalar>
  void collect(site where, const rows<Scalar>& activations) {
    recorded_layer* const here = shown(where, activations.count, activations.width, activations.info.size());
    if (here != nullptr) {
      tokens_.read(activations, [&](const auto& tokens) { add(*here, tokens); });
    }
  }

  template <class Scalar>
  void add(recorded_layer& here, const rows<Scalar>& activations) {
    for (std::ptrdiff_t i = 0; i < activations.count; ++i) {
      const row_info& info = activations.info_of(i);
      const std::size_t text = side_by_side_ ? static_cast<std::size_t>(info.sequence) : 0;
      if (text >= here.under_way.size()) {  // a row seen outside `record`
        continue;
      }
      sums& mine = here.under_way[text];
      const Eigen::Map<const Eigen::Matrix<Scalar, Eigen::Dynamic, 1>> h(activations[i].data(), activations.width);
      if (info.position > 0) {
        mine.norm_sum += std::sqrt(h.template cast<double>().squaredNorm());
        ++mine.norm_count;
      }
      if (contains(options_.tokens, info, answers_[text])) {
        mine.sum += h.template cast<double>();
        ++mine.count;
      }
    }
  }

  /// @throws shape_error if the layer is not recorded
  STEER_API [[nodiscard]] const recorded_layer& at(int layer) const;

  static constexpr std::size_t index_of(side which) noexcept { return static_cast<std::size_t>(which); }

  STEER_API void require_facts(const model_shape& host) const;

  STEER_API void require_same_model(const model_shape& host) const;

  /// The start of a message about one text.
  /// @param after  so many others that are to be kept before it
  STEER_API [[nodiscard]] std::string name_of(const answered_text& text, side which, std::size_t after = 0) const;

  /// How many tokens of a text are selected, which is known before the model runs.
  /// @throws as `count_selected`
  STEER_API [[nodiscard]] std::int64_t selected_of(const answered_text& text, side which, std::size_t after = 0) const;

  template <host Model>
  pooled run(Model& model, const answered_text& text, side which, std::int64_t selected) {
    begin(std::span(&text, 1), false);
    model.evaluate(text.tokens, hook_ref<float>(*this));
    return end(0, text, which, selected);
  }

  /// What is kept, for who may have to go back.
  struct mark {
    std::array<std::size_t, 2> count;
    std::size_t pairs;
    std::map<int, recorded_layer> sums;  // without the texts
  };
  STEER_API [[nodiscard]] mark here() const;
  STEER_API void go_back(mark to) noexcept;

  template <batch_host Model>
  void record_blocks(Model& model, std::span<const answered_text> positive, std::span<const answered_text> negative, std::size_t pairs) {
    require_same_model(model.shape());
    model.shape().require(row_fact::sequence, "recorder");
    std::array<std::vector<std::int64_t>, 2> selected;
    for (const auto& [texts, which] : {std::pair{positive, side::positive}, {negative, side::negative}}) {
      for (std::size_t i = 0; i < texts.size(); ++i) {
        selected[index_of(which)].push_back(selected_of(texts[i], which, i));
      }
      make_room(index_of(which), texts.size());
    }
    mark before = here();
    try {
      for (std::size_t first = 0; first < std::max(positive.size(), negative.size()); first += block) {
        for (const auto& [texts, which] : {std::pair{positive, side::positive}, {negative, side::negative}}) {
          if (first < texts.size()) {
            record_block(model, texts.subspan(first, std::min(block, texts.size() - first)), which,
                         std::span(selected[index_of(which)]).subspan(first));
          }
        }
      }
    } catch (...) {
      go_back(std::move(before));
      throw;
    }
    pairs_ += pairs;
  }

  template <batch_host Model>
  void record_block(Model& model, std::span<const answered_text> texts, side which, std::span<const std::int64_t> selected) {
    begin(texts, true);
    std::vector<asked_text> asked;
    const bool needs_last_layer = layers_.contains(shape_.layers - 1);  // where a host may compute only rows that are asked for
    for (const answered_text& each : texts) {
      asked.push_back({each.tokens, needs_last_layer ? 0 : static_cast<std::int32_t>(each.tokens.size()) - 1});
    }
    model.ask(asked, hook_ref<float>(*this), [](std::size_t, logits_view) {});
    std::vector<pooled> found;
    for (std::size_t i = 0; i < texts.size(); ++i) {
      found.push_back(end(i, texts[i], which, selected[i]));
    }
    for (const pooled& each : found) {
      keep(each, which);
    }
  }

  /// Before the model runs.
  /// @param side_by_side  whether the sequence of a row says which of the texts it belongs to
  STEER_API void begin(std::span<const answered_text> texts, bool side_by_side);

  /// What the model has shown of the i-th text.
  /// @throws what a predicate threw; host_error if the host did not show every selected token; numeric_error for an activation
  ///         that is not finite
  STEER_API [[nodiscard]] pooled end(std::size_t i, const answered_text& text, side which, std::int64_t selected);

  /// @throws argument_error
  STEER_API static void require_pairs(std::size_t positives, std::size_t negatives);

  /// Memory for more texts of a side, so that to keep them cannot fail halfway.
  STEER_API void make_room(std::size_t s, std::size_t more);

  /// What `make_room` was called for.
  STEER_API void keep(const pooled& text_rows, side which) noexcept;

  model_shape shape_;
  recorder_options options_;
  std::map<int, recorded_layer> layers_;
  token_rows tokens_;
  std::array<std::size_t, 2> count_{};
  std::size_t pairs_ = 0;
  std::vector<std::int32_t> answers_;  // of the texts under way: where they begin
  bool side_by_side_ = false;
  std::exception_ptr failure_;         // of a predicate, while the model runs
};
static_assert(hook<recorder, float>);

}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/extract/recorder.ipp"
#endif
