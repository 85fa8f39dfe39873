#include "transformer/llama2c.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "examples/transformer/tiny_model.hpp"
#include "expect_error.hpp"

namespace {

using namespace transformer_test;

reference::config square_config(bool tied) { return tiny_config(tied); }  // 3 heads of 6 make the 18 that llama2.c needs

TEST(llama2c, loads_what_was_written) {
  for (const bool tied : {true, false}) {
    const reference::config c = square_config(tied);
    const reference::weights w = random_weights(c, 5);
    const scratch_file file(".bin");
    file.write(llama2c_bytes(c, w));
    const auto model = reference::load_llama2c(file.path());
    EXPECT_EQ(model->sizes(), c);
    EXPECT_EQ(model->shape().name, file.path().stem().string());
    EXPECT_EQ(model->shape().fingerprint, reference::model(c, w, "other").shape().fingerprint);
    EXPECT_EQ(model->parameters().layers[1].query, w.layers[1].query);
    EXPECT_EQ(model->parameters().layers[2].down, w.layers[2].down);
    EXPECT_EQ(model->head(), tied ? w.embedding : w.head);
  }
}

class llama2c_damage : public testing::Test {
 protected:
  template <class... Parts>
  void refuse(const std::string& bytes, const Parts&... parts) {
    file_.write(bytes);
    expect_error<steer::format_error>([&] { reference::load_llama2c(file_.path()); }, "llama2.c: ", file_.name(), parts...);
  }
  template <class... Parts>
  void refuse_field(std::size_t field, std::int32_t value, const Parts&... parts) {
    std::string bytes = good_;
    std::memcpy(bytes.data() + 4 * field, &value, sizeof value);
    refuse(bytes, "header field", parts...);
  }

  const reference::config config_ = square_config(true);
  const std::string good_ = llama2c_bytes(config_, random_weights(config_, 6));
  const scratch_file file_{".bin"};
};

TEST_F(llama2c_damage, sizes_are_compared_before_anything_is_read) {
  const std::string expected = std::to_string(good_.size()) + " bytes";
  refuse(good_.substr(0, 1), "needs 28 bytes", "has 1");
  refuse(good_.substr(0, 27), "needs 28 bytes", "has 27");
  refuse(good_.substr(0, 28), expected, "has 28");
  refuse(good_.substr(0, good_.size() - 1), expected, std::to_string(good_.size() - 1));
  refuse(good_ + "x", expected, std::to_string(good_.size() + 1));
  std::string huge = good_;
  for (const auto& [field, value] : {std::pair<std::size_t, std::int32_t>{0, 12288}, {1, 1 << 20}, {2, 4096}, {5, 1 << 24}}) {
    std::memcpy(huge.data() + 4 * field, &value, sizeof value);
  }
  refuse(huge, "the header asks for", "the file has " + std::to_string(good_.size()));
}

TEST_F(llama2c_damage, every_header_field_is_named) {
  refuse_field(0, 0, "dim is 0", "multiple of heads");
  refuse_field(0, 19, "dim is 19", "which is 3");
  refuse_field(0, 3 << 20, "width is 3145728");
  refuse_field(1, -5, "hidden is -5");
  refuse_field(2, 0, "layers is 0");
  refuse_field(3, -2, "heads is -2");
  refuse_field(4, 2, "multiple of kv_heads, which is 2");
  refuse_field(4, 0, "kv_heads is 0");
  refuse_field(5, 0, "vocabulary is 0");
  refuse_field(5, std::numeric_limits<std::int32_t>::min(), "vocabulary is");
  refuse_field(6, 0, "context is 0");
  refuse_field(3, 6, "head_width is 3", "even");
}

TEST_F(llama2c_damage, numbers_must_be_finite) {
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), -std::numeric_limits<float>::infinity()}) {
    std::string bytes = good_;
    std::memcpy(bytes.data() + 28, &bad, sizeof bad);
    refuse(bytes, "tok_emb", "byte 28", "NaN or infinity");
    bytes = good_;
    const std::size_t tables = sizeof(float) * static_cast<std::size_t>(config_.context * config_.head_width);
    std::memcpy(bytes.data() + bytes.size() - tables - sizeof bad, &bad, sizeof bad);
    refuse(bytes, "rms_final");
  }
}

TEST(llama2c, a_missing_file_is_a_file_error) {
  expect_error<steer::file_error>([] { reference::load_llama2c("no/such.bin"); }, "no/such.bin");
}

}  // namespace
