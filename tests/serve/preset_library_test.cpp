// Presets are loaded, swapped, rolled back and dosed by requests while rows are steered.
#include <gtest/gtest.h>

#include <malloc.h>

#include <atomic>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <limits>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>
#include <Eigen/Core>

#include "allocations.hpp"
#include "expect_error.hpp"
#include "guard/house_rules.hpp"
#include "serve/presets.hpp"
#include "steer/inject/routes.hpp"
#include "steer/serve/audit_trail.hpp"
#include "steer/serve/preset_library.hpp"
#include "toy.hpp"

namespace {

using steer::policy_rule;
using steer::site;

constexpr site here{1, steer::point::residual_out};

/// What a plan adds to a row.
Eigen::VectorXf added(const steer::steering& by) {
  steer::matrix<float> row = steer::matrix<float>::Zero(1, toy::rule_width);
  const steer::row_info info{};
  by.plan(here, toy::view(row, std::span(&info, 1)));
  return row.row(0).transpose();
}

std::vector<std::string> references(const steer::preset_library& presets) {
  std::vector<std::string> out;
  for (const steer::preset_listing& each : presets.presets()) {
    out.push_back(each.reference);
  }
  return out;
}

class a_preset_library : public testing::Test {
 protected:
  a_preset_library() {
    toy::write_presets(folder);
    presets.load(folder.path(), "operator");
  }

  /// The violations of a refused request.
  std::vector<policy_rule> refusal_of(const steer::steering_request& asked) const {
    std::vector<policy_rule> out;
    try {
      (void)presets.steering_for(asked, "somebody");
      ADD_FAILURE() << "nothing was thrown";
    } catch (const steer::policy_error& problem) {
      for (const steer::violation& each : problem.violations()) {
        out.push_back(each.rule);
      }
    }
    return out;
  }

