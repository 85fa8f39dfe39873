// readme.cpp: README.md and the pages beside the programs say what is so.
//
//     readme ROOT [--expect FILE]
//
// Pages are the *.md files at the top and in the repository's folders, without fixtures.
//
// - The first two ```sh blocks of README.md are one command line each; the second is what .ci/run runs.
// - Presets and programs that a page names exist, and files in backticks: from the root, or steer/... as an #include
//   has them.
// - Links are relative to their page, lead to a file of the repository and to a heading that it has. Another page links
//   to each page but README.md.
// - Code is quoted: <!-- from FILE --> before a ```cpp, ```cmake or other block of code, whose lines stand together in
//   FILE, whatever their common indentation.
// - Output is quoted: <!-- output of examples/NAME --> before a ```text block, whose lines stand together in
//   examples/NAME.txt, which the program's own test compares with what it prints.

#include <algorithm>
#include <array>
#include <cctype>
#include <cstddef>
#include <exception>
#include <filesystem>
#include <iostream>
#include <map>
#include <regex>
#include <set>
#include <string>
#include <string_view>
#include <vector>
#include <nlohmann/json.hpp>

#include "complaints.hpp"

namespace {

namespace fs = std::filesystem;
using lines = std::vector<std::string>;

struct block {
  std::size_t number;  // of its first line in the page
  std::string language;
  std::string source;  // what the comment before it says: "from FILE" or "output of FILE"; empty without one
  lines body;
};

struct document {
  std::vector<block> blocks;
  std::vector<std::pair<std::size_t, std::string>> prose;  // numbered lines outside of blocks
  std::set<std::string> anchors;                           // of its headings
};

using pages = std::map<std::string, document>;  // by path from the root

std::string without_trailing_space(const std::string& line) {
  return line.substr(0, line.find_last_not_of(" \t\r") + 1);  // npos + 1 is 0
}

// Without the indentation that all lines share, and without spaces at the ends.
lines flush(lines text) {
  std::size_t shared = std::string::npos;
  for (std::string& line : text) {
    line = without_trailing_space(line);
    if (!line.empty()) {
      shared = std::min(shared, line.find_first_not_of(" \t"));
    }
  }
  for (std::string& line : text) {
    line = line.empty() ? line : line.substr(shared);
  }
  return text;
}

// Whether the lines of `part` stand together somewhere in `whole`.
bool stands_in(const lines& part, const lines& whole) {
  const lines wanted = flush(part);
  const auto size = static_cast<std::ptrdiff_t>(wanted.size());
  if (wanted.empty() || wanted.size() > whole.size()) {
    return false;
  }
  for (auto first = whole.begin(); whole.end() - first >= size; ++first) {
    if (flush({first, first + size}) == wanted) {
      return true;
    }
  }
  return false;
}

// What GitHub makes of a heading: lower case, hyphens for spaces, no other punctuation.
std::string anchor_of(const std::string& heading) {
  std::string out;
  for (const char c : heading) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == ' ') {
      out += '-';
    } else if (std::isalnum(byte) != 0 || c == '-' || c == '_' || byte >= 0x80) {
      out += static_cast<char>(std::tolower(byte));
    }
  }
  return out;
}

document read_document(const fs::path& file) {
  static const std::regex fence{R"(^ {0,3}```+\s*(\S*)\s*$)"};
  static const std::regex comment{R"(^\s*<!--\s*((?:from|output of)\s+\S+)\s*-->\s*$)"};
  static const std::regex heading{R"(^#{1,6}\s+(.*?)\s*$)"};
  document found;
  std::string source;
  bool inside = false;
  const lines text = house::lines_of(file);
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::smatch match;
    const bool is_fence = std::regex_match(text[i], match, fence);
    if (inside && is_fence && match[1].length() == 0) {
      inside = false;
    } else if (inside) {
      found.blocks.back().body.push_back(text[i]);
    } else if (is_fence) {
      found.blocks.push_back({i + 2, match[1], source, {}});
      source.clear();
      inside = true;
    } else if (std::regex_match(text[i], match, comment)) {
      source = match[1];
    } else {
      found.prose.emplace_back(i + 1, text[i]);
      if (std::regex_match(text[i], match, heading)) {
        found.anchors.insert(anchor_of(match[1]));
      }
      if (!without_trailing_space(text[i]).empty()) {
        source.clear();  // the comment was about something else
      }
    }
  }
  return found;
}

