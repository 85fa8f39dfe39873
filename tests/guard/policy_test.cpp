// Policies without meaning are refused.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>

#include "expect_error.hpp"
#include "guard/house_rules.hpp"
#include "steer/guard/policy.hpp"

namespace {

template <class Error, class Change, class... Parts>
void expect_refused(Change change, const Parts&... parts) {
  steer::policy rules = toy::house_rules();
  change(rules);
  expect_error<Error>([&] { check(rules); }, std::string("policy \"house rules\""), std::string(parts)...);
}

TEST(a_policy, is_sound_as_it_is_and_with_rules_of_every_kind) {
  EXPECT_NO_THROW(check(steer::policy{}));
  steer::policy rules = toy::house_rules();
  rules.operations = steer::operation_names();
  rules.points = {{steer::point::mlp_out}};
  rules.layers = {{0, 3}};
  rules.readouts = {{"refusal", 0.0}};
  rules.trusted_keys.emplace();
  rules.least_versions = {{"terse", 1}};
  rules.least_dose = -1.0;
  EXPECT_NO_THROW(check(rules));
}

TEST(operation_names, are_those_that_edits_say_of_themselves) {
  EXPECT_EQ(steer::operation_names(), (std::set<std::string>{"ablate", "add", "bound", "erase", "rotate", "set angle", "towards", "transform", "watch"}));
}

TEST(a_policy, without_meaning_is_refused_by_message) {
  using steer::argument_error;
  using steer::numeric_error;
  using steer::policy;
  const double infinity = std::numeric_limits<double>::infinity();
  expect_refused<argument_error>([](policy& p) { p.operations = {{"ad"}}; }, "the operation \"ad\"", "some of ablate, add");
  expect_refused<argument_error>([](policy& p) { p.layers = {{-1}}; }, "layer -1");
  expect_refused<numeric_error>([](policy& p) { p.row_norms[{1, steer::point::mlp_out}] = 0.0; }, "layer 1 mlp_out is 0");
  expect_refused<numeric_error>([=](policy& p) { p.row_norms[{1, steer::point::mlp_out}] = infinity; }, "is inf");
  expect_refused<numeric_error>([](policy& p) { p.most_layer_dose = -0.1; }, "the most dose of a layer is -0.1");
  expect_refused<numeric_error>([=](policy& p) { p.most_total_dose = infinity; }, "the most dose in sum is inf");
  expect_refused<numeric_error>([](policy& p) { p.readouts["refusal"] = std::nan(""); }, "readout \"refusal\"", "is nan");
  expect_refused<argument_error>([](policy& p) { p.protects.push_back(p.protects[0]); }, "\"refusal\" twice");
  expect_refused<argument_error>([](policy& p) { p.protects[0].name.clear(); }, "no name");
  expect_refused<argument_error>([](policy& p) { p.protects[0].bases.clear(); }, "no layers");
  expect_refused<argument_error>([](policy& p) { p.protects[0].most_share = 1.5; }, "protected \"refusal\"", "largest share is 1.5");
  expect_refused<numeric_error>([](policy& p) { p.protects[0].most_dose = -1.0; }, "the most dose is -1");
  expect_refused<numeric_error>([](policy& p) { p.protects[0].bases[1](0, 0) = 2.0; }, "layer 1", "orthonormal");
  expect_refused<numeric_error>([](policy& p) { p.protects[0].bases[1](0, 0) = std::nan(""); }, "layer 1", "NaN");
  expect_refused<argument_error>([](policy& p) { p.protects[0].bases[1] = steer::matrix<double>::Identity(1, 3); }, "layer 1", "has width 3");
  expect_refused<argument_error>([](policy& p) { p.protects[0].bases[-1] = p.protects[0].bases[1]; }, "the layer is -1");
  expect_refused<argument_error>([](policy& p) { p.row_norms.clear(); }, "no row norms");
  expect_refused<argument_error>([](policy& p) { p.least_versions["terse"] = 0; }, "the least version of \"terse\" is 0");
  expect_refused<argument_error>([](policy& p) { p.least_dose = 2.0; }, "from 2 to 1");
  expect_refused<argument_error>([=](policy& p) { p.most_dose = infinity; }, "from 0 to inf");
}

}  // namespace
