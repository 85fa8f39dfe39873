// transformer/model.hpp: a configuration with weights that fit it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "steer/core/model_shape.hpp"
#include "transformer/weights.hpp"

namespace reference {

/// A Llama model, with hyper-connections where it has several residual streams, immutable: any number of decoders on any number of threads may share one.
///
/// @throws steer::shape_error if the configuration has a fault or a tensor another shape, naming the tensor, expected
///         and actual; steer::numeric_error if a weight is NaN or infinite
/// @cost   two passes over the weights
class model {
 public:
  model(const config& sizes, weights numbers, std::string name)
      : config_(sizes), weights_(std::move(numbers)) {
    shape_.name = std::move(name);
    const std::string who = steer::text({"model \"", shape_.name, "\""});
    validate(config_, who);
    check(who);
    shape_.fingerprint = fingerprint();
    shape_.layers = config_.layers;
    shape_.width = config_.width;
    shape_.streams = config_.streams;
    shape_.head_width = config_.head_width;
    shape_.heads = config_.heads;
    for (const steer::point p : steer::all_points) {
      shape_.points.insert(p);
    }
    shape_.facts = {steer::row_fact::token, steer::row_fact::position, steer::row_fact::sequence,
                    steer::row_fact::phase, steer::row_fact::prompt_length};
  }

  [[nodiscard]] const config& sizes() const noexcept { return config_; }
  [[nodiscard]] const weights& parameters() const noexcept { return weights_; }
  [[nodiscard]] const steer::model_shape& shape() const noexcept { return shape_; }

  /// Maps the last residual to logits.
  /// @shape [V, d]
  [[nodiscard]] const matrix& head() const noexcept { return config_.tied ? weights_.embedding : weights_.head; }

 private:
  void check(const std::string& who) const {
    if (weights_.layers.size() != static_cast<std::size_t>(config_.layers)) {
      throw steer::shape_error(
          steer::text({who, " has weights of ", weights_.layers.size(), " layers, expected ", config_.layers}));
    }
    if (config_.tied && weights_.head.size() != 0) {
      throw steer::shape_error(steer::text({who, " is tied, so it has no lm_head.weight of its own; got one of [",
                                            weights_.head.rows(), ", ", weights_.head.cols(), "]"}));
    }
    for_each_tensor(config_, weights_, [&](const std::string& tensor, extent rows, extent cols, const auto& values) {
      if (values.rows() != rows || values.cols() != cols) {
        throw steer::shape_error(steer::text({who, ": tensor \"", tensor, "\" is [", values.rows(), ", ", values.cols(),
                                              "], expected [", rows, ", ", cols, "]"}));
      }
      if (!values.allFinite()) {
        throw steer::numeric_error(steer::text({who, ": tensor \"", tensor, "\" holds NaN or infinity"}));
      }
    });
  }

  /// FNV-1a, 64 bits, over the configuration and every weight as they lie in memory.
  [[nodiscard]] std::string fingerprint() const {
    std::uint64_t hash = 0xcbf29ce484222325U;
    const auto feed = [&hash](const void* data, std::size_t size) {
      const auto* bytes = static_cast<const unsigned char*>(data);
      for (std::size_t i = 0; i < size; ++i) {
        hash = (hash ^ bytes[i]) * 0x100000001b3U;
      }
    };
    for (const int field : {config_.layers, config_.width, config_.hidden, config_.heads, config_.kv_heads,
                            config_.head_width, config_.vocabulary, config_.context, config_.tied ? 1 : 0}) {
      feed(&field, sizeof field);
    }
    feed(&config_.norm_epsilon, sizeof(float));
    feed(&config_.rope_theta, sizeof(float));
    if (config_.streams > 1) {
      feed(&config_.streams, sizeof(int));
      feed(&config_.sinkhorn_iterations, sizeof(int));
      feed(&config_.stream_epsilon, sizeof(float));
    }
    for_each_tensor(config_, weights_, [&](const std::string&, extent, extent, const auto& values) {
      feed(values.data(), static_cast<std::size_t>(values.size()) * sizeof(float));
    });
    std::string hex;
    for (int shift = 60; shift >= 0; shift -= 4) {
      hex += "0123456789abcdef"[(hash >> static_cast<unsigned>(shift)) & 15U];
    }
    return hex;
  }

  config config_;
  weights weights_;
  steer::model_shape shape_;
};

}  // namespace reference
