// steer/io/glp.ipp: the bodies of glp.hpp.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <utility>

#include "steer/core/real.hpp"
#include "steer/io/bytes.hpp"
#include "steer/io/gguf.hpp"
#include "steer/io/glp.hpp"
#include "steer/io/glp_format.hpp"
#include "steer/io/glp_read.hpp"
#include "steer/io/glp_write.hpp"
#include "steer/io/write_file.hpp"
#include "steer/recipe/edit.hpp"

namespace steer {
inline namespace v0 {

STEER_BODY glp load_glp(const std::filesystem::path& path) { return detail::glp_reader(gguf_file(path)).read(); }

STEER_BODY glp parse_glp(std::span<const std::byte> bytes, std::string name) {
  return detail::glp_reader(gguf_file(bytes, std::move(name))).read();
}

STEER_BODY std::string glp_bytes(const glp& file) { return detail::glp_writer(file).bytes(); }

STEER_BODY void save_glp(const glp& file, const std::filesystem::path& path) {
  write_file(path, {detail::bytes_of(glp_bytes(file))}, "gguf");
}

}  // namespace v0
}  // namespace steer
