// steer/io/glp_write.hpp: how a GLP file is written; the entry is steer/io/glp.hpp.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "steer/core/linkage.hpp"
#include "steer/io/gguf_value.hpp"
#include "steer/io/glp_format.hpp"
#include "steer/recipe/edit.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

/// Shortest digits that read back as the same number.
STEER_API std::string exact_text(float number);

class glp_writer {
 public:
  STEER_API explicit glp_writer(const glp& file);

  STEER_API [[nodiscard]] std::string bytes() const;

 private:
  struct row {
    direction v;
    float dose;
  };

  [[nodiscard]] std::size_t rank() const { return layers_.begin()->second.size(); }

  STEER_API void collect(const edit& e);

  STEER_API static void check_basis(int layer, const std::vector<row>& rows);

  /// Splits the doses into a default and factors per direction or per layer, so that each product is exact.
  STEER_API void find_doses();

  /// Whether llama.cpp, which ignores every key, would do what the file says.
  STEER_API [[nodiscard]] bool is_control_vector() const;

  STEER_API [[nodiscard]] gguf_metadata keys(const std::string& digest, const std::string& listed) const;

  const glp& file_;
  bool projects_ = false;
  float alpha_ = 1.0F;
  std::string direction_scales_;
  std::string layer_scales_;
  std::map<int, std::vector<row>> layers_;
};

}  // namespace detail
}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/io/glp_write.ipp"
#endif
