// steer/io/glp_read.ipp: the bodies of glp_read.hpp.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <limits>
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
#include "steer/io/glp_read.hpp"
#include "steer/io/sha256.hpp"
#include "steer/recipe/edit.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

STEER_BODY glp glp_reader::read() {
  check_keys();
  const std::string mode = text_or("glp.mode", "add");
  if (mode != "add" && mode != "project") {
    fail({"has glp.mode ", actual({"\"", mode, "\""}), "; expected ", expected("project or add")});
  }
  projects_ = mode == "project";
  read_tensors();
  read_doses();
  check_layer_list();
  check_digest();

  glp out;
  out.base_model = {text_or("general.base_model.0.name", ""), text_or("general.base_model.0.organization", ""),
                    text_or("general.base_model.0.version", ""), text_or("general.base_model.0.repo_url", "")};
  out.derived_at = text_or("glp.derived_at", "");
  out.created = text_or("glp.created", "");
  make_edits(out);
  return out;
}

STEER_BODY void glp_reader::fail(std::initializer_list<text_part> parts) const {
  throw format_error(text({thing(who_), " ", text(parts)}));
}

STEER_BODY std::int64_t glp_reader::whole_or(std::string_view key, std::int64_t otherwise) const {
  const gguf_value* value = find(file_.metadata(), key);
  if (value == nullptr) {
    return otherwise;
  }
  const auto number = whole_number(*value);
  if (!number) {
    fail({"has ", key, " of type ", actual(to_string(value->type())), "; expected ", expected("a whole number")});
  }
  return *number;
}

STEER_BODY void glp_reader::check_keys() const {
  bool any = false;
  for (const auto& [key, value] : file_.metadata()) {
    any = any || key.starts_with("glp.");
    bool known = key.starts_with("general.") || key.starts_with("steer.") || key == "controlvector.model_hint" ||
                 key == "controlvector.layer_count";
    for (const std::string_view name :
         {"mode", "spec_version", "alpha_default", "rank", "orthonormal", "dir_scales", "layer_scales", "hook_point",
          "derived_at", "content_sha256", "created", "method", "contrast", "layer_ids_zero_based"}) {
      known = known || (key.starts_with("glp.") && key.substr(4) == name);
    }
    if (!known) {
      fail({"has the unknown key ", actual({"\"", key, "\""}), ", which may change what the vector means"});
    }
  }
  if (!any) {
    fail({"has no glp.* key: it is no GLP file, but perhaps a control vector"});
  }
}

STEER_BODY void glp_reader::read_tensors() {
  for (const gguf_tensor& tensor : file_.tensors()) {
    if (tensor.name == glp_guard) {
      continue;
    }
    const std::string_view name = tensor.name;
    const std::size_t dot = name.find('.', std::min(name.size(), std::string_view("direction.").size()));
    const auto layer = direction_number(name.substr(0, dot));
    const auto index = dot == std::string_view::npos
                           ? std::optional{0}
                           : direction_number("direction." + std::string(name.substr(dot + 1)));
    if (!layer || !index || (*index == 0 && dot != std::string_view::npos)) {
      fail({"has tensor ", actual({"\"", tensor.name, "\""}), "; expected ",
            expected("direction.N or direction.N.j")});
    }
    if (*layer == 0) {
      fail({"has tensor \"", tensor.name, "\"; this format cannot hold layer ", at_layer(0)});
    }
    layers_[*layer].emplace(*index, direction_values(file_, tensor, who_));
  }
  if (layers_.empty()) {
    fail({"has no tensor direction.N"});
  }
  const Eigen::Index width = layers_.begin()->second.begin()->second.size();
  for (const auto& [layer, basis] : layers_) {
    for (const auto& [index, values] : basis) {
      if (values.size() != width) {
        fail({"has width ", actual(values.size()), " at layer ", at_layer(layer), "; another layer has ",
              expected(width)});
      }
    }
  }
}

