// steer/core/host.hpp: what the library asks of a model that calls hooks.
#pragma once

#include <Eigen/Core>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "steer/core/hook_ref.hpp"
#include "steer/core/matrix.hpp"
#include "steer/core/model_shape.hpp"

namespace steer {
inline namespace v0 {

/// A model that can run a text through itself and call a hook at every site on the way. It calls `require_fit` first, since
/// a hook that was made for another model can do nothing about it later.
///
/// `evaluate(tokens, hook)` treats the tokens as one new sequence, all of them prompt, from position 0; what it did for
/// earlier texts leaves no trace.
template <class Host>
concept host = requires(Host& model, std::span<const std::int32_t> tokens, hook_ref<float> observer) {
  { model.shape() } -> std::convertible_to<const model_shape&>;
  model.evaluate(tokens, observer);
};

/// A host that also turns text into its own tokens, with what a text begins with (such as a BOS token) included.
template <class Host>
concept text_host = host<Host> && requires(Host& model, std::string_view text) {
  { model.tokenize(text) } -> std::convertible_to<std::vector<std::int32_t>>;
};

/// What a model says after each token of a text, row t about token t + 1.
/// @shape [T, V], a view that lives as long as the call that it is passed to
using logits_view = Eigen::Map<const matrix<float>>;

/// Takes the logits of a text, named by its index.
using logits_sink = std::function<void(std::size_t text, logits_view logits)>;

/// A host that gives logits: `logits(texts, hook, sink)` runs each text as `evaluate` does, as many at once as it likes, and
/// calls the sink once for each, in order.
template <class Host>
concept logits_host = host<Host> && requires(Host& model, std::span<const std::vector<std::int32_t>> texts,
                                             hook_ref<float> hook, const logits_sink& sink) {
  model.logits(texts, hook, sink);
};

/// A text of which a model is asked what comes next, from the row of this position on.
struct asked_text {
  std::span<const std::int32_t> tokens;
  std::int32_t from = 0;
};

/// A host that runs texts side by side, and gives logits only where it is asked: `ask(texts, hook, sink)` runs each text as `evaluate`
/// does, as many at once as it likes, each row with its text's index as its sequence, and calls the sink once for each text, in order,
/// with the logits from row `from` on. Where it computes no others, as llama.cpp in the last layer, hooks need not see other rows.
template <class Host>
concept batch_host = host<Host> && requires(Host& model, std::span<const asked_text> texts, hook_ref<float> hook, const logits_sink& sink) {
  model.ask(texts, hook, sink);
};

namespace detail {

/// A hook that is told another sequence's number.
class numbered_hook {
 public:
  numbered_hook(hook_ref<float> target, std::int32_t number, std::size_t most_rows) : target_(target), number_(number) {
    rows_.reserve(most_rows);
  }
  [[nodiscard]] steer::access access(site where) const noexcept { return target_.access(where); }
  void operator()(site where, rows<float> activations) noexcept {
    rows_.assign(activations.info.begin(), activations.info.end());
    for (row_info& each : rows_) {
      each.sequence = number_;
    }
    activations.info = rows_;
    target_(where, activations);
  }
  void require_fit(const model_shape& host) const { target_.require_fit(host); }

 private:
  hook_ref<float> target_;
  std::int32_t number_;
  std::vector<row_info> rows_;
};

}  // namespace detail

/// What `batch_host` does, on any host that gives logits: text by text where it cannot do more.
template <class Model>
  requires batch_host<Model> || logits_host<Model>
void ask(Model& model, std::span<const asked_text> texts, hook_ref<float> hook, const logits_sink& sink) {
  if constexpr (batch_host<Model>) {
    model.ask(texts, hook, sink);
  } else {
    for (std::size_t i = 0; i < texts.size(); ++i) {
      const std::vector<std::int32_t> one(texts[i].tokens.begin(), texts[i].tokens.end());
      detail::numbered_hook numbered(hook, static_cast<std::int32_t>(i), one.size());
      model.logits(std::span(&one, 1), numbered, [&](std::size_t, logits_view all) {
        const Eigen::Index from = texts[i].from;
        sink(i, {all.data() + from * all.cols(), all.rows() - from, all.cols()});
      });
    }
  }
}

}  // namespace v0
}  // namespace steer
