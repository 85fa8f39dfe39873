// steer/serve/preset_library.ipp: the bodies of preset_library.hpp.
#pragma once

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <filesystem>
#include <limits>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "steer/core/error.hpp"
#include "steer/core/real.hpp"
#include "steer/guard/admit.hpp"
#include "steer/guard/dosed_recipe.hpp"
#include "steer/guard/expected_shifts.hpp"
#include "steer/guard/written_cosines.hpp"
#include "steer/inject/plan_options.hpp"
#include "steer/inject/published.hpp"
#include "steer/io/bytes.hpp"
#include "steer/io/mapped_file.hpp"
#include "steer/io/preset_file.hpp"
#include "steer/io/sha256.hpp"
#include "steer/serve/audit_trail.hpp"
#include "steer/serve/preset_library.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

/// A number as the shortest text that reads back as it.
inline std::string exact_text(double number) {
  std::array<char, 32> written{};
  const auto [end, failure] = std::to_chars(written.data(), written.data() + written.size(), number);
  return {written.data(), end};
}

/// A preset that was accepted.
struct accepted_preset {
  preset_listing about;
  std::shared_ptr<const preset> content;
  std::shared_ptr<const steering> alone;  ///< its plan
};

/// A preset, and how much of it.
struct dosed_preset {
  accepted_preset what;
  double dose = 1.0;
  std::optional<steer::phase> phase = std::nullopt;
};

using shared_steering = std::shared_ptr<const steering>;
using accepted_presets = std::map<std::pair<std::string, int>, accepted_preset>;

}  // namespace detail

struct preset_library::state {
  const policy rules;
  const model_shape model;
  const library_options options;
  std::mutex changing = {};  ///< one change at a time, its line in the audit trail with it
  std::deque<detail::shared_steering> before = {};  ///< what was active, the last one at the end
  mutable std::mutex reading = {};  ///< of what follows, for moments only
  detail::accepted_presets loaded = {};
  std::list<std::pair<std::string, detail::shared_steering>> asked = {};  ///< the latest first
  detail::published<detail::shared_steering> active{std::make_shared<const steering>()};

  void write_down(const std::string& who, const char* what, const std::string& subject, const std::string& digest, const std::string& why = {}) const {
    if (options.audit != nullptr) {
      options.audit->append({.who = who, .what = what, .subject = subject, .digest = digest, .why = why});
    }
  }
};

