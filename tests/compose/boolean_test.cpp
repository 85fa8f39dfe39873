#include "steer/compose/boolean.hpp"

#include <gtest/gtest.h>

#include <Eigen/Dense>
#include <cmath>
#include <random>
#include <string>

#include "expect_error.hpp"
#include "toy.hpp"

namespace {

using steer::conceptor;

constexpr Eigen::Index d = 8;
const Eigen::MatrixXd identity = Eigen::MatrixXd::Identity(d, d);

/// A correlation matrix of that rank, about as large as I.
Eigen::MatrixXd correlation(std::mt19937_64& engine, Eigen::Index rank) {
  const Eigen::MatrixXd x = toy::random_rows<double>(engine, rank, d);
  return x.transpose() * x / static_cast<double>(rank);
}

conceptor of(const Eigen::MatrixXd& r) { return {identity - (r + identity).inverse()}; }

double distance(const conceptor& a, const conceptor& b) { return (a.matrix - b.matrix).norm(); }

TEST(conceptors, or_is_the_conceptor_of_both_samples_together) {
  for (unsigned seed = 0; seed < 20; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 engine(seed);
    const Eigen::MatrixXd r = correlation(engine, 3 + seed % 10);
    const Eigen::MatrixXd q = correlation(engine, 12 - seed % 10);
    EXPECT_LE(distance(disjunction(of(r), of(q)), of(r + q)), 1e-12);
  }
}

TEST(conceptors, and_is_the_conceptor_of_the_parallel_sum) {
  for (unsigned seed = 0; seed < 20; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 engine(seed);
    const Eigen::MatrixXd r = correlation(engine, 24);
    const Eigen::MatrixXd q = correlation(engine, 24);
    EXPECT_LE(distance(conjunction(of(r), of(q)), of((r.inverse() + q.inverse()).inverse())), 1e-12);
  }
}

TEST(conceptors, and_of_singular_ones_lives_on_the_intersection_of_their_ranges) {
  for (unsigned seed = 0; seed < 10; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 engine(seed);
    const Eigen::MatrixXd turn =
        Eigen::HouseholderQR<Eigen::MatrixXd>(toy::random_rows<double>(engine, d, d)).householderQ();
    Eigen::VectorXd a(d);
    Eigen::VectorXd b(d);
    Eigen::VectorXd both(d);
    a << 0.5, 0.9, 0.3, 1.0, 0, 0, 0, 0;
    b << 0, 0, 0.6, 1.0, 0.7, 0.2, 0, 0;
    both << 0, 0, 1.0 / (1.0 / 0.3 + 1.0 / 0.6 - 1.0), 1.0, 0, 0, 0, 0;
    const auto turned = [&](const Eigen::VectorXd& s) { return conceptor{turn * s.asDiagonal() * turn.transpose()}; };
    EXPECT_LE(distance(conjunction(turned(a), turned(b)), turned(both)), 1e-12);
    const conceptor apart = conjunction(turned(a), turned((a.array() > 0.0).select(0.0 * a, 0.5)));
    EXPECT_LE(apart.matrix.norm(), 1e-12);
  }
}

TEST(conceptors, obey_de_morgan_and_double_negation_but_or_is_not_idempotent) {
  for (unsigned seed = 0; seed < 20; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 engine(seed);
    const conceptor a = of(correlation(engine, 24));
    const conceptor b = of(correlation(engine, 24));
    EXPECT_LE(distance(negation(negation(a)), a), 1e-15);
    EXPECT_LE(distance(negation(disjunction(a, b)), conjunction(negation(a), negation(b))), 1e-12);
    EXPECT_LE(distance(negation(conjunction(a, b)), disjunction(negation(a), negation(b))), 1e-12);
    EXPECT_LE(distance(conjunction(a, b), conjunction(b, a)), 1e-12);
    EXPECT_GT(distance(disjunction(a, a), a), 0.1);
  }
}

TEST(conceptors, apertures_multiply_and_stand_for_scaled_samples) {
  for (unsigned seed = 0; seed < 20; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 engine(seed);
    const Eigen::MatrixXd r = correlation(engine, seed % 2 == 0 ? 24 : 5);
    const double gamma = 0.3 + 0.2 * static_cast<double>(seed);
    const conceptor c = of(r);
    EXPECT_LE(distance(with_aperture(c, gamma), of(gamma * gamma * r)), 1e-12);
    EXPECT_LE(distance(with_aperture(with_aperture(c, gamma), 1.7), with_aperture(c, 1.7 * gamma)), 1e-12);
    EXPECT_LE(distance(with_aperture(c, 1.0), c), 1e-12);
  }
}

TEST(conceptors, of_any_rank_and_aperture_give_conceptors) {
  for (unsigned seed = 0; seed < 60; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 engine(seed);
    const auto any = [&] {
      const auto rank = static_cast<Eigen::Index>(1 + engine() % 24);
      return with_aperture(of(correlation(engine, rank)), std::pow(10.0, static_cast<double>(engine() % 7) - 3.0));
    };
    const conceptor a = any();
    const conceptor b = any();
    for (const conceptor& made : {negation(a), conjunction(a, b), disjunction(a, b), with_aperture(a, 30.0)}) {
      EXPECT_NO_THROW(check(made, "it"));
    }
  }
}

TEST(conceptors, refuse_by_message) {
  const conceptor two{Eigen::MatrixXd::Identity(2, 2)};
  const conceptor three{Eigen::MatrixXd::Identity(3, 3)};
  expect_error<steer::shape_error>([&] { conjunction(two, three); }, "conjunction", "widths 2 and 3");
  expect_error<steer::shape_error>([&] { disjunction(two, three); }, "disjunction", "widths 2 and 3");
  expect_error<steer::argument_error>([&] { with_aperture(two, -1.0); }, "gamma is -1");
  expect_error<steer::argument_error>([&] { with_aperture(two, 1e-200); }, "gamma is 1e-200", "its square");
  expect_error<steer::numeric_error>([&] { steer::negation({2.0 * two.matrix}); }, "negation", "from 2 to 2");
  const conceptor mixed{Eigen::MatrixXd{{0.5, 0.9}, {0.9, 0.5}}};  // its diagonal fits
  expect_error<steer::numeric_error>([&] { steer::negation(mixed); }, "negation", "eigenvalues from -0.4 to 1.4");
  expect_error<steer::numeric_error>([&] { conjunction(two, mixed); }, "conjunction, second", "eigenvalues");
  expect_error<steer::numeric_error>([&] { disjunction(mixed, two); }, "disjunction, first", "eigenvalues");
  expect_error<steer::numeric_error>([&] { with_aperture(mixed, 2.0); }, "with_aperture", "eigenvalues");
}

}  // namespace
