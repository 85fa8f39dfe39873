#include "steer/extract/leace.hpp"

#include <gtest/gtest.h>

#include <Eigen/SVD>
#include <cmath>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "expect_error.hpp"
#include "steer/compose/apply_edit.hpp"
#include "steer/extract/whitened_difference.hpp"
#include "steer/recipe/recipe.hpp"
#include "toy.hpp"

namespace {

using steer::matrix;

/// Rows of k + 1 classes with means of their own, and one column of labels for each class but the last.
struct classes {
  matrix<double> rows;
  matrix<double> labels;

  classes(unsigned seed, Eigen::Index n, Eigen::Index d, Eigen::Index k) : labels(matrix<double>::Zero(n, k)) {
    std::mt19937_64 engine(seed);
    rows =
        toy::random_rows<double>(engine, n, d) *
        (toy::random_rows<double>(engine, d, d) / std::sqrt(static_cast<double>(d)) + matrix<double>::Identity(d, d));
    const matrix<double> means = toy::random_rows<double>(engine, k + 1, d);
    for (Eigen::Index i = 0; i < n; ++i) {
      const auto c = static_cast<Eigen::Index>(engine() % static_cast<std::uint64_t>(k + 1));
      rows.row(i) += means.row(c);
      if (c < k) {
        labels(i, c) = 1.0;
      }
    }
  }
  steer::cross_moments moments() const {
    steer::cross_moments out(rows.cols(), labels.cols());
    out.update(rows, labels);
    return out;
  }
};

matrix<double> erased(const steer::eraser& eraser, const matrix<double>& rows) {
  matrix<double> out = rows;
  for (Eigen::Index i = 0; i < rows.rows(); ++i) {
    out.row(i) = eraser(rows.row(i).transpose()).transpose();
  }
  return out;
}

TEST(leace, leaves_no_covariance_with_any_label) {
  for (const Eigen::Index k : {1, 2, 3, 5, 10, 20}) {
    SCOPED_TRACE("k " + std::to_string(k) + ", seed " + std::to_string(k));
    const classes c(static_cast<unsigned>(k), 2048, 128, k);
    const steer::eraser eraser = steer::leace(c.moments());
    EXPECT_LE(eraser.read.rows(), k);
    const matrix<double> after = erased(eraser, c.rows);
    steer::cross_moments left(128, k);
    left.update(after, c.labels);
    EXPECT_LE(left.cross_covariance().cwiseAbs().maxCoeff(), 4e-9);
    EXPECT_LE((left.rows().mean() - c.moments().rows().mean()).norm(), 4e-9) << "the mean stays";
    for (Eigen::Index j = 0; j < k; ++j) {  // so every class has the mean of all
      const Eigen::VectorXd members = c.labels.col(j);
      const Eigen::RowVectorXd mean = members.transpose() * after / members.sum();
      EXPECT_LE((mean - after.colwise().mean()).cwiseAbs().maxCoeff(), 4e-9);
    }
    EXPECT_LE((erased(eraser, after) - after).cwiseAbs().maxCoeff(), 4e-9) << "idempotent";
  }
}

TEST(leace, of_all_classes_has_one_rank_less) {
  const classes c(5, 500, 20, 3);
  matrix<double> all(500, 4);
  all << c.labels, (1.0 - c.labels.rowwise().sum().array()).matrix();
  steer::cross_moments seen(20, 4);
  seen.update(c.rows, all);
  const steer::eraser eraser = steer::leace(seen);
  EXPECT_EQ(eraser.read.rows(), 3) << "one column for each class adds up to 1";
  const steer::eraser fewer = steer::leace(c.moments());
  EXPECT_LE((eraser.write.transpose() * eraser.read - fewer.write.transpose() * fewer.read).norm(), 1e-10);
}

TEST(leace, changes_less_than_any_other_eraser_of_the_same_rank) {
  for (unsigned seed = 0; seed < 5; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const classes c(seed, 400, 12, 1);
    const steer::eraser least = steer::leace(c.moments());
    std::mt19937_64 engine(seed + 100);
    for (int i = 0; i < 5; ++i) {
      steer::eraser other = least;  // any w keeps guardedness, as long as it writes along the difference
      const Eigen::RowVectorXd w = least.read.row(0) + 0.2 * toy::random_rows<double>(engine, 1, 12).row(0);
      other.read.row(0) = w / w.dot(other.write.row(0));
      steer::cross_moments left(12, 1);
      left.update(erased(other, c.rows), c.labels);
      EXPECT_LE(left.cross_covariance().cwiseAbs().maxCoeff(), 1e-12);
      EXPECT_LT((erased(least, c.rows) - c.rows).squaredNorm(), (erased(other, c.rows) - c.rows).squaredNorm());
    }
  }
}

TEST(leace, of_a_singular_covariance_leaves_what_lies_outside_its_range) {
  classes c(6, 300, 10, 2);
  c.rows.col(4) = c.rows.col(1) + c.rows.col(2);
  c.rows.col(7).setConstant(3.0);
  const steer::eraser eraser = steer::leace(c.moments());
  steer::cross_moments left(10, 2);
  const matrix<double> after = erased(eraser, c.rows);
  left.update(after, c.labels);
  EXPECT_LE(left.cross_covariance().cwiseAbs().maxCoeff(), 4e-9);
  EXPECT_LE((after.col(7).array() - 3.0).abs().maxCoeff(), 1e-9);
}

struct contrast {
  matrix<double> positive;
  matrix<double> negative;

