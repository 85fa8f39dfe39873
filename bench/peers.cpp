// What bench/peers.py drives: the library's side of a comparison, on the peer's samples, one call at a time.
//
//     <method> <positive.npy> <negative.npy> <result.npy>     on standard input
//     <seconds of this thread> <what the method says of its result>     on standard output
//
// Files are read once; neither reading nor writing is timed.

#include <cstdint>
#include <cstdlib>
#include <exception>
#include <functional>
#include <iomanip>
#include <iostream>
#include <map>
#include <span>
#include <sstream>
#include <string>
#include <variant>
#include <vector>
#include <Eigen/Core>

#include "bound.hpp"
#include "in_turn.hpp"
#include "steer/core/matrix.hpp"
#include "steer/extract/leace.hpp"
#include "steer/extract/mean_difference.hpp"
#include "steer/extract/moments.hpp"
#include "steer/extract/principal_component.hpp"
#include "steer/extract/probe.hpp"
#include "steer/io/npy.hpp"

namespace {

using rows = steer::matrix<float>;

struct answer {
  double seconds = 0.0;
  double says = 0.0;  ///< a loss, an explained variance, or nothing
  std::vector<double> result = {};
};

std::vector<double> numbers(const Eigen::VectorXd& v) { return {v.begin(), v.end()}; }

answer mean_difference(const rows& positive, const rows& negative) {
  Eigen::VectorXd v;
  const double seconds = bench::seconds_of([&] { v = steer::mean_difference(positive, negative); });
  return {seconds, 0.0, numbers(v)};
}

/// The machine's limit: every number once, out of memory.
answer look(const rows& positive, const rows& negative) {
  const double seconds = bench::seconds_of([&] {
    for (const rows* side : {&positive, &negative}) {
      bench::look(std::span<const float>(side->data(), static_cast<std::size_t>(side->size())));
    }
  });
  return {seconds};
}

answer principal_component(const rows& positive, const rows& negative) {
  steer::component found;
  const double seconds = bench::seconds_of([&] {
    found = steer::principal_component(positive, negative, {.of = steer::component_of::centred_differences});
  });
  return {seconds, found.explained_variance, numbers(found.v)};
}

/// The machine's limit for all that follows: the inner products of the rows, or of the columns, in double.
answer products(const rows& positive, const rows& negative) {
  steer::matrix<double> all(positive.rows() + negative.rows(), positive.cols());
  all << positive.cast<double>(), negative.cast<double>();
  return {bench::seconds_of([&] { all.rows() < all.cols() ? bench::inner_products(all) : bench::inner_products(all.transpose()); })};
}

answer of_eraser(double seconds, const steer::eraser& found) {
  const steer::matrix<double> projector = found.write.transpose() * found.read;
  return {seconds, 0.0, std::vector<double>(projector.data(), projector.data() + projector.size())};
}

answer binary_leace(const rows& positive, const rows& negative) {
  steer::eraser found;
  const double seconds = bench::seconds_of([&] { found = steer::binary_leace(positive, negative); });
  return of_eraser(seconds, found);
}

/// Only what comes after the moments.
answer leace_of_moments(const rows& positive, const rows& negative) {
  steer::cross_moments seen(positive.cols(), 1);
  seen.update(positive, Eigen::MatrixXf::Ones(positive.rows(), 1));
  seen.update(negative, Eigen::MatrixXf::Zero(negative.rows(), 1));
  steer::eraser found;
  const double seconds = bench::seconds_of([&] { found = steer::leace(seen); });
  return of_eraser(seconds, found);
}

answer probe(const rows& positive, const rows& negative) {
  steer::probe found;
  const double seconds = bench::seconds_of([&] { found = steer::fit_probe(positive, negative); });
  answer out{seconds, found.loss, numbers(found.w)};
  out.result.push_back(found.bias);
  return out;
}

rows read(const std::string& path) {
  const steer::npy_array array = steer::load_npy(path);
  const auto& values = std::get<std::vector<float>>(array.values);
  return Eigen::Map<const rows>(values.data(), static_cast<Eigen::Index>(array.shape.at(0)),
                                static_cast<Eigen::Index>(array.shape.at(1)));
}

const rows& read_once(const std::string& path) {
  static std::map<std::string, rows> known;
  const auto found = known.find(path);
  return (found != known.end() ? found : known.emplace(path, read(path)).first)->second;
}

void serve() {
  const std::map<std::string, std::function<answer(const rows&, const rows&)>> methods = {
      {"mean_difference", mean_difference},
      {"look", look},
      {"principal_component", principal_component},
      {"products", products},
      {"binary_leace", binary_leace},
      {"leace_of_moments", leace_of_moments},
      {"probe", probe},
  };
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream words(line);
    std::string method, positive, negative, result;
    words >> method >> positive >> negative >> result;
    const answer given = methods.at(method)(read_once(positive), read_once(negative));
    if (!given.result.empty()) {
      steer::save_npy({{given.result.size()}, given.result}, result);
    }
    std::cout << std::setprecision(17) << given.seconds << ' ' << given.says << std::endl;
  }
}

}  // namespace

int main() {
  try {
    serve();
    return EXIT_SUCCESS;
  } catch (const std::exception& fault) {
    std::cerr << fault.what() << '\n';
    return EXIT_FAILURE;
  }
}
