// steer/vector/interference_report.hpp: how steering vectors overlap, as plain data and as text.
#pragma once

#include <Eigen/Core>
#include <cmath>
#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "steer/core/error.hpp"
#include "steer/vector/affine_map.hpp"

namespace steer {
inline namespace v0 {

/// One entry for each layer; the vectors' order is that of `names`. See `measure_interference`, and for JSON
/// io/interference_json.hpp.
struct interference_report {
  struct at_layer {
    Eigen::MatrixXd gram = {};   ///< [k, k], cosines of the directions
    double condition = 1.0;      ///< of the Gram matrix; infinity if the directions are dependent
    double coherence = 0.0;      ///< the largest |cosine| of two of them
    Eigen::VectorXd lost = {};   ///< [k], share of each one's squared length that lies in the others' span
    Eigen::VectorXd norms = {};  ///< [k], |dose · v|
    double sum_norm = 0.0;       ///< |Σ dose · v|
    double expected_norm = 0.0;  ///< √Σ|dose · v|²: that of the sum if they were orthogonal

    bool operator==(const at_layer& other) const {
      return detail::equal(gram, other.gram) && condition == other.condition && coherence == other.coherence &&
             detail::equal(lost, other.lost) && detail::equal(norms, other.norms) && sum_norm == other.sum_norm &&
             expected_norm == other.expected_norm;
    }
  };
  std::vector<std::string> names = {};
  std::map<int, at_layer> layers = {};

  bool operator==(const interference_report&) const = default;
};

/// @throws shape_error if a layer's numbers are not as many as the names; numeric_error if one is not finite, the
///         condition number aside, which may be infinity
inline void check(const interference_report& report) {
  const auto k = static_cast<Eigen::Index>(report.names.size());
  for (const auto& [layer, here] : report.layers) {
    if (here.gram.rows() != k || here.gram.cols() != k || here.lost.size() != k || here.norms.size() != k) {
      throw shape_error(
          detail::text({"interference report, layer ", detail::at_layer(layer), ": the Gram matrix is ",
                        detail::actual({"[", here.gram.rows(), ", ", here.gram.cols(), "], with ", here.lost.size(),
                                        " shares lost and ", here.norms.size(), " norms"}),
                        "; expected ", detail::expected(k), " of each, as there are names"}));
    }
    if (!here.gram.allFinite() || !here.lost.allFinite() || !here.norms.allFinite() || std::isnan(here.condition) ||
        !std::isfinite(here.coherence) || !std::isfinite(here.sum_norm) || !std::isfinite(here.expected_norm)) {
      throw numeric_error(
          detail::text({"interference report, layer ", detail::at_layer(layer), ": holds ",
                        detail::actual("NaN or infinity"), "; expected ", detail::expected("finite numbers")}));
    }
  }
}

/// A few lines for each layer.
inline std::string to_string(const interference_report& report) {
  std::string out;
  for (const auto& [layer, here] : report.layers) {
    out += detail::text({"layer ", layer, ": condition ", here.condition, ", largest |cosine| ", here.coherence,
                         ", norm of the sum ", here.sum_norm, " (", here.expected_norm, " if orthogonal)\n"});
    for (std::size_t i = 0; i < report.names.size(); ++i) {
      const auto row = static_cast<Eigen::Index>(i);
      out += detail::text({"  ", report.names[i], ": norm ", here.norms[row], ", ", 100.0 * here.lost[row],
                           " % within the others; cosines"});
      for (Eigen::Index j = 0; j < here.gram.cols(); ++j) {
        out += detail::text({" ", here.gram(row, j)});
      }
      out += '\n';
    }
  }
  return out;
}

}  // namespace v0
}  // namespace steer
