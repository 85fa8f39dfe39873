#include "steer/compose/algebra.hpp"
#include "steer/compose/orthogonalise.hpp"

#include <gtest/gtest.h>

#include <Eigen/Dense>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "expect_error.hpp"
#include "steer/recipe/recipe.hpp"
#include "toy.hpp"

namespace {

using steer::matrix;
using steer::steering_vector;

matrix<double> random_units(std::mt19937_64& engine, Eigen::Index k, Eigen::Index d) {
  matrix<double> out = toy::random_rows<double>(engine, k, d);
  out.rowwise().normalize();
  return out;
}

std::vector<steering_vector> random_vectors(std::mt19937_64& engine) {
  return {toy::random_vector(engine, {0, 4}, 10), toy::random_vector(engine, {0, 4}, 10),
          toy::random_vector(engine, {0, 4}, 10)};
}

TEST(lowdin, is_the_polar_factor_and_the_nearest_orthonormal_frame) {
  for (unsigned seed = 0; seed < 20; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 engine(seed);
    const Eigen::Index k = 2 + seed % 5;
    const matrix<double> v = random_units(engine, k, 16);
    const matrix<double> found = steer::detail::lowdin(v);
    const Eigen::JacobiSVD<Eigen::MatrixXd> svd(v, Eigen::ComputeThinU | Eigen::ComputeThinV);
    EXPECT_LE((found - svd.matrixU() * svd.matrixV().transpose()).norm(), 1e-12);
    EXPECT_LE((found * found.transpose() - Eigen::MatrixXd::Identity(k, k)).norm(), 1e-12);
    matrix<double> other = steer::detail::gram_schmidt(v);
    other.rowwise().normalize();
    EXPECT_LE((found - v).norm(), (other - v).norm());
  }
}

TEST(gram_schmidt, is_orthogonal_and_spans_the_same) {
  for (unsigned seed = 0; seed < 20; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 engine(seed);
    const matrix<double> v = 3.0 * random_units(engine, 4, 16);
    const matrix<double> found = steer::detail::gram_schmidt(v);
    Eigen::MatrixXd gram = found * found.transpose();
    gram.diagonal().setZero();
    EXPECT_LE(gram.norm(), 1e-12);
    const Eigen::HouseholderQR<Eigen::MatrixXd> qr(v.transpose());
    for (Eigen::Index i = 0; i < 4; ++i) {
      EXPECT_NEAR(found.row(i).norm(), std::abs(qr.matrixQR()(i, i)), 1e-12) << "what is left of each";
    }
  }
}

TEST(orthogonalised_vectors, keep_layers_names_and_lengths_as_they_say) {
  std::mt19937_64 engine(2);
  const std::vector<steering_vector> v = random_vectors(engine);
  const std::vector<steering_vector> ordered = steer::gram_schmidt(v);
  const std::vector<steering_vector> symmetric = steer::lowdin(v);
  EXPECT_EQ(ordered[0], v[0]);
  for (const int layer : {0, 4}) {
    for (std::size_t i = 0; i < 3; ++i) {
      const auto& here = symmetric[i].directions.at(layer);
      EXPECT_EQ(symmetric[i].name, v[i].name);
      EXPECT_NEAR(here.values.norm(), v[i].directions.at(layer).values.norm(), 1e-5);
      EXPECT_EQ(here.row_norm, v[i].directions.at(layer).row_norm);
      EXPECT_FALSE(here.spread) << "it was measured along another direction";
      for (std::size_t j = 0; j < i; ++j) {
        EXPECT_NEAR(unit(here).dot(unit(symmetric[j].directions.at(layer))), 0.0, 1e-6);
        EXPECT_NEAR(unit(ordered[i].directions.at(layer)).dot(unit(ordered[j].directions.at(layer))), 0.0, 1e-6);
      }
    }
  }
}

TEST(protect, leaves_every_coordinate_of_the_others) {
  for (unsigned seed = 0; seed < 10; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 engine(seed);
    const std::vector<steering_vector> v = random_vectors(engine);
    const steering_vector kept = steer::protect(v[0], {v[1], v[2]});
    for (const int layer : {0, 4}) {
      for (const std::size_t i : {1U, 2U}) {
        EXPECT_NEAR(unit(kept.directions.at(layer)).dot(unit(v[i].directions.at(layer))), 0.0, 1e-6);
      }
      const Eigen::VectorXf gone = v[0].directions.at(layer).values - kept.directions.at(layer).values;
      EXPECT_NEAR(gone.dot(kept.directions.at(layer).values), 0.0F, 1e-4F) << "no more than that is gone";
    }
    steer::recipe recipe;
    recipe.add(kept, {.strength = 0.1F});
  }
}

TEST(protect_subspace, keeps_every_coordinate_in_it) {
  for (unsigned seed = 0; seed < 10; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 engine(seed);
    const steering_vector v = toy::random_vector(engine, {0, 4}, 10);
    std::map<int, steer::subspace> kept;
    for (const int layer : {0, 4, 7}) {
      kept[layer].basis = steer::detail::lowdin(random_units(engine, 3, 10));
    }
    const steering_vector found = steer::protect_subspace(v, kept);
    ASSERT_EQ(found.directions.size(), 2U);
    for (const auto& [layer, here] : found.directions) {
      const Eigen::VectorXd before = v.directions.at(layer).values.cast<double>();
      const matrix<double>& basis = kept.at(layer).basis;
      EXPECT_LE((basis * here.values.cast<double>()).norm(), 1e-6);
      EXPECT_LE((here.values.cast<double>() - before + basis.transpose() * (basis * before)).norm(), 1e-6);
    }
  }
}

TEST(orthogonalise, refuses_by_message) {
  std::mt19937_64 engine(2);
  std::vector<steering_vector> v = random_vectors(engine);
  v[0].name = "a";
  expect_error<steer::numeric_error>(
      [&] {
        steer::lowdin({v[0], v[1], 2.0 * v[0]});
      },
      "lowdin, layer 0", "directions 0 and 2", "nearly dependent");
  expect_error<steer::numeric_error>([&] { steer::gram_schmidt({v[0], -v[0]}); }, "gram_schmidt, layer 0");
  expect_error<steer::numeric_error>(
      [&] {
        steer::protect(v[0], {v[1], v[0] + v[1]});
      },
      "protect from \"a\", layer 0", "of its length");
  expect_error<steer::argument_error>([&] { steer::protect(v[0], {}); }, "nothing to protect");
  steer::subspace axis{matrix<double>::Identity(1, 10), Eigen::VectorXd::Ones(1)};
  expect_error<steer::shape_error>(
      [&] {
        steer::protect_subspace(v[0], {{0, axis}});
      },
      "\"a\", layer 4: there is no subspace");
  axis.basis = matrix<double>::Identity(1, 9);
  expect_error<steer::shape_error>([&] { steer::protect_subspace(v[0], {{0, axis}}); }, "has width 9, the vector 10");
  expect_error<steer::argument_error>([&] { steer::lowdin({}); }, "no vectors");
  v[1].directions.erase(4);
  expect_error<steer::shape_error>([&] { steer::lowdin(v); }, "layer 4", "has not");
}

}  // namespace
