// Every element-wise operation, dtype and layout against the reference; accuracy and special values by themselves.
#include "caches.h"
#include "elementwise_cases.h"
#include "error.h"
#include "kernels.h"
#include "under_test.h"

namespace {

struct UnaryCase {
  int op;
  double p0, p1;
  bool integers;
};

const double kInf = std::numeric_limits<double>::infinity(), kNan = std::numeric_limits<double>::quiet_NaN();

const UnaryCase kUnary[] = {{TALUS_NEG, 0, 0, true},
                            {TALUS_ABS, 0, 0, true},
                            {TALUS_SIGN, 0, 0, true},
                            {TALUS_SQUARE, 0, 0, true},
                            {TALUS_EXP, 0, 0, false},
                            {TALUS_LOG, 0, 0, false},
                            {TALUS_LOG1P, 0, 0, false},
                            {TALUS_SQRT, 0, 0, false},
                            {TALUS_RSQRT, 0, 0, false},
                            {TALUS_RECIPROCAL, 0, 0, false},
                            {TALUS_SIN, 0, 0, false},
                            {TALUS_COS, 0, 0, false},
                            {TALUS_TANH, 0, 0, false},
                            {TALUS_SIGMOID, 0, 0, false},
                            {TALUS_RELU, 0, 0, true},
                            {TALUS_FLOOR, 0, 0, false},
                            {TALUS_CEIL, 0, 0, false},
                            {TALUS_ROUND, 0, 0, false},
                            {TALUS_ADD_SCALAR, 3, 0, true},
                            {TALUS_ADD_SCALAR, -1.25, 0, true},
                            {TALUS_ADD_SCALAR, 1e300, 0, true},
                            {TALUS_MUL_SCALAR, -7, 0, true},
                            {TALUS_MUL_SCALAR, -0.0, 0, true},
                            {TALUS_POW_SCALAR, 0.5, 0, false},
                            {TALUS_POW_SCALAR, -0.5, 0, false},
                            {TALUS_POW_SCALAR, 0, 0, false},
                            {TALUS_POW_SCALAR, 1, 0, false},
                            {TALUS_POW_SCALAR, 2, 0, false},
                            {TALUS_POW_SCALAR, 3, 0, false},
                            {TALUS_POW_SCALAR, -1, 0, false},
                            {TALUS_POW_SCALAR, -2, 0, false},
                            {TALUS_POW_SCALAR, 2.7, 0, false},
                            {TALUS_CLAMP, -2, 3, true},
                            {TALUS_CLAMP, 5, 2, true},
                            {TALUS_CLAMP, -kInf, 4, true},
                            {TALUS_CLAMP, 1, kInf, true},
                            {TALUS_CLAMP, kNan, 1, false},
                            {TALUS_LOGICAL_NOT, 0, 0, true},
                            {TALUS_IS_NAN, 0, 0, true},
                            {TALUS_IS_INF, 0, 0, true},
                            {TALUS_RSUB_SCALAR, 2, 0, true},
                            {TALUS_RDIV_SCALAR, 3, 0, false},
                            {TALUS_GELU, 0, 0, false},
                            {TALUS_GELU_TANH, 0, 0, false},
                            {TALUS_SILU, 0, 0, false},
                            {TALUS_LEAKY_RELU, 0.01, 0, false},
                            {TALUS_ELU, 1, 0, false},
                            {TALUS_ELU, 0.7, 0, false},
                            {TALUS_SOFTPLUS, 1, 20, false},
                            {TALUS_SOFTPLUS, 2, 5, false},
                            {TALUS_HARDSWISH, 0, 0, false},
                            {TALUS_SOFTPLUS_SLOPE, 1, 20, false},
                            {TALUS_SOFTPLUS_SLOPE, 2, 5, false},
                            {TALUS_HARDTANH_SLOPE, -1, 1, false},
                            {TALUS_HARDTANH_SLOPE, -0.5, 2.5, false}};

bool is_test(int op) { return op == TALUS_LOGICAL_NOT || op == TALUS_IS_NAN || op == TALUS_IS_INF; }

template <class T>
constexpr bool kFloat = std::is_floating_point<T>::value;

// Three units in the last place; less than half the least subnormal is rounding.
template <class T>
double tolerance() {
  if constexpr (kFloat<T>)
    return 3 * std::numeric_limits<T>::epsilon();
  else
    return 0;
}

template <class T, class Out>
void compare_unary(const UnaryCase& c, const Sizes& sizes, Layout out_layout, Layout x_layout) {
  check::Note note("op " + std::to_string(c.op) + " dtype " + std::to_string(dtype_of<T>()) + " p0 " +
                   std::to_string(c.p0) + " " + describe(sizes, {out_layout, x_layout}));
  const std::vector<Sizes> strides = {strides_of(sizes, out_layout), strides_of(sizes, x_layout)};
  const auto geometry = geometry_of<2>(sizes, strides);
  const std::vector<T> x = edge_values<T>(span_of(sizes, strides[1]), 5);
  Guarded<Out> actual(span_of(sizes, strides[0])), expected(span_of(sizes, strides[0]));
  under_test::unary(c.op, dtype_of<T>(), geometry, x.data(), c.p0, c.p1, actual.data());
  talus::ref::unary(c.op, dtype_of<T>(), geometry, x.data(), c.p0, c.p1, expected.data());
  // Where x^3 goes into an exponential, its rounding counts many times.
  const double scale = c.op == TALUS_GELU ? 2 : c.op == TALUS_GELU_TANH ? 24 : 1;
  check_same(actual, expected, scale * tolerance<T>(), 2e-45, "unary");
}

template <class T>
void unary_on(const UnaryCase& c, const Sizes& sizes, Layout out_layout, Layout x_layout) {
  if (is_test(c.op))
    compare_unary<T, uint8_t>(c, sizes, out_layout, x_layout);
  else
    compare_unary<T, T>(c, sizes, out_layout, x_layout);
}

template <class T, class Out>
void compare_binary(int op, double p0, const Sizes& sizes, Layout out_layout, Layout x_layout, Layout y_layout) {
  check::Note note("op " + std::to_string(op) + " dtype " + std::to_string(dtype_of<T>()) + " " +
                   describe(sizes, {out_layout, x_layout, y_layout}));
  const std::vector<Sizes> strides = {strides_of(sizes, out_layout), strides_of(sizes, x_layout),
                                      strides_of(sizes, y_layout)};
  const auto geometry = geometry_of<3>(sizes, strides);
  std::vector<T> x = edge_values<T>(span_of(sizes, strides[1]), 5), y = edge_values<T>(span_of(sizes, strides[2]), 8);
  // Their factor is a sum that cancels, with an exponential in it: exact beside the gradient only.
  const bool smooth = op == TALUS_GELU_BACKWARD || op == TALUS_GELU_TANH_BACKWARD || op == TALUS_SILU_BACKWARD;
  for (T& v : x)
    if (smooth && std::abs(static_cast<double>(v)) > 16) v = T(16);
  if (op == TALUS_FLOOR_DIVIDE || op == TALUS_REMAINDER)
    for (T& v : y)
      if (!kFloat<T> && v == T(0)) v = T(3);
  Guarded<Out> actual(span_of(sizes, strides[0])), expected(span_of(sizes, strides[0]));
  under_test::binary(op, dtype_of<T>(), geometry, x.data(), y.data(), p0, actual.data());
  talus::ref::binary(op, dtype_of<T>(), geometry, x.data(), y.data(), p0, expected.data());
  // A sum that cancels is as exact as its terms, which are below 64 but for the special values.
  const bool sum = op == TALUS_ADD || op == TALUS_SUB || op == TALUS_TANH_BACKWARD || op == TALUS_SIGMOID_BACKWARD ||
                   op == TALUS_HARDSWISH_BACKWARD;
  const double near = tolerance<T>() * (smooth ? 24 : 1);
  check_same(actual, expected, near, sum ? tolerance<T>() * 20 : smooth ? near * 2 : 2e-45, "binary");
}

template <class T>
void binary_on(int op, const Sizes& sizes, Layout out_layout, Layout x_layout, Layout y_layout) {
  const double p0 = op == TALUS_SUB ? 1 : kFloat<T> ? 0.3 : -3;
  if (op >= TALUS_EQ && op <= TALUS_LOGICAL_OR)
    compare_binary<T, uint8_t>(op, p0, sizes, out_layout, x_layout, y_layout);
  else
    compare_binary<T, T>(op, p0, sizes, out_layout, x_layout, y_layout);
}

bool has_binary(int op, int dtype) {
  if (dtype == TALUS_FLOAT32 || dtype == TALUS_FLOAT64) return true;
  const bool any = op == TALUS_MUL || (op >= TALUS_MAXIMUM && op <= TALUS_LOGICAL_OR);
  if (dtype == TALUS_BOOL) return any;
  return any || op == TALUS_ADD || op == TALUS_SUB || op == TALUS_SQUARED_DIFFERENCE || op == TALUS_FLOOR_DIVIDE ||
         op == TALUS_REMAINDER;
}

const Layout kOutputs[] = {Layout::Contiguous, Layout::Transposed, Layout::Padded};
const Layout kInputs[] = {Layout::Contiguous,    Layout::Transposed,     Layout::Padded, Layout::EverySecond,
                          Layout::BroadcastLast, Layout::BroadcastFirst, Layout::Scalar};

}  // namespace

