// transformer/decoder.hpp: the forward pass, and the hooks that it calls.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include "steer/core/host.hpp"
#include "steer/core/require_fit.hpp"
#include "transformer/attention.hpp"
#include "transformer/batch.hpp"
#include "transformer/hyper_connections.hpp"
#include "transformer/model.hpp"

namespace reference {

struct decoder_options {
  int sequences = 1;   ///< S
  int max_rows = 256;  ///< T at most
  int context = 0;     ///< C; 0 is the model's, less saves memory
};

/// The rows of a batch that wanted logits, in its order.
/// @shape [wanted rows, V]
using logits_view = Eigen::Map<const matrix>;

/// The working state of one thread that runs a model: the cache and all scratch, allocated here and never again.
///
/// A row's results have the same bits whatever else is in its batch and however a prompt is cut into batches.
///
/// @throws steer::argument_error if an option has no meaning
/// @cost   2 L S C K d_h floats of cache; per row (3 + R) d + 2 H d_h + 2 K d_h + 2 F + V floats of scratch
class decoder {
 public:
  explicit decoder(std::shared_ptr<const model> source, decoder_options options = {})
      : model_(std::move(source)),
        config_(sizes_of(model_.get())),
        options_(checked(options, config_)),
        ledger_({config_.vocabulary, options_.context, options_.sequences, options_.max_rows}),
        attention_(config_, options_.sequences, options_.context),
        connections_(config_, options_.max_rows) {
    const extent t = options_.max_rows;
    const extent d = config_.width;
    const extent q = extent{config_.heads} * config_.head_width;
    const extent kv = extent{config_.kv_heads} * config_.head_width;
    residual_.resize(t * config_.streams, d);
    stream_info_.reserve(static_cast<std::size_t>(residual_.rows()));
    normed_.resize(t, d);
    branch_.resize(t, d);
    wanted_.resize(t, d);
    query_.resize(t, q);
    heads_.resize(t, q);
    key_.resize(t, kv);
    value_.resize(t, kv);
    gate_.resize(t, config_.hidden);
    up_.resize(t, config_.hidden);
    logits_.resize(t, config_.vocabulary);
    silu_.resize(config_.hidden);
    chunk_.reserve(static_cast<std::size_t>(t));
  }

  [[nodiscard]] const model& source() const noexcept { return *model_; }
  [[nodiscard]] const steer::model_shape& shape() const noexcept { return model_->shape(); }
  [[nodiscard]] int sequences() const noexcept { return options_.sequences; }
  [[nodiscard]] int max_rows() const noexcept { return options_.max_rows; }
  [[nodiscard]] int context() const noexcept { return options_.context; }

  /// Tokens of a sequence so far.
  /// @throws steer::argument_error if there is no such sequence
  [[nodiscard]] int length(int sequence) const { return ledger_.length(sequence); }

  /// Forgets a sequence.
  /// @throws steer::argument_error if there is no such sequence
  void clear(int sequence) { ledger_.clear(sequence); }

  /// Checks that tokens can be the whole prompt of a sequence.
  /// @throws steer::argument_error if the prompt is empty or longer than the context, a token does not exist, or the
  ///         sequence is not empty
  void require_prompt(int sequence, std::span<const std::int32_t> tokens) const {
    ledger_.require_prompt(sequence, tokens);
  }

  /// Runs a batch: rows of several sequences, prompt and generation mixed; rows of one sequence stand in their order.
  ///
  /// Calls the hook at all five points of every layer where its access is not `none`; what it writes is what is used.
  ///
  /// @return logits of the rows that want them, valid until the next call
  /// @throws steer::argument_error, before anything is computed, if there are more rows than max_rows, or a row has a
  ///         token or sequence that does not exist, a full context, or a phase that contradicts its prompt length; what
  ///         steer::require_fit throws for a hook that was made for another model
  /// @cost   T times the model's weights in multiplications; allocates nothing
  template <class Hook = steer::no_hook>
    requires steer::hook<std::remove_reference_t<Hook>, float>
  logits_view decode(std::span<const row> batch, Hook&& hook = Hook{}) {
    steer::require_fit(hook, shape());
    ledger_.admit(batch);
    const extent count = static_cast<extent>(batch.size());     // T
    auto residual = residual_.topRows(count * config_.streams);  // [T R, d]
    for (extent t = 0; t < residual.rows(); ++t) {
      residual.row(t) = model_->parameters().embedding.row(batch[static_cast<std::size_t>(t / config_.streams)].token);
    }
    tell_streams_apart();
    for (int layer = 0; layer < config_.layers && count > 0; ++layer) {
      const layer_weights& w = model_->parameters().layers[static_cast<std::size_t>(layer)];
      show(hook, {layer, steer::point::residual_in}, residual);
      attend(layer, w, connections_.read(w.attention_streams, residual), hook);
      connections_.write(branch_.topRows(count), residual);
      feed_forward(w, connections_.read(w.mlp_streams, residual));
      show(hook, {layer, steer::point::mlp_out}, branch_.topRows(count));
      connections_.write(branch_.topRows(count), residual);
      show(hook, {layer, steer::point::residual_out}, residual);
    }
    ledger_.commit();
    return head(batch);
  }

