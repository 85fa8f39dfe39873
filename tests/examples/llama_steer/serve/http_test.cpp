// The server over a socket: what it answers, what it refuses, and clients that do what they should not. SmolLM2.
#include <gtest/gtest.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <memory>
#include <random>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>
#include <Eigen/Core>

#include <httplib.h>
#include <nlohmann/json.hpp>

#include "adapter/llama_cpp/small_model.hpp"
#include "expect_error.hpp"
#include "llama_steer/serve/http.hpp"
#include "serve/presets.hpp"
#include "steer/io/preset_file.hpp"

namespace {

using namespace llama_steer::serve;
using json = nlohmann::json;

const steer::model_shape& shape() {
  static const steer::model_shape known = steer::llama_cpp_host(small_model::model(), small_model::parameters()).shape();
  return known;
}

steer::preset random_preset(const std::string& name, int version, std::uint64_t seed) {
  std::mt19937_64 engine(seed);
  std::normal_distribution<float> normal;
  steer::steering_vector v{.name = name};
  v.source.fingerprint = shape().fingerprint;
  v.directions[12].values = Eigen::VectorXf::NullaryExpr(shape().width, [&] { return normal(engine); });
  steer::preset out{.name = name, .version = version};
  out.content.recipe.add(v, {.strength = 40.0F, .unit = steer::strength_unit::unit});
  if (name == "terse") {
    v.directions[12].origin = Eigen::VectorXf::Zero(shape().width);
    out.content.recipe.watch({v});
  }
  return out;
}

/// A server with presets that add random directions, until the test is over.
class served : public testing::Test {
 protected:
  void start(http_options web = {}, engine_options slots = {.slots = 4, .context = 256, .queue = 8, .batch = 128, .threads = 1}) {
    web.port = 0;
    server = std::make_unique<http_server>(web);
    listener = std::thread([this] { server->listen(); });
    save(random_preset("terse", 1, 1), folder / "terse_1.safetensors");
    save(random_preset("terse", 2, 2), folder / "terse_2.safetensors");
    save(random_preset("happy", 1, 3), folder / "happy.safetensors");
    steer::policy rules{.name = "test"};
    rules.fingerprints = {{shape().fingerprint}};
    rules.base = steer::policy::base_preset::may_be_left;
    auto presets = std::make_unique<steer::preset_library>(rules, shape());
    for (const auto& each : presets->load(folder.path(), "test")) {
      ASSERT_TRUE(each.accepted) << each.refused;
    }
    running = std::make_shared<service>(small_model::model(), service_options{.model_name = "smol", .engine = slots, .presets = folder.path()}, std::move(presets));
  }
  void open() { server->open(running); }
  ~served() override {
    if (server != nullptr) {
      server->stop();
      listener.join();
      running->finish();
    }
  }

  [[nodiscard]] httplib::Client client() const {
    httplib::Client out("127.0.0.1", server->port());
    out.set_read_timeout(60);
    return out;
  }

  static json chat(const json& more = json::object()) {
    json out{{"model", "smol"}, {"messages", {{{"role", "user"}, {"content", "Say hello."}}}}, {"max_tokens", 8}, {"temperature", 0}};
    out.update(more);
    return out;
  }
  /// Two hundred tokens, which it would not end itself.
  static json endless(const json& more = json::object()) {
    json out = chat({{"messages", {{{"role", "user"}, {"content", "Tell me a long story about a fox."}}}}, {"max_tokens", 200}});
    out.update(more);
    return out;
  }
  httplib::Result ask(const json& body, const httplib::Headers& headers = {}) const {
    return client().Post("/v1/chat/completions", headers, body.dump(), "application/json");
  }
  json answer(const json& body) const {
    const auto got = ask(body);
    EXPECT_TRUE(got);
    EXPECT_EQ(got->status, 200) << got->body;
    return json::parse(got->body);
  }
  void expect_refused(const json& body, int status, const std::string& message, const std::string& code = "") const {
    const auto got = ask(body);
    ASSERT_TRUE(got);
    EXPECT_EQ(got->status, status) << got->body;
    const json error = json::parse(got->body).at("error");
    EXPECT_NE(error.at("message").get<std::string>().find(message), std::string::npos) << got->body;
    if (!code.empty()) {
      EXPECT_EQ(error.at("code"), code);
    }
  }

