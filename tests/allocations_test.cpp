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
thread_local std::optional<std::size_t> until_failure;

/// Counts one, and says whether it is to fail.
bool fails(std::size_t bytes) noexcept {
  ++allocation_count;
  byte_count += bytes;
  if (!until_failure) {
    return false;
  }
  if (*until_failure > 0) {
    --*until_failure;
    return false;
  }
  until_failure.reset();
  return true;
}
}  // namespace

// The executable's malloc is the one that every library calls, operator new included; glibc keeps its own under __libc_.
extern "C" {
void* __libc_malloc(std::size_t size) noexcept;
void* __libc_calloc(std::size_t count, std::size_t size) noexcept;
void* __libc_realloc(void* block, std::size_t size) noexcept;
void* __libc_memalign(std::size_t alignment, std::size_t size) noexcept;

void* malloc(std::size_t size) noexcept {
  return fails(size) ? nullptr : __libc_malloc(size);
}
void* calloc(std::size_t count, std::size_t size) noexcept {
  return fails(count * size) ? nullptr : __libc_calloc(count, size);
}
void* realloc(void* block, std::size_t size) noexcept {
  return fails(size) ? nullptr : __libc_realloc(block, size);
}
void* aligned_alloc(std::size_t alignment, std::size_t size) noexcept {
  return fails(size) ? nullptr : __libc_memalign(alignment, size);
}
int posix_memalign(void** block, std::size_t alignment, std::size_t size) noexcept {
  *block = fails(size) ? nullptr : __libc_memalign(alignment, size);
  return *block == nullptr ? ENOMEM : 0;
}
}

std::optional<std::size_t> steer_test::allocations() noexcept { return allocation_count; }
std::optional<std::size_t> steer_test::allocated_bytes() noexcept { return byte_count; }
void steer_test::fail_allocation(std::optional<std::size_t> n) noexcept { until_failure = n; }

#else

std::optional<std::size_t> steer_test::allocations() noexcept { return std::nullopt; }
std::optional<std::size_t> steer_test::allocated_bytes() noexcept { return std::nullopt; }
void steer_test::fail_allocation(std::optional<std::size_t>) noexcept {}

#endif

namespace {

using steer_test::allocations_of;

TEST(allocations, fail_when_asked_to) {
  STEER_NEED_ALLOCATION_COUNTS();
  steer_test::fail_allocation(1);
  ::operator delete(::operator new(10));
  EXPECT_THROW(::operator delete(::operator new(10)), std::bad_alloc);
  ::operator delete(::operator new(10));
  steer_test::fail_allocation(0);
  EXPECT_THROW(Eigen::VectorXd::Ones(100).eval(), std::bad_alloc);
  steer_test::fail_allocation(std::nullopt);
}

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
