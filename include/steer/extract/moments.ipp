// steer/extract/moments.ipp: the bodies of moments.hpp.
#pragma once

#include <cmath>
#include <string>
#include <utility>
#include <Eigen/Core>

#include "steer/core/error.hpp"
#include "steer/core/real.hpp"
#include "steer/extract/moments.hpp"

namespace steer {
inline namespace v0 {

STEER_BODY moments::moments(Eigen::Index width, second_moments kept) : kept_(kept) {
  if (width < 1) {
    throw shape_error(
        detail::text({"moments: width is ", detail::actual(width), "; expected ", detail::expected("at least 1")}));
  }
  mean_ = Eigen::VectorXd::Zero(width);
  squares_ = Eigen::MatrixXd::Zero(width, kept == second_moments::covariance ? width : 1);
}

STEER_BODY void moments::merge(const moments& other) {
  if (other.width() != width()) {
    throw shape_error(detail::text(
        {"moments: merges width ", detail::actual(other.width()), " into width ", detail::expected(width())}));
  }
  if (other.kept_ != kept_) {
    throw argument_error(detail::text({"moments: one keeps the covariance, the other variances only; expected ",
                                       detail::expected("the same"), ", or they do not merge"}));
  }
  if (other.count_ == 0) {
    return;
  }
  const auto n = static_cast<double>(count_);
  const auto m = static_cast<double>(other.count_);
  const Eigen::VectorXd way = other.mean_ - mean_;
  // A diagonal bounds all of a scatter matrix.
  if (!std::isfinite(n * m / (n + m) * way.squaredNorm() + total() + other.total())) {
    throw numeric_error(detail::text(
        {"moments: the squares of the rows overflow; expected ", detail::expected("numbers up to about 1e150")}));
  }
  if (kept_ == second_moments::covariance) {
    squares_ += other.squares_ + (n * m / (n + m)) * way * way.transpose();
  } else {
    squares_ += other.squares_ + (n * m / (n + m)) * way.cwiseAbs2();
  }
  mean_ += (m / (n + m)) * way;
  count_ += other.count_;
}

STEER_BODY const Eigen::VectorXd& moments::mean() const {
  require(1, "the mean");
  return mean_;
}

STEER_BODY Eigen::VectorXd moments::variance() const {
  require(2, "a variance");
  const Eigen::VectorXd sums =
      kept_ == second_moments::covariance ? squares_.diagonal().eval() : squares_.col(0).eval();
  return sums / static_cast<double>(count_ - 1);
}

STEER_BODY Eigen::MatrixXd moments::covariance() const {
  require(2, "a covariance");
  return scatter() / static_cast<double>(count_ - 1);
}

STEER_BODY const Eigen::MatrixXd& moments::scatter() const {
  if (kept_ != second_moments::covariance) {
    throw argument_error(
        detail::text({"moments: only ", detail::actual("variances"), " were kept; the covariance needs ",
                      detail::expected("second_moments::covariance")}));
  }
  return squares_;
}

STEER_BODY Eigen::MatrixXd moments::correlation() const {
  require(1, "a correlation");
  return scatter() / static_cast<double>(count_) + mean_ * mean_.transpose();
}

STEER_BODY void moments::require(Eigen::Index least, const char* what) const {
  if (count_ < least) {
    throw numeric_error(detail::text({"moments: ", what, " needs ", detail::expected({"at least ", least, " rows"}),
                                      "; has seen ", detail::actual(count_)}));
  }
}

STEER_BODY void cross_moments::merge(const cross_moments& other) {
  if (other.rows_.width() != rows_.width() || other.labels_.width() != labels_.width()) {
    throw shape_error(detail::text({"cross_moments: merges widths ",
                                    detail::actual({other.rows_.width(), " and ", other.labels_.width()}), " into ",
                                    detail::expected({rows_.width(), " and ", labels_.width()})}));
  }
  if (other.rows_.count() == 0) {
    return;
  }
  Eigen::MatrixXd cross = cross_ + other.cross_;
  if (rows_.count() > 0) {
    const auto n = static_cast<double>(rows_.count());
    const auto m = static_cast<double>(other.rows_.count());
    cross +=
        (n * m / (n + m)) * (other.rows_.mean() - rows_.mean()) * (other.labels_.mean() - labels_.mean()).transpose();
  }
  moments labels = labels_;
  labels.merge(other.labels_);
  rows_.merge(other.rows_);  // the last that may throw
  labels_ = std::move(labels);
  cross_.swap(cross);
}

STEER_BODY Eigen::MatrixXd cross_moments::cross_covariance() const {
  if (rows_.count() < 2) {
    throw numeric_error(detail::text({"cross_moments: a covariance needs ", detail::expected("at least 2 rows"),
                                      "; has seen ", detail::actual(rows_.count())}));
  }
  return cross_ / static_cast<double>(rows_.count() - 1);
}

}  // namespace v0
}  // namespace steer