pages read_pages(const fs::path& root) {
  constexpr std::array folders{".ci", ".github", "bench", "cmake", "examples", "include", "tests"};
  pages found;
  const auto add = [&](const fs::directory_entry& entry) {
    if (entry.is_regular_file() && entry.path().extension() == ".md") {
      found[entry.path().lexically_relative(root).generic_string()] = read_document(entry.path());
    }
  };
  for (const auto& entry : fs::directory_iterator{root}) {
    add(entry);
  }
  for (const char* folder : folders) {
    if (!fs::is_directory(root / folder)) {
      continue;
    }
    for (auto entry = fs::recursive_directory_iterator{root / folder}; entry != fs::recursive_directory_iterator{};
         ++entry) {
      if (entry->is_directory() && entry->path().filename() == "fixtures") {
        entry.disable_recursion_pending();
      }
      add(*entry);
    }
  }
  return found;
}

class checker {
 public:
  explicit checker(fs::path root) : root_{std::move(root)}, pages_{read_pages(root_)} {
    if (!pages_.contains("README.md")) {
      throw std::runtime_error("cannot read " + (root_ / "README.md").string());
    }
    const nlohmann::json presets = nlohmann::json::parse(std::ifstream{root_ / "CMakePresets.json"});
    for (const char* kind : {"configure", "build", "test", "workflow"}) {
      for (const auto& preset : presets.value(std::string{kind} + "Presets", nlohmann::json::array())) {
        if (!preset.value("hidden", false)) {
          presets_.insert(std::string{kind} + ' ' + preset.at("name").get<std::string>());
        }
      }
    }
  }

  std::vector<std::string> complaints() {
    for (const auto& [name, text] : pages_) {
      page_ = name;
      if (name == "README.md") {
        check_commands(text);
      }
      check_page(text);
    }
    for (const auto& [name, text] : pages_) {
      if (name != "README.md" && !linked_.contains(name)) {
        page_ = name;
        complain(1, "no other page links to it");
      }
    }
    return complaints_;
  }

 private:
  void complain(std::size_t number, const std::string& what) {
    complaints_.push_back(page_ + ":" + std::to_string(number) + ": " + what);
  }

  void check_page(const document& text) {
    for (const block& b : text.blocks) {
      if (b.language == "sh") {
        check_presets(b);
      } else if (b.language == "text") {
        check_output(b);
      } else if (!b.language.empty()) {
        check_code(b);
      }
      for (std::size_t i = 0; i < b.body.size(); ++i) {
        check_programs(b.number + i, b.body[i]);
      }
    }
    for (const auto& [number, line] : text.prose) {
      check_programs(number, line);
      check_links(number, line);
      check_paths(number, line);
    }
  }

  // The two commands that a newcomer types.
  void check_commands(const document& readme) {
    std::vector<const block*> commands;
    for (const block& b : readme.blocks) {
      if (b.language == "sh" && commands.size() < 2) {
        commands.push_back(&b);
        if (b.body.size() != 1) {
          complain(b.number, "the first two sh blocks must be one line each");
        }
      }
    }
    if (commands.size() < 2) {
      complain(1, "two sh blocks are wanted: the main job and the tests");
      return;
    }
    const block& tests = *commands[1];
    const lines ci = house::lines_of(root_ / ".ci/run");
    if (tests.body.empty() || std::count(ci.begin(), ci.end(), "run '" + tests.body.front() + "'") != 1) {
      complain(tests.number, "the test command is not the one that .ci/run runs");
    }
  }

  // cmake --preset X, cmake --build --preset X, cmake --workflow --preset X, ctest --preset X
  void check_presets(const block& b) {
    static const std::regex call{R"((cmake|ctest)((?:\s+[^\s&|;]+)*?)\s+--preset[ =]([\w-]+))"};
    for (std::size_t i = 0; i < b.body.size(); ++i) {
      const std::string& line = b.body[i];
      for (auto match = std::sregex_iterator{line.begin(), line.end(), call}; match != std::sregex_iterator{};
           ++match) {
        const std::string before = (*match)[2];
        const auto has = [&](const char* option) { return before.find(option) != std::string::npos; };
        const std::string kind = (*match)[1] == "ctest" ? "test"
                                 : has("--build")       ? "build"
                                 : has("--workflow")    ? "workflow"
                                                        : "configure";
        if (!presets_.contains(kind + ' ' + (*match)[3].str())) {
          complain(b.number + i, "there is no " + kind + " preset " + (*match)[3].str());
        }
      }
    }
  }

