// Element-wise kernels, copies and fills.
#include "cases.h"
#include "kernels.h"

namespace bench {

namespace {

using talus::Geometry;

Case unary_case(const char* name, int op, int64_t n) {
  Case c;
  c.family = "element-wise";
  c.label = std::string(name) + " " + std::to_string(n);
  c.torch = torch_work(name, n);
  c.of_ceiling = kBandwidthTarget;
  c.make = [=] {
    Problem p;
    p.input(n), p.output(n);
    p.kernel(talus::cuda::unary, talus::ref::unary, [=](auto unary, const Addresses& at) {
      unary(op, TALUS_FLOAT32, Geometry<2>(n, 0, nullptr), at[0], 0, 0, at[1]);
    });
    p.count_operands();
    return p;
  };
  return c;
}

Case binary_case(const char* name, int op, int64_t n) {
  Case c;
  c.family = "element-wise";
  c.label = std::string(name) + " " + std::to_string(n);
  c.torch = torch_work(name, n);
  c.of_ceiling = kBandwidthTarget;
  c.make = [=] {
    Problem p;
    p.input(n), p.input(n), p.output(n);
    p.kernel(talus::cuda::binary, talus::ref::binary, [=](auto binary, const Addresses& at) {
      binary(op, TALUS_FLOAT32, Geometry<3>(n, 0, nullptr), at[0], at[1], 1, at[2]);
    });
    p.count_operands();
    return p;
  };
  return c;
}

// x [rows, cols] plus a row.
Case broadcast_case(int64_t rows, int64_t cols) {
  Case c;
  c.family = "element-wise";
  c.label = "add a row to " + std::to_string(rows) + "x" + std::to_string(cols);
  c.torch = torch_work("add_row", rows, cols);
  c.of_ceiling = kBandwidthTarget;
  c.make = [=] {
    Problem p;
    p.input(rows * cols), p.input(cols), p.output(rows * cols);
    p.kernel(talus::cuda::binary, talus::ref::binary, [=](auto binary, const Addresses& at) {
      const int64_t geometry[] = {rows, cols, cols, 1, cols, 1, 0, 1};
      binary(TALUS_ADD, TALUS_FLOAT32, Geometry<3>(0, 2, geometry), at[0], at[1], 1, at[2]);
    });
    p.count_operands();
    return p;
  };
  return c;
}

Case copy_case(bool transposed, int64_t rows, int64_t cols) {
  Case c;
  c.family = "element-wise";
  c.label = std::string(transposed ? "copy transposed " : "copy ") + std::to_string(rows) + "x" + std::to_string(cols);
  c.torch = torch_work(transposed ? "copy_transposed" : "copy", rows, cols);
  c.of_ceiling = kBandwidthTarget;
  c.make = [=] {
    Problem p;
    p.input(rows * cols), p.output(rows * cols);
    p.kernel(talus::cuda::copy, talus::ref::copy, [=](auto copy, const Addresses& at) {
      const int64_t straight[] = {rows, cols, cols, 1, cols, 1}, across[] = {cols, rows, rows, 1, 1, cols};
      copy(TALUS_FLOAT32, TALUS_FLOAT32, Geometry<2>(0, 2, transposed ? across : straight), at[0], at[1]);
    });
    p.count_operands();
    return p;
  };
  return c;
}

Case dropout_case(int64_t n) {
  Case c;
  c.family = "element-wise";
  c.label = "dropout by a mask " + std::to_string(n);
  c.torch = torch_work("dropout_mask", n);
  c.of_ceiling = kBandwidthTarget;
  c.make = [=] {
    Problem p;
    p.input(n), p.bytes(n, 2), p.output(n);
    p.kernel(talus::cuda::dropout, talus::ref::dropout, [=](auto dropout, const Addresses& at) {
      dropout(TALUS_FLOAT32, n, 1, at[0], static_cast<const uint8_t*>(at[1]), 0.5, at[2]);
    });
    p.count_operands();
    return p;
  };
  return c;
}

Case where_case(int64_t n) {
  Case c;
  c.family = "element-wise";
  c.label = "where " + std::to_string(n);
  c.torch = torch_work("where", n);
  c.of_ceiling = kBandwidthTarget;
  c.make = [=] {
    Problem p;
    p.bytes(n, 2), p.input(n), p.input(n), p.output(n);
    p.kernel(talus::cuda::where, talus::ref::where, [=](auto where, const Addresses& at) {
      where(TALUS_FLOAT32, Geometry<4>(n, 0, nullptr), at[0], at[1], at[2], at[3]);
    });
    p.count_operands();
    return p;
  };
  return c;
}

// One value everywhere, or numbers half a step apart.
Case made_case(bool numbers, int64_t n) {
  Case c;
  c.family = "element-wise";
  c.label = (numbers ? "arange " : "fill ") + std::to_string(n);
  c.torch = torch_work(numbers ? "arange" : "fill", n);
  c.of_ceiling = kBandwidthTarget;
  c.make = [=] {
    Problem p;
    p.output(n);
    if (numbers)
      p.kernel(talus::cuda::arange, talus::ref::arange,
               [=](auto arange, const Addresses& at) { arange(TALUS_FLOAT32, n, 0, 0.5, at[0]); });
    else
      p.kernel(talus::cuda::fill, talus::ref::fill,
               [=](auto fill, const Addresses& at) { fill(TALUS_FLOAT32, Geometry<1>(n, 0, nullptr), 0.5, 0, at[0]); });
    p.count_operands();
    return p;
  };
  return c;
}

}  // namespace

std::vector<Case> map_cases(bool small) {
  const int64_t n = small ? 3001 : int64_t{1} << 26, rows = small ? 37 : 8192, cols = small ? 41 : 8192;
  return {unary_case("relu", TALUS_RELU, n),
          unary_case("gelu", TALUS_GELU, n),
          unary_case("exp", TALUS_EXP, n),
          unary_case("tanh", TALUS_TANH, n),
          binary_case("add", TALUS_ADD, n),
          binary_case("mul", TALUS_MUL, n),
          binary_case("relu_backward", TALUS_RELU_BACKWARD, n),
          binary_case("gelu_backward", TALUS_GELU_BACKWARD, n),
          broadcast_case(rows, cols),
          copy_case(false, rows, cols),
          copy_case(true, rows, cols),
          dropout_case(n),
          where_case(n),
          made_case(false, n),
          made_case(true, n)};
}

}  // namespace bench
