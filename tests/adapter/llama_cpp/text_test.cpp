#include "steer/adapter/llama_cpp/text.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "adapter/llama_cpp/small_model.hpp"
#include "expect_error.hpp"

namespace {

using small_model::model;

TEST(LlamaCppText, TokensGiveTheTextBack) {
  const std::string text = "The cat sat, naïvely, on 3 mats.";
  std::string back;
  for (const std::int32_t token : steer::tokenize(*model(), text, steer::special_tokens::as_text)) {
    back += steer::text_of(*model(), token);
  }
  EXPECT_EQ(back, text);
  expect_error<steer::argument_error>(
      [] { (void)steer::tokenize(*model(), "", steer::special_tokens::as_text); }, "0 bytes", "no tokens");
}

TEST(LlamaCppText, TheChatTemplateEndsWhereTheAssistantBegins) {
  const std::vector<steer::chat_message> turns{{"system", "Be kind."}, {"user", "Hello"}};
  EXPECT_EQ(steer::apply_chat_template(*model(), turns),
            "<|im_start|>system\nBe kind.<|im_end|>\n<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n");
  const std::string own = "<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n";
  const std::vector<steer::chat_message> without{{"user", "Hello"}};
  EXPECT_EQ(steer::apply_chat_template(*model(), without),
            own + "<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n");
  // Long enough that the first guess of the size is too small.
  const std::vector<steer::chat_message> long_turns(40, {"user", "a"});
  EXPECT_EQ(steer::apply_chat_template(*model(), long_turns).size(), own.size() + 40 * std::string("<|im_start|>user\na<|im_end|>\n").size() +
                                                                         std::string("<|im_start|>assistant\n").size());
}

TEST(LlamaCppText, ATemplatesOwnSystemMessageIsKept) {
  using steer::detail::default_system_message;
  EXPECT_EQ(default_system_message("{{ '<|im_start|>system\nBe kind.<|im_end|>\n' }}"), "Be kind.");
  EXPECT_EQ(default_system_message("{{ '<|im_start|>system\\nBe kind.<|im_end|>\\n' }}"), "Be kind.");
  EXPECT_EQ(default_system_message("{{ '<|im_start|>system\n' + message['content'] + '<|im_end|>' }}"), "");
  EXPECT_EQ(default_system_message("{{ '<|im_start|>system\nunfinished"), "");
  EXPECT_EQ(default_system_message("[INST] {{ content }}"), "");
}

TEST(LlamaCppText, SpecialTokensAreTokensInATemplateAndTextElsewhere) {
  const std::vector<steer::chat_message> turns{{"user", "Hello"}};
  const auto chat = steer::chat_tokens(*model(), turns);
  EXPECT_EQ(chat.front(), 1);  // <|im_start|>
  const auto plain = steer::tokenize(*model(), "<|im_start|>", steer::special_tokens::as_text);
  EXPECT_GT(plain.size(), 1U);
}

}  // namespace
