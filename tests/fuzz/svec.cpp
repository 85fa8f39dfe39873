// .svec files, of which nothing is written: what is accepted is a sound vector at residual_out.
#include "steer/io/svec.hpp"

#include "fuzz/fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return fuzz::run([&] { return steer::parse_svec(fuzz::bytes(data, size), "fuzz"); },
                   [](const steer::steering_vector& v) {
                     check(v);
                     fuzz::require(v.point == steer::point::residual_out && !v.directions.empty());
                   });
}
