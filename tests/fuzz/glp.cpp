// GLP files: what is accepted is a list of sound edits, which are written and read again. Equal, where the file's rows are
// unit; rows that the writer normalises stay as they are from then on.
#include "steer/io/glp.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <variant>
#include <vector>

#include "fuzz/fuzz.hpp"
#include "steer/recipe/recipe.hpp"

namespace {

float dose_of(const steer::edit& e) {
  const auto* ablate = std::get_if<steer::ablate_edit>(&e.operation);
  return ablate != nullptr ? ablate->share : std::get<steer::add_edit>(e.operation).strength;
}

/// Whether doses differ between the layers of one direction and between the directions of one layer: no writer splits that.
bool doses_are_mixed(const steer::glp& file) {
  std::map<int, std::vector<float>> doses;
  for (const steer::edit& e : file.edits) {
    for (const auto& [layer, direction] : only_vector(e).directions) {
      doses[layer].push_back(dose_of(e));
    }
  }
  const bool by_layer = std::ranges::all_of(doses, [](const auto& row) {
    return std::ranges::all_of(row.second, [&](float dose) { return dose == row.second.front(); });
  });
  return !by_layer && std::ranges::any_of(doses, [&](const auto& row) { return row.second != doses.begin()->second; });
}

bool is_unit(const steer::glp& file) {
  return std::ranges::all_of(file.edits, [](const steer::edit& e) {
    return std::holds_alternative<steer::add_edit>(e.operation) ||
           std::ranges::all_of(only_vector(e).directions, [](const auto& entry) {
             return std::abs(entry.second.values.template cast<double>().norm() - 1.0) <= 1e-3;
           });
  });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return fuzz::run([&] { return steer::parse_glp(fuzz::bytes(data, size), "fuzz"); },
                   [](const steer::glp& file) {
                     fuzz::require(!file.edits.empty());
                     steer::recipe recipe;
                     for (const steer::edit& e : file.edits) {
                       recipe.append(e);
                     }
                     const auto written = fuzz::accepted([&] { return steer::glp_bytes(file); });
                     fuzz::require(written.has_value() != doses_are_mixed(file));
                     if (!written) {
                       return;
                     }
                     const steer::glp again = steer::parse_glp(fuzz::bytes(*written), "again");
                     fuzz::require(again == file || !is_unit(file));
                     fuzz::require(steer::glp_bytes(again) == *written);
                   });
}
