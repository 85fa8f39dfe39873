// steer/fit/fit_to_prompt.ipp: the bodies of fit_to_prompt.hpp.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <map>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>
#include <Eigen/Core>

#include "steer/core/answered_request.hpp"
#include "steer/core/error.hpp"
#include "steer/core/hook.hpp"
#include "steer/core/matrix.hpp"
#include "steer/core/model_shape.hpp"
#include "steer/core/real.hpp"
#include "steer/core/rows.hpp"
#include "steer/core/token_rows.hpp"
#include "steer/fit/fit_layer.hpp"
#include "steer/fit/fit_to_prompt.hpp"
#include "steer/inject/plan.hpp"
#include "steer/recipe/edit.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

/// Texts, and where each of the rows that foretell their answers stands among all of them.
class foretelling_rows {
 public:
  void add(const std::vector<std::int32_t>& prompt, const std::vector<std::int32_t>& answer) {
    texts_.emplace_back(prompt, answer);
    first_.push_back(count_);
    count_ += answer.size();
    total_ += prompt.size() + answer.size() - 1;
  }

  [[nodiscard]] std::vector<asked_text> asked() const {
    std::vector<asked_text> out;
    for (const request_text& each : texts_) {
      out.push_back(each.asked());
    }
    return out;
  }
  /// Rows that foretell.
  [[nodiscard]] std::size_t count() const noexcept { return count_; }
  /// All rows.
  [[nodiscard]] std::size_t total() const noexcept { return total_; }

  /// Copies those rows to their places.
  /// @return how many there were
  std::size_t copy(const rows<float>& from, matrix<float>& to) const {
    std::size_t found = 0;
    for (std::ptrdiff_t i = 0; i < from.count; ++i) {
      const row_info& row = from.info_of(i);
      const auto text = static_cast<std::size_t>(row.sequence);
      if (row.sequence < 0 || text >= texts_.size() || row.position < texts_[text].asked().from) {
        continue;
      }
      const std::size_t at = first_[text] + static_cast<std::size_t>(row.position - texts_[text].asked().from);
      std::copy_n(from[i].data(), to.cols(), to.row(static_cast<Eigen::Index>(at)).data());
      ++found;
    }
    return found;
  }

 private:
  std::vector<request_text> texts_;
  std::vector<std::size_t> first_;
  std::size_t count_ = 0;
  std::size_t total_ = 0;
};

/// What was missing of a layer's rows when a pass was over.
inline void require_shown(std::size_t shown, std::size_t count, int layer, const std::string& who) {
  if (shown != count) {
    throw host_error(text({thing(who), ", layer ", at_layer(layer), ": the host showed ", actual(shown), " of the ", expected(count),
                           " rows that foretell the answers"}));
  }
}

/// Keeps the rows that foretell, of several layers.
class row_collector {
 public:
  row_collector(const foretelling_rows& which, const std::set<int>& layers, const model_shape& shape)
      : which_(which), tokens_(shape.streams_at(point::residual_out)) {
    for (const int layer : layers) {
      layers_[layer].rows.resize(static_cast<Eigen::Index>(which.count()), shape.width);
    }
  }
  [[nodiscard]] steer::access access(site where) const noexcept {
    return where.point == point::residual_out && layers_.contains(where.layer) ? steer::access::read : steer::access::none;
  }
  void operator()(site where, rows<float> activations) noexcept {
    if (access(where) == steer::access::none || failure_) {
      return;
    }
    try {
      kept& here = layers_.at(where.layer);
      tokens_.read(activations, [&](const rows<float>& tokens) { here.shown += which_.copy(tokens, here.rows); });
    } catch (...) {
      failure_ = std::current_exception();
    }
  }
  /// @throws host_error if not every row was shown
  [[nodiscard]] const matrix<float>& rows_at(int layer, const std::string& who) const {
    if (failure_) {
      std::rethrow_exception(failure_);
    }
    const kept& here = layers_.at(layer);
    require_shown(here.shown, which_.count(), layer, who);
    return here.rows;
  }

 private:
  struct kept {
    matrix<float> rows;
    std::size_t shown = 0;
  };
  const foretelling_rows& which_;
  token_rows tokens_;  // a model's several residual streams by their mean: what edits do to all alike moves that as fitted
  std::map<int, kept> layers_;
  std::exception_ptr failure_;
};

/// Fits layer after layer while rows pass: as many in one pass as it is shown whole.
template <class Real>
class layer_by_layer {
 public:
  layer_by_layer(const model_shape& shape, const foretelling_rows& which, const row_collector& wanted, const std::set<int>& layers,
                 const std::string& name, const fit_options& options, prompt_fit& out)
      : shape_(shape),
        which_(which),
        wanted_(wanted),
        tokens_(shape.streams_at(point::residual_out)),
        left_(layers),
        name_(name),
        options_(options),
        out_(out) {
    now_.resize(static_cast<Eigen::Index>(which.count()), shape.width);
    total_ = layers.size();
  }