namespace detail {

template <class Real>
const accepted_preset& find_preset(const accepted_presets& loaded, std::string_view written) {
  const preset_reference wanted = parse_preset_reference(written);
  auto found = loaded.end();
  if (wanted.version != 0) {
    found = loaded.find({wanted.name, wanted.version});
  } else if (auto after = loaded.upper_bound({wanted.name, std::numeric_limits<int>::max()}); after != loaded.begin()) {
    --after;
    found = after->first.first == wanted.name ? after : loaded.end();
  }
  if (found == loaded.end()) {
    std::string known;
    for (const auto& [key, each] : loaded) {
      known += (known.empty() ? "" : ", ") + each.about.reference;
    }
    throw argument_error(text({thing({"preset \"", written, "\""}), " is ", actual("not there"), "; expected ",
                               expected(known.empty() ? std::string("one that was loaded, and none was") : std::string(text({"one of ", known})))}));
  }
  return found->second;
}

/// By readout, what all parts together are expected to do, as far as every one's response knows it.
template <class Real>
std::map<std::string, estimate> expected_of(const std::vector<dosed_recipe>& stack) {
  std::map<std::string, estimate> out;
  for (std::size_t i = 0; i < stack.size(); ++i) {
    std::map<std::string, estimate> here = expected_shifts(stack[i]);
    if (i == 0) {
      out = std::move(here);
      continue;
    }
    std::erase_if(out, [&here](const auto& each) { return !here.contains(each.first); });
    for (auto& [readout, sum] : out) {
      const estimate& one = here.at(readout);
      sum = {sum.value + one.value, std::hypot(sum.error, one.error)};
    }
  }
  return out;
}

/// What says what acts: digests and doses, a line each.
template <class Real>
std::string said_of(const std::vector<dosed_preset>& parts) {
  std::string out;
  for (const dosed_preset& part : parts) {
    out += text({part.what.about.reference, " ", part.what.about.digest, " "}) + exact_text(part.dose);
    out += text({part.phase ? " " : "", part.phase ? to_string(*part.phase) : std::string_view(), "\n"});
  }
  return out;
}

/// The recipe with its rows in one phase; what acts in the other one only is left out.
template <class Real>
documented_recipe in_phase(const documented_recipe& from, phase only) {
  documented_recipe out{.fitted = from.fitted};  // the response was measured on all rows
  for (const edit& e : from.recipe.edits()) {
    if (!e.where.rows.phase || *e.where.rows.phase == only) {
      edit limited = e;
      limited.where.rows.phase = only;
      out.recipe.append(std::move(limited));
    }
  }
  return out;
}

/// What acts when these act together.
/// @throws policy_error, naming `who`; as `basic_plan`
template <class Real>
shared_steering compile_presets(const policy& rules, const model_shape& model, const std::vector<dosed_preset>& parts, std::string base,
                                const std::string& who) {
  auto out = std::make_shared<steering>();
  out->base = std::move(base);
  std::vector<dosed_recipe> stack;
  std::list<documented_recipe> limited;  // of parts in one phase
  for (const dosed_preset& part : parts) {
    const preset_listing& about = part.what.about;
    const documented_recipe& whole = part.what.content->content;
    stack.push_back({about.reference, part.phase ? &limited.emplace_back(in_phase<Real>(whole, *part.phase)) : &whole, part.dose});
    out->doses.emplace_back(about.reference, part.dose);
    if (part.dose < about.least_dose || part.dose > about.most_dose) {
      out->warnings.push_back(text({about.reference, ": nobody has looked at a dose of ", part.dose, ", only from ", about.least_dose, " to ",
                                    about.most_dose}));
    }
  }
  admission given = examine(rules, stack, model);
  require_granted(given, who);
  if (parts.size() == 1 && parts.front().dose == 1.0 && !parts.front().phase) {
    out->digest = parts.front().what.about.digest;
  } else {
    const std::string said = said_of<Real>(parts);
    out->digest = sha256_hex(bytes_of(said));
  }
  out->plan = steer::plan(given.recipe, model, {.models = rules.fingerprints ? model_check::any : model_check::same_fingerprint});
  const std::vector<edit>& edits = given.recipe.edits();
  out->by_prompt_length = std::any_of(edits.begin(), edits.end(), [](const edit& e) { return e.where.rows.by_prompt_length(); });
  out->taken_out = std::move(given.taken_out);
  out->layer_doses = std::move(given.layer_doses);
  out->expected = expected_of<Real>(stack);
  return out;
}

/// What the file says, checked in every way; nothing of the library changes.
/// @throws what is wrong with it
template <class Real>
accepted_preset read_preset_file(const policy& rules, const model_shape& model, const signature_check& verify, std::span<const std::byte> bytes,
                                 const std::filesystem::path& file) {
  accepted_preset out;
  if (rules.trusted_keys) {  // before anything of it is looked at
    out.about.signer = verify(bytes, file, *rules.trusted_keys);
  }
  out.content = std::make_shared<const preset>(parse_preset(bytes, file.string()));
  const preset& p = *out.content;
  out.about.reference = reference_of(p);
  out.about.digest = content_digest(p);
  out.about.least_dose = p.least_dose;
  out.about.most_dose = p.most_dose;
  if (const std::optional<violation> old = age_of(rules, p)) {
    throw policy_error(out.about.reference, {*old});
  }
  out.alone = compile_presets<Real>(rules, model, {{out, 1.0}}, out.about.reference, out.about.reference);
  return out;
}

inline constexpr std::size_t most_preset_bytes = std::size_t{256} << 20U;

/// The bytes themselves: a large file that is only mapped could be changed between its check and its use.
inline std::vector<std::byte> copy_of_file(const std::filesystem::path& file) {
  const mapped_file mapped(file);
  if (mapped.bytes().size() > most_preset_bytes) {
    throw format_error(text({"preset: file ", file.string(), " has ", actual(mapped.bytes().size()), " bytes; expected ",
                             expected({"at most ", most_preset_bytes})}));
  }
  return {mapped.bytes().begin(), mapped.bytes().end()};
}

}  // namespace detail

STEER_BODY preset_library::preset_library(policy rules, model_shape model, library_options options) {
  check(rules);
  if (rules.trusted_keys && !options.verify) {
    throw argument_error(text({"preset library: policy \"", rules.name, "\" asks for signatures, and ", actual("nobody verifies them"), "; expected ",
                               expected("library_options::verify, such as signatures_beside_files")}));
  }
  state_.reset(new state{std::move(rules), std::move(model), std::move(options)});
}

STEER_CHEAP_BODY preset_library::~preset_library() = default;

