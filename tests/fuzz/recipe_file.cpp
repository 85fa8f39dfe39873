// Recipes: what is accepted is written and read again, and equal.
#include "steer/io/recipe_file.hpp"
#include "fuzz/fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return fuzz::run([&] { return steer::parse_recipe(fuzz::bytes(data, size), "fuzz"); },
                   [](const steer::documented_recipe& recipe) {
                     const std::string written = steer::recipe_bytes(recipe);
                     fuzz::require(recipe == steer::parse_recipe(fuzz::bytes(written), "again"));
                     fuzz::require(written == steer::recipe_bytes(steer::parse_recipe(fuzz::bytes(written), "again")));
                   });
}
