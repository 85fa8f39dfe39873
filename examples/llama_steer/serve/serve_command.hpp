// llama_steer/serve/serve_command.hpp: the options of `serve`.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "llama_steer/add_option.hpp"
#include "llama_steer/preset_commands.hpp"
#include "llama_steer/serve/options.hpp"

namespace llama_steer::serve {

inline void declare(CLI::App& app, serve_options& o) {
  declare_model(app, o.model);
  app.add_option("--template", o.model.pattern, "the chat template, by its name in llama.cpp; by default the model's own");
  app.add_option("--host", o.http.host, "the address to listen at")->capture_default_str();
  add_whole(app, "--port", o.http.port, 0, 65535, "its port; 0 for any that is free");
  app.add_option_function<std::vector<std::string>>(
         "--allow-host", [&o](const std::vector<std::string>& all) { o.http.allowed_hosts.insert(all.begin(), all.end()); },
         "a name by which requests may call the server beside localhost, such as steer.example:8080, again for each")
      ->allow_extra_args(false);
  app.add_option("--model-name", o.model_name, "how clients name the model; by default the file's name");
  CLI::Option* const presets =
      app.add_option("--presets", o.presets, "a folder of presets; by default terse, happy and formal, which are fitted at the first start")
          ->check(CLI::ExistingDirectory);
  app.add_option("--cache", o.cache, "where these are kept, by model; by default the user's cache")->excludes(presets);
  app.add_option("--policy", o.policy, "a policy's file; by default doses from -1 to 2 of presets of this very model")->check(CLI::ExistingFile);
  app.add_option("--activate", o.activate, "the operator's preset, on top of which requests are dosed; by default none");
  app.add_option("--audit", o.audit, "an audit trail of what is loaded, activated and refused");
  app.add_option("--api-key-file", o.api_key_file, "a file whose first line every client must know")->check(CLI::ExistingFile);
  app.add_option("--admin-key-file", o.admin_key_file, "a file whose first line switches on administration, for whoever knows it")
      ->check(CLI::ExistingFile);
  add_whole(app, "--slots", o.engine.slots, 1, 64, "requests that are written at once");
  add_whole(app, "--context", o.engine.context, 256, 1'000'000, "tokens of each, prompt and answer");
  add_whole(app, "--queue", o.engine.queue, 1, 10'000, "requests that wait; more are refused");
  add_whole(app, "--timeout", o.patience, 1, 86'400, "seconds after which an answer is cut off");
}

}  // namespace llama_steer::serve
