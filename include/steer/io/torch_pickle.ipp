// steer/io/torch_pickle.ipp: the bodies of torch_pickle.hpp.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "steer/core/error.hpp"
#include "steer/core/real.hpp"
#include "steer/io/bytes.hpp"
#include "steer/io/torch_pickle.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

STEER_BODY std::string kind_text(torch_value::kind what) {
  constexpr std::array<std::string_view, 11> names{"nothing", "a truth value", "an integer", "a real number",
                                                   "a text",  "a tuple",       "a list",     "a dictionary",
                                                   "a name",  "a storage",     "a tensor"};
  return std::string(names[static_cast<std::size_t>(what)]);
}

/// The stack machine. A template, as all bodies here.
template <class Real>
class torch_unpickler {
 public:
  using kind = torch_value::kind;

  explicit torch_unpickler(byte_reader& in) : in_(in) { in_.enter("its pickle"); }

  torch_pickle operator()() {
    for (;;) {
      const auto instruction = in_.number<std::uint8_t>();
      switch (instruction) {
        case 0x80:  // the protocol
          if (const auto protocol = in_.number<std::uint8_t>(); protocol > 5) {
            in_.fail({"has a pickle of protocol ", actual(static_cast<int>(protocol)), "; expected ",
                      expected("at most 5")});
          }
          break;
        case 0x95: in_.take(8); break;  // a frame's length
        case '(': marks_.push_back(stack_.size()); break;
        case 'N': push({}); break;
        case 0x88: push({kind::boolean, 1}); break;
        case 0x89: push({kind::boolean, 0}); break;
        case 'J': push({kind::integer, in_.number<std::int32_t>()}); break;
        case 'K': push({kind::integer, in_.number<std::uint8_t>()}); break;
        case 'M': push({kind::integer, in_.number<std::uint16_t>()}); break;
        case 0x8A: push({kind::integer, long_integer()}); break;
        case 'G':
          in_.take(8);
          push({kind::real});
          break;
        case 'X': push_text(in_.string(in_.number<std::uint32_t>())); break;
        case 0x8C: push_text(in_.string(in_.number<std::uint8_t>())); break;
        case '}': push({kind::dictionary}); break;
        case ']': push({kind::list}); break;
        case ')': push({kind::tuple}); break;
        case 't': push_tuple(since_mark()); break;
        case 0x85: push_tuple(take(1)); break;
        case 0x86: push_tuple(take(2)); break;
        case 0x87: push_tuple(take(3)); break;
        case 'a': extend(kind::list, take(1)); break;
        case 'e': extend(kind::list, since_mark()); break;
        case 's': extend(kind::dictionary, take(2)); break;
        case 'u': extend(kind::dictionary, since_mark()); break;
        case 'q': memo_[in_.number<std::uint8_t>()] = top(); break;
        case 'r': memo_[in_.number<std::uint32_t>()] = top(); break;
        case 0x94: memo_[static_cast<std::uint32_t>(memo_.size())] = top(); break;
        case 'h': push_known(in_.number<std::uint8_t>()); break;
        case 'j': push_known(in_.number<std::uint32_t>()); break;
        case 'c': {
          const std::string module = line();
          push_global(module, line());
          break;
        }
        case 0x93: {
          const std::vector<std::size_t> names = take(2);
          push_global(text_at(names[0]), text_at(names[1]));
          break;
        }
        case 'Q': push_storage(take(1)[0]); break;
        case 'R': {
          const std::vector<std::size_t> call = take(2);
          reduce(call[0], call[1]);
          break;
        }
        case 'b': {  // attributes, such as a module's `_metadata`: nothing of ours is among them
          const std::vector<std::size_t> built = take(2);
          require(built[0], kind::dictionary);
          stack_.push_back(built[0]);
          break;
        }
        case '.': {
          const std::size_t root = take(1)[0];
          if (!stack_.empty() || !marks_.empty()) {
            in_.fail({"has a pickle that leaves more than one value"});
          }
          return {std::move(values_), root};
        }
        default:
          in_.fail({"has the pickle instruction ", actual(static_cast<int>(instruction)), " at byte ",
                    in_.position() - 1, ", which is not ", expected("one that tensors need"),
                    "; nothing of it was run"});
      }
    }
  }

 private:
  void push(torch_value value) {
    constexpr std::size_t most = 1'000'000;
    if (values_.size() == most) {
      in_.fail({"has a pickle of more than ", expected(most), " values"});
    }
    stack_.push_back(values_.size());
    values_.push_back(std::move(value));
  }
  void push_text(std::string text) { push({kind::text, 0, std::move(text)}); }
  void push_tuple(std::vector<std::size_t> items) { push({kind::tuple, 0, {}, std::move(items)}); }

  [[nodiscard]] std::size_t top() {
    if (stack_.empty() || (!marks_.empty() && marks_.back() == stack_.size())) {
      in_.fail({"has a pickle that takes from an empty stack"});
    }
    return stack_.back();
  }

