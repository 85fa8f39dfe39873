// GLP files: whatever is accepted is a list of sound edits.
#include "steer/io/glp.hpp"
#include "fuzz/fuzz.hpp"
#include "steer/recipe/recipe.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return fuzz::run([&] { return steer::parse_glp(fuzz::bytes(data, size), "fuzz"); },
                   [](const steer::glp& file) {
                     fuzz::require(!file.edits.empty());
                     steer::recipe recipe;
                     for (const steer::edit& e : file.edits) {
                       recipe.append(e);
                     }
                   });
}
