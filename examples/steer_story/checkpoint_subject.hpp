// steer_story/checkpoint_subject.hpp: any llama2.c model with contrast pairs, judged by counting words.
#pragma once

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <random>
#include <regex>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "steer_story/subject.hpp"
#include "transformer/load.hpp"
#include "transformer/tokenizer.hpp"

namespace steer_story {
namespace detail {

inline double matches(const std::regex& pattern, std::string_view text) {
  const std::cregex_iterator first(text.data(), text.data() + text.size(), pattern);
  return static_cast<double>(std::distance(first, std::cregex_iterator{}));
}

inline const std::regex& any_word() {
  static const std::regex word("[a-z']+", std::regex::icase | std::regex::optimize);
  return word;
}

/// The words that tell a concept.
struct word_lists {
  std::regex positive;
  std::optional<std::regex> negative;  // empty: the concept has no words for its absence

  [[nodiscard]] count operator()(std::string_view text) const {
    const double shown = matches(positive, text);
    return {shown, negative ? shown + matches(*negative, text) : matches(any_word(), text)};
  }
  [[nodiscard]] verdict of_sentence(std::string_view text) const {
    const double shown = matches(positive, text);
    const double lacking = negative ? matches(*negative, text) : 0.0;
    return shown > lacking ? verdict::shown : shown < lacking ? verdict::opposite : verdict::neutral;
  }
};

inline word_lists read_word_lists(const nlohmann::ordered_json& entry, const std::string& who) {
  const auto pattern = [&](const char* key) {
    const auto words = entry.at(key).get<std::string>();
    try {
      return std::regex(words, std::regex::icase | std::regex::optimize);
    } catch (const std::regex_error& problem) {
      throw steer::format_error(steer::text({who, "\"", key, "\" is \"", words,
                                             "\", expected a regular expression: ", std::string_view(problem.what())}));
    }
  };
  word_lists out{pattern("positive_words"), std::nullopt};
  if (entry.at("negative_words") != "$^") {
    out.negative = pattern("negative_words");
  }
  return out;
}

/// Share of neighbouring words that have not stood together before in the text (distinct-2): low where it repeats itself.
inline count distinct_pairs(std::string_view text) {
  std::set<std::pair<std::string, std::string>> seen;
  std::string last;
  count out;
  for (std::cregex_iterator at(text.data(), text.data() + text.size(), any_word()), end; at != end; ++at) {
    std::string word = at->str();
    std::transform(word.begin(), word.end(), word.begin(), [](unsigned char c) { return std::tolower(c); });
    if (!last.empty()) {
      out.shown += seen.emplace(last, word).second ? 1.0 : 0.0;
      out.of += 1.0;
    }
    last = std::move(word);
  }
  return out;
}

inline double count_sentences(std::string_view text) {
  double sum = 0.0;
  for (const char c : text) {
    sum += c == '.' || c == '!' || c == '?' ? 1.0 : 0.0;
  }
  return sum;
}

}  // namespace detail

/// The model, its tokenizer, and the contrast pairs of a JSON file:
///
///     {"mood": {"pairs": [["a happy text", "a sad one"], ...],
///               "positive_words": "\\b(happy|glad)\\b", "negative_words": "\\b(sad|upset)\\b"}, ...}
///
/// The lists are regular expressions. A concept's rate is the share of its positive words among the words of both lists;
/// where the negative list is "$^", which matches nothing, it is positive words per word.
///
/// @throws steer::file_error or steer::format_error naming file and field; what the loaders of model and tokenizer throw
inline subject checkpoint_subject(const std::filesystem::path& checkpoint, const std::filesystem::path& tokenizer_file,
                                  const std::filesystem::path& pairs_file) {
  subject out;
  out.model = reference::load_model(checkpoint);
  const auto codec = std::make_shared<const reference::tokenizer>(tokenizer_file);
  if (codec->vocabulary() != out.model->sizes().vocabulary) {
    throw steer::shape_error(steer::text({"tokenizer ", tokenizer_file.string(), " has ", codec->vocabulary(),
                                          " tokens, the model expects ", out.model->sizes().vocabulary}));
  }
  std::ifstream in(pairs_file);
  if (!in) {
    throw steer::file_error(steer::text({"cannot read the contrast pairs in ", pairs_file.string()}));
  }
  auto lists = std::make_shared<std::vector<detail::word_lists>>();
  try {
    const auto concepts = nlohmann::ordered_json::parse(in);
    for (const auto& [name, entry] : concepts.items()) {
      const std::string who = steer::text({pairs_file.string(), ": concept \"", name, "\": "});
      contrast next{name, steer::text({"pairs of ", pairs_file.filename().string()}), {}};
      for (const auto& [positive, negative] :
           entry.at("pairs").get<std::vector<std::pair<std::string, std::string>>>()) {
        next.pairs.emplace_back(codec->encode(positive), codec->encode(negative));
      }
      lists->push_back(detail::read_word_lists(entry, who));
      out.concepts.push_back(std::move(next));
    }
  } catch (const nlohmann::json::exception& problem) {
    throw steer::format_error(
        steer::text({"contrast pairs ", pairs_file.string(), ": ", std::string_view(problem.what())}));
  }
  if (out.concepts.empty()) {
    throw steer::format_error(
        steer::text({"contrast pairs ", pairs_file.string(), " has no concept, expected one at least"}));
  }
  out.tokens = steer::token_span{1};
  out.options = {.max_tokens = std::min(150, out.model->sizes().context / 2),
                 .sample = {.temperature = 1.0F, .top_p = 0.9F},
                 .stops = {codec->stops().begin(), codec->stops().end()}};
  out.soundness = "distinct-2";
  out.least_sound = 0.95;
  out.encode = [codec](std::string_view text) { return codec->encode(text); };
  out.decode = [codec](std::span<const std::int32_t> tokens) { return codec->decode(tokens); };
  out.prompt = [tokens = codec->encode("Once upon a time")](std::mt19937_64&) { return tokens; };
  out.judge = [codec, lists](const token_list&, const token_list& continuation) {
    const std::string text = codec->decode(continuation);
    tally found{{}, detail::distinct_pairs(text), detail::count_sentences(text)};
    for (const detail::word_lists& words : *lists) {
      found.concepts.push_back(words(text));
    }
    return found;
  };
  for (std::size_t i = 0; i < lists->size(); ++i) {
    out.fields.push_back((*lists)[i].negative ? wins(i) : concept_number(i));
  }
  out.read = [judge = out.judge, fields = out.fields](std::span<const text> written) {
    std::vector<tally> counted;
    for (const text& t : written) {
      counted.push_back(judge(t.prompt, t.continuation));
    }
    std::vector<steer::readings> found;
    for (const field& which : fields) {
      steer::readings& here = found.emplace_back(detail::readings_of(counted, which));
      here.pooling = steer::pooling::log_ratio;
      // Half a count on either side keeps log-odds finite where one side never shows (Haldane 1956, Anscombe 1956). Where
      // neither does the text is broken, and what is not finite says so.
      const bool decided = std::any_of(here.samples.begin(), here.samples.end(), [](const auto& r) { return r.second > 0.0; });
      const double half = decided ? 0.5 / static_cast<double>(written.size()) : 0.0;
      for (steer::readout_sample& r : here.samples) {
        r = {r.first + half, r.second - r.first + half};
      }
    }
    return found;
  };
  out.highlight = [lists](std::size_t index, std::string_view sentence) {
    return (*lists)[index].of_sentence(sentence);
  };
  return out;
}

}  // namespace steer_story
