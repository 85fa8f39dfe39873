// steer/compose/try_orders.ipp: the bodies of try_orders.hpp.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>
#include <Eigen/Core>

#include "steer/compose/apply_edit.hpp"
#include "steer/compose/overlap.hpp"
#include "steer/compose/try_orders.hpp"
#include "steer/core/error.hpp"
#include "steer/core/matrix.hpp"
#include "steer/core/real.hpp"
#include "steer/recipe/edit.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

STEER_BODY void named_directions::fit(Eigen::Index to) {
  if (width != 0 && width != to) {
    throw shape_error(text({"order_warnings: an edit at layer ", at_layer(layer), " has widths ", expected(width),
                            " and ", actual(to), "; expected the same"}));
  }
  width = to;
}

STEER_BODY void named_directions::take(const Eigen::VectorXd& row) {
  const Eigen::VectorX<Real>& along = row;
  fit(row.size());
  if (along.norm() > 0.0) {
    units.push_back(along.normalized());
  }
}

STEER_BODY void named_directions::operator()(std::string_view, const steering_vector& v) {
  const auto here = v.directions.find(layer);
  if (here == v.directions.end()) {
    throw shape_error(text(
        {"order_warnings: \"", v.name, "\" has no direction at layer ", at_layer(layer), ", at which its edit acts"}));
  }
  take(unit(here->second));
  size = std::max(size, here->second.row_norm.value_or(0.0));
}

STEER_BODY void named_directions::operator()(std::string_view name, const std::vector<steering_vector>& vectors) {
  for (const steering_vector& v : vectors) {
    (*this)(name, v);
  }
}

STEER_BODY void named_directions::operator()(std::string_view, const plane& p) {
  take(p.first);
  take(p.second);
}

STEER_BODY void named_directions::operator()(std::string_view, const affine_map& map) {
  fit(steer::width(map));
  if (const auto* low_rank = std::get_if<low_rank_map>(&map)) {
    for (const matrix<float>* rows : {&low_rank->read, &low_rank->write}) {
      for (Eigen::Index i = 0; i < rows->rows(); ++i) {
        const Eigen::VectorX<Real> row = rows->row(i).template cast<Real>().transpose();
        take(row);
      }
    }
  } else {  // which directions matter is not named: a few of the axes
    for (Eigen::Index i = 0; i < std::min<Eigen::Index>(8, width); ++i) {
      take(Eigen::VectorX<Real>::Unit(width, i));
    }
  }
}

STEER_BODY named_directions named_by(const edit& e, int layer) {
  named_directions out{layer};
  std::visit([&](const auto& op) { op.fields(op, out); }, e.operation);
  return out;
}

STEER_BODY Eigen::VectorXd applied(const edit& e, int layer, Eigen::Index first, Eigen::Index width,
                                   const Eigen::VectorXd& entry, Eigen::VectorXd h) {
  const Eigen::VectorX<Real>& found = entry;
  Eigen::VectorX<Real> out = std::move(h);
  const double entry_norm = found.segment(first, width).norm();
  Eigen::VectorX<Real> own = out.segment(first, width);
  const double before = own.norm();
  apply_edit(e.operation, layer, entry_norm, own);
  out.segment(first, width) = own * e.where.norm.factor(before, own.norm());
  return out;
}

/// Calls `look(h, size)` with rows of norm `size` along everything that two name, and some between.
template <class Scalar, class Look>
void each_row_tried(const shared_row& row, const named_directions& a, const named_directions& b, Look look) {
  const double larger = std::max(a.size, b.size);
  const double size = larger > 0.0 ? larger : 1.0;
  std::vector<Eigen::VectorX<Scalar>> rows;
  Eigen::VectorX<Scalar> sum = Eigen::VectorX<Scalar>::Zero(row.width);
  Eigen::VectorX<Scalar> alternating = sum;
  for (const named_directions* named : {&a, &b}) {
    for (const Eigen::VectorX<Scalar>& u : named->units) {
      Eigen::VectorX<Scalar> along = Eigen::VectorX<Scalar>::Zero(row.width);
      along.segment(named == &a ? row.first : row.second, named->width) = u;
      sum += along;
      alternating += rows.size() % 2 == 0 ? along : -along;
      rows.push_back(std::move(along));
    }
  }
  rows.push_back(sum);
  rows.push_back(alternating);
  Eigen::VectorX<Scalar> everywhere(row.width);  // a component along everything, the same every time
  for (Eigen::Index j = 0; j < row.width; ++j) {
    everywhere[j] = std::cos(static_cast<double>(j * j + 1));
  }
  rows.push_back(everywhere);
  for (const Eigen::VectorX<Scalar>& each : rows) {
    if (!(each.norm() > 1e-9)) {
      continue;
    }
    for (const double length : {size, -size}) {
      look(Eigen::VectorX<Scalar>(each.normalized() * length), size);
    }
  }
}

STEER_BODY double try_orders(const edit& a, const edit& b, int layer) {
  const named_directions in_a = named_by(a, layer);
  const named_directions in_b = named_by(b, layer);
  const shared_row row = row_of(layer, reach_of(a), in_a.width, reach_of(b), in_b.width);
  double most = 0.0;
  each_row_tried<Real>(row, in_a, in_b, [&](const Eigen::VectorX<Real>& h, double size) {
    const auto by_a = [&](const Eigen::VectorX<Real>& now) {
      return Eigen::VectorX<Real>(applied(a, layer, row.first, in_a.width, h, now));
    };
    const auto by_b = [&](const Eigen::VectorX<Real>& now) {
      return Eigen::VectorX<Real>(applied(b, layer, row.second, in_b.width, h, now));
    };
    most = std::max(most, (by_b(by_a(h)) - by_a(by_b(h))).norm() / size);
  });
  return most;
}

STEER_BODY double gate_moved(const edit& gated, const condition& c, const edit& other, int layer) {
  named_directions asked{layer};
  asked("gate vector", c.vector);
  const named_directions moved = named_by(other, layer);
  const shared_row row = row_of(layer, reach_of(gated, c), asked.width, reach_of(other), moved.width);
  const auto read = [&](const Eigen::VectorX<Real>& h) {
    const Eigen::VectorX<Real>& unit = asked.units.front();
    const auto own = h.segment(row.first, asked.width);
    const double along = unit.dot(own);
    return c.reading == reading::projection ? along : along / std::max(own.norm(), std::numeric_limits<double>::min());
  };
  double most = 0.0;
  each_row_tried<Real>(row, asked, moved, [&](const Eigen::VectorX<Real>& h, double size) {
    const double change = std::abs(read(applied(other, layer, row.second, moved.width, h, h)) - read(h));
    most = std::max(most, c.reading == reading::projection ? change / size : change);
  });
  return most;
}

}  // namespace detail
}  // namespace v0
}  // namespace steer