TEST(unary_operations_on_all_dtypes) {
  for_each_isa([](const char*) {
    for (const UnaryCase& c : kUnary)
      for (int dtype = TALUS_FLOAT32; dtype < TALUS_BOOL; ++dtype) {
        if (dtype >= TALUS_INT64 && !c.integers) continue;
        talus::dispatch_number(dtype, "test", [&](auto type) {
          using T = typename decltype(type)::type;
          unary_on<T>(c, {600}, Layout::Contiguous, Layout::Contiguous);
          unary_on<T>(c, {5, 7}, Layout::Padded, Layout::Transposed);
          unary_on<T>(c, {9, 61}, Layout::Contiguous, Layout::Padded);
        });
      }
    compare_unary<talus::Bool, uint8_t>({TALUS_LOGICAL_NOT, 0, 0, true}, {77}, Layout::Contiguous, Layout::Contiguous);
  });
}

TEST(unary_layouts) {
  for_each_isa([](const char*) {
    for (const Sizes& sizes : odd_sizes())
      for (const Layout out : kOutputs)
        for (const Layout x : kInputs) {
          unary_on<float>({TALUS_EXP, 0, 0, false}, sizes, out, x);
          unary_on<int64_t>({TALUS_NEG, 0, 0, true}, sizes, out, x);
          unary_on<double>({TALUS_IS_NAN, 0, 0, true}, sizes, out, x);
        }
  });
}

