// steer/adapter/llama_cpp.hpp: any hook on any GGUF model, through the public C API of an unmodified llama.cpp. Opt-in:
// component `llama_cpp`.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>
#include <Eigen/Core>
#include <llama.h>

#include "steer/adapter/llama_cpp/batch_rows.hpp"
#include "steer/adapter/llama_cpp/cached_sequences.hpp"
#include "steer/adapter/llama_cpp/graph_watcher.hpp"
#include "steer/adapter/llama_cpp/sequence_book.hpp"
#include "steer/adapter/llama_cpp/text.hpp"
#include "steer/adapter/llama_cpp/token_batch.hpp"
#include "steer/core/error.hpp"
#include "steer/core/hook_ref.hpp"
#include "steer/core/host.hpp"
#include "steer/core/linkage.hpp"
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
  /// The model's own GGUF file, if the fingerprint is to tell its weights from those of siblings, too: "gguf:<metadata>/<weights>". What
  /// says no more than "gguf:<metadata>" still fits (core/fingerprint.hpp). Of a model in several files, one of them.
  std::filesystem::path file = {};
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
  ///         context or the graph shows nothing to hook into; file_error or format_error for a file that is no GGUF
  STEER_API explicit llama_cpp_host(llama_model* model, llama_context_params parameters = llama_context_default_params(),
                          llama_cpp_options options = {});

  [[nodiscard]] const model_shape& shape() const noexcept { return shape_; }
  [[nodiscard]] const llama_model& model() const noexcept { return *llama_get_model(context_.get()); }
  /// For all that the adapter does not do; never for `llama_decode`, `llama_set_adapter_cvec` or the callbacks.
  [[nodiscard]] llama_context* context() noexcept { return context_.get(); }

  // What acts, from the next batch on.

  /// A hook, which must live until it is replaced or cleared; of a plan a copy is kept, see `steer`.
  /// @throws what require_fit throws for a hook that was made for another model; host_error if llama.cpp does not let go of its
  ///         control vector; what acted before goes on to act then
  template <class Hook>
    requires hook<Hook, float> && (!std::same_as<std::remove_cv_t<Hook>, plan>)
  void set_hook(Hook& target) {
    if constexpr (requires { target.digest(); }) {
      act({.hook = target, .as = {prefix_steering::source::plan, target.digest()}});
    } else {
      act({.hook = target, .as = {prefix_steering::source::hook, ++hooks_}});
    }
  }
  void set_hook(hook_ref<float> target) { act({.hook = target, .as = {prefix_steering::source::hook, ++hooks_}}); }
  void set_hook(const plan& next) { steer(next, llama_cpp_native::never); }

  /// A plan, of which a copy is kept: copies share what was compiled. One that only adds constant rows at residual_out, above
  /// layer 0, to all rows of all sequences becomes llama.cpp's own control vector, if the model's graph adds one; any other acts as a hook.
  /// @throws what require_fit throws for a plan that was compiled for another model; host_error if llama.cpp refuses the control
  ///         vector; what acted before goes on to act then
  STEER_API llama_cpp_path steer(const plan& next, llama_cpp_native native = llama_cpp_native::allowed);

  /// Nothing acts.
  /// @throws host_error if llama.cpp does not let go of its control vector
  void clear_hook() { act({}); }

  [[nodiscard]] llama_cpp_path path() const noexcept { return path_; }

  // Running.

  /// Begins a sequence anew: what the cache has of it is dropped, and its first `prompt_length` tokens will be prompt.
  /// @throws argument_error if the context has no such sequence or the length is below 1; host_error if the cache keeps it
  void begin(llama_seq_id sequence, std::int32_t prompt_length) { sequences_.begin(sequence, prompt_length); }

  /// Drops the rows of a sequence from a position on, which will be decoded anew. Sessions have a `rewind` of their own.
  /// @throws argument_error if it has not begun or has no such position; host_error if the memory cannot, as a recurrent one
  void rewind(llama_seq_id sequence, llama_pos position) { sequences_.rewind(sequence, position); }

  /// Begins a sequence anew with a prompt of `prompt_length` tokens of which the first `position` are those of its old prompt: their rows
  /// stay in the cache, as they were computed. That they were computed under what acts now, and that nothing that acts depends on the
  /// length of a prompt, is the caller's to know: see `prefix`.
  /// @throws argument_error if it has not begun, its prompt had fewer rows, or the new one no more; host_error as `rewind`
  void resume(llama_seq_id sequence, llama_pos position, std::int32_t prompt_length) { sequences_.resume(sequence, position, prompt_length); }

  /// Makes `to` what `from` is: its rows, its prompt, and what these were computed under. Where all sequences have one cache
  /// no row is copied. Sessions have a `fork` of their own.
  /// @throws argument_error if `from` has not begun, there is no sequence `to`, or they are the same; host_error if the memory
  ///         cannot copy
  void fork(llama_seq_id from, llama_seq_id to) { sequences_.fork(from, to); }

  /// Drops the rows of positions first to first + count - 1 and moves those behind them down, to make room in a full context.
  /// What was generated stays generated: a prompt is as much shorter as it has lost rows. Sessions have a `shift` of their own.
  /// @throws argument_error if the sequence has not begun or has no such rows; host_error if the memory cannot move rows, as a
  ///         recurrent one, or a fork shares rows that would move
  void shift(llama_seq_id sequence, llama_pos first, llama_pos count) { sequences_.shift(sequence, first, count); }

  /// Under what the rows of a sequence that are in the cache were computed.
  /// @throws argument_error if it has not begun
  STEER_API [[nodiscard]] prefix_steering prefix(llama_seq_id sequence) const;

  /// `llama_decode`, with what hooks must know of each row. Nothing of a batch that fails stays in the cache; a sequence whose
  /// memory cannot drop a part of it is dropped, to be begun anew.
  /// @throws argument_error for a batch that llama.cpp would end the program for, rows that carry no token or belong to
  ///         several sequences, sequences that were not begun, and positions that are not the next of their sequence; host_error
  ///         if rows could be mistaken for each other, were dropped without the adapter, or llama.cpp fails
  STEER_API void decode(const llama_batch& batch);

  /// Begins a sequence and decodes its prompt, in as many batches as the context needs. Its last row has logits. A prompt that
  /// fails is dropped.
  /// @throws argument_error if the prompt is empty or does not fit the context; as `begin` and `decode`
  void prompt(llama_seq_id sequence, std::span<const std::int32_t> tokens) {
    run_prompt(sequence, tokens, token_batch::output::none);
  }

  /// The logits of row i of the last batch; negative i counts from the last row that has some.
  /// @shape  returns [vocabulary], a view that the next batch invalidates
  /// @throws argument_error if the row has none
  STEER_API [[nodiscard]] std::span<const float> logits(std::int32_t i);

  // As a steer::text_host.

  /// Shows a text to `hook`, all of it prompt, with nothing else acting: in a sequence whose cache is empty, and is
  /// emptied again.
  /// @throws argument_error if the text is empty or does not fit the context, or every sequence is in use; as `decode`; what
  ///         require_fit throws for a hook that was made for another model
  STEER_API void evaluate(std::span<const std::int32_t> tokens, hook_ref<float> hook);

  /// As a steer::logits_host: runs texts as `evaluate` does, as many at once as sequences are idle and a batch holds.
  /// @throws as `evaluate`; what the sink throws
  /// @cost   besides the passes, a copy of the logits of texts longer than a batch
  STEER_API void logits(std::span<const std::vector<std::int32_t>> texts, hook_ref<float> hook, const logits_sink& sink);

  /// As a steer::batch_host: the same for rows from a position on, and with the text's index as each row's sequence. In the last layer
  /// hooks see only those rows.
  /// @throws as `logits`; argument_error if a text has no row at that position
  STEER_API void ask(std::span<const asked_text> texts, hook_ref<float> hook, const logits_sink& sink);

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

  /// What acts, and what must live for it to act.
  struct action {
    std::optional<hook_ref<float>> hook = std::nullopt;
    std::vector<float> native = {};             // [(L - 1) * d], or empty
    std::unique_ptr<const plan> kept = nullptr;  // which the hook refers to, wherever the host is moved to
    detail::acting as = {};
  };

  /// All of it or nothing: what may fail comes first.
  STEER_API void act(action to);

  /// Always the full length: llama.cpp keeps the old rows of layers that a shorter buffer leaves out.
  STEER_API [[nodiscard]] bool set_native(const std::vector<float>& rows);

  [[nodiscard]] Eigen::Index vocabulary() const { return llama_vocab_n_tokens(llama_model_get_vocab(&model())); }

  /// Runs with nothing acting but this hook; then the sequences are empty, and all is as before.
  template <class Run>
  void alone(hook_ref<float> only, const std::vector<llama_seq_id>& sequences, Run run) {
    detail::sequence_book before = sequences_.book();
    if (!native_.empty() && !set_native({})) {
      throw host_error(text(
          {"llama.cpp: ", thing("llama_set_adapter_cvec"), " refuses to clear the control vector"}));
    }
    const auto acting = std::exchange(watcher_->hook, only);
    const auto path = std::exchange(path_, llama_cpp_path::hook);
    std::exception_ptr failure;
    try {
      run();
    } catch (...) {
      failure = std::current_exception();
    }
    for (const llama_seq_id sequence : sequences) {
      sequences_.abandon(sequence);
    }
    sequences_.restore(std::move(before));
    watcher_->hook = acting;
    path_ = path;
    if (!native_.empty() && !set_native(native_)) {  // better known to be off than believed to be on
      native_.clear();
      path_ = llama_cpp_path::none;
      if (!failure) {
        throw host_error(text({"llama.cpp: ", thing("llama_set_adapter_cvec"),
                                       " refuses the control vector that it had; nothing acts now"}));
      }
    }
    if (failure) {
      std::rethrow_exception(failure);
    }
  }

  STEER_API void require_room(std::span<const std::int32_t> tokens) const;

  /// What hooks are told as a row's sequence where texts run side by side.
  enum class row_sequence : std::uint8_t { of_context, index_of_text };
  STEER_API void run_side_by_side(std::span<const asked_text> texts, hook_ref<float> hook, const logits_sink& sink, row_sequence told);

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
        try {
          decode(batch.view());
        } catch (...) {
          sequences_.abandon(sequence);
          throw;
        }
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
  std::vector<float> native_;         // [(L - 1) * d] while the path is native
  std::unique_ptr<const plan> kept_;  // the plan that is the hook, if one is
  detail::acting as_;                 // what acts, for the book
  std::uint64_t hooks_ = 0;           // that were set
  detail::cached_sequences sequences_;
  detail::batch_rows batch_;  // under way
};
static_assert(text_host<llama_cpp_host> && logits_host<llama_cpp_host> && batch_host<llama_cpp_host>);

}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/adapter/llama_cpp.ipp"
#endif
