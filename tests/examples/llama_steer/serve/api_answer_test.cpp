#include "llama_steer/serve/api_answer.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

namespace {

using namespace llama_steer::serve;
using nlohmann::json;

const answer_head chat_head{.kind = completion_kind::chat, .id = "chatcmpl-1", .created = 1700000000, .model = "m"};
const answer_head text_head{.kind = completion_kind::text, .id = "cmpl-1", .created = 1700000000, .model = "m"};

steer::steering some_steering() {
  return {.base = "terse@3",
          .doses = {{"terse@3", 1.0}, {"happy@1", -0.2}},
          .digest = "ab12",
          .expected = {{"length", {-1.5, 0.25}}},
          .warnings = {"happy@1: nobody has looked at a dose of -0.2, only from 0 to 1"}};
}
const char* const said_of_it =
    R"({"preset":"terse@3","digest":"ab12","doses":{"terse@3":1.0,"happy@1":-0.2},"phase":"all",)"
    R"("expected":{"length":{"nats":-1.5,"error":0.25}},"warnings":["happy@1: nobody has looked at a dose of -0.2, only from 0 to 1"]})";

/// The data of the events of a stream, in which nothing else stands.
std::vector<std::string> events_of(std::string_view stream) {
  std::vector<std::string> out;
  while (!stream.empty()) {
    const std::size_t end = stream.find("\n\n");
    EXPECT_TRUE(stream.starts_with("data: ") && end != std::string_view::npos) << stream;
    if (end == std::string_view::npos) {
      break;
    }
    out.emplace_back(stream.substr(6, end - 6));
    EXPECT_EQ(out.back().find('\n'), std::string::npos);
    stream.remove_prefix(end + 2);
  }
  return out;
}

TEST(LlamaSteerApiAnswer, SaysWhatSteers) {
  EXPECT_EQ(steering_json(some_steering(), std::nullopt).dump(), said_of_it);
  EXPECT_EQ(steering_json({}, steer::phase::prompt).dump(),
            R"({"preset":null,"digest":"","doses":{},"phase":"prompt","expected":{},"warnings":[]})");
  steer::steering twice = some_steering();
  twice.doses.emplace_back("terse@3", 0.5);
  EXPECT_EQ(steering_json(twice, steer::phase::generation)["doses"].dump(), R"-({"terse@3":1.0,"happy@1":-0.2,"terse@3 (generation)":0.5})-");
  twice.expected = {{"x", {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}}};
  EXPECT_EQ(json::parse(steering_json(twice, std::nullopt).dump())["expected"]["x"], json({{"nats", nullptr}, {"error", nullptr}}));
}

TEST(LlamaSteerApiAnswer, Whole) {
  const nlohmann::ordered_json steering = {{"preset", nullptr}};
  EXPECT_EQ(answer_json(chat_head, "Hi\n\"you\"", finish_reason::stop, {.prompt = 3, .completion = 4}, steering),
            R"({"id":"chatcmpl-1","object":"chat.completion","created":1700000000,"model":"m","choices":[{"index":0,"message":)"
            R"({"role":"assistant","content":"Hi\n\"you\"","refusal":null},"logprobs":null,"finish_reason":"stop"}],)"
            R"("usage":{"prompt_tokens":3,"completion_tokens":4,"total_tokens":7},"steering":{"preset":null}})");
  EXPECT_EQ(answer_json(text_head, "", finish_reason::length, {.prompt = 1, .completion = 16}, steering),
            R"({"id":"cmpl-1","object":"text_completion","created":1700000000,"model":"m","choices":[{"index":0,"text":"",)"
            R"("logprobs":null,"finish_reason":"length"}],"usage":{"prompt_tokens":1,"completion_tokens":16,"total_tokens":17},)"
            R"("steering":{"preset":null}})");
  EXPECT_TRUE(json::accept(answer_json(chat_head, "\xFF", finish_reason::stop, {}, steering)));
}

TEST(LlamaSteerApiAnswer, Models) {
  EXPECT_EQ(models_json({}), R"({"object":"list","data":[]})");
  const std::vector<listed_model> models{{"a", 1}, {"b", 2}};
  EXPECT_EQ(models_json(models), R"({"object":"list","data":[{"id":"a","object":"model","created":1,"owned_by":"steer"},)"
                                 R"({"id":"b","object":"model","created":2,"owned_by":"steer"}]})");
  EXPECT_EQ(model_json(models[0]), R"({"id":"a","object":"model","created":1,"owned_by":"steer"})");
}

TEST(LlamaSteerApiAnswer, StreamOfAChat) {
  const answer_stream stream(chat_head, false);
  const std::string head = R"(data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1700000000,"model":"m","choices":[)";
  EXPECT_EQ(stream.begin(),
            head + R"({"index":0,"delta":{"role":"assistant","content":"","refusal":null},"logprobs":null,"finish_reason":null}]})" "\n\n");
  EXPECT_EQ(stream.text("a\nb"), head + R"({"index":0,"delta":{"content":"a\nb"},"logprobs":null,"finish_reason":null}]})" "\n\n");
  EXPECT_EQ(stream.text("a", {{"happy", -0.98765}, {"terse", 1.0}}),
            head + R"({"index":0,"delta":{"content":"a"},"logprobs":null,"finish_reason":null}],)"
                   R"("steering_coordinates":{"happy":-0.988,"terse":1.0}})" "\n\n");
  EXPECT_EQ(stream.text(""), "");
  EXPECT_EQ(stream.end(finish_reason::stop, {.prompt = 3, .completion = 4}, {{"preset", nullptr}}),
            head + R"({"index":0,"delta":{},"logprobs":null,"finish_reason":"stop"}],"steering":{"preset":null}})" "\n\ndata: [DONE]\n\n");
}

