// steer/io/steering_vector_fields.hpp: what a file keeps of a steering vector besides its numbers, under which names.
#pragma once

namespace steer {
inline namespace v0 {
namespace detail {

/// The optional numbers of a direction, under the names that the file uses.
template <class Direction, class Visit>
void visit_measurements(Direction& v, Visit visit) {
  visit("row_norm", v.row_norm);
  visit("spread", v.spread);
  visit("norm_ratio", v.evidence.norm_ratio);
  visit("auroc", v.evidence.auroc);
  visit("d_prime", v.evidence.d_prime);
  visit("split_half_cosine", v.evidence.split_half_cosine);
  visit("coherence", v.evidence.coherence);
  visit("explained_variance", v.evidence.explained_variance);
  visit("majority", v.evidence.majority);
  visit("split_half_low", v.evidence.split_half_low);
  visit("split_half_high", v.evidence.split_half_high);
  visit("copied", v.evidence.copied);
}

template <class Source, class Visit>
void visit_provenance(Source& source, Visit visit) {
  visit("model", source.model);
  visit("fingerprint", source.fingerprint);
  visit("method", source.method);
  visit("contrast", source.contrast);
  visit("tokens", source.tokens);
  visit("positives", source.positives);
  visit("negatives", source.negatives);
}

}  // namespace detail
}  // namespace v0
}  // namespace steer
