// llama_steer/compose_table.hpp: a composition for people, and as CSV.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "llama_steer/compose.hpp"
#include "terminal.hpp"

namespace llama_steer {

namespace detail {

inline void print_answers(const answer_summary& a, std::size_t answers) {
  std::printf("%8.1f %11.2f %8.4f  %3zu/%zu", a.words, a.distinct_2, a.drift, a.cut, answers);
}

inline bool moves(const composed& row, std::size_t concept_index) {
  return std::find(row.moves.begin(), row.moves.end(), concept_index) != row.moves.end();
}

/// How far the worst of the other concepts moves, as a share of the mean own shift; nothing if there are no others.
inline std::optional<double> bleed(const composed& row) {
  double worst = 0.0;
  double own = 0.0;
  for (std::size_t i = 0; i < row.shifts.size(); ++i) {
    if (moves(row, i)) {
      own += std::abs(row.shifts[i].value) / static_cast<double>(row.moves.size());
    } else {
      worst = std::max(worst, std::abs(row.shifts[i].value));
    }
  }
  return row.moves.size() < row.shifts.size() ? std::optional(worst / own) : std::nullopt;
}

/// The concepts that a row is to move: "terse+happy".
inline std::string names_of(const composition& found, const composed& row) {
  std::string out;
  for (const std::size_t i : row.moves) {
    out += (out.empty() ? "" : "+") + found.concepts[i];
  }
  return out.empty() ? row.method : out;
}

/// The mean of |shift| over random directions, what their answers are like, and the largest |shift|.
inline void print_controls(const composition& found, std::size_t answers) {
  answer_summary mean;
  std::vector<double> sum(found.concepts.size());
  std::vector<double> largest(found.concepts.size());
  std::size_t count = 0;
  double dose = 0.0;
  double prose = 0.0;
  for (const composed& row : found.rows) {
    if (row.method != "random") {
      continue;
    }
    ++count;
    dose = row.dose;
    mean.words += row.answers.words;
    mean.distinct_2 += row.answers.distinct_2;
    mean.drift += row.answers.drift;
    mean.cut += row.answers.cut;
    prose += row.prose.value;
    for (std::size_t i = 0; i < sum.size(); ++i) {
      sum[i] += std::abs(row.shifts[i].value);
      largest[i] = std::max(largest[i], std::abs(row.shifts[i].value));
    }
  }
  if (count == 0) {
    return;
  }
  const auto n = static_cast<double>(count);
  std::printf("%-13s %+.3f %-26s", "random", dose, "mean |.|");
  print_answers({mean.words / n, mean.distinct_2 / n, mean.drift / n, 0.0, mean.cut}, answers * count);
  std::printf("%8.3f       ", prose / n);
  for (const double s : sum) {
    std::printf("%9.2f      ", s / n);
  }
  std::printf("\n%-13s %+.3f %-26s%53s", "random", dose, "largest", "");
  for (const double l : largest) {
    std::printf("%9.2f      ", l);
  }
  std::puts("");
}

}  // namespace detail

/// @param answers  how many each row has
inline void print(const composition& found, std::size_t answers, const example::terminal& out) {
  for (const steer::response& each : found.responses) {
    std::fputs(to_string(each).c_str(), stdout);
  }
  std::string title = "\nconcept         dose method                       words  distinct-2       KL    cut   prose       ";
  for (const std::string& name : found.concepts) {
    char cell[64];
    std::snprintf(cell, sizeof cell, "%15s", name.c_str());
    title += cell;
  }
  std::puts(out.paint(title + "   doses", example::colour::bold).c_str());
  std::printf("%-13s %6s %-26s", "unsteered", "", "");
  detail::print_answers(found.unsteered, answers);
  std::puts("");
  for (const composed& row : found.rows) {
    if (row.method == "random") {
      continue;
    }
    std::printf("%-13s %+.3f %-26s", detail::names_of(found, row).c_str(), row.dose, row.method.c_str());
    detail::print_answers(row.answers, answers);
    std::printf("%8.3f ±%-4.3f", row.prose.value, row.prose.error);
    for (const steer::estimate& shift : row.shifts) {
      std::printf("%+9.2f ±%-4.2f", shift.value, shift.error);
    }
    for (const double dose : row.doses) {
      std::printf(" %+.4f", dose);
    }
    std::puts("");
  }
  detail::print_controls(found, answers);
  std::vector<std::string> methods;
  for (const composed& row : found.rows) {
    if (row.method != "random" && std::find(methods.begin(), methods.end(), row.method) == methods.end()) {
      methods.push_back(row.method);
    }
  }
  for (const std::string& method : methods) {
    double sum = 0.0;
    double worst = 0.0;
    std::size_t count = 0;
    for (const composed& row : found.rows) {
      if (const std::optional<double> bleed = detail::bleed(row); row.method == method && bleed) {
        sum += *bleed;
        worst = std::max(worst, *bleed);
        ++count;
      }
    }
    if (count > 0) {
      std::printf("%s: the worst of the others moves %.2f of the own shift in the mean, %.2f at worst\n", method.c_str(),
                  sum / static_cast<double>(count), worst);
    }
  }
  for (const std::string& failure : found.failures) {
    std::printf("not decoupled: %s\n", failure.c_str());
  }
}

/// A line per row and concept: `vector_dose` is the dose of that concept's vector or recipe, `shift` the one of its readout, in nats, `prose`
/// the drift of texts of another kind.
inline void write_csv(const composition& found, std::ostream& out) {
  out << "concept,dose,method,readout,vector_dose,expected,shift,stderr,words,distinct2,kl,cut,prose\n";
  for (const composed& row : found.rows) {
    for (std::size_t i = 0; i < found.concepts.size(); ++i) {
      const bool random = row.method == "random";
      out << detail::names_of(found, row) << ',' << row.dose << ',' << row.method << ',' << found.concepts[i] << ','
          << (random ? 0.0 : row.doses[i]) << ',' << (random ? 0.0 : row.expected[i]) << ',' << row.shifts[i].value << ','
          << row.shifts[i].error << ',' << row.answers.words << ',' << row.answers.distinct_2 << ',' << row.answers.drift << ','
          << row.answers.cut << ',' << row.prose.value << '\n';
    }
  }
}

}  // namespace llama_steer
