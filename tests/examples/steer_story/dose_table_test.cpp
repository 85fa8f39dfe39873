#include "steer_story/dose_table.hpp"

#include <gtest/gtest.h>

#include <sstream>
#include <string>
#include <vector>

namespace {

using steer_story::tally;

/// Two texts in which concept 0 shows `shown` times of ten.
std::vector<tally> texts(double shown) {
  const tally one{{{shown / 2.0, 5.0}, {1.0, 5.0}}, {5.0, 5.0}, 5.0};
  return {one, one};
}

steer_story::dose_table example() {
  return {.concepts = {"mood", "verbose"},
          .soundness = "grammatical",
          .layer = 2,
          .baseline = texts(4.0),
          .doses = {{"mood", -0.25F, texts(1.0)}, {"mood", 0.25F, texts(9.0)}},
          .controls = {{"random", 0.25F, texts(5.0)}, {"random", 0.25F, texts(3.0)}}};
}

TEST(dose_table, is_written_as_csv) {
  std::ostringstream out;
  write_csv(example(), out);
  EXPECT_EQ(out.str(),
            "concept,strength,layer,attribute,rate,baseline,grammatical,sentences\n"
            "mood,-0.25,2,mood,0.100000,0.400000,1.000000,10\n"
            "mood,-0.25,2,verbose,0.200000,0.200000,1.000000,10\n"
            "mood,0.25,2,mood,0.900000,0.400000,1.000000,10\n"
            "mood,0.25,2,verbose,0.200000,0.200000,1.000000,10\n"
            "random,0.25,2,mood,0.500000,0.400000,1.000000,10\n"
            "random,0.25,2,verbose,0.200000,0.200000,1.000000,10\n"
            "random,0.25,2,mood,0.300000,0.400000,1.000000,10\n"
            "random,0.25,2,verbose,0.200000,0.200000,1.000000,10\n");
}

TEST(dose_table, shows_rates_shifts_and_the_control) {
  const std::string shown = to_string(example(), steer_story::terminal{});
  EXPECT_NE(shown.find("unsteered                            0.40 ±0.00    0.20 ±0.00  1.000 ±0.000\n"), std::string::npos) << shown;
  EXPECT_NE(shown.find("mood          -0.25    0.10 ±0.00   -0.30 ±0.00   +0.00 ±0.00  1.000 ±0.000\n"), std::string::npos) << shown;
  EXPECT_NE(shown.find("random        +0.25  mean |shift|    0.10 ±0.00    0.00 ±0.00  1.000 ±0.000\n"), std::string::npos) << shown;
  EXPECT_NE(shown.find("random        +0.25       largest     0.10          0.00\n"), std::string::npos) << shown;
}

}  // namespace
