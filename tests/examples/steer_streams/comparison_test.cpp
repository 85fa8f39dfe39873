#include "steer_streams/comparison.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <sstream>
#include <string>
#include <vector>

#include "expect_error.hpp"
#include "steer_story/storybox_subject.hpp"

namespace {

using namespace steer_streams;

std::vector<model_figures> three_seeds_each() {
  std::vector<model_figures> out;
  for (const int streams : {1, 4}) {
    for (int seed = 1; seed <= 3; ++seed) {
      const double noise = 0.01 * (seed - 2);
      out.push_back({"s" + std::to_string(streams) + "_" + std::to_string(seed), streams,
                     {{"residual_out", "plain", "bleed of 1", (streams == 1 ? 0.2 : 0.1) + noise}, {"writers", "plain", "dose", 0.3 + noise}}});
    }
  }
  return out;
}

TEST(steer_streams, a_file_of_figures_comes_back) {
  const std::vector<model_figures> all = three_seeds_each();
  std::stringstream file;
  write_csv(all, file);
  const std::vector<model_figures> again = read_csv(file, "again");
  ASSERT_EQ(again.size(), all.size());
  for (std::size_t i = 0; i < all.size(); ++i) {
    EXPECT_EQ(again[i].model, all[i].model);
    EXPECT_EQ(again[i].streams, all[i].streams);
    ASSERT_EQ(again[i].figures.size(), 2U);
    EXPECT_EQ(again[i].figures[0].metric, "bleed of 1");
    EXPECT_NEAR(again[i].figures[0].value, all[i].figures[0].value, 1e-6);
  }
  for (const char* bad : {"model,streams\n", "model,streams,place,method,metric,value\nm,1,p,plain,bleed\n",
                          "model,streams,place,method,metric,value\nm,1,p,plain,bleed,much\n", "model,streams,place,method,metric,value\nm,0,p,plain,bleed,1\n"}) {
    std::istringstream in(bad);
    expect_error<steer::format_error>([&] { read_csv(in, "bad.csv"); }, "file bad.csv, line", "expected model,streams,place");
  }
}

TEST(steer_streams, a_difference_is_marked_where_so_many_seeds_can_show_it) {
  const std::string table = to_string(three_seeds_each(), example::terminal{});
  std::istringstream lines(table);
  std::string line;
  std::getline(lines, line);
  std::getline(lines, line);  // 0.2 against 0.1, each ±.01 / √3: t with 4 degrees of freedom, 2.776 * .00816
  EXPECT_NE(line.find("0.200 ±0.006"), std::string::npos) << line;
  EXPECT_NE(line.find("-0.100"), std::string::npos) << line;
  EXPECT_NE(line.find("0.023 *"), std::string::npos) << line;
  std::getline(lines, line);
  EXPECT_NE(line.find("+0.000"), std::string::npos) << line;
  EXPECT_EQ(line.find('*'), std::string::npos) << line;
}

TEST(steer_streams, a_model_of_several_streams_is_surveyed_at_its_writers_and_in_one_stream) {
  const std::filesystem::path file = std::filesystem::path(STEER_STORYBOX_WEIGHTS).parent_path() / "storybox_streams.safetensors";
  const subject what = steer_story::storybox_subject(file, 4, 1);
  const surveyed found = survey(what, 2, 1, [](double) {});
  ASSERT_EQ(found.places.size(), 3U);
  const auto edits = [&](std::size_t place) { return found.places[place].plain[0].edits(); };
  ASSERT_EQ(edits(0).size(), 1U);
  EXPECT_TRUE(edits(0)[0].where.rows.streams.empty());
  ASSERT_EQ(edits(1).size(), 2U) << "attention and feed-forward part together";
  EXPECT_EQ(point_of(edits(1)[0]), steer::point::attention_out);
  EXPECT_EQ(point_of(edits(1)[1]), steer::point::mlp_out);
  EXPECT_EQ(edits(1)[0].where.layers, (std::vector<int>{0, 1, 2, 3}));
  ASSERT_EQ(edits(2)[0].where.rows.streams.size(), 1U);
  ASSERT_EQ(found.streams.size(), 4U);
  std::vector<double> total(4);
  for (const stream_shares& each : found.streams) {
    double sum = 0.0;
    for (std::size_t s = 0; s < 4; ++s) {
      sum += each.shares[s];
      total[s] += each.shares[s];
    }
    EXPECT_NEAR(sum, 1.0, 1e-9) << each.name;
  }
  EXPECT_EQ(edits(2)[0].where.rows.streams[0], std::max_element(total.begin(), total.end()) - total.begin());
  for (const place& each : found.places) {
    EXPECT_NO_THROW(steer::plan(steer::recipe_of(each.joint, {0.1, 0.1, 0.1, 0.1}), what.model->shape())) << each.name;
    EXPECT_GT(each.cosine, 0.0);
    EXPECT_LT(each.cosine, 1.0);
  }
}

}  // namespace
