// steer/extract/moments.hpp: means and covariances of activations that nobody keeps.
#pragma once

#include <Eigen/Core>
#include <cmath>
#include <cstdint>
#include <string>
#include <utility>

#include "steer/core/error.hpp"
#include "steer/core/matrix.hpp"
#include "steer/extract/samples.hpp"

namespace steer {
inline namespace v0 {

/// What `moments` keep besides the mean.
enum class second_moments : std::uint8_t {
  variances,   ///< d numbers
  covariance,  ///< d² numbers
};

/// Count, mean and second moments of a stream of rows, in double.
///
///     steer::moments seen{width};
///     seen.observe(batch);       // as often as there are batches
///     seen.merge(other_thread);  // each thread streams into moments of its own
///
/// A batch can be the texts of a recorder that is thrown away afterwards.
///
/// The same batches in the same order give the same bits. Another order, another cutting into batches or another order
/// of merging agree up to rounding, also where the mean is far from zero: squares are summed about the mean.
///
/// @cost   d² doubles of memory and O(n d²) for the covariance; d and O(n d) for variances
/// @source Chan, Golub & LeVeque 1983, "Algorithms for computing the sample variance", The American Statistician 37(3)
class moments {
 public:
  /// @throws shape_error if the width is below 1
  explicit moments(Eigen::Index width, second_moments kept = second_moments::covariance) : kept_(kept) {
    if (width < 1) {
      throw shape_error(
          detail::text({"moments: width is ", detail::actual(width), "; expected ", detail::expected("at least 1")}));
    }
    mean_ = Eigen::VectorXd::Zero(width);
    squares_ = Eigen::MatrixXd::Zero(width, kept == second_moments::covariance ? width : 1);
  }

  /// Adds rows of any scalar type.
  /// @shape  rows [n, d]
  /// @throws shape_error for another width; numeric_error naming the row for NaN or infinity, or if squares overflow;
  ///         nothing is added then
  template <class Rows>
  void observe(const Eigen::MatrixBase<Rows>& rows) {
    if (rows.cols() != width()) {
      throw shape_error(detail::text(
          {"moments: rows have width ", detail::actual(rows.cols()), "; expected ", detail::expected(width())}));
    }
    if (rows.rows() == 0) {
      return;
    }
    moments batch(width(), kept_);
    matrix<double> centred = detail::samples(rows, 1, "moments");
    batch.count_ = rows.rows();
    batch.mean_ = detail::column_means(centred).transpose();
    centred.rowwise() -= batch.mean_.transpose();
    if (kept_ == second_moments::covariance) {
      batch.squares_.selfadjointView<Eigen::Lower>().rankUpdate(centred.transpose());
      batch.squares_.triangularView<Eigen::StrictlyUpper>() = batch.squares_.transpose();
    } else {
      batch.squares_ = centred.colwise().squaredNorm().transpose();
    }
    merge(batch);
  }

  /// As if every row that `other` has seen had been seen here.
  /// @throws shape_error for another width; argument_error if one keeps the covariance and the other does not;
  ///         numeric_error if squares overflow; nothing is added then
  void merge(const moments& other) {
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

  [[nodiscard]] Eigen::Index width() const noexcept { return mean_.size(); }
  [[nodiscard]] Eigen::Index count() const noexcept { return count_; }
  [[nodiscard]] second_moments kept() const noexcept { return kept_; }

  /// @throws numeric_error before the first row
  [[nodiscard]] const Eigen::VectorXd& mean() const {
    require(1, "the mean");
    return mean_;
  }

  /// Unbiased.
  /// @throws numeric_error below two rows
  [[nodiscard]] Eigen::VectorXd variance() const {
    require(2, "a variance");
    const Eigen::VectorXd sums =
        kept_ == second_moments::covariance ? squares_.diagonal().eval() : squares_.col(0).eval();
    return sums / static_cast<double>(count_ - 1);
  }

  /// Unbiased, symmetric.
  /// @shape  returns [d, d]
  /// @throws numeric_error below two rows, argument_error if only variances were kept
  [[nodiscard]] Eigen::MatrixXd covariance() const {
    require(2, "a covariance");
    return scatter() / static_cast<double>(count_ - 1);
  }

  /// Σ (h - mean)(h - mean)ᵀ
  /// @throws argument_error if only variances were kept
  [[nodiscard]] const Eigen::MatrixXd& scatter() const {
    if (kept_ != second_moments::covariance) {
      throw argument_error(
          detail::text({"moments: only ", detail::actual("variances"), " were kept; the covariance needs ",
                        detail::expected("second_moments::covariance")}));
    }
    return squares_;
  }

  /// Σ h hᵀ / n, about zero.
  /// @throws as `covariance`, from one row on
  [[nodiscard]] Eigen::MatrixXd correlation() const {
    require(1, "a correlation");
    return scatter() / static_cast<double>(count_) + mean_ * mean_.transpose();
  }

 private:
  /// Σ |h - mean|²
  [[nodiscard]] double total() const {
    return kept_ == second_moments::covariance ? squares_.diagonal().sum() : squares_.sum();
  }

  void require(Eigen::Index least, const char* what) const {
    if (count_ < least) {
      throw numeric_error(detail::text({"moments: ", what, " needs ", detail::expected({"at least ", least, " rows"}),
                                        "; has seen ", detail::actual(count_)}));
    }
  }

  second_moments kept_;
  Eigen::Index count_ = 0;
  Eigen::VectorXd mean_;
  Eigen::MatrixXd squares_;  // about the mean; [d, d] or [d, 1]
};

/// Moments of rows and of what goes with each, such as labels, and the covariance between the two.
///
/// @cost   as `moments` with the covariance, and O(n d k)
class cross_moments {
 public:
  /// @throws shape_error if a width is below 1
  cross_moments(Eigen::Index width, Eigen::Index label_width)
      : rows_(width), labels_(label_width), cross_(Eigen::MatrixXd::Zero(width, label_width)) {}

  /// @shape  rows [n, d], labels [n, k]
  /// @throws shape_error if the shapes do not fit; numeric_error for NaN or infinity, or if squares overflow; nothing is added
  ///         then
  template <class Rows, class Labels>
  void observe(const Eigen::MatrixBase<Rows>& rows, const Eigen::MatrixBase<Labels>& labels) {
    if (rows.rows() != labels.rows()) {
      throw shape_error(detail::text({"cross_moments: ", detail::expected(rows.rows()), " rows and ",
                                      detail::actual(labels.rows()), " labels; expected as many"}));
    }
    if (rows.rows() == 0) {
      return;
    }
    cross_moments batch(rows_.width(), labels_.width());
    batch.rows_.observe(rows);
    batch.labels_.observe(labels);
    matrix<double> centred_rows = rows.template cast<double>();
    matrix<double> centred_labels = labels.template cast<double>();
    centred_rows.rowwise() -= batch.rows_.mean().transpose();
    centred_labels.rowwise() -= batch.labels_.mean().transpose();
    batch.cross_.noalias() = centred_rows.transpose() * centred_labels;
    merge(batch);
  }

  /// @throws shape_error for other widths; numeric_error if squares overflow; nothing is added then
  void merge(const cross_moments& other) {
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

  [[nodiscard]] const moments& rows() const noexcept { return rows_; }
  [[nodiscard]] const moments& labels() const noexcept { return labels_; }

  /// Unbiased.
  /// @shape  returns [d, k]
  /// @throws numeric_error below two rows
  [[nodiscard]] Eigen::MatrixXd cross_covariance() const {
    if (rows_.count() < 2) {
      throw numeric_error(detail::text({"cross_moments: a covariance needs ", detail::expected("at least 2 rows"),
                                        "; has seen ", detail::actual(rows_.count())}));
    }
    return cross_ / static_cast<double>(rows_.count() - 1);
  }

 private:
  moments rows_;
  moments labels_;
  Eigen::MatrixXd cross_;  // [d, k], about the means
};

}  // namespace v0
}  // namespace steer
