// Division by Python's rules: the quotient is rounded down and the remainder has the divisor's sign.
//
// x - n y is exact for the whole number n nearest to x / y, and the remainder of the quotient rounded down is that or
// that plus y, rounded once. It is computed in double for floats; in double the product must be fused. Where x / y is
// too large for it, and for infinities, NaN and zero divisors, fmod computes the lane.
#pragma once

#include "scalar_ops.h"

namespace talus::TALUS_ISA_NS {

// Whether registers of T can be divided here.
template <class T>
constexpr bool kVectorQuotient = sizeof(T) == 4 || kFused;

// n is the whole number nearest to x / y, r = x - n y.
static inline void divide_nearest(Vec<double> x, Vec<double> y, Vec<double>& n, Vec<double>& r) {
  n = (x / y + math::Ieee<double>::kRounder) - math::Ieee<double>::kRounder;
  r = rest_of<double>(x, n, y);  // of floats the product is exact
}

template <class T, bool WantsRemainder>
__attribute__((noinline)) static Vec<T> divide_rarely(Vec<T> x, Vec<T> y, math::Bits<T> rare, Vec<T> out) {
  for (int l = 0; l < kLanes<T>; ++l) {
    if (rare[l] == 0) continue;
    const T dividend = x[l], divisor = y[l];
    out[l] =
        WantsRemainder ? Remainder<T>::apply(dividend, divisor, T(0)) : FloorDivide<T>::apply(dividend, divisor, T(0));
  }
  return out;
}

template <class T, bool WantsRemainder>
static inline Vec<T> divide_down(Vec<T> x, Vec<T> y) {
  // Whole numbers up to here, and their neighbours, are exact in T.
  constexpr T kLimit = T(sizeof(T) == 4 ? 8388608.0 : 1125899906842624.0);
  const math::Bits<T> sign = (math::Bits<T>)broadcast<T>(T(-0.0));
  const Vec<T> magnitude = (Vec<T>)((math::Bits<T>)x & ~sign), divisor = (Vec<T>)((math::Bits<T>)y & ~sign);
  const auto common = (magnitude < divisor * kLimit) & (divisor < T(__builtin_inf()));
  Vec<T> n, r;
  if constexpr (sizeof(T) == 4) {
    Vec<double> x0, x1, y0, y1, n0, n1, r0, r1;
    widen(x, x0, x1);
    widen(y, y0, y1);
    divide_nearest(x0, y0, n0, r0);
    divide_nearest(x1, y1, n1, r1);
    n = narrow(n0, n1);
    r = narrow(r0, r1);
  } else {
    divide_nearest(x, y, n, r);
  }
  const auto above = (r != T(0)) & ((r < T(0)) != (y < T(0)));
  Vec<T> out;
  if constexpr (WantsRemainder) {
    out = above ? r + y : r;
    out = r == T(0) ? (Vec<T>)((math::Bits<T>)x & sign) : out;
  } else {
    out = above ? n - T(1) : n;
    out = out == T(0) ? (Vec<T>)(((math::Bits<T>)x ^ (math::Bits<T>)y) & sign) : out;
  }
  const math::Bits<T> rare = ~(math::Bits<T>)common;
  return __builtin_expect(any_true(rare), false) ? divide_rarely<T, WantsRemainder>(x, y, rare, out) : out;
}

template <class T>
struct VectorRemainder {
  static constexpr bool kVector = true;
  static inline Vec<T> apply(Vec<T> x, Vec<T> y, T) { return divide_down<T, true>(x, y); }
};

template <class T>
struct VectorFloorDivide {
  static constexpr bool kVector = true;
  static inline Vec<T> apply(Vec<T> x, Vec<T> y, T) { return divide_down<T, false>(x, y); }
};

}  // namespace talus::TALUS_ISA_NS
