// What other implementations extract from the same samples; tests/extract/make_fixtures.py says which function of which
// version made each file. Where theirs is something else by a sign, a centre or a scale, the test says what.

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <span>
#include <string>
#include <variant>
#include <vector>
#include <Eigen/Core>

#include "steer/extract/gaussian_transport.hpp"
#include "steer/extract/leace.hpp"
#include "steer/extract/linear_transport.hpp"
#include "steer/extract/mean_difference.hpp"
#include "steer/extract/moments.hpp"
#include "steer/extract/principal_component.hpp"
#include "steer/extract/principal_subspace.hpp"
#include "steer/extract/probe.hpp"
#include "steer/extract/separation.hpp"
#include "steer/extract/whitened_difference.hpp"
#include "steer/io/npy.hpp"

namespace {

using steer::component_of;
using steer::matrix;

constexpr double tolerance = 1e-6;
constexpr Eigen::Index fewer = 17;  // negative samples, where the sides are of different sizes

/// A fixture as a matrix; one dimension is a row.
matrix<double> fixture(const std::string& name) {
  const steer::npy_array array =
      steer::load_npy(std::filesystem::path{STEER_SOURCE_DIR} / "tests/extract/fixtures" / (name + ".npy"));
  const auto& values = std::get<std::vector<double>>(array.values);
  const auto columns = static_cast<Eigen::Index>(array.shape.back());
  return Eigen::Map<const matrix<double>>(values.data(), static_cast<Eigen::Index>(values.size()) / columns, columns);
}

matrix<double> positive() { return fixture("positive"); }
matrix<double> negative() { return fixture("negative"); }
matrix<double> few_negative() { return negative().topRows(fewer); }

/// The distance relative to theirs.
template <class Ours, class Theirs>
double distance(const Eigen::MatrixBase<Ours>& ours, const Eigen::MatrixBase<Theirs>& theirs) {
  if (ours.rows() != theirs.rows() || ours.cols() != theirs.cols()) {
    ADD_FAILURE() << "ours is [" << ours.rows() << ", " << ours.cols() << "], theirs [" << theirs.rows() << ", "
                  << theirs.cols() << "]";
    return INFINITY;
  }
  return (ours - theirs).norm() / theirs.norm();
}

Eigen::VectorXd vector(const std::string& name) { return fixture(name).row(0).transpose(); }

TEST(peers, mean_difference_is_the_mean_aggregator_of_steering_vectors) {
  EXPECT_LE(distance(steer::mean_difference(positive(), negative()), vector("mean_aggregator")), tolerance);
}

TEST(peers, component_of_differences_is_the_pca_aggregator_of_steering_vectors) {
  const auto ours = steer::principal_component(positive(), negative());
  EXPECT_LE(distance(ours.v, vector("pca_aggregator")), tolerance);
}

TEST(peers, component_of_differences_is_pca_center_of_repeng) {
  const auto ours = steer::principal_component(positive(), negative());
  EXPECT_LE(distance(ours.v, vector("repeng_pca_center")), tolerance);
}

TEST(peers, component_of_centred_differences_is_pca_diff_of_repeng) {
  const auto ours = steer::principal_component(positive(), negative(), {.of = component_of::centred_differences});
  // repeng takes its sign from the majority of pairs, ours from the means' difference.
  const double sign = ours.majority < 0.5 ? -1.0 : 1.0;
  EXPECT_LE(distance(sign * ours.v, vector("repeng_pca_diff")), tolerance);
  EXPECT_GE(distance(ours.v, vector("repeng_pca_center")), 0.01);  // the two really differ on these samples
}

TEST(peers, pooled_component_is_pca_of_scikit_learn_up_to_its_sign) {
  const auto ours = steer::principal_component(positive(), few_negative(), {.of = component_of::pooled});
  const Eigen::VectorXd theirs = vector("pca_pooled");
  const Eigen::VectorXd axis = theirs.head(8);
  const double sign = ours.v.dot(axis) < 0.0 ? -1.0 : 1.0;
  EXPECT_LE(distance(sign * ours.v, axis), tolerance);
  EXPECT_NEAR(ours.explained_variance, theirs[8], tolerance);
}

TEST(peers, principal_subspace_is_truncated_svd_of_scikit_learn_up_to_signs) {
  const matrix<double> theirs = fixture("truncated_svd");
  const auto ours = steer::principal_subspace(positive() - negative(), 3);
  for (Eigen::Index i = 0; i < 3; ++i) {
    const Eigen::VectorXd axis = theirs.row(i).head(8).transpose();
    const Eigen::VectorXd mine = ours.basis.row(i).transpose();
    EXPECT_LE(distance((mine.dot(axis) < 0.0 ? -1.0 : 1.0) * mine, axis), tolerance) << i;
    EXPECT_NEAR(ours.explained[i], theirs(i, 8), tolerance) << i;
  }
}

TEST(peers, probe_is_the_logistic_regression_of_scikit_learn) {
  const auto compare = [](const matrix<double>& plus, const matrix<double>& minus, double penalty, const char* name) {
    const steer::probe ours = steer::fit_probe(plus, minus, {.penalty = penalty});
    Eigen::VectorXd both(ours.w.size() + 1);
    both << ours.w, ours.bias;
    EXPECT_LE(distance(both, vector(name)), tolerance) << name;
  };
  compare(positive(), few_negative(), 1.0, "logistic_1");
  compare(positive(), few_negative(), 0.01, "logistic_001");
  compare(positive().topRows(4), negative().topRows(3), 0.1, "logistic_dual");
}

// Theirs centres each pair, has no bias and norm 1, and computes in float32.
TEST(peers, probe_of_centred_pairs_is_the_logistic_aggregator_of_steering_vectors) {
  const matrix<double> half = 0.5 * (positive() - negative());
  const steer::probe ours = steer::fit_probe(half, -half, {.penalty = 1.0});
  EXPECT_NEAR(ours.bias, 0.0, 1e-9);  // by symmetry
  constexpr double of_float32 = 1e-5;
  EXPECT_LE(distance(ours.w.normalized(), vector("logistic_aggregator")), of_float32);
}

// scikit-learn divides the scatter within the sides by n + m, ours by n + m - 2; the direction is the same.
TEST(peers, whitened_difference_is_the_discriminant_of_scikit_learn_up_to_a_factor) {
  const auto compare = [](const matrix<double>& plus, const matrix<double>& minus, double shrinkage, const char* name) {
    const auto count = static_cast<double>(plus.rows() + minus.rows());
    for (const auto way : {steer::solve_by::width, steer::solve_by::fewer}) {
      const Eigen::VectorXd ours = steer::whitened_difference(plus, minus, {.shrinkage = shrinkage, .solve_by = way});
      EXPECT_LE(distance(count / (count - 2.0) * ours, vector(name)), tolerance) << name;
    }
  };
  compare(positive(), few_negative(), 0.0, "lda_lsqr");
  compare(positive(), few_negative(), 0.0, "lda_eigen");
  compare(positive(), few_negative(), 0.3, "lda_shrunk");
  compare(positive().topRows(4), negative().topRows(3), 0.3, "lda_dual");
}

TEST(peers, covariance_is_that_of_numpy_and_by_one_over_n_that_of_scikit_learn) {
  steer::moments seen(8);
  seen.update(positive());
  EXPECT_LE(distance(seen.covariance(), fixture("numpy_cov")), tolerance);
  EXPECT_LE(distance(seen.scatter() / 24.0, fixture("empirical_covariance")), tolerance);
}

steer::cross_moments moments_of(const matrix<double>& labels) {
  matrix<double> rows(24 + fewer, 8);
  rows << positive(), few_negative();
  steer::cross_moments out(8, labels.cols());
  out.update(rows, labels);
  return out;
}

matrix<double> projector(const steer::eraser& e) {
  return matrix<double>::Identity(8, 8) - e.write.transpose() * e.read;
}

matrix<double> sides_as_labels() {
  matrix<double> out = matrix<double>::Zero(24 + fewer, 1);
  out.topRows(24).setOnes();
  return out;
}

// Theirs without shrinkage and without the limit on the trace
TEST(peers, leace_is_that_of_concept_erasure) {
  const steer::eraser ours = steer::leace(moments_of(sides_as_labels()));
  EXPECT_LE(distance(projector(ours), fixture("leace_binary")), tolerance);
  const steer::eraser by_one_solve = steer::binary_leace(positive(), few_negative());
  EXPECT_LE(distance(projector(by_one_solve), fixture("leace_binary")), tolerance);
  matrix<double> erased(24 + fewer, 8);
  erased << positive(), few_negative();
  for (Eigen::Index i = 0; i < erased.rows(); ++i) {
    erased.row(i) = by_one_solve(erased.row(i).transpose()).transpose();
  }
  EXPECT_LE(distance(erased, fixture("leace_binary_erased")), tolerance);
}

TEST(peers, leace_of_several_labels_is_that_of_concept_erasure) {
  EXPECT_LE(distance(projector(steer::leace(moments_of(fixture("labels")))), fixture("leace_labels")), tolerance);
}

// By default theirs shrinks the covariance of all samples and limits its trace: another projector that erases as well.
TEST(peers, leace_by_the_defaults_of_concept_erasure_is_another_projector_and_erases_too) {
  const matrix<double> theirs = fixture("leace_default");
  const steer::eraser ours = steer::leace(moments_of(sides_as_labels()));
  const Eigen::VectorXd difference = steer::mean_difference(positive(), few_negative());
  EXPECT_GE(distance(projector(ours), theirs), 1e-3);
  EXPECT_LE((theirs * difference).norm(), tolerance * difference.norm());
  EXPECT_LE((projector(ours) * difference).norm(), tolerance * difference.norm());
}

TEST(peers, auroc_is_roc_auc_score_of_scikit_learn) {
  const Eigen::VectorXd scores = vector("scores");
  const std::span<const double> all(scores.data(), static_cast<std::size_t>(scores.size()));
  EXPECT_NEAR(steer::auroc(all.first(24), all.last(fewer)), fixture("roc_auc_score")(0, 0), 1e-12);
}

// Our map holds floats.
TEST(peers, gaussian_transport_is_that_of_pot_and_of_concept_erasure) {
  steer::moments from(8);
  steer::moments to(8);
  from.update(few_negative());
  to.update(positive());
  const steer::dense_map ours = steer::gaussian_transport(from, to, {.ridge = 0.0});
  const matrix<double> linear = ours.linear.cast<double>();
  const matrix<double> pot = fixture("bures_wasserstein");
  EXPECT_LE(distance(linear, pot.topRows(8)), tolerance);
  EXPECT_LE(distance(ours.shift.cast<double>(), pot.row(8).transpose()), tolerance);
  EXPECT_LE(distance(linear, fixture("ot_map")), tolerance);
}

TEST(peers, linear_transport_is_a_line_that_numpy_fits_to_the_sorted_sides) {
  const auto compare = [](const matrix<double>& from, const matrix<double>& to, const char* name) {
    const steer::diagonal_map ours = steer::linear_transport(from, to);
    EXPECT_LE(distance(ours.scale.cast<double>(), fixture(name).col(0)), tolerance) << name;
    EXPECT_LE(distance(ours.shift.cast<double>(), fixture(name).col(1)), tolerance) << name;
  };
  compare(negative(), positive(), "polyfit_sorted");
  compare(few_negative(), positive(), "polyfit_quantiles");
}

}  // namespace
