#include "llama_steer/serve/steering_field.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "expect_error.hpp"

namespace {

using namespace llama_steer::serve;
using doses = std::vector<std::pair<std::string, double>>;
using nlohmann::json;

doses of_expression(std::string_view written) { return parse_steering_expression(written).doses; }

TEST(LlamaSteerSteeringField, Expressions) {
  EXPECT_EQ(of_expression("0.5 terse - 0.2 happy"), (doses{{"terse", 0.5}, {"happy", -0.2}}));
  EXPECT_EQ(of_expression("terse"), (doses{{"terse", 1.0}}));
  EXPECT_EQ(of_expression("-terse"), (doses{{"terse", -1.0}}));
  EXPECT_EQ(of_expression("+ terse@3+happy-formal"), (doses{{"terse@3", 1.0}, {"happy", 1.0}, {"formal", -1.0}}));
  EXPECT_EQ(of_expression(" \t-\n.5\r a_1 "), (doses{{"a_1", -0.5}}));
  EXPECT_EQ(of_expression("1. a + 2e-1 b + 1E2 c"), (doses{{"a", 1.0}, {"b", 0.2}, {"c", 100.0}}));
  EXPECT_EQ(of_expression("1 e3 - 0 nan + inf"), (doses{{"e3", 1.0}, {"nan", 0.0}, {"inf", 1.0}})) << "names, as any other";
  EXPECT_FALSE(std::signbit(of_expression("-0 a")[0].second));
  EXPECT_EQ(parse_steering_expression("a").base, steer::steering_request::base::on_top);
  EXPECT_EQ(parse_steering_expression("a").phase, std::nullopt);
}

TEST(LlamaSteerSteeringField, ExpressionsThatAreNone) {
  const auto refused = [](std::string_view written, const std::string& why) {
    SCOPED_TRACE(written);
    expect_error<api_error>([&] { parse_steering_expression(written); }, why);
  };
  refused("", "steering \"\": expected a preset's name at its end");
  refused("  ", "expected a preset's name at its end");
  refused("+", "expected a preset's name at its end");
  refused("0.5", "expected white space and a name behind a number at its end");
  refused("0.5 ", "expected a preset's name at its end");
  refused("0.5 terse -", "expected a preset's name at its end");
  refused("0.5 terse 0.2 happy", "expected + or - at \"0.2 happy\"");
  refused("terse happy", "expected + or - at \"happy\"");
  refused("--terse", "expected a preset's name at \"-terse\"");
  refused("terse + -0.2 happy", "expected a preset's name at \"-0.2 happy\"");
  refused("terse, happy", "expected + or - at \", happy\"");
  refused("0,5 terse", "expected white space and a name behind a number at \",5 terse\"");
  refused("2e terse", "expected white space and a name behind a number at \"e terse\"");
  refused("0x1 terse", "expected white space and a name behind a number at \"x1 terse\"");
  refused("0.5*terse", "expected white space and a name behind a number at \"*terse\"");
  refused("1 2 terse", "expected a preset's name at \"2 terse\"");
  refused(". terse", "expected a number at \". terse\"");
  refused("1e999 terse", "expected a number at \"1e999 terse\"");
  refused("1e7 terse", "the dose of terse is 1e+07; expected a number from -1e+06 to 1e+06");
  refused("nan terse", "expected + or - at \"terse\"");
  refused("@3", "preset has the name \"\"");
  refused("terse@0", "preset \"terse\" has the version \"0\"");
  refused("terse@03", "has the version \"03\"");
  refused("terse@", "has the version \"\"");
  refused("terse@3@4", "has the version \"3@4\"");
  refused("_a", "preset has the name \"_a\"");
  refused("../a", "expected a number at \"../a\"");
  refused("/etc/passwd", "expected a preset's name at \"/etc/passwd\"");
  refused("a.gguf", "expected + or - at \".gguf\"");
  refused("\xC3\xA4", "expected a preset's name");
  refused(std::string("a\0b", 3), "expected + or - at \"\\x00b\"");
  refused(std::string(65, 'a'), "expected 1 to 64 letters");
  refused("a - b + 0.1 a", "steering names \"a\" twice");
  refused("a + a@2", "steering names \"a\" twice");
  expect_error<api_error>([] { parse_steering_expression(std::string(1'000'000, '(')); }, "((((...\": expected a preset's name");
}

TEST(LlamaSteerSteeringField, AsManyAsAnybodyMixes) {
  std::string written = "a0";
  for (std::size_t i = 1; i < most_doses; ++i) {
    written += steer::text({" + a", i});
  }
  EXPECT_EQ(of_expression(written).size(), most_doses);
  expect_error<api_error>([&] { parse_steering_expression(written + " + b"); }, "steering names more than 32 presets");
}

TEST(LlamaSteerSteeringField, Objects) {
  const steering_wish all =
      parse_steering(json::parse(R"({"preset": "terse@3", "doses": {"happy": -1, "formal@2": 0.25}, "phase": "prompt", "base": false})"));
  EXPECT_EQ(all, (steering_wish{.preset = "terse@3",
                                .doses = {{"formal@2", 0.25}, {"happy", -1.0}},
                                .phase = steer::phase::prompt,
                                .base = steer::steering_request::base::without}));
  EXPECT_EQ(parse_steering(json::parse(R"({"phase": "generation"})")).phase, steer::phase::generation);
  EXPECT_EQ(parse_steering(json::parse(R"({"phase": "all", "base": true, "preset": null, "doses": {}})")), steering_wish{});
  EXPECT_EQ(parse_steering(json::object()), steering_wish{});
  EXPECT_EQ(parse_steering(json()), steering_wish{});
  EXPECT_EQ(parse_steering(json("0.5 terse")).doses, (doses{{"terse", 0.5}}));
}

TEST(LlamaSteerSteeringField, ObjectsThatAreNone) {
  const auto refused = [](const char* written, const std::string& why, const std::string& param, const std::string& code) {
    SCOPED_TRACE(written);
    try {
      parse_steering(json::parse(written));
      ADD_FAILURE() << "nothing was thrown";
    } catch (const api_error& problem) {
      EXPECT_EQ(problem.what(), why);
      EXPECT_EQ(problem.param, param);
      EXPECT_EQ(problem.code, code);
      EXPECT_EQ(problem.status, 400);
    }
  };
  refused("3", "steering is 3; expected an expression or an object", "steering", "invalid_type");
  refused("[]", "steering is of type array; expected an expression or an object", "steering", "invalid_type");
  refused(R"({"layers": null})", "unknown field \"steering.layers\"; expected preset, doses, phase, base or coordinates", "steering.layers",
          "unknown_parameter");
  refused(R"({"vector": [1, 2]})", "unknown field \"steering.vector\"; expected preset, doses, phase, base or coordinates", "steering.vector",
          "unknown_parameter");
  refused(R"({"preset": 3})", "steering.preset is 3; expected a preset's name", "steering.preset", "invalid_type");
  refused(R"({"preset": "a.safetensors"})",
          "steering.preset: preset has the name \"a.safetensors\"; expected 1 to 64 letters, digits and underscores, beginning with a letter",
          "steering.preset", "invalid_value");
  refused(R"({"doses": "terse"})", "steering.doses is \"terse\"; expected an object from names to numbers", "steering.doses", "invalid_type");
  refused(R"({"doses": {"terse": "1"}})", "steering.doses: the dose of terse is \"1\"; expected a number", "steering.doses", "invalid_type");
  refused(R"({"doses": {"terse": true}})", "steering.doses: the dose of terse is true; expected a number", "steering.doses", "invalid_type");
  refused(R"({"doses": {"terse": [0.1]}})",
          "steering.doses: the dose of terse is of type array; expected a number", "steering.doses", "invalid_type");
  refused(R"({"doses": {"terse": -1e7}})", "steering.doses: the dose of terse is -1e+07; expected a number from -1e+06 to 1e+06",
          "steering.doses", "invalid_value");
  refused(R"({"doses": {"a": 1, "a@1": 1}})", "steering.doses names \"a\" twice; expected each preset once", "steering.doses", "invalid_value");
  refused(R"({"doses": {"a": 1}, "preset": "a@1"})", "steering.preset names \"a\" twice; expected each preset once", "steering.preset",
          "invalid_value");
  refused(R"({"phase": "answer"})", "steering.phase is \"answer\"; expected all, prompt or generation", "steering.phase", "invalid_value");
  refused(R"({"phase": 1})", "steering.phase is 1; expected \"all\", \"prompt\" or \"generation\"", "steering.phase", "invalid_type");
  EXPECT_TRUE(parse_steering(json::parse(R"({"coordinates": true})")).coordinates);
  EXPECT_FALSE(parse_steering(json::parse(R"({"coordinates": false})")).coordinates);
  refused(R"({"coordinates": "terse"})", "steering.coordinates is \"terse\"; expected true or false", "steering.coordinates", "invalid_type");
  refused(R"({"base": 0})", "steering.base is 0; expected true or false", "steering.base", "invalid_type");
}

TEST(LlamaSteerSteeringField, WhatIsWrittenIsRead) {
  for (std::uint64_t seed = 0; seed < 500; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 engine(seed);
    const auto below = [&](std::size_t n) { return std::uniform_int_distribution<std::size_t>(0, n - 1)(engine); };
    const auto space = [&] { return std::string(std::vector<const char*>{"", " ", "\t", "\n  "}[below(4)]); };
    doses expected;
    std::string written = space();
    json object = json::object();
    const std::size_t count = 1 + below(6);
    for (std::size_t i = 0; i < count; ++i) {
      const std::string name = steer::text({static_cast<char>('a' + i), below(100), below(2) == 0 ? "_x" : "@7"});
      const bool bare = below(3) == 0;
      const double size = bare ? 1.0 : std::uniform_real_distribution<double>(0.0, 3.0)(engine);
      const bool minus = below(2) == 0;
      written += (minus ? "-" : i > 0 || below(2) == 0 ? "+" : "") + space();
      written += (bare ? "" : json(size).dump() + " " + space()) + name + space();
      expected.emplace_back(name, minus ? -size : size);
      object[name] = expected.back().second;
    }
    EXPECT_EQ(of_expression(written), expected) << written;
    EXPECT_EQ(parse_steering({{"doses", object}}).doses, expected) << "the names are in order";
  }
}

}  // namespace
