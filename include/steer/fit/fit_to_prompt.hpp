// steer/fit/fit_to_prompt.hpp: edits at every layer, so that a model does unasked what it does when it is asked.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "steer/core/answered_request.hpp"
#include "steer/core/hook_ref.hpp"
#include "steer/core/host.hpp"
#include "steer/core/linkage.hpp"
#include "steer/core/model_shape.hpp"
#include "steer/fit/fit_layer.hpp"
#include "steer/recipe/recipe.hpp"
#include "steer/recipe/schedule.hpp"

namespace steer {
inline namespace v0 {

struct fit_options {
  layer_fit_options layer = {};
  std::vector<int> layers = {};            ///< in which edits are fitted, in any order; empty: all
  schedule rows = {.first = 1};            ///< of a sequence, on which the edits act: not the first, which is a sink of attention
  std::function<void(double)> progress = {};  ///< told how much is done, 0 to 1
};

/// Edits whose dose 1 means: as the prompt does.
struct prompt_fit {
  steer::recipe recipe = {};
  std::map<int, layer_fit> layers = {};  ///< by layer; what each adds to the recipe, and how well it does
  std::size_t rows = 0;                  ///< that foretell a token of an answer, in all texts
  int passes = 0;                        ///< over all texts, the one of the prompted texts included
};

namespace detail {

/// Shows texts to a hook.
using run_texts = std::function<void(std::span<const asked_text> texts, hook_ref<float> hook)>;

STEER_API prompt_fit fit_to_prompt(const model_shape& shape, std::span<const answered_request> requests, const std::string& name,
                                   const fit_options& options, const run_texts& run);

}  // namespace detail

/// Fits edits, layer by layer from below, so that the rows that foretell an answer without an instruction become those that foretell the
/// same answer with it, everything found below already acting. Forward passes only; nothing to sweep.
///
///     const steer::prompt_fit terse = steer::fit_to_prompt(model, requests, "terse");
///     model.steer(steer::plan{terse.recipe, model.shape()});
///
/// Where the host shows all rows of a layer in one call, the layer is fitted there and acts before the next: two passes in all. Else it is
/// one pass for each layer, with the same result.
///
/// @throws before the first pass: argument_error for requests as `check` refuses them, layers that the model lacks or that are named
///         twice, or schedules that a plan cannot follow. Later: as `fit_layer` and the host; host_error if it did not show every row that
///         foretells; numeric_error if no prompted row differs from a plain one: the instruction changes nothing
/// @cost   passes over all texts: 2, or one more than there are layers; n L d floats for n rows, and what `fit_layer` takes
template <class Model>
  requires batch_host<Model> || logits_host<Model>
prompt_fit fit_to_prompt(Model& model, std::span<const answered_request> requests, const std::string& name,
                         const fit_options& options = {}) {
  return detail::fit_to_prompt(model.shape(), requests, name, options, [&](std::span<const asked_text> texts, hook_ref<float> hook) {
    ask(model, texts, hook, [](std::size_t, logits_view) {});
  });
}

}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/fit/fit_to_prompt.ipp"
#endif
