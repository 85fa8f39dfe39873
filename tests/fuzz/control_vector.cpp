// Control vectors, as every producer: what is accepted is written as llama.cpp applies it, and reads back equal.
#include "steer/io/control_vector.hpp"
#include "fuzz/fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (!fuzz::accepted([&] { return steer::gguf_file(fuzz::bytes(data, size), "fuzz"); })) {
    return 0;  // most inputs: no need to meet six producers
  }
  for (std::size_t producer = 0; producer < steer::control_vector_producer_count; ++producer) {
    fuzz::run(
        [&] {
          return steer::parse_control_vector(fuzz::bytes(data, size), "fuzz",
                                             static_cast<steer::control_vector_producer>(producer));
        },
        [](const steer::steering_vector& v) {
          fuzz::require(v.width() > 0);
          const auto written = fuzz::accepted([&] { return steer::control_vector_bytes(v); });
          // EasySteer's may be of another point, which the format cannot hold; nor can it hold layer 0.
          fuzz::require(written.has_value() == (v.point == steer::point::residual_out && !v.directions.contains(0)));
          if (written) {
            fuzz::require(v == steer::parse_control_vector(fuzz::bytes(*written), "again",
                                                           steer::control_vector_producer::as_applied));
          }
        });
  }
  return 0;
}
