// steer/io/json_scan.ipp: the bodies of json_scan.hpp.
#pragma once

#include <algorithm>
#include <cstddef>
#include <map>
#include <string>
#include <string_view>

#include "steer/core/error.hpp"
#include "steer/core/real.hpp"
#include "steer/io/json_scan.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

/// Goes over JSON once, from left to right.
class json_scanner {
 public:
  json_scanner(std::string_view written, const std::string& who) : rest_(written), size_(written.size()), who_(who) {}

  template <class Real>
  [[noreturn]] void fail(std::string_view wanted) const {
    throw format_error(text(
        {thing(who_), " is no JSON object: at byte ", actual(size_ - rest_.size()), " expected ", expected(wanted)}));
  }

  void skip_space() { rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t\r\n"), rest_.size())); }
  [[nodiscard]] bool starts_with(char c) const { return rest_.starts_with(c); }
  [[nodiscard]] bool at_end() const { return rest_.empty(); }

  bool take_if(char c) {
    const bool there = rest_.starts_with(c);
    rest_.remove_prefix(there ? 1 : 0);
    return there;
  }
  template <class Real>
  void take(char c) {
    if (!take_if(c)) {
      fail<Real>(std::string_view(&c, 1));
    }
  }

  /// A text between its quotes.
  template <class Real>
  std::string_view take_text() {
    take<Real>('"');
    for (std::size_t i = 0; i < rest_.size() && static_cast<unsigned char>(rest_[i]) >= 0x20; ++i) {
      if (rest_[i] == '"') {
        const std::string_view out = rest_.substr(0, i);
        rest_.remove_prefix(i + 1);
        return out;
      }
      i += rest_[i] == '\\' ? 1 : 0;
    }
    fail<Real>("the end of a text");
  }

  /// Any value, as it is written.
  template <class Real>
  std::string_view take_value(int depth = 0) {
    constexpr int deepest = 64;
    const std::string_view start = rest_;
    if (depth == deepest) {
      fail<Real>("at most 64 levels");
    }
    if (starts_with('"')) {
      take_text<Real>();
    } else if (take_if('[')) {
      take_items<Real>(']', [&] { take_value<Real>(depth + 1); });
    } else if (take_if('{')) {
      take_items<Real>('}', [&] {
        take_text<Real>();
        take_colon<Real>();
        take_value<Real>(depth + 1);
      });
    } else if (!take_word()) {
      fail<Real>("a value");
    }
    return start.substr(0, start.size() - rest_.size());
  }

  template <class Real>
  void take_colon() {
    skip_space();
    take<Real>(':');
    skip_space();
  }

  /// What stands between commas until the end, whose beginning has been taken.
  template <class Real, class Take>
  void take_items(char end, Take take_one) {
    skip_space();
    if (take_if(end)) {
      return;
    }
    do {
      skip_space();
      take_one();
      skip_space();
    } while (take_if(','));
    take<Real>(end);
  }

 private:
  /// A number or one of JSON's three words.
  bool take_word() {
    for (const std::string_view word : {"true", "false", "null"}) {
      if (rest_.starts_with(word)) {
        rest_.remove_prefix(word.size());
        return true;
      }
    }
    take_if('-');
    if (!take_if('0') && !take_digits()) {
      return false;
    }
    if (take_if('.') && !take_digits()) {
      return false;
    }
    if (take_if('e') || take_if('E')) {
      static_cast<void>(take_if('+') || take_if('-'));
      return take_digits();
    }
    return true;
  }
  bool take_digits() {
    const std::size_t size = std::min(rest_.find_first_not_of("0123456789"), rest_.size());
    rest_.remove_prefix(size);
    return size > 0;
  }

  std::string_view rest_;
  std::size_t size_;
  const std::string& who_;
};

STEER_BODY std::map<std::string, std::string_view> json_values(std::string_view written, const std::string& who) {
  json_scanner in(written, who);
  std::map<std::string, std::string_view> out;
  in.skip_space();
  in.template take<Real>('{');
  in.template take_items<Real>('}', [&] {
    const std::string key(in.template take_text<Real>());
    in.template take_colon<Real>();
    if (!out.emplace(key, in.template take_value<Real>()).second) {
      throw format_error(text({thing(who), " has \"", actual(key), "\" twice"}));
    }
  });
  in.skip_space();
  if (!in.at_end()) {
    in.template fail<Real>("its end");
  }
  return out;
}

}  // namespace detail
}  // namespace v0
}  // namespace steer
