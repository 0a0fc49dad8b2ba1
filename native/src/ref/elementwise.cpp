// Element-wise operations, one element and one switch at a time. Floating results are computed in long double, integers
// in 128 bits, and both are rounded or wrapped to the dtype at the end.
#include <cmath>
#include <type_traits>

#include "dtype.h"
#include "kernels.h"
#include "ref/elementwise_walk.h"

namespace talus::ref {

namespace {

using Real = long double;
__extension__ using Whole = __int128;

Real normal_cdf(Real x) { return std::erfc(-x / std::sqrt(Real(2))) / 2; }

Real sigmoid(Real x) { return 1 / (1 + std::exp(-x)); }

// (1 + tanh(u)) / 2 is sigmoid(2u).
Real gelu_argument(Real x) { return 2 * std::sqrt(2 / std::acos(Real(-1))) * (x + Real(0.044715L) * x * x * x); }

Real gelu_slope(Real x) { return 2 * std::sqrt(2 / std::acos(Real(-1))) * (1 + 3 * Real(0.044715L) * x * x); }

Real floating_unary(int op, Real x, Real p0, Real p1) {
  switch (op) {
    case TALUS_NEG:
      return -x;
    case TALUS_ABS:
      return std::fabs(x);
    case TALUS_SIGN:
      return x > 0 ? 1 : x < 0 ? -1 : 0;
    case TALUS_SQUARE:
      return x * x;
    case TALUS_EXP:
      return std::exp(x);
    case TALUS_LOG:
      return std::log(x);
    case TALUS_LOG1P:
      return std::log1p(x);
    case TALUS_SQRT:
      return std::sqrt(x);
    case TALUS_RSQRT:
      return 1 / std::sqrt(x);
    case TALUS_RECIPROCAL:
      return 1 / x;
    case TALUS_SIN:
      return std::sin(x);
    case TALUS_COS:
      return std::cos(x);
    case TALUS_TANH:
      return std::tanh(x);
    case TALUS_SIGMOID:
      return 1 / (1 + std::exp(-x));
    case TALUS_RELU:
      return std::isnan(x) ? x : std::fmax(x, Real(0));
    case TALUS_FLOOR:
      return std::floor(x);
    case TALUS_CEIL:
      return std::ceil(x);
    case TALUS_ROUND:
      return std::nearbyint(x);
    case TALUS_ADD_SCALAR:
      return x + p0;
    case TALUS_MUL_SCALAR:
      return x * p0;
    case TALUS_POW_SCALAR:
      return p0 == 0.5L ? std::sqrt(x) : p0 == -0.5L ? 1 / std::sqrt(x) : std::pow(x, p0);
    case TALUS_CLAMP:
      if (std::isnan(x) || std::isnan(p0) || std::isnan(p1)) return NAN;
      return std::fmin(std::fmax(x, p0), p1);
    case TALUS_RSUB_SCALAR:
      return p0 - x;
    case TALUS_RDIV_SCALAR:
      return p0 / x;
    case TALUS_GELU:
      return x * normal_cdf(x);
    case TALUS_GELU_TANH:
      return x * sigmoid(gelu_argument(x));
    case TALUS_SILU:
      return x * sigmoid(x);
    case TALUS_LEAKY_RELU:
      return x > 0 ? x : x * p0;
    case TALUS_ELU:
      return x > 0 ? x : p0 * std::expm1(x);
    case TALUS_SOFTPLUS:
      return x * p0 > p1 ? x : std::log1p(std::exp(x * p0)) / p0;
    case TALUS_SOFTPLUS_SLOPE:
      return x * p0 > p1 ? 1 : sigmoid(x * p0);
    case TALUS_HARDTANH_SLOPE:
      return x <= p0 || x >= p1 ? 0 : 1;
    case TALUS_HARDSWISH:
      return std::isnan(x) ? x : x * (std::fmin(std::fmax(x + 3, Real(0)), Real(6)) / 6);
    default:
      fail(TALUS_UNSUPPORTED, "unary: no operation %d", op);
  }
}

Whole integer_unary(int op, Whole x, double p0, double p1) {
  const auto bound = [](double p) {
    return p <= -9.3e18 ? Whole(INT64_MIN) : p >= 9.2e18 ? Whole(INT64_MAX) : Whole(p);
  };
  switch (op) {
    case TALUS_NEG:
      return -x;
    case TALUS_ABS:
      return x < 0 ? -x : x;
    case TALUS_SIGN:
      return (x > 0) - (x < 0);
    case TALUS_SQUARE:
      return x * x;
    case TALUS_RELU:
      return x > 0 ? x : 0;
    case TALUS_ADD_SCALAR:
      return x + bound(p0);
    case TALUS_MUL_SCALAR:
      return x * bound(p0);
    case TALUS_CLAMP:
      return (x < bound(p0) ? bound(p0) : x) > bound(p1) ? bound(p1) : x < bound(p0) ? bound(p0) : x;
    case TALUS_RSUB_SCALAR:
      return bound(p0) - x;
    default:
      fail(TALUS_UNSUPPORTED, "unary: no operation %d for integers", op);
  }
}

Real floating_floor_divide(Real x, Real y) {
  if (y == 0) return x / y;
  Real remainder = std::fmod(x, y), quotient = (x - remainder) / y;
  if (remainder != 0 && (y < 0) != (remainder < 0)) quotient -= 1;
  return quotient == 0 ? std::copysign(Real(0), x / y) : std::nearbyint(quotient);
}

Real floating_binary(int op, Real x, Real y, Real p0) {
  switch (op) {
    case TALUS_ADD:
      return x + p0 * y;
    case TALUS_SUB:
      return x - p0 * y;
    case TALUS_MUL:
      return x * y;
    case TALUS_DIV:
      return x / y;
    case TALUS_POW:
      return std::pow(x, y);
    case TALUS_MAXIMUM:
      return std::isnan(x) || std::isnan(y) ? NAN : std::fmax(x, y);
    case TALUS_MINIMUM:
      return std::isnan(x) || std::isnan(y) ? NAN : std::fmin(x, y);
    case TALUS_SQUARED_DIFFERENCE:
      return (x - y) * (x - y);
    case TALUS_RELU_BACKWARD:
      return y <= 0 ? 0 : x;
    case TALUS_SIGMOID_BACKWARD:
      return x * y * (1 - y);
    case TALUS_TANH_BACKWARD:
      return x * (1 - y * y);
    case TALUS_GELU_BACKWARD:
      return x * (normal_cdf(y) + y * std::exp(-y * y / 2) / std::sqrt(2 * std::acos(Real(-1))));
    case TALUS_GELU_TANH_BACKWARD: {
      const Real s = sigmoid(gelu_argument(y)), complement = sigmoid(-gelu_argument(y));
      const Real change = s * complement == 0 ? 0 : s * complement * gelu_slope(y);
      return x * (s + y * change);
    }
    case TALUS_SILU_BACKWARD:
      return x * (sigmoid(y) * (1 + y * sigmoid(-y)));
    case TALUS_LEAKY_RELU_BACKWARD:
      return y > 0 ? x : x * p0;
    case TALUS_ELU_BACKWARD:
      return y > 0 ? x : x * (p0 * std::exp(y));
    case TALUS_HARDSWISH_BACKWARD:
      return y <= -3 ? 0 : y >= 3 ? x : x * (y / 3 + Real(0.5));
    case TALUS_CLIPPED_RELU_BACKWARD:
      return y <= 0 || y >= p0 ? 0 : x;
    case TALUS_FLOOR_DIVIDE:
      return floating_floor_divide(x, y);
    case TALUS_REMAINDER: {
      const Real r = std::fmod(x, y);
      return r != 0 && (r < 0) != (y < 0) ? r + y : r;
    }
    default:
      fail(TALUS_UNSUPPORTED, "binary: no operation %d", op);
  }
}

Whole integer_binary(int op, Whole x, Whole y, Whole p0) {
  if ((op == TALUS_FLOOR_DIVIDE || op == TALUS_REMAINDER) && y == 0) fail(TALUS_INVALID_ARGUMENT, "ZeroDivisionError");
  switch (op) {
    case TALUS_ADD:
      return x + p0 * y;
    case TALUS_SUB:
      return x - p0 * y;
    case TALUS_MUL:
      return x * y;
    case TALUS_MAXIMUM:
      return x > y ? x : y;
    case TALUS_MINIMUM:
      return x < y ? x : y;
    case TALUS_SQUARED_DIFFERENCE:
      return Whole(int64_t(uint64_t(x) - uint64_t(y))) * int64_t(uint64_t(x) - uint64_t(y));
    case TALUS_FLOOR_DIVIDE:
      return x / y - (x % y != 0 && (x < 0) != (y < 0) ? 1 : 0);
    case TALUS_REMAINDER:
      return (x % y + y) % y;
    default:
      fail(TALUS_UNSUPPORTED, "binary: no operation %d for integers", op);
  }
}

template <class T>
bool test_unary(int op, T x) {
  if constexpr (std::is_floating_point<T>::value) {
    if (op == TALUS_IS_NAN) return std::isnan(x);
    if (op == TALUS_IS_INF) return std::isinf(x);
  } else if (op != TALUS_LOGICAL_NOT) {
    return false;
  }
  return x == 0;
}

template <class T>
bool test_binary(int op, T x, T y) {
  switch (op) {
    case TALUS_EQ:
      return x == y;
    case TALUS_NE:
      return x != y;
    case TALUS_LT:
      return x < y;
    case TALUS_LE:
      return x <= y;
    case TALUS_GT:
      return x > y;
    case TALUS_GE:
      return x >= y;
    case TALUS_LOGICAL_AND:
      return x != 0 && y != 0;
    default:
      return x != 0 || y != 0;
  }
}

// Bool as uint8: the operations it has give 0 or 1.
template <class F>
void dispatch_bytes(int dtype, const char* what, F&& f) {
  dispatch_number(dtype == TALUS_BOOL ? int{TALUS_UINT8} : dtype, what, f);
}

}  // namespace

void unary(int op, int dtype, const Geometry<2>& g, const void* x, double p0, double p1, void* out) {
  const bool test = op == TALUS_LOGICAL_NOT || op == TALUS_IS_NAN || op == TALUS_IS_INF;
  dispatch_bytes(dtype, "unary", [&](auto type) {
    using T = typename decltype(type)::type;
    for (int64_t i = 0; i < g.n; ++i) {
      const T value = static_cast<const T*>(x)[offset_of(g, 1, i)];
      const int64_t to = offset_of(g, 0, i);
      if (test)
        static_cast<uint8_t*>(out)[to] = test_unary<T>(op, value);
      else if constexpr (std::is_floating_point<T>::value)
        static_cast<T*>(out)[to] = T(floating_unary(op, value, T(p0), T(p1)));
      else
        static_cast<T*>(out)[to] = T(integer_unary(op, value, p0, p1));
    }
  });
}

void binary(int op, int dtype, const Geometry<3>& g, const void* x, const void* y, double p0, void* out) {
  const bool test = op >= TALUS_EQ && op <= TALUS_LOGICAL_OR;
  dispatch_bytes(dtype, "binary", [&](auto type) {
    using T = typename decltype(type)::type;
    for (int64_t i = 0; i < g.n; ++i) {
      const T a = static_cast<const T*>(x)[offset_of(g, 1, i)], b = static_cast<const T*>(y)[offset_of(g, 2, i)];
      const int64_t to = offset_of(g, 0, i);
      if (test)
        static_cast<uint8_t*>(out)[to] = test_binary<T>(op, a, b);
      else if constexpr (std::is_floating_point<T>::value)
        static_cast<T*>(out)[to] = T(floating_binary(op, a, b, T(p0)));
      else
        static_cast<T*>(out)[to] = T(integer_binary(op, a, b, Whole(p0)));
    }
  });
}

void where(int dtype, const Geometry<4>& g, const void* c, const void* x, const void* y, void* out) {
  dispatch_any(dtype, "where", [&](auto type) {
    using T = typename decltype(type)::type;
    for (int64_t i = 0; i < g.n; ++i)
      static_cast<T*>(out)[offset_of(g, 0, i)] = static_cast<const uint8_t*>(c)[offset_of(g, 1, i)] != 0
                                                     ? static_cast<const T*>(x)[offset_of(g, 2, i)]
                                                     : static_cast<const T*>(y)[offset_of(g, 3, i)];
  });
}

}  // namespace talus::ref
