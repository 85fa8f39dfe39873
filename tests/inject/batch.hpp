// tests/inject/batch.hpp: rows with facts, at addresses and distances that nothing is aligned to.
#pragma once

#include <Eigen/Core>
#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

#include "steer/core/rows.hpp"
#include "toy.hpp"

namespace toy {

/// Rows of sequences in random turns, each with a prompt of its own length, so that neighbours differ in sequence, position and
/// phase; the stride is larger than the width, and the first row lies off any alignment.
template <class Scalar>
struct batch {
  std::ptrdiff_t width;
  std::ptrdiff_t stride;
  std::vector<Scalar> numbers;
  std::vector<steer::row_info> info;

  batch(std::mt19937_64& engine, std::ptrdiff_t count, std::ptrdiff_t d, std::int32_t sequences = 1)
      : width(d), stride(d + 3) {
    const auto random = random_rows<double>(engine, count, stride);
    numbers.assign(1, Scalar(0));
    for (const double* number = random.data(); number != random.data() + random.size(); ++number) {
      numbers.push_back(static_cast<Scalar>(*number));
    }
    std::mt19937_64 turns = engine;  // the caller's numbers do not depend on the turns
    const auto expected_rows = static_cast<std::uint64_t>(count / sequences + 1);
    std::vector<std::int32_t> prompts;
    std::vector<std::int32_t> next(static_cast<std::size_t>(sequences), 0);
    for (std::int32_t s = 0; s < sequences; ++s) {
      prompts.push_back(static_cast<std::int32_t>(1 + turns() % expected_rows));
    }
    for (std::ptrdiff_t i = 0; i < count; ++i) {
      const auto s = static_cast<std::size_t>(turns() % static_cast<std::uint64_t>(sequences));
      const std::int32_t position = next[s]++;
      info.push_back({7, position, static_cast<std::int32_t>(s), prompts[s],
                      position < prompts[s] ? steer::phase::prompt : steer::phase::generation});
    }
  }

  [[nodiscard]] std::ptrdiff_t count() const { return static_cast<std::ptrdiff_t>(info.size()); }
  steer::rows<Scalar> rows() { return {numbers.data() + 1, count(), width, stride, info}; }
  /// Some of the rows.
  steer::rows<Scalar> rows(std::ptrdiff_t first, std::ptrdiff_t some) {
    return {numbers.data() + 1 + first * stride, some, width, stride,
            std::span(info).subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(some))};
  }
  [[nodiscard]] Eigen::VectorXd row(std::ptrdiff_t i) const {
    Eigen::VectorXd out(width);
    for (std::ptrdiff_t column = 0; column < width; ++column) {
      out[column] = static_cast<double>(numbers[static_cast<std::size_t>(1 + i * stride + column)]);
    }
    return out;
  }
};

}  // namespace toy
