// What every element-wise operation computes, written once for all devices.
//
// This header is compiled several times with different instruction sets, so nothing in it may be an ordinary inline
// function: everything lives in the namespace of the including set (TALUS_ISA_NS) or of CUDA and is forced inline.
//
// An operation is a struct `Op<T>` with `apply(x, p0, p1)` or `apply(x, y, p0)`. V is T, or on the CPU a SIMD register
// of T; parameters are always scalars. The includer provides math::exp<T>, log, tanh, sigmoid for V, and math::sqrt,
// floor, ... for T. `kVector` says that apply takes registers of floating T; kVector operations may not branch.
#pragma once

#include <cstdint>
#include <type_traits>

#if defined(TALUS_CUDA_KERNELS)
#include "cuda/math.cuh"

#if defined(__CUDACC__)
// "Pointless comparison of unsigned integer with zero": operations are written for all dtypes, uint8 among them.
#pragma nv_diag_suppress 186
#endif
#define TALUS_OPS_NS cuda
#define TALUS_OP __device__ __forceinline__ static
// What launchers need, too.
#define TALUS_HOST_OP __host__ __device__ __forceinline__ static
#elif defined(TALUS_ISA_NS)
#include "cpu/isa/gelu_math.h"
#include "cpu/isa/pow_math.h"
#include "cpu/isa/trig_math.h"

#define TALUS_OPS_NS TALUS_ISA_NS
#define TALUS_OP __attribute__((always_inline)) static inline
#define TALUS_HOST_OP TALUS_OP
#else
#error "scalar_ops.h belongs to files that are compiled per instruction set, and to CUDA"
#endif

