#include "llama_steer/serve/api_request.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "examples/llama_steer/serve/request_json.hpp"

namespace {

using namespace llama_steer::serve;
using llama_steer::dialogue;
using nlohmann::json;

constexpr request_limits limits{.max_tokens = 100};

completion_request chat(std::string_view body) { return parse_completion_request(completion_kind::chat, body, limits); }
completion_request text(std::string_view body) { return parse_completion_request(completion_kind::text, body, limits); }

/// A sound request with these fields besides, or instead.
std::string chat_with(const char* fields) {
  json out = json::parse(R"({"model": "m", "messages": [{"role": "user", "content": "Hi"}]})");
  out.update(json::parse(fields));
  return out.dump();
}
std::string text_with(const char* fields) {
  json out = json::parse(R"({"model": "m", "prompt": "Once"})");
  out.update(json::parse(fields));
  return out.dump();
}

struct refused_with {
  std::string message;
  std::optional<std::string> param = std::nullopt;
  std::optional<std::string> code = std::nullopt;
};

void expect_refused(const std::function<void()>& act, const refused_with& expected) {
  try {
    act();
    ADD_FAILURE() << "nothing was thrown; expected: " << expected.message;
  } catch (const api_error& problem) {
    EXPECT_EQ(problem.what(), expected.message);
    EXPECT_EQ(problem.status, 400);
    EXPECT_EQ(problem.type, "invalid_request_error");
    EXPECT_EQ(problem.param, expected.param) << expected.message;
    EXPECT_EQ(problem.code, expected.code) << expected.message;
  }
}
void chat_refused(const char* fields, const refused_with& expected) {
  SCOPED_TRACE(fields);
  expect_refused([&] { chat(chat_with(fields)); }, expected);
}
void text_refused(const char* fields, const refused_with& expected) {
  SCOPED_TRACE(fields);
  expect_refused([&] { text(text_with(fields)); }, expected);
}

TEST(LlamaSteerApiRequest, DefaultsAreThoseOfThatApi) {
  EXPECT_EQ(chat(chat_with("{}")),
            (completion_request{.messages = {{"user", "Hi"}}, .model = "m", .max_tokens = limits.max_tokens}));
  EXPECT_EQ(text(text_with("{}")),
            (completion_request{.kind = completion_kind::text, .prompt = "Once", .model = "m", .max_tokens = 16}));
  EXPECT_EQ(parse_completion_request(completion_kind::text, text_with("{}"), {.max_tokens = 5}).max_tokens, 5U);
}

TEST(LlamaSteerApiRequest, EveryField) {
  EXPECT_EQ(chat(R"( {"model": "m", "stream": true, "stream_options": {"include_usage": true, "include_obfuscation": false},
                      "seed": 18446744073709551615,
                      "messages": [{"role": "developer", "content": "Be"}, {"role": "system", "content": [{"type": "text", "text": "a"},
                      {"type": "text", "text": "b"}]}, {"role": "user", "content": ""}, {"role": "assistant", "content": "ä", "refusal": null,
                      "tool_calls": [], "annotations": []}],
                      "max_completion_tokens": 7, "max_tokens": 7, "temperature": 0, "top_p": 0.5, "stop": ["\n", "END"], "user": "u",
                      "steering": "0.5 terse"})"
                 "\n"),
            (completion_request{.messages = {{"system", "Be"}, {"system", "ab"}, {"user", ""}, {"assistant", "\xC3\xA4"}},
                                .model = "m",
                                .max_tokens = 7,
                                .temperature = 0.0,
                                .top_p = 0.5,
                                .seed = std::numeric_limits<std::uint64_t>::max(),
                                .stop = {"\n", "END"},
                                .stream = true,
                                .include_usage = true,
                                .steering = {.doses = {{"terse", 0.5}}},
                                .user = "u"}));
  EXPECT_EQ(text(text_with(R"({"prompt": ["Once"], "stop": "x", "max_tokens": 100, "temperature": 2, "top_p": 1})")),
            (completion_request{.kind = completion_kind::text,
                                .prompt = "Once",
                                .model = "m",
                                .max_tokens = 100,
                                .temperature = 2.0,
                                .stop = {"x"}}));
  EXPECT_EQ(chat(chat_with(R"({"max_completion_tokens": 3})")).max_tokens, 3U);
}

