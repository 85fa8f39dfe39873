// steer/adapter/llama_cpp/probe_model.hpp: what a llama.cpp model shows, found by running one token. Opt-in: component
// `llama_cpp`.
#pragma once

#include <map>
#include <string>
#include <Eigen/Core>
#include <llama.h>

#include "steer/adapter/llama_cpp/graph_watcher.hpp"
#include "steer/adapter/llama_cpp/tensor_names.hpp"
#include "steer/core/linkage.hpp"
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

/// The activations of one token, by name; those that came twice or were no rows are empty.
using probed_tensors = std::map<named_tensor, Eigen::VectorXf>;

/// Runs one token, and empties the cache again.
/// @throws host_error if llama.cpp fails
STEER_API probed_tensors run_one_token(llama_context* context, graph_watcher& watcher);

/// Which of the tensors seen make up a model's points. A point is there only if every layer has it, at one width;
/// attention_out and mlp_out only if, for this token, residual_in + attention_out + mlp_out = residual_out in every layer.
STEER_API probed_model recognise(const probed_tensors& seen, model_shape shape);

/// The shape of a fresh context's model, and the tensors that stand for its points.
/// @throws host_error if there is no residual stream to hook into
STEER_API probed_model probe_model(llama_context* context, graph_watcher& watcher, std::string fingerprint);

}  // namespace detail
}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/adapter/llama_cpp/probe_model.ipp"
#endif