TEST(binary_operations_on_all_dtypes) {
  for_each_isa([](const char*) {
    for (int op = TALUS_ADD; op <= TALUS_CLIPPED_RELU_BACKWARD; ++op)
      for (int dtype = TALUS_FLOAT32; dtype <= TALUS_BOOL; ++dtype) {
        if (!has_binary(op, dtype)) continue;
        talus::dispatch_any(dtype, "test", [&](auto type) {
          using T = typename decltype(type)::type;
          if constexpr (std::is_same<T, talus::Bool>::value) {
            // Bool runs the loops of uint8 on zeros and ones.
            compare_binary<T, uint8_t>(op, 1, {600}, Layout::Contiguous, Layout::Contiguous, Layout::Contiguous);
          } else {
            binary_on<T>(op, {600}, Layout::Contiguous, Layout::Contiguous, Layout::Contiguous);
            binary_on<T>(op, {601}, Layout::Contiguous, Layout::Scalar, Layout::Contiguous);
            binary_on<T>(op, {601}, Layout::Contiguous, Layout::Contiguous, Layout::Scalar);
            binary_on<T>(op, {9, 61}, Layout::Contiguous, Layout::Contiguous, Layout::BroadcastFirst);
            binary_on<T>(op, {5, 7}, Layout::Padded, Layout::Transposed, Layout::BroadcastLast);
          }
        });
      }
  });
}

TEST(binary_layouts) {
  for_each_isa([](const char*) {
    for (const Sizes& sizes : odd_sizes())
      for (const Layout out : kOutputs)
        for (const Layout x : kInputs)
          for (const Layout y : kInputs) {
            binary_on<float>(TALUS_MUL, sizes, out, x, y);
            binary_on<int32_t>(TALUS_LT, sizes, out, x, y);
          }
  });
}

