// llama_steer/serve/options.hpp: what `serve` is told.
#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <set>
#include <string>

#include "llama_steer/subject.hpp"

namespace llama_steer::serve {

struct engine_options {
  std::size_t slots = 8;       ///< requests that are written at once
  std::size_t context = 2048;  ///< tokens of each: prompt and answer
  std::size_t queue = 64;      ///< requests that wait
  std::size_t batch = 512;     ///< rows of a pass
  int threads = 1;
};

struct http_options {
  std::string host = "127.0.0.1";
  int port = 8080;                           ///< 0: any that is free
  std::set<std::string> allowed_hosts = {};  ///< beside this machine's names for itself
  std::string api_key = {};                  ///< empty: none is asked for
  std::string admin_key = {};                ///< empty: nothing of administration is there
  std::size_t most_body = std::size_t{1} << 20U;
  std::size_t most_head = std::size_t{1} << 16U;
  std::size_t connections = 32;              ///< at once
  std::chrono::seconds patience{30};         ///< until a request must have come
};

struct serve_options {
  model_options model;
  http_options http = {};
  engine_options engine = {};
  std::string model_name = {};         ///< empty: the file's
  std::filesystem::path policy = {};   ///< empty: doses of -1 to 2 of this very model's presets; of its own so many that no row moves by more than twice its length
  std::filesystem::path presets = {};  ///< empty: terse, happy and formal, fitted at the first start
  std::filesystem::path cache = {};    ///< of these; empty: the user's
  std::string activate = {};           ///< the operator's preset; empty: none
  std::filesystem::path audit = {};
  std::filesystem::path api_key_file = {};
  std::filesystem::path admin_key_file = {};
  std::size_t patience = 300;          ///< seconds for an answer
};

}  // namespace llama_steer::serve