STEER_BODY void glp_reader::read_doses() {
  const std::int64_t version = whole_or("glp.spec_version", 1);
  if (version != 1 && version != 2) {
    fail({"has glp.spec_version ", actual(version), "; expected ", expected("1 or 2")});
  }
  rank_ = static_cast<std::size_t>(std::max<std::int64_t>(0, whole_or("glp.rank", 1)));
  for (const std::string_view key : {"glp.dir_scales", "glp.layer_scales"}) {
    if (version == 1 && find(file_.metadata(), key) != nullptr) {
      fail({"has ", key, " and glp.spec_version 1; that key needs version 2"});
    }
  }
  if (rank_ < 1 || (version == 1 && rank_ != 1)) {
    fail({"has glp.rank ", actual(whole_or("glp.rank", 1)), "; expected ",
          expected(version == 1 ? "1 for glp.spec_version 1" : "at least 1")});
  }
  for (const auto& [layer, basis] : layers_) {
    if (basis.size() != rank_ || basis.rbegin()->first != static_cast<int>(rank_) - 1) {
      fail({"has ", actual(basis.size()), " directions at layer ", at_layer(layer), ", the last numbered ",
            basis.rbegin()->first, "; expected as many as glp.rank, ", expected(rank_)});
    }
  }
  check_basis();
  if (const gguf_value* value = find(file_.metadata(), "glp.alpha_default")) {
    const auto number = real_number(*value);
    if (!number || !std::isfinite(*number)) {
      fail({"has glp.alpha_default ",
            actual(number ? text(*number) : "of type " + std::string(to_string(value->type()))), "; expected ",
            expected("a finite f32")});
    }
    alpha_ = *number;
  }
  read_direction_scales();
  read_layer_scales();
}

STEER_BODY void glp_reader::check_basis() const {
  const gguf_value* stated = find(file_.metadata(), "glp.orthonormal");
  if (stated != nullptr && stated->type() != gguf_type::boolean) {
    fail({"has glp.orthonormal of type ", actual(to_string(stated->type())), "; expected ", expected("bool")});
  }
  if (rank_ == 1) {
    return;
  }
  if (stated == nullptr || stated->get<bool>() != true) {
    fail({"has glp.rank ", rank_, " without ", expected("glp.orthonormal true")});
  }
  for (const auto& [layer, basis] : layers_) {
    std::vector<Eigen::VectorXf> rows;
    for (const auto& [index, values] : basis) {
      rows.push_back(values);
    }
    if (const double off = off_orthonormal(rows); !(off <= glp_unit_tolerance)) {
      fail({"has directions at layer ", at_layer(layer), " that are not orthonormal: off by ", actual(off),
            ", expected ", expected({"at most ", glp_unit_tolerance})});
    }
  }
}

STEER_BODY void glp_reader::read_direction_scales() {
  direction_scales_.assign(rank_, 1.0);
  if (const auto stated = file_.text_at("glp.dir_scales")) {
    direction_scales_.clear();
    bool sound = true;
    for (const std::string_view part : split(*stated, ',')) {
      const auto number = parse_number<double>(part);
      sound = sound && number && direction_scales_.size() < rank_;
      direction_scales_.push_back(number.value_or(0.0));
    }
    if (!sound || direction_scales_.size() != rank_) {
      fail({"has glp.dir_scales ", actual({"\"", *stated, "\""}), "; expected ",
            expected({rank_, " finite numbers between commas"})});
    }
  }
}

STEER_BODY void glp_reader::read_layer_scales() {
  if (const auto stated = file_.text_at("glp.layer_scales")) {
    for (const std::string_view part : split(*stated, ',')) {
      const auto pair = split(part, ':');
      const auto layer = pair.size() == 2 ? parse_number<int>(pair[0]) : std::nullopt;
      const auto scale = pair.size() == 2 ? parse_number<double>(pair[1]) : std::nullopt;
      if (!layer || !scale || !layers_.contains(*layer) || !layer_scales_.emplace(*layer, *scale).second) {
        fail({"has glp.layer_scales \"", *stated, "\", whose ", actual({"\"", part, "\""}), " is no ",
              expected("pair layer:number of a layer with a direction"), ", or stands twice"});
      }
    }
  }
}

