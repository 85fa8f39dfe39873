#include "steer/adapter/llama_cpp/text.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "adapter/llama_cpp/small_model.hpp"
#include "adapter/llama_cpp/tiny_model.hpp"
#include "expect_error.hpp"
#include "steer/extract/mean_difference.hpp"
#include "steer/extract/recorder.hpp"

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

TEST(LlamaCppText, MarkersAreTokensThatStandAlone) {
  const std::vector<std::int32_t> end = steer::marker_tokens(*model(), "<|im_end|>");
  ASSERT_EQ(end.size(), 1U) << "and no BOS in front";
  EXPECT_TRUE(steer::stands_alone(*model(), end[0]));
  const std::vector<std::int32_t> two = steer::marker_tokens(*model(), "<|im_start|>user<|im_end|>");
  EXPECT_EQ(two.size(), 3U);
  EXPECT_EQ(two.back(), end[0]);
  const std::vector<std::int32_t> stop = steer::marker_tokens(*model(), ".");
  ASSERT_EQ(stop.size(), 1U);
  EXPECT_FALSE(steer::stands_alone(*model(), stop[0]));
  expect_error<steer::argument_error>([] { (void)steer::marker_tokens(*model(), "<think>"); }, "marker \"<think>\"", "plain text",
                                      "expected one token, or several");
  expect_error<steer::argument_error>([] { (void)steer::marker_tokens(*model(), "<|im_start|>user"); }, "marker", "2 tokens");
  expect_error<steer::argument_error>([] { (void)steer::marker_tokens(*model(), ""); }, "no tokens");
  expect_error<steer::argument_error>([] { (void)steer::stands_alone(*model(), -1); }, "token -1 does not exist");
}

