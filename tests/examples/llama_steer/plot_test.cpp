#include "llama_steer/plot.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <string>
#include <vector>

namespace {

using namespace llama_steer::plot;

TEST(LlamaSteerPlot, TicksAreRoundAndCover) {
  EXPECT_EQ(ticks(0.0, 1.0), (std::vector<double>{0.0, 0.2, 0.4, 0.6000000000000001, 0.8, 1.0}));
  EXPECT_EQ(ticks(0.0, 10.0), (std::vector<double>{0, 2, 4, 6, 8, 10}));
  for (const auto& [low, high] : std::vector<std::pair<double, double>>{{-0.3, 0.9}, {0.0, 0.07}, {1e-5, 3e-5}, {-7.0, -2.0}, {3.0, 3.0}, {0.0, 1234.0}}) {
    const std::vector<double> found = ticks(low, high);
    ASSERT_GE(found.size(), 2U);
    EXPECT_LE(found.size(), 8U) << low << " " << high;
    EXPECT_LE(found.front(), low + 1e-12);
    EXPECT_GE(found.back(), high - 1e-12);
    EXPECT_TRUE(std::is_sorted(found.begin(), found.end()));
  }
}

TEST(LlamaSteerPlot, NumbersAreShort) {
  EXPECT_EQ(number(0.5), "0.5");
  EXPECT_EQ(number(2.0), "2");
  EXPECT_EQ(number(0.6000000000000001), "0.6");
  EXPECT_EQ(number(-0.00001), "0");
  EXPECT_EQ(number(12.34567, 1), "12.3");
  EXPECT_EQ(number(100.0), "100");
}

TEST(LlamaSteerPlot, ScalesGoFromEndToEnd) {
  const scale s{-1.0, 3.0, 100.0, 20.0};
  EXPECT_DOUBLE_EQ(s(-1.0), 100.0);
  EXPECT_DOUBLE_EQ(s(3.0), 20.0);
  EXPECT_DOUBLE_EQ(s(1.0), 60.0);
}

TEST(LlamaSteerPlot, NothingOfATextIsMarkup) {
  EXPECT_EQ(escaped("<a href='x'>\"&\"</a>"), "&lt;a href=&#39;x&#39;&gt;&quot;&amp;&quot;&lt;/a&gt;");
  const std::string drawing = drawn({"<x>", "\"y\"", {{"</svg><script>", {{0.0, 0.0, 0.1, "<b>"}, {1.0, 1.0}}}}, {{"<i>", 0.5}}});
  for (const char* bad : {"<x>", "\"y\"", "<script>", "<b>", "<i>"}) {
    EXPECT_EQ(drawing.find(bad), std::string::npos) << bad;
  }
}

TEST(LlamaSteerPlot, EveryPointErrorAndNameIsDrawnOnThePage) {
  const std::string drawing = drawn({"dose", "recovery", {{"gated", {{0.0, 0.0}, {0.5, 0.4, 0.1}, {1.0, 0.8, 0.1}}, 1}, {"random", {{1.0, 0.1}}, 2, false}}, {{"prompt", 1.0}}});
  const auto count = [&](const std::string& part) {
    std::size_t out = 0;
    for (std::size_t at = drawing.find(part); at != std::string::npos; at = drawing.find(part, at + 1)) {
      ++out;
    }
    return out;
  };
  EXPECT_EQ(count("<circle"), 4U + 2U) << "the points, and one beside each name";
  EXPECT_EQ(count("<line class=\"e "), 2U);
  EXPECT_EQ(count("<polyline"), 1U);
  EXPECT_EQ(count("<line class=\"m\""), 1U);
  for (const char* name : {"gated", "random", "prompt", "dose", "recovery"}) {
    EXPECT_NE(drawing.find(std::string(">") + name + "<"), std::string::npos) << name;
  }
  EXPECT_EQ(drawn(chart{"x", "y", {}}).find("nan"), std::string::npos);
  EXPECT_EQ(drawing.find("nan"), std::string::npos);
}

TEST(LlamaSteerPlot, AGridHasACellForEachNumberAndTheLargestIsDarkest) {
  const double none = std::numeric_limits<double>::quiet_NaN();
  const std::string drawing = drawn(grid{"<dose>", "layer", {"0.5", "1"}, {"first", "<b>"}, {{1.0, 3.0}, {none, 2.0}}});
  std::size_t cells = 0;
  for (std::size_t at = drawing.find("<rect"); at != std::string::npos; at = drawing.find("<rect", at + 1)) {
    ++cells;
  }
  EXPECT_EQ(cells, 3U) << "one number is none";
  EXPECT_EQ(drawing.find("nan"), std::string::npos);
  EXPECT_EQ(drawing.find("<b>"), std::string::npos);
  EXPECT_EQ(drawing.find("<dose>"), std::string::npos);
  EXPECT_NE(drawing.find("fill-opacity:0.04\"><title>first, 0.5: 1<"), std::string::npos);
  EXPECT_NE(drawing.find("fill-opacity:0.6\"><title>first, 1: 3<"), std::string::npos);
  EXPECT_NE(drawing.find("fill-opacity:0.32\"><title>&lt;b&gt;, 1: 2<"), std::string::npos);
  EXPECT_NE(drawn(grid{"x", "y", {"a"}, {"b"}, {{7.0}}}).find("fill-opacity:0.32"), std::string::npos) << "one number has no range";
  EXPECT_EQ(drawn(grid{"x", "y", {}, {}, {}}).find("<rect"), std::string::npos);
}

}  // namespace
