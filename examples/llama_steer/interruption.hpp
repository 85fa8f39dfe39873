// llama_steer/interruption.hpp: Ctrl-C ends what is under way, not the program.
#pragma once

#include <csignal>

namespace llama_steer {

/// While it lives, an interrupt is noted and does nothing else. One at a time.
class interruption {
 public:
  interruption() noexcept {
    pressed_ = 0;
    before_ = std::signal(SIGINT, &note);
    if (before_ == SIG_IGN) {
      std::signal(SIGINT, SIG_IGN);  // as whoever started the program wants it
    }
  }
  ~interruption() {
    if (before_ != SIG_ERR) {
      std::signal(SIGINT, before_);
    }
  }
  interruption(const interruption&) = delete;
  interruption& operator=(const interruption&) = delete;

  [[nodiscard]] static bool came() noexcept { return pressed_ != 0; }

 private:
  static void note(int) noexcept { pressed_ = 1; }

  static inline volatile std::sig_atomic_t pressed_ = 0;
  void (*before_)(int) = SIG_ERR;
};

}  // namespace llama_steer
