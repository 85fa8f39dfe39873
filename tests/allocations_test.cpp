#include "allocations.hpp"

#include <gtest/gtest.h>

#include <Eigen/Core>
#include <cstddef>
#include <new>
#include <optional>

#if defined(__has_feature)
#define STEER_TEST_HAS_FEATURE(x) __has_feature(x)
#else
#define STEER_TEST_HAS_FEATURE(x) 0
#endif
#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) && \
    !STEER_TEST_HAS_FEATURE(address_sanitizer) && !STEER_TEST_HAS_FEATURE(thread_sanitizer) && \
    !STEER_TEST_HAS_FEATURE(memory_sanitizer)
#define STEER_TEST_COUNTS_ALLOCATIONS 1
#else
#define STEER_TEST_COUNTS_ALLOCATIONS 0
#endif

#if STEER_TEST_COUNTS_ALLOCATIONS

#include <cerrno>

namespace {
thread_local std::size_t allocation_count = 0;
thread_local std::size_t byte_count = 0;

void count(std::size_t bytes) noexcept {
  ++allocation_count;
  byte_count += bytes;
}
}

// The executable's malloc is the one that every library calls, operator new included; glibc keeps its own under __libc_.
extern "C" {
void* __libc_malloc(std::size_t size) noexcept;
void* __libc_calloc(std::size_t count, std::size_t size) noexcept;
void* __libc_realloc(void* block, std::size_t size) noexcept;
void* __libc_memalign(std::size_t alignment, std::size_t size) noexcept;

void* malloc(std::size_t size) noexcept {
  count(size);
  return __libc_malloc(size);
}
void* calloc(std::size_t number, std::size_t size) noexcept {
  count(number * size);
  return __libc_calloc(number, size);
}
void* realloc(void* block, std::size_t size) noexcept {
  count(size);
  return __libc_realloc(block, size);
}
void* aligned_alloc(std::size_t alignment, std::size_t size) noexcept {
  count(size);
  return __libc_memalign(alignment, size);
}
int posix_memalign(void** block, std::size_t alignment, std::size_t size) noexcept {
  count(size);
  *block = __libc_memalign(alignment, size);
  return *block == nullptr ? ENOMEM : 0;
}
}

std::optional<std::size_t> steer_test::allocations() noexcept { return allocation_count; }
std::optional<std::size_t> steer_test::allocated_bytes() noexcept { return byte_count; }

#else

std::optional<std::size_t> steer_test::allocations() noexcept { return std::nullopt; }
std::optional<std::size_t> steer_test::allocated_bytes() noexcept { return std::nullopt; }

#endif

namespace {

using steer_test::allocations_of;

TEST(allocations, are_counted) {
  STEER_NEED_ALLOCATION_COUNTS();
  EXPECT_EQ(allocations_of([] {}), 0U);
  EXPECT_EQ(allocations_of([] { ::operator delete(::operator new(10)); }), 1U);
  EXPECT_EQ(steer_test::allocated_bytes_of([] { ::operator delete(::operator new(10)); }), 10U);
  const Eigen::MatrixXf a = Eigen::MatrixXf::Ones(64, 320);
  const Eigen::MatrixXf b = Eigen::MatrixXf::Ones(500, 320);
  Eigen::MatrixXf c(64, 500);
  EXPECT_GE(allocations_of([&] { c.noalias() = a * b.transpose(); }), 1U) << "Eigen's product packs into the heap";
}

}  // namespace