TEST(LlamaCppText, TheChatTemplateEndsWhereTheAssistantBegins) {
  const std::vector<steer::chat_message> turns{{"system", "Be kind."}, {"user", "Hello"}};
  EXPECT_EQ(steer::apply_chat_template(*model(), turns),
            "<|im_start|>system\nBe kind.<|im_end|>\n<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n");
  const std::string own = "<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n";
  const std::vector<steer::chat_message> without{{"user", "Hello"}};
  EXPECT_EQ(steer::apply_chat_template(*model(), without),
            own + "<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n");
  // Where the assistant has begun, it goes on.
  const std::vector<steer::chat_message> begun{{"user", "Hello"}, {"assistant", "Hi"}};
  EXPECT_EQ(steer::apply_chat_template(*model(), begun), steer::apply_chat_template(*model(), without) + "Hi");
  const auto tokens = steer::chat_tokens(*model(), begun);
  const std::int32_t answer = steer::answer_begin(*model(), begun);
  ASSERT_LT(answer, std::ssize(tokens));
  EXPECT_EQ(steer::text_of(*model(), tokens[static_cast<std::size_t>(answer)]), "Hi");
  EXPECT_EQ(steer::answer_begin(*model(), without), std::ssize(steer::chat_tokens(*model(), without)));
  const std::vector<steer::chat_message> alone{{"assistant", "Hi"}};
  EXPECT_EQ(steer::apply_chat_template(*model(), alone), own + "<|im_start|>assistant\nHi");
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

// What a model of real size does with a text, and what its metadata may add to it.
TEST(LlamaCppText, TokensAreThoseOfLlamaCppWithoutAnEnd) {
  for (const char* text : {"The cat sat.", " leading", "trailing ", "<|im_start|>user", "\n\n", "x"}) {
    for (const auto special : {steer::special_tokens::as_text, steer::special_tokens::as_tokens}) {
      std::vector<std::int32_t> theirs(64);
      const std::string_view view = text;
      const std::int32_t count =
          llama_tokenize(llama_model_get_vocab(model()), view.data(), static_cast<std::int32_t>(view.size()), theirs.data(), 64,
                         true, special == steer::special_tokens::as_tokens);
      ASSERT_GT(count, 0);
      theirs.resize(static_cast<std::size_t>(count));
      EXPECT_EQ(steer::tokenize(*model(), text, special), theirs) << text;
    }
  }
}

/// A vocabulary whose texts are easy to tokenise by hand: a token per letter, and all that a tokeniser of its kind must have.
struct tiny_vocabulary {
  std::string kind;  // as tokenizer.ggml.model calls it
  std::vector<std::string> pieces = {};
  std::vector<std::int32_t> types = {};

  static constexpr int normal = 1, unknown = 2, control = 3, byte = 6;

  explicit tiny_vocabulary(std::string which) : kind(std::move(which)) {
    const auto add = [&](const std::string& piece, int type) {
      pieces.push_back(piece);
      types.push_back(type);
    };
    add("<unk>", unknown);
    for (const char* piece : {"<s>", "</s>", "<|im_start|>", "<|im_end|>", "[SEP]", "[PAD]"}) {
      add(piece, control);
    }
    if (kind != "gpt2") {
      constexpr std::string_view digits = "0123456789ABCDEF";
      for (std::size_t i = 0; i < 256; ++i) {
        add(steer::text({"<0x", digits[i / 16], digits[i % 16], ">"}), byte);
      }
    }
    add(space(), normal);
    for (char letter = 'a'; letter <= 'z'; ++letter) {
      add(std::string(1, letter), normal);
    }
    add(kind == "gpt2" ? "\u010a" : "\n", normal);
  }

  [[nodiscard]] std::string space() const { return kind == "gpt2" ? "\u0120" : "\u2581"; }
  [[nodiscard]] std::int32_t id(const std::string& piece) const {
    return static_cast<std::int32_t>(std::find(pieces.begin(), pieces.end(), piece) - pieces.begin());
  }

  /// A text of small letters and single spaces.
  [[nodiscard]] std::vector<std::int32_t> tokens(std::string_view text, bool space_in_front) const {
    std::vector<std::int32_t> out;
    if (space_in_front) {
      out.push_back(id(space()));
    }
    for (const char letter : text) {
      out.push_back(id(letter == ' ' ? space() : std::string(1, letter)));
    }
    return out;
  }

  void write(gguf_context& to) const {
    std::vector<const char*> texts;
    for (const std::string& piece : pieces) {
      texts.push_back(piece.c_str());
    }
    const std::vector<float> scores(pieces.size(), 0.0F);
    const char* merge = "zz zz";
    gguf_set_val_str(&to, "tokenizer.ggml.model", kind.c_str());
    gguf_set_val_str(&to, "tokenizer.ggml.pre", "default");
    gguf_set_arr_str(&to, "tokenizer.ggml.tokens", texts.data(), texts.size());
    gguf_set_arr_data(&to, "tokenizer.ggml.scores", GGUF_TYPE_FLOAT32, scores.data(), scores.size());
    gguf_set_arr_data(&to, "tokenizer.ggml.token_type", GGUF_TYPE_INT32, types.data(), types.size());
    gguf_set_arr_str(&to, "tokenizer.ggml.merges", &merge, 1);
  }
};

/// What a model's metadata may say of its texts, and what the ends of texts are called.
struct text_metadata {
  std::map<std::string, std::uint32_t> ids = {};
  std::map<std::string, bool> flags = {};
  std::map<std::string, std::string> strings = {};

  void write(gguf_context& to) const {
    for (const auto& [key, value] : ids) {
      gguf_set_val_u32(&to, ("tokenizer.ggml." + key).c_str(), value);
    }
    for (const auto& [key, value] : flags) {
      gguf_set_val_bool(&to, ("tokenizer.ggml." + key).c_str(), value);
    }
    for (const auto& [key, value] : strings) {
      gguf_set_val_str(&to, key.c_str(), value.c_str());
    }
  }
};

tiny_model::pointer make_model(const tiny_vocabulary& vocabulary, const text_metadata& metadata) {
  return tiny_model::make("llama", [&](gguf_context& to) {
    vocabulary.write(to);
    metadata.write(to);
  });
}

steer::llama_cpp_host make_host(const tiny_model::pointer& of) {
  llama_context_params parameters = llama_context_default_params();
  parameters.n_ctx = 256;
  parameters.n_threads = 1;
  parameters.n_threads_batch = 1;
  return steer::llama_cpp_host(of.get(), parameters);
}

constexpr std::array<std::pair<const char*, const char*>, 3> contrast{{{"a good day", "a bad day"},
                                                                       {"they laugh", "they weep"},
                                                                       {"joy", "grief"}}};

/// What the last tokens of contrast texts say, as a host reads them or as token ids.
template <class Text>
std::map<int, Eigen::VectorXf> vectors_of(steer::llama_cpp_host& host, Text&& text) {
  steer::recorder recorder(host.shape(), {.tokens = steer::last_token{}});
  for (const auto& [positive, negative] : contrast) {
    const auto plus = text(positive);
    const auto minus = text(negative);
    recorder.record(host, std::span<const std::int32_t>(plus), std::span<const std::int32_t>(minus));
  }
  std::map<int, Eigen::VectorXf> out;
  for (const auto& [layer, direction] : steer::mean_difference(recorder, {.name = "mood"}).directions) {
    out[layer] = direction.values;
  }
  return out;
}

TEST(LlamaCppText, AnEndThatTheMetadataAskForIsNotAdded) {
  for (const char* kind : {"llama", "gpt2"}) {
    const tiny_vocabulary vocabulary(kind);
    std::vector<std::vector<std::int32_t>> all;
    for (const bool ends : {false, true}) {
      text_metadata metadata{.ids = {{"bos_token_id", 1}, {"eos_token_id", 2}},
                             .flags = {{"add_bos_token", true}, {"add_eos_token", ends}}};
      metadata.strings["tokenizer.chat_template"] = "{{ '<|im_start|>' + message['role'] }}";
      const auto tiny = make_model(vocabulary, metadata);
      ASSERT_TRUE(tiny) << kind;
      all.push_back(steer::tokenize(*tiny, "a cat", steer::special_tokens::as_text));
      std::vector<std::int32_t> expected{1};
      const auto text = vocabulary.tokens("a cat", std::string_view(kind) == "llama");
      expected.insert(expected.end(), text.begin(), text.end());
      EXPECT_EQ(all.back(), expected) << kind << ends;
      const std::vector<steer::chat_message> turns{{"user", "hello"}};
      const auto chat = steer::chat_tokens(*tiny, turns);
      EXPECT_EQ(chat.front(), 1);
      EXPECT_NE(chat.back(), 2) << kind << ends;
    }
    EXPECT_EQ(all[0], all[1]) << kind;
  }
}

TEST(LlamaCppText, ABosThatTheTemplateWritesStandsThereOnce) {
  const tiny_vocabulary vocabulary("llama");
  for (const bool adds : {false, true}) {
    text_metadata metadata{.ids = {{"bos_token_id", 1}, {"eos_token_id", 2}}, .flags = {{"add_bos_token", adds}}};
    metadata.strings["tokenizer.chat_template"] = "<s>[INST] {{ content }} [/INST]";  // llama.cpp's llama2: writes no BOS itself
    const auto tiny = make_model(vocabulary, metadata);
    ASSERT_TRUE(tiny);
    const std::vector<steer::chat_message> turns{{"user", "hello"}};
    const auto tokens = steer::chat_tokens(*tiny, turns);
    EXPECT_EQ(std::count(tokens.begin(), tokens.end(), 1), adds ? 1 : 0);
    const std::vector<steer::chat_message> said{{"user", "<s>hello"}};
    EXPECT_EQ(std::count(tokens.begin(), tokens.begin() + 1, 1), adds ? 1 : 0);
    EXPECT_NO_THROW(steer::chat_tokens(*tiny, said));
  }
}

TEST(LlamaCppText, WhatLlamaCppWouldEndTheProgramForIsRefused) {
  const auto none = tiny_model::make("llama");
  expect_error<steer::argument_error>([&] { (void)steer::tokenize(*none, "a", steer::special_tokens::as_text); }, "no vocabulary");
  expect_error<steer::argument_error>([&] { (void)steer::text_of(*none, 3); }, "no vocabulary");
  expect_fields<steer::argument_error>([&] { (void)steer::tokenize(*none, "a", steer::special_tokens::as_text); },
                                       {.what = "the model", .expected = "one", .actual = "no vocabulary"});
  tiny_vocabulary few("gpt2");  // whose BOS is token 11 where nothing says otherwise
  few.pieces.resize(9);
  few.types.resize(9);
  const auto without = make_model(few, {.flags = {{"add_bos_token", true}}});
  ASSERT_TRUE(without);
  expect_error<steer::argument_error>([&] { (void)steer::tokenize(*without, "a", steer::special_tokens::as_text); },
                                      "wants a BOS token", "tokenizer.ggml.bos_token_id");
  for (const std::int32_t token : {-1, 49'152}) {
    expect_error<steer::argument_error>([&] { (void)steer::text_of(*model(), token); }, "token " + std::to_string(token),
                                        "0 to 49151");
  }
}

// Random metadata that are legal: the vectors are those of the same weights and tokens, or there is a refusal.
TEST(LlamaCppText, NoMetadataChangeAVectorInSilence) {
  const auto seed = static_cast<std::uint64_t>(std::random_device{}());
  std::mt19937_64 engine{seed};
  SCOPED_TRACE("seed " + std::to_string(seed));
  const auto one_of = [&](const auto& these) { return these[engine() % these.size()]; };
  const std::vector<std::string> templates{"{{ '<|im_start|>' + message['role'] + '<|im_end|>' }}",
                                           "<s>[INST] <<SYS>> {{ content }} [/INST]",
                                           "{{ '<start_of_turn>' }}",
                                           "<|start_header_id|>{{ role }}<|end_header_id|>",
                                           "<|user|>\n{{ content }}</s>",
                                           "nothing that anybody knows",
                                           ""};
  std::size_t spoken = 0;
  std::map<std::string, std::map<int, Eigen::VectorXf>> known;  // by what texts begin with
  for (int round = 0; round < 60; ++round) {
    const tiny_vocabulary vocabulary(one_of(std::vector<std::string>{"llama", "gpt2"}));
    const auto size = static_cast<std::uint32_t>(vocabulary.pieces.size());
    const auto random_id = [&] { return static_cast<std::uint32_t>(engine() % (engine() % 4 == 0 ? size + 9 : 7)); };
    text_metadata metadata;
    for (const char* key : {"bos_token_id", "eos_token_id", "eot_token_id", "eom_token_id", "unknown_token_id",
                            "seperator_token_id", "padding_token_id", "mask_token_id"}) {
      if (engine() % 2 == 0) {
        metadata.ids[key] = random_id();
      }
    }
    for (const char* key : {"add_bos_token", "add_eos_token", "add_sep_token", "add_space_prefix"}) {
      if (engine() % 3 != 0) {
        metadata.flags[key] = engine() % 2 == 0;
      }
    }
    if (engine() % 4 != 0) {
      metadata.strings["tokenizer.chat_template"] = one_of(templates);
    }
    metadata.strings["general.name"] = std::string(engine() % 300, 'n') + (engine() % 2 == 0 ? "\u00e9\"\\" : "");
    text_metadata otherwise = metadata;  // nothing that a text begins with differs
    for (const char* key : {"eos_token_id", "eot_token_id", "eom_token_id", "seperator_token_id", "padding_token_id"}) {
      otherwise.ids[key] = random_id();
    }
    otherwise.flags["add_eos_token"] = !metadata.flags["add_eos_token"];
    otherwise.flags["add_sep_token"] = !metadata.flags["add_sep_token"];
    const auto tiny = make_model(vocabulary, metadata);
    const auto twin = make_model(vocabulary, otherwise);
    ASSERT_TRUE(tiny && twin) << "round " << round;
    auto host = make_host(tiny);
    auto twin_host = make_host(twin);
    EXPECT_EQ(host.shape().fingerprint, twin_host.shape().fingerprint);

    const bool spm = vocabulary.kind == "llama";
    const bool adds = metadata.flags.contains("add_bos_token") ? metadata.flags["add_bos_token"] : spm;
    const bool has_id = metadata.ids.contains("bos_token_id") && metadata.ids["bos_token_id"] < size;
    const std::int32_t bos = has_id ? static_cast<std::int32_t>(metadata.ids["bos_token_id"]) : spm ? 1 : 11;
    const bool space = spm && (metadata.flags.contains("add_space_prefix") ? metadata.flags["add_space_prefix"] : true);
    const auto by_hand = [&](std::string_view text) {
      std::vector<std::int32_t> out = vocabulary.tokens(text, space);
      if (adds) {
        out.insert(out.begin(), bos);
      }
      return out;
    };
    for (const auto& [positive, negative] : contrast) {
      ASSERT_EQ(host.tokenize(positive), by_hand(positive)) << "round " << round << " " << vocabulary.kind;
    }
    const auto vectors = vectors_of(host, [&](std::string_view text) { return host.tokenize(text); });
    ASSERT_EQ(vectors_of(twin_host, [&](std::string_view text) { return twin_host.tokenize(text); }), vectors) << "round " << round;
    ASSERT_EQ(vectors_of(twin_host, by_hand), vectors) << "round " << round;
    const std::string beginning = steer::text({vocabulary.kind, " ", int{space}, " ", adds ? bos : -1});
    ASSERT_EQ(known.try_emplace(beginning, vectors).first->second, vectors) << "round " << round << " " << beginning;

    const std::vector<steer::chat_message> turns{{"user", "hello"}};
    std::optional<std::vector<std::int32_t>> chat;
    try {
      chat = steer::chat_tokens(*tiny, turns);
    } catch (const steer::argument_error&) {  // no template, or none that llama.cpp knows
      EXPECT_THROW((void)steer::chat_tokens(*twin, turns), steer::argument_error);
      continue;
    }
    EXPECT_EQ(steer::chat_tokens(*twin, turns), *chat) << "round " << round;
    if (adds) {
      EXPECT_EQ(chat->front(), bos);
    }
    ++spoken;
  }
  EXPECT_GT(spoken, 5U);
}

}  // namespace
