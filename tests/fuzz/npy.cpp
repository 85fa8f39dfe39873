// NumPy arrays: the data that is written is the data that was read. So are the vectors in them.
#include "steer/io/npy.hpp"

#include <algorithm>

#include "fuzz/fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto content = fuzz::bytes(data, size);
  return fuzz::run([&] { return steer::parse_npy(content, "fuzz"); },
                   [&](const steer::npy_array& array) {
                     const std::string written = steer::npy_bytes(array);
                     const steer::npy_array again = steer::parse_npy(fuzz::bytes(written), "again");
                     fuzz::require(again.shape == array.shape && again.values.index() == array.values.index());
                     fuzz::require(steer::npy_bytes(again) == written);  // NaN is not equal to itself, but its bits are
                     const std::string_view text(reinterpret_cast<const char*>(data), size);
                     if (text.find("<f2") == text.npos) {  // which is written as f4
                       const std::size_t length =
                           std::visit([](const auto& v) { return v.size() * sizeof(v[0]); }, array.values);
                       fuzz::require(std::ranges::equal(content.last(length), fuzz::bytes(written).last(length)));
                     }
                     const steer::npy_vector_options options{"fuzz", steer::point::mlp_out, 0};
                     if (const auto v = fuzz::accepted([&] { return steer::to_steering_vector(array, options, "fuzz"); })) {
                       check(*v);
                       fuzz::require(*v == steer::to_steering_vector(steer::to_npy(*v), options, "again"));
                     }
                   });
}
