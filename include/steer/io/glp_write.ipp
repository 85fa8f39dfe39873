// steer/io/glp_write.ipp: the bodies of glp_write.hpp.
#pragma once

#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>
#include <Eigen/Core>

#include "steer/core/error.hpp"
#include "steer/core/real.hpp"
#include "steer/io/control_vector.hpp"
#include "steer/io/gguf_provenance.hpp"
#include "steer/io/glp_format.hpp"
#include "steer/io/glp_write.hpp"
#include "steer/io/plain_edit.hpp"
#include "steer/io/sha256.hpp"
#include "steer/io/write_gguf.hpp"
#include "steer/recipe/edit.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

STEER_BODY std::string exact_text(float number) {
  std::array<char, 32> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number);
  return {digits.data(), end.ptr};
}

STEER_BODY glp_writer::glp_writer(const glp& file) : file_(file) {
  if (file.edits.empty()) {
    throw format_error("glp: there are no edits to write");
  }
  for (const edit& e : file.edits) {
    collect(e);
  }
  for (const auto& [layer, rows] : layers_) {
    if (rows.size() != rank()) {
      throw format_error(
          text({thing("glp"), ": ", actual(rows.size()), " edits touch layer ", at_layer(layer), " and ",
                expected(rank()), " layer ", layers_.begin()->first, "; the format needs as many at each"}));
    }
  }
  for (const auto& [layer, rows] : layers_) {
    check_basis(layer, rows);
  }
  find_doses();
}

STEER_BODY std::string glp_writer::bytes() const {
  std::vector<gguf_tensor> tensors;
  const float one = 1.0F;
  if (!is_control_vector()) {
    tensors.push_back({std::string(glp_guard), gguf_f32, {1}, std::as_bytes(std::span(&one, 1))});
  }
  gguf_metadata measured;
  sha256 digest;
  std::string listed;
  for (const auto& [layer, rows] : layers_) {
    listed += (listed.empty() ? "" : ",") + std::to_string(layer);
    for (std::size_t j = 0; j < rows.size(); ++j) {
      const std::string number = j == 0 ? text(layer) : text({layer, ".", j});
      append_measurements(measured, rows[j].v, number);
      tensors.push_back(direction_tensor("direction." + number, rows[j].v.values));
      digest.update(tensors.back().bytes);
    }
  }
  gguf_metadata metadata = keys(digest.hex(), listed);
  append_provenance(metadata, only_vector(file_.edits.front()));
  metadata.insert(metadata.end(), measured.begin(), measured.end());
  return gguf_bytes(metadata, tensors);
}

STEER_BODY void glp_writer::collect(const edit& e) {
  check(e);
  require_plain(e, "glp");
  const edit& first = file_.edits.front();
  const auto* ablate = std::get_if<ablate_edit>(&e.operation);
  const auto* add = std::get_if<add_edit>(&e.operation);
  if (ablate == nullptr && add == nullptr) {
    throw format_error(text(
        {thing({"glp: ", to_string(e)}), " is neither ", expected("an addition nor a scaling of the component")}));
  }
  const steering_vector& vector = only_vector(e);
  if (e.operation.index() != first.operation.index() || vector.point != only_vector(first).point ||
      vector.name != only_vector(first).name || !(vector.source == only_vector(first).source)) {
    throw format_error(text({"glp: ", thing(to_string(e)), " and ", to_string(first),
                             " differ in operation, point, name or source; a file holds one of each"}));
  }
  projects_ = ablate != nullptr;
  for (auto& [layer, v] : used_directions(e, "glp")) {
    if (layer == 0) {
      throw format_error(
          text({thing({"glp: ", to_string(e)}), " has layer ", at_layer(0), ", which the format cannot hold"}));
    }
    if (add != nullptr &&
        add->unit.value_or(v.row_norm ? strength_unit::of_norm : strength_unit::raw) != strength_unit::raw) {
      throw format_error(text({thing({"glp: ", to_string(e)}), " has a strength that is not ", expected("raw"),
                               "; the format has no other unit"}));
    }
    row next{v, ablate != nullptr ? ablate->share : add->strength};
    if (const double norm = v.values.template cast<double>().norm(); projects_ && std::abs(norm - 1.0) > glp_unit_tolerance) {
      next.v.values = unit(v).template cast<float>();
    }
    layers_[layer].push_back(std::move(next));
  }
}