// A thread's share begins in the middle of a row.
TEST(short_rows_with_one_for_all) {
  for_each_isa([](const char*) {
    for_each_thread_count([](int) {
      for (const Layout y : {Layout::BroadcastFirst, Layout::BroadcastLast})
        for (const Sizes& sizes : {Sizes{2001, 5}, Sizes{100, 101}})
          binary_on<double>(TALUS_POW, sizes, Layout::Contiguous, Layout::Contiguous, y);
    });
  });
}

TEST(where_layouts) {
  for_each_isa([](const char*) {
    for (const Sizes& sizes : odd_sizes())
      for (const Layout out : kOutputs)
        for (const Layout x : kInputs)
          for (const Layout condition : {Layout::Contiguous, Layout::BroadcastLast, Layout::Scalar}) {
            const std::vector<Sizes> strides = {strides_of(sizes, out), strides_of(sizes, condition),
                                                strides_of(sizes, x), strides_of(sizes, Layout::Contiguous)};
            const auto geometry = geometry_of<4>(sizes, strides);
            const auto c = edge_values<talus::Bool>(span_of(sizes, strides[1]), 3);
            const auto a = edge_values<double>(span_of(sizes, strides[2]), 4);
            const auto b = edge_values<double>(span_of(sizes, strides[3]), 9);
            Guarded<double> actual(span_of(sizes, strides[0])), expected(span_of(sizes, strides[0]));
            under_test::where(TALUS_FLOAT64, geometry, c.data(), a.data(), b.data(), actual.data());
            talus::ref::where(TALUS_FLOAT64, geometry, c.data(), a.data(), b.data(), expected.data());
            check_same(actual, expected, 0, 0, "where");
          }
  });
}

// Outputs of more than half the last-level cache go past the caches, from wherever in a line they begin.
TEST(large_outputs) {
  const talus::CachesForTest small({8 << 10, 16 << 10, 64 << 10});
  const int64_t n = 40007;
  const auto check = [&](auto type) {
    using T = decltype(type);
    const auto x = random_values<T>(n, 1), y = random_values<T>(n, 2);
    std::vector<T> sum(n), root(n), chosen(n);
    std::vector<uint8_t> less(n);
    const talus::Geometry<2> g2(n, 0, nullptr);
    const talus::Geometry<3> g3(n, 0, nullptr);
    const talus::Geometry<4> g4(n, 0, nullptr);
    const int dtype = dtype_of<T>();
    talus::ref::binary(TALUS_ADD, dtype, g3, x.data(), y.data(), 0.5, sum.data());
    talus::ref::unary(TALUS_ABS, dtype, g2, x.data(), 0, 0, root.data());
    talus::ref::binary(TALUS_LT, dtype, g3, x.data(), y.data(), 0, less.data());
    talus::ref::where(dtype, g4, less.data(), x.data(), y.data(), chosen.data());
    for_each_isa([&](const char*) {
      for_each_thread_count([&](int) {
        for (const int64_t offset : {0, 1, 5, 16}) {
          Guarded<T> out(n + offset);
          Guarded<uint8_t> answers(n + offset);
          under_test::binary(TALUS_ADD, dtype, g3, x.data(), y.data(), 0.5, out.data() + offset);
          CHECK_ALL_CLOSE(out.data() + offset, sum.data(), n, 1e-6, 1e-6, "sum");
          under_test::unary(TALUS_ABS, dtype, g2, x.data(), 0, 0, out.data() + offset);
          CHECK_ALL_CLOSE(out.data() + offset, root.data(), n, 0, 0, "unary");
          under_test::binary(TALUS_LT, dtype, g3, x.data(), y.data(), 0, answers.data() + offset);
          CHECK(std::equal(less.begin(), less.end(), answers.data() + offset));
          under_test::where(dtype, g4, less.data(), x.data(), y.data(), out.data() + offset);
          CHECK_ALL_CLOSE(out.data() + offset, chosen.data(), n, 0, 0, "where");
          CHECK(out.intact() && answers.intact());
        }
      });
    });
  };
  check(float{});
  check(double{});
}

