// steer/vector/interference_report.hpp: how steering vectors overlap, as plain data and as text.
#pragma once

#include <map>
#include <string>
#include <vector>
#include <Eigen/Core>

#include "steer/core/linkage.hpp"
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

    STEER_API bool operator==(const at_layer& other) const;
  };
  std::vector<std::string> names = {};
  std::map<int, at_layer> layers = {};

  bool operator==(const interference_report&) const = default;
};

/// @throws shape_error if a layer's numbers are not as many as the names; numeric_error if one is not finite, the
///         condition number aside, which may be infinity
STEER_API void check(const interference_report& report);

/// A few lines for each layer.
STEER_API std::string to_string(const interference_report& report);

}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/vector/interference_report.ipp"
#endif
