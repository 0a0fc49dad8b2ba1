// Ends of rows, sums over lanes, and exp, log, log1p, tanh and sigmoid on SIMD registers, branch-free.
//
// Largest errors measured against long double over a dense sweep of the whole range (tests/native/test_elementwise.cpp
// holds them): exp 1.1 ulp, log and log1p 0.9, tanh 2.6, sigmoid 2.5. Infinities, NaN, zeros and subnormals give what
// the C library gives. The polynomials are Taylor series, long enough for the reduced ranges, so that every coefficient
// can be checked by eye.
#pragma once

#if defined(__AVX__)
#include <immintrin.h>
#elif defined(__SSE2__)
#include <emmintrin.h>
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

// Whether a comparison holds in any lane.
template <class Mask>
static inline bool any_true(Mask mask) {
#if defined(__AVX512F__)
  return _mm512_test_epi64_mask((__m512i)mask, (__m512i)mask) != 0;
#elif defined(__AVX__)
  return !_mm256_testz_si256((__m256i)mask, (__m256i)mask);
#else
  uint64_t words[kVectorBytes / 8];
  std::memcpy(words, &mask, sizeof words);
  return (words[0] | words[1]) != 0;
#endif
}

// x - n * y, rounded once where kFused. Compilers fuse of their own, but not in every build.
#if defined(__AVX512F__) || defined(__FMA__)
constexpr bool kFused = true;
#else
constexpr bool kFused = false;
#endif

template <class T>
static inline Vec<T> rest_of(Vec<T> x, Vec<T> n, Vec<T> y) {
#if defined(__AVX512F__)
  if constexpr (sizeof(T) == 4) return (Vec<T>)_mm512_fnmadd_ps((__m512)n, (__m512)y, (__m512)x);
  if constexpr (sizeof(T) == 8) return (Vec<T>)_mm512_fnmadd_pd((__m512d)n, (__m512d)y, (__m512d)x);
#elif defined(__FMA__)
  if constexpr (sizeof(T) == 4) return (Vec<T>)_mm256_fnmadd_ps((__m256)n, (__m256)y, (__m256)x);
  if constexpr (sizeof(T) == 8) return (Vec<T>)_mm256_fnmadd_pd((__m256d)n, (__m256d)y, (__m256d)x);
#else
  return x - n * y;
#endif
}

// Floats as doubles, and doubles rounded to floats. Compilers take the generic way through memory, which stalls; the
// forms with a mask keep gcc 12 from warning about its own headers.
static inline void widen(Vec<float> v, Vec<double>& low, Vec<double>& high) {
#if defined(__AVX512F__)
  low = (Vec<double>)_mm512_maskz_cvtps_pd(0xff, (__m256)__builtin_shufflevector(v, v, 0, 1, 2, 3, 4, 5, 6, 7));
  high = (Vec<double>)_mm512_maskz_cvtps_pd(0xff, (__m256)__builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15));
#elif defined(__AVX__)
  low = (Vec<double>)_mm256_cvtps_pd(_mm256_castps256_ps128((__m256)v));
  high = (Vec<double>)_mm256_cvtps_pd(_mm256_extractf128_ps((__m256)v, 1));
#elif defined(__SSE2__)
  low = (Vec<double>)_mm_cvtps_pd((__m128)v);
  high = (Vec<double>)_mm_cvtps_pd(_mm_movehl_ps((__m128)v, (__m128)v));
#else
  for (int l = 0; l < kLanes<double>; ++l) {
    low[l] = double(v[l]);
    high[l] = double(v[l + kLanes<double>]);
  }
#endif
}

