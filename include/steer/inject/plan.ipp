// steer/inject/plan.ipp: the bodies of plan.hpp.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <Eigen/Core>

#include "steer/core/error.hpp"
#include "steer/inject/plan.hpp"
#include "steer/inject/program.hpp"

namespace steer {
inline namespace v0 {

template <kernel::row_scalar Scalar>
basic_plan<Scalar>::basic_plan(const recipe& source, const model_shape& shape, plan_options options) {
  for (const edit& e : source.edits()) {
    if (!e.where.rows.passages.empty()) {
      throw argument_error(text({to_string(e), ": its rows are in a passage between tokens, which a plan cannot remember; expected ",
                                 expected("a session")}));
    }
    if (e.where.gate.latched()) {
      throw argument_error(
          text({to_string(e), ": its gate latches on the prompt, which a plan cannot remember; expected ",
                expected("a session")}));
    }
  }
  program_ = std::make_shared<const detail::program<Scalar>>(source, shape, options);
}

template <kernel::row_scalar Scalar>
const model_shape& basic_plan<Scalar>::shape() const noexcept { return detail::shape_of(program_.get()); }

template <kernel::row_scalar Scalar>
bool basic_plan<Scalar>::empty() const noexcept { return program_ == nullptr || !program_->writes(); }

template <kernel::row_scalar Scalar>
steer::access basic_plan<Scalar>::access(site where) const noexcept {
  return program_ != nullptr && program_->access_at(where) == access::write ? access::write : access::none;
}

template <kernel::row_scalar Scalar>
void basic_plan<Scalar>::operator()(site where, rows<Scalar> activations) const noexcept {
  if (access(where) == access::none || !program_->fits(where, activations)) {
    return;
  }
  detail::no_observer nobody;
  program_->run(
      where, activations.count,
      [&](std::ptrdiff_t i) {
        return detail::row_job<Scalar>{activations.data + i * activations.stride, detail::facts_of(activations, i),
                                       nullptr, nullptr, 0};
      },
      nobody);
}

template <kernel::row_scalar Scalar>
std::span<const Scalar> basic_plan<Scalar>::constant_addition(site where) const noexcept {
  return program_ != nullptr ? program_->constant_addition(where) : std::span<const Scalar>();
}

template <kernel::row_scalar Scalar>
std::string basic_plan<Scalar>::explain() const { return program_ != nullptr ? program_->explain() : "nothing\n"; }

template <kernel::row_scalar Scalar>
std::uint64_t basic_plan<Scalar>::digest() const noexcept { return program_ != nullptr ? program_->digest_value() : 0; }

#ifdef STEER_COMPILED
template class basic_plan<float>;
template class basic_plan<double>;
template class basic_plan<Eigen::half>;
template class basic_plan<Eigen::bfloat16>;
#endif

}  // namespace v0
}  // namespace steer
