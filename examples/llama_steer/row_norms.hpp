// llama_steer/row_norms.hpp: how long a model's rows are.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "steer/core/error.hpp"
#include "steer/core/hook.hpp"
#include "steer/core/hook_ref.hpp"
#include "steer/core/host.hpp"
#include "steer/core/model_shape.hpp"
#include "steer/guard/policy.hpp"

namespace llama_steer {

/// Takes the mean |h| of all rows but each text's first, an attention sink, at every site that a host shows.
class norm_meter {
 public:
  /// @throws steer::argument_error if the host does not know where in its text a row is
  explicit norm_meter(const steer::model_shape& shape)
      : shape_(shape), sites_(static_cast<std::size_t>(shape.layers) * steer::point_count) {
    shape.require(steer::row_fact::position, "row norms");
  }

  [[nodiscard]] steer::access access(steer::site where) const noexcept {
    const bool shown = where.layer >= 0 && where.layer < shape_.layers && shape_.points.contains(where.point);
    return shown ? steer::access::read : steer::access::none;
  }
  void operator()(steer::site where, steer::rows<float> activations) noexcept {
    sum& here = sites_[index_of(where)];
    for (std::ptrdiff_t i = 0; i < activations.count; ++i) {
      if (activations.info_of(i).position > 0) {
        double squares = 0.0;
        for (const float number : activations[i]) {
          squares += static_cast<double>(number) * static_cast<double>(number);
        }
        here.norms += std::sqrt(squares);
        ++here.rows;
      }
    }
  }

  [[nodiscard]] const steer::model_shape& shape() const noexcept { return shape_; }

  /// @throws steer::host_error if a site has not shown each of so many tokens
  [[nodiscard]] steer::row_norms means(std::size_t tokens) const {
    steer::row_norms out;
    for (int layer = 0; layer < shape_.layers; ++layer) {
      for (const steer::point point : steer::all_points) {
        const steer::site where{layer, point};
        if (!shape_.points.contains(point)) {
          continue;
        }
        const sum& here = sites_[index_of(where)];
        const std::size_t wanted = tokens * static_cast<std::size_t>(shape_.streams_at(point));
        if (here.rows != wanted || wanted == 0) {
          throw steer::host_error(steer::text({steer::thing("row norms"), ": at ", to_string(where), " the model showed ", steer::actual(here.rows),
                                               " rows; expected ", steer::expected(wanted)}));
        }
        out[where] = here.norms / static_cast<double>(here.rows);
      }
    }
    return out;
  }

 private:
  struct sum {
    double norms = 0.0;
    std::size_t rows = 0;
  };
  [[nodiscard]] static std::size_t index_of(steer::site where) noexcept {
    return static_cast<std::size_t>(where.layer) * steer::point_count + static_cast<std::size_t>(where.point);
  }

  steer::model_shape shape_;
  std::vector<sum> sites_;
};
static_assert(steer::hook<norm_meter, float>);

/// @throws as `norm_meter`; what the host throws
template <steer::host Model>
steer::row_norms measure_row_norms(Model& model, std::span<const std::vector<std::int32_t>> texts) {
  norm_meter meter(model.shape());
  std::size_t tokens = 0;
  for (const std::vector<std::int32_t>& text : texts) {
    model.evaluate(text, steer::hook_ref<float>(meter));
    tokens += text.size() - std::min<std::size_t>(text.size(), 1);
  }
  return meter.means(tokens);
}

}  // namespace llama_steer
