// steer/io/glp_read.hpp: how a GLP file is read; the entry is steer/io/glp.hpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
#include <vector>
#include <Eigen/Core>

#include "steer/core/linkage.hpp"
#include "steer/io/gguf.hpp"
#include "steer/io/glp_format.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

class glp_reader {
 public:
  STEER_API explicit glp_reader(gguf_file file);

  STEER_API glp read();

 private:
  STEER_API [[noreturn]] void fail(std::initializer_list<text_part> parts) const;

  STEER_API [[nodiscard]] std::string text_or(std::string_view key, std::string_view otherwise) const;

  STEER_API [[nodiscard]] std::int64_t whole_or(std::string_view key, std::int64_t otherwise) const;

  STEER_API void check_keys() const;

  STEER_API void read_tensors();

  STEER_API void read_doses();

  STEER_API void check_basis() const;

  STEER_API void read_direction_scales();

  STEER_API void read_layer_scales();

  STEER_API void check_layer_list() const;

  STEER_API void check_digest() const;

  STEER_API [[nodiscard]] point hook_point() const;

  STEER_API [[nodiscard]] float dose_of(int layer, std::size_t j) const;

  STEER_API void make_edits(glp& out);

  gguf_file file_;
  std::string who_;
  bool projects_ = false;
  std::size_t rank_ = 1;
  double alpha_ = 1.0;
  std::vector<double> direction_scales_;
  std::map<int, double> layer_scales_;
  std::map<int, std::map<int, Eigen::VectorXf>> layers_;  // layer, then j
};

}  // namespace detail
}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/io/glp_read.ipp"
#endif
