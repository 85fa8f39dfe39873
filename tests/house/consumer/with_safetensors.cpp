// The same stranger, with a component.

#include <steer/io/safetensors.hpp>
#include <steer/steer.hpp>

#include <cstdio>

int main() { std::puts("safetensors"); }
