// steer/vector/interference_report.ipp: the bodies of interference_report.hpp.
#pragma once

#include <cmath>
#include <cstddef>
#include <string>
#include <Eigen/Core>

#include "steer/core/error.hpp"
#include "steer/core/real.hpp"
#include "steer/vector/affine_map.hpp"
#include "steer/vector/interference_report.hpp"

namespace steer {
inline namespace v0 {

STEER_BODY bool interference_report::at_layer::operator==(const at_layer& other) const {
  return detail::equal(gram, other.gram) && condition == other.condition && coherence == other.coherence &&
         detail::equal(lost, other.lost) && detail::equal(norms, other.norms) && sum_norm == other.sum_norm &&
         expected_norm == other.expected_norm;
}

STEER_BODY void check(const interference_report& report) {
  const auto k = static_cast<Eigen::Index>(report.names.size());
  for (const auto& [layer, here] : report.layers) {
    if (here.gram.rows() != k || here.gram.cols() != k || here.lost.size() != k || here.norms.size() != k) {
      throw shape_error(text({"interference report, layer ", at_layer(layer), ": the Gram matrix is ",
                              actual({"[", here.gram.rows(), ", ", here.gram.cols(), "], with ", here.lost.size(),
                                      " shares lost and ", here.norms.size(), " norms"}),
                              "; expected ", expected(k), " of each, as there are names"}));
    }
    if (!here.gram.allFinite() || !here.lost.allFinite() || !here.norms.allFinite() || std::isnan(here.condition) ||
        !std::isfinite(here.coherence) || !std::isfinite(here.sum_norm) || !std::isfinite(here.expected_norm)) {
      throw numeric_error(text({"interference report, layer ", at_layer(layer), ": holds ", actual("NaN or infinity"),
                                "; expected ", expected("finite numbers")}));
    }
  }
}

STEER_BODY std::string to_string(const interference_report& report) {
  std::string out;
  for (const auto& [layer, here] : report.layers) {
    out += text({"layer ", layer, ": condition ", here.condition, ", largest |cosine| ", here.coherence,
                 ", norm of the sum ", here.sum_norm, " (", here.expected_norm, " if orthogonal)\n"});
    for (std::size_t i = 0; i < report.names.size(); ++i) {
      const auto row = static_cast<Eigen::Index>(i);
      out += text({"  ", report.names[i], ": norm ", here.norms[row], ", ", 100.0 * here.lost[row],
                   " % within the others; cosines"});
      for (Eigen::Index j = 0; j < here.gram.cols(); ++j) {
        out += text({" ", here.gram(row, j)});
      }
      out += '\n';
    }
  }
  return out;
}

}  // namespace v0
}  // namespace steer
