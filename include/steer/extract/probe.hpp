// steer/extract/probe.hpp: logistic regression, whose weights read a concept.
#pragma once

#include <Eigen/Core>

#include "steer/core/linkage.hpp"
#include "steer/extract/sample_rows.hpp"

namespace steer {
inline namespace v0 {

struct probe_options {
  double penalty = 1.0;  ///< λ of ½ λ |w|², above 0; scikit-learn's 1 / C
  int steps = 100;       ///< Newton steps at most
};

/// A linear classifier: the log-odds of the positive side are w · h + bias.
struct probe {
  Eigen::VectorXd w = {};  ///< [d]
  double bias = 0.0;
  double loss = 0.0;  ///< Σ log(1 + exp(∓(w · h + bias))) + ½ λ |w|²
  int steps = 0;      ///< Newton steps taken
};

/// Logistic regression with an L2 penalty on the weights and none on the bias, solved to the bottom.
///
/// w *reads* the concept; it need not be what writes it. Columns are not standardised.
///
/// @shape  positive [n, d], negative [m, d]
/// @throws shape_error if the widths differ; argument_error for a penalty or number of steps not above 0; numeric_error
///         for an empty side, NaN, squares that overflow, a penalty too small for samples that do not span, or no convergence
/// @cost   O(N² d) once and O(N³ / 3) a step for N < d, else O(N d² + d³ / 3) a step; some six steps, N = n + m
/// @source iteratively reweighted least squares; used for steering by Li et al. 2023, arXiv:2306.03341 (ITI). Where
///         there are fewer samples than dimensions, the weights lie in the samples' span, and the fit is made there
STEER_API probe fit_probe(const sample_rows& positive, const sample_rows& negative, probe_options options = {});

}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/extract/probe.ipp"
#endif