  toy::temporary_folder folder;
  toy::temporary_folder trail;
  std::shared_ptr<steer::audit_trail> audit = std::make_shared<steer::audit_trail>(trail / "audit.jsonl");
  steer::preset_library presets{toy::house_rules(), toy::guarded_model(), {.audit = audit}};
};

TEST_F(a_preset_library, lists_what_it_accepted_by_name_and_version) {
  EXPECT_EQ(references(presets), (std::vector<std::string>{"formal@1", "happy@1", "terse@1", "terse@2"}));
  EXPECT_EQ(presets.presets()[3].digest, content_digest(toy::preset_along("terse", 2, 1, 2.0F)));
}

TEST_F(a_preset_library, activates_by_name_or_version_and_takes_it_back) {
  EXPECT_EQ(presets.active()->base, "");
  EXPECT_TRUE(presets.active()->plan.empty());
  presets.activate("terse", "operator");
  EXPECT_EQ(presets.active()->base, "terse@2") << "the newest";
  EXPECT_EQ(added(*presets.active()), toy::axis(1, 2.0F));
  EXPECT_EQ(presets.active()->digest, presets.presets()[3].digest);
  presets.activate("terse@1", "operator");
  EXPECT_EQ(added(*presets.active()), toy::axis(1, 1.0F));
  presets.activate("happy", "operator");
  presets.roll_back("operator");
  EXPECT_EQ(presets.active()->base, "terse@1");
  presets.roll_back("operator");
  EXPECT_EQ(presets.active()->base, "terse@2");
  presets.roll_back("operator");
  EXPECT_EQ(presets.active()->base, "");
  expect_error<steer::argument_error>([&] { presets.roll_back("operator"); }, "nothing to roll back to");
  for (int i = 0; i < 40; ++i) {
    presets.activate(i % 2 == 0 ? "terse" : "happy", "operator");
  }
  for (int i = 0; i < 32; ++i) {
    presets.roll_back("operator");
  }
  expect_error<steer::argument_error>([&] { presets.roll_back("operator"); }, "nothing to roll back to");
}

TEST_F(a_preset_library, refuses_what_is_not_there_by_name) {
  expect_error<steer::argument_error>([&] { presets.activate("pirate", "operator"); }, "\"pirate\"", "not there", "formal@1, happy@1, terse@1, terse@2");
  expect_error<steer::argument_error>([&] { presets.activate("terse@3", "operator"); }, "\"terse@3\"");
  expect_error<steer::argument_error>([&] { presets.activate("ters", "operator"); }, "\"ters\"");
  expect_error<steer::argument_error>([&] { presets.activate("../terse", "operator"); }, "has the name");
  expect_error<steer::argument_error>([&] { (void)presets.steering_for({{{"pirate", 1.0}}}, "x"); }, "\"pirate\"");
  EXPECT_EQ(presets.active()->base, "");
}

TEST_F(a_preset_library, leaves_the_same_bits_when_off) {
  std::mt19937_64 engine(5);
  const steer::matrix<float> rows = toy::random_rows<float>(engine, 5, toy::rule_width);
  const std::vector<steer::row_info> info(5);
  const auto unchanged = [&] {
    steer::matrix<float> seen = rows;
    presets.active()->plan(here, toy::view(seen, info));
    return std::memcmp(seen.data(), rows.data(), static_cast<std::size_t>(rows.size()) * sizeof(float)) == 0 &&
           presets.active()->plan.access(here) == steer::access::none;
  };
  EXPECT_TRUE(unchanged());
  presets.activate("terse", "operator");
  EXPECT_FALSE(unchanged());
  presets.deactivate("operator");
  EXPECT_TRUE(unchanged());
  EXPECT_EQ(presets.active()->digest, "");
  presets.roll_back("operator");
  EXPECT_FALSE(unchanged());
  presets.roll_back("operator");
  EXPECT_TRUE(unchanged());
  EXPECT_TRUE(presets.steering_for({}, "x")->plan.empty());
  EXPECT_TRUE(presets.steering_for({{{"terse", 0.0}}}, "x")->plan.empty());
}

TEST_F(a_preset_library, takes_no_other_content_under_a_version_that_it_knows) {
  const auto again = presets.load_file(folder / "terse_2.safetensors", "operator");
  EXPECT_TRUE(again.accepted) << again.refused;
  const auto forged = folder / "forged.safetensors";
  save(toy::preset_along("terse", 2, 1, 2.5F), forged);
  const steer::loaded_preset refused = presets.load_file(forged, "operator");
  EXPECT_FALSE(refused.accepted);
  EXPECT_NE(refused.refused.find("terse@2"), std::string::npos) << refused.refused;
  EXPECT_NE(refused.refused.find("a change needs another version"), std::string::npos) << refused.refused;
  presets.activate("terse@2", "operator");
  EXPECT_EQ(added(*presets.active()), toy::axis(1, 2.0F));
}

TEST_F(a_preset_library, keeps_what_it_has_where_a_folder_cannot_be_read) {
  expect_error<steer::file_error>([&] { presets.load(folder / "nowhere", "operator"); }, "cannot be read");
  EXPECT_EQ(presets.presets().size(), 4U);
}

TEST_F(a_preset_library, doses_a_request_over_the_operators_preset) {
  presets.activate("happy", "operator");
  const auto given = presets.steering_for({{{"terse", 0.5}, {"formal@1", 0.25}}}, "request 1");
  EXPECT_EQ(given->base, "happy@1");
  EXPECT_EQ(added(*given), toy::axis(1, 1.0F) + toy::axis(2, 3.0F) + toy::axis(3, 1.0F));
  const std::vector<std::pair<std::string, double>> expected{{"happy@1", 1.0}, {"terse@2", 0.5}, {"formal@1", 0.25}};
  EXPECT_EQ(given->doses, expected);
  EXPECT_EQ(given->digest.size(), 64U);
  EXPECT_EQ(presets.steering_for({{{"terse@2", 0.5}, {"formal", 0.25}}}, "request 2"), given) << "not made a second time";
  EXPECT_NE(presets.steering_for({{{"terse", 0.25}, {"formal", 0.5}}}, "request 3")->digest, given->digest);
  // More of what is there.
  const auto more = presets.steering_for({{{"happy", 0.5}}}, "request 4");
  EXPECT_EQ(added(*more), toy::axis(2, 4.5F));
  EXPECT_EQ(more->doses.size(), 1U);
  ASSERT_EQ(more->warnings.size(), 1U);
  EXPECT_NE(more->warnings[0].find("happy@1: nobody has looked at a dose of 1.5, only from 0 to 1"), std::string::npos) << more->warnings[0];
  EXPECT_EQ(presets.steering_for({}, "request 5"), presets.active());
  // The same words mean something else over another preset.
  presets.activate("formal", "operator");
  EXPECT_NE(presets.steering_for({{{"terse", 0.5}}}, "request 6")->digest, given->digest);
}

TEST_F(a_preset_library, limits_a_request_to_a_phase) {
  presets.activate("happy", "operator");
  const auto given = presets.steering_for({.doses = {{"terse", 0.5}, {"happy", 0.5}}, .phase = steer::phase::generation}, "request");
  steer::matrix<float> rows = steer::matrix<float>::Zero(2, toy::rule_width);
  const std::vector<steer::row_info> info{{.prompt_length = 1}, {.position = 1, .prompt_length = 1, .phase = steer::phase::generation}};
  given->plan(here, toy::view(rows, info));
  EXPECT_EQ(rows.row(0).transpose(), toy::axis(2, 3.0F)) << "the operator's preset acts on both";
  EXPECT_EQ(rows.row(1).transpose(), toy::axis(2, 4.5F) + toy::axis(1, 1.0F));
  EXPECT_NE(given->digest, presets.steering_for({.doses = {{"terse", 0.5}, {"happy", 0.5}}}, "request")->digest);
  EXPECT_NE(given->digest, presets.steering_for({.doses = {{"terse", 0.5}, {"happy", 0.5}}, .phase = steer::phase::prompt}, "request")->digest);
}

TEST_F(a_preset_library, keeps_requests_within_the_policy) {
  EXPECT_EQ(refusal_of({{{"terse", 1.5}}}), std::vector{policy_rule::dose});
  EXPECT_EQ(refusal_of({{{"terse", -0.5}}}), std::vector{policy_rule::dose});
  EXPECT_EQ(refusal_of({{{"terse", 2.0}, {"happy", -1.0}}}), (std::vector{policy_rule::dose, policy_rule::dose}));
  EXPECT_EQ(refusal_of({.on = steer::steering_request::base::without}), std::vector{policy_rule::base});
  // Each is within its limits, and all together are not.
  EXPECT_TRUE(presets.steering_for({{{"happy", 1.0}, {"terse", 1.0}}}, "x"));
  EXPECT_EQ(refusal_of({{{"happy", 1.0}, {"terse", 1.0}, {"formal", 1.0}}}), std::vector{policy_rule::layer_dose});
  expect_error<steer::numeric_error>([&] { (void)presets.steering_for({{{"terse", std::nan("")}}}, "x"); }, "the dose of \"terse\" is nan");
  expect_error<steer::argument_error>([&] { (void)presets.steering_for({{{"terse", 0.1}, {"terse@2", 0.1}}}, "x"); }, "\"terse@2\" twice");
}

TEST(a_preset_library_that_may_be_left, gives_a_request_without_the_base) {
  toy::temporary_folder folder;
  toy::write_presets(folder);
  steer::policy rules = toy::house_rules();
  rules.base = steer::policy::base_preset::may_be_left;
  steer::preset_library presets(rules, toy::guarded_model());
  presets.load(folder.path(), "operator");
  presets.activate("happy", "operator");
  const auto given = presets.steering_for({{{"terse", 1.0}}, steer::steering_request::base::without}, "x");
  EXPECT_EQ(given->base, "");
  EXPECT_EQ(added(*given), toy::axis(1, 2.0F));
  EXPECT_EQ(given->digest, presets.presets()[3].digest) << "just that preset";
  EXPECT_TRUE(presets.steering_for({.on = steer::steering_request::base::without}, "x")->plan.empty());
}

TEST_F(a_preset_library, hands_out_tables_for_a_batch) {
  presets.activate("happy", "operator");
  const std::vector<std::pair<std::int32_t, std::shared_ptr<const steer::steering>>> batch{
      {0, presets.active()}, {1, presets.steering_for({{{"terse", 0.5}}}, "x")}, {3, presets.steering_for({{{"formal", 0.5}}}, "y")}};
  const steer::routes routes(steer::table_of(batch));
  steer::matrix<float> rows = steer::matrix<float>::Zero(5, toy::rule_width);
  const std::vector<steer::row_info> info{{.sequence = 3}, {.sequence = 0}, {.sequence = 2}, {.sequence = 1}, {.sequence = 3}};
  routes(here, toy::view(rows, info));
  EXPECT_EQ(rows.row(0).transpose(), toy::axis(2, 3.0F) + toy::axis(3, 2.0F));
  EXPECT_EQ(rows.row(1).transpose(), toy::axis(2, 3.0F));
  EXPECT_EQ(rows.row(2).transpose(), Eigen::VectorXf::Zero(toy::rule_width));
  EXPECT_EQ(rows.row(3).transpose(), toy::axis(2, 3.0F) + toy::axis(1, 1.0F));
  EXPECT_EQ(rows.row(4), rows.row(0));
}

TEST_F(a_preset_library, says_how_alike_its_presets_are) {
  save(toy::preset_along("happier", 1, 2, 0.5F), folder / "happier.safetensors");
  ASSERT_TRUE(presets.load_file(folder / "happier.safetensors", "operator").accepted);
  const steer::preset_likeness found = presets.likeness();
  EXPECT_EQ(found.names, (std::vector<std::string>{"formal", "happier", "happy", "terse"})) << "the newest of each";
  Eigen::MatrixXd expected = Eigen::MatrixXd::Identity(4, 4);
  expected(1, 2) = expected(2, 1) = 1.0;
  EXPECT_LE((found.cosines - expected).cwiseAbs().maxCoeff(), 1e-6);
  EXPECT_EQ(presets.content("terse")->version, 2);
}

TEST_F(a_preset_library, says_what_a_dose_is_expected_to_do) {
  steer::preset measured = toy::preset_along("measured", 1, 4, 1.0F);
  measured.content.response = {.readouts = {"measured"}, .vectors = {"measured"}, .fingerprint = "gguf:a/1", .step = 1.0};
  measured.content.response->baseline.setZero(1);
  measured.content.response->slope = Eigen::MatrixXd::Constant(1, 1, 2.0);
  measured.content.response->error = Eigen::MatrixXd::Constant(1, 1, 0.1);
  measured.content.response->bend.setZero(1, 1);
  save(measured, folder / "measured.safetensors");
  ASSERT_TRUE(presets.load_file(folder / "measured.safetensors", "operator").accepted);
  const auto given = presets.steering_for({{{"measured", 0.5}}}, "x");
  EXPECT_DOUBLE_EQ(given->expected.at("measured").value, 1.0);
  EXPECT_DOUBLE_EQ(given->expected.at("measured").error, 0.05);
  EXPECT_TRUE(presets.steering_for({{{"measured", 0.5}, {"terse", 0.5}}}, "x")->expected.empty()) << "nobody knows what terse does to it";
}

TEST_F(a_preset_library, writes_down_what_happens) {
  presets.activate("terse", "alice");
  presets.roll_back("bob");
  presets.deactivate("carol");
  save(toy::preset_along("wild", 1, 1, 100.0F), folder / "wild.safetensors");
  presets.load_file(folder / "wild.safetensors", "dave");
  (void)refusal_of({{{"terse", 7.0}}});
  std::vector<steer::audit_entry> entries;
  steer::visit_audit(trail / "audit.jsonl", [&](const steer::audit_line& line) { entries.push_back(line.entry); });
  ASSERT_EQ(entries.size(), 9U);
  EXPECT_EQ(entries[0].what, "loaded");
  EXPECT_EQ(entries[0].subject, "formal@1");
  EXPECT_EQ(entries[0].digest, presets.presets()[0].digest);
  const std::string digest = presets.presets()[3].digest;
  EXPECT_EQ(entries[4], (steer::audit_entry{"alice", "activated", "terse@2", digest, ""}));
  EXPECT_EQ(entries[5], (steer::audit_entry{"bob", "rolled_back", "", "", ""}));
  EXPECT_EQ(entries[6], (steer::audit_entry{"carol", "deactivated", "", "", ""}));
  EXPECT_EQ(entries[7].who, "dave");
  EXPECT_EQ(entries[7].what, "refused");
  EXPECT_EQ(entries[7].digest.size(), 64U) << "of the file's bytes";
  EXPECT_NE(entries[7].why.find("wild@1 is refused: at layer 1"), std::string::npos) << entries[7].why;
  EXPECT_EQ(entries[8].who, "somebody");
  EXPECT_EQ(entries[8].subject, "7 terse");
}

TEST_F(a_preset_library, changes_nothing_that_cannot_be_written_down) {
  presets.activate("terse", "operator");
  std::filesystem::remove(trail / "audit.jsonl");
  EXPECT_THROW(presets.activate("happy", "operator"), steer::file_error);
  EXPECT_THROW(presets.deactivate("operator"), steer::file_error);
  EXPECT_THROW(presets.roll_back("operator"), steer::file_error);
  save(toy::preset_along("late", 1, 1, 1.0F), folder / "late.safetensors");
  EXPECT_THROW(presets.load_file(folder / "late.safetensors", "operator"), steer::file_error);
  EXPECT_EQ(presets.active()->base, "terse@2");
  EXPECT_EQ(presets.presets().size(), 4U);
}

TEST(a_preset_library_with_trusted_keys, needs_somebody_who_verifies) {
  steer::policy rules = toy::house_rules();
  rules.trusted_keys.emplace();
  expect_error<steer::argument_error>([&] { steer::preset_library(rules, toy::guarded_model()); }, "nobody verifies them");
}

/// Ten million rows are steered while presets are swapped and rolled back.
TEST_F(a_preset_library, steers_each_batch_by_exactly_one_version) {
  constexpr int batches = 25'000;  // of each of eight threads, at least
  constexpr int swaps = 100;       // meanwhile, at least: threads go on until there were as many
  constexpr int batch = 50;        // rows between two looks at what is active
  std::atomic<bool> done{false};
  std::atomic<int> mixed{0};
  std::atomic<int> changes{0};
  std::vector<std::thread> readers;
  for (int thread = 0; thread < 8; ++thread) {
    readers.emplace_back([&] {
      steer::matrix<float> row(1, toy::rule_width);
      const steer::row_info info{};
      for (int seen = 0; seen < batches || changes < swaps; ++seen) {
        const auto by = presets.active();
        const float terse = by->base == "terse@1" ? 1.0F : by->base == "terse@2" ? 2.0F : 0.0F;
        const float happy = by->base == "happy@1" ? 3.0F : 0.0F;
        for (int i = 0; i < batch; ++i) {
          row.setZero();
          by->plan(here, toy::view(row, std::span(&info, 1)));
          if (row(0, 1) != terse || row(0, 2) != happy || row(0, 3) != 0.0F) {
            ++mixed;
          }
        }
      }
    });
  }
  std::thread writer([&] {
    steer::preset_library& all = presets;
    for (int i = 0; !done; ++i) {
      switch (i % 5) {
        case 0: all.activate("terse@1", "writer"); break;
        case 1: all.activate("happy", "writer"); break;
        case 2: all.roll_back("writer"); break;
        case 3: all.activate("terse@2", "writer"); break;
        default: all.deactivate("writer"); break;
      }
      ++changes;
    }
  });
  for (std::thread& reader : readers) {
    reader.join();
  }
  done = true;
  writer.join();
  EXPECT_EQ(mixed, 0);
  EXPECT_GE(changes, swaps);
}

TEST(a_preset_library_without_a_trail, needs_no_more_memory_after_many_swaps) {
  STEER_NEED_ALLOCATION_COUNTS();
  toy::temporary_folder folder;
  toy::write_presets(folder);
  steer::preset_library presets(toy::house_rules(), toy::guarded_model());
  presets.load(folder.path(), "operator");
  const auto swap_often = [&](int times) {
    for (int i = 0; i < times; ++i) {
      presets.activate(i % 2 == 0 ? "terse" : "happy", "operator");
      if (i % 3 == 0) {
        presets.deactivate("operator");
        presets.roll_back("operator");
      }
      if (i % 100 == 0) {
        (void)presets.steering_for({{{"formal", 1.0 / (1.0 + i)}}}, "x");
      }
    }
  };
  swap_often(10'000);
  const std::size_t before = mallinfo2().uordblks;
  swap_often(100'000);
  EXPECT_LT(mallinfo2().uordblks, before + 65'536);
}

}  // namespace
