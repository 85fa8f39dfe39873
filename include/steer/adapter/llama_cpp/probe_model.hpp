// steer/adapter/llama_cpp/probe_model.hpp: what a llama.cpp model shows, found by running one token, twice. Opt-in: component
// `llama_cpp`.
#pragma once

#include <map>
#include <set>
#include <string>
#include <Eigen/Core>
#include <llama.h>

#include "steer/adapter/llama_cpp/graph_watcher.hpp"
#include "steer/adapter/llama_cpp/tensor_names.hpp"
#include "steer/core/linkage.hpp"
#include "steer/core/matrix.hpp"
#include "steer/core/model_shape.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

/// A value of the model's metadata, or nothing.
STEER_API std::string metadata(const llama_model& model, const char* key);

STEER_API std::string model_name(const llama_model& model);

/// Names the weights by the metadata that a quantisation leaves as it is: a vector found on one quantisation of a model fits
/// the others.
STEER_API std::string fingerprint_of(const llama_model& model);

struct probed_model {
  model_shape shape;
  tensor_table table;
};

/// What was seen of one token.
struct probed_tensors {
  std::map<named_tensor, matrix<float>> rows;        ///< by name: a row, or one for each residual stream; what came twice is empty
  std::map<named_tensor, std::string> others;        ///< what cannot be a token's rows, by its extents
  std::map<named_tensor, std::set<named_tensor>> terms;  ///< of what a block's output is the sum
  std::set<named_tensor> placed;                     ///< known by their place alone
  std::set<named_tensor> native;                     ///< to which llama.cpp's own control vector is added
};

/// Runs one token, and once more for the control vector, and empties the cache again.
/// @throws host_error if llama.cpp fails, or its graph does not say which tokens it computes
STEER_API probed_tensors watch_one_token(llama_context* context, graph_watcher& watcher, const model_shape& shape);

/// Whether each stream after a layer is a mixture of those before it and of what the two sub-blocks wrote, and of no fewer: what can be
/// said of hyper-connections without knowing the shares.
/// @shape before, after [S, d]; attention, mlp [1, d]
STEER_API bool are_mixed(const matrix<float>& before, const matrix<float>& attention, const matrix<float>& mlp, const matrix<float>& after);

/// Which of the tensors seen make up a model's points. A point is there only if every layer has it, at one width; residual_in only if
/// it is a term of residual_out in every layer;
/// attention_out and mlp_out only if, for this token, residual_in + attention_out + mlp_out = residual_out in every layer, or with
/// several residual streams `are_mixed` says so.
STEER_API probed_model recognise(const probed_tensors& seen, model_shape shape);

/// The residual streams of a model's tokens, as its metadata say.
/// @throws host_error if llama.cpp would end the program for as many
STEER_API int streams_of(const llama_model& model);

/// The shape of a fresh context's model, and the tensors that stand for its points.
/// @throws host_error if there is no residual stream to hook into, or several in an order that no hook can see
STEER_API probed_model probe_model(llama_context* context, graph_watcher& watcher, std::string fingerprint);

}  // namespace detail
}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/adapter/llama_cpp/probe_model.ipp"
#endif
