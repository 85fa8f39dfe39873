// transformer/tokenizer.hpp: the byte-pair tokenizer of llama2.c files.
//
// int32 length of the longest piece, then for every token float32 score, int32 length, the piece's bytes. Token 0 is
// unknown, 1 begins a text, 2 ends one, 3 to 258 are the bytes 0 to 255 ("<0x00>" to "<0xFF>"), the rest are pieces.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <limits>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "steer/core/error.hpp"
#include "steer/io/mapped_file.hpp"

namespace reference {

/// Text to tokens and back, SentencePiece's byte-pair encoding: a text gets a space in front, its code points become
/// pieces or else their bytes, then the neighbours whose joint piece has the best score are merged, leftmost first.
///
/// @throws steer::file_error if the file cannot be read; steer::format_error naming file, token, expected and actual if
///         it is truncated, a length or score is implausible, or a byte's piece is missing
/// @source github.com/karpathy/llama2.c, run.c; deviation: text never becomes a control or byte token by its spelling
class tokenizer {
 public:
  static constexpr std::int32_t begin_of_text = 1;
  static constexpr std::int32_t end_of_text = 2;

  explicit tokenizer(const std::filesystem::path& path) {
    const steer::mapped_file file(path);
    read(file.bytes(), path.string());
    for (std::size_t id = first_piece; id < pieces_.size(); ++id) {
      ids_.emplace(pieces_[id], static_cast<std::int32_t>(id));  // of equal pieces the first counts
    }
    if (!ids_.contains(" ")) {
      throw steer::format_error(steer::text({"tokenizer: there is no piece for a space (file ", path.string(), ")"}));
    }
  }

  [[nodiscard]] int vocabulary() const noexcept { return static_cast<int>(pieces_.size()); }
  /// What ends a generated text: the end of this one or the begin of another.
  [[nodiscard]] std::span<const std::int32_t> stops() const noexcept { return stops_; }

  /// @return tokens of the text after begin_of_text; an empty text is that alone
  /// @cost   quadratic in the text, in comparisons of scores
  [[nodiscard]] std::vector<std::int32_t> encode(std::string_view text) const {
    std::vector<std::int32_t> tokens{begin_of_text};
    if (!text.empty()) {
      tokens.push_back(find(" "));
    }
    while (!text.empty()) {
      const std::string_view symbol = text.substr(0, code_point_size(text));
      if (const std::int32_t id = find(symbol); id != none) {
        tokens.push_back(id);
      } else {
        for (const char byte : symbol) {
          tokens.push_back(first_byte + static_cast<unsigned char>(byte));
        }
      }
      text.remove_prefix(symbol.size());
    }
    merge(tokens);
    return tokens;
  }

  /// The text of tokens; begin_of_text and end_of_text have none, and the space in front of a text goes with its begin.
  /// @throws steer::argument_error if a token is not of this vocabulary
  [[nodiscard]] std::string decode(std::span<const std::int32_t> tokens) const {
    std::string text;
    bool begins = false;
    for (const std::int32_t token : tokens) {
      if (token < 0 || token >= vocabulary()) {
        throw steer::argument_error(steer::text({"tokenizer: token is ", token, ", expected 0 to ", vocabulary() - 1}));
      }
      if (token >= first_byte && token < first_piece) {
        text += static_cast<char>(static_cast<unsigned char>(token - first_byte));
      } else if (token != begin_of_text && token != end_of_text) {
        const std::string_view piece = pieces_[static_cast<std::size_t>(token)];
        text += begins && piece.starts_with(' ') ? piece.substr(1) : piece;
      }
      begins = token == begin_of_text;
    }
    return text;
  }

 private:
  static constexpr std::int32_t none = -1;
  static constexpr std::int32_t first_byte = 3;
  static constexpr std::int32_t first_piece = first_byte + 256;
  static constexpr std::int32_t longest_plausible = 1 << 16;