static inline Vec<float> narrow(Vec<double> low, Vec<double> high) {
#if defined(__AVX512F__)
  const __m256 a = _mm512_maskz_cvtpd_ps(0xff, (__m512d)low), b = _mm512_maskz_cvtpd_ps(0xff, (__m512d)high);
  return (Vec<float>)__builtin_shufflevector(a, b, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
#elif defined(__AVX__)
  return (Vec<float>)_mm256_set_m128(_mm256_cvtpd_ps((__m256d)high), _mm256_cvtpd_ps((__m256d)low));
#elif defined(__SSE2__)
  return (Vec<float>)_mm_movelh_ps(_mm_cvtpd_ps((__m128d)low), _mm_cvtpd_ps((__m128d)high));
#else
  Vec<float> v;
  for (int l = 0; l < kLanes<double>; ++l) {
    v[l] = float(low[l]);
    v[l + kLanes<double>] = float(high[l]);
  }
  return v;
#endif
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

// Falling: x is not above 0.
template <class T, bool Falling = false>
static inline Vec<T> exp(Vec<T> x) {
  using F = Ieee<T>;
  // Set to 0 rather than computed: arithmetic that underflows takes many times as long.
  const auto vanishes = x < F::kExpMin;
  x = vanishes ? Vec<T>{} : x;
  if (!Falling) x = x > F::kExpMax ? broadcast<T>(F::kExpMax) : x;
  Bits<T> k;
  const Vec<T> p = reduced_expm1<T>(x, k) + T(1);
  // Two factors, because 2^k itself may overflow or be subnormal while the product is not.
  const Bits<T> half = ((k + 2 * F::kBias) >> 1) - F::kBias;
  return vanishes ? Vec<T>{} : p * power_of_two<T>(half) * power_of_two<T>(k - half);
}

// fdlibm's formula (e_log.c): with x = 2^k (1 + f) and s = f / (2 + f),
// log(1 + f) = f - (f*f/2 - s * (f*f/2 + R)), R = sum of 2/(2i+1) s^(2i).
// Returns log(x) + small - down ln 2 for normal x, where `small` is below the last digit of x.
template <class T>
static inline Vec<T> log_of_normal(Vec<T> x, Vec<T> small, Vec<T> down) {
  using F = Ieee<T>;
  const Bits<T> bits = (Bits<T>)x, one = (Bits<T>)broadcast<T>(T(1));
  // The exponent as if the mantissa started at sqrt(1/2), which centres 1 + f on 1.
  const Bits<T> exponent = (bits + (one - (Bits<T>)broadcast<T>(F::kSqrtHalf))) >> F::kMantissa;
  const Vec<T> m = (Vec<T>)(bits - (exponent << F::kMantissa) + one);
  // From an integer to floating point by placing it in the mantissa of kRounder.
  const Vec<T> k = (Vec<T>)((Bits<T>)broadcast<T>(F::kRounder) + exponent) - (F::kRounder + T(F::kBias)) - down;
  const Vec<T> f = m - T(1);
  const Vec<T> s = f / (f + T(2));
  const Vec<T> z = s * s;
  Vec<T> r = broadcast<T>(T(2.0 / (2 * F::kLogTerms + 1)));
  for (int i = F::kLogTerms - 1; i >= 1; --i) r = r * z + T(2.0 / (2 * i + 1));
  r = r * z;
  const Vec<T> half_square = f * f * T(0.5);
  return k * F::kLn2High - ((half_square - (s * (half_square + r) + (k * F::kLn2Low + small))) - f);
}

// The values of a logarithm of x at 0, at infinity and below 0.
template <class T>
static inline Vec<T> log_at_ends(Vec<T> x, Vec<T> result) {
  const Vec<T> infinity = broadcast<T>(T(__builtin_inf()));
  result = x == T(0) ? -infinity : result;
  result = x == infinity ? infinity : result;
  return x >= T(0) ? result : broadcast<T>(T(__builtin_nan("")));
}

template <class T>
static inline Vec<T> log(Vec<T> x) {
  using F = Ieee<T>;
  const auto subnormal = x < F::kMinNormal;
  const Vec<T> m = subnormal ? x * F::kSubnormalScale : x;
  const Vec<T> down = subnormal ? broadcast<T>(T(F::kSubnormalShift)) : Vec<T>{};
  return log_at_ends<T>(x, log_of_normal<T>(m, Vec<T>{}, down));
}

// log(u) + (x - (u - 1)) / u, where u is 1 + x rounded.
template <class T>
static inline Vec<T> log1p_of(Vec<T> x) {
  const Vec<T> u = T(1) + x;
  const Vec<T> result = log_at_ends<T>(u, log_of_normal<T>(u, (x - (u - T(1))) / u, Vec<T>{}));
  return u == T(1) ? x : result;
}

static inline Vec<float> log1p(Vec<float> x) { return log1p_of<float>(x); }
static inline Vec<double> log1p(Vec<double> x) { return log1p_of<double>(x); }

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

// exp(-|x|) does not overflow.
template <class T>
static inline Vec<T> sigmoid(Vec<T> x) {
  const Vec<T> e = exp<T, true>((Vec<T>)((Bits<T>)x | (Bits<T>)broadcast<T>(T(-0.0))));
  return (x < T(0) ? e : broadcast<T>(T(1))) / (T(1) + e);
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

// log(1 + exp(x)) without overflow.
template <class T>
static inline Vec<T> softplus(Vec<T> x) {
  const Vec<T> e = exp<T, true>((Vec<T>)((Bits<T>)x | (Bits<T>)broadcast<T>(T(-0.0))));
  const Vec<T> u = T(1) + e;
  const Vec<T> small = log_of_normal<T>(u, (e - (u - T(1))) / u, Vec<T>{});
  return (x > T(0) ? x : Vec<T>{}) + (u == T(1) ? e : small);
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
#undef TALUS_LIBRARY_FUNCTION

#define TALUS_LIBRARY_FUNCTION(name)                                               \
  static inline float name(float x, float y) { return __builtin_##name##f(x, y); } \
  static inline double name(double x, double y) { return __builtin_##name(x, y); }

TALUS_LIBRARY_FUNCTION(pow)
TALUS_LIBRARY_FUNCTION(fmod)
TALUS_LIBRARY_FUNCTION(copysign)
#undef TALUS_LIBRARY_FUNCTION

}  // namespace talus::TALUS_ISA_NS::math
