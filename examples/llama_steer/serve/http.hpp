// llama_steer/serve/http.hpp: the server's paths, who may ask for them, and how much anybody may send.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <memory>
#include <mutex>
#include <regex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <httplib.h>
#include <nlohmann/json.hpp>

#include "llama_steer/serve/access.hpp"
#include "llama_steer/serve/admin.hpp"
#include "llama_steer/serve/api_answer.hpp"
#include "llama_steer/serve/api_error.hpp"
#include "llama_steer/serve/api_request.hpp"
#include "llama_steer/serve/connection.hpp"
#include "llama_steer/serve/options.hpp"
#include "llama_steer/serve/service.hpp"

namespace llama_steer::serve {

/// Listens from the start, and answers 503 until there is a service.
class http_server {
 public:
  /// @throws steer::host_error if the address is taken
  explicit http_server(http_options options)
      : options_(std::move(options)),
        server_({.bytes = options_.most_head + options_.most_body, .patience = options_.patience, .connections = options_.connections}) {
    server_.set_payload_max_length(options_.most_body);
    port_ = options_.port != 0 ? (server_.bind_to_port(options_.host, options_.port) ? options_.port : -1) : server_.bind_to_any_port(options_.host);
    if (port_ < 0) {
      throw steer::host_error(steer::text({"serve: ", options_.host, ":", options_.port, " is ", steer::actual("taken or not this machine's"),
                                           "; expected ", steer::expected("an address to listen at")}));
    }
    server_.let_wait();
    hosts_ = std::make_unique<known_hosts>(port_, options_.allowed_hosts);
    declare();
  }

  [[nodiscard]] int port() const noexcept { return port_; }

  /// What /health says until there is a service.
  void say(std::string progress) {
    const std::lock_guard lock(mutex_);
    progress_ = std::move(progress);
  }
  /// From here on requests are answered.
  void open(std::shared_ptr<service> ready) {
    const std::lock_guard lock(mutex_);
    service_ = std::move(ready);
  }

  /// Until `stop`, and until what runs is finished.
  void listen() { server_.listen_after_bind(); }
  /// Of a server that listens, or is about to.
  void stop() {
    while (!server_.is_running()) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    server_.stop();
  }

 private:
  using request = httplib::Request;
  using response = httplib::Response;
  using outcome = httplib::Server::HandlerResponse;

  static constexpr const char* json_type = "application/json";
  static constexpr std::string_view admin_path = "/steer/";
  static constexpr const char* policy_of_the_page =
      "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; "
      "frame-ancestors 'none'";

  /// A file of the page, read once.
  /// @throws steer::file_error if it is not there
  static std::string page_file(const char* name) {
    const std::filesystem::path path = std::filesystem::path(STEER_LLAMA_STEER_DATA) / "serve" / "board" / name;
    std::ifstream in(path, std::ios::binary);
    if (!in) {
      throw steer::file_error(steer::text({"serve: the page's file ", path.string(), " cannot be read"}));
    }
    return {std::istreambuf_iterator<char>(in), {}};
  }

  [[nodiscard]] std::shared_ptr<service> opened() const {
    const std::lock_guard lock(mutex_);
    return service_;
  }
  [[nodiscard]] std::shared_ptr<service> require_open() const {
    auto out = opened();
    if (out == nullptr) {
      const std::lock_guard lock(mutex_);
      throw api_error("not ready: " + progress_, {.status = 503, .type = "server_error", .code = "not_ready"});
    }
    return out;
  }

  void refuse(response& to, const api_error& problem) {
    to.status = problem.status;
    to.set_content(error_json(problem), json_type);
    if (const auto ready = opened(); ready != nullptr) {
      ready->counted().refused(problem.status);
    }
  }

