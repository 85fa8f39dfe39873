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
    const std::int32_t stream = row.info != nullptr ? row.info->stream : 0;
    const float norm =
        n.reads_norm ? static_cast<float>(std::sqrt(row.squares)) : std::numeric_limits<float>::quiet_NaN();
    for (std::size_t i = 0; i < n.edits.size(); ++i) {
      const std::vector<int>& seen = n.seen[i];
      auto [next, coordinates] = ring.push();
      next.site = where;
      next.sequence = sequence;
      next.position = position;
      next.stream = stream;
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
  if (program_ != nullptr) {
    const auto count = static_cast<std::size_t>(sequences_);
    latches_.resize(count * static_cast<std::size_t>(program_->latches()));
    passages_.resize(count * program_->passages().size());
  }
}

template <kernel::row_scalar Scalar>
steer::access basic_session<Scalar>::access(site where) const noexcept {
  const steer::access own = program_ != nullptr ? program_->access_at(where) : access::none;
  return own == access::none && !passages_.empty() && where == program_->reads_tokens_at() ? access::read : own;
}

template <kernel::row_scalar Scalar>
void basic_session<Scalar>::operator()(site where, rows<Scalar> activations) noexcept {
  if (access(where) == access::none) {
    return;
  }
  if (!passages_.empty() && where == program_->reads_tokens_at()) {
    read_tokens(activations.info);
    if (program_->access_at(where) == access::none) {
      return;
    }
  }
  if (!program_->fits(where, activations)) {
    refused_ += static_cast<std::size_t>(activations.count / program_->shape().streams_at(where.point));
    return;
  }
  const auto job = [&](std::ptrdiff_t i) { return job_of(activations, i); };
  if (ring_.buffer == nullptr) {
    detail::no_observer nobody;
    clamped_ += program_->run(where, activations.count, job, nobody);
  } else {
    detail::ring_observer watching{where, *ring_.buffer};
    clamped_ += program_->run(where, activations.count, job, watching);
  }
}

template <kernel::row_scalar Scalar>
void basic_session<Scalar>::reset() {
  std::fill(latches_.begin(), latches_.end(), detail::latch_state{});
  std::fill(passages_.begin(), passages_.end(), detail::passage_state{});
}

template <kernel::row_scalar Scalar>
void basic_session<Scalar>::reset(std::int32_t sequence) {
  require_known(sequence);
  std::ranges::fill(latches_of(sequence), detail::latch_state{});
  std::ranges::fill(passages_of(sequence), detail::passage_state{});
}

template <kernel::row_scalar Scalar>
void basic_session<Scalar>::fork(std::int32_t from, std::int32_t to) {
  require_known(from);
  require_known(to);
  std::ranges::copy(latches_of(from), latches_of(to).begin());
  std::ranges::copy(passages_of(from), passages_of(to).begin());
}

template <kernel::row_scalar Scalar>
void basic_session<Scalar>::rewind(std::int32_t sequence, std::int32_t position) {
  require_known(sequence);
  for (detail::latch_state& latch : latches_of(sequence)) {
    latch.forget_from(position);
  }
  for (detail::passage_state& passage : passages_of(sequence)) {
    passage.forget_from(position);
  }
}

template <kernel::row_scalar Scalar>
void basic_session<Scalar>::shift(std::int32_t sequence, std::int32_t first, std::int32_t count) {
  require_known(sequence);
  if (first < 0 || count < 0) {
    throw argument_error(
        text({"session: sequence ", sequence, " is shifted by ", actual({count, " rows from position ", first}),
              "; expected ", expected("numbers of at least 0")}));
  }
  for (detail::latch_state& latch : latches_of(sequence)) {
    latch.shift(first, count);
  }
  for (detail::passage_state& passage : passages_of(sequence)) {
    passage.shift(first, count);
  }
}

template <kernel::row_scalar Scalar>
const model_shape& basic_session<Scalar>::shape() const noexcept { return detail::shape_of(program_.get()); }

template <kernel::row_scalar Scalar>
std::string basic_session<Scalar>::explain() const { return program_ != nullptr ? program_->explain() : "nothing\n"; }

template <kernel::row_scalar Scalar>
std::uint64_t basic_session<Scalar>::digest() const noexcept { return program_ != nullptr ? program_->digest_value() : 0; }

template <kernel::row_scalar Scalar>
detail::row_job<Scalar> basic_session<Scalar>::job_of(const rows<Scalar>& activations, std::ptrdiff_t row) noexcept {
  const row_info* const info = detail::facts_of(activations, row);
  detail::row_job<Scalar> out{activations.data + row * activations.stride, info, nullptr, nullptr, 0};
  if (!has_state() || info == nullptr) {
    return out;
  }
  bool is_without = !is_known(info->sequence);
  if (!is_without) {
    out.latches = latches_of(info->sequence).data();
    const std::span<const detail::passage_state> states = passages_of(info->sequence);
    for (std::size_t i = 0; i < states.size(); ++i) {
      const detail::whereabouts found = states[i].at(program_->passages()[i], info->position);
      out.passages |= found == detail::whereabouts::inside ? std::uint64_t{1} << i : 0;
      is_without |= found == detail::whereabouts::unknown;
    }
  }
  strangers_ += is_without && info->stream == 0 ? 1 : 0;
  return out;
}

template <kernel::row_scalar Scalar>
void basic_session<Scalar>::read_tokens(std::span<const row_info> rows) noexcept {
  for (const row_info& row : rows) {
    if (!is_known(row.sequence) || row.stream != 0) {  // a token counts once
      continue;
    }
    const std::span<detail::passage_state> states = passages_of(row.sequence);
    for (std::size_t i = 0; i < states.size(); ++i) {
      states[i].see(program_->passages()[i], row.token, row.position);
    }
  }
}

template <kernel::row_scalar Scalar>
void basic_session<Scalar>::require_known(std::int32_t sequence) const {
  if (!is_known(sequence)) {
    throw argument_error(text({"session: sequence ", actual(sequence), " does not exist; it was made for ",
                               expected({"0 to ", sequences_ - 1})}));
  }
}

template <kernel::row_scalar Scalar>
std::span<detail::latch_state> basic_session<Scalar>::latches_of(std::int32_t sequence) noexcept {
  const std::size_t each = latches_.size() / static_cast<std::size_t>(sequences_);
  return {latches_.data() + static_cast<std::size_t>(sequence) * each, each};
}

template <kernel::row_scalar Scalar>
std::span<detail::passage_state> basic_session<Scalar>::passages_of(std::int32_t sequence) noexcept {
  const std::size_t each = passages_.size() / static_cast<std::size_t>(sequences_);
  return {passages_.data() + static_cast<std::size_t>(sequence) * each, each};
}

#ifdef STEER_COMPILED
template class basic_session<float>;
template class basic_session<double>;
template class basic_session<Eigen::half>;
template class basic_session<Eigen::bfloat16>;
#endif

}  // namespace v0
}  // namespace steer
