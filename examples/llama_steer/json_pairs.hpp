// llama_steer/json_pairs.hpp: contrast texts from JSON, in the forms in which people have them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <iterator>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "llama_steer/dialogue.hpp"
#include "llama_steer/pairs.hpp"
#include "llama_steer/text_lines.hpp"
#include "steer/core/error.hpp"

namespace llama_steer {
namespace detail {

/// Reads one file; `at` says where it is.
class json_reader {
 public:
  using json = nlohmann::json;

  explicit json_reader(const std::filesystem::path& path) : path_(path) {}

  [[noreturn]] void fail(std::initializer_list<steer::text_part> what) const {
    throw steer::format_error(steer::text({"file ", steer::thing(path_.string()), at_.empty() ? "" : ", ", at_, ": ", steer::text(what)}));
  }

  /// An object of a file, or the objects of a file with one on each line.
  [[nodiscard]] json whole() {
    if (path_.extension() != ".jsonl") {
      std::ifstream in(path_);
      if (!in || std::filesystem::is_directory(path_)) {
        throw steer::file_error(steer::text({"file ", path_.string(), " cannot be read"}));
      }
      return parse({std::istreambuf_iterator<char>(in), {}});
    }
    json out = json::array();
    std::size_t number = 0;
    for (const std::string& line : raw_lines(path_)) {
      at_ = steer::text({"line ", ++number});
      if (!is_blank(line)) {
        out.push_back(parse(line));
      }
    }
    at_.clear();
    return out;
  }

  /// All texts of a concept.
  contrast_texts texts_of(const json& all) {
    contrast_texts out;
    if (all.is_object() && all.contains("positive") && all.contains("negative")) {
      for (const auto& [name, side] : {std::pair{"positive", &out.positive}, {"negative", &out.negative}}) {
        for (const json& each : list(all.at(name), steer::text({"\"", name, "\""}))) {
          at_ = steer::text({name, " text ", side->size() + 1});
          side->push_back(text(each));
        }
        at_.clear();
      }
    } else {
      for (const json& each : list(all.is_object() ? all.at("pairs") : all, "pairs")) {
        at_ = steer::text({"pair ", out.positive.size() + 1});
        auto [positive, negative] = pair(each);
        if (positive == negative) {
          fail({"both sides are ", steer::actual("the same"), "; expected ", steer::expected("texts that differ")});
        }
        out.positive.push_back(std::move(positive));
        out.negative.push_back(std::move(negative));
      }
      at_.clear();
    }
    if (out.positive.empty() || out.negative.empty()) {
      fail({"has ", steer::actual("no pairs")});
    }
    return out;
  }

 private:
  json parse(const std::string& written) const {
    try {
      return json::parse(written);
    } catch (const json::exception& problem) {
      fail({"is no JSON: ", std::string_view(problem.what())});
    }
  }

  const json& list(const json& it, std::string_view what) const {
    if (!it.is_array()) {
      fail({what, " is ", steer::actual({"a JSON ", it.type_name()}), "; expected ", steer::expected("a list")});
    }
    return it;
  }

  std::string string(const json& it, std::string_view what) const {
    if (!it.is_string()) {
      fail({what, " is ", steer::actual({"a JSON ", it.type_name()}), "; expected ", steer::expected("a text")});
    }
    return it.get<std::string>();
  }

  /// What a turn says: a text, or the texts of its parts.
  std::string content(const json& it) const {
    std::string out;
    if (it.is_array()) {
      for (const json& part : it) {
        if (!part.is_object() || part.value("type", "") != "text" || !part.contains("text")) {
          fail({"a message has content that is ", steer::actual("no text"), "; expected ", steer::expected("parts of type text")});
        }
        out += string(part.at("text"), "a part of a message");
      }
    } else {
      out = string(it, "the content of a message");
    }
    return out;
  }

  dialogue messages(const json& all) const {
    dialogue out;
    for (const json& each : all) {
      if (!each.is_object() || !each.contains("role") || !each.contains("content")) {
        fail({"message ", out.size() + 1, " has ", steer::actual("no role or no content"), "; expected ", steer::expected("both")});
      }
      const std::string role = string(each.at("role"), "the role of a message");
      if (role != "system" && role != "user" && role != "assistant") {
        fail({"message ", out.size() + 1, " has the role ", steer::actual(role), "; expected ", steer::expected("system, user or assistant")});
      }
      for (const char* const meant : {"tool_calls", "function_call", "audio"}) {
        if (each.contains(meant) && !each.at(meant).empty()) {
          fail({"message ", out.size() + 1, " holds ", steer::actual(meant), ", which no template here can write; expected ",
                steer::expected("its text alone")});
        }
      }
      out.push_back({role, content(each.at("content"))});
      if (out.back().content.empty()) {
        fail({"message ", out.size(), " is ", steer::actual("empty"), "; expected ", steer::expected("a text")});
      }
    }
    if (out.empty()) {
      fail({"has ", steer::actual("no messages"), "; expected ", steer::expected("at least one")});
    }
    return out;
  }

  /// A request, a list of messages, or an object that holds one.
  dialogue text(const json& it) const {
    if (it.is_string()) {
      std::string words = it.get<std::string>();
      if (is_blank(words)) {
        fail({"a text is ", steer::actual("blank"), "; expected ", steer::expected("words")});
      }
      return request(std::move(words));
    }
    const bool holds = it.is_object() && it.contains("messages");
    return messages(list(holds ? it.at("messages") : it, "a text that is no string"));
  }