  /// Before anything of a body is read.
  void require_access(const request& asked) const {
    if (!hosts_->has(asked.get_header_value("Host"))) {
      throw api_error("unknown host; see --allow-host", {.status = 403, .type = "permission_error", .code = "unknown_host"});
    }
    if (!hosts_->is_own(asked.get_header_value("Origin"))) {
      throw api_error("requests of another origin are not answered", {.status = 403, .type = "permission_error", .code = "unknown_origin"});
    }
    const bool is_admin = asked.path.starts_with(admin_path);
    const bool is_open = asked.path == "/health" || asked.path == "/" || asked.path == "/board.js" || asked.path == "/board.css";
    const std::string& key = is_admin ? options_.admin_key : options_.api_key;
    if (is_admin && key.empty()) {
      throw api_error("administration is off; see --admin-key-file", {.status = 404, .code = "not_found"});
    }
    if (!is_open && !key.empty() && !is_same_key(bearer_of(asked.get_header_value("Authorization")), key)) {
      throw api_error("no key, or a wrong one", {.status = 401, .type = "authentication_error", .code = "invalid_api_key"});
    }
    if (asked.method == "GET" || asked.method == "HEAD") {
      return;
    }
    if (asked.method != "POST") {
      throw api_error("expected GET or POST", {.status = 405, .code = "method_not_allowed"});
    }
    if (std::none_of(posts_.begin(), posts_.end(), [&](const std::regex& path) { return std::regex_match(asked.path, path); })) {
      throw api_error("there is no such path", {.status = 404, .code = "not_found"});  // nobody would bound its body
    }
    if (asked.has_header("Content-Encoding") && asked.get_header_value("Content-Encoding") != "identity") {
      throw api_error("compressed bodies are not read", {.status = 415, .code = "unsupported_encoding"});
    }
    if (asked.has_header("Content-Length") && std::strtoull(asked.get_header_value("Content-Length").c_str(), nullptr, 10) > options_.most_body) {
      throw_too_large();  // a negative one is a very large one
    }
    const std::string type = asked.get_header_value("Content-Type");
    if (type.substr(0, type.find(';')) != json_type) {
      throw api_error("expected Content-Type: application/json", {.status = 415, .code = "unsupported_media_type"});
    }
  }

  [[noreturn]] void throw_too_large() const {
    throw api_error(steer::text({"the body has more than ", options_.most_body, " bytes"}), {.status = 413, .code = "body_too_large"});
  }

  /// The body, as much as is allowed, however it comes.
  [[nodiscard]] std::string body_of(const httplib::ContentReader& reader) const {
    std::string out;
    bool too_long = false;
    const bool whole = reader([&](const char* data, std::size_t size) {
      too_long = out.size() + size > options_.most_body;
      if (!too_long) {
        out.append(data, size);
      }
      return !too_long;
    });
    if (too_long) {
      throw_too_large();
    }
    if (!whole) {
      throw api_error("the body cannot be read");
    }
    return out;
  }

  template <class Act>
  void guarded(response& to, Act act) {
    try {
      act();
    } catch (const api_error& problem) {
      refuse(to, problem);
    } catch (const steer::error& problem) {
      refuse(to, error_for_client(problem));
    } catch (const std::exception&) {
      refuse(to, api_error("the server failed", {.status = 500, .type = "server_error"}));
    }
  }

  void get(const std::string& path, std::function<void(const request&, response&)> act) {
    server_.Get(path, [this, act = std::move(act)](const request& asked, response& to) { guarded(to, [&] { act(asked, to); }); });
  }
  void post(const std::string& path, std::function<void(const request&, response&, const std::string& body)> act) {
    posts_.emplace_back(path);
    server_.Post(path, [this, act = std::move(act)](const request& asked, response& to, const httplib::ContentReader& reader) {
      guarded(to, [&] { act(asked, to, body_of(reader)); });
    });
  }

  void declare() {
    server_.set_pre_routing_handler([this](const request& asked, response& to) {
      try {
        require_access(asked);
        return outcome::Unhandled;
      } catch (const api_error& problem) {
        refuse(to, problem);
        return outcome::Handled;
      }
    });
    server_.set_error_handler([this](const request&, response& to) {
      if (to.body.empty()) {
        const int status = to.status;
        refuse(to, api_error(status == 404 ? "there is no such path" : "the request cannot be read", {.status = status}));
      }
    });
    server_.set_default_headers({{"X-Content-Type-Options", "nosniff"}, {"Referrer-Policy", "no-referrer"}});
    get("/health", [this](const request&, response& to) {
      const bool ready = opened() != nullptr;
      const std::lock_guard lock(mutex_);
      to.status = ready ? 200 : 503;
      to.set_content(nlohmann::ordered_json{{"status", ready ? "ok" : "starting"}, {"progress", ready ? "" : progress_}}.dump(), json_type);
    });
    const auto file = [this](const std::string& path, const char* name, const char* type) {
      get(path, [content = page_file(name), type](const request&, response& to) {
        to.set_header("Content-Security-Policy", policy_of_the_page);
        to.set_content(content, type);
      });
    };
    file("/", "index.html", "text/html; charset=utf-8");
    file("/board.css", "board.css", "text/css; charset=utf-8");
    file("/board.js", "board.js", "text/javascript; charset=utf-8");
    get("/metrics", [this](const request&, response& to) { to.set_content(require_open()->metrics_text(), "text/plain; version=0.0.4"); });
    get("/v1/models", [this](const request&, response& to) { to.set_content(models_with_presets(*require_open()), json_type); });
    for (const completion_kind kind : {completion_kind::chat, completion_kind::text}) {
      post(kind == completion_kind::chat ? "/v1/chat/completions" : "/v1/completions",
           [this, kind](const request& asked, response& to, const std::string& body) { complete(kind, asked, to, body); });
    }
    declare_admin();
  }

