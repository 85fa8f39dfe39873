// tests/fit/small_model.hpp: a model of a few numbers that reads earlier tokens, with logits, for texts side by side.
#pragma once

#include <Eigen/Core>
#include <cstddef>
#include <cstdint>
#include <random>
#include <span>
#include <vector>

#include "steer/core/answered_request.hpp"
#include "steer/core/host.hpp"
#include "steer/core/matrix.hpp"
#include "toy.hpp"

namespace toy {

/// Each layer adds tanh(W h + M (mean of the rows so far)) to a row h.
class small_model {
 public:
  static constexpr int layers = 3;
  static constexpr Eigen::Index width = 12;
  static constexpr Eigen::Index vocabulary = 20;

  /// @param at_once  rows in a call at most; 0: all of a pass
  explicit small_model(std::ptrdiff_t at_once = 0) : at_once_(at_once) {
    std::mt19937_64 engine(3);
    embedding_ = random_rows<float>(engine, vocabulary, width);
    for (int layer = 0; layer < layers; ++layer) {
      own_.push_back(0.4F * random_rows<float>(engine, width, width));
      earlier_.push_back(0.6F * random_rows<float>(engine, width, width));
    }
    out_ = random_rows<float>(engine, vocabulary, width);
    shape_ = shape(layers, width);
    shape_.points = {steer::point::residual_out};
  }

  [[nodiscard]] const steer::model_shape& shape() const noexcept { return shape_; }
  static steer::model_shape shape(int count, Eigen::Index d) { return toy::shape(count, d); }

  void evaluate(std::span<const std::int32_t> tokens, steer::hook_ref<float> hook) {
    const steer::asked_text one{tokens, 0};
    ask(std::span(&one, 1), hook, [](std::size_t, steer::logits_view) {});
  }

  void ask(std::span<const steer::asked_text> texts, steer::hook_ref<float> hook, const steer::logits_sink& sink) {
    hook.require_fit(shape_);
    ++passes;
    std::vector<steer::row_info> info;
    for (std::size_t t = 0; t < texts.size(); ++t) {
      const auto length = static_cast<std::int32_t>(texts[t].tokens.size());
      for (std::int32_t i = 0; i < length; ++i) {
        info.push_back({texts[t].tokens[static_cast<std::size_t>(i)], i, static_cast<std::int32_t>(t), length});
      }
    }
    const std::ptrdiff_t count = std::ssize(info);
    steer::matrix<float> h(count, width);
    for (std::ptrdiff_t i = 0; i < count; ++i) {
      h.row(i) = embedding_.row(info[static_cast<std::size_t>(i)].token);
    }
    for (int layer = 0; layer < layers; ++layer) {
      steer::matrix<float> next = h;
      Eigen::RowVectorXf sum = Eigen::RowVectorXf::Zero(width);
      for (std::ptrdiff_t i = 0; i < count; ++i) {
        const std::int32_t position = info[static_cast<std::size_t>(i)].position;
        sum = position == 0 ? Eigen::RowVectorXf(h.row(i)) : Eigen::RowVectorXf(sum + h.row(i));
        const auto at = static_cast<std::size_t>(layer);
        next.row(i) += (h.row(i) * own_[at] + sum / static_cast<float>(position + 1) * earlier_[at]).array().tanh().matrix();
      }
      h = next;
      const steer::site where{layer, steer::point::residual_out};
      const std::ptrdiff_t most = at_once_ > 0 ? at_once_ : count;
      for (std::ptrdiff_t first = 0; first < count && hook.access(where) != steer::access::none; first += most) {
        const std::ptrdiff_t some = std::min(most, count - first);
        hook(where, {h.row(first).data(), some, width, width,
                     std::span(info).subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(some))});
      }
    }
    std::ptrdiff_t row = 0;
    for (std::size_t t = 0; t < texts.size(); ++t) {
      const std::ptrdiff_t length = std::ssize(texts[t].tokens);
      const std::ptrdiff_t from = texts[t].from;
      const steer::matrix<float> logits = h.middleRows(row + from, length - from) * out_.transpose();
      sink(t, {logits.data(), logits.rows(), logits.cols()});
      row += length;
    }
  }

  int passes = 0;

 private:
  std::ptrdiff_t at_once_;
  steer::matrix<float> embedding_;
  std::vector<steer::matrix<float>> own_;
  std::vector<steer::matrix<float>> earlier_;
  steer::matrix<float> out_;
  steer::model_shape shape_;
};
static_assert(steer::batch_host<small_model>);

/// Requests whose instruction is two tokens more behind them.
inline std::vector<steer::answered_request> random_requests(std::mt19937_64& engine, std::size_t count) {
  const auto tokens = [&](std::size_t length) {
    std::vector<std::int32_t> out;
    for (std::size_t i = 0; i < length; ++i) {
      out.push_back(static_cast<std::int32_t>(engine() % (small_model::vocabulary - 2)));
    }
    return out;
  };
  std::vector<steer::answered_request> out;
  for (std::size_t i = 0; i < count; ++i) {
    steer::answered_request next;
    next.plain = tokens(2 + engine() % 4);
    next.prompted = next.plain;
    next.prompted.insert(next.prompted.end() - 1, {small_model::vocabulary - 1, small_model::vocabulary - 2});
    next.answer = tokens(2 + engine() % 6);
    out.push_back(std::move(next));
  }
  return out;
}

}  // namespace toy
