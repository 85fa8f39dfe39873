// llama_steer/serve/connection.hpp: how much a client may say, how long it may take to, and how many there are at once.
#pragma once

#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <functional>
#include <semaphore>
#include <string>
#include <utility>

#include <httplib.h>

namespace llama_steer::serve {

struct connection_limits {
  std::size_t bytes = std::size_t{1} << 20U;  ///< of a request: its head, its body, and what says where pieces of that end
  std::chrono::seconds patience{30};          ///< for all of a request
  std::chrono::seconds silence{10};           ///< before each piece of it, and for each piece of the answer to be taken
  std::size_t connections = 32;               ///< at once; others wait, unread, where the kernel keeps them
};

/// A client's socket, which reads as if the client had hung up once it has said too much or taken too long.
class bounded_stream final : public httplib::Stream {
 public:
  /// @param socket  open; whoever opened it closes it
  bounded_stream(socket_t socket, const connection_limits& limits)
      : socket_(socket), silence_(limits.silence), left_(limits.bytes), deadline_(std::chrono::steady_clock::now() + limits.patience) {}

  using httplib::Stream::write;

  [[nodiscard]] bool is_readable() const override { return at_ < filled_ || is_ready(POLLIN, std::chrono::milliseconds(0)); }
  [[nodiscard]] bool is_writable() const override { return !has_hung_up() && is_ready(POLLOUT, silence_); }

  ssize_t read(char* to, std::size_t size) override {
    if (at_ == filled_) {
      const auto rest = std::chrono::ceil<std::chrono::milliseconds>(deadline_ - std::chrono::steady_clock::now());
      if (left_ == 0 || rest.count() <= 0 || !is_ready(POLLIN, std::min<std::chrono::milliseconds>(silence_, rest))) {
        return -1;
      }
      const ssize_t got = ::recv(socket_, buffer_.data(), std::min(buffer_.size(), left_), MSG_DONTWAIT);
      if (got <= 0) {
        return got;
      }
      at_ = 0;
      filled_ = static_cast<std::size_t>(got);
      left_ -= filled_;
    }
    const std::size_t out = std::min(size, filled_ - at_);
    std::copy_n(buffer_.data() + at_, out, to);
    at_ += out;
    return static_cast<ssize_t>(out);
  }

  ssize_t write(const char* from, std::size_t size) override {
    std::size_t done = 0;
    while (done < size) {
      if (!is_ready(POLLOUT, silence_)) {
        return -1;
      }
      const ssize_t sent = ::send(socket_, from + done, size - done, MSG_NOSIGNAL | MSG_DONTWAIT);
      if (sent >= 0) {
        done += static_cast<std::size_t>(sent);
      } else if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) {
        return -1;
      }
    }
    return static_cast<ssize_t>(size);
  }

  void get_remote_ip_and_port(std::string& ip, int& port) const override { name(::getpeername, ip, port); }
  void get_local_ip_and_port(std::string& ip, int& port) const override { name(::getsockname, ip, port); }
  [[nodiscard]] socket_t socket() const override { return socket_; }

 private:
  [[nodiscard]] bool is_ready(short what, std::chrono::milliseconds patience) const {
    const auto until = std::chrono::steady_clock::now() + patience;
    for (;;) {
      pollfd asked{socket_, what, 0};
      const auto rest = std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
      const int found = ::poll(&asked, 1, static_cast<int>(std::max<std::chrono::milliseconds::rep>(rest.count(), 0)));
      if (found >= 0 || errno != EINTR) {
        return found > 0;
      }
    }
  }
  [[nodiscard]] bool has_hung_up() const {
    char one = 0;
    const ssize_t got = ::recv(socket_, &one, 1, MSG_PEEK | MSG_DONTWAIT);
    return got == 0 || (got < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
  }

  template <class Ask>
  void name(Ask ask, std::string& ip, int& port) const {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    std::array<char, NI_MAXHOST> host{};
    std::array<char, NI_MAXSERV> service{};
    auto* const known = reinterpret_cast<sockaddr*>(&address);
    if (ask(socket_, known, &size) == 0 &&
        ::getnameinfo(known, size, host.data(), host.size(), service.data(), service.size(), NI_NUMERICHOST | NI_NUMERICSERV) == 0) {
      ip = host.data();
      port = std::atoi(service.data());
    }
  }

  socket_t socket_;
  std::chrono::milliseconds silence_;
  std::size_t left_;
  std::chrono::steady_clock::time_point deadline_;
  std::array<char, 4096> buffer_{};  // what was received and not read yet
  std::size_t at_ = 0;
  std::size_t filled_ = 0;
};

/// cpp-httplib with these limits, which it has not itself: a line of a head is bounded there, how many there are is not, nor how many
/// connections wait. One request a connection: what is left of a body that was refused unread would be taken for the next request, and a page
/// of another site could so say what it may not (request smuggling).
class bounded_server final : public httplib::Server {
 public:
  explicit bounded_server(connection_limits limits) : limits_(limits) {
    new_task_queue = [count = limits.connections] { return new bounded_pool(count); };
  }

  /// Of a server that is bound: as many connections as the kernel allows may wait. cpp-httplib says five; then clients that come together are
  /// turned away without a word.
  void let_wait() { ::listen(svr_sock_, SOMAXCONN); }

 private:
  /// A thread a connection. Who has no room for another connection accepts none.
  class bounded_pool final : public httplib::TaskQueue {
   public:
    explicit bounded_pool(std::size_t threads) : free_(static_cast<std::ptrdiff_t>(threads)), pool_(threads) {}
    void enqueue(std::function<void()> serve) override {
      free_.acquire();
      pool_.enqueue([this, serve = std::move(serve)] {
        serve();
        free_.release();
      });
    }
    void shutdown() override { pool_.shutdown(); }

   private:
    std::counting_semaphore<> free_;
    httplib::ThreadPool pool_;
  };

  bool process_and_close_socket(socket_t socket) override {
    bounded_stream client(socket, limits_);
    bool is_closed = false;
    const bool out = process_request(client, true, is_closed, nullptr);
    ::shutdown(socket, SHUT_RDWR);
    ::close(socket);
    return out;
  }

  const connection_limits limits_;
};

}  // namespace llama_steer::serve
