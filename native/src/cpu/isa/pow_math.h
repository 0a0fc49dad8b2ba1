// Powers of floats on SIMD registers, as 2^(y log2 x) in double. Largest error 0.51 ulp.
#pragma once

#include "cpu/isa/vec_math.h"

namespace talus::TALUS_ISA_NS::math {

// The logarithm to base 2 of x >= 0 that fits a float; of 0 such that any multiple of it is beyond all exponents.
static inline Vec<double> log2_of_float(Vec<double> x) {
  using F = Ieee<double>;
  constexpr int kTerms = 7;
  const Bits<double> bits = (Bits<double>)x, one = (Bits<double>)broadcast<double>(1.0);
  const Bits<double> exponent = (bits + (one - (Bits<double>)broadcast<double>(F::kSqrtHalf))) >> F::kMantissa;
  const Vec<double> m = (Vec<double>)(bits - (exponent << F::kMantissa) + one);
  const Vec<double> k =
      (Vec<double>)((Bits<double>)broadcast<double>(F::kRounder) + exponent) - (F::kRounder + F::kBias);
  // log(m) = 2 artanh(s), s = (m - 1) / (m + 1).
  const Vec<double> s = (m - 1.0) / (m + 1.0), z = s * s;
  Vec<double> r = broadcast<double>(2.0 / (2 * kTerms + 1));
  for (int i = kTerms - 1; i >= 0; --i) r = r * z + 2.0 / (2 * i + 1);
  const Vec<double> result = k + s * r * 1.44269504088896340736;
  return x == 0.0 ? broadcast<double>(-1e300) : result;
}

// 2^t; results far outside of float's range stay outside.
static inline Vec<double> exp2_for_float(Vec<double> t) {
  using F = Ieee<double>;
  constexpr int kDegree = 9;
  t = t > 300.0 ? broadcast<double>(300.0) : t < -300.0 ? broadcast<double>(-300.0) : t;
  const Vec<double> shifted = t + F::kRounder;
  const Vec<double> r = (t - (shifted - F::kRounder)) * 0.693147180559945309417;
  Vec<double> p = broadcast<double>(kInverseFactorial[kDegree]);
  for (int i = kDegree - 1; i >= 0; --i) p = p * r + kInverseFactorial[i];
  return (Vec<double>)((Bits<double>)p + ((Bits<double>)shifted << F::kMantissa));
}

__attribute__((noinline)) static Vec<float> pow_rarely(Vec<float> x, Vec<float> y, Bits<float> rare, Vec<float> out) {
  for (int l = 0; l < kLanes<float>; ++l)
    if (rare[l] != 0) out[l] = __builtin_powf(x[l], y[l]);
  return out;
}

static inline Vec<float> pow(Vec<float> x, Vec<float> y) {
  const Bits<float> sign = (Bits<float>)broadcast<float>(-0.0f);
  const Vec<float> base = (Vec<float>)((Bits<float>)x & ~sign), exponent = (Vec<float>)((Bits<float>)y & ~sign);
  Vec<double> base0, base1, y0, y1;
  widen(base, base0, base1);
  widen(y, y0, y1);
  Vec<float> out = narrow(exp2_for_float(y0 * log2_of_float(base0)), exp2_for_float(y1 * log2_of_float(base1)));
  if (any_true((Bits<float>)x & sign)) {
    constexpr float kRounder = Ieee<float>::kRounder;
    const Vec<float> half = exponent * 0.5f;
    const auto whole = (exponent + kRounder) - kRounder == exponent;
    const auto odd = whole & ((half + kRounder) - kRounder != half);
    out = (Vec<float>)((Bits<float>)out | ((Bits<float>)x & sign & (Bits<float>)odd));
    out = (x < 0.0f) & ~whole ? broadcast<float>(__builtin_nanf("")) : out;
  }
  // Exponents that the rounding above cannot tell from whole numbers are left to the C library.
  const auto common = (base < __builtin_inff()) & (exponent < 4194304.0f);
  const Bits<float> rare = ~(Bits<float>)common;
  return __builtin_expect(any_true(rare), false) ? pow_rarely(x, y, rare, out) : out;
}

}  // namespace talus::TALUS_ISA_NS::math