STEER_CHEAP_BODY const policy& preset_library::rules() const noexcept { return state_->rules; }
STEER_CHEAP_BODY const model_shape& preset_library::model() const noexcept { return state_->model; }

STEER_BODY loaded_preset preset_library::load_file(const std::filesystem::path& file, const std::string& who) {
  state& s = *state_;
  const std::lock_guard lock(s.changing);
  loaded_preset out{.file = file};
  std::string digest;
  std::optional<detail::accepted_preset> read;
  try {
    const std::vector<std::byte> bytes = detail::copy_of_file(file);
    digest = sha256_hex(bytes);
    read = detail::read_preset_file<Real>(s.rules, s.model, s.options.verify, bytes, file);
    const std::pair key{read->content->name, read->content->version};
    if (const auto there = s.loaded.find(key); there != s.loaded.end() && there->second.about.digest != read->about.digest) {
      throw policy_error(read->about.reference,
                         {{policy_rule::version, text({"it was loaded before with the digest ", expected(there->second.about.digest), "; this file has ",
                                                       actual(read->about.digest), ": a change needs another version"})}});
    }
  } catch (const policy_error& problem) {
    out.refused = problem.what();
    out.violations = problem.violations();
  } catch (const std::exception& problem) {
    out.refused = problem.what();
  }
  if (!out.refused.empty()) {
    s.write_down(who, "refused", file.string(), digest, out.refused);
    return out;
  }
  out.accepted = read->about;
  out.taken_out = read->alone->taken_out;
  s.write_down(who, s.options.loading.c_str(), read->about.reference, read->about.digest);
  const std::pair key{read->content->name, read->content->version};
  const std::lock_guard moment(s.reading);
  s.loaded.emplace(key, std::move(*read));
  return out;
}

STEER_BODY std::vector<loaded_preset> preset_library::load(const std::filesystem::path& folder, const std::string& who) {
  std::vector<std::filesystem::path> files;
  try {
    for (const std::filesystem::directory_entry& each : std::filesystem::directory_iterator(folder)) {
      if (each.path().extension() == ".safetensors") {
        files.push_back(each.path());
      }
    }
  } catch (const std::filesystem::filesystem_error& problem) {
    throw file_error(text({"preset library: folder ", folder.string(), " cannot be read: ", problem.code().message()}));
  }
  std::sort(files.begin(), files.end());
  std::vector<loaded_preset> out;
  for (const std::filesystem::path& file : files) {
    out.push_back(load_file(file, who));
  }
  return out;
}

STEER_BODY std::vector<preset_listing> preset_library::presets() const {
  const std::lock_guard moment(state_->reading);
  std::vector<preset_listing> out;
  for (const auto& [key, each] : state_->loaded) {
    out.push_back(each.about);
  }
  return out;
}

STEER_BODY std::shared_ptr<const preset> preset_library::content(std::string_view reference) const {
  const std::lock_guard moment(state_->reading);
  return detail::find_preset<Real>(state_->loaded, reference).content;
}

STEER_BODY preset_likeness preset_library::likeness() const {
  std::vector<std::shared_ptr<const preset>> newest;
  {
    const std::lock_guard moment(state_->reading);
    for (const auto& [key, each] : state_->loaded) {  // by name, then version
      if (!newest.empty() && newest.back()->name == key.first) {
        newest.pop_back();
      }
      newest.push_back(each.content);
    }
  }
  preset_likeness out;
  std::vector<dosed_recipe> recipes;
  for (const auto& each : newest) {
    out.names.push_back(each->name);
    recipes.push_back({each->name, &each->content});
  }
  out.cosines = written_cosines(recipes, state_->model);
  return out;
}

STEER_BODY std::shared_ptr<const steering> preset_library::active() const {
  return state_->active.read([](const detail::shared_steering& current) { return current; });
}

namespace detail {

template <class Real>
void change_to(shared_steering next, std::deque<shared_steering>& before, published<shared_steering>& active) {
  constexpr std::size_t most_changes = 32;
  before.push_back(active.read([](const shared_steering& current) { return current; }));
  if (before.size() > most_changes) {
    before.pop_front();
  }
  active.replace(std::move(next));
}

}  // namespace detail

STEER_BODY void preset_library::activate(std::string_view reference, const std::string& who) {
  state& s = *state_;
  const std::lock_guard lock(s.changing);  // what is loaded changes under it only
  const detail::accepted_preset& wanted = detail::find_preset<Real>(s.loaded, reference);
  s.write_down(who, "activated", wanted.about.reference, wanted.about.digest);
  detail::change_to<Real>(wanted.alone, s.before, s.active);
}

