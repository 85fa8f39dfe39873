#include "transformer/huggingface.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "examples/transformer/tiny_model.hpp"
#include "expect_error.hpp"
#include "transformer/decoder.hpp"
#include "transformer/load.hpp"

namespace {

using namespace transformer_test;

matrix last_logits(const std::shared_ptr<const reference::model>& model) {
  reference::decoder d(model);
  return d.prompt(0, random_tokens(9, 11, model->sizes().vocabulary));
}

TEST(hugging_face, loads_what_was_written) {
  for (const bool tied : {true, false}) {
    reference::config c = tiny_config(tied);
    c.head_width = 10;
    const reference::weights w = random_weights(c, 7);
    const scratch_file file(".safetensors");
    huggingface(c, w).write(file.path());
    const auto model = reference::load_model(file.path());
    EXPECT_EQ(model->sizes(), c);
    EXPECT_EQ(model->shape().fingerprint, reference::model(c, w, "other").shape().fingerprint);
  }
}

TEST(hugging_face, both_formats_of_one_model_agree) {
  for (const bool tied : {true, false}) {
    const reference::config c = tiny_config(tied);
    const reference::weights w = random_weights(c, 8);
    const scratch_file bin(".bin");
    const scratch_file tensors(".safetensors");
    bin.write(llama2c_bytes(c, w));
    huggingface(c, w).write(tensors.path());
    const auto a = reference::load_model(bin.path());
    const auto b = reference::load_model(tensors.path());
    EXPECT_EQ(a->shape().fingerprint, b->shape().fingerprint);
    EXPECT_EQ(last_logits(a), last_logits(b));
  }
}

TEST(hugging_face, head_width_defaults_to_an_equal_share) {
  const reference::config c = tiny_config();
  auto parts = huggingface(c, random_weights(c, 9));
  parts.metadata.erase("head_dim");
  const scratch_file file(".safetensors");
  parts.write(file.path());
  EXPECT_EQ(reference::load_safetensors(file.path())->sizes().head_width, 6);
}

TEST(hugging_face, reads_half_precision) {
  const reference::config c = tiny_config();
  reference::weights w = random_weights(c, 10);
  const auto round = [](float x) {
    std::uint32_t bits = 0;
    std::memcpy(&bits, &x, sizeof bits);
    bits &= 0xFFFF0000U;
    std::memcpy(&x, &bits, sizeof bits);
    return x;
  };
  reference::for_each_tensor(c, w, [&](const std::string&, extent, extent, auto& t) { t = t.unaryExpr(round).eval(); });
  const huggingface_parts parts = huggingface(c, w);
  std::map<std::string, std::vector<std::uint16_t>> halves;
  std::map<std::string, steer::tensor_view, std::less<>> tensors;
  for (const auto& [name, numbers] : parts.values) {
    for (const float number : numbers) {
      std::uint32_t bits = 0;
      std::memcpy(&bits, &number, sizeof bits);
      halves[name].push_back(static_cast<std::uint16_t>(bits >> 16U));
    }
    tensors[name] = {steer::dtype::bf16, parts.shapes.at(name), std::as_bytes(std::span(halves[name]))};
  }
  const scratch_file file(".safetensors");
  steer::write_safetensors(file.path(), tensors, parts.metadata);
  EXPECT_EQ(reference::load_safetensors(file.path())->shape().fingerprint,
            reference::model(c, w, "rounded").shape().fingerprint);
}

class hugging_face_damage : public testing::Test {
 protected:
  template <class Change, class... Parts>
  void refuse(Change change, const Parts&... parts) {
    const reference::config c = tiny_config();
    huggingface_parts spoilt = huggingface(c, random_weights(c, 11));
    change(spoilt);
    spoilt.write(file_.path());
    expect_error<steer::format_error>([&] { reference::load_safetensors(file_.path()); }, file_.name(), parts...);
  }
  const scratch_file file_{".safetensors"};
};

TEST_F(hugging_face_damage, tensors_must_be_those_of_the_model) {
  const std::string key = "model.layers.1.self_attn.k_proj.weight";
  refuse([&](auto& p) { p.values.erase(key); }, key);
  refuse([&](auto& p) { p.shapes[key] = {18, 6}; }, key, "[18, 6]", "expected [6, 18]");
  refuse([&](auto& p) { p.shapes["model.norm.weight"] = {18, 1}; }, "model.norm.weight", "[18, 1]", "expected [18]");
  refuse([&](auto& p) { p.values["lm_head.weight"] = {1.0F}; p.shapes["lm_head.weight"] = {1}; }, "lm_head.weight",
         "surplus", "a tied model");
  refuse([&](auto& p) { p.values["model.layers.3.mlp.up_proj.weight"] = {1.0F};
                        p.shapes["model.layers.3.mlp.up_proj.weight"] = {1}; }, "layers.3", "surplus", "3 layers");
  refuse([&](auto& p) { p.values[key][7] = std::numeric_limits<float>::quiet_NaN(); }, key, "NaN or infinity");
}

TEST_F(hugging_face_damage, tensors_must_be_floats) {
  const reference::config c = tiny_config();
  const huggingface_parts parts = huggingface(c, random_weights(c, 11));
  std::map<std::string, steer::tensor_view, std::less<>> tensors;
  for (const auto& [name, numbers] : parts.values) {
    tensors[name] = {steer::dtype::i32, parts.shapes.at(name), std::as_bytes(std::span(numbers))};
  }
  steer::write_safetensors(file_.path(), tensors, parts.metadata);
  expect_error<steer::format_error>([&] { reference::load_safetensors(file_.path()); }, "model.embed_tokens.weight", "I32",
                                    "expected F32, F16 or BF16", file_.name());
}

TEST_F(hugging_face_damage, metadata_must_be_whole_and_plausible) {
  for (const char* key : {"hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads",
                          "num_key_value_heads", "vocab_size", "max_position_embeddings", "rms_norm_eps", "rope_theta",
                          "tie_word_embeddings"}) {
    refuse([&](auto& p) { p.metadata.erase(key); }, key);
    refuse([&](auto& p) { p.metadata[key] = "12x"; }, key, "\"12x\"", "expected");
  }
  for (const char* key : {"num_hidden_layers", "hidden_size", "vocab_size", "max_position_embeddings"}) {
    for (const char* value : {"", " 3", "+3", "3.0", "1e2", "true", "4294967299", "-2147483649"}) {
      refuse([&](auto& p) { p.metadata[key] = value; }, key, "expected a number");
    }
    refuse([&](auto& p) { p.metadata[key] = "-3"; }, "is -3, expected 1 to ");
  }
  for (const char* value : {"", "nan(1)x", "1e999", "true", "0x1p-3"}) {
    refuse([&](auto& p) { p.metadata["rms_norm_eps"] = value; }, "rms_norm_eps", "expected a number");
  }
  refuse([](auto& p) { p.metadata["rms_norm_eps"] = "nan"; }, "norm_epsilon is nan");
  refuse([](auto& p) { p.metadata["num_key_value_heads"] = "2"; }, "heads is 3", "multiple of kv_heads, which is 2");
  refuse([](auto& p) { p.metadata["num_hidden_layers"] = "4000"; }, "num_hidden_layers is 4000", "only 29 tensors");
  refuse([](auto& p) { p.metadata["num_hidden_layers"] = "4"; }, "model.layers.3");
  refuse([](auto& p) { p.metadata.erase("head_dim"); p.metadata["hidden_size"] = "19"; }, "hidden_size is 19", "which is 3");
  refuse([](auto& p) { p.metadata["rope_theta"] = "inf"; }, "rope_theta is inf");
}

TEST(load_model, knows_two_extensions) {
  expect_error<steer::argument_error>([] { reference::load_model("model.gguf"); }, "\".gguf\"", ".bin or .safetensors",
                                      "model.gguf");
}

}  // namespace
