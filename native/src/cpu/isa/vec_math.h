// Ends of rows, sums over lanes, and exp, log, tanh and sigmoid on SIMD registers, branch-free.
//
// Largest errors measured against long double over a dense sweep of the whole range (tests/native/test_elementwise.cpp
// holds them): exp 1.1 ulp, log 0.9, tanh 2.6, sigmoid 2.5. Infinities, NaN, zeros and subnormals give what the C
// library gives, except that sigmoid is 0 where exp(-x) overflows. The polynomials are Taylor series, long enough for
// the reduced ranges, so that every coefficient can be checked by eye.
#pragma once

#if defined(__AVX__)
#include <immintrin.h>
#endif

#include "vec.h"

namespace talus::TALUS_ISA_NS {

#if defined(__AVX2__) && !defined(__AVX512F__)
// All ones in the lanes [0, n).
template <class T>
static inline __m256i lanes_below(int64_t n) {
  if constexpr (sizeof(T) == 4)
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(int(n)), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
  else
    return _mm256_cmpgt_epi64(_mm256_set1_epi64x(n), _mm256_setr_epi64x(0, 1, 2, 3));
}
#endif

// The last n elements, 0 < n < kLanes<T>; the other lanes hold `fill`. Short rows are all tail, and a memcpy of unknown
// length is a slow call, so masked instructions do it where there are any.
template <class T>
static inline Vec<T> load_tail(const T* from, int64_t n, T fill) {
#if defined(__AVX512F__)
  const unsigned mask = (1u << n) - 1;
  if constexpr (sizeof(T) == 4)
    return (Vec<T>)_mm512_mask_loadu_ps((__m512)broadcast<T>(fill), __mmask16(mask), from);
  else
    return (Vec<T>)_mm512_mask_loadu_pd((__m512d)broadcast<T>(fill), __mmask8(mask), from);
#elif defined(__AVX2__)
  const __m256i mask = lanes_below<T>(n);
  if constexpr (sizeof(T) == 4) {
    const __m256 part = _mm256_maskload_ps(from, mask);
    return (Vec<T>)_mm256_blendv_ps((__m256)broadcast<T>(fill), part, (__m256)mask);
  } else {
    const __m256d part = _mm256_maskload_pd(from, mask);
    return (Vec<T>)_mm256_blendv_pd((__m256d)broadcast<T>(fill), part, (__m256d)mask);
  }
#else
  Vec<T> v = broadcast<T>(fill);
  for (int l = 0; l < kLanes<T>; ++l)
    if (l < n) v[l] = from[l];
  return v;
#endif
}

template <class T>
static inline void store_tail(T* to, Vec<T> v, int64_t n) {
#if defined(__AVX512F__)
  const unsigned mask = (1u << n) - 1;
  if constexpr (sizeof(T) == 4)
    _mm512_mask_storeu_ps(to, __mmask16(mask), (__m512)v);
  else
    _mm512_mask_storeu_pd(to, __mmask8(mask), (__m512d)v);
#elif defined(__AVX2__)
  // In pieces: AMD's processors take a dozen cycles for a masked store of a register.
  typedef T Half __attribute__((vector_size(16)));
  Half rest = (Half)_mm256_castsi256_si128((__m256i)v);
  if (constexpr int half = kLanes<T> / 2; (n & half) != 0) {
    std::memcpy(to, &rest, sizeof rest);
    rest = (Half)_mm256_extracti128_si256((__m256i)v, 1);
    to += half;
  }
  if constexpr (sizeof(T) == 4) {
    if ((n & 2) != 0) {
      std::memcpy(to, &rest, 8);
      rest = (Half)_mm_unpackhi_epi64((__m128i)rest, (__m128i)rest);
      to += 2;
    }
  }
  if ((n & 1) != 0) *to = rest[0];
#else
  for (int l = 0; l < kLanes<T>; ++l)
    if (l < n) to[l] = v[l];
#endif
}

// One value from all lanes, as a tree: a chain of dependent steps would be what short rows wait for.
template <class T>
static inline double sum_lanes(Vec<T> v) {
  double lanes[kLanes<T>];
  for (int l = 0; l < kLanes<T>; ++l) lanes[l] = double(v[l]);
  for (int width = kLanes<T> / 2; width > 0; width /= 2)
    for (int l = 0; l < width; ++l) lanes[l] += lanes[l + width];
  return lanes[0];
}

template <class T>
static inline T max_lanes(Vec<T> v) {
  T lanes[kLanes<T>];
  store<T>(lanes, v);
  for (int width = kLanes<T> / 2; width > 0; width /= 2)
    for (int l = 0; l < width; ++l) lanes[l] = lanes[l + width] > lanes[l] ? lanes[l + width] : lanes[l];
  return lanes[0];
}

}  // namespace talus::TALUS_ISA_NS

