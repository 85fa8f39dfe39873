// llama_steer/serve/serve.hpp: the command `serve`: a model behind OpenAI's API, each request under doses of its own.
#pragma once

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "llama_steer/fit.hpp"
#include "llama_steer/load_model.hpp"
#include "llama_steer/row_norms.hpp"
#include "llama_steer/serve/first_presets.hpp"
#include "llama_steer/serve/http.hpp"
#include "llama_steer/serve/options.hpp"
#include "llama_steer/serve/service.hpp"
#include "llama_steer/subject.hpp"
#include "steer/guard/policy_file.hpp"
#include "steer/guard/signed_file.hpp"
#include "steer/serve/audit_trail.hpp"
#include "steer/serve/preset_library.hpp"

namespace llama_steer::serve {

namespace detail {

/// SIGTERM and SIGINT wait for whoever asks for them; for the threads that are begun from here on, too.
inline sigset_t hold_signals() {
  sigset_t out;
  sigemptyset(&out);
  sigaddset(&out, SIGTERM);
  sigaddset(&out, SIGINT);
  pthread_sigmask(SIG_BLOCK, &out, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  return out;
}

/// Rules of a server that was given none.
inline steer::policy default_rules(const steer::model_shape& model) {
  steer::policy out{.name = "default"};
  out.fingerprints = {{model.fingerprint}};
  out.least_dose = -1.0;
  out.most_dose = 2.0;
  out.base = steer::policy::base_preset::may_be_left;
  return out;
}

/// Also how far the server's own presets may move a row together, at any layer. Others may count for more than they do: see guard/README.md.
inline void limit_own_presets(steer::policy& rules, llama_model* model, const model_options& how) {
  const std::vector<token_list> prose = prose_of(*model, std::filesystem::path(STEER_LLAMA_STEER_DATA) / "prose.txt");
  steer::llama_cpp_host host = make_host(model, how, 1, longest(prose));
  rules.row_norms = measure_row_norms(host, prose);
  rules.most_layer_dose = 2.0;
}

}  // namespace detail

/// What can be wrong is said before the model is loaded.
/// @throws steer::argument_error, steer::file_error
inline void check(serve_options& o) {
  if (!o.api_key_file.empty()) {
    o.http.api_key = key_in(o.api_key_file);
  }
  if (!o.admin_key_file.empty()) {
    o.http.admin_key = key_in(o.admin_key_file);
  }
  if (!o.http.admin_key.empty() && o.http.admin_key == o.http.api_key) {
    throw steer::argument_error(steer::text({"--admin-key-file holds ", steer::actual("the key of --api-key-file"), "; expected ",
                                             steer::expected("another one")}));
  }
  if (o.model_name.empty()) {
    o.model_name = o.model.model.stem().string();
  }
  if (o.cache.empty()) {
    o.cache = default_cache();
  }
  o.engine.threads = o.model.threads;
  o.http.connections = o.engine.slots + o.engine.queue + 8;
}

/// The service, its presets loaded; `say` is told what is being done.
/// @throws as `first_presets`, `measure_row_norms`, `steer::load_policy`, `steer::preset_library`
inline std::shared_ptr<service> prepare(llama_model* model, const serve_options& o, const std::function<void(const std::string&)>& say) {
  const steer::model_shape shape = make_host(model, o.model, 1, 16, {.file = o.model.model}).shape();
  steer::policy rules = o.policy.empty() ? detail::default_rules(shape) : steer::load_policy(o.policy).rules;
  std::filesystem::path folder = o.presets;
  if (folder.empty()) {
    folder = first_presets(model, o.model, shape.fingerprint, o.cache, say);
    if (o.policy.empty()) {
      say("measuring how long rows are");
      detail::limit_own_presets(rules, model, o.model);
    }
  }
  say("loading presets");
  steer::library_options how{.verify = steer::signatures_beside_files{}};
  if (!o.audit.empty()) {
    how.audit = std::make_shared<steer::audit_trail>(o.audit);
  }
  auto presets = std::make_unique<steer::preset_library>(std::move(rules), shape, std::move(how));
  for (const steer::loaded_preset& each : presets->load(folder, "operator")) {
    if (!each.accepted) {
      std::fprintf(stderr, "llama_steer: %s\n", each.refused.c_str());
    }
  }
  if (!o.activate.empty()) {
    presets->activate(o.activate, "operator");
  }
  return std::make_shared<service>(
      model,
      service_options{.model_name = o.model_name, .model = o.model, .engine = o.engine, .patience = std::chrono::seconds(o.patience), .presets = folder,
                      .audit = o.audit},
      std::move(presets));
}

/// Serves until SIGTERM or SIGINT, and finishes what runs then.
/// @throws as `check`, `http_server`, `first_presets`, `steer::load_policy`
inline void run(serve_options o) {
  check(o);
  const sigset_t signals = detail::hold_signals();
  http_server web(o.http);
  std::printf("http://%s:%d\n", o.http.host.c_str(), web.port());
  std::fflush(stdout);
  std::thread listener([&web] { web.listen(); });
  std::atomic<bool> ready{false};
  std::atomic<bool> over{false};
  std::thread watcher([&] {
    int signal = 0;
    sigwait(&signals, &signal);
    if (!ready && !over) {
      std::_Exit(128 + signal);  // nothing runs yet that could be finished
    }
    web.stop();
  });
  std::shared_ptr<service> running;
  std::exception_ptr failure;
  model_pointer model(nullptr, llama_model_free);
  try {
    const auto say = [&web](const std::string& what) {
      web.say(what);
      std::fprintf(stderr, "llama_steer: %s\n", what.c_str());
    };
    say("loading the model");
    model = load_model(o.model.model);
    // In a thread of its own, with which llama.cpp's helpers for it end: where OpenMP has more threads than there are cores, the engine's would
    // sleep between one layer and the next.
    running = std::async(std::launch::async, [&] { return prepare(model.get(), o, say); }).get();
    web.open(running);
    ready = true;
    std::printf("ready: model \"%s\", presets:", o.model_name.c_str());
    for (const steer::preset_listing& each : running->presets().presets()) {
      std::printf(" %s", each.reference.c_str());
    }
    std::printf("\n");
    std::fflush(stdout);
  } catch (...) {
    failure = std::current_exception();
    over = true;
    pthread_kill(watcher.native_handle(), SIGTERM);
  }
  watcher.join();
  listener.join();
  if (running != nullptr) {
    running->finish();
  }
  if (failure) {
    std::rethrow_exception(failure);
  }
}

}  // namespace llama_steer::serve