TEST(in_place) {
  for_each_isa([](const char*) {
    for (const Layout layout : kOutputs) {
      const Sizes sizes = {37, 41}, strides = strides_of(sizes, layout);
      const int64_t n = span_of(sizes, strides);
      const auto x = random_values<float>(n, 1), y = random_values<float>(n, 2);
      Guarded<float> expected(n);
      std::memcpy(expected.data(), x.data(), static_cast<size_t>(n) * sizeof(float));
      const auto geometry = geometry_of<3>(sizes, {strides, strides, strides});
      talus::ref::binary(TALUS_SUB, TALUS_FLOAT32, geometry, x.data(), y.data(), 1, expected.data());
      Guarded<float> left(n), right(n);
      std::memcpy(left.data(), x.data(), static_cast<size_t>(n) * sizeof(float));
      under_test::binary(TALUS_SUB, TALUS_FLOAT32, geometry, left.data(), y.data(), 1, left.data());
      check_same(left, expected, 1e-6, 1e-6, "out is x");
      std::memcpy(right.data(), y.data(), static_cast<size_t>(n) * sizeof(float));
      std::memcpy(expected.data(), y.data(), static_cast<size_t>(n) * sizeof(float));
      talus::ref::binary(TALUS_SUB, TALUS_FLOAT32, geometry, x.data(), y.data(), 1, expected.data());
      under_test::binary(TALUS_SUB, TALUS_FLOAT32, geometry, x.data(), right.data(), 1, right.data());
      check_same(right, expected, 1e-6, 1e-6, "out is y");
    }
  });
}

TEST(results_do_not_depend_on_threads) {
  for_each_isa([](const char*) {
    const int64_t n = 200003;
    const auto x = random_values<float>(n, 1), y = random_values<float>(n, 2);
    for (const int op : {TALUS_EXP, TALUS_TANH, TALUS_SIN, TALUS_SQRT}) {
      Guarded<float> first(n);
      for_each_thread_count([&](int threads) {
        Guarded<float> out(n);
        under_test::unary(op, TALUS_FLOAT32, talus::Geometry<2>(n, 0, nullptr), x.data(), 0, 0, out.data());
        if (threads == 1) std::memcpy(first.data(), out.data(), static_cast<size_t>(n) * sizeof(float));
        check_identical(out, first);
      });
    }
    Guarded<float> first(n);
    for_each_thread_count([&](int threads) {
      Guarded<float> out(n);
      under_test::binary(TALUS_ADD, TALUS_FLOAT32, talus::Geometry<3>(n, 0, nullptr), x.data(), y.data(), 0.3,
                         out.data());
      if (threads == 1) std::memcpy(first.data(), out.data(), static_cast<size_t>(n) * sizeof(float));
      check_identical(out, first);
    });
  });
}

TEST(errors_name_the_operation) {
  const int64_t x[] = {1, 2, 3}, y[] = {1, 0, 2};
  int64_t out[3];
  const talus::Geometry<3> g3(3, 0, nullptr);
  const talus::Geometry<2> g2(3, 0, nullptr);
  CHECK_FAILS(under_test::binary(TALUS_FLOOR_DIVIDE, TALUS_INT64, g3, x, y, 0, out), "ZeroDivisionError");
  CHECK_FAILS(under_test::binary(TALUS_REMAINDER, TALUS_INT64, g3, x, y, 0, out), "divided by zero");
  CHECK_FAILS(under_test::binary(TALUS_DIV, TALUS_INT64, g3, x, y, 0, out), "binary: operation 3");
  CHECK_FAILS(under_test::unary(TALUS_EXP, TALUS_INT64, g2, x, 0, 0, out), "unary: operation 4");
}

TEST(integer_alpha_is_exact) {
  const int64_t x = 7, y = 9007199254740993;  // 2^53 + 1
  int64_t out;
  under_test::binary(TALUS_ADD, TALUS_INT64, talus::Geometry<3>(1, 0, nullptr), &x, &y, 1, &out);
  CHECK(out == y + 7);
}