namespace talus::TALUS_ISA_NS::math {

template <class T>
struct Ieee;

template <>
struct Ieee<float> {
  using Bits = uint32_t;
  static constexpr int kMantissa = 23;
  static constexpr int kBias = 127;
  static constexpr float kRounder = 12582912.0f;   // 1.5 * 2^23: adding it leaves the nearest integer in the low bits
  static constexpr float kLn2High = 0.693359375f;  // 10 bits, so that multiples of it are exact
  static constexpr float kLn2Low = -2.12194440e-4f;
  static constexpr float kExpMin = -104.0f, kExpMax = 89.0f;             // exp is 0 and infinity there
  static constexpr float kExpNormalMin = -87.0f, kExpNormalMax = 88.0f;  // exp is a normal number between
  static constexpr float kExpm1Min = -30.0f;                             // exp - 1 rounds to -1 below
  static constexpr float kTanhMax = 10.0f;                               // tanh rounds to 1 from here
  static constexpr int kExpDegree = 7, kLogTerms = 5;
  static constexpr float kMinNormal = 1.17549435e-38f, kSubnormalScale = 33554432.0f;  // 2^25
  static constexpr int kSubnormalShift = 25;
  static constexpr float kSqrtHalf = 0.70710678f;
};

template <>
struct Ieee<double> {
  using Bits = uint64_t;
  static constexpr int kMantissa = 52;
  static constexpr int kBias = 1023;
  static constexpr double kRounder = 6755399441055744.0;          // 1.5 * 2^52
  static constexpr double kLn2High = 6.93147180369123816490e-01;  // 32 bits
  static constexpr double kLn2Low = 1.90821492927058770002e-10;
  static constexpr double kExpMin = -746.0, kExpMax = 710.0;
  static constexpr double kExpNormalMin = -708.0, kExpNormalMax = 709.0;
  static constexpr double kExpm1Min = -50.0;
  static constexpr double kTanhMax = 20.0;
  static constexpr int kExpDegree = 13, kLogTerms = 11;
  static constexpr double kMinNormal = 2.2250738585072014e-308, kSubnormalScale = 18014398509481984.0;  // 2^54
  static constexpr int kSubnormalShift = 54;
  static constexpr double kSqrtHalf = 0.70710678118654752440;
};

template <class T>
using Bits = Vec<typename Ieee<T>::Bits>;

// 1/2!, 1/3!, ...
constexpr double kInverseFactorial[] = {
    1.0,        1.0,         1.0 / 2,      1.0 / 6,       1.0 / 24,       1.0 / 120,       1.0 / 720,
    1.0 / 5040, 1.0 / 40320, 1.0 / 362880, 1.0 / 3628800, 1.0 / 39916800, 1.0 / 479001600, 1.0 / 6227020800};

// 2^k for -kBias < k <= kBias, given as two's complement.
template <class T>
static inline Vec<T> power_of_two(Bits<T> k) {
  return (Vec<T>)((k + Ieee<T>::kBias) << Ieee<T>::kMantissa);
}

// x = k ln 2 + r with |r| <= ln 2 / 2; returns exp(r) - 1.
template <class T>
static inline Vec<T> reduced_expm1(Vec<T> x, Bits<T>& k) {
  using F = Ieee<T>;
  constexpr T kLog2e = T(1.44269504088896340736);
  const Vec<T> shifted = x * kLog2e + F::kRounder;
  const Vec<T> whole = shifted - F::kRounder;
  k = (Bits<T>)shifted - (Bits<T>)broadcast<T>(F::kRounder);
  const Vec<T> r = (x - whole * F::kLn2High) - whole * F::kLn2Low;
  Vec<T> p = broadcast<T>(T(kInverseFactorial[F::kExpDegree]));
  for (int i = F::kExpDegree - 1; i >= 2; --i) p = p * r + T(kInverseFactorial[i]);
  return p * (r * r) + r;
}

template <class T>
static inline Vec<T> exp(Vec<T> x) {
  using F = Ieee<T>;
  // Set to 0 rather than computed: arithmetic that underflows takes many times as long.
  const auto vanishes = x < F::kExpMin;
  x = vanishes ? Vec<T>{} : x;
  x = x > F::kExpMax ? broadcast<T>(F::kExpMax) : x;
  Bits<T> k;
  const Vec<T> p = reduced_expm1<T>(x, k) + T(1);
  // Two factors, because 2^k itself may overflow or be subnormal while the product is not.
  const Bits<T> half = ((k + 2 * F::kBias) >> 1) - F::kBias;
  return vanishes ? Vec<T>{} : p * power_of_two<T>(half) * power_of_two<T>(k - half);
}

// fdlibm's formula (e_log.c): with x = 2^k (1 + f) and s = f / (2 + f),
// log(1 + f) = f - (f*f/2 - s * (f*f/2 + R)), R = sum of 2/(2i+1) s^(2i).
template <class T>
static inline Vec<T> log(Vec<T> x) {
  using F = Ieee<T>;
  const auto subnormal = x < F::kMinNormal;
  Vec<T> m = subnormal ? x * F::kSubnormalScale : x;
  const Bits<T> bits = (Bits<T>)m;
  const Bits<T> one = (Bits<T>)broadcast<T>(T(1));
  // The exponent as if the mantissa started at sqrt(1/2), which centres 1 + f on 1.
  const Bits<T> shifted = bits + (one - (Bits<T>)broadcast<T>(F::kSqrtHalf));
  const Bits<T> exponent = shifted >> F::kMantissa;
  m = (Vec<T>)(bits - (exponent << F::kMantissa) + one);
  // From an integer to floating point by placing it in the mantissa of kRounder.
  Vec<T> k = (Vec<T>)((Bits<T>)broadcast<T>(F::kRounder) + exponent) - (F::kRounder + T(F::kBias));
  k = subnormal ? k - T(F::kSubnormalShift) : k;
  const Vec<T> f = m - T(1);
  const Vec<T> s = f / (f + T(2));
  const Vec<T> z = s * s;
  Vec<T> r = broadcast<T>(T(2.0 / (2 * F::kLogTerms + 1)));
  for (int i = F::kLogTerms - 1; i >= 1; --i) r = r * z + T(2.0 / (2 * i + 1));
  r = r * z;
  const Vec<T> half_square = f * f * T(0.5);
  Vec<T> result = k * F::kLn2High - ((half_square - (s * (half_square + r) + k * F::kLn2Low)) - f);
  const Vec<T> infinity = broadcast<T>(T(__builtin_inf()));
  result = x == T(0) ? -infinity : result;
  result = x == infinity ? infinity : result;
  return x >= T(0) ? result : broadcast<T>(T(__builtin_nan("")));
}

// expm1(2|x|) / (expm1(2|x|) + 2), with the sign of x.
template <class T>
static inline Vec<T> tanh(Vec<T> x) {
  using F = Ieee<T>;
  const Bits<T> sign = (Bits<T>)x & (Bits<T>)broadcast<T>(T(-0.0));
  Vec<T> a = (Vec<T>)((Bits<T>)x ^ sign);
  a = a > F::kTanhMax ? broadcast<T>(F::kTanhMax) : a;
  Bits<T> k;
  const Vec<T> p = reduced_expm1<T>(a + a, k);
  const Vec<T> scale = power_of_two<T>(k);
  const Vec<T> e = p * scale + (scale - T(1));
  return (Vec<T>)((Bits<T>)(e / (e + T(2))) | sign);
}

template <class T>
static inline Vec<T> sigmoid(Vec<T> x) {
  return T(1) / (T(1) + exp<T>(-x));
}

// For x <= 0.
template <class T>
static inline Vec<T> expm1_negative(Vec<T> x) {
  x = x < Ieee<T>::kExpm1Min ? broadcast<T>(Ieee<T>::kExpm1Min) : x;
  Bits<T> k;
  const Vec<T> p = reduced_expm1<T>(x, k);
  const Vec<T> scale = power_of_two<T>(k);
  return p * scale + (scale - T(1));
}

// log(1 + exp(x)) without overflow. For e small, log(1 + e) is e times a quotient in which rounding 1 + e cancels.
template <class T>
static inline Vec<T> softplus(Vec<T> x) {
  const Vec<T> e = exp<T>(x > Vec<T>{} ? -x : x), u = T(1) + e;
  const Vec<T> positive = x > Vec<T>{} ? x : Vec<T>{};
  const Vec<T> small = u == T(1) ? e : log<T>(u) * (e / (u == T(1) ? u : u - T(1)));
  return x != x ? x : positive + small;
}

}  // namespace talus::TALUS_ISA_NS::math