  // build/<preset>/bin/NAME and --target NAME
  void check_programs(std::size_t number, const std::string& line) {
    static const std::regex path{R"(build/([\w-]+)/bin/([\w-]+))"};
    static const std::regex target{R"(--target\s+([\w-]+))"};
    for (auto match = std::sregex_iterator{line.begin(), line.end(), path}; match != std::sregex_iterator{}; ++match) {
      if (!presets_.contains("configure " + (*match)[1].str())) {
        complain(number, "there is no configure preset " + (*match)[1].str());
      }
      check_program(number, (*match)[2]);
    }
    for (auto match = std::sregex_iterator{line.begin(), line.end(), target}; match != std::sregex_iterator{};
         ++match) {
      check_program(number, (*match)[1]);
    }
  }

  void check_program(std::size_t number, const std::string& name) {
    constexpr std::string_view storybox = "storybox_";
    const bool known = name == "steer_tests" || name == "steer_bench" || name == "install" ||
                       fs::exists(root_ / "examples" / (name + ".cpp")) ||
                       (name.starts_with(storybox) &&
                        fs::exists(root_ / "examples/storybox" / (name.substr(storybox.size()) + ".cpp")));
    if (!known) {
      complain(number, "there is no program " + name);
    }
  }

  void check_code(const block& b) {
    check_quotation(b, "from ", "", b.language + " block without <!-- from FILE --> before it");
  }

  void check_output(const block& b) {
    check_quotation(b, "output of ", ".txt", "text block without <!-- output of examples/NAME --> before it");
  }

  void check_quotation(const block& b, std::string_view words, const std::string& ending,
                       const std::string& otherwise) {
    if (!b.source.starts_with(words)) {
      complain(b.number, otherwise);
      return;
    }
    const std::string name = b.source.substr(b.source.find_last_of(" \t") + 1) + ending;
    if (!fs::is_regular_file(root_ / name)) {
      complain(b.number, "quotes " + name + ", which does not exist");
    } else if (!stands_in(b.body, house::lines_of(root_ / name))) {
      complain(b.number, "these lines do not stand together in " + name);
    }
  }

  void check_links(std::size_t number, const std::string& line) {
    static const std::regex link{R"(\]\(([^)\s]+)[^)]*\))"};
    for (auto match = std::sregex_iterator{line.begin(), line.end(), link}; match != std::sregex_iterator{}; ++match) {
      const std::string target = (*match)[1];
      if (target.find("://") == std::string::npos && !target.starts_with("mailto:")) {
        check_link(number, target);
      }
    }
  }

  void check_link(std::size_t number, const std::string& target) {
    const std::size_t hash = target.find('#');
    const std::string file = target.substr(0, hash);
    fs::path to = file.empty() ? fs::path{page_} : (fs::path{page_}.parent_path() / file).lexically_normal();
    if (to.is_absolute() || *to.begin() == "..") {
      complain(number, "links to " + target + ", outside of the repository");
      return;
    }
    if (!fs::exists(root_ / to)) {
      complain(number, "links to " + target + ", which does not exist");
      return;
    }
    if (fs::is_directory(root_ / to)) {
      to = (to / "README.md").lexically_normal();
    }
    const auto page = pages_.find(to.generic_string());
    if (page != pages_.end() && page->first != page_) {
      linked_.insert(page->first);
    }
    if (hash != std::string::npos &&
        (page == pages_.end() || !page->second.anchors.contains(target.substr(hash + 1)))) {
      complain(number, "links to " + target + ", and there is no such heading");
    }
  }

  // Paths in backticks.
  void check_paths(std::size_t number, const std::string& line) {
    static const std::regex path{R"(`((?:include|tests|bench|examples|cmake|\.ci|\.github|steer)/[^`\s*<>{}]*)`)"};
    for (auto match = std::sregex_iterator{line.begin(), line.end(), path}; match != std::sregex_iterator{}; ++match) {
      const std::string name = (*match)[1];
      if (!fs::exists(root_ / (name.starts_with("steer/") ? "include/" + name : name))) {
        complain(number, "names " + name + ", which does not exist");
      }
    }
  }

  fs::path root_;
  pages pages_;
  std::string page_;               // the one that is checked
  std::set<std::string> linked_;   // pages to which another one links
  std::set<std::string> presets_;  // "<kind> <name>"
  std::vector<std::string> complaints_;
};

}  // namespace

int main(int argc, char** argv) try {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  if (arguments.size() != 1 && (arguments.size() != 3 || arguments[1] != "--expect")) {
    std::cerr << "readme ROOT [--expect FILE]\n";
    return 2;
  }
  return house::verdict(checker{arguments[0]}.complaints(), arguments.size() == 3 ? arguments[2] : "");
} catch (const std::exception& e) {
  std::cerr << "readme: " << e.what() << '\n';
  return 2;
}
