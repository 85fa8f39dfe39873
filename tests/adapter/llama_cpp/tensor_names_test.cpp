#include "steer/adapter/llama_cpp/tensor_names.hpp"

#include <gtest/gtest.h>

namespace {

using steer::point;
using steer::site;
using steer::detail::llama_tensor;
using steer::detail::named_tensor;
using steer::detail::tensor_named;

TEST(TensorNames, ReadsKindAndLayer) {
  EXPECT_EQ(tensor_named("l_out-0"), (named_tensor{llama_tensor::block, 0}));
  EXPECT_EQ(tensor_named("attn_out-29"), (named_tensor{llama_tensor::attention, 29}));
  EXPECT_EQ(tensor_named("ffn_moe_out-3"), (named_tensor{llama_tensor::experts, 3}));
  EXPECT_EQ(tensor_named("model.layers.{}.conv.out_proj-2"), (named_tensor{llama_tensor::attention_otherwise, 2}));
  EXPECT_EQ(tensor_named("nemotron_h_block_out-12"), (named_tensor{llama_tensor::hybrid_block, 12}));
}

TEST(TensorNames, ReadsWhatEntersTheFirstBlock) {
  for (const char* embeddings : {"embd", "model.embed_tokens", "model.input_embed", "inp_embd", "embedding_output", "attn_norm_in-0"}) {
    EXPECT_EQ(tensor_named(embeddings), (named_tensor{llama_tensor::embeddings, 0})) << embeddings;
  }
  EXPECT_EQ(tensor_named("inp_norm"), (named_tensor{llama_tensor::normed_embeddings, 0}));
  EXPECT_EQ(tensor_named("inp_norm-0"), (named_tensor{llama_tensor::normed_embeddings, 0}));
  EXPECT_EQ(tensor_named("attn_norm_in-3"), (named_tensor{llama_tensor::block, 2})) << "a block's output, as the next block calls it";
}

TEST(TensorNames, LeavesOthersAlone) {
  for (const char* other : {"", "l_out", "l_out-", "l_out-x", "l_out-3 (view)", "ffn_out-1 (reshaped)", "xl_out-1", "embd-1",
                            "l_out--1", "l_out-99999999999999999999", "node_17"}) {
    EXPECT_EQ(tensor_named(other), std::nullopt) << other;
  }
}

TEST(TensorNames, ABlocksOutputIsAlsoTheNextOnesInput) {
  steer::detail::tensor_table table;
  table.block = {llama_tensor::block, llama_tensor::last_block};
  table.attention = {llama_tensor::attention, llama_tensor::attention_normed};
  table.mlp = {llama_tensor::mlp, llama_tensor::experts};
  table.heads = true;
  const auto sites = [&](const char* name) { return table.sites_of(*tensor_named(name)); };
  EXPECT_EQ(sites("embd")[0], (site{0, point::residual_in}));
  EXPECT_EQ(sites("l_out-0")[0], (site{0, point::residual_out}));
  EXPECT_EQ(sites("l_out-0")[1], (site{1, point::residual_in}));
  EXPECT_EQ(sites("l_last-1")[0], (site{1, point::residual_out}));
  EXPECT_EQ(sites("l_last-1")[1], std::nullopt);
  EXPECT_EQ(sites("attn_out-0")[0], (site{0, point::attention_out}));
  EXPECT_EQ(sites("attn_out-1")[0], std::nullopt);  // there another tensor is what attention adds
  EXPECT_EQ(sites("ffn_moe_out-1")[0], (site{1, point::mlp_out}));
  EXPECT_EQ(sites("kqv_out-1")[0], (site{1, point::attention_heads}));
  EXPECT_EQ(sites("kqv_out-2")[0], std::nullopt);
  EXPECT_EQ(sites("inp_scaled")[0], std::nullopt);
}

}  // namespace
