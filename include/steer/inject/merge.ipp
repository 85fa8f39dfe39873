// steer/inject/merge.ipp: the bodies of merge.hpp.
#pragma once

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <numeric>
#include <utility>
#include <vector>
#include <Eigen/Core>

#include "steer/core/real.hpp"
#include "steer/inject/merge.hpp"
#include "steer/inject/term.hpp"

namespace steer {
inline namespace v0 {
namespace detail {

STEER_BODY int row_set::place(const Eigen::Ref<const Eigen::RowVectorXd>& row) {
  std::vector<double> key(static_cast<std::size_t>(row.size()));
  Eigen::Map<Eigen::RowVectorX<Real>>(key.data(), row.size()) = row;
  return places_.try_emplace(std::move(key), static_cast<int>(places_.size())).first->second;
}

STEER_BODY std::vector<int> row_set::places(const matrix<double>& rows) {
  std::vector<int> out;
  for (Eigen::Index i = 0; i < rows.rows(); ++i) {
    out.push_back(place(rows.row(i)));
  }
  return out;
}

STEER_BODY matrix<double> row_set::rows(std::ptrdiff_t width) const {
  matrix<Real> out(size(), width);
  for (const auto& [numbers, at] : places_) {
    out.row(at) = Eigen::Map<const Eigen::RowVectorX<Real>>(numbers.data(), width);
  }
  return out;
}

STEER_BODY bool is_affine(const term& t) {
  const auto* low_rank = std::get_if<low_rank_form>(t.form.get());
  return low_rank != nullptr && low_rank->decide == nullptr && !low_rank->only_reads && t.gate.conditions.empty() &&
         t.norm.rule == norm_rule::none && !t.rows.decays() && t.latch < 0;
}

STEER_BODY bool same_share(const term& a, const term& b) {
  const auto* one = std::get_if<low_rank_form>(a.form.get());
  const auto* two = std::get_if<low_rank_form>(b.form.get());
  return one != nullptr && two != nullptr && one->read.rows() == 0 && two->read.rows() == 0 &&
         one->write.rows() == 1 && two->write.rows() == 1 && one->decide == two->decide && one->only_reads == two->only_reads &&
         one->asks_for != low_rank_form::norm::current && one->numbers == two->numbers && one->linear == two->linear &&
         one->shift == two->shift && a.gate.conditions.empty() && a.gate == b.gate && a.norm == b.norm &&
         a.norm.rule == norm_rule::none && a.rows == b.rows;
}

STEER_BODY Eigen::Index rank_of(const term& t) {
  const low_rank_form& f = std::get<low_rank_form>(*t.form);
  return f.read.rows() == 0 ? 0 : std::max(f.read.rows(), f.write.rows());
}

STEER_BODY draft compose(const std::vector<const term*>& run) {
  const Eigen::Index width = run.front()->where.count;
  row_set reads;
  row_set writes;
  std::vector<std::vector<int>> read_at;
  std::vector<std::vector<int>> write_at;
  for (const term* t : run) {
    const low_rank_form& f = std::get<low_rank_form>(*t->form);
    read_at.push_back(reads.places(f.read));
    write_at.push_back(writes.places(f.write));
  }
  const matrix<Real> r = reads.rows(width);
  const matrix<Real> w = writes.rows(width);
  const Eigen::MatrixX<Real> gram = r.lazyProduct(w.transpose());
  Eigen::MatrixX<Real> a = Eigen::MatrixX<Real>::Zero(w.rows(), r.rows());
  Eigen::VectorX<Real> b = Eigen::VectorX<Real>::Zero(w.rows());
  for (std::size_t i = 0; i < run.size(); ++i) {
    const low_rank_form& f = std::get<low_rank_form>(*run[i]->form);
    const auto share = static_cast<double>(run[i]->gate.share);
    const Eigen::MatrixX<Real> read_gram = gram(read_at[i], Eigen::seqN(0, gram.cols()));
    Eigen::MatrixX<Real> seen = read_gram.lazyProduct(a);
    for (std::size_t row = 0; row < read_at[i].size(); ++row) {
      seen(static_cast<Eigen::Index>(row), read_at[i][row]) += 1.0;
    }
    const Eigen::MatrixX<Real> linear = share * f.linear.lazyProduct(seen);
    const Eigen::VectorX<Real> moved = read_gram.lazyProduct(b);
    const Eigen::VectorX<Real> shift = share * (f.linear.lazyProduct(moved) + f.shift);
    for (std::size_t row = 0; row < write_at[i].size(); ++row) {
      if (a.cols() > 0) {  // a row of no columns would be a step from a null pointer
        a.row(write_at[i][row]) += linear.row(static_cast<Eigen::Index>(row));
      }
      b[write_at[i][row]] += shift[static_cast<Eigen::Index>(row)];
    }
  }
  std::vector<Eigen::Index> turned;
  Eigen::RowVectorX<Real> bias = Eigen::RowVectorX<Real>::Zero(width);
  for (Eigen::Index j = 0; j < w.rows(); ++j) {
    if (a.cols() > 0 && !a.row(j).isZero(0.0)) {
      turned.push_back(j);
    } else if (b[j] != 0.0) {
      bias += b[j] * w.row(j);
    }
  }
  bool biased = !bias.isZero(0.0);
  for (const Eigen::Index j : turned) {
    if (biased && bias == w.row(j)) {  // a direction is written once
      b[j] += 1.0;
      biased = false;
    }
  }
  draft result{{}, {}, {}, read_at, run.front()};
  for (const term* t : run) {
    result.edits.push_back(t->edit);
    result.shares.push_back(t->gate.share);
  }
  low_rank_form& out = result.form;
  out.read = r;
  const auto m = static_cast<Eigen::Index>(turned.size()) + (biased ? 1 : 0);
  out.write.resize(m, width);
  out.linear = Eigen::MatrixX<Real>::Zero(m, r.rows());
  out.shift = Eigen::VectorX<Real>::Ones(m);
  for (std::size_t j = 0; j < turned.size(); ++j) {
    const auto at = static_cast<Eigen::Index>(j);
    out.write.row(at) = w.row(turned[j]);
    out.linear.row(at) = a.row(turned[j]);
    out.shift[at] = b[turned[j]];
  }
  if (biased) {
    out.write.row(m - 1) = bias;
  }
  return result;
}

STEER_BODY std::vector<draft> merge(const std::vector<term>& all, doses_from doses) {
  std::vector<draft> out;
  const auto single = [&](const term& t) {
    const low_rank_form& f = std::get<low_rank_form>(*t.form);
    std::vector<int> all_of_it(static_cast<std::size_t>(f.read.rows()));
    std::iota(all_of_it.begin(), all_of_it.end(), 0);
    return draft{{t.edit}, {1.0F}, f, {std::move(all_of_it)}, &t};
  };
  for (std::size_t i = 0; i < all.size();) {
    const term& first = all[i];
    std::size_t end = i + 1;
    if (doses == doses_from::routes) {
      out.push_back(single(first));
    } else if (is_affine(first)) {
      std::vector<const term*> run{&first};
      Eigen::Index rank = rank_of(first);
      while (end < all.size() && is_affine(all[end]) && all[end].rows == first.rows &&
             rank + rank_of(all[end]) <= most_merged) {
        rank += rank_of(all[end]);
        run.push_back(&all[end++]);
      }
      out.push_back(compose(run));
    } else {
      draft next = single(first);
      while (end < all.size() && same_share(first, all[end])) {
        next.form.write += std::get<low_rank_form>(*all[end].form).write;
        next.edits.push_back(all[end++].edit);
        next.shares.push_back(1.0F);
        next.reads_of.emplace_back();
      }
      out.push_back(std::move(next));
    }
    i = end;
  }
  std::erase_if(out, [](const draft& d) { return d.form.does_nothing(); });  // doses that cancelled
  return out;
}

}  // namespace detail
}  // namespace v0
}  // namespace steer