TEST(LlamaSteerApiRequest, NullIsAsIfItWereNotThere) {
  EXPECT_EQ(chat(chat_with(R"({"max_tokens": null, "max_completion_tokens": null, "temperature": null, "top_p": null, "seed": null, "stop": null,
                               "stream": null, "stream_options": null, "steering": null, "user": null})")),
            chat(chat_with("{}")));
  for (const char* name : {"model", "messages"}) {
    json body = json::parse(chat_with("{}"));
    body[name] = nullptr;
    expect_refused([&] { chat(body.dump()); }, {steer::text({name, " is missing"}), name, "missing_required_parameter"});
    body.erase(name);
    expect_refused([&] { chat(body.dump()); }, {steer::text({name, " is missing"}), name, "missing_required_parameter"});
  }
  expect_refused([] { text(R"({"model": "m"})"); }, {"prompt is missing", "prompt", "missing_required_parameter"});
}

TEST(LlamaSteerApiRequest, WhatIsNotSupportedMaySayWhatIsSoWithoutIt) {
  EXPECT_EQ(chat(chat_with(R"({"audio": null, "frequency_penalty": 0.0, "function_call": "none", "functions": [], "logit_bias": {},
                "logprobs": false, "metadata": {}, "modalities": ["text"], "moderation": null, "n": 1, "parallel_tool_calls": true, "prediction": null,
                "presence_penalty": 0, "prompt_cache_key": null, "prompt_cache_options": null, "prompt_cache_retention": null,
                "reasoning_effort": null, "response_format": {"type": "text"}, "safety_identifier": null, "service_tier": "auto", "store": false,
                "tool_choice": "auto", "tools": [], "top_logprobs": 0, "verbosity": "medium", "web_search_options": null})")),
            chat(chat_with("{}")));
  EXPECT_EQ(text(text_with(R"({"best_of": 1, "echo": false, "frequency_penalty": 0, "logit_bias": {}, "logprobs": null, "n": 1,
                "presence_penalty": 0, "suffix": ""})")),
            text(text_with("{}")));
  for (const auto kind : {completion_kind::chat, completion_kind::text}) {
    const json& neutral = llama_steer::serve::detail::fields_of(kind).neutral;
    for (const auto& [name, values] : neutral.items()) {
      json body = json::parse(kind == completion_kind::chat ? chat_with("{}") : text_with("{}"));
      std::string expected = steer::text({name, " is not supported; expected null"});
      for (const json& value : values) {
        expected += " or " + value.dump();
        body[name] = value;
        EXPECT_NO_THROW(parse_completion_request(kind, body.dump(), limits)) << name;
      }
      for (const json& value : {json(nullptr), json("x"), json(2), json(-1), json({{"a", 1}}), json::array({1})}) {
        body[name] = value;
        if (value.is_null()) {
          EXPECT_NO_THROW(parse_completion_request(kind, body.dump(), limits)) << name;
        } else {
          expect_refused([&] { parse_completion_request(kind, body.dump(), limits); }, {expected, name, "unsupported_parameter"});
        }
      }
    }
  }
  chat_refused(R"({"tools": [{"type": "function"}]})", {"tools is not supported; expected null or []", "tools", "unsupported_parameter"});
  chat_refused(R"({"n": 2})", {"n is not supported; expected null or 1", "n", "unsupported_parameter"});
  chat_refused(R"({"n": true})", {"n is not supported; expected null or 1", "n", "unsupported_parameter"});
  chat_refused(R"({"logprobs": true})", {"logprobs is not supported; expected null or false", "logprobs", "unsupported_parameter"});
  text_refused(R"({"logprobs": 0})", {"logprobs is not supported; expected null", "logprobs", "unsupported_parameter"});
  chat_refused(R"({"response_format": {"type": "json_object"}})",
               {"response_format is not supported; expected null or {\"type\":\"text\"}", "response_format", "unsupported_parameter"});
  chat_refused(R"({"stream": true, "stream_options": {"include_obfuscation": true}})",
               {"stream_options.include_obfuscation is not supported; expected null or false", "stream_options.include_obfuscation",
                "unsupported_parameter"});
}

