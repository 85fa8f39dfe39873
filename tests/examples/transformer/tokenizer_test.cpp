#include "transformer/tokenizer.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "examples/transformer/tiny_model.hpp"
#include "examples/transformer/tiny_tokenizer.hpp"
#include "expect_error.hpp"

namespace {

using namespace transformer_test;
using token_list = std::vector<std::int32_t>;

reference::tokenizer tiny() {
  const scratch_file file(".bin");
  file.write(tokenizer_bytes(tiny_pieces()));
  return reference::tokenizer(file.path());
}

TEST(transformer_tokenizer, merges_the_best_score_first) {
  const reference::tokenizer t = tiny();
  EXPECT_EQ(t.vocabulary(), 268);
  EXPECT_EQ(t.encode(""), (token_list{1}));
  EXPECT_EQ(t.encode("a"), (token_list{1, 266}));               // " a"
  EXPECT_EQ(t.encode("ab"), (token_list{1, 259, 264}));         // " ", "ab": "ab" is better than " a"
  EXPECT_EQ(t.encode("abc"), (token_list{1, 259, 267}));        // "bc" first, then "a" + "bc"
  EXPECT_EQ(t.encode("bcbc"), (token_list{1, 259, 265, 265}));
  EXPECT_EQ(t.encode("aa"), (token_list{1, 266, 260}));
}

TEST(transformer_tokenizer, what_has_no_piece_becomes_bytes) {
  const reference::tokenizer t = tiny();
  EXPECT_EQ(t.encode("\n"), (token_list{1, 259, 3 + 10}));
  EXPECT_EQ(t.encode("\xC3\xA9"), (token_list{1, 259, 263}));
  EXPECT_EQ(t.encode("\xC3\xA8"), (token_list{1, 259, 3 + 0xC3, 3 + 0xA8}));
  EXPECT_EQ(t.encode("\xE2\x82\xAC"), (token_list{1, 259, 3 + 0xE2, 3 + 0x82, 3 + 0xAC}));
  EXPECT_EQ(t.encode("<s>"), (token_list{1, 259, 3 + '<', 3 + 's', 3 + '>'}));  // not the control token
}

TEST(transformer_tokenizer, any_bytes_come_back) {
  const reference::tokenizer t = tiny();
  std::mt19937_64 engine(4);
  for (int round = 0; round < 200; ++round) {
    std::string text;
    const auto size = static_cast<std::size_t>(reference::uniform(engine) * 20.0);
    for (std::size_t i = 0; i < size; ++i) {
      text += reference::uniform(engine) < 0.5 ? " abc"[reference::random_bits(engine) % 4]
                                               : static_cast<char>(reference::random_bits(engine) % 256);
    }
    ASSERT_EQ(t.decode(t.encode(text)), text) << "seed 4, round " << round;
  }
}

TEST(transformer_tokenizer, a_space_goes_only_with_the_begin_of_the_text) {
  const reference::tokenizer t = tiny();
  EXPECT_EQ(t.decode(token_list{1, 266, 266}), "a a");
  EXPECT_EQ(t.decode(token_list{266, 266}), " a a");
  EXPECT_EQ(t.decode(token_list{260, 2, 1, 259, 261}), "ab");
  EXPECT_EQ(t.decode(token_list{}), "");
  EXPECT_EQ(token_list(t.stops().begin(), t.stops().end()), (token_list{1, 2}));
}

TEST(transformer_tokenizer, foreign_tokens_are_refused) {
  const reference::tokenizer t = tiny();
  expect_error<steer::argument_error>([&] { static_cast<void>(t.decode(token_list{1, 268})); }, "token is 268", "0 to 267");
  expect_error<steer::argument_error>([&] { static_cast<void>(t.decode(token_list{-1})); }, "token is -1");
}

TEST(transformer_tokenizer, damaged_files_are_refused) {
  const scratch_file file(".bin");
  const auto refuse = [&](const std::string& bytes, const auto&... parts) {
    file.write(bytes);
    expect_error<steer::format_error>([&] { reference::tokenizer{file.path()}; }, "tokenizer: ", file.name(), parts...);
  };
  const auto refuse_pieces = [&](auto change, const auto&... parts) {
    std::vector<piece> pieces = tiny_pieces();
    change(pieces);
    refuse(tokenizer_bytes(pieces), parts...);
  };
  const std::string good = tokenizer_bytes(tiny_pieces());
  refuse(good.substr(0, 3), "longest", "needs 4 bytes", "has 3 left");
  refuse(good.substr(0, 6), "score of token 0", "has 2 left");
  refuse(good.substr(0, 10), "length of token 0", "has 2 left");
  refuse(good.substr(0, good.size() - 1), "piece of token 267", "needs 3 bytes", "has 2 left");
  refuse(tokenizer_bytes(tiny_pieces(), 0), "longest piece has 0 bytes", "1 to 65536");
  refuse(tokenizer_bytes(tiny_pieces(), 1 << 20), "longest piece has 1048576 bytes");
  refuse(tokenizer_bytes(tiny_pieces(), 5), "length of token 2 is 6", "0 to 5");
  std::string negative = good;
  negative[11] = '\xFF';
  refuse(negative, "length of token 0 is -", "0 to 7");
  refuse_pieces([](auto& p) { p[264].second = std::numeric_limits<float>::quiet_NaN(); }, "score of token 264 is nan");
  refuse_pieces([](auto& p) { p.resize(259); }, "259 tokens", "more than 259");
  refuse_pieces([](auto& p) { p[13].first = "<0x0B>"; }, "token 13 is \"<0x0B>\"", "expected \"<0x0A>\"");
  refuse_pieces([](auto& p) { p[259].first = "_"; }, "no piece for a space");
  expect_error<steer::file_error>([] { reference::tokenizer{"no/such.bin"}; }, "no/such.bin");
}

}  // namespace
