// layers.cpp: who may include whom, checked on the real #include lines.
//
//     layers INCLUDE_FOLDER [--expect FILE] [HEADER=LIBRARY]...
//
// Dependencies point down only and folders on one line never include each other. HEADER is an opt-in header, LIBRARY
// what it may include besides: a header's name, or the start of one.

#include <array>
#include <cstddef>
#include <exception>
#include <filesystem>
#include <iostream>
#include <map>
#include <optional>
#include <regex>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "complaints.hpp"

namespace {

// From the bottom up; keep in step with the library's design. Folders with the same height are siblings.
constexpr std::array<std::pair<std::string_view, int>, 13> layers{{{"core", 0},
                                                                   {"kernel", 1},
                                                                   {"vector", 2},
                                                                   {"recipe", 3},
                                                                   {"extract", 4},
                                                                   {"compose", 4},
                                                                   {"inject", 4},
                                                                   {"io", 4},
                                                                   {"guard", 5},
                                                                   {"fit", 6},
                                                                   {"measure", 6},
                                                                   {"serve", 7},
                                                                   {"adapter", 8}}};
constexpr std::string_view umbrella = "steer.hpp";

std::optional<int> height_of(std::string_view folder) {
  for (const auto& [name, height] : layers) {
    if (name == folder) {
      return height;
    }
  }
  return std::nullopt;
}

struct include_line {
  std::size_t number;
  std::string name;  // as written
};

struct header {
  std::string folder;  // empty for the umbrella
  std::vector<include_line> foreign;
  std::vector<include_line> own;  // name relative to include/steer
};

using headers = std::map<std::string, header>;                   // by path relative to include/steer
using opt_in = std::map<std::string, std::vector<std::string>>;  // header -> what it may include besides

bool starts_with_any(std::string_view name, std::span<const std::string> starts) {
  return std::any_of(starts.begin(), starts.end(), [&](const std::string& start) { return name.starts_with(start); });
}

bool is_standard(std::string_view name) {
  return name.find_first_not_of("abcdefghijklmnopqrstuvwxyz_0123456789") == std::string_view::npos;
}

// The system's own headers where the standard library has no word for it: mapped files, locks, the processor and its vectors.
bool is_system_header_of(std::string_view folder, std::string_view name) {
  if (folder == "io" || folder == "serve") {
    return name.starts_with("sys/") || name == "fcntl.h" || name == "unistd.h" || name == "windows.h";
  }
  return folder == "kernel" && (name == "cpuid.h" || name == "arm_neon.h");
}

headers read_headers(const std::filesystem::path& include) {
  static const std::regex pattern{R"(^\s*#\s*include\s*(["<])([^">]+)[">].*)"};
  headers found;
  const std::filesystem::path root = include / "steer";
  for (const auto& entry : std::filesystem::recursive_directory_iterator{root}) {
    if (!entry.is_regular_file() || entry.path().extension() == ".md") {  // pages stand beside what they are about
      continue;
    }
    const std::filesystem::path relative = entry.path().lexically_relative(root);
    header& current = found[relative.generic_string()];
    current.folder = relative.has_parent_path() ? relative.begin()->string() : "";
    const std::vector<std::string> lines = house::lines_of(entry.path());
    for (std::size_t i = 0; i < lines.size(); ++i) {
      std::smatch match;
      if (!std::regex_match(lines[i], match, pattern)) {
        continue;
      }
      const std::string name = match[2];
      const std::filesystem::path beside = (relative.parent_path() / name).lexically_normal();
      if (name.starts_with("steer/")) {
        current.own.push_back({i + 1, name.substr(std::string_view{"steer/"}.size())});
      } else if (match[1] == "\"" && std::filesystem::exists(root / beside)) {
        current.own.push_back({i + 1, beside.generic_string()});
      } else {
        current.foreign.push_back({i + 1, name});
      }
    }
  }
  return found;
}

// Bodies stand in an .ipp file beside their header, which includes it at its end, and may need what the header may.
bool is_bodies(const std::string& path) { return path.ends_with(".ipp"); }
std::string header_of(const std::string& path) {
  return is_bodies(path) ? path.substr(0, path.size() - 4) + ".hpp" : path;
}

