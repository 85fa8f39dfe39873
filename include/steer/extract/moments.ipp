// steer/extract/moments.ipp: the bodies of moments.hpp.
#pragma once

#include <cmath>
#include <string>
#include <utility>
#include <Eigen/Core>

#include "steer/core/error.hpp"
#include "steer/core/matrix.hpp"
#include "steer/core/real.hpp"
#include "steer/extract/moments.hpp"
#include "steer/extract/samples.hpp"

namespace steer {
inline namespace v0 {

STEER_BODY moments::moments(Eigen::Index width, second_moments kept) : kept_(kept) {
  if (width < 1) {
    throw shape_error(text({"moments: width is ", actual(width), "; expected ", expected("at least 1")}));
  }
  mean_ = Eigen::VectorX<Real>::Zero(width);
  squares_ = Eigen::MatrixX<Real>::Zero(width, kept == second_moments::covariance ? width : 1);
}

STEER_BODY void moments::update(const sample_rows& rows) {
  if (rows.cols() != width()) {
    throw shape_error(text({"moments: rows have width ", actual(rows.cols()), "; expected ", expected(width())}));
  }
  if (rows.rows() == 0) {
    return;
  }
  moments batch(width(), kept_);
  matrix<Real> centred = detail::samples(rows, 1, "moments");
  batch.count_ = rows.rows();
  const Eigen::RowVectorX<Real> mean = detail::column_means(centred);
  centred.rowwise() -= mean;
  batch.mean_ = mean.transpose();
  if (kept_ == second_moments::covariance) {
    Eigen::MatrixX<Real>& squares = batch.squares_;
    squares.template selfadjointView<Eigen::Lower>().rankUpdate(centred.transpose());
    squares.template triangularView<Eigen::StrictlyUpper>() = squares.transpose();
  } else {
    batch.squares_ = centred.colwise().squaredNorm().transpose();
  }
  merge(batch);
}

STEER_BODY void moments::merge(const moments& other) {
  if (other.width() != width()) {
    throw shape_error(text({"moments: merges width ", actual(other.width()), " into width ", expected(width())}));
  }
  if (other.kept_ != kept_) {
    throw argument_error(text({"moments: one keeps the covariance, the other variances only; expected ",
                               expected("the same"), ", or they do not merge"}));
  }
  if (other.count_ == 0) {
    return;
  }
  const auto n = static_cast<double>(count_);
  const auto m = static_cast<double>(other.count_);
  Eigen::VectorX<Real>& mean = mean_;
  Eigen::MatrixX<Real>& squares = squares_;
  const Eigen::VectorX<Real>& other_mean = other.mean_;
  const Eigen::MatrixX<Real>& other_squares = other.squares_;
  const Eigen::VectorX<Real> way = other_mean - mean;
  // A diagonal bounds all of a scatter matrix.
  if (!std::isfinite(n * m / (n + m) * way.squaredNorm() + total() + other.total())) {
    throw numeric_error(
        text({"moments: the squares of the rows overflow; expected ", expected("numbers up to about 1e150")}));
  }
  if (kept_ == second_moments::covariance) {
    squares += other_squares + (n * m / (n + m)) * way * way.transpose();
  } else {
    squares += other_squares + (n * m / (n + m)) * way.cwiseAbs2();
  }
  mean += (m / (n + m)) * way;
  count_ += other.count_;
}

STEER_BODY const Eigen::VectorXd& moments::mean() const {
  require(1, "the mean");
  return mean_;
}

STEER_BODY Eigen::VectorXd moments::variance() const {
  require(2, "a variance");
  const Eigen::MatrixX<Real>& squares = squares_;
  const Eigen::VectorX<Real> sums =
      kept_ == second_moments::covariance ? squares.diagonal().eval() : squares.col(0).eval();
  return sums / static_cast<double>(count_ - 1);
}

STEER_BODY Eigen::MatrixXd moments::covariance() const {
  require(2, "a covariance");
  const Eigen::MatrixX<Real>& squares = scatter();
  return squares / static_cast<double>(count_ - 1);
}

STEER_BODY const Eigen::MatrixXd& moments::scatter() const {
  if (kept_ != second_moments::covariance) {
    throw argument_error(text({"moments: only ", actual("variances"), " were kept; the covariance needs ",
                               expected("second_moments::covariance")}));
  }
  return squares_;
}

STEER_BODY Eigen::MatrixXd moments::correlation() const {
  require(1, "a correlation");
  const Eigen::MatrixX<Real>& squares = scatter();
  const Eigen::VectorX<Real>& mean = mean_;
  return squares / static_cast<double>(count_) + mean * mean.transpose();
}

STEER_BODY double moments::total() const {
  const Eigen::MatrixX<Real>& squares = squares_;
  return kept_ == second_moments::covariance ? squares.diagonal().sum() : squares.sum();
}

STEER_BODY void moments::require(Eigen::Index least, const char* what) const {
  if (count_ < least) {
    throw numeric_error(
        text({"moments: ", what, " needs ", expected({"at least ", least, " rows"}), "; has seen ", actual(count_)}));
  }
}

STEER_BODY cross_moments::cross_moments(Eigen::Index width, Eigen::Index label_width)
    : rows_(width), labels_(label_width), cross_(Eigen::MatrixX<Real>::Zero(width, label_width)) {}

STEER_BODY void cross_moments::update(const sample_rows& rows, const sample_rows& labels) {
  if (rows.rows() != labels.rows()) {
    throw shape_error(text(
        {"cross_moments: ", expected(rows.rows()), " rows and ", actual(labels.rows()), " labels; expected as many"}));
  }
  if (rows.rows() == 0) {
    return;
  }
  cross_moments batch(rows_.width(), labels_.width());
  batch.rows_.update(rows);
  batch.labels_.update(labels);
  matrix<Real> centred_rows = detail::in_double(rows);
  matrix<Real> centred_labels = detail::in_double(labels);
  const Eigen::VectorX<Real>& row_mean = batch.rows_.mean();
  const Eigen::VectorX<Real>& label_mean = batch.labels_.mean();
  centred_rows.rowwise() -= row_mean.transpose();
  centred_labels.rowwise() -= label_mean.transpose();
  Eigen::MatrixX<Real>& cross = batch.cross_;
  cross.noalias() = centred_rows.transpose() * centred_labels;
  merge(batch);
}

STEER_BODY void cross_moments::merge(const cross_moments& other) {
  if (other.rows_.width() != rows_.width() || other.labels_.width() != labels_.width()) {
    throw shape_error(
        text({"cross_moments: merges widths ", actual({other.rows_.width(), " and ", other.labels_.width()}), " into ",
              expected({rows_.width(), " and ", labels_.width()})}));
  }
  if (other.rows_.count() == 0) {
    return;
  }
  const Eigen::MatrixX<Real>& mine = cross_;
  const Eigen::MatrixX<Real>& theirs = other.cross_;
  Eigen::MatrixX<Real> cross = mine + theirs;
  if (rows_.count() > 0) {
    const auto n = static_cast<double>(rows_.count());
    const auto m = static_cast<double>(other.rows_.count());
    const Eigen::VectorX<Real>& rows_here = rows_.mean();
    const Eigen::VectorX<Real>& rows_there = other.rows_.mean();
    const Eigen::VectorX<Real>& labels_here = labels_.mean();
    const Eigen::VectorX<Real>& labels_there = other.labels_.mean();
    cross += (n * m / (n + m)) * (rows_there - rows_here) * (labels_there - labels_here).transpose();
  }
  moments labels = labels_;
  labels.merge(other.labels_);
  rows_.merge(other.rows_);  // the last that may throw
  labels_ = std::move(labels);
  cross_.swap(cross);
}

STEER_BODY Eigen::MatrixXd cross_moments::cross_covariance() const {
  if (rows_.count() < 2) {
    throw numeric_error(text(
        {"cross_moments: a covariance needs ", expected("at least 2 rows"), "; has seen ", actual(rows_.count())}));
  }
  const Eigen::MatrixX<Real>& cross = cross_;
  return cross / static_cast<double>(rows_.count() - 1);
}

}  // namespace v0
}  // namespace steer
