// steer_story/dose_table.hpp: what each dose did to every concept, for people and as CSV.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <ostream>
#include <span>
#include <string>
#include <vector>

#include "steer_story/subject.hpp"
#include "steer_story/tally.hpp"
#include "terminal.hpp"

namespace steer_story {

using example::colour;
using example::terminal;

/// What was found in the texts written under one plan.
struct dose {
  std::string concept_name;  ///< "random" for a control
  float strength = 0.0F;
  std::vector<tally> texts;
};

/// Everything that was measured of a subject at one layer.
struct dose_table {
  std::vector<std::string> concepts;
  std::string soundness;
  int layer = 0;
  std::vector<tally> baseline;
  std::vector<dose> doses;
  std::vector<dose> controls;  ///< random directions, all of one strength

  [[nodiscard]] bool is_own(const dose& d, std::size_t index) const { return d.concept_name == concepts[index]; }
};

namespace detail {

template <class... Numbers>
std::string format(const char* pattern, Numbers... numbers) {
  const int size = std::snprintf(nullptr, 0, pattern, numbers...);
  std::string out(static_cast<std::size_t>(size), '\0');
  std::snprintf(out.data(), out.size() + 1, pattern, numbers...);
  return out;
}

/// In `width` characters; "-" where there was nothing to measure.
inline std::string cell(const char* pattern, estimate e, int width) {
  const std::string text = std::isnan(e.value) ? "-" : format(pattern, e.value, e.error);
  const int pad = width - static_cast<int>(text.size()) + (text.find("±") != std::string::npos ? 1 : 0);  // two bytes
  return std::string(static_cast<std::size_t>(std::max(pad, 1)), ' ') + text;
}

inline constexpr const char* share = "%.2f ±%.2f";
inline constexpr const char* fine_share = "%.3f ±%.3f";
inline constexpr const char* change = "%+.2f ±%.2f";
inline constexpr int name_width = 11;
inline constexpr int column_width = 14;

/// Mean and largest absolute shift of the controls.
struct control_shift {
  estimate mean;
  double largest = 0.0;
};

inline control_shift shift_of_controls(const dose_table& table, const field& which) {
  steer::readings sizes;  // their mean is what value_of gives
  control_shift out;
  for (const dose& d : table.controls) {
    const double size = std::abs(shift(d.texts, table.baseline, which).value);
    sizes.samples.push_back({size, 1.0});
    out.largest = std::max(out.largest, size);
  }
  out.mean = steer::value_of(sizes);
  return out;
}

}  // namespace detail

/// A row per dose: the concept's own rate, the shift of every rate, what holds together. Own shifts are green, shifts of
/// others that exceed three standard errors are red.
inline std::string to_string(const dose_table& table, const terminal& out) {
  using namespace detail;
  const auto head = [](const std::string& text, int width) {
    return std::string(static_cast<std::size_t>(std::max(width - static_cast<int>(text.size()), 1)), ' ') + text;
  };
  std::string text = format("%-*s%8s", name_width, "concept", "dose") + head("own rate", column_width);
  for (const std::string& name : table.concepts) {
    text += head(name, column_width);
  }
  text = out.paint(text + head(table.soundness, column_width), colour::bold) + "\n";

  text += format("%-*s%8s%*s", name_width, "unsteered", "", column_width, "");
  for (std::size_t i = 0; i < table.concepts.size(); ++i) {
    text += cell(share, rate(table.baseline, concept_number(i)), column_width);
  }
  text += cell(fine_share, rate(table.baseline, soundness), column_width) + "\n";

  for (const dose& d : table.doses) {
    text += format("%-*s%+8.2f", name_width, d.concept_name.c_str(), static_cast<double>(d.strength));
    std::string shifts;
    for (std::size_t i = 0; i < table.concepts.size(); ++i) {
      const estimate moved = shift(d.texts, table.baseline, concept_number(i));
      colour tint = std::abs(moved.value) > 3.0 * moved.error ? colour::red : colour::plain;
      if (table.is_own(d, i)) {
        text += cell(share, rate(d.texts, concept_number(i)), column_width);
        tint = colour::green;
      }
      shifts += out.paint(cell(change, moved, column_width), tint);
    }
    text += shifts + cell(fine_share, rate(d.texts, soundness), column_width) + "\n";
  }

  if (!table.controls.empty()) {
    const double strength = static_cast<double>(table.controls.front().strength);
    std::string mean = format("%-*s%+8.2f%*s", name_width, "random", strength, column_width, "mean |shift|");
    std::string largest = format("%-*s%+8.2f%*s", name_width, "random", strength, column_width, "largest");
    for (std::size_t i = 0; i < table.concepts.size(); ++i) {
      const control_shift found = shift_of_controls(table, concept_number(i));
      mean += cell(share, found.mean, column_width);
      largest += format("%*.2f     ", column_width - 5, found.largest);
    }
    std::vector<tally> all;
    for (const dose& d : table.controls) {
      all.insert(all.end(), d.texts.begin(), d.texts.end());
    }
    text += mean + cell(fine_share, rate(all, soundness), column_width) + "\n" + largest.substr(0, largest.find_last_not_of(' ') + 1) + "\n";
  }
  return text;
}

/// A line per dose and concept. `grammatical` is the sound share of the text, `baseline` the unsteered rate.
inline void write_csv(const dose_table& table, std::ostream& out) {
  out << "concept,strength,layer,attribute,rate,baseline,grammatical,sentences\n";
  const auto rows = [&](const dose& d) {
    for (std::size_t i = 0; i < table.concepts.size(); ++i) {
      out << detail::format("%s,%g,%d,%s,%.6f,%.6f,%.6f,%.0f\n", d.concept_name.c_str(), static_cast<double>(d.strength),
                            table.layer, table.concepts[i].c_str(), rate(d.texts, concept_number(i)).value,
                            rate(table.baseline, concept_number(i)).value, rate(d.texts, soundness).value,
                            sentences(d.texts));
    }
  };
  std::for_each(table.doses.begin(), table.doses.end(), rows);
  std::for_each(table.controls.begin(), table.controls.end(), rows);
}

}  // namespace steer_story
