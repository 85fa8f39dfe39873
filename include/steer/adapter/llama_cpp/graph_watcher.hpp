// steer/adapter/llama_cpp/graph_watcher.hpp: what llama.cpp calls at every node of its graph. Opt-in: component `llama_cpp`.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <optional>
#include <span>
#include <vector>
#include <ggml.h>

#include "steer/adapter/llama_cpp/micro_batches.hpp"
#include "steer/adapter/llama_cpp/tensor_names.hpp"
#include "steer/core/hook_ref.hpp"
#include "steer/core/linkage.hpp"
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

/// The tensor as a named one.
/// @param by_place  also by its operation and what it reads: projections, factors and sums have no name of their own in some architectures
STEER_API std::optional<named_tensor> named(const ggml_tensor& t, bool by_place) noexcept;

/// The token ids that the embeddings were looked up with; null if there are none. On its way to another device the tensor is copied
/// and the copy's name has more around it.
STEER_API const ggml_tensor* tokens_of(const ggml_tensor& t, int depth = 4) noexcept;

/// Rows of numbers that a hook can see: F32, so many for each token, one after the other.
STEER_API bool holds_rows(const ggml_tensor& t, int streams) noexcept;

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
  /// What hooks are told instead of a sequence's number, by that; empty: the number itself.
  std::vector<std::int32_t> names;

  /// Makes room, so that nothing is allocated while the graph runs.
  STEER_API void reserve(llama_cpp_memory memory, const model_shape& shape, std::size_t micro_batch);

  /// Prepares for a batch whose rows are these; `output` says which have logits. Both must live until `conclude`.
  /// @return whether the hook wants anything of it
  /// @throws host_error if its rows could be mistaken for each other
  STEER_API bool announce(const model_shape& shape, std::span<const row_info> rows, std::span<const std::int8_t> output,
                std::size_t micro_batch);

  /// Whether the hook writes anything of the batch that was announced last.
  [[nodiscard]] bool writes() const noexcept {
    return std::find(wanted_.begin(), wanted_.end(), steer::access::write) != wanted_.end();
  }

  /// The batch is over.
  /// @return what went wrong in it, if anything did
  STEER_API [[nodiscard]] std::exception_ptr conclude() noexcept;

  /// `cb_eval`
  STEER_API static bool on_node(ggml_tensor* t, bool ask, void* self) noexcept;

  /// `abort_callback`: a batch that cannot be followed must not go on unsteered.
  static bool on_abort(void* self) noexcept { return static_cast<graph_watcher*>(self)->failure_ != nullptr; }

 private:
  /// What is known of the batch under way: nothing; that the hook wants none of it; its rows.
  enum class state : std::uint8_t { unannounced, ignored, followed };

  [[nodiscard]] steer::access& wanted(site s) {
    return wanted_[static_cast<std::size_t>(s.layer) * point_count + static_cast<std::size_t>(s.point)];
  }

  STEER_API bool look(const model_shape& shape);

  STEER_API bool wants(const ggml_tensor& t, named_tensor name);

  STEER_API void begin_micro_batch(const ggml_tensor& t);

  STEER_API void visit(ggml_tensor& t, named_tensor name);

  /// @return the most that the hook did
  STEER_API steer::access call(named_tensor name, rows<float> activations);

  llama_cpp_memory memory_ = llama_cpp_memory::in_place;
  std::vector<steer::access> wanted_;  // [L * point_count], for the present batch
  state state_ = state::unannounced;
  micro_batches batch_;
  std::span<const row_info> rows_;
  std::span<const std::int8_t> output_;
  std::vector<std::int32_t> tokens_;      // of the present micro-batch
  std::vector<row_info> all_, outputs_;   // its tokens, and those with logits
  std::vector<row_info> all_streams_, outputs_streams_;  // the same, with a row for each residual stream
  std::vector<float> staging_;
  std::exception_ptr failure_;
};

}  // namespace detail
}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/adapter/llama_cpp/graph_watcher.ipp"
#endif