  /// What is asked, and one of its answers: a text, or messages that may begin with those that were asked.
  dialogue answered(const dialogue& asked, const json& it) const {
    if (it.is_string()) {
      dialogue out = asked;
      out.push_back({"assistant", it.get<std::string>()});
      if (is_blank(out.back().content)) {
        fail({"an answer is ", steer::actual("blank"), "; expected ", steer::expected("words")});
      }
      return out;
    }
    dialogue out = text(it);
    if (out.size() < asked.size() || !std::equal(asked.begin(), asked.end(), out.begin())) {
      out.insert(out.begin(), asked.begin(), asked.end());
    }
    return out;
  }

  std::pair<dialogue, dialogue> pair(const json& it) const {
    if (it.is_array()) {
      if (it.size() != 2) {
        fail({"has ", steer::actual({it.size(), " texts"}), "; expected ", steer::expected("two")});
      }
      return {text(it[0]), text(it[1])};
    }
    if (!it.is_object()) {
      fail({"is ", steer::actual({"a JSON ", it.type_name()}), "; expected ", steer::expected("two texts")});
    }
    struct form {
      const char* asked;
      const char* positive;
      const char* negative;
    };
    constexpr form forms[] = {{nullptr, "positive", "negative"},
                              {"question", "answer_matching_behavior", "answer_not_matching_behavior"},
                              {"prompt", "chosen", "rejected"}};
    for (const auto& [asked, positive, negative] : forms) {
      if (it.contains(positive) && it.contains(negative)) {
        const bool is_asked = asked != nullptr && it.contains(asked);
        if (is_asked) {
          const dialogue before = text(it.at(asked));
          return {answered(before, it.at(positive)), answered(before, it.at(negative))};
        }
        return {text(it.at(positive)), text(it.at(negative))};
      }
    }
    std::string keys;
    for (const auto& [name, value] : it.items()) {
      keys += (keys.empty() ? "" : ", ") + name;
    }
    fail({"has the keys ", steer::actual(keys), "; expected ",
          steer::expected("positive and negative, question with answer_matching_behavior and answer_not_matching_behavior, or prompt "
                          "with chosen and rejected")});
  }

  std::filesystem::path path_;
  std::string at_;
};

/// The part of a file that is a concept's: all of it, or what stands under its name.
inline nlohmann::json concept_of(json_reader& from, const std::string& name) {
  nlohmann::json all = from.whole();
  const auto is_concept = [](const nlohmann::json& it) {
    return it.is_array() || (it.is_object() && (it.contains("pairs") || (it.contains("positive") && it.contains("negative"))));
  };
  if (is_concept(all)) {
    return all;
  }
  if (!all.is_object()) {
    from.fail({"is ", steer::actual({"a JSON ", all.type_name()}), "; expected ", steer::expected("pairs")});
  }
  if (!all.contains(name) || !is_concept(all.at(name))) {
    std::string known;
    for (const auto& [key, entry] : all.items()) {
      known += is_concept(entry) ? (known.empty() ? "" : ", ") + key : "";
    }
    from.fail({"has no concept ", steer::actual("\"" + name + "\""), "; it has ", steer::expected(known.empty() ? "none" : known)});
  }
  return all.at(name);
}

}  // namespace detail

/// Contrast texts from a JSON file, or from one with an object on each line (.jsonl). A concept is
///
///     {"pairs": [pair, ...]} or [pair, ...]              texts that belong together
///     {"positive": [text, ...], "negative": [...]}       two sides without pairs, if they have not as many texts
///
/// or several of these by their names. A pair is ["a", "b"] or {"positive": "a", "negative": "b"}; {"question",
/// "answer_matching_behavior", "answer_not_matching_behavior"}, as in Anthropic's evaluations and CAA; or {"prompt", "chosen",
/// "rejected"}, as in preference data. A text is a string, which is a user's request, or a list of messages with role and content.
///
/// @throws steer::file_error if it cannot be read; steer::format_error naming the pair, and what is there instead of what
inline contrast_texts read_json_pairs(const std::filesystem::path& path, const std::string& concept_name) {
  detail::json_reader from(path);
  return from.texts_of(detail::concept_of(from, concept_name));
}

/// What in such texts is perhaps not meant, for the user to see. In a template control tokens are read as such.
inline std::vector<std::string> notes_on(const std::filesystem::path& path, const contrast_texts& texts, bool tokens_are_read) {
  std::vector<std::string> out;
  const auto look = [&](std::string_view name, const std::vector<dialogue>& side) {
    std::map<std::string, std::size_t> first;
    for (std::size_t i = 0; i < side.size(); ++i) {
      std::string whole;
      for (const turn& each : side[i]) {
        whole += each.role + '\n' + each.content + '\n';
      }
      const auto note = [&](std::initializer_list<steer::text_part> parts) {
        out.push_back(steer::text({"file ", path.string(), ", ", name, " text ", i + 1, ": ", steer::text(parts)}));
      };
      if (const auto [before, is_new] = first.try_emplace(whole, i + 1); !is_new) {
        note({"is the same as text ", before->second});
      }
      if (const std::string token = detail::control_token_in(whole); !token.empty()) {
        note({"holds ", token, ", which is read as ", tokens_are_read ? "a token" : "plain text"});
      }
    }
  };
  look("positive", texts.positive);
  look("negative", texts.negative);
  return out;
}

}  // namespace llama_steer
