// Control vectors, as every producer: whatever is accepted is a sound vector.
#include "steer/io/control_vector.hpp"
#include "fuzz/fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  for (std::size_t producer = 0; producer < steer::control_vector_producer_count; ++producer) {
    fuzz::run(
        [&] {
          return steer::parse_control_vector(fuzz::bytes(data, size), "fuzz",
                                             static_cast<steer::control_vector_producer>(producer));
        },
        [](const steer::steering_vector& v) { fuzz::require(v.point == steer::point::residual_out && v.width() > 0); });
  }
  return 0;
}