// One value at a time. Where the instruction set has these as instructions, loops over them become SIMD; the others
// call the C library.
namespace talus::TALUS_ISA_NS::math {

#define TALUS_LIBRARY_FUNCTION(name, builtin)                             \
  static inline float name(float x) { return __builtin_##builtin##f(x); } \
  static inline double name(double x) { return __builtin_##builtin(x); }

TALUS_LIBRARY_FUNCTION(sqrt, sqrt)
TALUS_LIBRARY_FUNCTION(floor, floor)
TALUS_LIBRARY_FUNCTION(ceil, ceil)
TALUS_LIBRARY_FUNCTION(round_even, nearbyint)
TALUS_LIBRARY_FUNCTION(sin, sin)
TALUS_LIBRARY_FUNCTION(cos, cos)
TALUS_LIBRARY_FUNCTION(log1p, log1p)
#undef TALUS_LIBRARY_FUNCTION

#define TALUS_LIBRARY_FUNCTION(name)                                               \
  static inline float name(float x, float y) { return __builtin_##name##f(x, y); } \
  static inline double name(double x, double y) { return __builtin_##name(x, y); }

TALUS_LIBRARY_FUNCTION(pow)
TALUS_LIBRARY_FUNCTION(fmod)
TALUS_LIBRARY_FUNCTION(copysign)
#undef TALUS_LIBRARY_FUNCTION

}  // namespace talus::TALUS_ISA_NS::math
