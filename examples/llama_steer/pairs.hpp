// llama_steer/pairs.hpp: contrast texts from files.
#pragma once

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "llama_steer/text_lines.hpp"
#include "steer/core/error.hpp"

namespace llama_steer {

struct contrast_texts {
  std::vector<std::string> positive;
  std::vector<std::string> negative;  // if as many: text i of one side belongs with text i of the other

  [[nodiscard]] bool are_pairs() const noexcept { return positive.size() == negative.size(); }
};

/// Some of the pairs, in their order.
inline contrast_texts part_of(const contrast_texts& all, std::size_t first, std::size_t count) {
  const auto cut = [&](const std::vector<std::string>& side) {
    const auto from = side.begin() + static_cast<std::ptrdiff_t>(first);
    return std::vector<std::string>(from, from + static_cast<std::ptrdiff_t>(count));
  };
  return {cut(all.positive), cut(all.negative)};
}

/// Two sides from two files, one text per line: pairs if they have as many lines.
/// @throws as `read_lines`; steer::format_error if they are pairs and a line is blank in one file only: what follows would be paired
///         with something else
inline contrast_texts read_sides(const std::filesystem::path& positive, const std::filesystem::path& negative,
                                 const line_options& how = {}) {
  contrast_texts out{read_lines(positive, how), read_lines(negative, how)};
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

/// Pairs from a JSON file: {"pairs": [["positive", "negative"], ...]}, or several such objects by the name of their concept.
/// @throws steer::format_error naming what is missing
inline contrast_texts read_json_pairs(const std::filesystem::path& path, const std::string& concept_name) {
  std::ifstream in(path);
  if (!in) {
    throw steer::file_error(steer::text({"file ", path.string(), " cannot be read"}));
  }
  const auto fail = [&](std::initializer_list<steer::text_part> what) {
    throw steer::format_error(steer::text({"file ", path.string(), " ", steer::text(what)}));
  };
  contrast_texts out;
  try {
    nlohmann::json all = nlohmann::json::parse(in);
    if (!all.contains("pairs")) {
      if (!all.contains(concept_name)) {
        std::string known;
        for (const auto& [name, entry] : all.items()) {
          known += (known.empty() ? "" : ", ") + name;
        }
        fail({"has no concept \"", concept_name, "\"; it has ", known});
      }
      all = nlohmann::json(all.at(concept_name));
    }
    for (const auto& pair : all.at("pairs")) {
      if (pair.size() != 2) {
        fail({"has a pair of ", pair.size(), " texts; expected two"});
      }
      out.positive.push_back(pair.at(0).get<std::string>());
      out.negative.push_back(pair.at(1).get<std::string>());
    }
  } catch (const nlohmann::json::exception& problem) {
    fail({"is no JSON with pairs: ", std::string_view(problem.what())});
  }
  if (out.positive.empty()) {
    fail({"has no pairs"});
  }
  return out;
}

}  // namespace llama_steer
