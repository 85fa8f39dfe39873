#include "steer/io/weights_digest.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "steer/io/gguf.hpp"
#include "steer/io/write_gguf.hpp"

namespace {

/// A tensor that keeps its bytes: i * 31 + seed, the i-th of them.
struct kept {
  std::string name;
  std::vector<std::uint64_t> shape;
  std::uint32_t type = steer::gguf_f32;
  std::vector<unsigned char> bytes = {};

  kept(std::string named, std::vector<std::uint64_t> of, unsigned seed, std::size_t size, std::uint32_t as = steer::gguf_f32)
      : name(std::move(named)), shape(std::move(of)), type(as), bytes(size) {
    for (std::size_t i = 0; i < size; ++i) {
      bytes[i] = static_cast<unsigned char>(i * 31 + i / 251 + seed);
    }
  }
};

std::string digest_of(const std::vector<kept>& tensors, const steer::gguf_metadata& metadata = {}) {
  std::vector<steer::gguf_tensor> views;
  for (const kept& each : tensors) {
    views.push_back({each.name, each.type, each.shape, std::as_bytes(std::span(each.bytes))});
  }
  const std::string written = steer::gguf_bytes(metadata, views);
  return steer::weights_digest(steer::gguf_file(std::as_bytes(std::span(written)), "toy"));
}

std::vector<kept> model() {
  return {{"token_embd.weight", {4, 3}, 1, 48}, {"blk.0.attn_q.weight", {1024}, 2, 4096}, {"blk.0.attn_k.weight", {1025}, 3, 4100},
          {"blk.0.ffn_up.weight", {64, 80}, 4, 20480}, {"output_norm.weight", {5}, 5, 10, steer::gguf_f16}};
}

TEST(weights_digest, is_what_python_makes_of_the_same_tensors) {
  EXPECT_EQ(digest_of(model()), "b2c33fb1b1d70438a1dc4f668ca09de9");
  EXPECT_EQ(digest_of({}), "e3b0c44298fc1c149afbf4c8996fb924") << "SHA-256 of nothing";
}

TEST(weights_digest, is_of_the_weights_only_and_in_whatever_order_they_stand) {
  const std::string first = digest_of(model());
  std::vector<kept> turned = model();
  std::reverse(turned.begin(), turned.end());
  EXPECT_EQ(digest_of(turned), first);
  std::rotate(turned.begin(), turned.begin() + 2, turned.end());
  EXPECT_EQ(digest_of(turned), first);
  EXPECT_EQ(digest_of(model(), {{"general.name", "toy"}, {"general.alignment", std::uint32_t{64}}}), first);
}

TEST(weights_digest, any_byte_of_a_tensor_up_to_4_kib_changes_it) {
  std::set<std::string> seen{digest_of(model())};
  for (const std::size_t tensor : {std::size_t{0}, std::size_t{1}, std::size_t{4}}) {
    const std::size_t size = model()[tensor].bytes.size();
    for (std::size_t i = 0; i < size; i += size > 100 ? 41 : 1) {
      std::vector<kept> other = model();
      other[tensor].bytes[i] ^= 1U;
      EXPECT_TRUE(seen.insert(digest_of(other)).second) << other[tensor].name << " byte " << i;
    }
    std::vector<kept> other = model();
    other[tensor].bytes.back() ^= 0x80U;
    EXPECT_TRUE(seen.insert(digest_of(other)).second || size < 100) << other[tensor].name;
  }
}

// Of a tensor of n bytes, the i-th of sixteen pieces begins at (n - 256) i / 15.
TEST(weights_digest, of_larger_tensors_it_is_of_sixteen_pieces_from_the_first_byte_to_the_last) {
  for (const std::size_t numbers : {1025U, 1026U, 1029U, 1500U, 5120U, 30001U}) {
    const std::size_t size = 4 * numbers;
    std::vector<kept> alone{{"w", {numbers}, 9, size}};
    const std::string first = digest_of(alone);
    const auto changes = [&](std::size_t at) {
      alone[0].bytes[at] ^= 1U;
      const bool out = digest_of(alone) != first;
      alone[0].bytes[at] ^= 1U;
      return out;
    };
    EXPECT_TRUE(changes(0)) << size;
    EXPECT_TRUE(changes(size - 1)) << size;
    std::size_t end = 0;  // of the piece before
    for (std::size_t i = 0; i < 16; ++i) {
      const std::size_t begin = (size - 256) * i / 15;
      EXPECT_TRUE(changes(begin)) << size << ", piece " << i;
      EXPECT_TRUE(changes(begin + 255)) << size << ", piece " << i;
      if (end < begin) {
        EXPECT_FALSE(changes(end)) << size << ", before piece " << i;
        EXPECT_FALSE(changes(begin - 1)) << size << ", before piece " << i;
      }
      end = begin + 256;
    }
    EXPECT_EQ(end, size);
  }
}

TEST(weights_digest, name_type_and_shape_change_it) {
  const std::vector<std::vector<kept>> different{
      {{"a", {8, 2}, 1, 64}},
      {{"b", {8, 2}, 1, 64}},
      {{"a", {2, 8}, 1, 64}},
      {{"a", {16}, 1, 64}},
      {{"a", {16, 1}, 1, 64}},
      {{"a", {8, 2}, 1, 64, 26}},  // I32
      {{"a", {16, 2}, 1, 64, steer::gguf_f16}},
      {{"a", {16, 2}, 1, 64, steer::gguf_bf16}},
      {{"a", {8, 2}, 2, 64}},
      {{"a", {8}, 1, 32}, {"b", {8}, 1, 32}},
      {{"a", {8, 2}, 1, 64}, {"empty", {0}, 0, 0}},
      {{"a", {8, 2}, 1, 64}, {"b", {8, 2}, 1, 64}},
      {}};
  std::set<std::string> seen;
  for (std::size_t i = 0; i < different.size(); ++i) {
    const std::string digest = digest_of(different[i]);
    EXPECT_TRUE(seen.insert(digest).second) << i;
    EXPECT_EQ(digest.size(), 32U);
    EXPECT_EQ(digest.find_first_not_of("0123456789abcdef"), std::string::npos) << digest;
  }
}

// A name cannot pass for the line of another tensor.
TEST(weights_digest, tensors_do_not_run_into_one_another) {
  const std::vector<kept> two{{"a", {1}, 0, 4}, {"b", {1}, 1, 4}};
  std::vector<kept> swapped = two;
  std::swap(swapped[0].bytes, swapped[1].bytes);
  EXPECT_NE(digest_of(swapped), digest_of(two));
  EXPECT_NE(digest_of({{"ab", {1}, 0, 4}, {"c", {1}, 0, 4}}), digest_of({{"a", {1}, 0, 4}, {"bc", {1}, 0, 4}}));
  EXPECT_NE(digest_of({{"a F32 [1]\n", {1}, 0, 4}}), digest_of({{"a", {1}, 0, 4}}));
}

}  // namespace