TEST(LlamaSteerApiAnswer, StreamOfAText) {
  const answer_stream stream(text_head, false);
  const std::string head = R"(data: {"id":"cmpl-1","object":"text_completion","created":1700000000,"model":"m","choices":[)";
  EXPECT_EQ(stream.begin(), "");
  EXPECT_EQ(stream.text("a"), head + R"({"index":0,"text":"a","logprobs":null,"finish_reason":null}]})" "\n\n");
  EXPECT_EQ(stream.end(finish_reason::length, {}, {{"preset", nullptr}}),
            head + R"({"index":0,"text":"","logprobs":null,"finish_reason":"length"}],"steering":{"preset":null}})" "\n\ndata: [DONE]\n\n");
}

TEST(LlamaSteerApiAnswer, UsageComesLastIfItIsWanted) {
  for (const answer_head& head : {chat_head, text_head}) {
    const answer_stream stream(head, true);
    EXPECT_TRUE(json::parse(events_of(stream.text("a")).at(0)).at("usage").is_null());
    const std::vector<std::string> events =
        events_of(stream.end(finish_reason::stop, {.prompt = 3, .completion = 4}, steering_json(some_steering(), std::nullopt)));
    ASSERT_EQ(events.size(), 3U);
    const json ended = json::parse(events[0]);
    EXPECT_EQ(ended["choices"][0]["finish_reason"], "stop");
    EXPECT_TRUE(ended.at("usage").is_null());
    EXPECT_FALSE(ended.contains("steering"));
    const json last = json::parse(events[1]);
    EXPECT_EQ(last.at("choices"), json::array());
    EXPECT_EQ(last.at("usage"), json({{"prompt_tokens", 3}, {"completion_tokens", 4}, {"total_tokens", 7}}));
    EXPECT_EQ(last.at("steering"), json::parse(said_of_it));
    EXPECT_EQ(last.at("id"), head.id);
    EXPECT_EQ(events[2], "[DONE]");
  }
}

TEST(LlamaSteerApiAnswer, AStreamFails) {
  EXPECT_EQ(answer_stream::fail(api_error("it is over", {.status = 500, .type = "server_error"})),
            "data: {\"error\":{\"message\":\"it is over\",\"type\":\"server_error\",\"param\":null,\"code\":null}}\n\ndata: [DONE]\n\n");
}

TEST(LlamaSteerApiAnswer, AStreamIsTheWhole) {
  const std::vector<std::string> pieces{"a", "b", "\n", "\n\n", "data: ", "\"", "\xC3", "\xA4", "\xF0\x9F", "\x98\x80", "\xFF", "E", "N", "D"};
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 engine(seed);
    const auto below = [&](std::size_t n) { return std::uniform_int_distribution<std::size_t>(0, n - 1)(engine); };
    const answer_head& head = below(2) == 0 ? chat_head : text_head;
    const bool include_usage = below(2) == 0;
    const answer_stream stream(head, include_usage);
    text_filter whole({"END"});
    text_filter parts({"END"});
    std::string bytes;
    std::string sent = stream.begin();
    for (std::size_t i = below(40); i-- > 0;) {
      const std::string& token = pieces[below(pieces.size())];
      bytes += token;
      sent += stream.text(parts.add(token));
    }
    sent += stream.text(parts.finish());
    sent += stream.end(finish_reason::stop, {.prompt = 1, .completion = 2}, steering_json(some_steering(), std::nullopt));
    std::string text = whole.add(bytes);
    text += whole.finish();
    const json answer = json::parse(
        answer_json(head, text, finish_reason::stop, {.prompt = 1, .completion = 2}, steering_json(some_steering(), std::nullopt)));

    std::vector<std::string> events = events_of(sent);
    ASSERT_EQ(events.back(), "[DONE]");
    events.pop_back();
    std::string joined;
    std::size_t ended = 0;
    for (std::size_t i = 0; i < events.size(); ++i) {
      const json chunk = json::parse(events[i]);
      for (const json& choice : chunk.at("choices")) {
        joined += head.kind == completion_kind::chat ? choice.at("delta").value("content", "") : choice.at("text").get<std::string>();
        ended += choice.at("finish_reason").is_null() ? 0 : 1;
      }
      EXPECT_EQ(chunk.contains("steering"), i + 1 == events.size());
      EXPECT_EQ(chunk.contains("usage"), include_usage);
    }
    EXPECT_EQ(ended, 1U);
    const json& choice = answer.at("choices").at(0);
    EXPECT_EQ(json(joined), head.kind == completion_kind::chat ? choice.at("message").at("content") : choice.at("text"));
    EXPECT_EQ(json::parse(events.back()).at("steering"), answer.at("steering"));
  }
}

}  // namespace