void check_line(const std::string& path, const header& from, const include_line& line, const headers& all,
                const opt_in& opt_ins, std::vector<std::string>& complaints) {
  const auto complain = [&](const std::string& what) {
    complaints.push_back(path + ":" + std::to_string(line.number) + ": includes " + line.name + ", " + what);
  };
  const auto to = all.find(line.name);
  if (to == all.end()) {
    complain("which does not exist");
    return;
  }
  if (line.name == umbrella) {
    complain("the umbrella, which is for users");
    return;
  }
  if (is_bodies(line.name) && header_of(line.name) != path) {
    complain("bodies, which only their own header includes");
    return;
  }
  if (path == umbrella && to->second.folder == "adapter") {
    complain("an adapter: those are never in the umbrella");
  } else if (opt_ins.contains(header_of(line.name)) && !opt_ins.contains(header_of(path))) {
    complain("an opt-in header: only opt-in headers may");
  }
  const auto from_height = height_of(from.folder);
  const auto to_height = height_of(to->second.folder);
  if (!from_height || !to_height || from.folder == to->second.folder || *to_height < *from_height) {
    return;
  }
  complain(*to_height == *from_height ? from.folder + " and " + to->second.folder + " are siblings"
                                      : from.folder + " is below " + to->second.folder);
}

// Follows includes from `path`; complains where they lead back to a header that is still open. What the bodies at a header's
// end include may include the header: it has declared by then.
void visit(const std::string& path, const headers& all, std::set<std::string>& open, std::set<std::string>& done,
           std::vector<std::string>& complaints) {
  open.insert(path);
  done.insert(path);
  for (const include_line& line : all.at(path).own) {
    if (is_bodies(line.name)) {
      std::set<std::string> none_open;
      if (all.contains(line.name) && !done.contains(line.name)) {
        visit(line.name, all, none_open, done, complaints);
      }
    } else if (open.contains(line.name)) {
      complaints.push_back(path + ":" + std::to_string(line.number) + ": includes " + line.name +
                           ", which includes it");
    } else if (all.contains(line.name) && !done.contains(line.name)) {
      visit(line.name, all, open, done, complaints);
    }
  }
  open.erase(path);
}

std::vector<std::string> check(const headers& all, const opt_in& opt_ins) {
  std::vector<std::string> complaints;
  for (const auto& [path, from] : all) {
    if (path != umbrella && !height_of(from.folder)) {
      complaints.push_back(path + ": lies in no layer");
    }
    for (const include_line& line : from.foreign) {
      const auto besides = opt_ins.find(header_of(path));
      const bool allowed = is_standard(line.name) || line.name.starts_with("Eigen/") ||
                           is_system_header_of(from.folder, line.name) ||
                           (besides != opt_ins.end() && starts_with_any(line.name, besides->second));
      if (!allowed) {
        complaints.push_back(path + ":" + std::to_string(line.number) + ": includes " + line.name +
                             ", neither Eigen nor the standard library, and is no opt-in header for it");
      }
    }
    for (const include_line& line : from.own) {
      check_line(path, from, line, all, opt_ins, complaints);
    }
  }

  std::set<std::string> open;
  std::set<std::string> done;
  if (!all.contains(std::string{umbrella})) {
    complaints.push_back(std::string{umbrella} + ": is missing");
  }
  for (const auto& [path, from] : all) {  // where a user may enter
    if ((path == umbrella || opt_ins.contains(path) || from.folder == "adapter") && !done.contains(path)) {
      visit(path, all, open, done, complaints);
    }
  }
  for (const auto& [path, from] : all) {
    if (!done.contains(path)) {
      complaints.push_back(path + ": cannot be reached from the umbrella, an opt-in header or an adapter");
      visit(path, all, open, done, complaints);
    }
  }
  return complaints;
}

}  // namespace

int main(int argc, char** argv) try {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  std::filesystem::path include;
  std::filesystem::path expected;
  opt_in opt_ins;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string& argument = arguments[i];
    if (argument == "--expect" && i + 1 < arguments.size()) {
      expected = arguments[++i];
    } else if (const auto equals = argument.find('='); equals != std::string::npos) {
      opt_ins[argument.substr(0, equals)].push_back(argument.substr(equals + 1));
    } else {
      include = argument;
    }
  }
  const headers all = read_headers(include);
  if (all.empty()) {
    throw std::runtime_error("no headers below " + include.string());
  }
  std::cout << all.size() << " headers\n";
  return house::verdict(check(all, opt_ins), expected);
} catch (const std::exception& e) {
  std::cerr << "layers: " << e.what() << '\n';
  return 2;
}
