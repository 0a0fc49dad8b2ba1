// Sine and cosine on SIMD registers. Largest errors up to |x| = 2^20: 1.7 ulp in float and 2.0 in double, without fused
// multiplications 1.7 and 2.2. Beyond, the C library computes the lane.
#pragma once

#include "cpu/isa/vec_math.h"

namespace talus::TALUS_ISA_NS::math {

// Where the C library takes over, and from where on floats that were reduced in float are reduced in double.
constexpr double kTrigLimit = 1048576.0, kFloatLimit = 8192.0;
// Pi in 33, 33 and 53 bits: multiples of the first two are exact in the range.
constexpr double kPiHigh = 3.14159265346825122833, kPiMiddle = 1.21542010126079319532e-10,
                 kPiLow = 4.04453249759190126308e-21;

// x = (k - h) pi + r with |r| <= pi / 2, where h is 1/2 for the cosine and 0 for the sine: both are then (-1)^k sin(r).
// Returns r with that sign. Float's precision needs less of pi.
template <bool Cosine, bool Exact>
static inline Vec<double> reduce_by_pi(Vec<double> x) {
  constexpr double kRounder = Ieee<double>::kRounder, kInversePi = 0.318309886183790671538;
  const Vec<double> turns = Cosine ? x * kInversePi + 0.5 : x * kInversePi;
  const Vec<double> shifted = turns + kRounder;
  const Vec<double> whole = Cosine ? (shifted - kRounder) - 0.5 : shifted - kRounder;
  Vec<double> r = x - whole * kPiHigh;
  r = Exact ? (r - whole * kPiMiddle) - whole * kPiLow : r - whole * (kPiMiddle + kPiLow);
  return (Vec<double>)((Bits<double>)r ^ ((Bits<double>)shifted << 63));
}

// The same in float, with pi in three parts: the first step is exact, and fused multiplications make the others so. No
// part is negative, which keeps the sign of zero.
template <bool Cosine>
static inline Vec<float> reduce_by_pi_fused(Vec<float> x) {
  constexpr float kRounder = Ieee<float>::kRounder, kInversePi = 0.318309886183790671538f;
  const Vec<float> turns = Cosine ? x * kInversePi + 0.5f : x * kInversePi;
  const Vec<float> shifted = turns + kRounder;
  const Vec<float> whole = Cosine ? (shifted - kRounder) - 0.5f : shifted - kRounder;
  Vec<float> r = rest_of<float>(x, whole, broadcast<float>(3.1415925f));
  r = rest_of<float>(r, whole, broadcast<float>(1.50995788e-7f));
  r = rest_of<float>(r, whole, broadcast<float>(1.07806051e-14f));
  return (Vec<float>)((Bits<float>)r ^ ((Bits<float>)shifted << 31));
}

// sin(r) for |r| <= pi / 2.
template <class T>
static inline Vec<T> sin_reduced(Vec<T> r) {
  const Vec<T> z = r * r;
  Vec<T> p;
  if constexpr (sizeof(T) == 4) {
    // (sin(r) / r - 1) / r^2 with the least greatest relative error of sin(r): 6e-9.
    constexpr float kPolynomial[] = {-0.1666665952f, 0.00833306543f, -0.0001980953896f, 2.605631107e-6f};
    p = broadcast<T>(kPolynomial[3]);
    for (int i = 2; i >= 0; --i) p = p * z + kPolynomial[i];
  } else {
    constexpr double kTaylor[] = {-1.0 / 6,
                                  1.0 / 120,
                                  -1.0 / 5040,
                                  1.0 / 362880,
                                  -1.0 / 39916800,
                                  1.0 / 6227020800,
                                  -1.0 / 1307674368000.,
                                  1.0 / 355687428096000.,
                                  -1.0 / 121645100408832000.,
                                  1.0 / 51090942171709440000.};
    p = broadcast<T>(kTaylor[9]);
    for (int i = 8; i >= 0; --i) p = p * z + kTaylor[i];
  }
  // The sign is r's, of zero as well.
  return (Vec<T>)((Bits<T>)(r * z * p + r) | ((Bits<T>)r & (Bits<T>)broadcast<T>(T(-0.0))));
}

template <bool Cosine>
static inline Vec<float> trig_in_double(Vec<float> x) {
  Vec<double> low, high;
  widen(x, low, high);
  return sin_reduced<float>(narrow(reduce_by_pi<Cosine, false>(low), reduce_by_pi<Cosine, false>(high)));
}

template <class T, bool Cosine>
__attribute__((noinline)) static Vec<T> trig_of_large(Vec<T> x, Vec<T> y) {
  if constexpr (sizeof(T) == 4) y = (x > T(kFloatLimit)) | (x < T(-kFloatLimit)) ? trig_in_double<Cosine>(x) : y;
  for (int l = 0; l < kLanes<T>; ++l)
    if (x[l] > T(kTrigLimit) || x[l] < T(-kTrigLimit)) {
      if constexpr (sizeof(T) == 4)
        y[l] = Cosine ? __builtin_cosf(x[l]) : __builtin_sinf(x[l]);
      else
        y[l] = Cosine ? __builtin_cos(x[l]) : __builtin_sin(x[l]);
    }
  return y;
}

template <class T, bool Cosine>
static inline Vec<T> trig(Vec<T> x) {
  constexpr bool kInFloat = sizeof(T) == 4 && kFused;
  constexpr T kLimit = T(kInFloat ? kFloatLimit : kTrigLimit);
  Vec<T> y;
  if constexpr (kInFloat)
    y = sin_reduced<T>(reduce_by_pi_fused<Cosine>(x));
  else if constexpr (sizeof(T) == 4)
    y = trig_in_double<Cosine>(x);
  else
    y = sin_reduced<T>(reduce_by_pi<Cosine, true>(x));
  const auto large = (x > kLimit) | (x < -kLimit);
  return __builtin_expect(any_true(large), false) ? trig_of_large<T, Cosine>(x, y) : y;
}

static inline Vec<float> sin(Vec<float> x) { return trig<float, false>(x); }
static inline Vec<double> sin(Vec<double> x) { return trig<double, false>(x); }
static inline Vec<float> cos(Vec<float> x) { return trig<float, true>(x); }
static inline Vec<double> cos(Vec<double> x) { return trig<double, true>(x); }

}  // namespace talus::TALUS_ISA_NS::math