STEER_BODY void glp_reader::check_layer_list() const {
  const auto stated = file_.text_at("glp.layer_ids_zero_based");
  if (!stated || stated->empty()) {
    return;
  }
  std::vector<int> listed;
  for (const std::string_view part : split(*stated, ',')) {
    const auto layer = parse_number<int>(part);
    if (!layer) {
      fail({"has glp.layer_ids_zero_based ", actual({"\"", *stated, "\""}), "; expected ",
            expected("numbers between commas")});
    }
    listed.push_back(*layer);
  }
  std::sort(listed.begin(), listed.end());
  const bool same = std::equal(listed.begin(), listed.end(), layers_.begin(), layers_.end(),
                               [](int a, const auto& b) { return a == b.first; });
  if (!same) {
    fail({"has glp.layer_ids_zero_based ", actual({"\"", *stated, "\""}), ", which are not the layers of its ",
          layers_.size(), " tensors, ", expected({layers_.begin()->first, " to ", layers_.rbegin()->first}),
          "; one of them is shifted"});
  }
}

STEER_BODY void glp_reader::check_digest() const {
  auto stated = file_.text_at("glp.content_sha256");
  if (!stated) {
    return;
  }
  for (char& digit : *stated) {
    digit = digit >= 'A' && digit <= 'F' ? static_cast<char>(digit - 'A' + 'a') : digit;
  }
  sha256 digest;
  for (const auto& [layer, basis] : layers_) {
    for (const auto& [index, values] : basis) {
      digest.update(std::as_bytes(std::span(values.data(), static_cast<std::size_t>(values.size()))));
    }
  }
  if (digest.hex() != *stated) {
    fail({"has glp.content_sha256 ", expected(*stated), "; the tensors' bytes give ", actual(digest.hex())});
  }
}

STEER_BODY point glp_reader::hook_point() const {
  const std::string stated = text_or("glp.hook_point", projects_ ? "" : glp_hook_points[0].first);
  for (const auto& [name, where] : glp_hook_points) {
    if (name == stated) {
      return where;
    }
  }
  fail({"has glp.hook_point ", actual({"\"", stated, "\""}), "; expected ",
        expected({glp_hook_points[0].first, ", ", glp_hook_points[1].first, " or ", glp_hook_points[2].first})});
}

STEER_BODY float glp_reader::dose_of(int layer, std::size_t j) const {
  const auto scale = layer_scales_.find(layer);
  const double dose = alpha_ * direction_scales_[j] * (scale == layer_scales_.end() ? 1.0 : scale->second);
  if (!(std::abs(dose) <= static_cast<double>(std::numeric_limits<float>::max()))) {
    fail({"has the dose ", actual(dose), " at layer ", at_layer(layer), "; expected ", expected("a finite f32")});
  }
  return static_cast<float>(dose);
}

STEER_BODY void glp_reader::make_edits(glp& out) {
  gguf_provenance provenance(file_.metadata(), who_);
  steering_vector empty;
  empty.name = name_of(file_);
  empty.point = hook_point();
  empty.source.model = out.base_model.name;
  empty.source.method = text_or("glp.method", "");
  empty.source.contrast = text_or("glp.contrast", "");
  provenance.read_into(empty);
  if (empty.point != hook_point()) {
    fail({"has steer.point ", actual(to_string(empty.point)), ", which contradicts its glp.hook_point, ",
          expected(to_string(hook_point()))});
  }
  for (std::size_t j = 0; j < rank_; ++j) {
    std::vector<std::pair<float, steering_vector>> by_dose;
    for (auto& [layer, basis] : layers_) {
      const auto dose = dose_of(layer, j);
      auto here =
          std::find_if(by_dose.begin(), by_dose.end(), [&](const auto& known) { return known.first == dose; });
      if (here == by_dose.end()) {
        here = by_dose.insert(here, {dose, empty});
      }
      direction& v = here->second.directions[layer];
      v.values = std::move(basis.at(static_cast<int>(j)));
      provenance.read_into(v, j == 0 ? text(layer) : text({layer, ".", j}));
    }
    for (auto& [dose, vector] : by_dose) {
      edit next;
      if (projects_) {
        next.operation = ablate_edit{std::move(vector), dose};
      } else {
        next.operation = add_edit{std::move(vector), dose, strength_unit::raw};
      }
      out.edits.push_back(std::move(next));
    }
  }
  provenance.check_all_read();
  for (const edit& e : out.edits) {
    check_read(e, who_);
  }
}

}  // namespace detail
}  // namespace v0
}  // namespace steer
