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
  if constexpr (sizeof(T) == 4)
    _mm256_maskstore_ps(to, lanes_below<T>(n), (__m256)v);
  else
    _mm256_maskstore_pd(to, lanes_below<T>(n), (__m256d)v);
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
  static constexpr float kExpMin = -104.0f, kExpMax = 89.0f;  // exp is 0 and infinity there
  static constexpr float kTanhMax = 10.0f;                    // tanh rounds to 1 from here
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

// Chebyshev interpolation, written out as powers. kErf: erf(y) / y in y^2, for y <= 1. kTail: (y + kCentre) exp(y^2)
// erfc(y) in (y - kCentre) / (y + kCentre), for y >= 1; relative errors 1e-9 (float) and 1e-17 (double).
template <class T>
struct Normal;

template <>
struct Normal<float> {
  static constexpr float kMax = 14.5f, kCentre = 2;  // exp(-x^2/2) is 0 beyond
  static constexpr float kExpm1Min = -30;
  static constexpr float kErf[] = {1.128379165848350946f,      -0.37612626666720331023f,  0.11283594715160217732f,
                                   -0.026854212010626412443f,  0.0051890874234339739861f, -0.00080168642871658695293f,
                                   0.000078758750626854883411f};
  static constexpr float kTail[] = {
      1.0215827047800151273f,      -0.68716069976681545356f,   0.27947218059914355297f,     -0.036441384100252843783f,
      -0.021514191846724189277f,   0.0064695147209440113602f,  0.0031410742416838595169f,   -0.00084537808402822903321f,
      -0.00087691946632332597696f, 0.00038522525222779902796f, -0.000022541907355424216218f};
};

template <>
struct Normal<double> {
  static constexpr double kMax = 39, kCentre = 3;
  static constexpr double kExpm1Min = -50;
  static constexpr double kErf[] = {1.1283791670955125738,     -0.37612638903183748056,     0.11283791670954878666,
                                    -0.026866170645076793248,  0.0052239776248180144673,    -0.00085483269808337899052,
                                    0.00012055331111642710923, -0.000014925595266831181565, 1.6461000484121368033e-6,
                                    -1.6350312701054695011e-7, 1.4659775274047435814e-8,    -1.137284885679167367e-9,
                                    5.9571761477489114044e-11};
  static constexpr double kTail[] = {
      1.0740069070883397037,       -0.88339445316988357587,    0.5902283571041009856,     -0.31046726190057606381,
      0.11952776128736960216,      -0.026827234624079116323,   -0.0012124166302080757701, 0.0030340619936025439602,
      -0.00054830963358775988178,  -0.00027677778764109292053, 0.0001075608524420736625,  0.00003039817257475303593,
      -0.000017466610952492722566, -4.7523221593087016186e-6,  2.7521805684488269365e-6,  1.0190485501287389108e-6,
      -3.9106466081145619392e-7,   -2.8636259196024125653e-7,  6.2978444827022896818e-8,  9.6365096513285588562e-8,
      -5.1091147553707859294e-8,   7.6741545168878437606e-9};
};

template <class T, int N>
static inline Vec<T> polynomial(Vec<T> x, const T (&coefficients)[N]) {
  Vec<T> p = broadcast<T>(coefficients[N - 1]);
  for (int i = N - 2; i >= 0; --i) p = p * x + coefficients[i];
  return p;
}

// The distribution function of the normal distribution, exact to some ulp in its tails, too; e is exp(-x^2/2).
template <class T>
static inline Vec<T> normal_cdf(Vec<T> x, Vec<T>& e) {
  using N = Normal<T>;
  constexpr T kSqrtHalf = T(0.70710678118654752440);
  Vec<T> a = x < Vec<T>{} ? -x : x;
  a = a > N::kMax ? broadcast<T>(N::kMax) : a;
  // What rounding takes off the square is large beside the last digit of its exponential.
  const Vec<T> square = a * a, lost = a * a - square;
  e = exp<T>(square * T(-0.5)) * (T(1) - lost * T(0.5));
  const Vec<T> y = a * kSqrtHalf, inverse = T(1) / (y + N::kCentre);
  const Vec<T> tail = T(0.5) * e * polynomial<T>((y - N::kCentre) * inverse, N::kTail) * inverse;
  const Vec<T> middle = T(0.5) + x * (kSqrtHalf / 2) * polynomial<T>(y * y, N::kErf);
  return y < T(1) ? middle : x < Vec<T>{} ? tail : T(1) - tail;
}

// For x <= 0.
template <class T>
static inline Vec<T> expm1_negative(Vec<T> x) {
  x = x < Normal<T>::kExpm1Min ? broadcast<T>(Normal<T>::kExpm1Min) : x;
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

// The sigmoid in gelu's approximation, (1 + tanh(u)) / 2 = sigmoid(2u), and the derivative of 2u.
template <class T>
static inline Vec<T> gelu_sigmoid(Vec<T> x, Vec<T>& slope) {
  constexpr T kScale = T(1.59576912160573071176), kCube = T(0.044715);  // 2 sqrt(2 / pi)
  Vec<T> a = x > T(40) ? broadcast<T>(T(40)) : x;
  a = a < T(-40) ? broadcast<T>(T(-40)) : a;
  const Vec<T> cubed = a * a * kCube;
  slope = kScale * (T(1) + T(3) * cubed);
  return sigmoid<T>(kScale * a * (T(1) + cubed));
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
