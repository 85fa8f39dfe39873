// llama_steer/pairs.hpp: contrast texts from files.
#pragma once

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "llama_steer/dialogue.hpp"
#include "llama_steer/text_lines.hpp"
#include "steer/core/error.hpp"

namespace llama_steer {

struct contrast_texts {
  std::vector<dialogue> positive;
  std::vector<dialogue> negative;  // if as many: text i of one side belongs with text i of the other

  [[nodiscard]] bool are_pairs() const noexcept { return positive.size() == negative.size(); }
};

/// Some of the pairs, in their order.
inline contrast_texts part_of(const contrast_texts& all, std::size_t first, std::size_t count) {
  const auto cut = [&](const std::vector<dialogue>& side) {
    const auto from = side.begin() + static_cast<std::ptrdiff_t>(first);
    return std::vector<dialogue>(from, from + static_cast<std::ptrdiff_t>(count));
  };
  return {cut(all.positive), cut(all.negative)};
}

/// Lets all answers begin with certain words.
inline void begin_answers(contrast_texts& texts, const std::string& words) {
  for (auto* side : {&texts.positive, &texts.negative}) {
    for (dialogue& each : *side) {
      begin_answer(each, words);
    }
  }
}

namespace detail {

inline std::vector<dialogue> requests(const std::filesystem::path& path, const line_options& how) {
  std::vector<dialogue> out;
  for (std::string& line : read_lines(path, how)) {
    out.push_back(request(std::move(line)));
  }
  return out;
}

}  // namespace detail

/// Two sides from two files, one text per line: pairs if they have as many lines.
/// @throws as `read_lines`; steer::format_error if they are pairs and a line is blank in one file only: what follows would be paired
///         with something else; or says the same in both
inline contrast_texts read_sides(const std::filesystem::path& positive, const std::filesystem::path& negative,
                                 const line_options& how = {}) {
  contrast_texts out{detail::requests(positive, how), detail::requests(negative, how)};
  if (!out.are_pairs()) {
    return out;
  }
  const std::vector<std::string> plus = detail::raw_lines(positive);
  const std::vector<std::string> minus = detail::raw_lines(negative);
  for (std::size_t i = 0; i < std::max(plus.size(), minus.size()); ++i) {
    const bool blank = i >= plus.size() || detail::is_blank(plus[i]);
    if (blank != (i >= minus.size() || detail::is_blank(minus[i]))) {
      throw steer::format_error(steer::text({"line ", i + 1, " of file ", steer::thing((blank ? positive : negative).string()),
                                             " is ", steer::actual("blank"), " and that of ", (blank ? negative : positive).string(),
                                             " is not; what follows would belong to ", steer::expected("another line")}));
    }
    if (!blank && plus[i] == minus[i]) {
      throw steer::format_error(steer::text({"line ", i + 1, " of file ", steer::thing(positive.string()), " is ",
                                             steer::actual("the same"), " as that of ", negative.string(), "; expected ",
                                             steer::expected("texts that differ")}));
    }
  }
  return out;
}

/// The same for those who need pairs.
/// @throws also steer::format_error if they have not as many lines
inline contrast_texts read_pairs(const std::filesystem::path& positive, const std::filesystem::path& negative,
                                 const line_options& how = {}) {
  contrast_texts out = read_sides(positive, negative, how);
  if (!out.are_pairs()) {
    throw steer::format_error(steer::text({"file ", steer::thing(positive.string()), " has ",
                                           steer::expected(out.positive.size()), " lines and ", negative.string(),
                                           " has ", steer::actual(out.negative.size()), "; expected as many"}));
  }
  return out;
}

}  // namespace llama_steer
