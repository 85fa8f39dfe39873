// transformer/batch.hpp: the rows of one forward pass, and the book of which sequence holds how many tokens.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "steer/core/error.hpp"
#include "steer/core/rows.hpp"

namespace reference {

/// What is wanted of a row beside its place in the cache.
enum class output : std::uint8_t { none, logits };

/// One token to decode. Its position is the next of its sequence.
struct row {
  std::int32_t token = 0;
  std::int32_t sequence = 0;
  steer::phase phase = steer::phase::prompt;
  std::int32_t prompt_length = 0;  ///< tokens of the whole prompt, also where the batch holds only a part of it
  output want = output::none;
};

/// Knows the length of every sequence and refuses a batch that cannot follow. Allocates when built, never again.
class ledger {
 public:
  struct limits {
    int vocabulary, context, sequences, max_rows;
  };

  explicit ledger(limits most)
      : limits_(most), lengths_(static_cast<std::size_t>(most.sequences), 0), next_(lengths_) {
    info_.reserve(static_cast<std::size_t>(most.max_rows));
  }

  /// @throws steer::argument_error if there is no such sequence
  [[nodiscard]] int length(int sequence) const {
    require_sequence(sequence);
    return lengths_[static_cast<std::size_t>(sequence)];
  }
  /// @throws steer::argument_error if there is no such sequence
  void clear(int sequence) {
    require_sequence(sequence);
    lengths_[static_cast<std::size_t>(sequence)] = 0;
  }

  /// Works out each row's position; the lengths stay as they are until `commit`.
  /// @throws steer::argument_error naming the row, the expected and the actual
  void admit(std::span<const row> batch) {
    using steer::text;
    if (batch.size() > static_cast<std::size_t>(limits_.max_rows)) {
      throw steer::argument_error(text({"decode: the batch has ", batch.size(), " rows, at most ", limits_.max_rows,
                                        " fit (decoder_options::max_rows)"}));
    }
    next_ = lengths_;
    info_.clear();
    for (const row& r : batch) {
      const auto who = [&] { return text({"decode: row ", info_.size(), ": "}); };
      require_token(r.token, who);
      if (r.sequence < 0 || r.sequence >= limits_.sequences) {
        throw steer::argument_error(
            text({who(), "sequence is ", r.sequence, ", expected 0 to ", limits_.sequences - 1}));
      }
      int& position = next_[static_cast<std::size_t>(r.sequence)];
      if (position >= limits_.context) {
        throw steer::argument_error(
            text({who(), "the context of sequence ", r.sequence, " is full, it holds ", limits_.context, " tokens"}));
      }
      if ((r.phase == steer::phase::prompt) != (position < r.prompt_length)) {
        throw steer::argument_error(
            text({who(), "position ", position, " of sequence ", r.sequence, " is called ", steer::to_string(r.phase),
                  ", but the prompt has ", r.prompt_length, " tokens"}));
      }
      info_.push_back({r.token, position, r.sequence, r.prompt_length, r.phase});
      ++position;
    }
  }

  /// @throws steer::argument_error unless the tokens can be the whole prompt of that sequence
  void require_prompt(int sequence, std::span<const std::int32_t> tokens) const {
    using steer::text;
    if (const int held = length(sequence); held != 0) {
      throw steer::argument_error(
          text({"prompt: sequence ", sequence, " holds ", held, " tokens, expected an empty one"}));
    }
    if (tokens.empty() || tokens.size() > static_cast<std::size_t>(limits_.context)) {
      throw steer::argument_error(
          text({"prompt: has ", tokens.size(), " tokens, expected 1 to ", limits_.context, ", the context"}));
    }
    for (std::size_t t = 0; t < tokens.size(); ++t) {
      require_token(tokens[t], [t] { return text({"prompt: position ", t, ": "}); });
    }
  }

  /// The rows of the admitted batch, as hooks see them.
  [[nodiscard]] std::span<const steer::row_info> info() const noexcept { return info_; }

  /// The admitted batch is in the cache now.
  void commit() noexcept { lengths_.swap(next_); }

 private:
  template <class Who>
  void require_token(std::int32_t token, const Who& who) const {
    if (token < 0 || token >= limits_.vocabulary) {
      throw steer::argument_error(steer::text({who(), "token is ", token, ", expected 0 to ", limits_.vocabulary - 1}));
    }
  }
  void require_sequence(int sequence) const {
    if (sequence < 0 || sequence >= limits_.sequences) {
      throw steer::argument_error(
          steer::text({"decoder: sequence is ", sequence, ", expected 0 to ", limits_.sequences - 1}));
    }
  }

  limits limits_;
  std::vector<int> lengths_;           // [S] tokens in the cache
  std::vector<int> next_;              // [S] the same after the admitted batch
  std::vector<steer::row_info> info_;  // [T]
};

}  // namespace reference
