// Interference reports: what is accepted is written and read again, and equal.
#include "steer/io/interference_json.hpp"
#include "fuzz/fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  return fuzz::run([&] { return steer::parse_interference_json(text); },
                   [](const steer::interference_report& report) {
                     fuzz::require(report == steer::parse_interference_json(steer::to_json(report)));
                   });
}