// What is no number is not outside of the bounds, in full registers as in what is left over.
template <class T>
void check_bounded_gradients(T low, T high) {
  const T infinity = std::numeric_limits<T>::infinity(), nan = std::numeric_limits<T>::quiet_NaN();
  const T inside = (low + high) / 2;
  const std::vector<T> values = {nan, low, inside, high, infinity, nan, low - 1, -infinity, high + 1};
  const std::vector<T> slopes = {1, 0, 1, 0, 0, 1, 0, 0, 0};
  constexpr size_t kCount = 77;
  std::vector<T> x(kCount), grad(kCount), slope(kCount), grad_x(kCount);
  for (size_t i = 0; i < kCount; ++i) {
    x[i] = values[i % values.size()];
    grad[i] = slopes[i % values.size()] == 0 ? infinity : T(i + 1);
  }
  under_test::unary(TALUS_HARDTANH_SLOPE, dtype_of<T>(), talus::Geometry<2>(kCount, 0, nullptr), x.data(), low, high,
                    slope.data());
  if (low == 0) {
    under_test::binary(TALUS_CLIPPED_RELU_BACKWARD, dtype_of<T>(), talus::Geometry<3>(kCount, 0, nullptr), grad.data(),
                       x.data(), high, grad_x.data());
  }
  for (size_t i = 0; i < kCount; ++i) {
    const T want = slopes[i % values.size()];
    check::Note note("element " + std::to_string(i) + " at " + std::to_string(x[i]));
    CHECK(slope[i] == want);
    if (low == 0) {
      CHECK(grad_x[i] == (want == 0 ? 0 : grad[i]));
    }
  }
}

TEST(gradients_between_bounds) {
  for_each_isa([](const char*) {
    check_bounded_gradients<float>(-1, 1);
    check_bounded_gradients<float>(0, 6);
    check_bounded_gradients<double>(-1, 1);
    check_bounded_gradients<double>(0, 6);
  });
}

// How far y lies from `want`, in units in the last place of that rounded; NaN, infinities and the sign of zero must be
// right.
template <class T>
double ulps(T y, long double want) {
  const T rounded = static_cast<T>(want), magnitude = std::fabs(rounded);
  if (std::isnan(rounded)) return std::isnan(y) ? 0 : kInf;
  if (std::isinf(rounded) || std::isinf(y)) return y == rounded ? 0 : kInf;
  if (y == 0 && rounded == 0) return std::signbit(y) == std::signbit(rounded) ? 0 : kInf;
  const T next = std::nextafter(magnitude, std::numeric_limits<T>::infinity());
  const T ulp = std::isinf(next) ? magnitude - std::nextafter(magnitude, T(0)) : next - magnitude;
  return static_cast<double>(std::fabs(y - want) / static_cast<long double>(ulp));
}

// Both signs of every power of two and some numbers above it, and what is no number.
template <class T>
std::vector<T> values_of_all_sizes(int step) {
  using Limits = std::numeric_limits<T>;
  std::vector<T> values = {Limits::quiet_NaN(),
                           Limits::infinity(),
                           -Limits::infinity(),
                           T(0),
                           -T(0),
                           Limits::max(),
                           Limits::lowest(),
                           T(1),
                           T(-1)};
  for (int e = Limits::min_exponent - Limits::digits; e < Limits::max_exponent; e += step)
    for (const double m : {1.0, 1.0 + Limits::epsilon(), 1.2345678901234567, 1.5707963267948966, 1.9999999})
      for (const double sign : {1.0, -1.0}) values.push_back(static_cast<T>(std::ldexp(sign * m, e)));
  return values;
}

template <class T>
void check_all_sizes(int op, double bound, long double (*exact)(long double)) {
  const std::vector<T> x = values_of_all_sizes<T>(1);
  std::vector<T> y(x.size());
  const auto n = static_cast<int64_t>(x.size());
  talus::cpu::unary(op, dtype_of<T>(), talus::Geometry<2>(n, 0, nullptr), x.data(), 0, 0, y.data());
  for (size_t i = 0; i < x.size(); ++i) {
    const double error = ulps<T>(y[i], exact(x[i]));
    if (error <= bound) continue;
    check::Note note("op " + std::to_string(op) + " of " + std::to_string(x[i]) + " is " + std::to_string(y[i]) +
                     ", wrong by " + std::to_string(error) + " ulp");
    CHECK(error <= bound);
  }
}

