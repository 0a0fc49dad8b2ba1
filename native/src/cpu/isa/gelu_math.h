// The normal distribution function, and the sigmoid of its approximation, on SIMD registers: what GELU is made of.
//
// The lower tail is e(a) q(a) with a = |x|, e(a) = exp(-a^2/2) and q a quotient of two polynomials with positive
// coefficients, so that nothing cancels: gelu keeps its digits where it is small, too. All coefficients were fitted for
// the least greatest relative error, which is below a twentieth of a unit in the last place, for q in double a quarter.
#pragma once

#include "cpu/isa/gelu_avx512.h"
#include "cpu/isa/vec_math.h"

namespace talus::TALUS_ISA_NS::math {

// kExp: exp(-r/2) in r, for |r| <= ln 2. kAbove / kBelow: exp(a^2/2) erfc(a / sqrt 2) / 2 in a, for 0 <= a <= kMax.
template <class T>
struct Normal;

template <>
struct Normal<float> {
  // exp(-a^2/2) is a normal number up to here; the distribution function is taken as 0 beyond.
  static constexpr float kMax = 13.15f;
  static constexpr float kExp[] = {1.0f,           -0.500000018f,   0.12499998f,   -0.0208330248f,
                                   0.00260426576f, -0.00026171397f, 2.16179239e-5f};
  static constexpr float kAbove[] = {0.500000002f, 0.435439174f, 0.181120816f, 0.0399206204f, 0.00401048896f};
  static constexpr float kBelow[] = {1.0f, 1.66876325f, 1.19371807f, 0.463888612f, 0.100073614f, 0.0100526599f};
};

template <>
struct Normal<double> {
  static constexpr double kMax = 37.6;
  static constexpr double kExp[] = {1.0,
                                    -0.5000000000000000151,
                                    0.12500000000000044082,
                                    -0.020833333333332715767,
                                    0.0026041666666558177322,
                                    -0.00026041666667365645178,
                                    2.1701388986191505458e-5,
                                    -1.5500991748184950367e-6,
                                    9.6880806896443822443e-8,
                                    -5.3823472371789890551e-9,
                                    2.6984652363271944856e-10,
                                    -1.2205012946709520117e-11};
  static constexpr double kAbove[] = {0.49999999999999997965,  0.77392361096453867168,    0.59266667444264492225,
                                      0.28834542977706203929,  0.09725541635717862111,    0.023486515109442877394,
                                      0.0040603783083588573,   0.00048622127521893890037, 3.6871742104352218581e-5,
                                      1.3685917243551326346e-6};
  static constexpr double kBelow[] = {1.0,
                                      2.3457317827319341745,
                                      2.5569565221119634806,
                                      1.7099426200895155075,
                                      0.77924377918593108279,
                                      0.2537761756821683085,
                                      0.060083878195494626729,
                                      0.010270282812611232192,
                                      0.0012222065471225581818,
                                      9.2423751291287705569e-5,
                                      3.4305507127062985154e-6};
};

template <class T, int N>
static inline Vec<T> polynomial(Vec<T> x, const T (&coefficients)[N]) {
  Vec<T> p = broadcast<T>(coefficients[N - 1]);
  for (int i = N - 2; i >= 0; --i) p = p * x + coefficients[i];
  return p;
}

// Even and odd powers apart, so that fewer steps wait for each other.
template <class T, int N>
static inline Vec<T> polynomial(Vec<T> x, Vec<T> square, const T (&coefficients)[N]) {
  Vec<T> last = broadcast<T>(coefficients[N - 1]), other = broadcast<T>(coefficients[N - 2]);
  for (int i = N - 3; i >= 0; --i) {
    const Vec<T> next = last * square + coefficients[i];
    last = other;
    other = next;
  }
  return last * x + other;
}

// a * a - square, exactly, where square is a * a rounded.
template <class T>
static inline Vec<T> lost_of_square(Vec<T> a, Vec<T> square) {
#if defined(__AVX512F__)
  if constexpr (sizeof(T) == 4) return (Vec<T>)_mm512_fmsub_ps((__m512)a, (__m512)a, (__m512)square);
  if constexpr (sizeof(T) == 8) return (Vec<T>)_mm512_fmsub_pd((__m512d)a, (__m512d)a, (__m512d)square);
#elif defined(__FMA__)
  if constexpr (sizeof(T) == 4) return (Vec<T>)_mm256_fmsub_ps((__m256)a, (__m256)a, (__m256)square);
  if constexpr (sizeof(T) == 8) return (Vec<T>)_mm256_fmsub_pd((__m256d)a, (__m256d)a, (__m256d)square);
#else
  // Halves of a whose products are exact.
  const Bits<T> mask = ~Bits<T>{} << ((Ieee<T>::kMantissa + 2) / 2);
  const Vec<T> high = (Vec<T>)((Bits<T>)a & mask), low = a - high;
  return ((high * high - square) + T(2) * high * low) + low * low;
#endif
}

// exp(-a^2/2) for 0 <= a <= kMax. What rounding takes off the square is large beside the last digit of the result.
template <class T>
static inline Vec<T> exp_of_half_square(Vec<T> a, Vec<T> square) {
  using F = Ieee<T>;
  const Vec<T> lost = lost_of_square<T>(a, square);
  const Vec<T> shifted = square * T(-0.5 * 1.44269504088896340736) + F::kRounder;
  const Vec<T> whole = shifted - F::kRounder;
  // square = r - 2 ln 2 whole. The whole number's low bits, in shifted, are added to the exponent.
  const Vec<T> r = ((square + whole * (2 * F::kLn2High)) + whole * (2 * F::kLn2Low)) + lost;
  const Bits<T> power = (Bits<T>)shifted << F::kMantissa;
  return (Vec<T>)((Bits<T>)polynomial<T>(r, Normal<T>::kExp) + power);
}

// 1 - the distribution function of the normal distribution at a, which is |x| or, where that is greater, the end of the
// range; 0 there. Exact to some ulp; e is exp(-a^2/2).
template <class T>
static inline Vec<T> normal_tail(Vec<T> x, Vec<T>& a, Vec<T>& e) {
  using N = Normal<T>;
#if defined(TALUS_NORMAL_AVX512)
  if constexpr (sizeof(T) == 4) {
    a = magnitude_512(x);
    const Vec<T> square = a * a;
    e = exp_of_half_square_512(a, square);
    return e * (polynomial<T>(a, square, N::kAbove) / polynomial<T>(a, square, N::kBelow));
  }
#endif
  const Vec<T> magnitude = (Vec<T>)((Bits<T>)x & ~(Bits<T>)broadcast<T>(T(-0.0)));
  const auto inside = magnitude < N::kMax;
  a = inside ? magnitude : broadcast<T>(N::kMax);
  const Vec<T> square = a * a;
  e = exp_of_half_square<T>(a, square);
  e = inside ? e : Vec<T>{};
  return e * (polynomial<T>(a, square, N::kAbove) / polynomial<T>(a, square, N::kBelow));
}

// The distribution function, exact to some ulp in its tails, too; e is exp(-x^2/2).
template <class T>
static inline Vec<T> normal_cdf(Vec<T> x, Vec<T>& e) {
  Vec<T> a;
  const Vec<T> tail = normal_tail<T>(x, a, e);
  return x < Vec<T>{} ? tail : T(1) - tail;
}

// x times the distribution function.
template <class T>
static inline Vec<T> gelu(Vec<T> x) {
  Vec<T> e;
#if defined(TALUS_NORMAL_AVX512)
  if constexpr (sizeof(T) == 4) {
    Vec<T> a;
    const Vec<T> tail = normal_tail<T>(x, a, e);
    return rest_of<T>(above_zero_512(x), a, tail);
  }
#endif
  return x * normal_cdf<T>(x, e);
}

// exp(x) for kExpNormalMin <= x <= kExpNormalMax, where it is a normal number: one factor is enough.
template <class T>
static inline Vec<T> exp_normal(Vec<T> x) {
  Bits<T> k;
  const Vec<T> p = reduced_expm1<T>(x, k) + T(1);
  return (Vec<T>)((Bits<T>)p + (k << Ieee<T>::kMantissa));
}

// The sigmoid in gelu's approximation, (1 + tanh(u)) / 2 = sigmoid(2u). 0 where exp(-2u) would overflow.
template <class T>
static inline Vec<T> gelu_sigmoid(Vec<T> x) {
  using F = Ieee<T>;
  constexpr T kScale = T(-1.59576912160573071176);  // -2 sqrt(2 / pi)
  const Vec<T> negative = x * (x * x * (kScale * T(0.044715)) + kScale);
  const auto vanishes = negative > F::kExpNormalMax;
  Vec<T> z = vanishes ? broadcast<T>(F::kExpNormalMax) : negative;
  z = z < F::kExpNormalMin ? broadcast<T>(F::kExpNormalMin) : z;
  const Vec<T> s = T(1) / (T(1) + exp_normal<T>(z));
  return vanishes ? Vec<T>{} : s;
}

// The derivative of 2u; it only counts where the sigmoid is neither 0 nor 1.
template <class T>
static inline Vec<T> gelu_slope(Vec<T> x) {
  constexpr T kScale = T(1.59576912160573071176), kLimit = T(1e9);
  const Vec<T> a = x > kLimit ? broadcast<T>(kLimit) : x < -kLimit ? broadcast<T>(-kLimit) : x;
  return a * a * (kScale * T(3 * 0.044715)) + kScale;
}

}  // namespace talus::TALUS_ISA_NS::math