  explicit contrast(unsigned seed) {
    const classes c(seed, 300, 16, 1);
    const auto side = [&](double label) {
      std::vector<Eigen::Index> members;
      for (Eigen::Index i = 0; i < c.rows.rows(); ++i) {
        if (c.labels(i, 0) == label) {
          members.push_back(i);
        }
      }
      return matrix<double>(c.rows(members, Eigen::seqN(0, c.rows.cols())));
    };
    positive = side(1.0);
    negative = side(0.0);
  }
};

TEST(binary_leace, is_leace_of_two_classes_and_the_oblique_projector) {
  for (unsigned seed = 0; seed < 10; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const contrast c(seed);
    const classes whole(seed, 300, 16, 1);
    const steer::eraser fast = steer::binary_leace(c.positive, c.negative);
    const steer::eraser general = steer::leace(whole.moments());
    const Eigen::MatrixXd projector = fast.write.transpose() * fast.read;
    EXPECT_LE((projector - general.write.transpose() * general.read).norm(), 1e-11);
    const Eigen::VectorXd delta = fast.write.row(0).transpose();
    const Eigen::VectorXd w = steer::whitened_difference(c.positive, c.negative, {.shrinkage = 0.0});
    EXPECT_LE((projector - delta * w.transpose() / w.dot(delta)).norm(), 1e-11)
        << "within or total covariance: the same";
    EXPECT_LE((projector * projector - projector).norm(), 1e-11);
  }
}

TEST(binary_leace, of_fewer_samples_than_dimensions_erases_as_completely_with_a_shrinkage) {
  const contrast c(4);
  const matrix<double> plus = c.positive.topRows(5);
  const matrix<double> minus = c.negative.topRows(6);
  const steer::eraser eraser = steer::binary_leace(plus, minus, {.shrinkage = 0.3});
  const Eigen::RowVectorXd difference = erased(eraser, plus).colwise().mean() - erased(eraser, minus).colwise().mean();
  EXPECT_LE(difference.cwiseAbs().maxCoeff(), 1e-12);
  matrix<double> all(11, 16);
  all << plus, minus;
  EXPECT_LE((erased(eraser, all).colwise().mean() - all.colwise().mean()).cwiseAbs().maxCoeff(), 1e-12);
}

TEST(binary_leace, has_its_edit_in_one_line) {
  const contrast c(3);
  const steer::eraser eraser = steer::binary_leace(c.positive, c.negative);
  steer::recipe recipe;
  recipe.transform(eraser.map(), {.layers = {0}});
  recipe.erase({.directions = {{0, eraser.readers()[0]}}}, {.directions = {{0, eraser.writers()[0]}}},
               {.origin = steer::coordinate_origin::midpoint});
  for (const steer::edit& e : recipe.edits()) {
    Eigen::VectorXd h = c.positive.row(0).transpose();
    steer::detail::apply_edit(e.operation, 0, h.norm(), h);
    EXPECT_LE((h - eraser(c.positive.row(0).transpose())).norm(), 1e-5) << to_string(e);
  }
}

TEST(leace, refuses_by_message) {
  classes c(1, 50, 4, 1);
  steer::cross_moments constant(4, 1);
  constant.update(c.rows, matrix<double>::Ones(50, 1));
  expect_error<steer::numeric_error>([&] { steer::leace(constant); }, "label 0 is the same in all 50 samples");
  steer::cross_moments same(4, 1);
  same.update(matrix<double>::Ones(50, 4), c.labels);
  expect_error<steer::numeric_error>([&] { steer::leace(same); }, "all 50 samples are the same");
  steer::cross_moments unrelated(2, 1);
  matrix<double> square(4, 2);
  square << 0, 0, 0, 1, 1, 0, 1, 1;
  unrelated.update(square, (matrix<double>(4, 1) << 0, 1, 1, 0).finished());
  expect_error<steer::numeric_error>([&] { steer::leace(unrelated); }, "no covariance");
  expect_error<steer::numeric_error>([&] { steer::leace(steer::cross_moments(4, 1)); }, "has seen 0");
  const contrast two(2);
  expect_error<steer::numeric_error>([&] { steer::binary_leace(two.positive.topRows(3), two.negative.topRows(3)); },
                                     "6 samples leave 4 degrees of freedom for width 16", "shrinkage");
  expect_error<steer::numeric_error>([&] { steer::binary_leace(two.positive, two.positive); }, "same mean");
}

}  // namespace
