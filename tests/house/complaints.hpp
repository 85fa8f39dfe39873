// complaints.hpp: what the tests of the repository report, and how they are shown to be able to fail.
#pragma once

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <stdexcept>
#include <string>
#include <vector>

namespace house {

/// The lines of a text file, without their ends.
inline std::vector<std::string> lines_of(const std::filesystem::path& file) {
  std::ifstream in{file};
  if (!in) {
    throw std::runtime_error("cannot read " + file.string());
  }
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) {
    lines.push_back(line);
  }
  return lines;
}

/// Prints the complaints and returns the exit status: 0 if there are none.
///
/// For a tree with planted faults, `expected` is a file that lists the complaints it must raise, one a line in any
/// order; then the status is 0 if exactly those were raised.
inline int verdict(std::vector<std::string> complaints, const std::filesystem::path& expected = {}) {
  for (const std::string& complaint : complaints) {
    std::cout << complaint << '\n';
  }
  if (expected.empty()) {
    return complaints.empty() ? 0 : 1;
  }
  std::vector<std::string> planted = lines_of(expected);
  std::sort(planted.begin(), planted.end());
  std::sort(complaints.begin(), complaints.end());
  std::vector<std::string> missed;
  std::vector<std::string> invented;
  std::set_difference(planted.begin(), planted.end(), complaints.begin(), complaints.end(), std::back_inserter(missed));
  std::set_difference(complaints.begin(), complaints.end(), planted.begin(), planted.end(),
                      std::back_inserter(invented));
  for (const std::string& complaint : missed) {
    std::cout << "MISSED: " << complaint << '\n';
  }
  for (const std::string& complaint : invented) {
    std::cout << "NOT PLANTED: " << complaint << '\n';
  }
  return missed.empty() && invented.empty() ? 0 : 1;
}

}  // namespace house
