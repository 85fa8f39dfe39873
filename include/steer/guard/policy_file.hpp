// steer/guard/policy_file.hpp: a policy as a JSON file. Opt-in: component `safetensors`.
//
// Every rule is there, also one that allows everything ("any"): what was forgotten is no permission. Protected subspaces are spanned by
// steering vectors in files beside it, which are named with their SHA-256.
#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "steer/core/linkage.hpp"
#include "steer/core/model_shape.hpp"
#include "steer/guard/policy.hpp"
#include "steer/vector/steering_vector.hpp"

namespace steer {
inline namespace v0 {

/// A policy with the model that it is for, so that recipes can be held against it where that model is not.
struct policy_document {
  policy rules = {};
  model_shape model = {};
  /// For each protected subspace, by name: its files and their SHA-256, in hexadecimal digits.
  std::map<std::string, std::map<std::string, std::string>> files = {};
};

/// The file's text. The bases of subspaces are not in it: they are what the files hold.
/// @throws as `check`; argument_error for a subspace without files, files without a subspace, a file that is not beside the policy, a rule
///         of fingerprints without the model's own, sizes of a model that are negative or above a million; format_error if a text is no UTF-8
STEER_API std::string policy_json(const policy_document& p);

/// Writes it, whole or not at all.
/// @throws what `policy_json` throws; file_error if it cannot be written
STEER_API void save(const policy_document& p, const std::filesystem::path& path);

/// Reads a policy, and the files beside it that it names.
///
/// @throws file_error if one of them cannot be read; format_error naming the file and the field for a missing or unknown key, one that
///         stands twice, a value without meaning, a file with another digest, or vectors that are no
///         subspace or of another model
STEER_API policy_document load_policy(const std::filesystem::path& path);

/// The same from a file's bytes; `name` stands for the file in messages, and what it names is looked for in `folder`.
STEER_API policy_document parse_policy(std::span<const std::byte> bytes, const std::string& name, const std::filesystem::path& folder);

/// Whether a vector can be of the model that a policy is for, or of a sibling that it accepts.
/// @throws shape_error for another width or a layer or point that the model does not have; argument_error for another fingerprint;
///         `who` names the vector
STEER_API void require_same_model(const steering_vector& v, const policy_document& p, const std::string& who);

/// The subspace that steering vectors span, at each layer that all of them have.
/// @param settings  its name, limits and mode
/// @throws argument_error if there are none, their points differ or they share no layer; shape_error if widths differ; numeric_error for
///         vectors that are nearly dependent
STEER_API protected_subspace subspace_of(const std::vector<steering_vector>& vectors, protected_subspace settings);

}  // namespace v0
}  // namespace steer

#ifndef STEER_COMPILED
#include "steer/guard/policy_file.ipp"
#endif
