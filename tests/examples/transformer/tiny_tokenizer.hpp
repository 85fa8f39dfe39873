// tests/examples/transformer/tiny_tokenizer.hpp: a tokenizer file of a few pieces.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

namespace transformer_test {

using piece = std::pair<std::string, float>;

/// Unknown, begin, end, the bytes, then: " " is 259, "a" 260, "b" 261, "c" 262, "é" 263, "ab" 264, "bc" 265, " a" 266,
/// "abc" 267.
inline std::vector<piece> tiny_pieces() {
  std::vector<piece> pieces{{"<unk>", 0.0F}, {"\n<s>\n", 0.0F}, {"\n</s>\n", 0.0F}};
  for (std::size_t byte = 0; byte < 256; ++byte) {
    const std::string digits = "0123456789ABCDEF";
    pieces.emplace_back(std::string("<0x") + digits[byte / 16] + digits[byte % 16] + ">", 0.0F);
  }
  for (const char* symbol : {" ", "a", "b", "c", "\xC3\xA9"}) {
    pieces.emplace_back(symbol, -100.0F);
  }
  for (const auto& merged : {piece{"ab", -2.0F}, piece{"bc", -1.0F}, piece{" a", -3.0F}, piece{"abc", -2.5F}}) {
    pieces.push_back(merged);
  }
  return pieces;
}

inline std::string tokenizer_bytes(const std::vector<piece>& pieces, std::int32_t longest = 7) {
  std::string out;
  const auto put = [&](const auto& value) { out.append(reinterpret_cast<const char*>(&value), sizeof value); };
  put(longest);
  for (const auto& [text, score] : pieces) {
    put(score);
    put(static_cast<std::int32_t>(text.size()));
    out += text;
  }
  return out;
}

}  // namespace transformer_test
