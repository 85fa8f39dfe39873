#include "llama_steer/serve/api_error.hpp"

#include <gtest/gtest.h>

#include <string>

namespace {

using namespace llama_steer::serve;

TEST(LlamaSteerApiError, HasTheShapeOfThatApi) {
  EXPECT_EQ(error_json(api_error("no")), R"({"error":{"message":"no","type":"invalid_request_error","param":null,"code":null}})");
  EXPECT_EQ(error_json(api_error("a \"b\"\n", {.status = 429, .type = "t", .param = "p", .code = "c"})),
            R"({"error":{"message":"a \"b\"\n","type":"t","param":"p","code":"c"}})");
  EXPECT_EQ(error_json(api_error("\xFF")),
            "{\"error\":{\"message\":\"\xEF\xBF\xBD\",\"type\":\"invalid_request_error\",\"param\":null,\"code\":null}}");
}

TEST(LlamaSteerApiError, ExcerptsAreShortAndPrintable) {
  EXPECT_EQ(excerpt("plain"), "plain");
  EXPECT_EQ(excerpt("a\n\x80"), "a\\x0a\\x80");
  EXPECT_EQ(excerpt("12345", 5), "12345");
  EXPECT_EQ(excerpt("123456", 5), "12345...");
  EXPECT_EQ(excerpt("1234\xC3\xA4", 5), "1234...") << "a character is left out whole";
  EXPECT_EQ(excerpt("\x80\x80\x80", 2), "...");
}

TEST(LlamaSteerApiError, WhatTheLibraryRefuses) {
  const api_error no_preset = error_for_client(steer::argument_error("preset \"x\" is not there"));
  EXPECT_EQ(no_preset.status, 400);
  EXPECT_EQ(no_preset.what(), std::string("preset \"x\" is not there"));
  EXPECT_EQ(no_preset.param, "steering");
  EXPECT_EQ(error_for_client(steer::numeric_error("inf")).status, 400);

  const api_error forbidden = error_for_client(steer::policy_error("request", {{steer::policy_rule::dose, "it asks for 9"}}));
  EXPECT_EQ(forbidden.status, 403);
  EXPECT_EQ(forbidden.code, "policy_violation");
  EXPECT_NE(std::string(forbidden.what()).find("it asks for 9"), std::string::npos);

  const api_error broken = error_for_client(steer::file_error("audit: /var/secret/place cannot be written"));
  EXPECT_EQ(broken.status, 500);
  EXPECT_EQ(std::string(broken.what()).find("secret"), std::string::npos) << "paths are the server's own affair";
}

}  // namespace