  void declare_admin() {
    get("/steer/presets", [this](const request&, response& to) { to.set_content(presets_json(require_open()->presets()), json_type); });
    post(R"(/steer/presets/([^/]+)/activate)", [this](const request& asked, response& to, const std::string&) {
      const auto ready = require_open();
      ready->presets().activate(asked.matches[1].str(), "admin");
      swapped(*ready, to);
    });
    post("/steer/load", [this](const request&, response& to, const std::string&) { to.set_content(load_again(*require_open()), json_type); });
    post("/steer/deactivate", [this](const request&, response& to, const std::string&) {
      const auto ready = require_open();
      ready->presets().deactivate("admin");
      swapped(*ready, to);
    });
    post("/steer/rollback", [this](const request&, response& to, const std::string&) {
      const auto ready = require_open();
      ready->presets().roll_back("admin");
      swapped(*ready, to);
    });
    get("/steer/policy", [this](const request&, response& to) { to.set_content(policy_summary(require_open()->presets().rules()), json_type); });
    get("/steer/audit", [this](const request&, response& to) { to.set_content(audit_summary(require_open()->options().audit), json_type); });
  }

  static void swapped(service& ready, response& to) {
    ready.counted().swapped();
    to.set_content(presets_json(ready.presets()), json_type);
  }

  void complete(completion_kind kind, const request& asked, response& to, const std::string& body) {
    const auto ready = require_open();
    const request_limits limits{.max_tokens = ready->options().engine.context};
    running_answer answer = ready->begin(parse_completion_request(kind, body, limits), "request from " + asked.remote_addr);
    if (answer.asked.stream) {
      stream(ready, std::move(answer), to);
    } else {
      answer_whole(*ready, answer, to);
    }
  }

  static token_usage usage_of(const running_answer& of) { return {of.work->asked().prompt.size(), of.work->tokens().size()}; }
  static nlohmann::ordered_json steering_of(const service& ready, const running_answer& of) {
    nlohmann::ordered_json out = steering_json(*of.work->asked().steering, of.asked.steering.phase);
    if (const auto budget = budget_of(*of.work->asked().steering, ready.presets().rules()); !budget.empty()) {
      out["budget"] = budget;
    }
    return out;
  }

  /// @throws api_error where an answer did not come to its end
  static finish_reason reason_of(const running_answer& of, ending how) {
    switch (how) {
      case ending::stop: return finish_reason::stop;
      case ending::length: return finish_reason::length;
      case ending::timed_out: throw api_error("the answer took too long", {.status = 504, .type = "server_error", .code = "timeout"});
      case ending::failed: throw api_error("the model failed: " + of.work->why(), {.status = 500, .type = "server_error"});
      case ending::cancelled: break;
    }
    throw api_error("the server is stopping", {.status = 503, .type = "server_error", .code = "stopping"});
  }

  static void answer_whole(service& ready, const running_answer& answer, response& to) {
    std::string text;
    for (;;) {
      const piece next = answer.work->next(std::chrono::seconds(1));
      text += next.text;
      if (next.ended) {
        ready.note(answer);
        to.set_content(answer_json(answer.head, text, reason_of(answer, *next.ended), usage_of(answer), steering_of(ready, answer)), json_type);
        return;
      }
    }
  }

  void stream(std::shared_ptr<service> ready, running_answer running, response& to) {
    auto answer = std::make_shared<running_answer>(std::move(running));
    auto writer = std::make_shared<answer_stream>(answer->head, answer->asked.include_usage);
    auto begun = std::make_shared<bool>(false);
    to.set_header("Cache-Control", "no-cache");
    to.set_chunked_content_provider(
        "text/event-stream",
        [ready, answer, writer, begun](std::size_t, httplib::DataSink& sink) {
          std::string out = std::exchange(*begun, true) ? std::string() : writer->begin();
          const piece next = answer->work->next(std::chrono::milliseconds(200));
          out += writer->text(next.text, next.coordinates);
          if (next.ended) {
            ready->note(*answer);
            try {
              out += writer->end(reason_of(*answer, *next.ended), usage_of(*answer), steering_of(*ready, *answer));
            } catch (const api_error& problem) {
              out += answer_stream::fail(problem);
            }
          }
          if (!sink.is_writable() || (!out.empty() && !sink.write(out.data(), out.size()))) {
            answer->work->cancel();
            return false;
          }
          if (next.ended) {
            sink.done();
          }
          return true;
        },
        [answer](bool) { answer->work->cancel(); });
  }

  const http_options options_;
  bounded_server server_;
  std::unique_ptr<known_hosts> hosts_;
  std::vector<std::regex> posts_;  // the paths that take a body
  int port_ = -1;
  mutable std::mutex mutex_;
  std::string progress_ = "starting";
  std::shared_ptr<service> service_;
};

}  // namespace llama_steer::serve
