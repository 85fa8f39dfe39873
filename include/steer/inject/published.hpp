// steer/inject/published.hpp: a value that many threads read while others replace it.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <thread>
#include <type_traits>
#include <utility>

namespace steer {
inline namespace v0 {
namespace detail {

/// Readers never wait, lock or allocate; a value lives until its last reader has left, and a writer frees it.
///
/// One word holds the place of the current value and counts the readers that came to it, so that a reader learns both and
/// is counted in one step. Each place counts the readers that left; where the counts are equal, nobody is inside.
/// @cost  two atomic additions for each reading; a writer waits only where readers still hold all older values
template <class Value>
class published {
 public:
  explicit published(Value first) { places_[0].value = std::make_unique<const Value>(std::move(first)); }

  published(const published&) = delete;
  published& operator=(const published&) = delete;

  /// Calls use(value) with a value that stays valid and unchanged meanwhile.
  template <class Use>
  decltype(auto) read(Use&& use) const noexcept(std::is_nothrow_invocable_v<Use, const Value&>) {
    const std::uint64_t seen = current_.fetch_add(1, std::memory_order_acquire);
    const place& here = places_[seen >> place_shift];
    struct leave {
      const place& from;
      ~leave() { from.left.fetch_add(1, std::memory_order_release); }
    } const leave{here};
    return std::forward<Use>(use)(*here.value);
  }

  /// Readers that come after this see the new value.
  void replace(Value next) {
    auto made = std::make_unique<const Value>(std::move(next));
    const std::lock_guard lock(writers_);
    std::size_t free = free_place();
    while (free == places_.size()) {
      std::this_thread::yield();
      free = free_place();
    }
    place& target = places_[free];
    target.value = std::move(made);
    target.left.store(0, std::memory_order_relaxed);
    const std::uint64_t old = current_.exchange(std::uint64_t{free} << place_shift, std::memory_order_acq_rel);
    places_[old >> place_shift].came = old & (~std::uint64_t{0} >> (64 - place_shift));
    (void)free_place();  // what nobody reads any more goes now
  }

 private:
  static constexpr int place_shift = 48;  // 2^48 readings between two replacements

  struct place {
    std::unique_ptr<const Value> value;
    std::uint64_t came = 0;                       // known once the value is replaced
    mutable std::atomic<std::uint64_t> left{0};
  };

  /// A place that nobody reads, emptied; the number of places if there is none.
  std::size_t free_place() {
    const std::uint64_t now = current_.load(std::memory_order_relaxed) >> place_shift;
    std::size_t found = places_.size();
    for (std::size_t i = 0; i < places_.size(); ++i) {
      place& here = places_[i];
      if (i != now && (here.value == nullptr || here.left.load(std::memory_order_acquire) == here.came)) {
        here.value.reset();
        found = i;
      }
    }
    return found;
  }

  std::array<place, 8> places_;
  mutable std::atomic<std::uint64_t> current_{0};
  std::mutex writers_;
};

}  // namespace detail
}  // namespace v0
}  // namespace steer
