// steer_streams/comparison.hpp: figures of many models, by architecture, with their errors over seeds.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdlib>
#include <istream>
#include <iterator>
#include <limits>
#include <map>
#include <ostream>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "steer/core/error.hpp"
#include "steer_story/dose_table.hpp"
#include "steer_streams/measure.hpp"
#include "terminal.hpp"

namespace steer_streams {

/// What was measured of one model.
struct model_figures {
  std::string model;
  int streams = 1;
  std::vector<figure> figures;
};

inline constexpr const char* csv_header = "model,streams,place,method,metric,value";

inline void write_csv(const std::vector<model_figures>& all, std::ostream& out) {
  out << csv_header << '\n';
  for (const model_figures& m : all) {
    for (const figure& f : m.figures) {
      out << m.model << ',' << m.streams << ',' << f.place << ',' << f.method << ',' << f.metric << ',' << steer_story::detail::format("%.6f", f.value) << '\n';
    }
  }
}

/// What `write_csv` wrote.
/// @throws steer::format_error naming the line
inline std::vector<model_figures> read_csv(std::istream& in, const std::string& name) {
  std::vector<model_figures> out;
  std::string line;
  std::getline(in, line);
  const auto refuse = [&](std::size_t at, const std::string& what) {
    throw steer::format_error(steer::text({"file ", name, ", line ", at, ": \"", what, "\"; expected ", csv_header}));
  };
  if (line != csv_header) {
    refuse(1, line);
  }
  for (std::size_t at = 2; std::getline(in, line); ++at) {
    std::vector<std::string> parts;
    std::istringstream cells(line);
    for (std::string cell; std::getline(cells, cell, ',');) {
      parts.push_back(cell);
    }
    char* end = nullptr;
    const double value = parts.size() == 6 ? std::strtod(parts[5].c_str(), &end) : 0.0;
    const long streams = parts.size() == 6 ? std::strtol(parts[1].c_str(), nullptr, 10) : 0;
    if (parts.size() != 6 || end == parts[5].c_str() || *end != '\0' || streams < 1) {
      refuse(at, line);
    }
    if (out.empty() || out.back().model != parts[0]) {
      out.push_back({parts[0], static_cast<int>(streams), {}});
    }
    out.back().figures.push_back({parts[2], parts[3], parts[4], value});
  }
  return out;
}

namespace detail {

struct sample {
  double mean = 0.0;
  double error = std::numeric_limits<double>::quiet_NaN();  ///< standard error of the mean
  std::size_t count = 0;
};

inline sample sample_of(const std::vector<double>& values) {
  sample out;
  out.count = values.size();
  for (const double value : values) {
    out.mean += value / static_cast<double>(values.size());
  }
  if (values.size() > 1) {
    double squares = 0.0;
    for (const double value : values) {
      squares += (value - out.mean) * (value - out.mean);
    }
    const auto n = static_cast<double>(values.size());
    out.error = std::sqrt(squares / (n - 1.0) / n);
  }
  return out;
}

/// The two-sided 95 % quantile of Student's t.
/// @source tables; between them the next smaller number of degrees, which is the larger quantile
inline double t_quantile(double degrees) {
  constexpr std::pair<double, double> table[] = {{1, 12.706}, {2, 4.303}, {3, 3.182}, {4, 2.776}, {5, 2.571}, {6, 2.447}, {7, 2.365},
                                                 {8, 2.306},  {9, 2.262}, {10, 2.228}, {15, 2.131}, {20, 2.086}, {30, 2.042}};
  double out = std::numeric_limits<double>::infinity();
  for (const auto& [most, quantile] : table) {
    out = degrees >= most ? quantile : out;
  }
  return out;
}

}  // namespace detail

/// A line for each figure that both architectures have: means over models, the difference, and the smallest one that so many models could
/// have shown: Welch's interval of 95 %. `*` marks what lies beyond it.
inline std::string to_string(const std::vector<model_figures>& all, const example::terminal& out) {
  struct values {
    std::map<bool, std::vector<double>> of;  // with several streams or one
  };
  std::vector<std::pair<figure, values>> lines;
  for (const model_figures& m : all) {
    for (const figure& f : m.figures) {
      auto found = std::ranges::find_if(lines, [&](const auto& line) {
        return line.first.place == f.place && line.first.method == f.method && line.first.metric == f.metric;
      });
      if (found == lines.end()) {
        lines.push_back({f, {}});
        found = std::prev(lines.end());
      }
      if (std::isfinite(f.value)) {
        found->second.of[m.streams > 1].push_back(f.value);
      }
    }
  }
  using steer_story::detail::format;
  std::string text = out.paint(format("%-16s%-11s%-18s%18s%18s%12s%12s", "place", "method", "", "one stream", "several", "difference", "shown from"),
                               example::colour::bold) + "\n";
  for (auto& [f, found] : lines) {
    text += format("%-16s%-11s%-18s", f.place.c_str(), f.method.c_str(), f.metric.c_str());
    const detail::sample one = detail::sample_of(found.of[false]);
    const detail::sample several = detail::sample_of(found.of[true]);
    for (const detail::sample& each : {one, several}) {
      text += each.count == 0 ? format("%18s", "") : format("%10.3f ±%.3f", each.mean, each.error) + std::string(2, ' ');
    }
    if (one.count > 1 && several.count > 1) {
      const double a = one.error * one.error;
      const double b = several.error * several.error;
      const double degrees = (a + b) * (a + b) / (a * a / static_cast<double>(one.count - 1) + b * b / static_cast<double>(several.count - 1));
      const double least = a + b > 0.0 ? detail::t_quantile(degrees) * std::sqrt(a + b) : 0.0;
      const double difference = several.mean - one.mean;
      text += format("%+12.3f%12.3f%s", difference, least, std::abs(difference) > least ? " *" : "");
    }
    text += "\n";
  }
  return text;
}

}  // namespace steer_streams
