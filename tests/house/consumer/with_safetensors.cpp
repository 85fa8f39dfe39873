// The same stranger, with a component.

#include <steer/io/safetensors.hpp>
#include <steer/steer.hpp>

#include <cstdio>
#include <string>

int main() {
  try {
    const steer::safetensors_file file("no such file");
  } catch (const steer::file_error& refused) {
    std::puts(refused.what());
    return 0;
  }
  return 1;
}
