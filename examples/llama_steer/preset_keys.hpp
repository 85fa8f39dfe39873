// llama_steer/preset_keys.hpp: keys, and signatures of files, which minisign reads and writes, too.
#pragma once

#include <sodium.h>
#include <unistd.h>

#include <cstddef>
#include <filesystem>
#include <ostream>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "llama_steer/audit.hpp"
#include "llama_steer/printable.hpp"
#include "llama_steer/secret_file.hpp"
#include "steer/guard/policy_file.hpp"
#include "steer/guard/signature.hpp"
#include "steer/guard/signed_file.hpp"
#include "steer/io/mapped_file.hpp"
#include "steer/io/preset_file.hpp"
#include "steer/io/sha256.hpp"
#include "steer/io/write_file.hpp"

namespace llama_steer {

/// Options of `preset keys`.
struct keys_options {
  std::filesystem::path out = {};  ///< without ending
};

/// Options of `preset sign`.
struct sign_options {
  std::vector<std::filesystem::path> files = {};
  std::filesystem::path key = {};
  std::filesystem::path password = {};  ///< a file; empty: the key is not encrypted
  std::string comment = {};             ///< empty: a preset's reference and digest
  trail_options trail = {};
};

/// Options of `preset verify`.
struct verify_options {
  std::vector<std::filesystem::path> files = {};
  std::vector<std::filesystem::path> trusted = {};
  std::filesystem::path policy = {};  ///< instead: whose keys are trusted
  trail_options trail = {};
};

/// The key of a public key's file, as policies list it.
/// @throws steer::file_error if it cannot be read; as `steer::parse_public_key`
inline std::string trusted_key(const std::filesystem::path& file) {
  const steer::mapped_file read(file);
  const std::string_view written(reinterpret_cast<const char*>(read.bytes().data()), read.bytes().size());
  return to_string(steer::parse_public_key(written, "--trust: file " + file.string()));
}

namespace detail {

inline std::filesystem::path with_ending(std::filesystem::path name, const char* ending) {
  name += ending;
  return name;
}

/// @throws as `steer::parse_secret_key`; steer::argument_error for a password that the key does not need
inline steer::secret_key read_key(const sign_options& o) {
  const secret_text written(o.key);
  const std::string who = "key: file " + o.key.string();
  if (o.password.empty()) {
    return steer::parse_secret_key(written.text(), {}, who);
  }
  try {
    static_cast<void>(steer::parse_secret_key(written.text(), {}, who));
  } catch (const steer::argument_error&) {  // it is encrypted
    const secret_text password(o.password);
    return steer::parse_secret_key(written.text(), password.first_line(), who);
  }
  throw steer::argument_error(steer::text({"--password-file has no effect: file ", o.key.string(), " is ", steer::actual("not encrypted")}));
}

/// What is to be written beside a file.
struct signing {
  std::filesystem::path file;
  std::string subject;
  std::string digest;  ///< of the file's bytes
  std::string signature;
};

inline signing sign(const std::filesystem::path& file, const sign_options& o, const steer::secret_key& key) {
  const steer::mapped_file content(file);
  signing out{file, file.string(), steer::sha256_hex(content.bytes()), {}};
  std::string comment = o.comment;
  try {
    const steer::preset signed_preset = steer::parse_preset(content.bytes(), file.string());
    out.subject = reference_of(signed_preset);
    comment = comment.empty() ? std::string(steer::text({out.subject, " ", content_digest(signed_preset)})) : comment;
  } catch (const steer::format_error& problem) {
    if (comment.empty()) {
      throw steer::argument_error(steer::text({"sign: file ", file.string(), " is ", steer::actual("no preset"), " (", std::string_view(problem.what()),
                                               "); expected ", steer::expected("--comment"), " to say what is signed"}));
    }
  }
  out.signature = steer::signature_of(content.bytes(), key, comment);
  return out;
}

}  // namespace detail

/// Makes a pair of keys.
/// @throws steer::file_error if one of both files is there already, or cannot be written: then there is none of them
inline void make_keys(const keys_options& o, std::ostream& out) {
  const std::filesystem::path secret = detail::with_ending(o.out, ".key");
  const std::filesystem::path open = detail::with_ending(o.out, ".pub");
  for (const std::filesystem::path& each : {secret, open}) {
    if (std::filesystem::symlink_status(each).type() != std::filesystem::file_type::not_found) {
      throw steer::file_error(steer::text({steer::thing({"key: file ", each.string()}), " is ", steer::actual("there already"), "; expected ",
                                           steer::expected("a new name"), ": a key that is overwritten is lost"}));
    }
  }
  const steer::secret_key key = steer::make_secret_key();
  std::string text = secret_key_file(key);
  try {
    write_secret(secret, text);
  } catch (...) {
    sodium_memzero(text.data(), text.size());
    throw;
  }
  sodium_memzero(text.data(), text.size());
  try {
    steer::write_file(open, {std::as_bytes(std::span<const char>(public_key_file(key.open())))}, "key");
  } catch (...) {
    ::unlink(secret.c_str());
    throw;
  }
  out << steer::text({"wrote ", secret.string(), ", not encrypted: whoever reads it can sign\nwrote ", open.string(), ": key ", id_of(key.open()), "\n"});
}

/// Signs files, all of them or none.
/// @throws steer::argument_error for a file that is no preset where no comment says what it is; what readers and writers throw
inline void sign(const sign_options& o, std::ostream& out) {
  const steer::secret_key key = detail::read_key(o);
  std::vector<detail::signing> all;
  for (const std::filesystem::path& file : o.files) {
    const std::filesystem::path beside = steer::signature_path(file);
    std::vector<std::filesystem::path> others = o.files;
    others.insert(others.end(), {o.key, o.password, o.trail.audit});
    for (const std::filesystem::path& each : others) {
      std::error_code none_there;
      if (std::filesystem::equivalent(beside, each, none_there)) {
        throw steer::argument_error(steer::text({"sign: file ", beside.string(), " would overwrite ", steer::actual("one of the files that are named"),
                                                 "; expected ", steer::expected("another file")}));
      }
    }
    steer::require_writable(beside, "signature");
    all.push_back(detail::sign(file, o, key));
  }
  const trail written(o.trail);
  for (const detail::signing& each : all) {
    written.write("signed", each.subject, each.digest);
    steer::write_file(steer::signature_path(each.file), {std::as_bytes(std::span(each.signature))}, "signature");
    out << steer::text({"wrote ", steer::signature_path(each.file).string(), ": ", each.subject, " by key ", id_of(key.open()), "\n"});
  }
}

/// The keys that options trust.
/// @throws steer::argument_error if there are none; what readers of files throw
inline std::set<std::string> trusted_keys(const verify_options& o) {
  std::set<std::string> out;
  for (const std::filesystem::path& each : o.trusted) {
    out.insert(trusted_key(each));
  }
  if (o.policy.empty() && out.empty()) {
    throw steer::argument_error(steer::text({"verify: trusts ", steer::actual("nobody"), "; expected ", steer::expected("--trust or --policy")}));
  }
  if (!o.policy.empty()) {
    const steer::policy_document policy = steer::load_policy(o.policy);
    if (!policy.rules.trusted_keys) {
      throw steer::argument_error(steer::text({"verify: policy \"", policy.rules.name, "\" asks for ", steer::actual("no signature"), "; expected ",
                                               steer::expected("--trust")}));
    }
    out = *policy.rules.trusted_keys;
  }
  return out;
}

/// Says of each file who signed it.
/// @return whether all are signed by a key that is trusted
inline bool verify(const verify_options& o, std::ostream& out) {
  const std::set<std::string> keys = trusted_keys(o);
  const trail written(o.trail);
  bool all = true;
  for (const std::filesystem::path& file : o.files) {
    std::string digest;
    std::string signer;
    std::string refusal;
    try {
      const steer::mapped_file content(file);
      digest = steer::sha256_hex(content.bytes());
      signer = steer::verify_signed_file(content.bytes(), file, keys);
    } catch (const steer::error& problem) {
      refusal = problem.what();
    }
    const bool verified = refusal.empty();
    all = all && verified;
    written.write(verified ? "verified" : "refused", file.string(), digest, refusal);
    out << steer::text({printable(file.string()), verified ? ": signed by " : ": refused\n  ", printable(verified ? signer : refusal), "\n"});
  }
  return all;
}

}  // namespace llama_steer
