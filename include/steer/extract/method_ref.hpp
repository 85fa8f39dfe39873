// steer/extract/method_ref.hpp: a method without its type, so that what measures methods is compiled once.
#pragma once

#include <concepts>
#include <memory>
#include <string>
#include <type_traits>
#include <Eigen/Core>

#include "steer/core/matrix.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

/// A callable, two matrices [n, d] -> result, for the length of a call; with what it says of itself, if anything.
template <class Result>
class any_method_ref {
 public:
  template <class Method>
    requires(!std::same_as<std::remove_const_t<Method>, any_method_ref>)
  explicit any_method_ref(Method& method)
      : method_(std::addressof(method)),
        find_([](const void* which, const matrix<float>& positive, const matrix<float>& negative) {
          return Result((*static_cast<Method*>(const_cast<void*>(which)))(positive, negative));
        }) {
    if constexpr (requires { { method.name() } -> std::convertible_to<std::string>; }) {
      name_ = [](const void* which) -> std::string { return static_cast<const Method*>(which)->name(); };
    }
    if constexpr (requires { { method.least() } -> std::convertible_to<Eigen::Index>; }) {
      least_ = method.least();
    }
    if constexpr (requires { method.needs_pairs(); }) {
      needs_pairs_ = method.needs_pairs();
    }
  }

  [[nodiscard]] Result operator()(const matrix<float>& positive, const matrix<float>& negative) const {
    return find_(method_, positive, negative);
  }
  /// Empty where it does not say.
  [[nodiscard]] std::string name() const { return name_ != nullptr ? name_(method_) : std::string(); }
  /// How many texts a side it needs at least; 1 where it does not say.
  [[nodiscard]] Eigen::Index least() const noexcept { return least_; }
  /// False where it does not say.
  [[nodiscard]] bool needs_pairs() const noexcept { return needs_pairs_; }

 private:
  const void* method_;
  Result (*find_)(const void*, const matrix<float>&, const matrix<float>&);
  std::string (*name_)(const void*) = nullptr;
  Eigen::Index least_ = 1;
  bool needs_pairs_ = false;
};

using method_ref = any_method_ref<Eigen::VectorXd>;  ///< -> direction [d]

}  // namespace detail
}  // namespace v0
}  // namespace steer
