#include "steer/extract/find_maps.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <random>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "expect_error.hpp"
#include "steer/extract/find_conceptor.hpp"
#include "steer/extract/leace.hpp"
#include "steer/extract/linear_transport.hpp"
#include "steer/extract/principal_subspace.hpp"
#include "steer/inject/plan.hpp"
#include "steer/recipe/recipe.hpp"
#include "toy.hpp"

namespace {

using steer::matrix;
using steer::side;

constexpr int texts = 12;
constexpr Eigen::Index width = 3;

toy::host model_of(std::uint64_t seed) {
  std::mt19937_64 engine(seed);
  toy::host out{.embedding = toy::random_rows<float>(engine, 1 + 2 * texts, width)};
  out.embedding.middleRows(1, texts).col(0).array() += 2.0F;
  return out;
}

std::string letter(int i) { return std::string(1, static_cast<char>('a' + i)); }

steer::recorder pairs_of(toy::host& model) {
  steer::recorder out(model.shape());
  for (int i = 0; i < texts; ++i) {
    out.record(model, letter(i), letter(texts + i));
  }
  return out;
}

/// The map of one row, in double.
Eigen::VectorXd mapped(const steer::affine_map& map, const Eigen::VectorXd& h) {
  if (const auto* diagonal = std::get_if<steer::diagonal_map>(&map)) {
    return diagonal->scale.cast<double>().cwiseProduct(h) + diagonal->shift.cast<double>();
  }
  if (const auto* low_rank = std::get_if<steer::low_rank_map>(&map)) {
    return h + low_rank->write.cast<double>().transpose() *
                   (low_rank->read.cast<double>() * h + low_rank->shift.cast<double>());
  }
  const auto& dense = std::get<steer::dense_map>(map);
  return dense.linear.cast<double>() * h + dense.shift.cast<double>();
}

matrix<double> mapped_rows(const steer::affine_map& map, const matrix<double>& rows) {
  matrix<double> out(rows.rows(), rows.cols());
  for (Eigen::Index i = 0; i < rows.rows(); ++i) {
    out.row(i) = mapped(map, rows.row(i).transpose()).transpose();
  }
  return out;
}

template <class Method, class ByLayer>
void expect_the_same_layer_by_layer(const Method& method, const std::string& name, ByLayer by_layer) {
  SCOPED_TRACE(name);
  EXPECT_EQ(method.name(), name);
  for (unsigned seed = 0; seed < 5; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    toy::host model = model_of(seed);
    const steer::recorder recorder = pairs_of(model);
    const steer::affine_maps found = steer::find_maps(recorder, method);
    EXPECT_EQ(found.point, steer::point::residual_out);
    ASSERT_EQ(found.layers.size(), recorder.options().layers.size());
    for (const int layer : recorder.options().layers) {
      const steer::affine_map expected = by_layer(matrix<float>(recorder.texts(layer, side::positive)),
                                                  matrix<float>(recorder.texts(layer, side::negative)));
      EXPECT_EQ(found.layers.at(layer), expected) << "layer " << layer;
    }
  }
}

TEST(find_maps, equals_what_is_found_layer_by_layer) {
  expect_the_same_layer_by_layer(steer::by_leace{}, "leace, shrinkage 0.1", [](const auto& p, const auto& n) {
    return steer::affine_map(steer::binary_leace(p, n, {.shrinkage = 0.1}).map());
  });
  expect_the_same_layer_by_layer(steer::by_subspace_removal{.dimensions = 2}, "removal of 2 principal dimensions",
                                 [](const auto& p, const auto& n) {
                                   const matrix<double> differences =
                                       p.template cast<double>() - n.template cast<double>();
                                   return steer::affine_map(steer::principal_subspace(differences, 2).removal());
                                 });
  expect_the_same_layer_by_layer(steer::by_linear_transport{}, "linear_transport", [](const auto& p, const auto& n) {
    return steer::affine_map(steer::linear_transport(n, p));
  });
  expect_the_same_layer_by_layer(steer::by_gaussian_transport{{.ridge = 0.01}}, "gaussian_transport, ridge 0.01",
                                 [](const auto& p, const auto& n) {
                                   steer::moments from(width);
                                   from.update(n);
                                   steer::moments to(width);
                                   to.update(p);
                                   return steer::affine_map(steer::gaussian_transport(from, to, {.ridge = 0.01}));
                                 });
  expect_the_same_layer_by_layer(
      steer::by_conceptor{{.aperture = 2.0}}, "conceptor, aperture 2",
      [](const auto& p, const auto&) { return steer::affine_map(steer::find_conceptor(p, {.aperture = 2.0}).map()); });
}

TEST(find_maps, of_leace_leave_no_difference_of_the_means_and_of_transports_the_other_mean) {
  toy::host model = model_of(7);
  const steer::recorder recorder = pairs_of(model);
  const auto after = [&](const steer::affine_maps& maps, int layer, side which) -> Eigen::VectorXd {
    return mapped_rows(maps.layers.at(layer), recorder.texts(layer, which).cast<double>()).colwise().mean().transpose();
  };
  const steer::affine_maps erased = steer::find_maps(recorder, steer::by_leace{});
  const steer::affine_maps linear = steer::find_maps(recorder, steer::by_linear_transport{});
  const steer::affine_maps gaussian = steer::find_maps(recorder, steer::by_gaussian_transport{});
  for (const int layer : recorder.options().layers) {
    SCOPED_TRACE("layer " + std::to_string(layer));
    ASSERT_GT((recorder.mean(layer, side::positive) - recorder.mean(layer, side::negative)).norm(), 0.5);
    EXPECT_LE((after(erased, layer, side::positive) - after(erased, layer, side::negative)).norm(), 1e-5);
    EXPECT_LE((after(linear, layer, side::negative) - recorder.mean(layer, side::positive)).norm(), 1e-5);
    EXPECT_LE((after(gaussian, layer, side::negative) - recorder.mean(layer, side::positive)).norm(), 1e-5);
  }
}

TEST(find_maps, are_for_the_recorders_point_and_layers) {
  toy::host model = model_of(8);
  steer::recorder recorder(model.shape(), {.layers = {1}});
  recorder.record(model, "ab", "cd");
  recorder.record(model, "ef", "gh");
  const steer::affine_maps found = steer::find_maps(recorder, steer::by_leace{});
  ASSERT_EQ(found.layers.size(), 1U);
  EXPECT_TRUE(found.layers.contains(1));
}

TEST(find_maps, act_in_one_line) {
  toy::host model = model_of(7);
  const steer::recorder recorder = pairs_of(model);
  const steer::affine_maps found = steer::find_maps(recorder, steer::by_gaussian_transport{});
  ASSERT_EQ(found.layers.size(), 2U);
  const steer::plan plan(steer::recipe{}.transform(found, {.share = 0.5F}), model.shape());
  std::mt19937_64 engine(3);
  const matrix<float> before = toy::random_rows<float>(engine, 1, width);
  for (int layer = 0; layer < model.shape().layers; ++layer) {
    matrix<float> after = before;
    plan({layer, found.point}, {after.data(), 1, width, width, {}});
    Eigen::VectorXd expected = before.row(0).transpose().cast<double>();
    if (found.layers.contains(layer)) {
      expected = 0.5 * expected + 0.5 * mapped(found.layers.at(layer), expected);
    }
    EXPECT_LE((after.row(0).transpose().cast<double>() - expected).norm(), 1e-5 * expected.norm()) << "layer " << layer;
  }
}

TEST(find_maps, take_a_method_of_ones_own) {
  struct by_shift {
    [[nodiscard]] std::string name() const { return "shift"; }
    [[nodiscard]] steer::diagonal_map operator()(const matrix<float>& positive, const matrix<float>& negative) const {
      const Eigen::VectorXf way = (positive.colwise().mean() - negative.colwise().mean()).transpose();
      return {Eigen::VectorXf::Ones(way.size()), way};
    }
  };
  toy::host model = model_of(9);
  const steer::recorder recorder = pairs_of(model);
  const steer::affine_maps found = steer::find_maps(recorder, by_shift{});
  for (const auto& [layer, map] : found.layers) {
    const Eigen::VectorXd way = recorder.mean(layer, side::positive) - recorder.mean(layer, side::negative);
    EXPECT_LE((mapped(map, Eigen::VectorXd::Zero(width)) - way).norm(), 1e-5);
  }
}

TEST(find_maps, refuse_what_they_cannot_use) {
  toy::host model = model_of(10);
  steer::recorder half(model.shape());
  half.record(model, "ab", side::positive);
  expect_error<steer::numeric_error>([&] { steer::find_maps(half, steer::by_leace{}); },
                                     "leace, shrinkage 0.1: the recorder has", "1 positive and 0 negative",
                                     "at least one of each");
  steer::recorder unpaired(model.shape());
  unpaired.record(model, "ab", side::positive);
  unpaired.record(model, "cd", side::negative);
  expect_error<steer::argument_error>([&] { steer::find_maps(unpaired, steer::by_subspace_removal{}); },
                                      "removal of 1 principal dimensions needs pairs");
  expect_fields<steer::numeric_error>(
      [&] { steer::find_maps(unpaired, steer::by_leace{}); },
      {.what = "whitened_difference, positive", .layer = 0, .expected = "at least 2", .actual = "1"});
  expect_error<steer::numeric_error>([&] { steer::find_maps(unpaired, steer::by_linear_transport{}); },
                                     "linear_transport, layer 0: linear_transport, source: has 1 sample");
  const steer::recorder pairs = pairs_of(model);
  expect_error<steer::argument_error>([&] { steer::find_maps(pairs, steer::by_conceptor{{.aperture = 0.0}}); },
                                      "conceptor, aperture 0, layer 0: find_conceptor: aperture is 0");
  expect_error<steer::argument_error>([&] { steer::find_maps(pairs, steer::by_subspace_removal{.dimensions = 0}); },
                                      "layer 0: principal_subspace: asked for 0 dimensions");
  expect_error<steer::argument_error>([&] { steer::find_maps(pairs, steer::by_gaussian_transport{{.ridge = -1.0}}); },
                                      "layer 0: gaussian_transport: ridge is -1");
}

/// Three recorders, each with texts of its own.
std::vector<steer::recorder> three_classes(toy::host& model) {
  std::vector<steer::recorder> out;
  for (int c = 0; c < 3; ++c) {
    steer::recorder here(model.shape());
    for (int i = 0; i < 8; ++i) {
      here.record(model, letter(8 * c + i), i % 2 == 0 ? side::positive : side::negative);
    }
    out.push_back(here);
  }
  return out;
}

TEST(find_class_erasers, leave_all_classes_the_same_mean_with_one_dimension_less_than_there_are) {
  for (unsigned seed = 0; seed < 5; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    toy::host model = model_of(seed);
    const std::vector<steer::recorder> classes = three_classes(model);
    const steer::affine_maps found = steer::find_class_erasers(classes);
    ASSERT_EQ(found.layers.size(), classes[0].options().layers.size());
    for (const auto& [layer, map] : found.layers) {
      SCOPED_TRACE("layer " + std::to_string(layer));
      EXPECT_EQ(std::get<steer::low_rank_map>(map).read.rows(), 2);
      std::vector<Eigen::RowVectorXd> means;
      for (const steer::recorder& here : classes) {
        matrix<double> rows(8, width);
        rows << here.texts(layer, side::positive).cast<double>(), here.texts(layer, side::negative).cast<double>();
        means.push_back(mapped_rows(map, rows).colwise().mean());
      }
      EXPECT_LE((means[0] - means[1]).norm(), 1e-5);
      EXPECT_LE((means[0] - means[2]).norm(), 1e-5);
    }
  }
}

TEST(find_class_erasers, of_two_classes_are_those_of_leace) {
  toy::host model = model_of(3);
  const steer::recorder pairs = pairs_of(model);
  std::vector<steer::recorder> classes(2, steer::recorder(model.shape()));
  for (int i = 0; i < texts; ++i) {
    classes[0].record(model, letter(i), side::positive);
    classes[1].record(model, letter(texts + i), side::negative);
  }
  const steer::affine_maps by_classes = steer::find_class_erasers(classes);
  const steer::affine_maps by_sides = steer::find_maps(pairs, steer::by_leace{{.shrinkage = 0.0}});
  for (const auto& [layer, map] : by_classes.layers) {
    for (int i = 0; i < 5; ++i) {
      const Eigen::VectorXd h = Eigen::VectorXd::Random(width);
      EXPECT_LE((mapped(map, h) - mapped(by_sides.layers.at(layer), h)).norm(), 1e-5);
    }
  }
}

TEST(find_class_erasers, refuse_classes_that_do_not_belong_together) {
  toy::host model = model_of(4);
  std::vector<steer::recorder> classes = three_classes(model);
  expect_error<steer::argument_error>([&] { steer::find_class_erasers(std::span(classes).first(1)); }, "has 1 classes",
                                      "at least 2");
  classes.emplace_back(model.shape());
  expect_error<steer::numeric_error>([&] { steer::find_class_erasers(classes); }, "class 3 has no text");
  classes[3] = steer::recorder(model.shape(), {.layers = {1}});
  classes[3].record(model, "ab", side::positive);
  expect_error<steer::argument_error>([&] { steer::find_class_erasers(classes); },
                                      "class 3 is recorded at residual_out of 1 layers", "residual_out of 2 layers");
  toy::host another = model;
  another.model.name = "another";
  another.model.fingerprint = "other weights";
  steer::recorder elsewhere(another.shape());
  elsewhere.record(another, "ab", side::positive);
  classes[3] = elsewhere;
  expect_error<steer::shape_error>([&] { steer::find_class_erasers(classes); },
                                   "class 3 was recorded in model \"another\"", "class 0 in \"toy\"");
}

TEST(find_class_erasers, name_the_layer_at_which_there_is_nothing_to_erase) {
  toy::host model = model_of(5);
  model.embedding.setOnes();
  const std::vector<steer::recorder> classes = three_classes(model);
  expect_error<steer::numeric_error>([&] { steer::find_class_erasers(classes); },
                                     "find_class_erasers, layer 0: leace: all 24 samples", "the same");
}

}  // namespace
