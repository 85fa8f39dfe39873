// Prints a line for each set of instructions and each loop or plan, with a digest of all bits that it leaves. The same
// source is compiled with several units' flags; for one set the lines must not differ.
//
// The directions' sums are exact, so that plans are compiled to the same numbers, whatever the order of the sums. They are
// plans for double: floats would round what a decision's last bits are away.
#include <Eigen/Core>

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "steer/inject/plan.hpp"
#include "steer/kernel/functions_for.hpp"
#include "steer/kernel/norm.hpp"

namespace {

using steer::instruction_set;
using steer::kernel::functions;
using steer::kernel::real_of;

class digest {
 public:
  template <class Number>
  void operator()(const std::vector<Number>& numbers) {
    const auto* const bytes = reinterpret_cast<const unsigned char*>(numbers.data());
    for (std::size_t i = 0; i < numbers.size() * sizeof(Number); ++i) {
      value_ = (value_ ^ bytes[i]) * 0x100000001B3U;
    }
  }
  [[nodiscard]] unsigned long long value() const { return value_; }

 private:
  unsigned long long value_ = 0xCBF29CE484222325U;
};

/// Numbers about 0 with all their bits, the same everywhere.
class source {
 public:
  double operator()() {
    state_ = state_ * 6364136223846793005U + 1442695040888963407U;
    return std::ldexp(static_cast<double>(static_cast<std::int64_t>(state_) >> 10U), -52);
  }
  template <class Number>
  std::vector<Number> numbers(std::size_t count) {
    std::vector<Number> out(count);
    for (Number& number : out) {
      number = static_cast<Number>((*this)());
    }
    return out;
  }

