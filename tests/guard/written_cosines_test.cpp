// How alike what recipes write is.
#include <gtest/gtest.h>

#include <vector>
#include <Eigen/Core>

#include "guard/house_rules.hpp"
#include "steer/guard/written_cosines.hpp"

namespace {

using toy::axis;
using toy::vector_at;

TEST(written_cosines, are_of_all_additions_at_all_sites) {
  const auto adds = [](const steer::steering_vector& v, float strength, steer::placement where = {}) {
    steer::documented_recipe out;
    out.recipe.add(v, {.strength = strength, .unit = steer::strength_unit::raw}, std::move(where));
    return out;
  };
  const auto both = vector_at("both", {{1, axis(1, 3.0F)}, {2, axis(2, 4.0F)}});
  const steer::documented_recipe first = adds(both, 1.0F);
  const steer::documented_recipe half = adds(vector_at("half", {{1, axis(1)}}), 2.0F, {.gate = {.conditions = {steer::above(both, 1e30F)}}});
  const steer::documented_recipe against = adds(both, -0.1F);
  const steer::documented_recipe elsewhere = adds(vector_at("elsewhere", {{2, axis(2)}}, steer::point::mlp_out), 1.0F);
  steer::documented_recipe ablates;
  ablates.recipe.ablate(both);
  const std::vector<steer::dosed_recipe> all{{"first", &first}, {"half", &half}, {"against", &against}, {"elsewhere", &elsewhere}, {"ablates", &ablates}};
  Eigen::MatrixXd expected = Eigen::MatrixXd::Zero(5, 5);
  expected.diagonal() << 1.0, 1.0, 1.0, 1.0, 0.0;
  expected(0, 1) = expected(1, 0) = 0.6;
  expected(0, 2) = expected(2, 0) = -1.0;
  expected(1, 2) = expected(2, 1) = -0.6;
  EXPECT_LE((steer::written_cosines(all, toy::guarded_model()) - expected).cwiseAbs().maxCoeff(), 1e-6);
  const std::vector<steer::dosed_recipe> none;
  EXPECT_EQ(steer::written_cosines(none, toy::guarded_model()).size(), 0);
}

}  // namespace
