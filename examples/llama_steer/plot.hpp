// llama_steer/plot.hpp: small charts as SVG, in the colours of the page that they stand on.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace llama_steer::plot {

/// A text as it may stand in HTML or SVG, in an element or an attribute.
inline std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      case '\'': out += "&#39;"; break;
      default: out += c;
    }
  }
  return out;
}

/// A number with as many decimals as it takes, at most so many.
inline std::string number(double x, int decimals = 3) {
  char out[64];
  std::snprintf(out, sizeof out, "%.*f", decimals, x);
  std::string text = out;
  if (text.find('.') != std::string::npos) {
    text.erase(text.find_last_not_of('0') + 1);
    text.erase(text.find_last_not_of('.') + 1);
  }
  return text == "-0" ? "0" : text;
}

/// Round numbers that cover an interval: steps of 1, 2 or 5 times a power of ten.
/// @return at least two, the first at or below `low`, the last at or above `high`
inline std::vector<double> ticks(double low, double high, int about = 5) {
  if (!(high > low)) {
    high = low + 1.0;
  }
  const double raw = (high - low) / about;
  const double power = std::pow(10.0, std::floor(std::log10(raw)));
  const double step = power * (raw / power <= 1.0 ? 1.0 : raw / power <= 2.0 ? 2.0 : raw / power <= 5.0 ? 5.0 : 10.0);
  std::vector<double> out;
  const auto last = static_cast<int>(std::ceil(high / step - 1e-9));
  for (int i = static_cast<int>(std::floor(low / step + 1e-9)); i <= last; ++i) {
    out.push_back(i * step);
  }
  return out;
}

/// From numbers to places on the page.
struct scale {
  double low = 0.0;
  double high = 1.0;
  double from = 0.0;  ///< where `low` stands
  double to = 1.0;

  [[nodiscard]] double operator()(double x) const noexcept { return from + (x - low) / (high - low) * (to - from); }
};

struct point {
  double x = 0.0;
  double y = 0.0;
  double error = 0.0;  ///< of y; 0: none is drawn
  std::string label = {};
};

struct series {
  std::string name;
  std::vector<point> points;
  int colour = 0;       ///< the page's, 0 to 5
  bool joined = true;   ///< by lines
};

/// A line across the chart.
struct mark {
  std::string name;
  double y = 0.0;
};

struct chart {
  std::string x_name;
  std::string y_name;
  std::vector<series> all;
  std::vector<mark> marks = {};
  std::optional<double> y_low = std::nullopt;  ///< else that of the points
};

inline constexpr double chart_width = 640.0;
inline constexpr double chart_height = 300.0;

/// @throws nothing: a chart without points is empty
inline std::string drawn(const chart& what) {
  constexpr double left = 56.0;
  constexpr double right = 150.0;  // the names stand there
  constexpr double top = 12.0;
  constexpr double bottom = 44.0;
  double x_low = 1e300;
  double x_high = -1e300;
  double y_low = what.y_low.value_or(1e300);
  double y_high = -1e300;
  for (const series& s : what.all) {
    for (const point& p : s.points) {
      x_low = std::min(x_low, p.x);
      x_high = std::max(x_high, p.x);
      y_low = std::min(y_low, p.y - p.error);
      y_high = std::max(y_high, p.y + p.error);
    }
  }
  for (const mark& m : what.marks) {
    y_low = std::min(y_low, m.y);
    y_high = std::max(y_high, m.y);
  }
  std::string out = "<svg viewBox=\"0 0 " + number(chart_width) + " " + number(chart_height) + "\" role=\"img\" aria-label=\"" +
                    escaped(what.y_name + " by " + what.x_name) + "\">";
  if (x_low > x_high) {
    return out + "</svg>";
  }
  const std::vector<double> xs = ticks(x_low, x_high);
  const std::vector<double> ys = ticks(y_low, y_high);
  const scale x{xs.front(), xs.back(), left, chart_width - right};
  const scale y{ys.front(), ys.back(), chart_height - bottom, top};
  const auto line = [&](double x1, double y1, double x2, double y2, std::string_view kind) {
    out += "<line class=\"" + std::string(kind) + "\" x1=\"" + number(x1, 1) + "\" y1=\"" + number(y1, 1) + "\" x2=\"" + number(x2, 1) + "\" y2=\"" +
           number(y2, 1) + "\"/>";
  };
  const auto text = [&](double at_x, double at_y, std::string_view anchor, std::string_view words, std::string_view kind = "t") {
    out += "<text class=\"" + std::string(kind) + "\" x=\"" + number(at_x, 1) + "\" y=\"" + number(at_y, 1) + "\" text-anchor=\"" + std::string(anchor) +
           "\">" + escaped(words) + "</text>";
  };
  for (const double tick : ys) {
    line(left, y(tick), chart_width - right, y(tick), "g");
    text(left - 6.0, y(tick) + 4.0, "end", number(tick));
  }
  for (const double tick : xs) {
    text(x(tick), chart_height - bottom + 18.0, "middle", number(tick));
  }
  text(0.5 * (left + chart_width - right), chart_height - 6.0, "middle", what.x_name, "n");
  out += "<text class=\"n\" text-anchor=\"middle\" transform=\"translate(12 " + number(0.5 * (top + chart_height - bottom), 1) + ") rotate(-90)\">" +
         escaped(what.y_name) + "</text>";
  for (const mark& m : what.marks) {
    line(left, y(m.y), chart_width - right, y(m.y), "m");
    text(chart_width - right + 6.0, y(m.y) + 4.0, "start", m.name);
  }
  double name_at = top + 10.0;
  for (const series& s : what.all) {
    const std::string colour = "c" + std::to_string(s.colour % 6);
    if (s.joined && s.points.size() > 1) {
      out += "<polyline class=\"l " + colour + "\" points=\"";
      for (const point& p : s.points) {
        out += number(x(p.x), 1) + "," + number(y(p.y), 1) + " ";
      }
      out += "\"/>";
    }
    for (const point& p : s.points) {
      if (p.error > 0.0) {
        line(x(p.x), y(p.y - p.error), x(p.x), y(p.y + p.error), "e " + colour);
      }
      out += "<circle class=\"d " + colour + "\" r=\"3.5\" cx=\"" + number(x(p.x), 1) + "\" cy=\"" + number(y(p.y), 1) + "\"><title>" +
             escaped((p.label.empty() ? s.name : p.label) + ": " + number(p.x) + ", " + number(p.y)) + "</title></circle>";
      if (!p.label.empty()) {
        text(x(p.x) + 6.0, y(p.y) - 5.0, "start", p.label);
      }
    }
    out += "<circle class=\"d " + colour + "\" r=\"4\" cx=\"" + number(chart_width - right + 12.0, 1) + "\" cy=\"" + number(chart_height - bottom - name_at, 1) +
           "\"/>";
    text(chart_width - right + 20.0, chart_height - bottom - name_at + 4.0, "start", s.name);
    name_at += 16.0;
  }
  return out + "</svg>";
}