STEER_BODY void glp_writer::check_basis(int layer, const std::vector<row>& rows) {
  std::vector<Eigen::VectorXf> basis;
  for (const row& each : rows) {
    basis.push_back(each.v.values);
  }
  if (const double off = off_orthonormal(basis); rows.size() > 1 && !(off <= glp_unit_tolerance)) {
    throw format_error(
        text({thing("glp"), ": the directions at layer ", at_layer(layer), " are not orthonormal: off by ",
              actual(off), ", expected ", expected({"at most ", glp_unit_tolerance})}));
  }
}

STEER_BODY void glp_writer::find_doses() {
  const std::vector<row>& first = layers_.begin()->second;
  bool by_layer = true;  // one dose for all directions of a layer
  bool by_direction = true;
  for (const auto& [layer, rows] : layers_) {
    for (std::size_t j = 0; j < rows.size(); ++j) {
      by_layer = by_layer && rows[j].dose == rows[0].dose;
      by_direction = by_direction && rows[j].dose == first[j].dose;
    }
  }
  if (by_layer && by_direction) {
    alpha_ = first[0].dose;
    return;
  }
  if (!by_layer && !by_direction) {
    throw format_error(
        "glp: the doses differ between layers and between directions; the format holds one or the other");
  }
  std::string scales;
  if (by_direction) {
    for (const row& each : first) {
      scales += (scales.empty() ? "" : ",") + exact_text(each.dose);
    }
  } else {
    for (const auto& [layer, rows] : layers_) {
      scales += (scales.empty() ? "" : ",") + std::to_string(layer) + ":" + exact_text(rows[0].dose);
    }
  }
  (by_direction ? direction_scales_ : layer_scales_) = scales;
}

STEER_BODY bool glp_writer::is_control_vector() const {
  return !projects_ && only_vector(file_.edits.front()).point == point::residual_out && rank() == 1 &&
         alpha_ == 1.0F && layer_scales_.empty();
}

STEER_BODY gguf_metadata glp_writer::keys(const std::string& digest, const std::string& listed) const {
  const steering_vector& v = only_vector(file_.edits.front());
  std::string hook;
  for (const auto& [name, where] : glp_hook_points) {
    hook = where == v.point ? name : hook;
  }
  if (hook.empty()) {
    throw format_error(text({thing({"glp: \"", v.name, "\""}), " acts at ", actual(to_string(v.point)),
                             "; the format knows ", expected("residual_out, mlp_out and attention_out")}));
  }
  const bool second = rank() > 1 || !direction_scales_.empty() || !layer_scales_.empty();
  gguf_metadata out{{"general.architecture", "controlvector"},
                    {"general.type", "controlvector"},
                    {"general.name", v.name},
                    {"glp.mode", projects_ ? "project" : "add"},
                    {"glp.spec_version", std::uint32_t{second ? 2U : 1U}},
                    {"glp.hook_point", hook},
                    {"glp.alpha_default", alpha_},
                    {"glp.rank", static_cast<std::uint32_t>(rank())},
                    {"glp.orthonormal", projects_ || rank() > 1},
                    {"glp.layer_ids_zero_based", listed},
                    {"glp.content_sha256", digest}};
  const auto add = [&](const char* key, const std::string& value) {
    if (!value.empty()) {
      out.emplace_back(key, value);
    }
  };
  add("glp.dir_scales", direction_scales_);
  add("glp.layer_scales", layer_scales_);
  add("glp.derived_at", file_.derived_at);
  add("glp.created", file_.created);
  add("glp.method", v.source.method);
  add("glp.contrast", v.source.contrast);
  if (!(file_.base_model == glp_base_model{})) {
    out.emplace_back("general.base_model.count", std::uint32_t{1});
  }
  add("general.base_model.0.name", file_.base_model.name);
  add("general.base_model.0.organization", file_.base_model.organization);
  add("general.base_model.0.version", file_.base_model.version);
  add("general.base_model.0.repo_url", file_.base_model.repo_url);
  return out;
}

}  // namespace detail
}  // namespace v0
}  // namespace steer
