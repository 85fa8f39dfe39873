#include "llama_steer/convert.hpp"

#include <gtest/gtest.h>

#include <sstream>
#include <string>

#include "expect_error.hpp"
#include "shared_data.hpp"
#include "temporary_file.hpp"

namespace {

using llama_steer::convert_options;

std::filesystem::path fixture(const std::string& name) {
  return std::filesystem::path{STEER_SOURCE_DIR} / "tests/io/fixtures" / name;
}

std::string converted(const convert_options& options) {
  std::ostringstream out;
  llama_steer::convert(options, out);
  return out.str();
}

template <class Error, class... Parts>
void expect_refused(const convert_options& options, const Parts&... parts) {
  expect_error<Error>([&] { converted(options); }, parts...);
  EXPECT_FALSE(std::filesystem::exists(options.output));
}

steer::steering_vector terse(steer::point where) {
  steer::steering_vector v{.name = "terse", .point = where};
  v.directions[3].values = Eigen::Vector2f(0.6F, 0.8F);
  v.directions[4].values = Eigen::Vector2f(1, 0);
  return v;
}

steer::edit projection() { return {steer::ablate_edit{terse(steer::point::mlp_out), 2.0F}}; }

TEST(convert, refuses_an_output_before_it_reads) {
  expect_refused<steer::file_error>(
      {.input = "no/such.gguf", .output = "no/such/folder/v.safetensors"},
      "convert: file no/such/folder/v.safetensors cannot be written: No such file or directory");
}

TEST(convert, carries_an_addition_through_every_format) {
  const temporary_file safetensors(".safetensors");
  converted({.input = fixture("repeng.gguf"), .output = safetensors.path(), .said = {.producer = "repeng"}});
  const auto v = steer::load_steering_vector(safetensors.path());
  EXPECT_EQ(v, steer::load_control_vector(fixture("repeng.gguf"), steer::control_vector_producer::repeng));

  const temporary_file gguf(".gguf");
  EXPECT_NE(converted({.input = safetensors.path(), .output = gguf.path(), .to = "control_vector"})
                .find("(control_vector) from a steering vector"),
            std::string::npos);
  EXPECT_EQ(steer::load_control_vector(gguf.path(), steer::control_vector_producer::as_applied), v);

  const temporary_file glp(".gguf");
  converted({.input = gguf.path(), .output = glp.path(), .to = "glp", .said = {.producer = "as_applied"}});
  EXPECT_EQ(only_vector(steer::load_glp(glp.path()).edits.at(0)), v);
  const temporary_file back(".gguf");
  converted({.input = glp.path(), .output = back.path(), .to = "control_vector"});
  EXPECT_EQ(steer::load_control_vector(back.path(), steer::control_vector_producer::as_applied), v);

  const temporary_file npy(".npy");
  EXPECT_NE(converted({.input = safetensors.path(), .output = npy.path()}).find("keeps neither name nor layers"),
            std::string::npos);
  const temporary_file again(".safetensors");
  converted({.input = npy.path(), .output = again.path(), .said = {.point = "residual_out", .first_layer = 1}});
  EXPECT_EQ(steer::load_steering_vector(again.path()).directions, v.directions);
}

TEST(convert, carries_a_projection_only_where_it_can_be_said) {
  const temporary_file glp(".gguf");
  steer::save_glp({{projection()}}, glp.path());
  const temporary_file ds4(".f32");
  EXPECT_NE(converted({.input = glp.path(), .output = ds4.path(), .said = {.layers = 6}})
                .find("scale on its command line: 2 at mlp_out"),
            std::string::npos);
  const temporary_file back(".gguf");
  converted(
      {.input = ds4.path(), .output = back.path(), .to = "glp", .said = {.layers = 6, .width = 2, .scale = 2.0F}});
  const steer::edit again = steer::load_glp(back.path()).edits.at(0);
  EXPECT_EQ(only_vector(again).directions, only_vector(projection()).directions);
  EXPECT_EQ(std::get<steer::ablate_edit>(again.operation).share, 2.0F);

  const temporary_file out(".gguf");
  expect_refused<steer::format_error>({.input = glp.path(), .output = out.path(), .to = "control_vector"}, "projects",
                                      "llama.cpp would add its directions instead of removing them");
  expect_refused<steer::format_error>(
      {.input = glp.path(), .output = out.path(), .to = "control_vector", .directions_only = true},
      "llama.cpp would add");
  expect_refused<steer::argument_error>({.input = glp.path(), .output = out.path(), .to = "glp", .operation = "add"},
                                        "says that it projects; it cannot be written to add");
  for (const char* to : {"npy", "safetensors"}) {
    expect_refused<steer::format_error>({.input = glp.path(), .output = out.path(), .to = to}, "projects", "may add it",
                                        "directions_only");
    converted({.input = glp.path(), .output = out.path(), .to = to, .directions_only = true});
    std::filesystem::remove(out.path());
  }
}

TEST(convert, refuses_what_has_no_effect) {
  const temporary_file out(".out");
  const temporary_file glp(".gguf");
  steer::save_glp({{projection()}}, glp.path());
  const std::filesystem::path vector = fixture("repeng.gguf");
  const llama_steer::unsaid repeng{.producer = "repeng"};
  const auto refuse = [&](llama_steer::convert_options options, const auto&... parts) {
    options.output = out.path();
    expect_refused<steer::argument_error>(options, parts...);
  };
  refuse({.input = vector, .to = "npy", .alpha = 2.0F, .said = repeng}, "--alpha has no effect: npy keeps no dose");
  refuse({.input = vector, .to = "control_vector", .alpha = 2.0F, .said = repeng}, "--alpha has no effect");
  refuse({.input = glp.path(), .to = "glp", .alpha = 1.0F}, "--alpha has no effect: the input says its dose");
  refuse({.input = vector, .to = "safetensors", .operation = "add", .said = repeng}, "--operation has no effect: safetensors");
  refuse({.input = vector, .to = "npy", .directions_only = true, .said = repeng},
         "--directions-only has no effect: the input is no projection");
  refuse({.input = glp.path(), .to = "glp", .directions_only = true}, "--directions-only has no effect: glp says that it projects");
  refuse({.input = glp.path(), .to = "glp", .said = repeng}, "--producer has no effect");
  refuse({.input = vector, .to = "glp", .said = {.producer = "repeng", .layers = 6}}, "--ds4-layers has no effect");
}

TEST(convert, refuses_what_would_change_the_meaning) {
  const temporary_file out(".out");
  const std::filesystem::path vector = fixture("repeng.gguf");
  const llama_steer::unsaid repeng{.producer = "repeng"};
  expect_refused<steer::argument_error>({.input = vector, .output = out.path(), .said = repeng}, "names no format");
  expect_refused<steer::argument_error>({.input = vector, .output = out.path(), .to = "npz", .said = repeng},
                                        "\"npz\" names no format");
  expect_refused<steer::argument_error>({.input = vector, .output = out.path(), .to = "glp"}, "say who made it");
  expect_refused<steer::argument_error>(
      {.input = vector, .output = out.path(), .to = "glp", .operation = "project", .said = repeng},
      "is a control vector, which is added");
  expect_refused<steer::argument_error>(
      {.input = vector, .output = out.path(), .to = "glp", .operation = "rotate", .said = repeng},
      "operation \"rotate\"; expected add or project");
  expect_refused<steer::format_error>({.input = vector, .output = out.path(), .to = "ds4", .said = repeng},
                                      "does not scale a component");
  expect_refused<steer::format_error>(
      {.input = vector, .output = out.path(), .to = "control_vector", .operation = "project", .said = repeng},
      "llama.cpp would add");
  expect_refused<steer::format_error>({.input = fixture("easysteer.gguf"),
                                       .output = out.path(),
                                       .to = "control_vector",
                                       .said = {.producer = "easysteer"}},
                                      "has layer 0");
  expect_refused<steer::argument_error>(
      {.input = fixture("f4.npy"), .output = out.path(), .to = "glp", .said = {.point = "mlp_out", .first_layer = 1}},
      "does not say what is done with its directions");
  const steer::steering_vector v = terse(steer::point::residual_out);
  steer::edit strong{steer::add_edit{v, 2.0F, steer::strength_unit::raw}};
  const temporary_file glp(".gguf");
  steer::save_glp({{strong}}, glp.path());
  expect_refused<steer::format_error>({.input = glp.path(), .output = out.path(), .to = "control_vector"},
                                      "is added with alpha 2");
  steer::edit other = strong;
  other.operation = steer::add_edit{v, 3.0F, steer::strength_unit::raw};
  other.where.layers = {4};
  strong.where.layers = {3};
  steer::save_glp({{strong, other}}, glp.path());
  expect_refused<steer::format_error>({.input = glp.path(), .output = out.path(), .to = "safetensors"},
                                      "2 edits that belong together");
}

}  // namespace