// Of each value with each.
template <class T>
void check_pairs(int op, double bound, int step, T (*exact)(T, T)) {
  const std::vector<T> values = values_of_all_sizes<T>(step), random = random_values<T>(60, 3);
  std::vector<T> x, y;
  const auto add = [&](T a, T b) {
    x.push_back(a);
    y.push_back(b);
  };
  for (const T a : values)
    for (const T b : values) add(a, b);
  for (const T a : random)
    for (const T b : random) {
      add(a * 100, b * 3);
      add(std::round(a * 100), std::round(b * 10));
      add(std::round(a * 10) * b, b);
    }
  std::vector<T> out(x.size());
  const auto n = static_cast<int64_t>(x.size());
  talus::cpu::binary(op, dtype_of<T>(), talus::Geometry<3>(n, 0, nullptr), x.data(), y.data(), 0, out.data());
  for (size_t i = 0; i < x.size(); ++i) {
    const T want = exact(x[i], y[i]);
    const double error = ulps<T>(out[i], want);
    if (error <= bound) continue;
    check::Note note("op " + std::to_string(op) + " of " + std::to_string(x[i]) + " and " + std::to_string(y[i]) +
                     " is " + std::to_string(out[i]) + ", expected " + std::to_string(want));
    CHECK(error <= bound);
  }
}

// Python's remainder, rounded once.
template <class T>
T remainder_of(T x, T y) {
  const T r = std::fmod(x, y);
  return r != 0 && (r < 0) != (y < 0) ? r + y : r;
}

template <class T>
T floor_quotient_of(T x, T y) {
  if (y == 0) return x / y;
  const long double r = std::fmod(static_cast<long double>(x), static_cast<long double>(y));
  const long double down = r != 0 && (r < 0) != (y < 0) ? 1 : 0;
  const T quotient = static_cast<T>(std::nearbyint((x - r) / y) - down);
  return quotient == 0 ? std::copysign(T(0), x / y) : quotient;
}

TEST(powers_and_division_of_all_sizes) {
  for_each_isa([](const char*) {
    check_pairs<float>(TALUS_POW, 1, 5, [](float x, float y) {
      return static_cast<float>(std::pow(static_cast<long double>(x), static_cast<long double>(y)));
    });
    check_pairs<double>(TALUS_POW, 1, 41, [](double x, double y) { return std::pow(x, y); });
    check_pairs<float>(TALUS_REMAINDER, 0, 5, remainder_of<float>);
    check_pairs<double>(TALUS_REMAINDER, 0, 41, remainder_of<double>);
    check_pairs<float>(TALUS_FLOOR_DIVIDE, 1, 5, floor_quotient_of<float>);
    check_pairs<double>(TALUS_FLOOR_DIVIDE, 1, 41, floor_quotient_of<double>);
  });
}

TEST(functions_of_all_sizes) {
  for_each_isa([](const char*) {
    check_all_sizes<float>(TALUS_SIN, 1.8, std::sin);
    check_all_sizes<double>(TALUS_SIN, 2.2, std::sin);
    check_all_sizes<float>(TALUS_COS, 1.8, std::cos);
    check_all_sizes<double>(TALUS_COS, 2.2, std::cos);
    check_all_sizes<float>(TALUS_LOG1P, 1, std::log1p);
    check_all_sizes<double>(TALUS_LOG1P, 1, std::log1p);
    check_all_sizes<float>(TALUS_LOG, 1, std::log);
    check_all_sizes<double>(TALUS_LOG, 1, std::log);
    check_all_sizes<float>(TALUS_EXP, 1.1, std::exp);
    check_all_sizes<double>(TALUS_EXP, 1.1, std::exp);
    const auto sigmoid = [](long double x) { return 1 / (1 + std::exp(-x)); };
    check_all_sizes<float>(TALUS_SIGMOID, 2.5, sigmoid);
    check_all_sizes<double>(TALUS_SIGMOID, 2.5, sigmoid);
  });
}

// The bounds that vec_math.h and trig_math.h promise, in units in the last place of the correctly rounded result.
template <class T>
void check_accuracy(int op, double low, double high, double bound, long double (*exact)(long double)) {
  const int64_t n = 20000;
  std::vector<T> x(n), y(n);
  for (int64_t i = 0; i < n; ++i) x[size_t(i)] = static_cast<T>(low + (high - low) * double(i) / n);
  under_test::unary(op, dtype_of<T>(), talus::Geometry<2>(n, 0, nullptr), x.data(), 0, 0, y.data());
  double worst = 0;
  for (size_t i = 0; i < x.size(); ++i) worst = std::fmax(worst, ulps<T>(y[i], exact(x[i])));
  check::Note note("op " + std::to_string(op) + " worst error in ulp " + std::to_string(worst));
  CHECK(worst <= bound);
}

