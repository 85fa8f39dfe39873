// steer/measure/norm_ratios.ipp: the bodies of norm_ratios.hpp.
#pragma once

#include <cmath>
#include <cstddef>
#include <exception>
#include <functional>
#include <span>
#include <string>
#include <vector>
#include <Eigen/Core>

#include "steer/core/answered_request.hpp"
#include "steer/core/chain.hpp"
#include "steer/core/error.hpp"
#include "steer/core/hook.hpp"
#include "steer/core/model_shape.hpp"
#include "steer/core/real.hpp"
#include "steer/core/rows.hpp"
#include "steer/core/token_rows.hpp"
#include "steer/measure/norm_ratios.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

/// Reads the norms of the rows that are asked for, at every layer.
template <class Real>
class norm_reader {
 public:
  norm_reader(std::span<const asked_text> texts, const model_shape& shape)
      : texts_(texts), tokens_(shape.streams_at(point::residual_out)), norms_(static_cast<std::size_t>(shape.layers)) {
    std::size_t count = 0;
    for (const asked_text& each : texts) {
      first_.push_back(count);
      count += each.tokens.size() - static_cast<std::size_t>(each.from);
    }
    for (std::vector<double>& here : norms_) {
      here.assign(count, unseen);
    }
  }
  [[nodiscard]] steer::access access(site where) const noexcept {
    return where.point == point::residual_out ? steer::access::read : steer::access::none;
  }
  void operator()(site where, rows<float> activations) noexcept {
    if (where.point != point::residual_out || failure_) {
      return;
    }
    try {
      tokens_.read(activations, [&](const rows<float>& tokens) { read(norms_[static_cast<std::size_t>(where.layer)], tokens); });
    } catch (...) {
      failure_ = std::current_exception();
    }
  }
  /// @throws host_error if a row was not shown
  [[nodiscard]] const std::vector<double>& at(int layer) const {
    if (failure_) {
      std::rethrow_exception(failure_);
    }
    const std::vector<double>& here = norms_[static_cast<std::size_t>(layer)];
    for (const double norm : here) {
      if (norm == unseen) {
        throw host_error(text({thing("norm ratios"), ", layer ", at_layer(layer), ": the host did ", actual("not show"),
                               " every row; expected ", expected({here.size(), " that foretell the answers"})}));
      }
    }
    return here;
  }

 private:
  void read(std::vector<double>& here, const rows<float>& activations) const {
    for (std::ptrdiff_t i = 0; i < activations.count; ++i) {
      const row_info& row = activations.info_of(i);
      const auto text = static_cast<std::size_t>(row.sequence);
      if (row.sequence < 0 || text >= texts_.size() || row.position < texts_[text].from) {
        continue;
      }
      here[first_[text] + static_cast<std::size_t>(row.position - texts_[text].from)] =
          Eigen::Map<const Eigen::VectorXf>(activations[i].data(), static_cast<Eigen::Index>(activations[i].size())).template cast<Real>().norm();
    }
  }

  static constexpr double unseen = -1.0;
  std::span<const asked_text> texts_;
  std::vector<std::size_t> first_;
  token_rows tokens_;
  std::vector<std::vector<double>> norms_;
  std::exception_ptr failure_;
};

STEER_BODY std::vector<norm_ratios> measure_norm_ratios(const model_shape& shape, std::span<const answered_request> requests,
                                                        std::span<const hook_ref<float>> hooks,
                                                        const std::function<void(std::span<const asked_text>, hook_ref<float>)>& run) {
  const std::string who = "norm ratios";
  check(requests, who);
  shape.require(site{0, point::residual_out}, who);
  for (const row_fact fact : {row_fact::position, row_fact::sequence}) {
    shape.require(fact, who);
  }
  std::vector<request_text> texts;
  for (const answered_request& each : requests) {
    texts.emplace_back(each.plain, each.answer);
  }
  std::vector<asked_text> asked;
  for (const request_text& each : texts) {
    asked.push_back(each.asked());
  }
  norm_reader<Real> plain(asked, shape);
  run(asked, plain);
  std::vector<norm_ratios> out;
  for (const hook_ref<float>& hook : hooks) {
    norm_reader<Real> steered(asked, shape);
    chain both(hook, steered);
    run(asked, both);
    norm_ratios& ratios = out.emplace_back();
    for (int layer = 0; layer < shape.layers; ++layer) {
      const std::vector<double>& below = plain.at(layer);
      const std::vector<double>& above = steered.at(layer);
      for (std::size_t i = 0; i < below.size(); ++i) {
        if (!(below[i] > 0.0)) {
          throw numeric_error(text({thing(who), ", layer ", at_layer(layer), ": a plain row has a length of ", actual(below[i]),
                                    "; expected ", expected("more than 0")}));
        }
        ratios[layer].push_back(above[i] / below[i]);
      }
    }
  }
  return out;
}

}  // namespace detail
}  // namespace v0
}  // namespace steer
