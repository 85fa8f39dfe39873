// terminal.hpp: what only a person at a terminal sees: colour and a progress bar.
#pragma once

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace example {

enum class colour { plain, bold, dim, green, blue, red };

/// Standard output, in colour if it is a terminal and NO_COLOR is not set.
class terminal {
 public:
  terminal() : coloured_(isatty(STDOUT_FILENO) == 1 && std::getenv("NO_COLOR") == nullptr) {}

  [[nodiscard]] std::string paint(std::string_view text, colour c) const {
    const char* const code = c == colour::bold    ? "1"
                             : c == colour::dim   ? "2"
                             : c == colour::green ? "32"
                             : c == colour::blue  ? "34"
                             : c == colour::red   ? "31"
                                                  : "";
    if (!coloured_ || c == colour::plain) {
      return std::string(text);
    }
    return "\033[" + std::string(code) + "m" + std::string(text) + "\033[0m";
  }

  /// Characters in a line.
  [[nodiscard]] static std::size_t width() {
    winsize size{};
    const bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col >= 60;
    return known ? std::min<std::size_t>(size.ws_col, 120) : 100;
  }

 private:
  bool coloured_;
};

/// A bar on standard error while work goes on, gone afterwards; silent where that is no terminal.
class progress_bar {
 public:
  explicit progress_bar(std::string label) : label_(std::move(label)), shown_(isatty(STDERR_FILENO) == 1) {}
  progress_bar(const progress_bar&) = delete;
  progress_bar& operator=(const progress_bar&) = delete;
  ~progress_bar() {
    if (shown_) {
      std::fputs("\r\033[K", stderr);
    }
  }

  /// May be called by any thread.
  void operator()(double done) {
    const std::lock_guard lock(mutex_);
    const auto percent = static_cast<int>(100.0 * done);
    if (!shown_ || percent <= percent_) {
      return;
    }
    percent_ = percent;
    constexpr int cells = 40;
    const int full = cells * percent / 100;
    std::string bar;
    for (int cell = 0; cell < cells; ++cell) {
      bar += cell < full ? "█" : "░";
    }
    std::fprintf(stderr, "\r%s %s %3d %%", label_.c_str(), bar.c_str(), percent);
    std::fflush(stderr);
  }

 private:
  std::string label_;
  bool shown_;
  std::mutex mutex_;
  int percent_ = -1;
};

/// A piece of text in one colour.
struct span_of_text {
  std::string text;
  colour tint = colour::plain;
};

namespace detail {

/// Words of coloured pieces in lines of at most `width` characters; each line is padded to that width.
inline std::vector<std::string> wrap(std::span<const span_of_text> pieces, std::size_t width, const terminal& out) {
  std::vector<std::string> lines;
  std::string line;
  std::size_t used = 0;
  const auto finish = [&] {
    lines.push_back(line + std::string(width - std::min(used, width), ' '));
    line.clear();
    used = 0;
  };
  for (const span_of_text& piece : pieces) {
    for (std::size_t at = piece.text.find_first_not_of(" \n"); at != std::string::npos;) {
      const std::size_t end = std::min(piece.text.find_first_of(" \n", at), piece.text.size());
      const std::string word = piece.text.substr(at, end - at);
      if (used > 0 && used + 1 + word.size() > width) {
        finish();
      }
      line += used > 0 ? " " : "";
      used += (used > 0 ? 1 : 0) + word.size();
      line += out.paint(word, piece.tint);
      at = piece.text.find_first_not_of(" \n", end);
    }
  }
  finish();
  return lines;
}

}  // namespace detail

/// Texts in columns beside each other, each under its title.
struct column {
  std::string title;
  std::vector<span_of_text> pieces;
};

inline std::string side_by_side(std::span<const column> columns, const terminal& out) {
  constexpr std::size_t gap = 3;
  const std::size_t width = (terminal::width() - gap * (columns.size() - 1)) / columns.size();
  std::vector<std::vector<std::string>> lines;
  std::size_t height = 0;
  for (const column& c : columns) {
    const span_of_text title{c.title, colour::bold};
    lines.push_back(detail::wrap({&title, 1}, width, out));
    for (std::string& line : detail::wrap(c.pieces, width, out)) {
      lines.back().push_back(std::move(line));
    }
    height = std::max(height, lines.back().size());
  }
  std::string text;
  for (std::size_t row = 0; row < height; ++row) {
    std::string line;
    for (std::size_t c = 0; c < lines.size(); ++c) {
      line += (c == 0 ? "" : std::string(gap, ' ')) + (row < lines[c].size() ? lines[c][row] : std::string(width, ' '));
    }
    text += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  }
  return text;
}

}  // namespace example
