#include "steer/io/gguf.hpp"
#include "steer/io/gguf_tensor.hpp"
#include "steer/io/gguf_value.hpp"
#include "steer/io/glp.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstdlib>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "expect_error.hpp"
#include "steer/io/sha256.hpp"
#include "steer/io/write_gguf.hpp"
#include "steer/recipe/recipe.hpp"
#include "temporary_file.hpp"
#include "toy.hpp"

namespace {

/// llama.cpp's rule (common_control_vector_load_one): every tensor is called direction.<what stoi reads as positive>.
bool llama_cpp_would_load(const steer::gguf_file& file) {
  for (const steer::gguf_tensor& tensor : file.tensors()) {
    const std::size_t dot = tensor.name.find('.');
    if (dot == std::string::npos || tensor.name.substr(0, dot) != "direction" ||
        std::atoi(tensor.name.c_str() + dot + 1) <= 0) {
      return false;
    }
  }
  return true;
}

steer::steering_vector unit_vector(const std::vector<int>& layers, Eigen::Index width = 6, unsigned seed = 3) {
  std::mt19937_64 engine(seed);
  steer::steering_vector v = toy::random_vector(engine, layers, width);
  v.name = "terse";
  v.point = steer::point::mlp_out;
  v.source = {"toy", "00ff", "mean_difference", "terse - verbose", "last token", 3, 4};
  for (auto& [layer, direction] : v.directions) {
    direction.values = unit(direction).cast<float>();
  }
  return v;
}

steer::edit projection(const steer::steering_vector& v, float amount) {
  steer::edit out;
  out.operation = steer::ablate_edit{v, amount};
  return out;
}

steer::edit addition(const steer::steering_vector& v, float strength) {
  steer::edit out;
  out.operation = steer::add_edit{v, strength, steer::strength_unit::raw};
  return out;
}

TEST(glp, a_projection_reads_as_edits_bound_to_it) {
  const temporary_file file(".gguf");
  steer::steering_vector v = unit_vector({1, 5});
  v.directions[5].origin = Eigen::VectorXf::Random(6);
  steer::glp about{{projection(v, 4.0F)},
                   {"Toy", "us", "abc", "somewhere"},
                   "attn_out_pre_residual",
                   "2026-01-02"};
  steer::save_glp(about, file.path());
  EXPECT_EQ(steer::load_glp(file.path()), about);

  steer::recipe recipe;
  for (const steer::edit& e : steer::load_glp(file.path()).edits) {
    recipe.append(e);
  }
  EXPECT_EQ(std::get<steer::ablate_edit>(recipe.edits().at(0).operation).share, 4.0F);

  const steer::gguf_file raw(file.path());
  EXPECT_EQ(raw.text_at("glp.mode"), "project");
  EXPECT_EQ(raw.text_at("glp.hook_point"), "ffn_out_pre_residual");
  EXPECT_EQ(raw.text_at("glp.layer_ids_zero_based"), "1,5");
  EXPECT_EQ(raw.text_at("general.base_model.0.version"), "abc");
  EXPECT_EQ(find(raw.metadata(), "glp.spec_version")->get<std::uint32_t>(), 1U);
  EXPECT_EQ(find(raw.metadata(), "glp.alpha_default")->get<float>(), 4.0F);
  EXPECT_FALSE(llama_cpp_would_load(raw));
  steer::sha256 digest;
  digest.update(raw.tensors().at(1).bytes);
  digest.update(raw.tensors().at(2).bytes);
  EXPECT_EQ(raw.text_at("glp.content_sha256"), digest.hex());
}

TEST(glp, every_point_and_dose_comes_back) {
  const temporary_file file(".gguf");
  for (const steer::point where : {steer::point::residual_out, steer::point::mlp_out, steer::point::attention_out}) {
    steer::steering_vector v = unit_vector({2, 3});
    v.point = where;
    for (const auto& each : {projection(v, -0.1F), addition(v, 1.0F), addition(v, 0.3F)}) {
      const steer::glp about{{each}};
      steer::save_glp(about, file.path());
      EXPECT_EQ(steer::load_glp(file.path()), about);
      const bool same_in_llama_cpp = where == steer::point::residual_out && each == addition(v, 1.0F);
      EXPECT_EQ(llama_cpp_would_load(steer::gguf_file(file.path())), same_in_llama_cpp);
    }
  }
}

TEST(glp, version_2_holds_a_dose_per_layer) {
  const temporary_file file(".gguf");
  const steer::glp about{{projection(unit_vector({1, 2, 4}), 0.1F), projection(unit_vector({3}), 1.0F / 3.0F)}};
  steer::save_glp(about, file.path());
  EXPECT_EQ(steer::load_glp(file.path()), about);
  EXPECT_EQ(steer::gguf_file(file.path()).text_at("glp.layer_scales"), "1:0.1,2:0.1,3:0.33333334,4:0.1");
}

TEST(glp, version_2_holds_a_basis_with_a_dose_per_direction) {
  steer::steering_vector first = unit_vector({1, 2});
  steer::steering_vector second = unit_vector({1, 2}, 6, 4);
  for (auto& [layer, direction] : second.directions) {
    const Eigen::VectorXf& u = first.directions[layer].values;
    direction.values = (direction.values - u.dot(direction.values) * u).normalized();
  }
  const temporary_file file(".gguf");
  const steer::glp about{{projection(first, 1.0F), projection(second, 0.5F)}};
  steer::save_glp(about, file.path());
  EXPECT_EQ(steer::load_glp(file.path()), about);
  const steer::gguf_file raw(file.path());
  EXPECT_EQ(raw.tensors().at(2).name, "direction.1.1");
  EXPECT_EQ(raw.text_at("glp.dir_scales"), "1,0.5");
  EXPECT_EQ(find(raw.metadata(), "glp.spec_version")->get<std::uint32_t>(), 2U);
  EXPECT_FALSE(llama_cpp_would_load(raw)) << "stoi reads direction.1.1 as 1";
  const steer::glp skew{{projection(first, 1.0F), projection(unit_vector({1, 2}, 6, 5), 0.5F)}};
  expect_error<steer::format_error>([&] { steer::save_glp(skew, file.path()); },
                                    "directions at layer 1 are not orthonormal");
}

TEST(glp, normalises_a_projection_and_leaves_an_addition_alone) {
  steer::steering_vector v = unit_vector({1});
  v.directions[1].values *= 3.0F;
  const temporary_file file(".gguf");
  steer::save_glp({{projection(v, 1.0F)}}, file.path());
  EXPECT_NEAR(only_vector(steer::load_glp(file.path()).edits[0]).directions.at(1).values.norm(), 1.0, 1e-6);
  steer::save_glp({{addition(v, 1.0F)}}, file.path());
  EXPECT_EQ(only_vector(steer::load_glp(file.path()).edits[0]).directions.at(1).values, v.directions[1].values);
}

TEST(glp, refuses_to_write_what_the_format_cannot_say) {
  const temporary_file file(".gguf");
  const auto refuse = [&](const steer::glp& about, const auto&... parts) {
    expect_error<steer::format_error>([&] { steer::save_glp(about, file.path()); }, "glp: ", parts...);
  };
  steer::steering_vector v = unit_vector({1, 2});
  refuse({}, "no edits");
  refuse({{projection(unit_vector({0, 1}), 1.0F)}}, "ablate \"terse\" has layer 0");
  refuse({{projection(v, 1.0F), addition(v, 1.0F)}}, "differ in operation");
  refuse({{projection(unit_vector({1, 2, 3}), 1.0F), projection(v, 1.0F)}}, "1 edits touch layer 3 and 2 layer 1");
  steer::edit other = addition(v, 1.0F);
  other.operation = steer::add_edit{v, 1.0F};
  refuse({{other}}, "a strength that is not raw");
  other = projection(v, 1.0F);
  other.where.rows.first = 3;
  refuse({{other}}, "acts on some rows or under a condition");
  other = projection(v, 1.0F);
  other.where.layers = {7};
  refuse({{other}}, "names layer 7, for which it has no direction");
  v.point = steer::point::residual_in;
  refuse({{projection(v, 1.0F)}}, "acts at residual_in");
  EXPECT_FALSE(std::filesystem::exists(file.path()));
}

using change = std::function<void(steer::gguf_metadata&, std::vector<steer::gguf_tensor>&)>;

/// A file with the keys of the specification, edited.
std::string edited(const change& edit) {
  static const std::array<float, 2> a{1, 0};
  static const std::array<float, 2> b{0, 1};
  steer::gguf_metadata metadata{{"general.architecture", "controlvector"},
                                {"glp.mode", "project"},
                                {"glp.spec_version", std::uint32_t{2}},
                                {"glp.hook_point", "residual_stream_post_layer"},
                                {"glp.alpha_default", 2.0F},
                                {"glp.rank", std::uint32_t{1}},
                                {"glp.layer_ids_zero_based", "1,2"}};
  std::vector<steer::gguf_tensor> tensors{{"direction.1", steer::gguf_f32, {2}, std::as_bytes(std::span(a))},
                                          {"direction.2", steer::gguf_f32, {2}, std::as_bytes(std::span(b))}};
  edit(metadata, tensors);
  return steer::gguf_bytes(metadata, tensors);
}

void set(steer::gguf_metadata& metadata, const std::string& key, const steer::gguf_value& value) {
  std::erase_if(metadata, [&](const auto& entry) { return entry.first == key; });
  metadata.emplace_back(key, value);
}

change with(const std::string& key, const steer::gguf_value& value) {
  return [=](auto& metadata, auto&) { set(metadata, key, value); };
}

change without(const std::string& key) {
  return [=](auto& metadata, auto&) { std::erase_if(metadata, [&](const auto& entry) { return entry.first == key; }); };
}

steer::glp parsed(const change& edit) {
  const std::string content = edited(edit);
  return steer::parse_glp(std::as_bytes(std::span(content)), "x.gguf");
}

template <class... Parts>
void expect_refused(const change& edit, const Parts&... parts) {
  expect_error<steer::format_error>([&] { parsed(edit); }, ": file x.gguf", parts...);
}

TEST(glp, reads_what_the_specification_describes) {
  const steer::glp file = parsed([](auto&, auto&) {});
  ASSERT_EQ(file.edits.size(), 1U);
  EXPECT_EQ(std::get<steer::ablate_edit>(file.edits[0].operation).share, 2.0F);
  EXPECT_EQ(only_vector(file.edits[0]).point, steer::point::residual_out);
  EXPECT_EQ(only_vector(file.edits[0]).name, "x");
  EXPECT_EQ(only_vector(file.edits[0]).directions.at(2).values, Eigen::Vector2f(0, 1));
  const steer::glp add = parsed(without("glp.mode"));
  EXPECT_EQ(std::get<steer::add_edit>(add.edits.at(0).operation).strength, 2.0F);
  EXPECT_EQ(std::get<steer::add_edit>(add.edits.at(0).operation).unit, steer::strength_unit::raw);
  const steer::glp scaled = parsed([](auto& metadata, auto&) {
    set(metadata, "glp.dir_scales", "0.5");
    set(metadata, "glp.layer_scales", "2:3");
  });
  ASSERT_EQ(scaled.edits.size(), 2U);
  EXPECT_EQ(std::get<steer::ablate_edit>(scaled.edits[0].operation).share, 1.0F);
  EXPECT_EQ(std::get<steer::ablate_edit>(scaled.edits[1].operation).share, 3.0F);
  EXPECT_TRUE(only_vector(scaled.edits[1]).directions.contains(2));
}

TEST(glp, errors_have_fields) {
  expect_fields<steer::format_error>([] { parsed(with("glp.spec_version", std::uint32_t{3})); },
                                     {.what = "glp: file x.gguf", .expected = "1 or 2", .actual = "3"});
  expect_fields<steer::format_error>([] { parsed(with("glp.layer_scales", "2:3e38")); },
                                     {.what = "glp: file x.gguf", .layer = 2, .expected = "a finite f32", .actual = "6e+38"});
}

TEST(glp, keeps_the_fields_of_what_a_check_says) {
  steer::steering_vector x{.name = "x"};
  x.directions[1].values = Eigen::Vector2f(1, 0);
  x.directions[1].spread = -1.0;
  try {
    check(x);
    FAIL() << "a negative spread";
  } catch (const steer::error& problem) {
    expect_fields<steer::format_error>([] { parsed(with("steer.spread.1", -1.0)); }, problem.fields());
  }
}

TEST(glp, refuses_each_fault_of_the_keys_by_name) {
  expect_refused(with("glp.mode", "rotate"), "glp.mode \"rotate\"; expected project or add");
  expect_refused(with("glp.mode", 1.0F), "\"glp.mode\" of type f32");
  expect_refused(with("glp.spec_version", std::uint32_t{3}), "glp.spec_version 3; expected 1 or 2");
  expect_refused(with("glp.spec_version", "1"), "glp.spec_version of type string");
  expect_refused(with("glp.hook_point", "attn_out"),
                 "glp.hook_point \"attn_out\"; expected residual_stream_post_layer");
  expect_refused(without("glp.hook_point"), "glp.hook_point \"\"");
  expect_refused(with("glp.strength", 1.0F), "unknown key \"glp.strength\"");
  expect_refused(with("dspark.mode", "project"), "unknown key \"dspark.mode\"");
  expect_refused(with("steer.operation", "add"), "unknown key \"steer.operation\"");
  expect_refused(with("steer.point", "mlp_out"), "steer.point mlp_out, which contradicts its glp.hook_point");
  expect_refused(with("glp.alpha_default", std::nanf("")), "glp.alpha_default nan; expected a finite f32");
  expect_refused(with("glp.alpha_default", "2"), "glp.alpha_default of type string");
  expect_refused(with("glp.alpha_default", std::uint32_t{2}), "glp.alpha_default of type u32");
  expect_refused(with("glp.alpha_default", 1e300), "the dose 1e+300 at layer 1; expected a finite f32");
  expect_refused(with("glp.layer_scales", "2:3e38"), "the dose 6e+38 at layer 2; expected a finite f32");
  expect_refused(with("glp.layer_scales", "4294967297:1"), "no pair layer:number");
  expect_refused(with("glp.orthonormal", std::uint32_t{1}), "glp.orthonormal of type u32; expected bool");
  expect_refused(with("glp.rank", 1.0F), "glp.rank of type f32; expected a whole number");
  expect_refused(with("glp.rank", true), "glp.rank of type bool; expected a whole number");
  expect_refused(with("glp.rank", std::int64_t{-1}), "glp.rank -1; expected at least 1");
  expect_refused(with("glp.rank", std::int64_t{4294967297}), "glp.rank, 4294967297");
  expect_refused(with("glp.rank", std::numeric_limits<std::uint64_t>::max()),
                 "glp.rank of type u64; expected a whole number");
  expect_refused(with("glp.rank", std::uint32_t{0}), "glp.rank 0; expected at least 1");
  expect_refused(with("glp.rank", std::uint32_t{2}), "has 1 directions at layer 1", "glp.rank, 2");
  expect_refused(
      [](auto& metadata, auto&) {
        set(metadata, "glp.spec_version", std::uint32_t{1});
        set(metadata, "glp.rank", std::uint32_t{2});
      },
      "glp.rank 2; expected 1 for glp.spec_version 1");
  for (const char* key : {"glp.dir_scales", "glp.layer_scales"}) {
    expect_refused(
        [&](auto& metadata, auto&) {
          set(metadata, "glp.spec_version", std::uint32_t{1});
          set(metadata, key, "1:1");
        },
        key, "needs version 2");
  }
  expect_refused(with("glp.dir_scales", "1,2"), "glp.dir_scales \"1,2\"; expected 1 finite numbers");
  expect_refused(with("glp.dir_scales", "inf"), "glp.dir_scales \"inf\"");
  for (const char* wrong : {"1", "9:1", "1:x", "1:1,1:2", "1:nan", ""}) {
    expect_refused(with("glp.layer_scales", wrong), "glp.layer_scales \"", "no pair layer:number");
  }
  expect_refused(with("glp.layer_ids_zero_based", "2,3"), "\"2,3\", which are not the layers of its 2 tensors, 1 to 2",
                 "shifted");
  expect_refused(with("glp.layer_ids_zero_based", "1,x"), "glp.layer_ids_zero_based \"1,x\"; expected numbers");
  expect_refused(with("glp.content_sha256", std::string(64, '0')), "glp.content_sha256 0000",
                 "the tensors' bytes give ");
  expect_refused([](auto& metadata, auto&) { metadata.erase(metadata.begin() + 1, metadata.end()); }, "no glp.* key",
                 "perhaps a control vector");
}

TEST(glp, refuses_each_fault_of_the_tensors_by_name) {
  static const std::array<float, 2> skew{0.6F, 0.8F};
  static const std::array<float, 2> zero{};
  static const std::array<float, 2> wrong{1, std::nanf("")};
  const auto rename = [](const char* name) { return [name](auto&, auto& tensors) { tensors[1].name = name; }; };
  expect_refused(rename("direction.0"), "\"direction.0\"", "cannot hold layer 0");
  expect_refused(rename("direction.x"), "\"direction.x\"; expected direction.N or direction.N.j");
  expect_refused(rename("direction.1.0"), "\"direction.1.0\"; expected");
  expect_refused(rename("other.1"), "\"other.1\"; expected");
  expect_refused(rename("direction"), "\"direction\"; expected");
  expect_refused(rename("direction.1.2"), "has 2 directions at layer 1, the last numbered 2");
  const auto basis = [](bool says_so) {
    return [says_so](auto& metadata, auto& tensors) {
      set(metadata, "glp.rank", std::uint32_t{2});
      set(metadata, "glp.orthonormal", says_so);
      set(metadata, "glp.layer_ids_zero_based", "1");
      tensors[1].name = "direction.1.1";
    };
  };
  EXPECT_EQ(parsed(basis(true)).edits.size(), 1U + 1U);
  expect_refused(basis(false), "glp.rank 2 without glp.orthonormal true");
  expect_refused(
      [&](auto& metadata, auto& tensors) {
        basis(true)(metadata, tensors);
        tensors[1].bytes = std::as_bytes(std::span(skew));
      },
      "directions at layer 1 that are not orthonormal: off by 0.6");
  expect_refused([](auto&, auto& tensors) { tensors[1].bytes = std::as_bytes(std::span(zero)); },
                 "\"direction.2\" that is all zero");
  expect_refused([](auto&, auto& tensors) { tensors[1].bytes = std::as_bytes(std::span(wrong)); },
                 "\"direction.2\" with NaN");
  expect_refused(
      [](auto&, auto& tensors) {
        tensors[0].bytes = tensors[0].bytes.first(4);
        tensors[0].shape = {1};
      },
      "width 2 at layer 2; another layer has 1");
  expect_refused([](auto&, auto& tensors) { tensors.clear(); }, "no tensor direction.N");
}

}  // namespace
