// steer/extract/token_selection.ipp: the bodies of token_selection.hpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <variant>

#include "steer/core/error.hpp"
#include "steer/core/real.hpp"
#include "steer/core/rows.hpp"
#include "steer/extract/token_selection.hpp"

namespace steer {
inline namespace v0 {

STEER_BODY bool contains(const token_selection& selection, const row_info& row, std::int32_t answer) {
  struct visitor {
    const row_info& row;
    std::int32_t answer;
    bool operator()(const all_tokens&) const { return true; }
    bool operator()(const last_token&) const { return row.position == row.prompt_length - 1; }
    bool operator()(const last_tokens& s) const { return row.position >= row.prompt_length - s.count; }
    bool operator()(const answer_tokens&) const { return row.position >= answer; }
    bool operator()(const token_span& s) const { return row.position >= s.first && row.position <= s.last; }
    bool operator()(const token_from_end& s) const { return row.position == row.prompt_length - 1 - s.offset; }
    bool operator()(const tokens_where& s) const { return s.accepts(row.token); }
  };
  return std::visit(visitor{row, answer}, selection);
}

STEER_BODY std::string to_string(const token_selection& selection) {
  struct visitor {
    std::string operator()(const all_tokens&) const { return "all tokens"; }
    std::string operator()(const last_token&) const { return "last token"; }
    std::string operator()(const last_tokens& s) const { return text({"last ", s.count, " tokens"}); }
    std::string operator()(const answer_tokens&) const { return "answer tokens"; }
    std::string operator()(const token_span& s) const {
      return s.last == token_span{}.last ? text({"positions from ", s.first})
                                         : text({"positions ", s.first, " to ", s.last});
    }
    std::string operator()(const token_from_end& s) const { return text({"token ", s.offset, " from the end"}); }
    std::string operator()(const tokens_where& s) const { return s.name; }
  };
  return std::visit(visitor{}, selection);
}

STEER_BODY std::int64_t count_selected(const token_selection& selection, const answered_text& of, const std::string& who) {
  const auto& [tokens, answer] = of;
  const auto length = static_cast<std::int32_t>(tokens.size());
  if (answer != no_answer && (answer < 0 || answer >= length)) {
    throw argument_error(text({thing(who), ": its answer begins at token ", actual(answer), "; it has tokens ",
                               expected({"0 to ", length - 1})}));
  }
  std::int64_t selected = 0;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (tokens[i] < 0) {
      throw argument_error(
          text({thing(who), ": token ", i, " is ", actual(tokens[i]), "; expected ", expected("0 or above")}));
    }
    const row_info row{tokens[i], static_cast<std::int32_t>(i), 0, length, phase::prompt};
    selected += contains(selection, row, answer) ? 1 : 0;
  }
  if (selected == 0) {
    throw argument_error(text({thing(who), ": no token is selected by ", actual(to_string(selection)),
                                      "; expected ", expected("at least one")}));
  }
  return selected;
}

STEER_BODY void check(const token_selection& selection) {
  struct visitor {
    void operator()(const all_tokens&) const {}
    void operator()(const last_token&) const {}
    void operator()(const answer_tokens&) const {}
    void operator()(const last_tokens& s) const {
      if (s.count < 1) {
        throw argument_error(text({"last_tokens: count is ", actual(s.count), "; expected ", expected("1 or above")}));
      }
    }
    void operator()(const token_span& s) const {
      if (s.first < 0 || s.last < s.first) {
        throw argument_error(text({"token_span: positions ", actual({s.first, " to ", s.last}), "; expected ",
                                   expected("0 <= first <= last")}));
      }
    }
    void operator()(const token_from_end& s) const {
      if (s.offset < 0) {
        throw argument_error(
            text({"token_from_end: offset is ", actual(s.offset), "; expected ", expected("0 or above")}));
      }
    }
    void operator()(const tokens_where& s) const {
      if (!s.accepts) {
        throw argument_error(
            text({"tokens_where: the predicate is ", actual("empty"), "; expected ", expected("a callable")}));
      }
    }
  };
  std::visit(visitor{}, selection);
}

}  // namespace v0
}  // namespace steer