namespace talus::TALUS_OPS_NS {

// ---------------------------------------------------------------- arithmetic that is defined for every input

template <class T>
constexpr bool kFloating = std::is_floating_point<T>::value;

// p in every lane. Subtracting zero keeps -0.
template <class V, class T>
TALUS_OP V splat(T p) {
  return V(p - V{});
}

template <class M, class V>
TALUS_OP V select(M condition, V yes, V no) {
  return condition ? yes : no;
}

// Integers wrap: they are added, subtracted and multiplied as uint64_t.
template <class X, class Y>
TALUS_OP auto add(X x, Y y) {
  if constexpr (std::is_integral<X>::value)
    return X(uint64_t(x) + uint64_t(y));
  else
    return x + y;
}

template <class X, class Y>
TALUS_OP auto subtract(X x, Y y) {
  if constexpr (std::is_integral<X>::value)
    return X(uint64_t(x) - uint64_t(y));
  else
    return x - y;
}

template <class X, class Y>
TALUS_OP auto multiply(X x, Y y) {
  if constexpr (std::is_integral<X>::value)
    return X(uint64_t(x) * uint64_t(y));
  else
    return x * y;
}

template <class V>
TALUS_OP V negate(V x) {
  if constexpr (std::is_integral<V>::value)
    return V(-uint64_t(x));
  else
    return -x;
}

// A parameter as a T. Integers drop the fraction and wrap; beyond int64 they saturate, and NaN is 0.
template <class T>
TALUS_HOST_OP T parameter(double p) {
  if constexpr (kFloating<T>) return T(p);
  constexpr double kLimit = 9223372036854775808.0;
  if (p != p) return 0;
  if (p >= kLimit) return T(INT64_MAX);
  if (p < -kLimit) return T(INT64_MIN);
  return T(int64_t(p));
}

// Conversion between dtypes. A floating value that no int32 or int64 can hold becomes the type's minimum, which is what
// x86 gives; uint8 takes the low byte of the int64.
template <class To, class From>
TALUS_OP To convert(From x) {
  if constexpr (kFloating<From> && !kFloating<To>) {
    using Wide = std::conditional_t<std::is_same<To, int32_t>::value, int32_t, int64_t>;
    constexpr From kLimit = sizeof(Wide) == 4 ? From(2147483648.0) : From(9223372036854775808.0);
    // Truncation brings values in (minimum - 1, minimum) back into range; only double can represent those.
    const bool fits =
        sizeof(Wide) == 4 && sizeof(From) == 8 ? x > -kLimit - 1 && x < kLimit : x >= -kLimit && x < kLimit;
    return To(fits ? Wide(x) : (sizeof(Wide) == 4 ? Wide(INT32_MIN) : Wide(INT64_MIN)));
  } else {
    return To(x);
  }
}

// ---------------------------------------------------------------- unary operations

#define TALUS_UNARY_OP(Name, vector, expression)                          \
  template <class T>                                                      \
  struct Name {                                                           \
    static constexpr bool kVector = vector;                               \
    template <class V>                                                    \
    TALUS_OP V apply(V x, [[maybe_unused]] T p0, [[maybe_unused]] T p1) { \
      return expression;                                                  \
    }                                                                     \
  };

TALUS_UNARY_OP(Negate, true, negate(x))
TALUS_UNARY_OP(Abs, true, select(x <= V{}, subtract(V{}, x), x))
TALUS_UNARY_OP(Sign, true, subtract(select(x > V{}, splat<V>(T(1)), V{}), select(x < V{}, splat<V>(T(1)), V{})))
TALUS_UNARY_OP(Square, true, multiply(x, x))
TALUS_UNARY_OP(Cube, true, x* x* x)
TALUS_UNARY_OP(Exp, true, math::exp<T>(x))
TALUS_UNARY_OP(Log, true, math::log<T>(x))
TALUS_UNARY_OP(Log1p, true, math::log1p(x))
TALUS_UNARY_OP(Sqrt, false, math::sqrt(x))
TALUS_UNARY_OP(Rsqrt, false, T(1) / math::sqrt(x))
TALUS_UNARY_OP(Reciprocal, true, T(1) / x)
TALUS_UNARY_OP(ReciprocalSquare, true, T(1) / (x * x))
TALUS_UNARY_OP(Sin, true, math::sin(x))
TALUS_UNARY_OP(Cos, true, math::cos(x))
TALUS_UNARY_OP(Tanh, true, math::tanh<T>(x))
TALUS_UNARY_OP(Sigmoid, true, math::sigmoid<T>(x))
TALUS_UNARY_OP(Relu, true, select(x < V{}, V{}, x))
TALUS_UNARY_OP(Floor, false, math::floor(x))
TALUS_UNARY_OP(Ceil, false, math::ceil(x))
TALUS_UNARY_OP(Round, false, math::round_even(x))
TALUS_UNARY_OP(AddScalar, true, add(x, p0))
TALUS_UNARY_OP(MulScalar, true, multiply(x, p0))
TALUS_UNARY_OP(PowScalar, sizeof(T) == 4, math::pow(x, splat<V>(p0)))
TALUS_UNARY_OP(RsubScalar, true, subtract(p0, x))
TALUS_UNARY_OP(RdivScalar, true, p0 / x)
TALUS_UNARY_OP(Silu, true, x* math::sigmoid<T>(x))
TALUS_UNARY_OP(LeakyRelu, true, select(x > V{}, x, x* p0))
TALUS_UNARY_OP(Elu, true, select(x > V{}, x, p0* math::expm1_negative<T>(select(x > V{}, V{}, x))))
TALUS_UNARY_OP(Softplus, true, select(x* p0 > p1, x, math::softplus<T>(x* p0) / p0))
TALUS_UNARY_OP(SoftplusSlope, true, select(x* p0 > p1, splat<V>(T(1)), math::sigmoid<T>(x* p0)))
TALUS_UNARY_OP(HardtanhSlope, true, select((x <= p0) | (x >= p1), V{}, splat<V>(T(1))))
#undef TALUS_UNARY_OP

template <class T>
struct Gelu {
  static constexpr bool kVector = true;
  template <class V>
  TALUS_OP V apply(V x, T, T) {
    return math::gelu<T>(x);
  }
};

template <class T>
struct GeluTanh {
  static constexpr bool kVector = true;
  template <class V>
  TALUS_OP V apply(V x, T, T) {
    return x * math::gelu_sigmoid<T>(x);
  }
};

template <class T>
struct Hardswish {
  static constexpr bool kVector = true;
  template <class V>
  TALUS_OP V apply(V x, T, T) {
    const V raised = select(x + T(3) < V{}, V{}, x + T(3));
    return x * (select(raised > T(6), splat<V>(T(6)), raised) / T(6));
  }
};

// The upper bound wins when they cross, and NaN passes through.
template <class T>
struct Clamp {
  static constexpr bool kVector = true;
  template <class V>
  TALUS_OP V apply(V x, T low, T high) {
    const V raised = select(x < low, splat<V>(low), x);
    return select(raised > high, splat<V>(high), raised);
  }
};

// Answers: apply returns bool.
#define TALUS_UNARY_TEST(Name, expression)          \
  template <class T>                                \
  struct Name {                                     \
    TALUS_OP bool apply(T x) { return expression; } \
  };

TALUS_UNARY_TEST(LogicalNot, x == T(0))
TALUS_UNARY_TEST(IsNan, x != x)
TALUS_UNARY_TEST(IsInf, kFloating<T>&& x == x && x - x != T(0))
#undef TALUS_UNARY_TEST

// ---------------------------------------------------------------- binary operations

#define TALUS_BINARY_OP(Name, vector, expression)       \
  template <class T>                                    \
  struct Name {                                         \
    static constexpr bool kVector = vector;             \
    template <class V>                                  \
    TALUS_OP V apply(V x, V y, [[maybe_unused]] T p0) { \
      return expression;                                \
    }                                                   \
  };

TALUS_BINARY_OP(Add, true, add(x, multiply(y, p0)))
TALUS_BINARY_OP(Subtract, true, subtract(x, multiply(y, p0)))
TALUS_BINARY_OP(Multiply, true, multiply(x, y))
TALUS_BINARY_OP(Divide, true, x / y)
TALUS_BINARY_OP(Pow, sizeof(T) == 4, math::pow(x, y))
TALUS_BINARY_OP(Maximum, true, select((x > y) | (x != x), x, y))
TALUS_BINARY_OP(Minimum, true, select((x < y) | (x != x), x, y))
TALUS_BINARY_OP(SquaredDifference, true, multiply(subtract(x, y), subtract(x, y)))
TALUS_BINARY_OP(ReluBackward, true, select(y <= V{}, V{}, x))
TALUS_BINARY_OP(SigmoidBackward, true, x*(y*(T(1) - y)))
TALUS_BINARY_OP(TanhBackward, true, x*(T(1) - y * y))
TALUS_BINARY_OP(LeakyReluBackward, true, select(y > V{}, x, x* p0))
TALUS_BINARY_OP(EluBackward, true, select(y > V{}, x, x*(p0* math::exp<T>(select(y > V{}, V{}, y)))))
TALUS_BINARY_OP(HardswishBackward, true, select(y <= T(-3), V{}, select(y >= T(3), x, x*(y / T(3) + T(0.5)))))
TALUS_BINARY_OP(ClippedReluBackward, true, select((y <= V{}) | (y >= p0), V{}, x))
#undef TALUS_BINARY_OP

template <class T>
struct GeluBackward {
  static constexpr bool kVector = true;
  template <class V>
  TALUS_OP V apply(V x, V y, T) {
    V e;
    const V cdf = math::normal_cdf<T>(y, e);
    return x * (cdf + y * (e * T(0.39894228040143267794)));  // 1 / sqrt(2 pi)
  }
};

template <class T>
struct GeluTanhBackward {
  static constexpr bool kVector = true;
  template <class V>
  TALUS_OP V apply(V x, V y, T) {
    const V s = math::gelu_sigmoid<T>(y);
    return x * (s + y * (s * (T(1) - s) * math::gelu_slope<T>(y)));
  }
};

template <class T>
struct SiluBackward {
  static constexpr bool kVector = true;
  template <class V>
  TALUS_OP V apply(V x, V y, T) {
    const V s = math::sigmoid<T>(y);
    return x * (s * (T(1) + y * (T(1) - s)));
  }
};

// Python's rules: the quotient is rounded down and the remainder has the divisor's sign. Integers must not be divided
// by zero; the least integer divided by -1 wraps.
template <class T>
struct Remainder {
  static constexpr bool kVector = false;
  TALUS_OP T apply(T x, T y, T) {
    if constexpr (kFloating<T>) {
      const T r = math::fmod(x, y);
      return r != 0 && (r < 0) != (y < 0) ? r + y : r;
    } else {
      if (std::is_signed<T>::value && y == T(-1)) return 0;
      const T r = T(x % y);
      return r != 0 && (r < 0) != (y < 0) ? T(r + y) : r;
    }
  }
};

template <class T>
struct FloorDivide {
  static constexpr bool kVector = false;
  TALUS_OP T apply(T x, T y, T) {
    if constexpr (kFloating<T>) {
      if (y == 0) return x / y;
      // x - r is a multiple of y up to rounding, so the quotient is within rounding of a whole number.
      const T r = math::fmod(x, y);
      const T quotient = (x - r) / y - (r != 0 && (r < 0) != (y < 0) ? T(1) : T(0));
      return quotient == 0 ? math::copysign(T(0), x / y) : math::round_even(quotient);
    } else {
      if (std::is_signed<T>::value && y == T(-1)) return negate(x);
      const T q = T(x / y);
      return x % y != 0 && (x < 0) != (y < 0) ? T(q - 1) : q;
    }
  }
};

#define TALUS_BINARY_TEST(Name, expression)              \
  template <class T>                                     \
  struct Name {                                          \
    TALUS_OP bool apply(T x, T y) { return expression; } \
  };

TALUS_BINARY_TEST(Equal, x == y)
TALUS_BINARY_TEST(NotEqual, x != y)
TALUS_BINARY_TEST(Less, x < y)
TALUS_BINARY_TEST(LessEqual, x <= y)
TALUS_BINARY_TEST(Greater, x > y)
TALUS_BINARY_TEST(GreaterEqual, x >= y)
TALUS_BINARY_TEST(LogicalAnd, (x != T(0)) & (y != T(0)))
TALUS_BINARY_TEST(LogicalOr, (x != T(0)) | (y != T(0)))
#undef TALUS_BINARY_TEST

}  // namespace talus::TALUS_OPS_NS