  /// The last values, which leave the stack.
  std::vector<std::size_t> take(std::size_t count) {
    std::vector<std::size_t> out(count);
    for (std::size_t i = count; i-- > 0;) {
      out[i] = top();
      stack_.pop_back();
    }
    return out;
  }
  std::vector<std::size_t> since_mark() {
    if (marks_.empty()) {
      in_.fail({"has a pickle that goes back to a mark that is not there"});
    }
    const auto from = stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back());
    std::vector<std::size_t> out(from, stack_.end());
    stack_.erase(from, stack_.end());
    marks_.pop_back();
    return out;
  }

  void require(std::size_t place, kind what) {
    if (values_[place].what != what) {
      in_.fail(
          {"has a pickle with ", actual(kind_text(values_[place].what)), "; expected ", expected(kind_text(what))});
    }
  }
  const std::string& text_at(std::size_t place) {
    require(place, kind::text);
    return values_[place].text;
  }

  void extend(kind what, const std::vector<std::size_t>& more) {
    const std::size_t to = top();
    require(to, what);
    if (what == kind::dictionary && more.size() % 2 != 0) {
      in_.fail({"has a pickle with a key and no value"});
    }
    std::vector<std::size_t>& items = values_[to].items;
    items.insert(items.end(), more.begin(), more.end());
  }

  void push_known(std::uint32_t place) {
    const auto found = memo_.find(place);
    if (found == memo_.end()) {
      in_.fail({"has a pickle that asks for value ", actual(place), ", which it has not kept"});
    }
    stack_.push_back(found->second);
  }

  /// A little-endian integer of any length that 64 bits hold; the first thing in a legacy file takes ten bytes and says
  /// no more than that it is one.
  std::int64_t long_integer() {
    const auto size = in_.number<std::uint8_t>();
    const auto bytes = in_.take(size);
    std::uint64_t out = 0;
    const bool negative = size > 0 && (static_cast<unsigned>(bytes[size - 1U]) & 0x80U) != 0;
    if (size < sizeof out && negative) {
      out = ~std::uint64_t{0} << (8U * size);
    }
    for (std::size_t i = 0; i < std::min<std::size_t>(size, sizeof out); ++i) {
      out |= static_cast<std::uint64_t>(bytes[i]) << (8 * i);
    }
    return std::bit_cast<std::int64_t>(out);
  }

  std::string line() {
    std::string out;
    for (char c = in_.number<char>(); c != '\n'; c = in_.number<char>()) {
      out += c;
    }
    return out;
  }

  void push_global(const std::string& module, const std::string& name) {
    const std::string whole = module + "." + name;
    constexpr std::array<std::string_view, 13> known{"torch._utils._rebuild_tensor_v2",
                                                     "torch._utils._rebuild_parameter",
                                                     "collections.OrderedDict",
                                                     "torch.FloatStorage",
                                                     "torch.HalfStorage",
                                                     "torch.BFloat16Storage",
                                                     "torch.DoubleStorage",
                                                     "torch.LongStorage",
                                                     "torch.IntStorage",
                                                     "torch.ShortStorage",
                                                     "torch.CharStorage",
                                                     "torch.ByteStorage",
                                                     "torch.BoolStorage"};
    if (std::find(known.begin(), known.end(), whole) == known.end()) {
      in_.fail({"names ", actual(whole), ", which is not ", expected("one of the names that tensors need"),
                "; nothing of it was run"});
    }
    push({kind::global, 0, whole});
  }

  /// ('storage', type, key, device, length[, nothing])
  void push_storage(std::size_t id) {
    require(id, kind::tuple);
    const std::vector<std::size_t> parts = values_[id].items;
    if (parts.size() < 5 || parts.size() > 6 || text_at(parts[0]) != "storage") {
      in_.fail(
          {"has a pickle that refers to ", actual("something else"), "; expected ", expected("a tensor's storage")});
    }
    if (parts.size() == 6) {
      require(parts[5], kind::none);
    }
    require(parts[1], kind::global);
    require(parts[2], kind::text);
    require(parts[4], kind::integer);
    push({kind::storage, 0, {}, {parts[1], parts[2], parts[4]}});
  }

  void reduce(std::size_t what, std::size_t with) {
    require(what, kind::global);
    require(with, kind::tuple);
    const std::string& name = values_[what].text;
    const std::vector<std::size_t> arguments = values_[with].items;
    if (name == "collections.OrderedDict" && arguments.empty()) {
      push({kind::dictionary});
    } else if (name == "torch._utils._rebuild_parameter" && arguments.size() >= 2) {
      require(arguments[0], kind::tensor);
      stack_.push_back(arguments[0]);
    } else if (name == "torch._utils._rebuild_tensor_v2" && arguments.size() >= 6 && arguments.size() <= 7) {
      require(arguments[0], kind::storage);
      require(arguments[1], kind::integer);
      for (const std::size_t numbers : {arguments[2], arguments[3]}) {
        require(numbers, kind::tuple);
        if (constexpr std::size_t most = 8; values_[numbers].items.size() > most) {
          in_.fail({"has a tensor of ", actual(values_[numbers].items.size()), " dimensions; expected ",
                    expected({"at most ", most})});
        }
        for (const std::size_t number : std::vector<std::size_t>(values_[numbers].items)) {
          require(number, kind::integer);
        }
      }
      push({kind::tensor, values_[arguments[1]].integer, {}, {arguments[0], arguments[2], arguments[3]}});
    } else {
      in_.fail({"calls ", actual(name), " with ", arguments.size(), " arguments, which is not ",
                expected("how a tensor is built")});
    }
  }

  byte_reader& in_;
  std::vector<torch_value> values_;
  std::vector<std::size_t> stack_;
  std::vector<std::size_t> marks_;
  std::map<std::uint32_t, std::size_t> memo_;
};

STEER_BODY torch_pickle read_torch_pickle(byte_reader& in) { return torch_unpickler<Real>(in)(); }

}  // namespace detail
}  // namespace v0
}  // namespace steer
