#include "transformer/model.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "examples/transformer/tiny_model.hpp"
#include "expect_error.hpp"

namespace {

using namespace transformer_test;

TEST(transformer_config, faults_name_field_expected_and_actual) {
  const auto refuse = [](auto change, const auto&... parts) {
    reference::config c = tiny_config();
    change(c);
    expect_error<steer::shape_error>([&] { reference::validate(c, "who"); }, "who: ", parts...);
  };
  EXPECT_EQ(reference::fault_of(tiny_config()), "");
  refuse([](auto& c) { c.layers = 0; }, "layers is 0", "1 to");
  refuse([](auto& c) { c.width = -1; }, "width is -1");
  refuse([](auto& c) { c.hidden = 1 << 30; }, "hidden is 1073741824", "1 to 1048576");
  refuse([](auto& c) { c.heads = 0; }, "heads is 0");
  refuse([](auto& c) { c.kv_heads = 2; }, "heads is 3", "multiple of kv_heads, which is 2");
  refuse([](auto& c) { c.head_width = 7; }, "head_width is 7", "even");
  refuse([](auto& c) { c.vocabulary = 0; }, "vocabulary is 0");
  refuse([](auto& c) { c.context = 0; }, "context is 0");
  refuse([](auto& c) { c.norm_epsilon = -1.0F; }, "norm_epsilon is -1");
  refuse([](auto& c) { c.rope_theta = std::numeric_limits<float>::quiet_NaN(); }, "rope_theta is nan");
}

TEST(transformer_model, shape_tells_everything_a_hook_may_ask) {
  const auto model = tiny_model(1);
  const steer::model_shape& shape = model->shape();
  EXPECT_EQ(shape.name, "tiny");
  EXPECT_EQ(shape.layers, 3);
  EXPECT_EQ(shape.width, 18);
  EXPECT_EQ(shape.heads, 3);
  EXPECT_EQ(shape.head_width, 6);
  for (const steer::point p : steer::all_points) {
    EXPECT_TRUE(shape.points.contains(p));
  }
  for (const steer::row_fact fact : {steer::row_fact::token, steer::row_fact::position, steer::row_fact::sequence,
                                     steer::row_fact::phase, steer::row_fact::prompt_length}) {
    EXPECT_TRUE(shape.facts.contains(fact));
  }
}

TEST(transformer_model, fingerprint_tells_weights_and_configurations_apart) {
  const auto print = [](const reference::config& c, const reference::weights& w) {
    return reference::model(c, w, "any").shape().fingerprint;
  };
  const reference::config c = tiny_config();
  reference::weights w = random_weights(c, 2);
  const std::string first = print(c, w);
  EXPECT_EQ(first.size(), 16U);
  EXPECT_EQ(print(c, w), first);
  EXPECT_EQ(tiny_model(2)->shape().fingerprint, first);
  reference::config other = c;
  other.rope_theta = 500000.0F;
  EXPECT_NE(print(other, w), first);
  w.layers[1].down(3, 4) = std::nextafter(w.layers[1].down(3, 4), 9.0F);
  EXPECT_NE(print(c, w), first);
}

TEST(transformer_model, refuses_weights_that_do_not_fit) {
  const auto build = [](auto change, bool tied = true) {
    return [=] {
      const reference::config c = tiny_config(tied);
      reference::weights w = random_weights(c, 3);
      change(w);
      const reference::model m(c, std::move(w), "bad");
    };
  };
  expect_error<steer::shape_error>(build([](auto& w) { w.layers.pop_back(); }), "model \"bad\"", "2 layers", "expected 3");
  expect_error<steer::shape_error>(build([](auto& w) { w.layers[2].key.resize(5, 18); }), "\"bad\"",
                                   "model.layers.2.self_attn.k_proj.weight", "[5, 18]", "[6, 18]");
  expect_error<steer::shape_error>(build([](auto& w) { w.head.resize(41, 18); }), "tied", "[41, 18]");
  expect_error<steer::shape_error>(build([](auto& w) { w.head.resize(0, 0); }, false), "lm_head.weight", "[41, 18]");
  expect_error<steer::numeric_error>(
      build([](auto& w) { w.final_norm[4] = std::numeric_limits<float>::quiet_NaN(); }), "model.norm.weight", "NaN");
  expect_error<steer::numeric_error>(
      build([](auto& w) { w.embedding(1, 1) = std::numeric_limits<float>::infinity(); }), "model.embed_tokens.weight");
}

}  // namespace