TEST(accuracy_of_the_vectorised_functions) {
  for_each_isa([](const char*) {
    const auto sigmoid = [](long double x) { return 1 / (1 + std::exp(-x)); };
    check_accuracy<float>(TALUS_EXP, -87, 88.7, 1.1, std::exp);
    check_accuracy<double>(TALUS_EXP, -708, 709.7, 1.1, std::exp);
    check_accuracy<float>(TALUS_LOG, 1e-4, 9, 0.9, std::log);
    check_accuracy<double>(TALUS_LOG, 1e-4, 9, 0.9, std::log);
    check_accuracy<float>(TALUS_LOG1P, -0.9999, 9, 0.9, std::log1p);
    check_accuracy<double>(TALUS_LOG1P, -0.9999, 9, 0.9, std::log1p);
    for (const double range : {7.0, 1e3, 1.1e6}) {
      check_accuracy<float>(TALUS_SIN, -range, range, 1.8, std::sin);
      check_accuracy<double>(TALUS_SIN, -range, range, 2.2, std::sin);
      check_accuracy<float>(TALUS_COS, -range, range, 1.8, std::cos);
      check_accuracy<double>(TALUS_COS, -range, range, 2.2, std::cos);
    }
    check_accuracy<float>(TALUS_TANH, -10, 10, 2.6, std::tanh);
    check_accuracy<double>(TALUS_TANH, -20, 20, 2.6, std::tanh);
    check_accuracy<float>(TALUS_SIGMOID, -103, 30, 2.5, sigmoid);
    check_accuracy<double>(TALUS_SIGMOID, -744, 40, 2.5, sigmoid);
    const auto gelu = [](long double x) { return x * std::erfc(-x / std::sqrt(2.0L)) / 2; };
    const auto silu = [](long double x) { return x / (1 + std::exp(-x)); };
    // At most 5.8 and 5.4 where multiplications and additions are fused as the release build does.
    check_accuracy<float>(TALUS_GELU, -12.5, 14, 8, gelu);
    check_accuracy<double>(TALUS_GELU, -36.5, 9, 9, gelu);
    check_accuracy<float>(TALUS_SILU, -80, 30, 3.5, silu);
    check_accuracy<double>(TALUS_SILU, -700, 40, 3.5, silu);
  });
}

// Where the tail of the normal distribution leaves the normal numbers gelu may lose its digits, but nothing else.
template <class T>
void check_gelu_at_ends(double from, double to) {
  const T infinity = std::numeric_limits<T>::infinity(), nan = std::numeric_limits<T>::quiet_NaN();
  const T smallest = std::numeric_limits<T>::denorm_min(), normal = std::numeric_limits<T>::min();
  const T greatest = std::numeric_limits<T>::max();
  std::vector<T> x = {T(0), T(-0.0), infinity, -infinity, nan, -nan, smallest, -smallest, greatest, -greatest, T(1)};
  for (int i = 0; i <= 4000; ++i)
    for (const double sign : {-1.0, 1.0}) x.push_back(static_cast<T>(sign * (from + (to - from) * i / 4000)));
  std::vector<T> y(x.size());
  under_test::unary(TALUS_GELU, dtype_of<T>(), talus::Geometry<2>(int64_t(x.size()), 0, nullptr), x.data(), 0, 0,
                    y.data());
  for (size_t i = 0; i < x.size(); ++i) {
    check::Note note("gelu of " + std::to_string(x[i]) + " is " + std::to_string(y[i]));
    if (std::isnan(x[i]) || x[i] == -infinity) {
      CHECK(std::isnan(y[i]));
    } else if (x[i] > T(from)) {
      CHECK(y[i] == x[i]);
    } else {
      CHECK(std::signbit(y[i]) == std::signbit(x[i]));
      const long double wide = x[i], exact = wide * std::erfc(-wide / std::sqrt(2.0L)) / 2;
      const long double bound = wide < -1 ? 4 * static_cast<long double>(normal) : std::abs(exact) / 1000000 + smallest;
      CHECK(std::abs(y[i] - exact) <= bound);
    }
  }
}

TEST(gelu_at_its_ends) {
  for_each_isa([](const char*) {
    check_gelu_at_ends<float>(12.9, 14);
    check_gelu_at_ends<double>(37, 39);
  });
}
