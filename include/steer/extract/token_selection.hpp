// steer/extract/token_selection.hpp: which tokens of a text a recorder pools.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <span>
#include <string>
#include <utility>
#include <variant>

#include "steer/core/error.hpp"
#include "steer/core/rows.hpp"

namespace steer {
inline namespace v0 {

/// Every token, position 0 (such as a BOS token) included.
struct all_tokens {};

/// The last token of the text.
struct last_token {};

/// Positions `first` to `last`, both included. `token_span{1}` is every token but the first.
struct token_span {
  std::int32_t first = 0;
  std::int32_t last = std::numeric_limits<std::int32_t>::max();
};

/// One token, counted from the end: 0 is the last.
struct token_from_end {
  std::int32_t offset = 0;
};

/// Tokens whose id satisfies a predicate. `name` describes it in the vector's provenance.
struct tokens_where {
  std::function<bool(std::int32_t)> accepts;
  std::string name = "a predicate on token ids";
};

using token_selection = std::variant<all_tokens, last_token, token_span, token_from_end, tokens_where>;

/// Whether the selection takes a row of a text whose length is the row's prompt length.
[[nodiscard]] inline bool contains(const token_selection& selection, const row_info& row) {
  struct visitor {
    const row_info& row;
    bool operator()(const all_tokens&) const { return true; }
    bool operator()(const last_token&) const { return row.position == row.prompt_length - 1; }
    bool operator()(const token_span& s) const { return row.position >= s.first && row.position <= s.last; }
    bool operator()(const token_from_end& s) const { return row.position == row.prompt_length - 1 - s.offset; }
    bool operator()(const tokens_where& s) const { return s.accepts(row.token); }
  };
  return std::visit(visitor{row}, selection);
}

inline std::string to_string(const token_selection& selection) {
  struct visitor {
    std::string operator()(const all_tokens&) const { return "all tokens"; }
    std::string operator()(const last_token&) const { return "last token"; }
    std::string operator()(const token_span& s) const {
      return s.last == token_span{}.last ? detail::text({"positions from ", s.first})
                                         : detail::text({"positions ", s.first, " to ", s.last});
    }
    std::string operator()(const token_from_end& s) const {
      return detail::text({"token ", s.offset, " from the end"});
    }
    std::string operator()(const tokens_where& s) const { return s.name; }
  };
  return std::visit(visitor{}, selection);
}

/// How many tokens of a text a selection takes.
/// @throws argument_error if it takes none, or a token is negative; `who` names the text
inline std::int64_t count_selected(const token_selection& selection, std::span<const std::int32_t> text,
                                   const std::string& who) {
  using detail::actual;
  using detail::expected;
  std::int64_t selected = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] < 0) {
      throw argument_error(detail::text(
          {detail::thing(who), ": token ", i, " is ", actual(text[i]), "; expected ", expected("0 or above")}));
    }
    const row_info row{text[i], static_cast<std::int32_t>(i), 0, static_cast<std::int32_t>(text.size()), phase::prompt};
    selected += contains(selection, row) ? 1 : 0;
  }
  if (selected == 0) {
    throw argument_error(detail::text({detail::thing(who), ": no token is selected by ", actual(to_string(selection)),
                                       "; expected ", expected("at least one")}));
  }
  return selected;
}

/// @throws argument_error if no token can be selected
inline void check(const token_selection& selection) {
  struct visitor {
    void operator()(const all_tokens&) const {}
    void operator()(const last_token&) const {}
    void operator()(const token_span& s) const {
      if (s.first < 0 || s.last < s.first) {
        throw argument_error(detail::text({"token_span: positions ", detail::actual({s.first, " to ", s.last}),
                                           "; expected ", detail::expected("0 <= first <= last")}));
      }
    }
    void operator()(const token_from_end& s) const {
      if (s.offset < 0) {
        throw argument_error(detail::text(
            {"token_from_end: offset is ", detail::actual(s.offset), "; expected ", detail::expected("0 or above")}));
      }
    }
    void operator()(const tokens_where& s) const {
      if (!s.accepts) {
        throw argument_error(detail::text({"tokens_where: the predicate is ", detail::actual("empty"), "; expected ",
                                           detail::expected("a callable")}));
      }
    }
  };
  std::visit(visitor{}, selection);
}

}  // namespace v0
}  // namespace steer
