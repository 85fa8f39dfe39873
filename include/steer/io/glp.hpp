// steer/io/glp.hpp: GLP (GGUF Layer Projection), versions 1 and 2: vectors that say what is done with them.
//
// The container and tensor names of a control vector, with the operation, the point and the dose in `glp.*` keys.
#pragma once

#include <filesystem>
#include <span>
#include <string>

#include "steer/core/linkage.hpp"
#include "steer/io/glp_format.hpp"

namespace steer {
inline namespace v0 {

/// Reads a GLP file as the edits that it describes, each bound to its operation:
///
///     for (const steer::edit& e : steer::load_glp("terse.gguf").edits) { recipe.append(e); }
///
///     project: h' = h - sum_j alpha_j d_j (d_j . h)       add: h' = h + sum_j alpha_j d_j
///     alpha_j = glp.alpha_default * glp.dir_scales[j] * glp.layer_scales[layer]
///
/// An `ablate_edit` divides by the norm, so that rows that are not quite unit need no change here. Rank k is k edits,
/// which do not disturb each other because the file's directions are orthonormal; layers whose alpha differs are edits
/// of their own.
///
/// @throws file_error if the file cannot be read; format_error naming the file and the field for an unknown mode, version,
///         hook point or key, for tensors that are no directions, miss, are zero or not finite, for a basis that is not
///         orthonormal, and where layer list or digest contradict the tensors
/// @source msuiche/weightless spec/GLP.md; deviations: a key `glp.*` that the specification does not name is refused, and a
///         file without a hook point is read only where it adds
STEER_API glp load_glp(const std::filesystem::path& path);

/// The same from a file's bytes; `name` stands for the file in messages.
STEER_API glp parse_glp(std::span<const std::byte> bytes, std::string name);

/// Edits as one GLP file's bytes; reading it back gives equal ones where they were split as `load_glp` splits them.
///
/// Directions keep their bits, except that those of a projection which are off unit length by more than 1e-3 are
/// normalised, as the format asks. Unless the file says just what llama.cpp would do with it, it holds a tensor of
/// another name besides, for which llama.cpp refuses the file; readers of GLP pass over it.
///
/// @throws format_error if the edits are no one operation with one concept at one point, carry what GLP cannot say (rows,
///         layer 0, a unit other than raw, doses that are no product over layers and directions), or are a basis that
///         is not orthonormal
STEER_API std::string glp_bytes(const glp& file);

/// Writes them, whole or not at all.
/// @throws what `glp_bytes` throws; file_error if the file cannot be written
STEER_API void save_glp(const glp& file, const std::filesystem::path& path);

}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/io/glp.ipp"
#endif