  [[nodiscard]] bool done() const noexcept { return left_.empty(); }

  void pass(const run_texts& run, std::span<const asked_text> texts) {
    shown_ = 0;
    in_parts_ = false;
    failure_ = nullptr;
    const std::size_t before = left_.size();
    run(texts, *this);
    ++out_.passes;
    if (failure_) {
      std::rethrow_exception(failure_);
    }
    if (left_.size() == before) {  // its rows came in parts
      require_shown(shown_, which_.count(), *left_.begin(), who());
      fit_next();
    }
  }

  [[nodiscard]] steer::access access(site where) const noexcept {
    return where.point == point::residual_out && (plans_.contains(where.layer) || left_.contains(where.layer)) ? steer::access::write
                                                                                                               : steer::access::none;
  }

  void operator()(site where, rows<float> activations) noexcept {
    if (const auto found = plans_.find(where.layer); found != plans_.end()) {
      found->second(where, activations);
      return;
    }
    if (failure_ || left_.empty() || where.layer != *left_.begin()) {
      return;
    }
    try {
      std::size_t here = 0;
      std::size_t count = 0;
      tokens_.read(activations, [&](const rows<float>& tokens) {
        here = which_.copy(tokens, now_);
        count = static_cast<std::size_t>(tokens.count);
      });
      shown_ += here;
      const bool whole = here == which_.count() && !in_parts_ &&
                         (count == which_.total() || (where.layer == shape_.layers - 1 && count == here));
      if (!whole) {
        in_parts_ = true;
        return;
      }
      fit_next();
      plans_.at(where.layer)(where, activations);
      shown_ = 0;
    } catch (...) {
      failure_ = std::current_exception();
    }
  }

 private:
  [[nodiscard]] std::string who() const { return text({"fit \"", name_, "\""}); }

  void fit_next() {
    const int layer = *left_.begin();
    layer_fit found = fit_layer(now_, wanted_.rows_at(layer, who()), layer, name_, options_.layer, options_.rows);
    plans_.emplace(layer, plan(found.recipe, shape_));
    for (const edit& each : found.recipe.edits()) {
      out_.recipe.append(each);
    }
    out_.layers.emplace(layer, std::move(found));
    left_.erase(layer);
    if (options_.progress) {
      options_.progress(1.0 - static_cast<double>(left_.size()) / static_cast<double>(total_));
    }
  }

  const model_shape& shape_;
  const foretelling_rows& which_;
  const row_collector& wanted_;
  token_rows tokens_;
  std::set<int> left_;
  const std::string& name_;
  const fit_options& options_;
  prompt_fit& out_;
  std::map<int, plan> plans_;  // of layers that are fitted
  matrix<float> now_;
  std::size_t total_ = 0;
  std::size_t shown_ = 0;
  bool in_parts_ = false;      // the host shows a layer in several calls: the pass only collects one
  std::exception_ptr failure_;
};

STEER_BODY prompt_fit fit_to_prompt(const model_shape& shape, std::span<const answered_request> requests, const std::string& name,
                                    const fit_options& options, const run_texts& run) {
  const std::string who = text({"fit \"", name, "\""});
  check(requests, who);
  std::set<int> layers(options.layers.begin(), options.layers.end());
  if (layers.size() != options.layers.size()) {
    throw argument_error(text({thing(who), ": names a layer ", actual("twice"), "; expected ", expected("each once")}));
  }
  for (int layer = 0; options.layers.empty() && layer < shape.layers; ++layer) {
    layers.insert(layer);
  }
  for (const int layer : layers) {
    shape.require(site{layer, point::residual_out}, who);
  }
  for (const row_fact fact : {row_fact::position, row_fact::sequence}) {
    shape.require(fact, who);
  }
  foretelling_rows prompted;
  foretelling_rows plain;
  for (const answered_request& each : requests) {
    prompted.add(each.prompted, each.answer);
    plain.add(each.plain, each.answer);
  }
  prompt_fit out;
  out.rows = plain.count();
  row_collector wanted(prompted, layers, shape);
  run(prompted.asked(), wanted);
  out.passes = 1;
  layer_by_layer<Real> fit(shape, plain, wanted, layers, name, options, out);
  const std::vector<asked_text> texts = plain.asked();
  while (!fit.done()) {
    fit.pass(run, texts);
  }
  if (out.recipe.empty()) {
    throw numeric_error(text({thing(who), ": no row with the instruction differs from one without: it changes ", actual("nothing")}));
  }
  return out;
}

}  // namespace detail

}  // namespace v0
}  // namespace steer