/// Numbers by row and column, the darker the larger.
struct grid {
  std::string x_name;
  std::string y_name;
  std::vector<std::string> columns;
  std::vector<std::string> rows;            ///< from above
  std::vector<std::vector<double>> values;  ///< by row; a number that is not finite leaves its cell empty
  bool with_numbers = true;                 ///< in the cells
};

/// @throws nothing: a grid without cells is empty
inline std::string drawn(const grid& what) {
  constexpr double left = 110.0;
  constexpr double right = 10.0;
  constexpr double top = 26.0;
  double low = 1e300;
  double high = -1e300;
  for (const std::vector<double>& row : what.values) {
    for (const double value : row) {
      if (std::isfinite(value)) {
        low = std::min(low, value);
        high = std::max(high, value);
      }
    }
  }
  const double cell_width = (chart_width - left - right) / static_cast<double>(std::max<std::size_t>(1, what.columns.size()));
  const double cell_height = what.with_numbers ? 30.0 : 12.0;
  const double bottom_at = top + cell_height * static_cast<double>(what.rows.size());
  std::string out = "<svg viewBox=\"0 0 " + number(chart_width) + " " + number(bottom_at + 22.0) + "\" role=\"img\" aria-label=\"" +
                    escaped(what.y_name + " by " + what.x_name) + "\">";
  const auto text = [&](double x, double y, std::string_view anchor, std::string_view kind, std::string_view words) {
    out += "<text class=\"" + std::string(kind) + "\" x=\"" + number(x, 1) + "\" y=\"" + number(y, 1) + "\" text-anchor=\"" + std::string(anchor) + "\">" +
           escaped(words) + "</text>";
  };
  for (std::size_t c = 0; c < what.columns.size(); ++c) {
    text(left + cell_width * (static_cast<double>(c) + 0.5), top - 8.0, "middle", "t", what.columns[c]);
  }
  for (std::size_t r = 0; r < what.values.size() && r < what.rows.size(); ++r) {
    const double y = top + cell_height * static_cast<double>(r);
    if (what.with_numbers || r % 5 == 0) {
      text(left - 8.0, y + 0.5 * cell_height + 4.0, "end", "t", what.rows[r]);
    }
    for (std::size_t c = 0; c < what.values[r].size() && c < what.columns.size(); ++c) {
      const double value = what.values[r][c];
      if (!std::isfinite(value)) {
        continue;
      }
      const double share = high > low ? (value - low) / (high - low) : 0.5;
      const double x = left + cell_width * static_cast<double>(c);
      out += "<rect class=\"c0\" x=\"" + number(x + 1.0, 1) + "\" y=\"" + number(y + 0.5, 1) + "\" width=\"" + number(cell_width - 2.0, 1) + "\" height=\"" +
             number(cell_height - 1.0, 1) + "\" style=\"stroke:none;fill-opacity:" + number(0.04 + 0.56 * share, 2) + "\"><title>" +
             escaped(what.rows[r] + ", " + what.columns[c] + ": " + number(value)) + "</title></rect>";
      if (what.with_numbers) {
        text(x + 0.5 * cell_width, y + 0.5 * cell_height + 4.0, "middle", "n", number(value, 2));
      }
    }
  }
  text(left + 0.5 * (chart_width - left - right), bottom_at + 16.0, "middle", "n", what.x_name);
  text(4.0, top - 8.0, "start", "n", what.y_name);
  return out + "</svg>";
}

/// The colours and lines of the charts, for the head of the page.
inline constexpr std::string_view style =
    "svg{width:100%;height:auto;max-width:760px}"
    ".t{font-size:11px;fill:var(--soft)}.n{font-size:12px;fill:var(--ink)}"
    ".g{stroke:var(--grid)}.m{stroke:var(--ink);stroke-dasharray:5 4}"
    ".l{fill:none;stroke-width:2}.e{stroke-width:1.2}.d{stroke:none}"
    ".c0{stroke:var(--c0);fill:var(--c0)}.c1{stroke:var(--c1);fill:var(--c1)}.c2{stroke:var(--c2);fill:var(--c2)}"
    ".c3{stroke:var(--c3);fill:var(--c3)}.c4{stroke:var(--c4);fill:var(--c4)}.c5{stroke:var(--c5);fill:var(--c5)}"
    ".l.c0,.l.c1,.l.c2,.l.c3,.l.c4,.l.c5{fill:none}"
    "@media(max-width:600px){.t{font-size:16px}.n{font-size:17px}}";

}  // namespace llama_steer::plot