TEST(LlamaSteerApiRequest, UnknownFieldsAreRefused) {
  chat_refused(R"({"top_k": 40})", {"unknown field \"top_k\"", "top_k", "unknown_parameter"});
  chat_refused(R"({"top_k": null})", {"unknown field \"top_k\"", "top_k", "unknown_parameter"});
  chat_refused(R"({"prompt": "a"})", {"unknown field \"prompt\"", "prompt", "unknown_parameter"});
  chat_refused(R"({"Model": "a"})", {"unknown field \"Model\"", "Model", "unknown_parameter"});
  text_refused(R"({"messages": []})", {"unknown field \"messages\"", "messages", "unknown_parameter"});
  text_refused(R"({"max_completion_tokens": 1})", {"unknown field \"max_completion_tokens\"", "max_completion_tokens", "unknown_parameter"});
  chat_refused(R"({"\u0000\n": 1})", {"unknown field \"\\x00\\x0a\"", "\\x00\\x0a", "unknown_parameter"});
  chat_refused(R"({"stream": true, "stream_options": {"x": 1}})", {"unknown field \"stream_options.x\"", "stream_options.x", "unknown_parameter"});
  chat_refused(R"({"messages": [{"role": "user", "content": "a", "weight": 1}]})",
               {"unknown field \"messages[0].weight\"", "messages[0].weight", "unknown_parameter"});
  chat_refused(R"({"messages": [{"role": "user", "content": [{"type": "text", "text": "a", "x": 1}]}]})",
               {"unknown field \"messages[0].content[0].x\"", "messages[0].content[0].x", "unknown_parameter"});
  chat_refused(R"({"steering": {"file": "a"}})",
               {"unknown field \"steering.file\"; expected preset, doses, phase, base or coordinates", "steering.file", "unknown_parameter"});
}

TEST(LlamaSteerApiRequest, Messages) {
  chat_refused(R"({"messages": []})", {"messages is empty; expected at least one", "messages", "invalid_value"});
  chat_refused(R"({"messages": "Hi"})", {"messages is \"Hi\"; expected a list", "messages", "invalid_type"});
  chat_refused(R"({"messages": ["Hi"]})", {"messages[0] is \"Hi\"; expected an object", "messages[0]", "invalid_type"});
  chat_refused(R"({"messages": [{"content": "a"}]})", {"messages[0].role is missing", "messages[0].role", "missing_required_parameter"});
  chat_refused(R"({"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": null}]})",
               {"messages[1].content is missing", "messages[1].content", "missing_required_parameter"});
  chat_refused(R"({"messages": [{"role": "tool", "content": "a"}]})",
               {"messages[0].role \"tool\" is not supported; expected system, developer, user or assistant", "messages[0].role",
                "unsupported_parameter"});
  chat_refused(R"({"messages": [{"role": 1, "content": "a"}]})", {"messages[0].role is 1; expected a string", "messages[0].role", "invalid_type"});
  chat_refused(R"({"messages": [{"role": "user", "content": 1}]})",
               {"messages[0].content is 1; expected a string or a list of parts of type text", "messages[0].content", "invalid_type"});
  chat_refused(R"({"messages": [{"role": "user", "content": []}]})",
               {"messages[0].content is empty; expected at least one", "messages[0].content", "invalid_value"});
  chat_refused(R"({"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "u"}}]}]})",
               {"messages[0].content: parts of type image_url are not supported; expected text", "messages[0].content", "unsupported_parameter"});
  chat_refused(R"({"messages": [{"role": "user", "content": [{"text": "a"}]}]})",
               {"messages[0].content[0].type is missing", "messages[0].content[0].type", "missing_required_parameter"});
  chat_refused(R"({"messages": [{"role": "user", "content": [{"type": "text"}]}]})",
               {"messages[0].content[0].text is missing", "messages[0].content[0].text", "missing_required_parameter"});
  chat_refused(R"({"messages": [{"role": "user", "content": [{"type": "text", "text": 1}]}]})",
               {"messages[0].content[0].text is 1; expected a string", "messages[0].content[0].text", "invalid_type"});
  chat_refused(R"({"messages": [{"role": "user", "content": [{"type": 1, "text": "a"}]}]})",
               {"messages[0].content[0].type is 1; expected a string", "messages[0].content[0].type", "invalid_type"});
  chat_refused(R"({"messages": [{"role": "user", "content": ["a"]}]})",
               {"messages[0].content[0] is \"a\"; expected an object", "messages[0].content[0]", "invalid_type"});
  chat_refused(R"({"messages": [{"role": "user", "content": "a", "name": "Ann"}]})",
               {"messages[0].name is not supported; expected null", "messages[0].name", "unsupported_parameter"});
  chat_refused(R"({"messages": [{"role": "assistant", "content": "a", "tool_calls": [{"id": "1"}]}]})",
               {"messages[0].tool_calls is not supported; expected null or []", "messages[0].tool_calls", "unsupported_parameter"});
}

