// llama_steer/serve/text_filter.hpp: a text while it is generated: whole characters, up to a stop string.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "steer/core/error.hpp"

namespace llama_steer::serve {

/// Gives out whole characters and keeps a beginning of one until the rest comes. What is no UTF-8 becomes U+FFFD, as browsers have it:
/// one for each longest beginning of a character that does not go on, one for each other byte. How the bytes are split changes nothing.
class utf8_holdback {
 public:
  std::string add(std::string_view bytes) {
    std::string out;
    for (const char c : bytes) {
      const auto byte = static_cast<unsigned char>(c);
      if (!held_.empty() && (byte < least_ || byte > most_)) {
        out += replacement;
        held_.clear();
      }
      if (held_.empty()) {
        begin(byte);
      } else {
        least_ = 0x80;
        most_ = 0xBF;
      }
      held_ += c;
      if (needed_ == 0) {
        out += replacement;
        held_.clear();
      } else if (held_.size() == needed_) {
        out += held_;
        held_.clear();
      }
    }
    return out;
  }

  /// What is left when no more comes: nothing, or U+FFFD for a beginning.
  std::string finish() { return std::exchange(held_, {}).empty() ? std::string() : std::string(replacement); }

 private:
  static constexpr std::string_view replacement = "\xEF\xBF\xBD";

  /// How many bytes the character has, 0 for none, and between which its second one is.
  void begin(unsigned char lead) noexcept {
    needed_ = lead < 0x80 ? 1U : lead < 0xC2 ? 0U : lead < 0xE0 ? 2U : lead < 0xF0 ? 3U : lead < 0xF5 ? 4U : 0U;
    least_ = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;  // shorter ways to write the same are none
    most_ = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;   // no surrogates, nothing above U+10FFFF
  }

  std::string held_;
  std::size_t needed_ = 0;
  unsigned char least_ = 0x80;
  unsigned char most_ = 0xBF;
};

/// Gives out a text up to the first stop string in it, and keeps what may be the beginning of one until it is known. The first is the one
/// that ends first, of several that end together the longest: no later text can change that.
///
/// @cost   O(bytes, times the number of stop strings); source: Knuth, Morris and Pratt 1977
class stop_holdback {
 public:
  /// @throws steer::argument_error if one is empty
  explicit stop_holdback(const std::vector<std::string>& stops) {
    for (const std::string& stop : stops) {
      if (stop.empty()) {
        throw steer::argument_error(steer::text({"stop string ", stops_.size(), " is ", steer::actual("empty"), "; expected ",
                                                 steer::expected("a text")}));
      }
      stops_.push_back({stop, borders_of(stop), 0});
    }
  }

  std::string add(std::string_view text) {
    for (const char c : text) {
      if (stopped_) {
        break;
      }
      held_ += c;
      std::size_t longest = 0;
      for (followed_stop& each : stops_) {
        each.follow(c);
        if (each.matched == each.stop.size()) {
          stopped_ = true;
          longest = std::max(longest, each.matched);
        }
      }
      if (stopped_) {
        held_.resize(held_.size() - longest);
      }
    }
    std::size_t kept = 0;
    for (const followed_stop& each : stops_) {
      kept = std::max(kept, stopped_ ? 0 : each.matched);
    }
    std::string out = held_.substr(0, held_.size() - kept);
    held_.erase(0, out.size());
    return out;
  }

  /// What is left when no more comes.
  std::string finish() {
    for (followed_stop& each : stops_) {
      each.matched = 0;
    }
    return std::exchange(held_, {});
  }

  /// Whether the text has come to a stop string; nothing is given out from then on.
  [[nodiscard]] bool stopped() const noexcept { return stopped_; }

 private:
  struct followed_stop {
    std::string stop;
    std::vector<std::size_t> borders;  ///< of its first i + 1 bytes: the longest beginning that is their end, too
    std::size_t matched = 0;           ///< how many of its bytes the text ends with

    void follow(char c) {
      while (matched > 0 && (matched == stop.size() || stop[matched] != c)) {
        matched = borders[matched - 1];
      }
      matched += stop[matched] == c ? 1U : 0U;
    }
  };

  static std::vector<std::size_t> borders_of(const std::string& stop) {
    std::vector<std::size_t> out(stop.size(), 0);
    for (std::size_t i = 1; i < stop.size(); ++i) {
      std::size_t border = out[i - 1];
      while (border > 0 && stop[border] != stop[i]) {
        border = out[border - 1];
      }
      out[i] = border + (stop[border] == stop[i] ? 1U : 0U);
    }
    return out;
  }

  std::vector<followed_stop> stops_;
  std::string held_;
  bool stopped_ = false;
};

/// Both: bytes of tokens in, text for a reader out.
///
///     std::string text = filter.add(bytes);   // of each token, until filter.stopped()
///     text += filter.finish();                // once, at the end
class text_filter {
 public:
  /// @throws as `stop_holdback`
  explicit text_filter(const std::vector<std::string>& stops = {}) : stops_(stops) {}

  std::string add(std::string_view bytes) { return stops_.add(characters_.add(bytes)); }
  std::string finish() {
    std::string out = stops_.add(characters_.finish());
    return out + stops_.finish();
  }
  [[nodiscard]] bool stopped() const noexcept { return stops_.stopped(); }

 private:
  utf8_holdback characters_;
  stop_holdback stops_;
};

}  // namespace llama_steer::serve
