// steer/inject/session.ipp: the bodies of session.hpp.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>
#include <Eigen/Core>

#include "steer/core/error.hpp"
#include "steer/inject/decide.hpp"
#include "steer/inject/program.hpp"
#include "steer/inject/session.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

/// Fills a ring buffer.
struct ring_observer {
  site where;
  observations& ring;

  void operator()(const node& n, const row_state& row, double share, bool changed) noexcept {
    if (!changed && ring.options().keep == keep::changes) {
      return;
    }
    const std::int32_t sequence = row.info != nullptr ? row.info->sequence : 0;
    const std::int32_t position = row.info != nullptr ? row.info->position : 0;
    const float norm =
        n.reads_norm ? static_cast<float>(std::sqrt(row.squares)) : std::numeric_limits<float>::quiet_NaN();
    for (std::size_t i = 0; i < n.edits.size(); ++i) {
      const std::vector<int>& seen = n.seen[i];
      auto [next, coordinates] = ring.push();
      next.site = where;
      next.sequence = sequence;
      next.position = position;
      next.edit = static_cast<std::uint32_t>(n.edits[i]);
      next.count = static_cast<std::uint32_t>(seen.size());
      next.share = static_cast<float>(share) * n.shares[i];
      next.norm = norm;
      next.changed = changed;
      for (std::size_t j = 0; j < std::min(seen.size(), coordinates.size()); ++j) {
        coordinates[j] = static_cast<float>(row.c[seen[j]]);
      }
    }
  }
};

}  // namespace detail

template <kernel::row_scalar Scalar>
basic_session<Scalar>::basic_session(const recipe& source, const model_shape& shape, session_options options,
              plan_options compiled)
    : basic_session(std::make_shared<const detail::program<Scalar>>(source, shape, compiled), options) {}

template <kernel::row_scalar Scalar>
basic_session<Scalar>::basic_session(const basic_plan<Scalar>& observed, session_options options)
    : basic_session(observed.compiled(), options) {}

template <kernel::row_scalar Scalar>
basic_session<Scalar>::basic_session(std::shared_ptr<const detail::program<Scalar>> compiled, session_options options)
    : program_(std::move(compiled)), sequences_(options.sequences) {
  if (sequences_ < 1) {
    throw argument_error(text({"session: has ", actual(sequences_), " sequences; expected ", expected("at least 1")}));
  }
  const std::ptrdiff_t latches = program_ != nullptr ? program_->latches() : 0;
  latches_.resize(static_cast<std::size_t>(sequences_) * static_cast<std::size_t>(latches));
}

template <kernel::row_scalar Scalar>
steer::access basic_session<Scalar>::access(site where) const noexcept {
  return program_ != nullptr ? program_->access_at(where) : access::none;
}

template <kernel::row_scalar Scalar>
void basic_session<Scalar>::operator()(site where, rows<Scalar> activations) noexcept {
  if (access(where) == access::none) {
    return;
  }
  if (!program_->fits(where, activations)) {
    refused_ += static_cast<std::size_t>(activations.count);
    return;
  }
  const auto job_of = [&](std::ptrdiff_t i) {
    const row_info* const info = detail::facts_of(activations, i);
    return detail::row_job<Scalar>{activations.data + i * activations.stride, info, nullptr, latches_of(info)};
  };
  if (ring_.buffer == nullptr) {
    detail::no_observer nobody;
    clamped_ += program_->run(where, activations.count, job_of, nobody);
  } else {
    detail::ring_observer watching{where, *ring_.buffer};
    clamped_ += program_->run(where, activations.count, job_of, watching);
  }
}

template <kernel::row_scalar Scalar>
void basic_session<Scalar>::reset(std::int32_t sequence) {
  const std::span<detail::latch_state> state = state_of(sequence);
  std::fill(state.begin(), state.end(), detail::latch_state{});
}

template <kernel::row_scalar Scalar>
void basic_session<Scalar>::fork(std::int32_t from, std::int32_t to) {
  const std::span<detail::latch_state> source = state_of(from);
  const std::span<detail::latch_state> target = state_of(to);
  std::copy(source.begin(), source.end(), target.begin());
}

template <kernel::row_scalar Scalar>
void basic_session<Scalar>::rewind(std::int32_t sequence, std::int32_t position) {
  for (detail::latch_state& latch : state_of(sequence)) {
    latch.forget_from(position);
  }
}

template <kernel::row_scalar Scalar>
void basic_session<Scalar>::shift(std::int32_t sequence, std::int32_t first, std::int32_t count) {
  const std::span<detail::latch_state> state = state_of(sequence);
  if (first < 0 || count < 0) {
    throw argument_error(
        text({"session: sequence ", sequence, " is shifted by ", actual({count, " rows from position ", first}),
              "; expected ", expected("numbers of at least 0")}));
  }
  for (detail::latch_state& latch : state) {
    latch.shift(first, count);
  }
}

template <kernel::row_scalar Scalar>
const model_shape& basic_session<Scalar>::shape() const noexcept { return detail::shape_of(program_.get()); }

template <kernel::row_scalar Scalar>
std::string basic_session<Scalar>::explain() const { return program_ != nullptr ? program_->explain() : "nothing\n"; }

template <kernel::row_scalar Scalar>
std::uint64_t basic_session<Scalar>::digest() const noexcept { return program_ != nullptr ? program_->digest_value() : 0; }

template <kernel::row_scalar Scalar>
detail::latch_state* basic_session<Scalar>::latches_of(const row_info* info) noexcept {
  if (latches_.empty()) {
    return nullptr;
  }
  if (info->sequence < 0 || info->sequence >= sequences_) {
    ++strangers_;
    return nullptr;
  }
  return latches_.data() + static_cast<std::size_t>(info->sequence) * latch_count();
}

template <kernel::row_scalar Scalar>
std::span<detail::latch_state> basic_session<Scalar>::state_of(std::int32_t sequence) {
  if (sequence < 0 || sequence >= sequences_) {
    throw argument_error(text({"session: sequence ", actual(sequence), " does not exist; it was made for ",
                               expected({"0 to ", sequences_ - 1})}));
  }
  return {latches_.data() + static_cast<std::size_t>(sequence) * latch_count(), latch_count()};
}

#ifdef STEER_COMPILED
template class basic_session<float>;
template class basic_session<double>;
template class basic_session<Eigen::half>;
template class basic_session<Eigen::bfloat16>;
#endif

}  // namespace v0
}  // namespace steer
