#include "steer/core/fingerprint.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using steer::may_be_same_weights;

// A compile-time answer: whoever has two constants may ask.
static_assert(may_be_same_weights("gguf:a", "gguf:a/1") && !may_be_same_weights("gguf:a/1", "gguf:a/2"));

TEST(fingerprint, meets_what_says_less_of_the_same) {
  const std::vector<std::pair<std::string_view, std::string_view>> may{
      {"", ""}, {"", "gguf:a"}, {"", "gguf:a/1"}, {"mine", "mine"}, {"gguf:a", "gguf:a"}, {"gguf:a/1", "gguf:a/1"}, {"gguf:a", "gguf:a/1"},
      {"gguf:a/1", "gguf:a/1/x"}, {"gguf:a", "gguf:a/1/x"}, {"gguf:a", "gguf:a/"}};
  for (const auto& [a, b] : may) {
    EXPECT_TRUE(may_be_same_weights(a, b)) << a << " and " << b;
    EXPECT_TRUE(may_be_same_weights(b, a)) << b << " and " << a;
  }
}

TEST(fingerprint, refuses_what_says_something_else) {
  const std::vector<std::pair<std::string_view, std::string_view>> differ{
      {"gguf:a", "gguf:b"}, {"gguf:a", "gguf:ab"}, {"gguf:a/1", "gguf:a/2"}, {"gguf:a/1", "gguf:a/12"}, {"gguf:a/1", "gguf:b"},
      {"gguf:a/1", "gguf:ab/1"}, {"gguf:a", "GGUF:a"}, {"gguf:a ", "gguf:a"}, {"a/1", "/1"}, {"/", "gguf:a/1"}};
  for (const auto& [a, b] : differ) {
    EXPECT_FALSE(may_be_same_weights(a, b)) << a << " and " << b;
    EXPECT_FALSE(may_be_same_weights(b, a)) << b << " and " << a;
  }
}

// By the words of its docstring, over all pairs of short texts.
TEST(fingerprint, is_equal_to_the_naive_form) {
  std::vector<std::string> all{""};
  for (std::size_t from = 0, length = 1; length <= 4; ++length) {
    const std::size_t end = all.size();
    for (; from < end; ++from) {
      for (const char c : {'a', 'b', '/'}) {
        all.push_back(all[from] + c);
      }
    }
  }
  ASSERT_EQ(all.size(), 121U);
  int met = 0;
  for (const std::string& a : all) {
    for (const std::string& b : all) {
      const bool naive = a.empty() || b.empty() || a == b || a.starts_with(b + "/") || b.starts_with(a + "/");
      ASSERT_EQ(may_be_same_weights(a, b), naive) << a << " and " << b;
      met += naive ? 1 : 0;
    }
  }
  EXPECT_GT(met, 241) << "of them, 241 are unknown";
}

}  // namespace