STEER_BODY void preset_library::deactivate(const std::string& who) {
  state& s = *state_;
  const std::lock_guard lock(s.changing);
  s.write_down(who, "deactivated", active()->base, {});
  detail::change_to<Real>(std::make_shared<const steering>(), s.before, s.active);
}

STEER_BODY void preset_library::roll_back(const std::string& who) {
  state& s = *state_;
  const std::lock_guard lock(s.changing);
  if (s.before.empty()) {
    throw argument_error(text({"preset library: there is ", actual("nothing to roll back to"), "; expected ", expected("a change before")}));
  }
  s.write_down(who, "rolled_back", s.before.back()->base, s.before.back()->digest);
  s.active.replace(s.before.back());
  s.before.pop_back();
}

STEER_BODY std::shared_ptr<const steering> preset_library::steering_for(const steering_request& asked, const std::string& who) const {
  const state& s = *state_;
  const detail::shared_steering now = active();
  const bool on_top = asked.on == steering_request::base::on_top;
  std::vector<violation> violations;
  if (!on_top && s.rules.base == policy::base_preset::always) {
    violations.push_back({policy_rule::base, text({"it asks to do without the operator's preset, which policy \"", s.rules.name, "\" does not allow"})});
  }
  std::vector<detail::dosed_preset> parts;
  {
    const std::lock_guard moment(s.reading);
    if (on_top && !now->base.empty()) {
      parts.push_back({detail::find_preset<Real>(s.loaded, now->base), 1.0});
    }
    std::set<std::string> seen;
    for (const auto& [reference, dose] : asked.doses) {
      const detail::accepted_preset& wanted = detail::find_preset<Real>(s.loaded, reference);
      if (!std::isfinite(dose)) {
        throw numeric_error(text({"request: the dose of \"", reference, "\" is ", actual(dose), "; expected ", expected("a finite number")}));
      }
      if (!seen.insert(wanted.about.reference).second) {
        throw argument_error(text({"request: ", actual({"\"", wanted.about.reference, "\" twice"}), "; expected ", expected("one dose for each preset")}));
      }
      if (dose < s.rules.least_dose || dose > s.rules.most_dose) {
        violations.push_back({policy_rule::dose, text({"it asks for ", actual(dose), " of ", reference, "; policy \"", s.rules.name, "\" allows ",
                                                       expected({s.rules.least_dose, " to ", s.rules.most_dose})}),
                              std::nullopt, dose, dose > s.rules.most_dose ? s.rules.most_dose : s.rules.least_dose});
      }
      if (!parts.empty() && parts.front().what.about.reference == wanted.about.reference && on_top && wanted.about.reference == now->base && !asked.phase) {
        parts.front().dose += dose;
      } else if (dose != 0.0) {
        parts.push_back({wanted, dose, asked.phase});
      }
    }
  }
  const std::string said = now->base + "\n" + detail::said_of<Real>(parts);
  const std::string base = on_top ? now->base : std::string();
  try {
    if (!violations.empty()) {
      throw policy_error("request", std::move(violations));
    }
    if (parts.empty()) {
      return std::make_shared<const steering>();
    }
    if (on_top && parts.size() == 1 && parts.front().what.about.reference == now->base && parts.front().dose == 1.0) {
      return now;
    }
    {
      const std::lock_guard moment(s.reading);
      for (auto each = state_->asked.begin(); each != state_->asked.end(); ++each) {
        if (each->first == said) {
          state_->asked.splice(state_->asked.begin(), state_->asked, each);
          return state_->asked.front().second;
        }
      }
    }
    detail::shared_steering made = detail::compile_presets<Real>(s.rules, s.model, parts, base, "request");
    constexpr std::size_t most_asked = 64;
    const std::lock_guard moment(s.reading);
    state_->asked.emplace_front(said, made);
    if (state_->asked.size() > most_asked) {
      state_->asked.pop_back();
    }
    return made;
  } catch (const policy_error& problem) {
    std::string subject;
    for (const auto& [reference, dose] : asked.doses) {
      subject += (subject.empty() ? "" : " + ") + detail::exact_text(dose) + " " + reference;
    }
    s.write_down(who, "refused", subject, {}, problem.what());
    throw;
  }
}

STEER_BODY routing_table table_of(std::span<const std::pair<std::int32_t, std::shared_ptr<const steering>>> sequences) {
  routing_table out;
  for (const auto& [sequence, steered_by] : sequences) {
    out.route(sequence, steered_by->plan);
  }
  return out;
}

}  // namespace v0
}  // namespace steer
