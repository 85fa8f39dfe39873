// steer/inject/program.hpp: a recipe compiled for one model shape, before anything says whose rows it meets.
#pragma once

#include <algorithm>
#include <array>
#include <concepts>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <limits>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "steer/core/error.hpp"
#include "steer/core/hook.hpp"
#include "steer/core/model_shape.hpp"
#include "steer/core/real.hpp"
#include "steer/inject/compile.hpp"
#include "steer/inject/digest.hpp"
#include "steer/inject/explain.hpp"
#include "steer/inject/lone_edit.hpp"
#include "steer/inject/plan_options.hpp"
#include "steer/inject/resolve.hpp"
#include "steer/inject/run.hpp"
#include "steer/kernel/functions_for.hpp"
#include "steer/recipe/recipe.hpp"

namespace steer {
inline namespace v0 {

namespace detail {

/// @throws argument_error for a set that this machine cannot run
inline instruction_set runnable(instruction_set asked) {
  const std::span<const instruction_set> all = instruction_sets();
  if (std::find(all.begin(), all.end(), asked) == all.end()) {
    std::string names;
    for (const instruction_set set : all) {
      names += text({names.empty() ? "" : " or ", to_string(set)});
    }
    throw argument_error(text({"plan: this machine cannot run the instructions ", actual(to_string(asked)), "; expected ",
                               expected(names)}));
  }
  return asked;
}

/// Immutable; shared by plans, sessions and routes.
template <kernel::row_scalar Scalar>
class program {
 public:
  using Real = kernel::real_of<Scalar>;

  program(const recipe& source, const model_shape& shape, plan_options options)
      : shape_(shape),
        source_(dependent<Scalar>(source)),
        options_(options),
        loops_(kernel::functions_for<Scalar>(runnable(options.instructions))),
        wide_loops_(kernel::functions_for<Real>(options.instructions)) {
    resolver resolve(shape, options.models);
    for (const edit& e : source.edits()) {
      resolve.resolve(e);
    }
    latches_ = resolve.latches();
    passages_ = resolve.passages();
    if (!passages_.empty()) {
      const site first{0, point::residual_in};
      reads_tokens_at_ = shape.width_at(first.point) > 0 || resolve.found().empty() ? first : resolve.found().begin()->first;
    }
    const std::size_t count = static_cast<std::size_t>(std::max(shape.layers, 0)) * point_count;
    sites_.resize(count);
    accesses_.assign(count, access::none);
    lone_.resize(count);
    additions_.resize(count);
    widths_.assign(count, 0);
    dense_maps<Real> maps;
    for (const auto& [where, acts] : resolve.found()) {
      const std::size_t at = slot(where);
      sites_[at] = site_compiler<Real>(where, options.doses, maps).compile(resolve.terms_at(where));
      widths_[at] = shape.width_at(where.point);
      const site_program<Real>& here = sites_[at];
      if (is_narrow && !here.writes_once && widths_[at] > widened_numbers) {
        throw argument_error(text({"plan: layer ", at_layer(where.layer), " ", to_string(where.point),
                                   ": edits that write a row of 16 bits more than once take at most ",
                                   expected(widened_numbers), " columns; it has ", actual(widths_[at])}));
      }
      accesses_[at] = here.writes ? access::write : here.groups.empty() ? access::none : access::read;
      if (here.groups.size() == 1 && options.doses == doses_from::recipe) {
        lone_[at] = lone_edit_of(here.groups.front());
      }
      if (lone_[at].what == lone_edit<Real>::kind::addition && lone_[at].where.count == widths_[at]) {
        for (const Real number : std::span(lone_[at].written, static_cast<std::size_t>(widths_[at]))) {
          additions_[at].push_back(static_cast<Scalar>(number));
          if (!(std::abs(static_cast<Real>(additions_[at].back())) < std::numeric_limits<Real>::infinity())) {
            throw numeric_error(
                text({"plan: the addition at layer ", at_layer(where.layer), " ", to_string(where.point), " holds ",
                      actual(number), ", which the rows' 16 bits cannot"}));
          }
        }
      }
    }
    digest all;
    for (const edit& e : source.edits()) {
      all("edit", e);
    }
    all("name", std::string_view(shape.fingerprint));
    all("layers", shape.layers);
    all("width", shape.width);
    all("streams", shape.streams);
    all("heads", shape.heads);
    all("head width", shape.head_width);
    all("doses", options.doses);
    all("scalar", static_cast<int>(sizeof(Scalar)) + (std::same_as<Scalar, Eigen::bfloat16> ? 1 : 0));
    digest_ = all.value();
  }

  program(const program&) = delete;  // lone edits point into their groups
  program& operator=(const program&) = delete;

  [[nodiscard]] steer::access access_at(site where) const noexcept {
    const std::size_t at = slot(where);
    return at < accesses_.size() ? accesses_[at] : access::none;
  }
  /// Whether anything is written anywhere.
  [[nodiscard]] bool writes() const noexcept {
    return std::find(accesses_.begin(), accesses_.end(), access::write) != accesses_.end();
  }
  [[nodiscard]] std::span<const Scalar> constant_addition(site where) const noexcept {
    const std::size_t at = slot(where);
    return at < additions_.size() ? std::span<const Scalar>(additions_[at]) : std::span<const Scalar>();
  }
  [[nodiscard]] const recipe& source() const noexcept { return source_; }
  [[nodiscard]] const plan_options& options() const noexcept { return options_; }
  [[nodiscard]] const model_shape& shape() const noexcept { return shape_; }
  [[nodiscard]] std::ptrdiff_t latches() const noexcept { return latches_; }
  /// Which rows of the program's edits are in: all different.
  [[nodiscard]] const std::vector<passage>& passages() const noexcept { return passages_; }
  /// The first site of a pass at which every row is shown: there the tokens of sequences are read, if there are passages.
  [[nodiscard]] site reads_tokens_at() const noexcept { return reads_tokens_at_; }
  [[nodiscard]] std::uint64_t digest_value() const noexcept { return digest_; }

  /// Whether rows are what a host owes at a site that the program acts on; others must be left alone.
  [[nodiscard]] bool fits(site where, const rows<Scalar>& activations) const noexcept {
    const std::size_t at = slot(where);
    return activations.width == widths_[at] &&
           (sites_[at].every_row || std::ssize(activations.info) >= activations.count);
  }

  /// Runs a site, at which the program acts, over rows in blocks that stay in the cache.
  ///
  /// @param job_of   the i-th row and what belongs to it
  /// @param observe  see `block_run`
  /// @return how many numbers 16 bits could not hold; they are the largest finite ones now
  template <class JobOf, class Observer>
  std::size_t run(site where, std::ptrdiff_t count, JobOf job_of, Observer& observe) const noexcept {
    const std::size_t at = slot(where);
    if constexpr (std::same_as<Observer, no_observer>) {
      if (lone_[at].what != lone_edit<Real>::kind::none) {
        std::size_t clamped = 0;
        for (std::ptrdiff_t i = 0; i < count; ++i) {
          clamped += detail::apply(loops_, lone_[at], job_of(i).data, [](const double*, bool) {});
        }
        return clamped;
      }
    }
    if constexpr (is_narrow) {
      if (!sites_[at].writes_once) {
        return run_widened(at, count, job_of, observe);
      }
    }
    std::size_t clamped = 0;
    std::array<row_job<Scalar>, static_cast<std::size_t>(kernel::block_rows)> jobs;
    for (std::ptrdiff_t first = 0; first < count; first += kernel::block_rows) {
      const std::ptrdiff_t size = std::min(count - first, kernel::block_rows);
      for (std::ptrdiff_t i = 0; i < size; ++i) {
        jobs[static_cast<std::size_t>(i)] = job_of(first + i);
      }
      clamped += block_run<Scalar, Observer>(
          loops_, sites_[at], std::span<const row_job<Scalar>>(jobs.data(), static_cast<std::size_t>(size)), observe)();
    }
    return clamped;
  }

  [[nodiscard]] std::string explain() const {
    std::string out;
    for (std::size_t at = 0; at < sites_.size(); ++at) {
      if (!sites_[at].groups.empty()) {
        out += text({to_string(site{static_cast<int>(at / point_count), static_cast<point>(at % point_count)}), ":\n"});
        for (const group<Real>& g : sites_[at].groups) {
          out += detail::explain(g, source_, sizeof(Scalar), widths_[at]);
        }
      }
    }
    return out.empty() ? std::string("nothing\n") : text({out, "instructions: ", to_string(options_.instructions), "\n"});
  }

 private:
  static constexpr bool is_narrow = !std::same_as<Scalar, Real>;

  /// Rows of 16 bits that are written more than once, as floats in between.
  /// @cost  besides the run, the rows are read and written once; 130 KiB of stack more
  template <class JobOf, class Observer>
  std::size_t run_widened(std::size_t at, std::ptrdiff_t count, JobOf job_of, Observer& observe) const noexcept {
    const std::ptrdiff_t width = widths_[at];
    const std::ptrdiff_t at_once = std::clamp<std::ptrdiff_t>(widened_numbers / width, 1, kernel::block_rows);
    std::array<Real, static_cast<std::size_t>(widened_numbers)> numbers;
    std::array<Scalar*, static_cast<std::size_t>(kernel::block_rows)> narrow;
    std::array<row_job<Real>, static_cast<std::size_t>(kernel::block_rows)> jobs;
    const auto row_of = [&](std::size_t i) { return std::span<Scalar>(narrow[i], static_cast<std::size_t>(width)); };
    std::size_t clamped = 0;
    for (std::ptrdiff_t first = 0; first < count; first += at_once) {
      const auto size = static_cast<std::size_t>(std::min(count - first, at_once));
      for (std::size_t i = 0; i < size; ++i) {
        const row_job<Scalar> job = job_of(first + static_cast<std::ptrdiff_t>(i));
        narrow[i] = job.data;
        jobs[i] = {numbers.data() + static_cast<std::ptrdiff_t>(i) * width, job.info, job.doses, job.latches, job.passages};
        loops_.widen(row_of(i), jobs[i].data);
      }
      block_run<Real, Observer>(wide_loops_, sites_[at], std::span<const row_job<Real>>(jobs.data(), size), observe)();
      for (std::size_t i = 0; i < size; ++i) {
        clamped += loops_.narrow(jobs[i].data, row_of(i));
      }
    }
    return clamped;
  }

  [[nodiscard]] static std::size_t slot(site where) noexcept {
    const auto point = static_cast<std::size_t>(where.point);
    return point < point_count
               ? static_cast<std::size_t>(where.layer) * point_count + point  // a negative layer's is huge
               : static_cast<std::size_t>(-1);
  }

  model_shape shape_;
  recipe source_;
  plan_options options_;
  const kernel::functions<Scalar>& loops_;
  const kernel::functions<Real>& wide_loops_;  // for rows of 16 bits that are written more than once
  std::vector<site_program<Real>> sites_;  // [layers * point_count], as all that follow
  std::vector<access> accesses_;
  std::vector<lone_edit<Real>> lone_;  // where a site is no more than that
  std::vector<std::vector<Scalar>> additions_;
  std::vector<std::ptrdiff_t> widths_;
  std::ptrdiff_t latches_ = 0;
  std::vector<passage> passages_;
  site reads_tokens_at_;
  std::uint64_t digest_ = 0;
};

/// The shape that a program was compiled for; an empty one for none.
template <class Scalar>
const model_shape& shape_of(const program<Scalar>* compiled) noexcept {
  static const model_shape none;
  return compiled != nullptr ? compiled->shape() : none;
}

/// The facts of the i-th row, or null where the host's shape promises none.
template <class Scalar>
const row_info* facts_of(const rows<Scalar>& activations, std::ptrdiff_t i) noexcept {
  return activations.info.empty() ? nullptr : &activations.info_of(i);
}

}  // namespace detail
}  // namespace v0
}  // namespace steer
