#include "steer/extract/sample_rows.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <random>
#include <type_traits>

#include "toy.hpp"

namespace {

using steer::matrix;
using steer::sample_rows;

template <class Rows>
matrix<double> seen(const Rows& rows) {
  const sample_rows view(rows);
  EXPECT_EQ(view.rows(), rows.rows());
  EXPECT_EQ(view.cols(), rows.cols());
  return view.visit([](const auto& map) -> matrix<double> { return map.template cast<double>(); });
}

/// Where the numbers lie that a view of the rows shows.
template <class Rows>
const void* place(const Rows& rows) {
  return sample_rows(rows).visit([](const auto& map) -> const void* { return map.data(); });
}

TEST(sample_rows, are_the_rows_of_every_layout) {
  std::mt19937_64 engine(1);
  for (const Eigen::Index n : {0, 1, 2, 7}) {
    for (const Eigen::Index d : {1, 2, 5}) {
      const matrix<float> memory = toy::random_rows<float>(engine, n + 1, d);
      const matrix<double> exact = memory.cast<double>();
      const auto held = memory.topRows(n);  // has an address even where there are no rows
      const auto expected = exact.topRows(n);
      const matrix<float> rows = held;
      EXPECT_EQ(seen(rows), expected);
      EXPECT_EQ(seen(matrix<double>(expected)), expected);
      EXPECT_EQ(seen(Eigen::MatrixXf(rows)), expected);
      EXPECT_EQ(seen(Eigen::MatrixXd(expected)), expected);
      EXPECT_EQ(seen(rows.transpose()), matrix<double>(expected.transpose()));
      EXPECT_EQ(seen(held.bottomRows(n / 2)), matrix<double>(expected.bottomRows(n / 2)));
      EXPECT_EQ(seen(held.rightCols(d / 2)), matrix<double>(expected.rightCols(d / 2)));
      EXPECT_EQ(seen(held.col(d - 1)), matrix<double>(expected.col(d - 1)));
      EXPECT_EQ(seen(Eigen::MatrixXd(expected).middleRows(0, n / 2)), matrix<double>(expected.topRows(n / 2)));
      EXPECT_EQ(seen(Eigen::Ref<const matrix<float>>(rows)), expected);
      EXPECT_EQ(seen(2.0F * rows), matrix<double>(2.0 * expected));
      EXPECT_EQ(seen(expected * Eigen::MatrixXd::Identity(d, d)), expected);
      EXPECT_EQ(seen(rows.cast<int>()), matrix<double>(rows.cast<int>().cast<double>()));
    }
  }
  const Eigen::RowVector3f row(1.0F, 2.0F, 3.0F);
  EXPECT_EQ(seen(row), matrix<double>(row.cast<double>()));
  EXPECT_EQ(seen(row.transpose().eval()), matrix<double>(row.transpose().cast<double>()));
}

TEST(sample_rows, apart_in_both_ways_are_copied) {
  const matrix<float> rows = matrix<float>::NullaryExpr(4, 6, [](Eigen::Index i, Eigen::Index j) {
    return static_cast<float>(10 * i + j);
  });
  const Eigen::Map<const matrix<float>, 0, Eigen::Stride<Eigen::Dynamic, 2>> every_second(
      rows.data(), 4, 3, Eigen::Stride<Eigen::Dynamic, 2>(6, 2));
  EXPECT_EQ(seen(every_second), matrix<double>({{0, 2, 4}, {10, 12, 14}, {20, 22, 24}, {30, 32, 34}}));
  EXPECT_NE(place(every_second), rows.data());
}

TEST(sample_rows, are_not_copied_where_they_lie_in_memory) {
  const matrix<float> rows = matrix<float>::Ones(4, 6);
  EXPECT_EQ(place(rows), rows.data());
  EXPECT_EQ(place(rows.middleRows(1, 2)), rows.data() + 6);
  EXPECT_EQ(place(rows.rightCols(2)), rows.data() + 4);
  EXPECT_EQ(place(rows.transpose()), rows.data());
  const Eigen::MatrixXd columns = Eigen::MatrixXd::Ones(4, 6);
  EXPECT_EQ(place(columns), columns.data());
  EXPECT_EQ(place(columns.bottomRows(2)), columns.data() + 2);
}

static_assert(!std::is_copy_constructible_v<sample_rows>, "it lives for a call");
static_assert(!std::is_convertible_v<double, sample_rows> && !std::is_convertible_v<Eigen::ArrayXXf, sample_rows>);

}  // namespace
