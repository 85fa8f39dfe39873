// steer/adapter/llama_cpp.ipp: the bodies of llama_cpp.hpp.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>
#include <Eigen/Core>
#include <llama.h>

#include "steer/adapter/llama_cpp.hpp"
#include "steer/adapter/llama_cpp/control_vector_rows.hpp"
#include "steer/adapter/llama_cpp/graph_watcher.hpp"
#include "steer/adapter/llama_cpp/probe_model.hpp"
#include "steer/adapter/llama_cpp/sequence_book.hpp"
#include "steer/adapter/llama_cpp/token_batch.hpp"
#include "steer/core/error.hpp"
#include "steer/core/hook_ref.hpp"
#include "steer/core/host.hpp"
#include "steer/core/matrix.hpp"
#include "steer/core/real.hpp"
#include "steer/core/require_fit.hpp"
#include "steer/core/rows.hpp"
#include "steer/inject/plan.hpp"
#include "steer/io/weights_digest.hpp"

namespace steer {
inline namespace v0 {

STEER_BODY llama_cpp_host::llama_cpp_host(llama_model* model, llama_context_params parameters,
                        llama_cpp_options options)
    : watcher_(std::make_unique<detail::graph_watcher>()) {
  if (model == nullptr) {
    throw argument_error(text(
        {"llama.cpp: ", thing("the model"), " is ", actual("null"), "; expected ", expected("one that is loaded")}));
  }
  if (!llama_model_has_decoder(model) || llama_model_has_encoder(model)) {
    throw argument_error(text({"llama.cpp: ", thing({"model \"", detail::model_name(*model), "\""}), " is not ",
                               expected("a decoder alone")}));
  }
  if (parameters.cb_eval != nullptr || parameters.abort_callback != nullptr) {
    throw argument_error(
        text({"llama.cpp: the parameters' ", thing(parameters.cb_eval != nullptr ? "cb_eval" : "abort_callback"),
              " is set; the adapter needs it for itself"}));
  }
  detail::streams_of(*model);  // before llama.cpp builds a graph that it may not survive
  parameters.cb_eval = &detail::graph_watcher::on_node;
  parameters.cb_eval_user_data = watcher_.get();
  parameters.abort_callback = &detail::graph_watcher::on_abort;
  parameters.abort_callback_data = watcher_.get();
  context_.reset(llama_init_from_model(model, parameters));
  if (!context_) {
    throw host_error(text({"llama.cpp: makes no context for ", thing({"model \"", detail::model_name(*model), "\""}),
                           " with these parameters; its log says why"}));
  }
  sequences_ = {context_.get(), parameters.kv_unified || parameters.n_seq_max <= 1};
  std::string fingerprint = options.fingerprint.empty() ? detail::fingerprint_of(*model) : std::move(options.fingerprint);
  if (!options.file.empty()) {
    fingerprint += "/" + weights_digest(gguf_file(options.file));
  }
  auto found = detail::probe_model(context_.get(), *watcher_, std::move(fingerprint));
  shape_ = std::move(found.shape);
  watcher_->table = std::move(found.table);
  watcher_->reserve(options.memory, shape_, llama_n_ubatch(context_.get()));
}

STEER_BODY llama_cpp_path llama_cpp_host::steer(const plan& next, llama_cpp_native native) {
  require_fit(next, shape_);
  if (next.empty()) {
    clear_hook();
    return path_;
  }
  action to{.as = {prefix_steering::source::plan, next.digest()}};
  if (native == llama_cpp_native::allowed && watcher_->table.native) {
    to.native = detail::control_vector_rows(next, shape_);
  }
  if (to.native.empty()) {
    to.kept = std::make_unique<const plan>(next);
    to.hook = *to.kept;
  }
  act(std::move(to));
  return path_;
}

STEER_BODY prefix_steering llama_cpp_host::prefix(llama_seq_id sequence) const {
  return sequences_.require_begun(sequence).prefix(sequence);
}

STEER_BODY void llama_cpp_host::decode(const llama_batch& batch) {
  batch_.read(batch, context_.get(), sequences_.book());
  const bool followed = watcher_->announce(shape_, batch_.rows, batch_.outputs, llama_n_ubatch(context_.get()));
  const std::int32_t failed = llama_decode(context_.get(), batch);
  if (followed) {
    llama_synchronize(context_.get());  // the hook's last call may still be to come
  }
  const std::exception_ptr failure = watcher_->conclude();
  if (!failure && failed == 0) {
    const bool unsteered = path_ != llama_cpp_path::native && !watcher_->writes();
    sequences_.extend(batch_, unsteered ? detail::acting{} : as_);
    return;
  }
  std::string lost;
  for (const llama_seq_id sequence : sequences_.undo(batch_)) {
    lost += text({"; sequence ", sequence, " cannot go back and was dropped, begin it anew"});
  }
  if (failure) {
    std::rethrow_exception(failure);
  }
  throw host_error(
      text({"llama.cpp: ", thing("llama_decode"), " returned ", actual(failed), " for a batch of ", batch.n_tokens,
            " tokens",
            failed == 1 ? text({"; the cache has no room, the context is ", llama_n_ctx(context_.get()), " tokens"})
                        : std::string(),
            lost}));
}

STEER_BODY std::span<const float> llama_cpp_host::logits(std::int32_t i) {
  const float* first = llama_get_logits_ith(context_.get(), i);
  if (first == nullptr) {
    throw argument_error(text({"llama.cpp: ", thing({"row ", i, " of the last batch"}), " has no ", expected("logits"),
                               "; mark it in the batch"}));
  }
  return {first, static_cast<std::size_t>(vocabulary())};
}

STEER_BODY void llama_cpp_host::evaluate(std::span<const std::int32_t> tokens, hook_ref<float> hook) {
  hook.require_fit(shape_);
  const llama_seq_id sequence = sequences_.idle(1).front();
  const int last = shape_.layers - 1;
  const bool wants_last = std::any_of(all_points.begin(), all_points.end(), [&](point p) {
    return shape_.points.contains(p) && hook.access({last, p}) != access::none;
  });
  alone(hook, {sequence}, [&] {
    run_prompt(sequence, tokens, wants_last ? token_batch::output::logits : token_batch::output::none);
  });
}

STEER_BODY void llama_cpp_host::logits(std::span<const std::vector<std::int32_t>> texts, hook_ref<float> hook, const logits_sink& sink) {
  std::vector<asked_text> asked;
  for (const std::vector<std::int32_t>& each : texts) {
    asked.push_back({each});
  }
  run_side_by_side(asked, hook, sink, row_sequence::of_context);
}

STEER_BODY void llama_cpp_host::ask(std::span<const asked_text> texts, hook_ref<float> hook, const logits_sink& sink) {
  run_side_by_side(texts, hook, sink, row_sequence::index_of_text);
}

STEER_BODY void llama_cpp_host::run_side_by_side(std::span<const asked_text> texts, hook_ref<float> hook, const logits_sink& sink,
                                                 row_sequence told) {
  hook.require_fit(shape_);
  for (const auto& [tokens, from] : texts) {
    require_room(tokens);
    if (from < 0 || from >= static_cast<std::int32_t>(tokens.size())) {
      throw argument_error(text({"llama.cpp: ", thing("a text"), " is asked from row ", actual(from), " on; expected ",
                                 expected({"0 to ", tokens.size() - 1})}));
    }
  }
  const std::vector<llama_seq_id> idle = sequences_.idle(llama_n_seq_max(context_.get()));
  const auto most = static_cast<std::size_t>(detail::most_tokens(context_.get()));
  const auto tell = [&](std::size_t first, std::size_t count) {
    watcher_->names.assign(told == row_sequence::index_of_text ? llama_n_seq_max(context_.get()) : 0, -1);
    for (std::size_t i = 0; i < count && !watcher_->names.empty(); ++i) {
      watcher_->names[static_cast<std::size_t>(idle[i])] = static_cast<std::int32_t>(first + i);
    }
  };
  const auto output = [&](const asked_text& text, llama_pos position) {
    return position >= text.from ? token_batch::output::logits : token_batch::output::none;
  };
  struct forget {
    std::vector<std::int32_t>& names;
    ~forget() { names.clear(); }
  } const at_the_end{watcher_->names};
  token_batch batch;
  alone(hook, idle, [&] {
    for (std::size_t first = 0; first < texts.size();) {
      batch.clear();
      std::size_t next = first;
      for (; next < texts.size() && next - first < idle.size() && batch.size() + texts[next].tokens.size() <= most; ++next) {
        const llama_seq_id sequence = idle[next - first];
        begin(sequence, static_cast<std::int32_t>(texts[next].tokens.size()));
        llama_pos position = 0;
        for (const std::int32_t token : texts[next].tokens) {
          batch.add(token, position, sequence, output(texts[next], position));
          ++position;
        }
      }
      if (next == first) {  // longer than a batch
        tell(first, 1);
        const std::span<const std::int32_t> tokens = texts[first].tokens;
        const Eigen::Index from = texts[first].from;
        matrix<float> asked(static_cast<Eigen::Index>(tokens.size()) - from, vocabulary());
        Eigen::Index done = 0;
        run_prompt(idle.front(), tokens, token_batch::output::logits, [&](std::size_t rows) {
          for (std::size_t i = 0; i < rows; ++i, ++done) {
            if (done >= from) {
              const auto found = logits(static_cast<std::int32_t>(i));
              std::copy(found.begin(), found.end(), asked.row(done - from).data());
            }
          }
        });
        sink(first++, {asked.data(), asked.rows(), asked.cols()});
        continue;
      }
      tell(first, next - first);
      decode(batch.view());
      for (std::int32_t row = 0; first < next; ++first) {  // rows that have logits stand one after the other
        const auto [tokens, from] = texts[first];
        const auto count = static_cast<std::int32_t>(tokens.size());
        sink(first, {logits(row + from).data(), count - from, vocabulary()});
        row += count;
      }
    }
  });
}

STEER_BODY void llama_cpp_host::act(action to) {
  if (to.hook) {
    to.hook->require_fit(shape_);
  }
  if (!to.native.empty() || !native_.empty()) {
    if (!set_native(to.native)) {
      const bool as_before = set_native(native_);
      throw host_error(text({"llama.cpp: ", thing("llama_set_adapter_cvec"), " refuses ",
                             to.native.empty() ? "to clear the control vector" : "a control vector",
                             as_before ? "" : ", and the one before it"}));
    }
  }
  path_ = to.hook ? llama_cpp_path::hook : to.native.empty() ? llama_cpp_path::none : llama_cpp_path::native;
  watcher_->hook = to.hook;
  native_ = std::move(to.native);
  kept_ = std::move(to.kept);
  as_ = to.as;
}

STEER_BODY bool llama_cpp_host::set_native(const std::vector<float>& rows) {
  const bool on = !rows.empty();
  return llama_set_adapter_cvec(context_.get(), on ? rows.data() : nullptr, rows.size(), static_cast<std::int32_t>(shape_.width),
                                on ? 1 : -1, on ? shape_.layers - 1 : -1) == 0;
}

STEER_BODY void llama_cpp_host::require_room(std::span<const std::int32_t> tokens) const {
  const auto room = llama_n_ctx_seq(context_.get());
  if (tokens.empty() || tokens.size() > room) {
    throw argument_error(text({"llama.cpp: ", thing("a text"), " has ", actual(tokens.size()), " tokens; expected ",
                               expected({"1 to ", room})}));
  }
}

}  // namespace v0
}  // namespace steer