TEST(LlamaSteerApiRequest, ValuesAreInTheirRanges) {
  const std::string temperature = "; expected a number from 0 to 2";
  const std::string top_p = "; expected a number above 0, at most 1";
  const std::string tokens = "; expected a whole number from 1 to 100";
  chat_refused(R"({"temperature": 2.1})", {"temperature is 2.1" + temperature, "temperature", "invalid_value"});
  chat_refused(R"({"temperature": -0.1})", {"temperature is -0.1" + temperature, "temperature", "invalid_value"});
  chat_refused(R"({"temperature": "1"})", {"temperature is \"1\"" + temperature, "temperature", "invalid_type"});
  chat_refused(R"({"temperature": true})", {"temperature is true" + temperature, "temperature", "invalid_type"});
  chat_refused(R"({"top_p": 0})", {"top_p is 0" + top_p, "top_p", "invalid_value"});
  chat_refused(R"({"top_p": 1.5})", {"top_p is 1.5" + top_p, "top_p", "invalid_value"});
  chat_refused(R"({"max_tokens": 0})", {"max_tokens is 0" + tokens, "max_tokens", "invalid_value"});
  chat_refused(R"({"max_tokens": -1})", {"max_tokens is -1" + tokens, "max_tokens", "invalid_value"});
  chat_refused(R"({"max_tokens": 101})", {"max_tokens is 101" + tokens, "max_tokens", "invalid_value"});
  chat_refused(R"({"max_tokens": 4294967297})", {"max_tokens is 4294967297" + tokens, "max_tokens", "invalid_value"});
  chat_refused(R"({"max_tokens": 5.0})", {"max_tokens is 5.0" + tokens, "max_tokens", "invalid_type"});
  chat_refused(R"({"max_completion_tokens": 101})", {"max_completion_tokens is 101" + tokens, "max_completion_tokens", "invalid_value"});
  chat_refused(R"({"max_completion_tokens": 3, "max_tokens": 4})",
               {"max_tokens is 4 and max_completion_tokens is 3; expected one of them", "max_tokens", "invalid_value"});
  chat_refused(R"({"seed": -1})", {"seed is -1; expected a whole number from 0 to 18446744073709551615", "seed", "invalid_value"});
  chat_refused(R"({"seed": 1e3})", {"seed is 1000.0; expected a whole number from 0 to 18446744073709551615", "seed", "invalid_type"});
  chat_refused(R"({"stop": ["a", "b", "c", "d", "e"]})", {"stop has 5 strings; expected at most 4", "stop", "invalid_value"});
  chat_refused(R"({"stop": ""})", {"stop is \"\"; expected a text", "stop", "invalid_value"});
  chat_refused(R"({"stop": ["a", ""]})", {"stop[1] is \"\"; expected a text", "stop[1]", "invalid_value"});
  chat_refused(R"({"stop": [1]})", {"stop[0] is 1; expected a string", "stop[0]", "invalid_type"});
  chat_refused(R"({"stop": 1})", {"stop is 1; expected a string or a list of strings", "stop", "invalid_type"});
  EXPECT_TRUE(chat(chat_with(R"({"stop": []})")).stop.empty());
  chat_refused(R"({"stream": 1})", {"stream is 1; expected true or false", "stream", "invalid_type"});
  chat_refused(R"({"steering": {"coordinates": true}})",
               {"steering.coordinates are for streams; expected stream to be true", "steering.coordinates", "invalid_value"});
  chat_refused(R"({"stream_options": {}})", {"stream_options is for streams; expected stream to be true", "stream_options", "invalid_value"});
  chat_refused(R"({"stream": true, "stream_options": []})", {"stream_options is of type array; expected an object", "stream_options", "invalid_type"});
  chat_refused(R"({"stream": true, "stream_options": {"include_usage": 1}})",
               {"stream_options.include_usage is 1; expected true or false", "stream_options.include_usage", "invalid_type"});
  chat_refused(R"({"model": 1})", {"model is 1; expected a string", "model", "invalid_type"});
  chat_refused(R"({"user": {}})", {"user is of type object; expected a string", "user", "invalid_type"});
  text_refused(R"({"prompt": ""})", {"prompt is \"\"; expected a text", "prompt", "invalid_value"});
  text_refused(R"({"prompt": ["a", "b"]})", {"prompt is of type array; expected one string", "prompt", "invalid_type"});
  text_refused(R"({"prompt": [1, 2]})", {"prompt is of type array; expected one string", "prompt", "invalid_type"});
  text_refused(R"({"prompt": 1})", {"prompt is 1; expected one string", "prompt", "invalid_type"});
}

