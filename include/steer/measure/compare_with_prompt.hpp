// steer/measure/compare_with_prompt.hpp: how much of what a prompt does to a model's output a hook does, and what else it does.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <vector>

#include "steer/core/answered_request.hpp"
#include "steer/core/hook.hpp"
#include "steer/core/hook_ref.hpp"
#include "steer/core/host.hpp"
#include "steer/core/linkage.hpp"
#include "steer/vector/response.hpp"

namespace steer {
inline namespace v0 {

/// One request's answer, as the model foretells it with the instruction, without, and without but steered. Sums over its tokens, in nats.
struct prompt_comparison {
  std::size_t tokens = 0;
  double plain_divergence = 0.0;          ///< KL(prompted, plain)
  double steered_divergence = 0.0;        ///< KL(prompted, steered)
  double first_plain_divergence = 0.0;    ///< of the first token alone
  double first_steered_divergence = 0.0;
  double prompted_likelihood = 0.0;       ///< log p of the answer
  double plain_likelihood = 0.0;
  double steered_likelihood = 0.0;
};

/// Share of the prompt's effect on the output that the hook has: 1 - Σ KL(prompted, steered) / Σ KL(prompted, plain). Its error is a
/// jackknife over requests.
/// @throws numeric_error if the prompt has no effect
STEER_API estimate recovery(const std::vector<prompt_comparison>& of);
/// The same of the answers' first tokens.
STEER_API estimate recovery_of_first_token(const std::vector<prompt_comparison>& of);
/// KL(prompted, plain) in nats a token: what there is to recover.
STEER_API estimate prompt_effect(const std::vector<prompt_comparison>& of);
/// KL(prompted, steered) in nats a token: what steering leaves to recover.
STEER_API estimate remaining_effect(const std::vector<prompt_comparison>& of);
/// What steering adds to the log-likelihood of the prompted model's answers, in nats a token.
STEER_API estimate likelihood_gain(const std::vector<prompt_comparison>& of);
/// How much rather the prompted than the plain model would have written the answers, in nats a token. Of answers that a steered model
/// wrote this is how much like the prompted one it writes.
STEER_API estimate likeness(const std::vector<prompt_comparison>& of);
/// Share of the requests that steering takes further from the prompted model than they were.
STEER_API double wrong_way(const std::vector<prompt_comparison>& of);

/// One text of another kind, as the model foretells it plain and steered.
struct text_drift {
  std::vector<double> divergence = {};  ///< KL(plain, steered) of each token, in nats
  double plain_likelihood = 0.0;        ///< log p of the text
  double steered_likelihood = 0.0;
};

/// Mean KL(plain, steered) in nats a token, with a jackknife's error over texts.
STEER_API estimate drift(const std::vector<text_drift>& of);
/// The quantile of it over all tokens, such as .95.
/// @throws argument_error for a share that is not within 0 to 1
STEER_API double drift_quantile(const std::vector<text_drift>& of, double share);
/// By how much the texts are less likely steered, in nats a token.
STEER_API estimate likelihood_loss(const std::vector<text_drift>& of);

namespace detail {

using run_logits = std::function<void(std::span<const asked_text> texts, hook_ref<float> hook, const logits_sink& sink)>;

STEER_API std::vector<std::vector<prompt_comparison>> compare_with_prompt(std::span<const answered_request> requests,
                                                                          std::span<const hook_ref<float>> hooks, const run_logits& run);
STEER_API std::vector<std::vector<text_drift>> measure_drift(std::span<const std::vector<std::int32_t>> texts,
                                                             std::span<const hook_ref<float>> hooks, const run_logits& run);

}  // namespace detail

/// Compares the model without the instruction, under each hook, with the model that has it. Meant for requests that nothing was
/// fitted to, and answers that the prompted model wrote.
///
/// @return for each hook, one entry for each request
/// @throws argument_error as `check` of requests; host_error if the host leaves out a row of logits; numeric_error naming the request if
///         logits are not finite
/// @cost   for each text one pass with the instruction, one without and one for each hook; the logits of eight answers
template <class Model>
  requires batch_host<Model> || logits_host<Model>
std::vector<std::vector<prompt_comparison>> compare_with_prompt(Model& model, std::span<const answered_request> requests,
                                                                std::span<const hook_ref<float>> hooks) {
  return detail::compare_with_prompt(requests, hooks, [&](std::span<const asked_text> texts, hook_ref<float> hook, const logits_sink& sink) {
    ask(model, texts, hook, sink);
  });
}

/// What hooks do to texts of another kind, which they should leave alone. The first token foretells nothing that counts: it is a sink.
/// @return for each hook, one entry for each text
/// @throws argument_error for texts of less than three tokens; as `compare_with_prompt`
/// @cost   for each text one pass and one for each hook; the logits of eight texts
template <class Model>
  requires batch_host<Model> || logits_host<Model>
std::vector<std::vector<text_drift>> measure_drift(Model& model, std::span<const std::vector<std::int32_t>> texts,
                                                   std::span<const hook_ref<float>> hooks) {
  return detail::measure_drift(texts, hooks, [&](std::span<const asked_text> some, hook_ref<float> hook, const logits_sink& sink) {
    ask(model, some, hook, sink);
  });
}

}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/measure/compare_with_prompt.ipp"
#endif
