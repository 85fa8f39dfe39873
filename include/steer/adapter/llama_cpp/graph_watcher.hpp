// steer/adapter/llama_cpp/graph_watcher.hpp: what llama.cpp calls at every node of its graph. Opt-in: component `llama_cpp`.
#pragma once

#include <ggml-backend.h>
#include <ggml.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "steer/adapter/llama_cpp/micro_batches.hpp"
#include "steer/adapter/llama_cpp/tensor_names.hpp"
#include "steer/core/error.hpp"
#include "steer/core/hook_ref.hpp"
#include "steer/core/model_shape.hpp"
#include "steer/core/rows.hpp"

namespace steer {
inline namespace v0 {

/// Where the adapter edits.
enum class llama_cpp_memory : std::uint8_t {
  in_place,  ///< in the tensor itself where it lies in host memory, else in a copy that is written back
  staged,    ///< always in a copy that is written back
};

namespace detail {

/// How often weights were applied since "kqv_out-N": 1 is the projection, more a scale or bias after it; and that N.
struct projected_heads {
  int steps;
  int layer;
};

inline std::optional<projected_heads> projection_of(const ggml_tensor& t, int most_steps = 3) noexcept {
  if (most_steps == 0 || t.src[0] == nullptr || t.src[1] == nullptr) {
    return std::nullopt;
  }
  if (t.op == GGML_OP_MUL_MAT) {
    const auto source = tensor_named(t.src[1]->name);
    return source && source->what == llama_tensor::heads ? std::optional(projected_heads{1, source->layer}) : std::nullopt;
  }
  if ((t.op != GGML_OP_ADD && t.op != GGML_OP_MUL) || t.src[1]->op != GGML_OP_NONE) {
    return std::nullopt;
  }
  const auto before = projection_of(*t.src[0], most_steps - 1);
  return before ? std::optional(projected_heads{before->steps + 1, before->layer}) : std::nullopt;
}

/// The tensor as a named one. The output projection has a name in few architectures and is known by what it reads.
inline std::optional<named_tensor> named(const ggml_tensor& t) noexcept {
  if (const auto found = tensor_named(t.name)) {
    return found;
  }
  const auto projection = projection_of(t);
  if (!projection) {
    return std::nullopt;
  }
  using enum llama_tensor;
  return named_tensor{projection->steps == 1   ? attention_projected
                      : projection->steps == 2 ? attention_projected_2
                                               : attention_projected_3,
                      projection->layer};
}

/// The token ids that the embeddings were looked up with; null if there are none. On its way to another device the tensor
/// is copied and the copy's name has more around it.
inline const ggml_tensor* tokens_of(const ggml_tensor& t, int depth = 4) noexcept {
  if (t.type == GGML_TYPE_I32 && std::string_view(t.name).find("inp_tokens") != std::string_view::npos) {
    return &t;
  }
  for (const ggml_tensor* source : t.src) {
    if (const ggml_tensor* found = source != nullptr && depth > 0 ? tokens_of(*source, depth - 1) : nullptr) {
      return found;
    }
  }
  return t.view_src != nullptr && depth > 0 ? tokens_of(*t.view_src, depth - 1) : nullptr;
}

/// Rows of numbers that a hook can see: F32, one after the other.
inline bool holds_rows(const ggml_tensor& t) noexcept {
  return t.type == GGML_TYPE_F32 && t.nb[0] == sizeof(float) && t.ne[2] == 1 && t.ne[3] == 1 && t.nb[1] % sizeof(float) == 0;
}

/// Stands between llama.cpp's callbacks and one hook. Its address must not change while a context has it.
class graph_watcher {
 public:
  graph_watcher() = default;
  graph_watcher(const graph_watcher&) = delete;
  graph_watcher& operator=(const graph_watcher&) = delete;

  tensor_table table;
  std::optional<hook_ref<float>> hook;
  /// While set, every named tensor goes here and no hook is called.
  std::function<void(named_tensor, const ggml_tensor&)> probe;

  /// Makes room, so that nothing is allocated while the graph runs.
  void reserve(llama_cpp_memory memory, const model_shape& shape, std::size_t micro_batch) {
    memory_ = memory;
    wanted_.resize(static_cast<std::size_t>(shape.layers) * point_count);
    const auto widest = static_cast<std::size_t>(std::max(shape.width, shape.width_at(point::attention_heads)));
    staging_.reserve(widest * micro_batch);
    all_.reserve(micro_batch);
    outputs_.reserve(micro_batch);
    tokens_.reserve(micro_batch);
  }

  /// Prepares for a batch whose rows are these; `output` says which have logits. Both must live until `conclude`.
  /// @return whether the hook wants anything of it
  /// @throws host_error if its rows could be mistaken for each other
  bool announce(const model_shape& shape, std::span<const row_info> rows, std::span<const std::int8_t> output,
                std::size_t micro_batch) {
    failure_ = nullptr;
    if (look(shape)) {
      batch_ = micro_batches(rows, micro_batch);
      rows_ = rows;
      output_ = output;
      state_ = state::followed;
    } else {
      state_ = state::ignored;
    }
    return state_ == state::followed;
  }

  /// Whether the hook writes anything of the batch that was announced last.
  [[nodiscard]] bool writes() const noexcept {
    return std::find(wanted_.begin(), wanted_.end(), steer::access::write) != wanted_.end();
  }

  /// The batch is over.
  /// @return what went wrong in it, if anything did
  [[nodiscard]] std::exception_ptr conclude() noexcept {
    state_ = state::unannounced;
    return std::exchange(failure_, nullptr);
  }

  /// `cb_eval`
  static bool on_node(ggml_tensor* t, bool ask, void* self) noexcept {
    auto& watcher = *static_cast<graph_watcher*>(self);
    if (!watcher.probe && (!watcher.hook || watcher.state_ == state::ignored)) {
      watcher.failure_ = nullptr;
      return !ask;
    }
    const auto name = named(*t);
    if (!name) {
      return !ask;  // of a tensor that was not asked for nothing is said; false would end the graph
    }
    try {
      return ask ? watcher.wants(*t, *name) : (watcher.visit(*t, *name), true);
    } catch (...) {
      watcher.failure_ = std::current_exception();
      return !ask;
    }
  }

  /// `abort_callback`: a batch that cannot be followed must not go on unsteered.
  static bool on_abort(void* self) noexcept { return static_cast<graph_watcher*>(self)->failure_ != nullptr; }

 private:
  /// What is known of the batch under way: nothing; that the hook wants none of it; its rows.
  enum class state : std::uint8_t { unannounced, ignored, followed };

  [[nodiscard]] steer::access& wanted(site s) {
    return wanted_[static_cast<std::size_t>(s.layer) * point_count + static_cast<std::size_t>(s.point)];
  }

  bool look(const model_shape& shape) {
    bool any = false;
    for (int layer = 0; layer < shape.layers; ++layer) {
      for (const point p : all_points) {
        const bool shown = hook && shape.points.contains(p);
        const steer::access answer = shown ? hook->access({layer, p}) : steer::access::none;
        wanted({layer, p}) = answer;
        any |= answer != steer::access::none;
      }
    }
    return any;
  }

  bool wants(const ggml_tensor& t, named_tensor name) {
    if (probe) {
      return true;
    }
    if (name.what == llama_tensor::embeddings) {
      begin_micro_batch(t);
    }
    for (const auto& s : table.sites_of(name)) {
      if (s && wanted(*s) != steer::access::none) {
        return true;
      }
    }
    return false;
  }

  void begin_micro_batch(const ggml_tensor& t) {
    failure_ = nullptr;
    if (state_ != state::followed) {
      throw host_error(text({"llama.cpp: a batch went to ", actual("llama_decode"), " while a hook was set; use ",
                             expected("llama_cpp_host::decode"), ", which knows its rows"}));
    }
    const ggml_tensor* ids = tokens_of(t);
    if (ids == nullptr) {
      throw host_error(text({"llama.cpp: ", thing("a graph"), " does not show its ", expected("tokens"),
                             "; its rows cannot be told apart"}));
    }
    tokens_.resize(static_cast<std::size_t>(ids->ne[0]));
    ggml_backend_tensor_get(ids, tokens_.data(), 0, tokens_.size() * sizeof(std::int32_t));
    if (!batch_.next(tokens_)) {
      throw host_error(text({"llama.cpp: ", thing("a micro-batch"), " of ", actual(tokens_.size()), " tokens is no ",
                             expected({"part of the batch of ", rows_.size()}),
                             " in any order known; its rows cannot be told apart"}));
    }
    all_.clear();
    outputs_.clear();
    for (const std::int32_t row : batch_.rows()) {
      all_.push_back(rows_[static_cast<std::size_t>(row)]);
      if (output_[static_cast<std::size_t>(row)] != 0) {
        outputs_.push_back(all_.back());
      }
    }
  }

  void visit(ggml_tensor& t, named_tensor name) {
    if (probe) {
      probe(name, t);
      return;
    }
    if (failure_) {
      return;
    }
    const auto count = static_cast<std::size_t>(t.ne[1]);
    if (!holds_rows(t) || (count != all_.size() && count != outputs_.size())) {
      throw host_error(
          text({"llama.cpp: ", thing({"tensor ", std::string_view(t.name)}), ", layer ", at_layer(name.layer), ", has ",
                actual(count), " rows; expected ",
                expected({"those of the micro-batch, ", all_.size(), ", or those with logits, ", outputs_.size()})}));
    }
    const std::span<const row_info> info = count == all_.size() ? all_ : outputs_;
    const ggml_backend_buffer_t buffer = t.view_src != nullptr ? t.view_src->buffer : t.buffer;
    if (memory_ == llama_cpp_memory::in_place && ggml_backend_buffer_is_host(buffer)) {
      call(name, {static_cast<float*>(t.data), t.ne[1], t.ne[0], static_cast<std::ptrdiff_t>(t.nb[1] / sizeof(float)), info});
      return;
    }
    if (!ggml_is_contiguous(&t)) {
      throw host_error(text({"llama.cpp: ", thing({"tensor ", std::string_view(t.name)}), ", layer ",
                             at_layer(name.layer), ", lies ", actual("in pieces"), " outside of host memory"}));
    }
    staging_.resize(count * static_cast<std::size_t>(t.ne[0]));
    ggml_backend_tensor_get(&t, staging_.data(), 0, ggml_nbytes(&t));
    if (call(name, {staging_.data(), t.ne[1], t.ne[0], t.ne[0], info}) == steer::access::write) {
      ggml_backend_tensor_set(&t, staging_.data(), 0, ggml_nbytes(&t));
    }
  }

  /// @return the most that the hook did
  steer::access call(named_tensor name, rows<float> activations) {
    steer::access most = steer::access::none;
    for (const auto& s : table.sites_of(name)) {
      if (s && wanted(*s) != steer::access::none) {
        (*hook)(*s, activations);
        most = std::max(most, wanted(*s));
      }
    }
    return most;
  }

  llama_cpp_memory memory_ = llama_cpp_memory::in_place;
  std::vector<steer::access> wanted_;  // [L * point_count], for the present batch
  state state_ = state::unannounced;
  micro_batches batch_;
  std::span<const row_info> rows_;
  std::span<const std::int8_t> output_;
  std::vector<std::int32_t> tokens_;      // of the present micro-batch
  std::vector<row_info> all_, outputs_;   // its rows, and those with logits
  std::vector<float> staging_;
  std::exception_ptr failure_;
};

}  // namespace detail
}  // namespace v0
}  // namespace steer
