// steer/adapter/llama_cpp.hpp: any hook on any GGUF model, through the public C API of an unmodified llama.cpp. Opt-in:
// component `llama_cpp`.
#pragma once

#include <llama.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "steer/adapter/llama_cpp/batch_rows.hpp"
#include "steer/adapter/llama_cpp/graph_watcher.hpp"
#include "steer/adapter/llama_cpp/probe_model.hpp"
#include "steer/adapter/llama_cpp/text.hpp"
#include "steer/adapter/llama_cpp/token_batch.hpp"
#include "steer/core/error.hpp"
#include "steer/core/hook_ref.hpp"
#include "steer/core/host.hpp"
#include "steer/core/matrix.hpp"
#include "steer/core/model_shape.hpp"
#include "steer/core/rows.hpp"
#include "steer/inject/plan.hpp"

namespace steer {
inline namespace v0 {

/// How a llama.cpp model is steered.
enum class llama_cpp_path : std::uint8_t {
  none,    ///< not at all
  hook,    ///< a hook edits rows between two nodes of the graph
  native,  ///< llama.cpp's own control vector adds them
};

/// Whether llama.cpp's own control vector may take over where it does the same.
enum class llama_cpp_native : std::uint8_t { allowed, never };

struct llama_cpp_options {
  llama_cpp_memory memory = llama_cpp_memory::in_place;
  /// Names the weights; empty: made of the metadata that a quantisation leaves as it is.
  std::string fingerprint = {};
};

/// A llama.cpp context whose activations hooks can read and edit. Owns the context; the model must outlive it.
///
///     steer::llama_cpp_host host(model, llama_context_default_params());
///     host.steer(plan);              // or host.set_hook(any_hook)
///     host.begin(0, prompt_length);  // sequence 0 is new, and its first tokens are prompt
///     host.decode(batch);            // instead of llama_decode; everything else goes to host.context()
///
/// It needs the parameters' `cb_eval` and `abort_callback` for itself. While a hook is set, a batch that goes to `llama_decode`
/// directly is aborted, since nobody knows its rows: it fails, it does not run unsteered.
///
/// Which points a model shows is found by running one token: `shape().points`. In the last layer llama.cpp computes only
/// the rows whose logits are wanted, and hooks see only those there.
///
/// @cost  the hook's own, and for every tensor that it wants one more piece of the graph, which costs some microseconds
class llama_cpp_host {
 public:
  /// @throws argument_error if the model is null, has no plain decoder, or a callback is taken; host_error if llama.cpp makes no
  ///         context or the graph shows nothing to hook into
  explicit llama_cpp_host(llama_model* model, llama_context_params parameters = llama_context_default_params(),
                          llama_cpp_options options = {})
      : watcher_(std::make_unique<detail::graph_watcher>()) {
    if (model == nullptr) {
      throw argument_error("llama.cpp: the model is null; expected one that is loaded");
    }
    if (!llama_model_has_decoder(model) || llama_model_has_encoder(model)) {
      throw argument_error(detail::text("llama.cpp: model \"", detail::model_name(*model), "\" is not a decoder alone"));
    }
    if (parameters.cb_eval != nullptr || parameters.abort_callback != nullptr) {
      throw argument_error(detail::text("llama.cpp: the parameters' ", parameters.cb_eval != nullptr ? "cb_eval" : "abort_callback",
                                        " is set; the adapter needs it for itself"));
    }
    parameters.cb_eval = &detail::graph_watcher::on_node;
    parameters.cb_eval_user_data = watcher_.get();
    parameters.abort_callback = &detail::graph_watcher::on_abort;
    parameters.abort_callback_data = watcher_.get();
    context_.reset(llama_init_from_model(model, parameters));
    if (!context_) {
      throw host_error(detail::text("llama.cpp: makes no context for model \"", detail::model_name(*model),
                                    "\" with these parameters; its log says why"));
    }
    auto found = detail::probe_model(context_.get(), *watcher_, std::move(options.fingerprint));
    shape_ = std::move(found.shape);
    watcher_->table = std::move(found.table);
    watcher_->reserve(options.memory, shape_, llama_n_ubatch(context_.get()));
  }

  [[nodiscard]] const model_shape& shape() const noexcept { return shape_; }
  [[nodiscard]] const llama_model& model() const noexcept { return *llama_get_model(context_.get()); }
  /// For all that the adapter does not do; never for `llama_decode`, `llama_set_adapter_cvec` or the callbacks.
  [[nodiscard]] llama_context* context() noexcept { return context_.get(); }

  // What acts, from the next batch on.

  /// A hook, which must live until it is replaced or cleared.
  /// @throws host_error if llama.cpp does not let go of its control vector
  void set_hook(hook_ref<float> hook) {
    clear_hook();
    watcher_->hook = hook;
    path_ = llama_cpp_path::hook;
  }

  /// A plan. One that only adds constant rows at residual_out, above layer 0, to all rows of all sequences becomes llama.cpp's
  /// own control vector and is copied; any other acts as a hook and must live until it is replaced or cleared.
  /// @throws shape_error if the plan was compiled for another model; host_error if llama.cpp refuses the control vector
  llama_cpp_path steer(const plan& next, llama_cpp_native native = llama_cpp_native::allowed) {
    require_compiled_for_this(next);
    clear_hook();
    if (next.empty()) {
      return path_;
    }
    if (native == llama_cpp_native::allowed) {
      native_ = native_rows(next);
    }
    if (native_.empty()) {
      set_hook(next);
    } else {
      set_native(true);
      path_ = llama_cpp_path::native;
    }
    return path_;
  }
  llama_cpp_path steer(plan&&, llama_cpp_native = llama_cpp_native::allowed) = delete;  // it would be gone by then

  /// Nothing acts.
  void clear_hook() {
    watcher_->hook.reset();
    if (path_ == llama_cpp_path::native) {
      set_native(false);
    }
    native_.clear();
    path_ = llama_cpp_path::none;
  }

  [[nodiscard]] llama_cpp_path path() const noexcept { return path_; }

  // Running.

  /// Begins a sequence anew: what the cache has of it is dropped, and its first `prompt_length` tokens will be prompt.
  /// @throws argument_error if the context has no such sequence or the length is below 1; host_error if the cache keeps it
  void begin(llama_seq_id sequence, std::int32_t prompt_length) {
    const auto sequences = static_cast<llama_seq_id>(llama_n_seq_max(context_.get()));
    if (sequence < 0 || sequence >= sequences) {
      throw argument_error(detail::text("llama.cpp: sequence ", sequence, " does not exist; the context has ", sequences));
    }
    if (prompt_length < 1) {
      throw argument_error(detail::text("llama.cpp: sequence ", sequence, " has a prompt of ", prompt_length,
                                        " tokens; expected at least 1"));
    }
    forget(sequence, 0);
    prompt_lengths_[sequence] = prompt_length;
  }

  /// `llama_decode`, with what hooks must know of each row. Nothing of a batch that fails stays in the cache.
  /// @throws argument_error for a batch that llama.cpp would end the program for, rows that carry no token or belong to
  ///         several sequences, and sequences that were not begun; host_error if rows could be mistaken for each other, or
  ///         llama.cpp fails
  void decode(const llama_batch& batch) {
    batch_.read(batch, context_.get(), prompt_lengths_);
    const bool followed = watcher_->announce(shape_, batch_.rows, batch_.outputs, llama_n_ubatch(context_.get()));
    const std::int32_t failed = llama_decode(context_.get(), batch);
    if (followed) {
      llama_synchronize(context_.get());  // the hook's last call may still be to come
    }
    const std::exception_ptr failure = watcher_->conclude();
    if (failure || failed != 0) {
      for (const auto& [sequence, position] : batch_.beginnings()) {
        forget(sequence, position);
      }
    }
    if (failure) {
      std::rethrow_exception(failure);
    }
    if (failed != 0) {
      throw host_error(detail::text("llama.cpp: llama_decode returned ", failed, " for a batch of ", batch.n_tokens, " tokens",
                                    failed == 1 ? detail::text("; the cache has no room, the context is ",
                                                               llama_n_ctx(context_.get()), " tokens")
                                                : ""));
    }
  }

  /// Begins a sequence and decodes its prompt, in as many batches as the context needs. Its last row has logits.
  /// @throws argument_error if the prompt is empty or does not fit the context; as `begin` and `decode`
  void prompt(llama_seq_id sequence, std::span<const std::int32_t> tokens) {
    run_prompt(sequence, tokens, token_batch::output::none);
  }

  /// The logits of row i of the last batch; negative i counts from the last row that has some.
  /// @shape  returns [vocabulary], a view that the next batch invalidates
  /// @throws argument_error if the row has none
  [[nodiscard]] std::span<const float> logits(std::int32_t i) {
    const float* first = llama_get_logits_ith(context_.get(), i);
    if (first == nullptr) {
      throw argument_error(detail::text("llama.cpp: row ", i, " of the last batch has no logits; mark it in the batch"));
    }
    return {first, static_cast<std::size_t>(vocabulary())};
  }

  // As a steer::text_host.

  /// Shows a text to `observer`, all of it prompt, with nothing else acting: in a sequence whose cache is empty, and is
  /// emptied again.
  /// @throws argument_error if the text is empty or does not fit the context, or every sequence is in use; as `decode`
  void evaluate(std::span<const std::int32_t> tokens, hook_ref<float> observer) {
    const llama_seq_id sequence = idle_sequences(1).front();
    const int last = shape_.layers - 1;
    const bool wants_last = std::any_of(all_points.begin(), all_points.end(), [&](point p) {
      return shape_.points.contains(p) && observer.access({last, p}) != access::none;
    });
    alone(observer, {sequence}, [&] {
      run_prompt(sequence, tokens, wants_last ? token_batch::output::logits : token_batch::output::none);
    });
  }

  /// As a steer::logits_host: runs texts as `evaluate` does, as many at once as sequences are idle and a batch holds.
  /// @throws as `evaluate`; what the sink throws
  /// @cost   besides the passes, a copy of the logits of texts longer than a batch
  void logits(std::span<const std::vector<std::int32_t>> texts, hook_ref<float> hook, const logits_sink& sink) {
    const std::vector<llama_seq_id> idle = idle_sequences(llama_n_seq_max(context_.get()));
    const std::size_t most = llama_n_batch(context_.get());
    token_batch batch;
    alone(hook, idle, [&] {
      for (std::size_t first = 0; first < texts.size();) {
        batch.clear();
        std::size_t next = first;
        for (; next < texts.size() && next - first < idle.size() && batch.size() + texts[next].size() <= most; ++next) {
          const llama_seq_id sequence = idle[next - first];
          require_room(texts[next]);
          begin(sequence, static_cast<std::int32_t>(texts[next].size()));
          llama_pos position = 0;
          for (const std::int32_t token : texts[next]) {
            batch.add(token, position++, sequence, token_batch::output::logits);
          }
        }
        if (next == first) {  // longer than a batch
          matrix<float> whole(static_cast<Eigen::Index>(texts[first].size()), vocabulary());
          Eigen::Index row = 0;
          run_prompt(idle.front(), texts[first], token_batch::output::logits, [&](std::size_t rows) {
            for (std::size_t i = 0; i < rows; ++i) {
              const auto found = logits(static_cast<std::int32_t>(i));
              std::copy(found.begin(), found.end(), whole.row(row++).data());
            }
          });
          sink(first++, {whole.data(), whole.rows(), whole.cols()});
          continue;
        }
        decode(batch.view());
        for (std::int32_t row = 0; first < next; ++first) {  // all rows want logits, so they stand one after the other
          const auto count = static_cast<std::int32_t>(texts[first].size());
          sink(first, {logits(row).data(), count, vocabulary()});
          row += count;
        }
      }
    });
  }

  /// The model's tokens of a text, its BOS in front where it has one; what looks like a special token stays text. See also
  /// `chat_tokens`.
  /// @throws argument_error if there are none
  [[nodiscard]] std::vector<std::int32_t> tokenize(std::string_view text) const {
    return steer::tokenize(model(), text, special_tokens::as_text);
  }

 private:
  struct free_context {
    void operator()(llama_context* context) const noexcept { llama_free(context); }
  };

  void require_compiled_for_this(const plan& next) const {
    const model_shape& other = next.shape();
    for (int layer = 0; layer < other.layers; ++layer) {
      for (const point p : all_points) {
        if (next.access({layer, p}) != access::none && (layer >= shape_.layers || other.width_at(p) != shape_.width_at(p))) {
          throw shape_error(detail::text("llama.cpp: the plan was compiled for model \"", other.name, "\" and acts at ",
                                         to_string(site{layer, p}), " with width ", other.width_at(p), "; model \"", shape_.name,
                                         "\" has ", shape_.layers, " layers and width ", shape_.width_at(p), " there"));
        }
      }
    }
    if (!next.empty() && other.fingerprint != shape_.fingerprint) {
      throw shape_error(detail::text("llama.cpp: the plan was compiled for model \"", other.name, "\" with fingerprint ",
                                     other.fingerprint, "; model \"", shape_.name, "\" has ", shape_.fingerprint));
    }
  }

  /// The rows of a control vector in llama.cpp's layout: layers 1 to L-1. Empty if the plan does anything else.
  /// @shape returns [(L - 1) * d] or [0]
  [[nodiscard]] std::vector<float> native_rows(const plan& next) const {
    const auto width = static_cast<std::size_t>(shape_.width);
    std::vector<float> out(width * static_cast<std::size_t>(std::max(0, shape_.layers - 1)));
    for (int layer = 0; layer < shape_.layers; ++layer) {
      for (const point p : all_points) {
        if (next.access({layer, p}) == access::none) {
          continue;
        }
        const std::span<const float> row = next.constant_addition({layer, p});
        if (layer == 0 || p != point::residual_out || row.size() != width) {
          return {};
        }
        std::copy(row.begin(), row.end(), out.begin() + static_cast<std::ptrdiff_t>(width * static_cast<std::size_t>(layer - 1)));
      }
    }
    return out;
  }

  /// Always the full length: llama.cpp keeps the old rows of layers that a shorter buffer leaves out.
  void set_native(bool on) {
    if (llama_set_adapter_cvec(context_.get(), on ? native_.data() : nullptr, on ? native_.size() : 0,
                               static_cast<std::int32_t>(shape_.width), on ? 1 : -1, on ? shape_.layers - 1 : -1) != 0) {
      throw host_error(detail::text("llama.cpp: llama_set_adapter_cvec refuses ",
                                    on ? "a control vector" : "to clear the control vector"));
    }
  }

  void forget(llama_seq_id sequence, llama_pos from) {
    if (!llama_memory_seq_rm(llama_get_memory(context_.get()), sequence, from, -1) &&
        !(from == 0 && llama_memory_seq_rm(llama_get_memory(context_.get()), sequence, -1, -1))) {
      throw host_error(detail::text("llama.cpp: the cache cannot drop sequence ", sequence, " from position ", from));
    }
  }

  [[nodiscard]] Eigen::Index vocabulary() const { return llama_vocab_n_tokens(llama_model_get_vocab(&model())); }

  /// Sequences whose cache is empty, from the last, at most so many.
  /// @throws argument_error if there is none
  [[nodiscard]] std::vector<llama_seq_id> idle_sequences(std::size_t most) const {
    const auto sequences = static_cast<llama_seq_id>(llama_n_seq_max(context_.get()));
    std::vector<llama_seq_id> out;
    for (llama_seq_id sequence = sequences - 1; sequence >= 0 && out.size() < most; --sequence) {
      if (llama_memory_seq_pos_max(llama_get_memory(context_.get()), sequence) < 0) {
        out.push_back(sequence);
      }
    }
    if (out.empty()) {
      throw argument_error(detail::text("llama.cpp: all ", sequences, " sequences of the context are in use; evaluating needs an "
                                        "empty one"));
    }
    return out;
  }

  /// Runs with nothing acting but this hook; then the sequences are empty, and all is as before.
  template <class Run>
  void alone(hook_ref<float> only, const std::vector<llama_seq_id>& sequences, Run run) {
    const auto acting = watcher_->hook;
    const auto before = prompt_lengths_;
    const auto restore = [&] {
      watcher_->hook = acting;
      prompt_lengths_ = before;
      for (const llama_seq_id sequence : sequences) {
        forget(sequence, 0);
      }
      if (path_ == llama_cpp_path::native) {
        set_native(true);
      }
    };
    if (path_ == llama_cpp_path::native) {
      set_native(false);
    }
    watcher_->hook = only;
    try {
      run();
    } catch (...) {
      restore();
      throw;
    }
    restore();
  }

  void require_room(std::span<const std::int32_t> tokens) const {
    const auto room = llama_n_ctx_seq(context_.get());
    if (tokens.empty() || tokens.size() > room) {
      throw argument_error(detail::text("llama.cpp: a text has ", tokens.size(), " tokens; expected 1 to ", room));
    }
  }

  /// @param others  what the rows before the last have
  /// @param after   told after each batch how many rows it had
  template <class After>
  void run_prompt(llama_seq_id sequence, std::span<const std::int32_t> tokens, token_batch::output others, After after) {
    require_room(tokens);
    const auto count = static_cast<std::int32_t>(tokens.size());
    begin(sequence, count);
    const auto most = static_cast<std::int32_t>(llama_n_batch(context_.get()));
    token_batch batch;
    for (std::int32_t i = 0; i < count; ++i) {
      const bool last = i + 1 == count;
      batch.add(tokens[static_cast<std::size_t>(i)], i, sequence, last ? token_batch::output::logits : others);
      if (last || (i + 1) % most == 0) {
        decode(batch.view());
        after(batch.size());
        batch.clear();
      }
    }
  }
  void run_prompt(llama_seq_id sequence, std::span<const std::int32_t> tokens, token_batch::output others) {
    run_prompt(sequence, tokens, others, [](std::size_t) {});
  }

  std::unique_ptr<detail::graph_watcher> watcher_;  // before the context, whose callbacks reach it
  std::unique_ptr<llama_context, free_context> context_;
  model_shape shape_;
  llama_cpp_path path_ = llama_cpp_path::none;
  std::vector<float> native_;  // [(L - 1) * d] while the path is native
  std::map<llama_seq_id, std::int32_t> prompt_lengths_;
  detail::batch_rows batch_;  // under way
};
static_assert(text_host<llama_cpp_host> && logits_host<llama_cpp_host>);

}  // namespace v0
}  // namespace steer
