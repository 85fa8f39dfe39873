// steer/io/sha256.ipp: the bodies of sha256.hpp.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "steer/core/real.hpp"
#include "steer/io/sha256.hpp"

namespace steer {
inline namespace v0 {

STEER_BODY void sha256::update(std::span<const std::byte> bytes) noexcept {
  length_ += bytes.size();
  while (!bytes.empty()) {
    const std::size_t count = std::min(bytes.size(), block_.size() - filled_);
    std::copy_n(bytes.begin(), count, block_.begin() + static_cast<std::ptrdiff_t>(filled_));
    bytes = bytes.subspan(count);
    filled_ += count;
    if (filled_ == block_.size()) {
      compress();
      filled_ = 0;
    }
  }
}

STEER_BODY std::string sha256::hex() const {
  sha256 last = *this;
  last.finish();
  std::string out;
  for (const std::uint32_t word : last.state_) {
    for (int shift = 28; shift >= 0; shift -= 4) {
      out += "0123456789abcdef"[(word >> static_cast<unsigned>(shift)) & 0xFU];
    }
  }
  return out;
}

STEER_BODY void sha256::finish() noexcept {
  const std::uint64_t bits = length_ * 8;
  constexpr std::array<std::byte, 64> padding{std::byte{0x80}};
  const std::size_t room = filled_ < 56 ? 56 - filled_ : 120 - filled_;
  update(std::span(padding).first(room));
  std::array<std::byte, 8> tail{};
  for (std::size_t i = 0; i < tail.size(); ++i) {
    tail[i] = static_cast<std::byte>((bits >> (56 - 8 * i)) & 0xFFU);
  }
  update(tail);
}

STEER_BODY void sha256::compress() noexcept {
  std::array<std::uint32_t, 64> w{};
  for (std::size_t t = 0; t < 16; ++t) {
    for (std::size_t i = 0; i < 4; ++i) {
      w[t] = (w[t] << 8U) | std::to_integer<std::uint32_t>(block_[4 * t + i]);
    }
  }
  for (std::size_t t = 16; t < 64; ++t) {
    const std::uint32_t s0 = std::rotr(w[t - 15], 7) ^ std::rotr(w[t - 15], 18) ^ (w[t - 15] >> 3U);
    const std::uint32_t s1 = std::rotr(w[t - 2], 17) ^ std::rotr(w[t - 2], 19) ^ (w[t - 2] >> 10U);
    w[t] = w[t - 16] + s0 + w[t - 7] + s1;
  }
  auto [a, b, c, d, e, f, g, h] = state_;
  for (std::size_t t = 0; t < 64; ++t) {
    const std::uint32_t s1 = std::rotr(e, 6) ^ std::rotr(e, 11) ^ std::rotr(e, 25);
    const std::uint32_t t1 = h + s1 + ((e & f) ^ (~e & g)) + constants[t] + w[t];
    const std::uint32_t s0 = std::rotr(a, 2) ^ std::rotr(a, 13) ^ std::rotr(a, 22);
    const std::uint32_t t2 = s0 + ((a & b) ^ (a & c) ^ (b & c));
    h = g;
    g = f;
    f = e;
    e = d + t1;
    d = c;
    c = b;
    b = a;
    a = t1 + t2;
  }
  const std::array<std::uint32_t, 8> round{a, b, c, d, e, f, g, h};
  for (std::size_t i = 0; i < round.size(); ++i) {
    state_[i] += round[i];
  }
}

STEER_BODY std::string sha256_hex(std::span<const std::byte> bytes) {
  sha256 all;
  all.update(bytes);
  return all.hex();
}

}  // namespace v0
}  // namespace steer
