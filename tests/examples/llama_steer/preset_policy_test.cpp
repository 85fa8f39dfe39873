// A policy of SmolLM2: its shape, its fingerprint and its row norms.
#include "llama_steer/preset_policy.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "adapter/llama_cpp/small_model.hpp"
#include "expect_error.hpp"
#include "steer/extract/recorder.hpp"
#include "temporary_file.hpp"

namespace {

using namespace llama_steer;
using small_model::model;

class preset_policy : public testing::Test {
 protected:
  steer::policy_document completed(drafted_policy rules) { return complete(std::move(rules), host_, texts_); }

  policy_options options_{.model = {.model = STEER_LLAMA_MODEL, .threads = 1}};
  std::vector<token_list> texts_ = {steer::tokenize(*model(), "<|im_start|> The cat sat on the mat.", steer::special_tokens::as_text)};
  steer::llama_cpp_host host_ = make_host(model(), options_.model, 1, longest(texts_), {.file = STEER_LLAMA_MODEL});
};

TEST_F(preset_policy, knows_the_model_its_weights_and_how_long_rows_are) {
  const steer::policy_document found = completed(draft(options_));
  EXPECT_EQ(found.model.layers, 30);
  EXPECT_EQ(found.model.width, 576);
  EXPECT_NE(found.model.fingerprint.find('/'), std::string::npos) << "of the weights, too";
  EXPECT_EQ(found.rules.fingerprints, std::set<std::string>{found.model.fingerprint});
  EXPECT_EQ(found.rules.row_norms.size(), 30U * 5U);
  steer::recorder recorder(host_.shape());
  recorder.record(host_, std::span<const std::int32_t>(texts_.front()), steer::side::positive);
  for (const int layer : {0, 12, 29}) {
    const double norm = found.rules.row_norms.at({layer, steer::point::residual_out});
    EXPECT_NEAR(norm, *recorder.mean_row_norm(layer), 1e-6 * norm) << layer;
  }
  const temporary_file file(".json");
  save(found, file.path());
  EXPECT_EQ(steer::load_policy(file.path()).rules.row_norms, found.rules.row_norms);
}

TEST_F(preset_policy, rules_that_can_be_none_of_the_model_are_refused) {
  const auto refuse = [&](const auto& spoil, const auto&... parts) {
    drafted_policy bad = draft(options_);
    spoil(bad);
    expect_error<steer::error>([&] { completed(std::move(bad)); }, parts...);
  };
  refuse([](auto& b) { b.document.rules.layers = {3, 30}; }, "--layers", "layer 30", "layers 0 to 29");
  const auto with = [](Eigen::Index width, int layer, const std::string& fingerprint) {
    return [=](drafted_policy& b) {
      steer::steering_vector v;
      v.name = "refusal";
      v.source.fingerprint = fingerprint;
      v.directions[layer].values = Eigen::VectorXf::Ones(width);
      b.protects.push_back(std::move(v));
    };
  };
  refuse(with(4, 3, ""), "--protect \"refusal\"", "has width 4", "expected 576");
  refuse(with(576, 31, ""), "--protect \"refusal\"", "layer 31");
  refuse(with(576, 3, "gguf:0a"), "was measured on a model with the fingerprint gguf:0a", "or --sibling");
  drafted_policy sibling = draft(options_);
  with(576, 3, "gguf:0a")(sibling);
  sibling.document.rules.fingerprints->insert("gguf:0a");
  EXPECT_NO_THROW(completed(std::move(sibling)));
}

}  // namespace