 private:
  std::uint64_t state_ = 1;
};

template <class Scalar>
void print_loops(instruction_set set, const char* type) {
  using Real = real_of<Scalar>;
  const functions<Scalar>& loops = steer::kernel::functions_for<Scalar>(set);
  const auto print = [&](const char* loop, const digest& bits) {
    std::printf("%s %s %s %016llx\n", std::string(to_string(set)).c_str(), type, loop, bits.value());
  };
  source next;
  digest row, read, write;
  for (const std::size_t d : {std::size_t{1}, std::size_t{15}, std::size_t{77}, std::size_t{576}, std::size_t{1029}}) {
    const auto a = next.numbers<Real>(d);
    const auto b = next.numbers<Real>(d);
    auto h = next.numbers<Scalar>(d);
    loops.add(h, static_cast<Real>(0.7), a);
    row(h);
    row(std::vector<Real>{loops.dot(a, h), loops.squared_norm(h), steer::kernel::norm<Scalar>(h, loops.squared_norm(h)),
                          steer::kernel::norm<Scalar>(h, std::numeric_limits<Real>::infinity())});
    loops.multiply(h, static_cast<Real>(1.1));
    loops.add_diagonal(h, static_cast<Real>(0.3), a.data(), b.data());
    loops.lerp(h, static_cast<Real>(0.3), a.data(), b.data());
    row(h);
    std::vector<Real> wide(d);
    loops.widen(h, wide.data());
    for (Real& number : wide) {
      number *= Real{3};
    }
    loops.narrow(wide.data(), h);
    row(h);
    std::vector<double> sums(d, 0.5);
    const auto columns = next.numbers<double>(3 * d);
    const auto factors = next.numbers<double>(3);
    loops.combine(sums, columns.data(), factors);
    row(sums);
    for (const int k : {0, 1, 2, 3, 5, 8, 9, 17}) {
      steer::matrix<double> directions(k, static_cast<Eigen::Index>(d));
      for (Eigen::Index i = 0; i < directions.size(); ++i) {
        directions.data()[i] = static_cast<double>(static_cast<Real>(next() / 16.0));
      }
      const steer::kernel::strips<Real> strips(directions);
      const std::size_t n = 12;
      auto memory = next.numbers<Scalar>(n * d);
      std::vector<Scalar*> rows;
      for (std::size_t i = 0; i < n; ++i) {
        rows.push_back(memory.data() + i * d);
      }
      std::vector<Real> c(n * static_cast<std::size_t>(k));
      std::vector<Real> squares(n);
      loops.read(std::span<Scalar* const>(rows), strips, c.data(), squares.data());
      read(c);
      read(squares);
      loops.write(rows, strips, c.data(), nullptr);
      write(memory);
      loops.write(rows, strips, c.data(), next.numbers<Real>(n).data());
      write(memory);
    }
  }
  print("row", row);
  print("read", read);
  print("write", write);
}

constexpr Eigen::Index width = 256;

/// A row of the Hadamard matrix: orthogonal to every other, of norm 16.
Eigen::VectorXf hadamard(unsigned i) {
  Eigen::VectorXf out(width);
  for (Eigen::Index column = 0; column < width; ++column) {
    out[column] = std::popcount(static_cast<unsigned>(column) & i) % 2 == 0 ? 1.0F : -1.0F;
  }
  return out;
}

/// One for each layer.
steer::steering_vector vector_of(const Eigen::VectorXf& values, int layers) {
  steer::steering_vector out;
  out.name = "v";
  for (int layer = 0; layer < layers; ++layer) {
    out.directions[layer] = {.values = values, .row_norm = 4.0};
  }
  return out;
}

void print_plans(instruction_set set) {
  constexpr int layers = 9;
  std::vector<steer::steering_vector> v;
  for (unsigned i = 0; i < 24; ++i) {  // every third leans on three others
    const Eigen::VectorXf own = hadamard(7 * i + 3);
    v.push_back(vector_of(i % 3 == 2 ? Eigen::VectorXf(own + hadamard(3) + hadamard(10) + hadamard(24)) : own, layers));
  }
  steer::recipe recipe;
  const steer::norm_mode restored = steer::restore_norm;
  recipe.add(v[0], {.strength = 0.7F, .unit = steer::strength_unit::unit}, {.layers = {0}}).ablate(v[0], {.layers = {1}});
  for (std::size_t i = 0; i < 20; ++i) {
    recipe.ablate(v[i], {.share = 0.1F * static_cast<float>(i)}, {.layers = {2}});
  }
  recipe
      .keep_within({v[0], v[1], v[3]}, {-0.1F, -0.2F, 0.3F}, {0.1F, 0.2F, 0.4F}, {.layers = {3}, .norm = restored})
      .ablate(v[2], {.layers = {3}, .gate = {.share = 0.3F, .conditions = {steer::sigmoid(v[5], 0.1F, 3.0F)}}})
      .floor(v[2], 0.3F, {.layers = {3}});
  const steer::plane plane{hadamard(5).cast<double>() / 16.0, hadamard(6).cast<double>() / 16.0};
  recipe.set_angle(plane, {.angle = 0.7F}, {.layers = {4}})
      .rotate(plane, {.angle = 0.3F}, {.layers = {4}, .gate = {.share = 0.7F}, .norm = restored});
  recipe.turn_towards(v[2], {.share = 0.3F}, {.layers = {5}, .rows = {.half_life = 7.0F}})
      .ablate(v[5], {.layers = {5}, .norm = steer::cap_norm(1.1F)});
  recipe.add(v[2], {.strength = 0.3F, .unit = steer::strength_unit::of_row_norm}, {.layers = {6}, .norm = restored})
      .ablate(v[8], {.share = 0.7F}, {.layers = {6}, .norm = restored})
      .add(v[5], {.strength = 0.4F, .unit = steer::strength_unit::of_row_norm}, {.layers = {6}});
  recipe.transform(steer::diagonal_map{hadamard(9) * 1.1F, hadamard(11) * 0.1F}, {.share = 0.3F}, {.layers = {7}})
      .ablate(v[2], {.layers = {7}});
  steer::matrix<float> linear(width, width);
  for (Eigen::Index i = 0; i < width; ++i) {
    linear.row(i) = hadamard(static_cast<unsigned>(i)).transpose() / 37.0F;
  }
  recipe.transform(steer::dense_map{linear, hadamard(11) * 0.1F}, {.share = 0.3F}, {.layers = {8}, .norm = restored});
  steer::model_shape shape;
  shape.name = "same bits";
  shape.layers = layers;
  shape.width = width;
  shape.points = {steer::point::residual_out};
  shape.facts = {steer::row_fact::position, steer::row_fact::phase, steer::row_fact::prompt_length};
  const steer::basic_plan<double> plan(recipe, shape, {.instructions = set});
  source next;
  const std::ptrdiff_t count = 29;
  std::vector<steer::row_info> info(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < info.size(); ++i) {
    info[i].position = static_cast<std::int32_t>(i);
  }
  for (int layer = 0; layer < layers; ++layer) {
    auto h = next.numbers<double>(static_cast<std::size_t>(count * width));
    plan({layer, steer::point::residual_out}, {h.data(), count, width, width, info});
    digest bits;
    bits(h);
    std::printf("%s plan %d %016llx\n", std::string(to_string(set)).c_str(), layer, bits.value());
  }
}

}  // namespace

int main() {
  for (const instruction_set set : steer::instruction_sets()) {
    print_loops<float>(set, "float");
    print_loops<double>(set, "double");
    print_loops<Eigen::half>(set, "half");
    print_loops<Eigen::bfloat16>(set, "bfloat16");
    print_plans(set);
  }
}