  /// Runs a whole prompt through an empty sequence, in batches of at most max_rows.
  ///
  /// @return logits [1, V] of its last token, valid until the next call
  /// @throws what `require_prompt` and, for the hook, `decode` throw, before anything is computed
  template <class Hook = steer::no_hook>
    requires steer::hook<std::remove_reference_t<Hook>, float>
  logits_view prompt(int sequence, std::span<const std::int32_t> tokens, Hook&& hook = Hook{}) {
    require_prompt(sequence, tokens);
    for (std::size_t done = 0;;) {
      const std::size_t count = std::min(tokens.size() - done, static_cast<std::size_t>(options_.max_rows));
      chunk_.clear();
      for (const std::int32_t token : tokens.subspan(done, count)) {
        chunk_.push_back({.token = token, .sequence = sequence, .prompt_length = static_cast<std::int32_t>(tokens.size())});
      }
      done += count;
      if (done == tokens.size()) {
        chunk_.back().want = output::logits;
        return decode(chunk_, hook);
      }
      decode(chunk_, hook);
    }
  }

  /// Runs tokens as sequence 0, anew, all of them prompt: what the library asks of a host.
  /// @throws what `prompt` and `decode` throw
  void evaluate(std::span<const std::int32_t> tokens, steer::hook_ref<float> hook) {
    hook.require_fit(shape());  // before the sequence is forgotten
    clear(0);
    prompt(0, tokens, hook);
  }

  /// Runs texts as `evaluate` does, as many at once as there are sequences and rows, and hands over each one's logits.
  /// @throws what `prompt`, `decode` and `sink` throw
  void logits(std::span<const std::vector<std::int32_t>> texts, steer::hook_ref<float> hook, const steer::logits_sink& sink) {
    hook.require_fit(shape());
    std::vector<row> batch;
    for (std::size_t first = 0; first < texts.size();) {
      batch.clear();
      std::size_t next = first;
      for (int sequence = 0; sequence < sequences() && next < texts.size(); ++sequence, ++next) {
        const auto& text = texts[next];
        if (next > first && batch.size() + text.size() > static_cast<std::size_t>(max_rows())) {
          break;
        }
        clear(sequence);
        require_prompt(sequence, text);
        for (const std::int32_t token : text) {
          batch.push_back({token, sequence, steer::phase::prompt, static_cast<std::int32_t>(text.size()), output::logits});
        }
      }
      matrix whole;  // of a text longer than a batch; any other's are used where they are
      const float* found = nullptr;
      const std::span<const row> rows = batch;
      if (rows.size() <= static_cast<std::size_t>(max_rows())) {
        found = decode(rows, hook).data();
      } else {
        whole.resize(static_cast<extent>(rows.size()), config_.vocabulary);
        for (std::size_t done = 0; done < rows.size(); done += static_cast<std::size_t>(max_rows())) {
          const auto part = rows.subspan(done, std::min(rows.size() - done, static_cast<std::size_t>(max_rows())));
          whole.middleRows(static_cast<extent>(done), static_cast<extent>(part.size())) = decode(part, hook);
        }
        found = whole.data();
      }
      for (; first < next; ++first) {
        const auto count = static_cast<extent>(texts[first].size());
        sink(first, {found, count, extent{config_.vocabulary}});
        found += count * config_.vocabulary;
      }
    }
  }

 private:
  static const config& sizes_of(const model* source) {
    if (source == nullptr) {
      throw steer::argument_error("decoder: there is no model, expected one");
    }
    return source->sizes();
  }

  static decoder_options checked(decoder_options options, const config& c) {
    using steer::text;
    if (options.sequences < 1) {
      throw steer::argument_error(text({"decoder: sequences is ", options.sequences, ", expected at least 1"}));
    }
    if (options.max_rows < options.sequences) {  // so that every sequence can generate in one batch
      throw steer::argument_error(text({"decoder: max_rows is ", options.max_rows,
                                        ", expected at least the number of sequences, ", options.sequences}));
    }
    if (options.context < 0 || options.context > c.context) {
      throw steer::argument_error(text(
          {"decoder: context is ", options.context, ", expected 1 to the model's ", c.context, ", or 0 for that"}));
    }
    if (options.context == 0) {
      options.context = c.context;
    }
    return options;
  }

