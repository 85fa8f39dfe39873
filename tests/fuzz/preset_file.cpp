// Presets: what is accepted is written and read again, and equal; and it is a recipe's file, too.
#include "steer/io/preset_file.hpp"
#include "fuzz/fuzz.hpp"
#include "steer/io/recipe_file.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return fuzz::run([&] { return steer::parse_preset(fuzz::bytes(data, size), "fuzz"); },
                   [&](const steer::preset& preset) {
                     const std::string written = steer::preset_bytes(preset);
                     const steer::preset again = steer::parse_preset(fuzz::bytes(written), "again");
                     fuzz::require(preset == again);
                     fuzz::require(written == steer::preset_bytes(again));
                     fuzz::require(preset.content == steer::parse_recipe(fuzz::bytes(data, size), "as a recipe"));
                     fuzz::require(steer::parse_preset_reference(steer::reference_of(preset)) ==
                                   steer::preset_reference{preset.name, preset.version});
                   });
}
