// The reference transformer against figures of an independent C implementation, and the steered differences.

#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

#include "examples/transformer/tiny_model.hpp"
#include "shared_data.hpp"
#include "transformer/load.hpp"
#include "transformer/text_model.hpp"

namespace {

using namespace transformer_test;
using reference::token_list;

nlohmann::json read_json(const std::filesystem::path& path) { return nlohmann::json::parse(std::ifstream(path)); }

reference::text_model<> stories(const std::filesystem::path& model, const std::filesystem::path& words) {
  return reference::text_model<>(reference::load_model(model), reference::tokenizer(words));
}

TEST(golden_stories, tokens_residuals_probabilities_and_text) {
  STEER_NEED_SHARED_FILE(model, "models/stories260K.bin");
  STEER_NEED_SHARED_FILE(words, "models/tok512.bin");
  STEER_NEED_SHARED_FILE(golden, "golden/stories260K.json");
  reference::text_model<> host = stories(model, words);
  int compared = 0;
  double worst_residual = 0.0;
  double worst_norm = 0.0;
  double worst_probability = 0.0;
  const nlohmann::json prompts = read_json(golden).at("prompts");
  ASSERT_EQ(prompts.size(), 4U);
  for (const auto& prompt : prompts) {
    const auto text = prompt.at("text").get<std::string>();
    SCOPED_TRACE(text);
    const token_list tokens = host.tokenize(text);
    EXPECT_EQ(tokens, prompt.at("tokens").get<token_list>());

    recording_hook hook;
    host.evaluate(tokens, hook);
    for (const recording_hook::call& call : hook.calls) {
      if (call.where.point != steer::point::residual_out) {
        continue;
      }
      ++compared;
      const auto layer = static_cast<std::size_t>(call.where.layer);
      const auto last = prompt.at("residual_out_last_token").at(layer).get<std::vector<float>>();
      const Eigen::Map<const Eigen::RowVectorXf> expected(last.data(), static_cast<extent>(last.size()));
      worst_residual = std::max(
          worst_residual, static_cast<double>((call.values.bottomRows(1) - expected).norm() / expected.norm()));
      for (extent t = 0; t < call.values.rows(); ++t) {
        const auto norm = prompt.at("residual_out_norm_all_tokens").at(static_cast<std::size_t>(t)).at(layer).get<double>();
        worst_norm = std::max(worst_norm, std::abs(static_cast<double>(call.values.row(t).norm()) / norm - 1.0));
      }
    }
    const Eigen::VectorXf p = host.log_probabilities(tokens);
    for (const auto& top : prompt.at("next_token_logprob_top5")) {
      worst_probability = std::max(worst_probability, std::abs(static_cast<double>(p[top.at(0).get<extent>()]) -
                                                               top.at(1).get<double>()));
    }
    EXPECT_EQ(host.generate(text, steer::no_hook{}, {.max_tokens = prompt.at("greedy_new_tokens").get<int>()}),
              prompt.at("greedy_continuation").get<std::string>());
  }
  EXPECT_EQ(compared, 4 * 5);
  EXPECT_LT(worst_residual, 1e-4);
  EXPECT_LT(worst_norm, 1e-4);
  EXPECT_LT(worst_probability, 5e-3);
  RecordProperty("worst_residual", steer::text(worst_residual));
  RecordProperty("worst_norm", steer::text(worst_norm));
  RecordProperty("worst_probability", steer::text(worst_probability));
}

/// Sums residual_out of one layer over all tokens except the first.
struct mean_hook {
  int layer;
  Eigen::VectorXd sum;
  double count = 0.0;

  [[nodiscard]] steer::access access(steer::site where) const noexcept {
    return where == steer::site{layer, steer::point::residual_out} ? steer::access::read : steer::access::none;
  }
  void operator()(steer::site, steer::rows<float> rows) noexcept {
    for (std::ptrdiff_t t = 0; t < rows.count; ++t) {
      if (rows.info_of(t).position > 0) {
        sum += Eigen::Map<const Eigen::VectorXf>(rows[t].data(), rows.width).cast<double>();
        count += 1.0;
      }
    }
  }
};

/// mean over pairs of (mean over tokens of the positive text - the same of the negative text)
Eigen::VectorXd direction(reference::text_model<>& host, const nlohmann::json& pairs, int layer) {
  const auto mean = [&](const nlohmann::json& text) {
    mean_hook hook{layer, Eigen::VectorXd::Zero(host.shape().width)};
    host.evaluate(host.tokenize(text.get<std::string>()), hook);
    return Eigen::VectorXd(hook.sum / hook.count);
  };
  Eigen::VectorXd sum = Eigen::VectorXd::Zero(host.shape().width);
  for (const auto& pair : pairs) {
    sum += mean(pair.at(0)) - mean(pair.at(1));
  }
  return sum / static_cast<double>(pairs.size());
}

TEST(golden_stories, steered_differences) {
  STEER_NEED_SHARED_FILE(model, "models/stories260K.bin");
  STEER_NEED_SHARED_FILE(words, "models/tok512.bin");
  STEER_NEED_SHARED_FILE(golden_path, "golden/stories260K_steered.json");
  STEER_NEED_SHARED_FILE(pairs_path, "data/story_pairs.json");
  reference::text_model<> host = stories(model, words);
  const nlohmann::json golden = read_json(golden_path);
  const nlohmann::json pairs = read_json(pairs_path);
  const int layer = golden.at("layer").get<int>();
  std::map<std::string, Eigen::VectorXd> directions;
  for (const char* concept_name : {"gender", "mood"}) {
    ASSERT_EQ(pairs.at(concept_name).at("pairs").size(), 64U);
    directions[concept_name] = direction(host, pairs.at(concept_name).at("pairs"), layer);
    EXPECT_NEAR(directions[concept_name].norm(),
                golden.at(std::string("direction_norm_") + concept_name).get<double>(), 1e-4);
  }
  double worst = 0.0;
  ASSERT_EQ(golden.at("rows").size(), 14U);
  for (const auto& expected : golden.at("rows")) {
    const Eigen::VectorXd& v = directions.at(expected.at("concept").get<std::string>());
    const double scale = expected.at("strength").get<double>() * golden.at("norm").get<double>() / v.norm();
    const adding_hook hook{{layer, steer::point::residual_out}, (v * scale).cast<float>().transpose()};
    const token_list prompt = host.tokenize(expected.at("prompt").get<std::string>());
    const auto score = [&](const char* which) {
      token_list whole = host.tokenize(expected.at("prompt").get<std::string>() + expected.at(which).get<std::string>());
      return host.log_probability(prompt, std::span(whole).subspan(prompt.size()), hook);
    };
    const double difference = score("a") - score("b") - expected.at("logprob_a_minus_b").get<double>();
    EXPECT_NEAR(difference, 0.0, 5e-3) << expected.dump();
    worst = std::max(worst, std::abs(difference));
  }
  RecordProperty("worst_difference", steer::text(worst));
}

}  // namespace