TEST(LlamaSteerApiRequest, NoTextHasANul) {
  text_refused(R"({"prompt": "a\u0000b"})", {"prompt has a NUL in it", "prompt", "invalid_value"});
  text_refused(R"({"model": "\u0000"})", {"model has a NUL in it", "model", "invalid_value"});
  text_refused(R"({"user": "\u0000"})", {"user has a NUL in it", "user", "invalid_value"});
  text_refused(R"({"stop": "\u0000"})", {"stop has a NUL in it", "stop", "invalid_value"});
  chat_refused(R"({"messages": [{"role": "user", "content": "\u0000"}]})",
               {"messages[0].content has a NUL in it", "messages[0].content", "invalid_value"});
  chat_refused(R"({"messages": [{"role": "user", "content": [{"type": "text", "text": "\u0000"}]}]})",
               {"messages[0].content[0].text has a NUL in it", "messages[0].content[0].text", "invalid_value"});
}

TEST(LlamaSteerApiRequest, BodiesThatAreNoJson) {
  const auto refused = [](std::string_view body, const std::string& why) {
    SCOPED_TRACE(body);
    try {
      chat(body);
      ADD_FAILURE() << "nothing was thrown";
    } catch (const api_error& problem) {
      EXPECT_EQ(std::string(problem.what()).find(why), 0U) << problem.what();
      EXPECT_EQ(problem.param, std::nullopt);
      EXPECT_LT(error_json(problem).size(), 2000U);
      EXPECT_TRUE(json::accept(error_json(problem)));
    }
  };
  refused("", "the body is no JSON object");
  refused(" ", "the body is no JSON object");
  refused("[]", "the body is no JSON object");
  refused("\"a\"", "the body is no JSON object");
  refused("{", "the body is no valid JSON");
  refused("{}x", "the body is no valid JSON");
  refused("{\"model\": NaN}", "the body is no valid JSON");
  refused("{\"temperature\": 1e999}", "the body is no valid JSON");
  refused("{\"model\": \"\xFF\"}", "the body is no valid JSON");
  refused("{\"model\": \"\xC3\"}", "the body is no valid JSON");
  refused("{\"model\": \"\xED\xA0\x80\"}", "the body is no valid JSON");
  refused(R"({"model": "\ud800"})", "the body is no valid JSON");
  refused("{\"model\": \"a\nb\"}", "the body is no valid JSON");
  refused("{\"model\": \"" + std::string(1'000'000, 'x'), "the body is no valid JSON");
  refused(std::string("{\"model\": 1}\0", 13), "the body has a NUL in it");
  refused(R"({"model": "a", "model": "b"})", "the body has \"model\" twice");
  refused(R"({"steering": {"doses": {"a": 1, "a": 2}}})", "the body has \"a\" twice");
  refused("{\"a\": " + std::string(100'000, '['), "the body nests deeper than 16 levels");
  refused("\xEF\xBB\xBF{}", "the body is no JSON object");
}

TEST(LlamaSteerApiRequest, WhatAClientWritesIsRead) {
  const std::vector<std::string> pieces{"a", "\"", "\\", "\n", "\x01", "\x7F", "\xC3\xA4", "\xE2\x82\xAC", "\xF0\x9F\x98\x80", " ", "{}", "/"};
  for (std::uint64_t seed = 0; seed < 1000; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 engine(seed);
    const auto below = [&](std::size_t n) { return std::uniform_int_distribution<std::size_t>(0, n - 1)(engine); };
    const auto words = [&](std::size_t least) {
      std::string out;
      for (std::size_t i = least + below(6); i-- > 0;) {
        out += pieces[below(pieces.size())];
      }
      return out;
    };
    completion_request request{.kind = below(2) == 0 ? completion_kind::chat : completion_kind::text};
    if (request.kind == completion_kind::chat) {
      for (std::size_t i = 1 + below(4); i-- > 0;) {
        request.messages.push_back({std::vector<const char*>{"system", "user", "assistant"}[below(3)], words(0)});
      }
    } else {
      request.prompt = words(1);
    }
    request.model = words(0);
    request.max_tokens = 1 + below(limits.max_tokens);
    request.temperature = std::uniform_real_distribution<double>(0.0, 2.0)(engine);
    request.top_p = 1.0 - std::uniform_real_distribution<double>(0.0, 1.0)(engine);
    request.seed = below(2) == 0 ? std::nullopt : std::optional<std::uint64_t>(engine());
    for (std::size_t i = below(5); i-- > 0;) {
      request.stop.push_back(words(1));
    }
    request.stream = below(2) == 0;
    request.include_usage = request.stream && below(2) == 0;
    request.user = words(0);
    if (below(2) == 0) {
      request.steering.preset = below(2) == 0 ? "p" : "p@12";
    }
    for (std::size_t i = below(4); i-- > 0;) {
      request.steering.doses.emplace_back(steer::text({"d", i}), std::normal_distribution<double>(0.0, 1.0)(engine));
    }
    std::sort(request.steering.doses.begin(), request.steering.doses.end());
    request.steering.phase = std::vector<std::optional<steer::phase>>{std::nullopt, steer::phase::prompt, steer::phase::generation}[below(3)];
    request.steering.base = below(2) == 0 ? steer::steering_request::base::on_top : steer::steering_request::base::without;

    const std::string written = request_json(request).dump(below(2) == 0 ? -1 : 2, ' ', below(2) == 0);
    EXPECT_EQ(parse_completion_request(request.kind, written, limits), request) << written;
    EXPECT_THROW(parse_completion_request(request.kind, written.substr(0, below(written.size())), limits), api_error) << "a part of it";
  }
}

}  // namespace