  void read(std::span<const std::byte> bytes, const std::string& file) {
    using steer::text;
    const auto fail = [&](const std::string& fault) {
      throw steer::format_error(text({"tokenizer: ", fault, " (file ", file, ")"}));
    };
    const auto take = [&](auto& out, const char* what) {
      if (bytes.size() < sizeof out) {
        fail(text({"the ", what, " of token ", pieces_.size(), " needs ", sizeof out, " bytes, the file has ",
                   bytes.size(), " left"}));
      }
      std::memcpy(&out, bytes.data(), sizeof out);
      bytes = bytes.subspan(sizeof out);
    };
    std::int32_t longest = 0;
    take(longest, "longest length before the score");
    if (longest < 1 || longest > longest_plausible) {
      fail(text({"the longest piece has ", longest, " bytes, expected 1 to ", longest_plausible}));
    }
    while (!bytes.empty()) {
      float score = 0.0F;
      std::int32_t length = 0;
      take(score, "score");
      take(length, "length");
      if (!std::isfinite(score)) {
        fail(text({"the score of token ", pieces_.size(), " is ", score, ", expected a finite number"}));
      }
      if (length < 0 || length > longest) {
        fail(text({"the length of token ", pieces_.size(), " is ", length, ", expected 0 to ", longest}));
      }
      if (static_cast<std::size_t>(length) > bytes.size()) {
        fail(text({"the piece of token ", pieces_.size(), " needs ", length, " bytes, the file has ", bytes.size(),
                   " left"}));
      }
      scores_.push_back(score);
      pieces_.emplace_back(reinterpret_cast<const char*>(bytes.data()), static_cast<std::size_t>(length));
      bytes = bytes.subspan(static_cast<std::size_t>(length));
    }
    if (pieces_.size() <= static_cast<std::size_t>(first_piece) ||
        pieces_.size() > static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max())) {
      fail(text({"there are ", pieces_.size(), " tokens, expected more than ", first_piece}));
    }
    for (std::size_t byte = 0; byte < 256; ++byte) {
      constexpr std::string_view digits = "0123456789ABCDEF";
      const std::string expected = text({"<0x", digits[byte / 16], digits[byte % 16], ">"});
      if (const std::string& piece = pieces_[byte + first_byte]; piece != expected) {
        fail(text({"token ", byte + first_byte, " is \"", piece, "\", expected \"", expected, "\""}));
      }
    }
  }

  /// Bytes of the code point in front; a stray byte counts as one.
  static std::size_t code_point_size(std::string_view text) {
    std::size_t size = 1;
    while (size < std::min<std::size_t>(text.size(), 4) && (static_cast<unsigned char>(text[size]) & 0xC0U) == 0x80U) {
      ++size;
    }
    return size;
  }

  [[nodiscard]] std::int32_t find(std::string_view piece) const {
    const auto found = ids_.find(piece);
    return found == ids_.end() ? none : found->second;
  }
  /// The token of two neighbours together, or none.
  [[nodiscard]] std::int32_t joint(std::int32_t left, std::int32_t right) const {
    if (left < first_piece || right < first_piece) {
      return none;
    }
    return find(pieces_[static_cast<std::size_t>(left)] + pieces_[static_cast<std::size_t>(right)]);
  }

  void merge(std::vector<std::int32_t>& tokens) const {
    std::vector<std::int32_t> joints;  // joints[i]: tokens i and i + 1 together
    for (std::size_t i = 0; i + 1 < tokens.size(); ++i) {
      joints.push_back(joint(tokens[i], tokens[i + 1]));
    }
    const auto score = [&](std::int32_t id) {
      return id == none ? -std::numeric_limits<float>::infinity() : scores_[static_cast<std::size_t>(id)];
    };
    while (!joints.empty()) {
      const auto best = std::max_element(joints.begin(), joints.end(),
                                         [&](std::int32_t a, std::int32_t b) { return score(a) < score(b); });
      if (*best == none) {
        return;
      }
      const auto at = best - joints.begin();
      tokens[static_cast<std::size_t>(at)] = *best;
      tokens.erase(tokens.begin() + at + 1);
      joints.erase(best);
      for (const auto i : {at - 1, at}) {
        if (i >= 0 && i < static_cast<std::ptrdiff_t>(joints.size())) {
          joints[static_cast<std::size_t>(i)] = joint(tokens[static_cast<std::size_t>(i)], tokens[static_cast<std::size_t>(i) + 1]);
        }
      }
    }
  }

  std::vector<std::string> pieces_;                        // [V]
  std::vector<float> scores_;                              // [V]
  std::map<std::string, std::int32_t, std::less<>> ids_;   // of the pieces that text can become
  std::array<std::int32_t, 2> stops_{begin_of_text, end_of_text};
};

}  // namespace reference
