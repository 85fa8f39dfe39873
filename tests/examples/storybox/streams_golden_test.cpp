// Storybox with four residual streams: the forward pass against what PyTorch computes (train.py --golden).
#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

#include "examples/transformer/tiny_model.hpp"
#include "steer/io/safetensors.hpp"
#include "storybox/model.hpp"

namespace {

using transformer_test::matrix;
using transformer_test::recording_hook;

matrix golden(const steer::safetensors_file& file, const std::string& name) {
  const steer::tensor_view& tensor = file.at(name);
  const std::vector<float> numbers = steer::to_floats(tensor);
  return Eigen::Map<const matrix>(numbers.data(), tensor.shape[0], tensor.shape[1]);
}

TEST(storybox_streams, are_what_pytorch_computes) {
  const std::filesystem::path root(STEER_SOURCE_DIR);
  const steer::safetensors_file file(root / "tests/examples/storybox/streams_golden.safetensors");
  const auto model = storybox::load_model(root / "examples/storybox/storybox_streams.safetensors");
  ASSERT_EQ(model->shape().streams, 4);
  const steer::tensor_view& ids = file.at("tokens");
  std::vector<std::int32_t> tokens(static_cast<std::size_t>(ids.shape[0]));
  std::memcpy(tokens.data(), ids.bytes.data(), ids.bytes.size());
  recording_hook hook;
  reference::decoder decoder(model);
  const matrix logits = decoder.decode(transformer_test::prompt_rows(tokens), hook);
  const matrix expected = golden(file, "logits");
  EXPECT_LT((logits - expected).cwiseAbs().maxCoeff(), 1e-4F * expected.cwiseAbs().maxCoeff());
  int layers = 0;
  for (const recording_hook::call& call : hook.calls) {
    if (call.where.point != steer::point::residual_out) {
      continue;
    }
    const matrix streams = golden(file, "residual_out." + std::to_string(call.where.layer));  // [T, S d]
    const Eigen::Map<const matrix> as_rows(streams.data(), call.values.rows(), call.values.cols());
    EXPECT_LT((call.values - as_rows).cwiseAbs().maxCoeff(), 1e-4F * as_rows.cwiseAbs().maxCoeff()) << call.where.layer;
    ++layers;
  }
  EXPECT_EQ(layers, model->sizes().layers);
}

}  // namespace