  /// A connection to the server, which waits for at most twenty seconds.
  [[nodiscard]] int connect() const {
    const int out = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(static_cast<std::uint16_t>(server->port()));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(out, reinterpret_cast<const sockaddr*>(&to), sizeof to), 0);
    timeval patience{20, 0};
    ::setsockopt(out, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    return out;
  }
  /// Sends bytes as they are, and gives what comes back until the other side closes or `most` bytes are there.
  std::string raw(const std::string& bytes, std::size_t most = std::size_t{1} << 20U) const {
    const int socket = connect();
    (void)!::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    std::string out = read_from(socket, most);
    ::close(socket);
    return out;
  }
  static std::string read_from(int socket, std::size_t most) {
    std::string out;
    char some[512];
    while (out.size() < most) {
      const auto got = ::read(socket, some, sizeof some);
      if (got <= 0) {
        break;
      }
      out.append(some, static_cast<std::size_t>(got));
    }
    return out;
  }
  [[nodiscard]] std::string head(const std::string& more) const {
    return "POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(server->port()) + "\r\nContent-Type: application/json\r\n" + more + "\r\n";
  }

  /// A request as it goes over the wire.
  [[nodiscard]] std::string on_the_wire(const json& body) const {
    const std::string text = body.dump();
    return head("Content-Length: " + std::to_string(text.size()) + "\r\n") + text;
  }
  /// @return one without labels
  [[nodiscard]] double metric(const std::string& name) const {
    const std::string text = running->metrics_text();
    const std::size_t at = text.find("\n" + name + " ");
    return at == std::string::npos ? throw std::invalid_argument(name) : std::stod(text.substr(at + name.size() + 2));
  }
  /// Until a metric has the value, at most a minute.
  void await(const std::string& name, double value) const {
    for (int waited = 0; metric(name) != value; ++waited) {
      ASSERT_LT(waited, 60'000) << name;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }

  toy::temporary_folder folder;
  std::unique_ptr<http_server> server;
  std::thread listener;
  std::shared_ptr<service> running;
};

TEST_F(served, says_that_it_is_not_ready_and_then_that_it_is) {
  start();
  server->say("fitting terse, 1 of 3");
  auto got = client().Get("/health");
  ASSERT_TRUE(got);
  EXPECT_EQ(got->status, 503);
  EXPECT_EQ(json::parse(got->body).at("progress"), "fitting terse, 1 of 3");
  expect_refused(chat(), 503, "fitting terse", "not_ready");
  open();
  EXPECT_EQ(client().Get("/health")->status, 200);
  EXPECT_EQ(json::parse(client().Get("/v1/models")->body).at("data").at(0).at("id"), "smol");
}

TEST_F(served, answers_whole_and_as_a_stream_alike) {
  start();
  open();
  const json whole = answer(chat({{"steering", "0.5 terse"}}));
  const std::string text = whole.at("choices").at(0).at("message").at("content");
  EXPECT_FALSE(text.empty());
  EXPECT_EQ(whole.at("usage").at("completion_tokens"), 8);
  EXPECT_EQ(whole.at("steering").at("doses"), (json{{"terse@2", 0.5}}));
  const auto streamed = ask(chat({{"steering", "0.5 terse"}, {"stream", true}, {"stream_options", {{"include_usage", true}}}}));
  ASSERT_TRUE(streamed);
  std::string said;
  json last;
  std::istringstream lines(streamed->body);
  bool done = false;
  for (std::string line; std::getline(lines, line);) {
    if (line == "data: [DONE]") {
      done = true;
    } else if (line.starts_with("data: ")) {
      last = json::parse(line.substr(6));
      if (!last.at("choices").empty()) {
        said += last.at("choices").at(0).at("delta").value("content", "");
      }
    }
  }
  EXPECT_TRUE(done);
  EXPECT_EQ(said, text);
  EXPECT_EQ(last.at("usage"), whole.at("usage"));
  EXPECT_EQ(last.at("steering"), whole.at("steering"));
  EXPECT_NE(answer(chat()).at("choices").at(0).at("message").at("content"), text);
  const auto plain = client().Post("/v1/completions", json{{"model", "smol"}, {"prompt", "Once upon a time"}, {"max_tokens", 4}, {"temperature", 0}}.dump(), "application/json");
  EXPECT_EQ(json::parse(plain->body).at("object"), "text_completion");
}

TEST_F(served, says_where_tokens_stand_to_those_who_ask) {
  start();
  open();
  const auto coordinates_of = [&](const json& steering) {
    std::vector<double> out;
    std::istringstream lines(ask(chat({{"steering", steering}, {"stream", true}}))->body);
    for (std::string line; std::getline(lines, line);) {
      if (line.starts_with("data: {")) {
        const json chunk = json::parse(line.substr(6));
        if (chunk.contains("steering_coordinates")) {
          EXPECT_EQ(chunk.at("steering_coordinates").size(), 1U);
          out.push_back(chunk.at("steering_coordinates").at("terse"));
        }
      }
    }
    return out;
  };
  EXPECT_EQ(json::parse(client().Get("/v1/models")->body).at("data").at(0).at("steering").at("coordinates"), json{"terse"});
  EXPECT_TRUE(coordinates_of({{"doses", {{"terse", 1}}}}).empty());
  const std::vector<double> plain = coordinates_of({{"coordinates", true}});
  const std::vector<double> steered = coordinates_of({{"coordinates", true}, {"doses", {{"terse", 1}}}});
  ASSERT_FALSE(plain.empty());
  ASSERT_FALSE(steered.empty());
  // The preset adds forty times the unit direction, and a coordinate is in halves of the direction's length.
  const steer::preset terse = random_preset("terse", 2, 2);
  const auto& added = std::get<steer::add_edit>(terse.content.recipe.edits().front().operation).vector.directions.at(12).values;
  EXPECT_NEAR(steered.front() - plain.front(), 40.0 / (added.norm() / 2.0), 1e-2);
  expect_refused(chat({{"steering", {{"coordinates", true}}}}), 400, "expected stream to be true", "invalid_value");
}

TEST_F(served, has_no_coordinates_where_nothing_is_watched) {
  start();
  running = std::make_shared<service>(small_model::model(), service_options{.model_name = "smol", .engine = {.slots = 1, .context = 256}},
                                      std::make_unique<steer::preset_library>(steer::policy{.name = "any"}, shape()));
  open();
  expect_refused(chat({{"steering", {{"coordinates", true}}}, {"stream", true}}), 400, "no preset watches a direction", "invalid_value");
}

TEST_F(served, refuses_by_the_reason) {
  start();
  open();
  expect_refused(chat({{"steering", "0.5 pirate"}}), 400, "\"pirate\"", "invalid_value");
  expect_refused(chat({{"steering", "1.5 terse"}}), 403, "allows 0 to 1", "policy_violation");
  expect_refused(chat({{"steering", "../terse"}}), 400, "at \"../terse\"");
  expect_refused(chat({{"tools", {{{"type", "function"}}}}}), 400, "tools");
  expect_refused(chat({{"n", 2}}), 400, "n");
  expect_refused(chat({{"model", "other"}}), 404, "does not exist", "model_not_found");
  expect_refused(chat({{"messages", {{{"role", "user"}, {"content", std::string(5000, 'x')}}}}}), 400, "tokens", "context_length_exceeded");
  auto got = client().Post("/v1/chat/completions", "{\"model\":", "application/json");
  EXPECT_EQ(got->status, 400);
  EXPECT_EQ(json::parse(got->body).at("error").at("type"), "invalid_request_error");
  EXPECT_EQ(client().Get("/nowhere")->status, 404);
  EXPECT_EQ(client().Post("/v1/chat/completions", chat().dump(), "text/plain")->status, 415);
  EXPECT_EQ(ask(chat(), {{"Content-Encoding", "gzip"}})->status, 415);
  EXPECT_EQ(ask(chat(), {{"Origin", "http://evil.example"}})->status, 403);
  EXPECT_EQ(ask(chat(), {{"Origin", "http://localhost:" + std::to_string(server->port())}})->status, 200);
  EXPECT_EQ(client().Get("/health", {{"Host", "evil.example"}})->status, 403);
  EXPECT_NE(client().Get("/metrics")->body.find("steer_refusals_total{status=\"403\"} "), std::string::npos);
}

TEST_F(served, asks_for_keys) {
  start({.api_key = "secret", .admin_key = "more secret"});
  open();
  EXPECT_EQ(ask(chat())->status, 401);
  EXPECT_EQ(ask(chat(), {{"Authorization", "Bearer wrong"}})->status, 401);
  EXPECT_EQ(ask(chat(), {{"Authorization", "Bearer more secret"}})->status, 401) << "one key is not the other";
  EXPECT_EQ(ask(chat(), {{"Authorization", "Bearer secret"}})->status, 200);
  EXPECT_EQ(client().Get("/health")->status, 200);
  EXPECT_EQ(client().Get("/steer/presets", {{"Authorization", "Bearer secret"}})->status, 401);
  const httplib::Headers admin{{"Authorization", "Bearer more secret"}};
  EXPECT_EQ(client().Get("/steer/presets", admin)->status, 200);
  const auto activated = client().Post("/steer/presets/terse@1/activate", admin, "{}", "application/json");
  EXPECT_EQ(json::parse(activated->body).at("active"), "terse@1");
  EXPECT_EQ(json::parse(client().Post("/steer/presets/happy/activate", admin, "{}", "application/json")->body).at("active"), "happy@1");
  EXPECT_EQ(json::parse(client().Post("/steer/rollback", admin, "{}", "application/json")->body).at("active"), "terse@1");
  EXPECT_EQ(json::parse(client().Post("/steer/deactivate", admin, "{}", "application/json")->body).at("active"), nullptr);
  EXPECT_EQ(client().Post("/steer/presets/pirate/activate", admin, "{}", "application/json")->status, 400);
  EXPECT_EQ(json::parse(client().Get("/steer/policy", admin)->body).at("name"), "test");
  EXPECT_EQ(client().Get("/steer/audit", admin)->status, 404) << "there is no trail";
}

TEST_F(served, loads_its_folder_again_and_keeps_what_it_has_where_it_cannot) {
  start({.admin_key = "admin"});
  open();
  const httplib::Headers admin{{"Authorization", "Bearer admin"}};
  save(random_preset("formal", 1, 4), folder / "formal.safetensors");
  folder.write("broken.safetensors", "no preset");
  const json loaded = json::parse(client().Post("/steer/load", admin, "{}", "application/json")->body);
  EXPECT_EQ(loaded.at("accepted"), (json{"formal@1", "happy@1", "terse@1", "terse@2"}));
  EXPECT_EQ(loaded.at("refused").at(0).at("file"), "broken.safetensors");
  EXPECT_EQ(answer(chat({{"steering", "formal"}})).at("steering").at("doses"), (json{{"formal@1", 1.0}}));
  std::filesystem::remove_all(folder.path());
  const auto failed = client().Post("/steer/load", admin, "{}", "application/json");
  EXPECT_EQ(failed->status, 500);
  EXPECT_EQ(json::parse(failed->body).at("error").at("code"), "presets_unreadable");
  EXPECT_EQ(answer(chat({{"steering", "formal"}})).at("steering").at("doses"), (json{{"formal@1", 1.0}}));
  const json known = json::parse(client().Get("/v1/models")->body).at("data").at(0).at("steering");
  EXPECT_EQ(known.at("interference").at("names"), (json{"formal", "happy", "terse"}));
  EXPECT_NEAR(known.at("interference").at("cosines").at(1).at(1).get<double>(), 1.0, 1e-9);
}

TEST_F(served, has_no_administration_without_a_key) {
  start();
  open();
  EXPECT_EQ(client().Get("/steer/presets")->status, 404);
  EXPECT_EQ(client().Post("/steer/rollback", "{}", "application/json")->status, 404);
}

TEST_F(served, bounds_what_clients_send) {
  start({.most_body = 4096});
  open();
  EXPECT_EQ(ask(chat({{"user", std::string(8192, 'x')}}))->status, 413);
  // In chunks, whose sum nobody has said before.
  std::string chunked = head("Transfer-Encoding: chunked\r\nConnection: close\r\n");
  for (int i = 0; i < 64; ++i) {
    chunked += "100\r\n" + std::string(256, ' ') + "\r\n";
  }
  EXPECT_NE(raw(chunked + "0\r\n\r\n").find("413"), std::string::npos);
  for (const char* size : {"-1", "-100", "ffffffffffffffff", "zz", ""}) {
    SCOPED_TRACE(size);
    const std::string said = raw(head("Transfer-Encoding: chunked\r\nConnection: close\r\n") + size + "\r\n" + std::string(16384, ' '), 64);
    EXPECT_TRUE(said.empty() || said.find(" 4") != std::string::npos) << said;
  }
  EXPECT_EQ(raw(head("Content-Length: -5\r\nConnection: close\r\n"), 64).find("200"), std::string::npos);
  raw("\r\n\r\n\r\n", 16);
  raw("GET " + std::string(100'000, 'a') + " HTTP/1.1\r\n\r\n", 16);
  EXPECT_EQ(ask(chat())->status, 200) << "it is still there";
}

TEST_F(served, bounds_heads_whose_lines_are_short) {
  start({.most_body = 4096, .most_head = 16384});
  open();
  const std::string begin = "GET /health HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(server->port()) + "\r\n";
  const auto lines = [](int count) {
    std::string out;
    for (int i = 0; i < count; ++i) {
      out += "X-" + std::to_string(i) + ": " + std::string(40, 'x') + "\r\n";
    }
    return out;
  };
  EXPECT_NE(raw(begin + lines(100) + "\r\n").find("200 OK"), std::string::npos);
  EXPECT_EQ(raw(begin + lines(1000) + "\r\n").find("200 OK"), std::string::npos);
  EXPECT_EQ(ask(chat())->status, 200) << "it is still there";
}

TEST_F(served, waits_for_no_request_for_ever) {
  start({.patience = std::chrono::seconds(1)});
  open();
  const int slow = connect();
  const std::string line = "GET /health HTTP/1.1\r\nX: ";
  ASSERT_EQ(::send(slow, line.data(), line.size(), MSG_NOSIGNAL), static_cast<ssize_t>(line.size()));
  char any = 0;
  int said = 0;
  while (said < 300 && ::recv(slow, &any, 1, MSG_DONTWAIT) < 0 && ::send(slow, "x", 1, MSG_NOSIGNAL) == 1) {  // never silent for long
    ++said;
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  EXPECT_LT(said, 300);
  ::close(slow);
}

TEST_F(served, lets_connections_wait_beyond_those_it_serves) {
  start({.connections = 2});
  open();
  const int first = connect();
  const int second = connect();
  std::atomic<bool> is_answered{false};
  std::thread third([&] {
    const auto got = client().Get("/health");
    EXPECT_TRUE(got && got->status == 200);
    is_answered = true;
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  EXPECT_FALSE(is_answered);
  ::close(first);
  third.join();
  ::close(second);
}

TEST_F(served, turns_nobody_away_who_comes_with_many_others) {
  start({.connections = 2});
  open();
  std::atomic<int> answered{0};
  std::vector<std::thread> clients;
  for (int i = 0; i < 100; ++i) {
    clients.emplace_back([&] {
      const auto got = client().Get("/health");
      answered += got && got->status == 200 ? 1 : 0;
    });
  }
  for (std::thread& each : clients) {
    each.join();
  }
  EXPECT_EQ(answered, 100);
}

TEST_F(served, takes_nothing_of_a_refused_body_for_another_request) {
  start();
  open();
  const std::string inner = "GET /v1/models HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(server->port()) + "\r\n\r\n";
  const std::string begin = head("Origin: http://evil.example\r\nContent-Length: 5000\r\n");
  constexpr std::size_t read_at_once = 4096;  // what follows is not read together with the head, and would be left for the next request
  const std::string said = raw(begin + std::string(read_at_once - begin.size(), ' ') + inner);
  EXPECT_NE(said.find("403"), std::string::npos);
  EXPECT_EQ(said.find("smol"), std::string::npos) << said;
  EXPECT_EQ(client().Delete("/v1/models")->status, 405);
  EXPECT_EQ(client().Post("/nowhere", std::string(100, ' '), "application/json")->status, 404);
}

TEST_F(served, frees_the_slot_of_a_client_that_vanishes) {
  start({}, {.slots = 1, .context = 256, .queue = 8, .batch = 128, .threads = 1});
  open();
  EXPECT_EQ(answer(endless()).at("usage").at("completion_tokens"), 200);
  const std::string begun = raw(on_the_wire(endless({{"stream", true}})), 700);
  EXPECT_NE(begun.find("data: "), std::string::npos);
  answer(chat());
  EXPECT_LT(metric("steer_generated_tokens_total"), 200 + 200) << "nobody read what the second would have said";
}

TEST_F(served, refuses_what_does_not_fit_its_queue) {
  start({}, {.slots = 1, .context = 256, .queue = 1, .batch = 128, .threads = 1});
  open();
  const std::string asked = on_the_wire(endless({{"stream", true}}));
  const auto begin = [&] {
    const int out = connect();
    EXPECT_EQ(::send(out, asked.data(), asked.size(), MSG_NOSIGNAL), static_cast<ssize_t>(asked.size()));
    return out;
  };
  const auto expect_answered = [](int socket) {
    const std::string begun = read_from(socket, 700);
    EXPECT_NE(begun.find("200 OK"), std::string::npos) << begun;
    EXPECT_NE(begun.find("data: "), std::string::npos) << begun;
    ::close(socket);
  };
  const int first = begin();
  await("steer_writing_requests", 1);
  const int second = begin();
  await("steer_waiting_requests", 1);
  expect_refused(chat(), 429, "1 requests are waiting already");
  expect_answered(first);
  expect_answered(second);
  await("steer_writing_requests", 0);
  answer(chat());
}

TEST_F(served, names_one_digest_for_every_answer_while_presets_are_swapped) {
  start();
  open();
  std::map<std::string, std::string> texts;  // by digest, each alone
  const auto remember = [&](const json& of) { return std::pair(of.at("steering").at("digest").get<std::string>(), of.at("choices").at(0).at("message").at("content").get<std::string>()); };
  for (const char* name : {"terse@1", "terse@2", "happy@1"}) {
    running->presets().activate(name, "test");
    texts.insert(remember(answer(chat())));
  }
  ASSERT_EQ(texts.size(), 3U);
  const char* const many = std::getenv("STEER_SWAP_REQUESTS");
  const int each = many != nullptr ? std::atoi(many) / 4 : 10;
  std::atomic<bool> done{false};
  std::thread swapper([&] {
    for (int i = 0; !done; ++i) {
      running->presets().activate(i % 3 == 0 ? "terse@1" : i % 3 == 1 ? "terse@2" : "happy@1", "test");
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
  });
  std::atomic<int> wrong{0};
  std::vector<std::thread> clients;
  for (int c = 0; c < 4; ++c) {
    clients.emplace_back([&] {
      for (int i = 0; i < each; ++i) {
        const auto got = ask(chat());
        const json of = got ? json::parse(got->body) : json();
        if (!got || got->status != 200) {
          ++wrong;
          continue;
        }
        const auto [digest, text] = remember(of);
        wrong += texts.contains(digest) && texts.at(digest) == text ? 0 : 1;
      }
    });
  }
  for (std::thread& client : clients) {
    client.join();
  }
  done = true;
  swapper.join();
  EXPECT_EQ(wrong, 0);
}

TEST_F(served, finishes_what_runs_when_it_is_stopped) {
  start();
  open();
  std::thread client_thread([&] {
    const auto got = ask(endless());
    ASSERT_TRUE(got);
    EXPECT_EQ(got->status, 200);
    EXPECT_EQ(json::parse(got->body).at("usage").at("completion_tokens"), 200);
  });
  await("steer_writing_requests", 1);
  server->stop();
  listener.join();
  client_thread.join();
  running->finish();
  server.reset();
}

/// The page in a browser, where there is one.
TEST_F(served, works_with_the_mixing_board) {
  const char* const python = STEER_CLIENTS_PYTHON;
  if (!std::filesystem::exists(python)) {
    GTEST_SKIP() << "there is no " << python << " with the package selenium (.ci/setup clients)";
  }
  start({.admin_key = "admin"}, {.slots = 2, .context = 2048, .queue = 8, .batch = 128, .threads = 1});
  save(random_preset("formal", 1, 4), folder / "formal.safetensors");
  ASSERT_TRUE(running->presets().load_file(folder / "formal.safetensors", "test").accepted);
  open();
  const std::string command = std::string("'") + python + "' -B '" STEER_SOURCE_DIR "/tests/examples/llama_steer/serve/board_test.py' --admin-key admin --url http://127.0.0.1:" + std::to_string(server->port()) + "/";
  const int status = std::system(command.c_str());
  EXPECT_TRUE(status == 0 || WEXITSTATUS(status) == 77) << status;
}

/// The `openai` package itself, where there is a Python that has it.
TEST_F(served, works_with_the_openai_client) {
  const char* const python = STEER_CLIENTS_PYTHON;
  if (!std::filesystem::exists(python)) {
    GTEST_SKIP() << "there is no " << python << " with the package openai (.ci/setup clients)";
  }
  start();
  open();
  const std::string command = std::string("'") + python + "' '" STEER_SOURCE_DIR "/tests/examples/llama_steer/serve/openai_test.py' http://127.0.0.1:" + std::to_string(server->port());
  EXPECT_EQ(std::system(command.c_str()), 0);
}

}  // namespace