  /// The facts of the rows of all streams.
  void tell_streams_apart() noexcept {
    stream_info_.clear();
    for (const steer::row_info& row : ledger_.info()) {
      for (int stream = 0; stream < config_.streams; ++stream) {
        stream_info_.push_back(row);
        stream_info_.back().stream = static_cast<std::uint8_t>(stream);
      }
    }
  }

  /// @shape activations [T, width], or [T R, width]
  template <class Hook>
  void show(Hook& hook, steer::site where, rows_out activations) const noexcept {
    if (hook.access(where) != steer::access::none) {
      hook(where, steer::rows<float>{activations.data(), activations.rows(), activations.cols(),
                                     activations.outerStride(),
                                     shape().streams_at(where.point) > 1 ? stream_info_ : ledger_.info()});
    }
  }

  /// Leaves in branch_ what attention adds to the residual.
  /// @shape residual [T, d]
  template <class Hook>
  void attend(int layer, const layer_weights& w, const rows_in& residual, Hook& hook) noexcept {
    const extent count = static_cast<extent>(ledger_.info().size());  // T
    const auto normed = normed_.topRows(count);            // [T, d]
    const auto heads = heads_.topRows(count);              // [T, H d_h]
    rms_norm(residual, w.attention_norm, config_.norm_epsilon, normed);
    multiply(normed, w.query, query_.topRows(count));
    multiply(normed, w.key, key_.topRows(count));
    multiply(normed, w.value, value_.topRows(count));
    attention_(layer, ledger_.info(), query_.topRows(count), key_.topRows(count), value_.topRows(count), heads);
    show(hook, {layer, steer::point::attention_heads}, heads);
    multiply(heads, w.attention_output, branch_.topRows(count));
    show(hook, {layer, steer::point::attention_out}, branch_.topRows(count));
  }

  /// Leaves in branch_ what SwiGLU adds to the residual: down (silu(gate x) ⊙ up x), silu(g) = g / (1 + exp(-g)).
  /// @shape  residual [T, d]
  /// @source Shazeer 2020, arXiv:2002.05202
  void feed_forward(const layer_weights& w, const rows_in& residual) noexcept {
    const extent count = static_cast<extent>(ledger_.info().size());  // T
    const auto normed = normed_.topRows(count);            // [T, d]
    auto gate = gate_.topRows(count);                      // [T, F]
    const auto up = up_.topRows(count);                    // [T, F]
    rms_norm(residual, w.mlp_norm, config_.norm_epsilon, normed);
    multiply(normed, w.gate, gate);
    multiply(normed, w.up, up);
    for (extent t = 0; t < count; ++t) {  // via silu_, whose alignment is known: exp gives the same bits in every row
      silu_ = (-gate.row(t).transpose().array()).exp();
      gate.row(t).array() *= up.row(t).array() / (1.0F + silu_.transpose());
    }
    multiply(gate, w.down, branch_.topRows(count));
  }

  logits_view head(std::span<const row> batch) noexcept {
    const extent tokens = static_cast<extent>(batch.size());
    const rows_in residual = connections_.read_last(model_->parameters().final_streams, residual_.topRows(tokens * config_.streams));
    extent count = 0;
    for (std::size_t t = 0; t < batch.size(); ++t) {
      if (batch[t].want == output::logits) {
        wanted_.row(count++) = residual.row(static_cast<extent>(t));
      }
    }
    const auto wanted = wanted_.topRows(count);  // [wanted, d]
    const auto normed = normed_.topRows(count);  // [wanted, d]
    rms_norm(wanted, model_->parameters().final_norm, config_.norm_epsilon, normed);
    multiply(normed, model_->head(), logits_.topRows(count));
    return {logits_.data(), count, logits_.cols()};
  }

  std::shared_ptr<const model> model_;
  config config_;
  decoder_options options_;
  ledger ledger_;
  attention attention_;
  hyper_connections connections_;
  std::vector<row> chunk_;                      // [T] part of a prompt
  std::vector<steer::row_info> stream_info_;    // [T R]
  matrix residual_;                             // [T R, d]
  matrix normed_, branch_, wanted_;             // [T, d]
  matrix query_, heads_;                        // [T, H d_h]
  matrix key_, value_;                          // [T, K d_h]
  matrix gate_, up_;                            // [T, F]
  matrix logits_;                               // [T, V]
  Eigen::ArrayXf silu_;                         // [F]
};
static_assert(steer::logits_host<decoder>);

}  // namespace reference
