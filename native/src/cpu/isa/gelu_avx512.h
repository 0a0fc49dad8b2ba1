// The lower tail of the normal distribution, and gelu made of it, for 16 floats: fewer instructions than the way that
// gelu_math.h has for every instruction set. They matter: the multipliers are busy nearly all of the time.
//
// The exponential is 2^(k/32) exp(-r/2): the powers of two lie in two registers, which one instruction looks up, and
// what is left is so short that two coefficients are enough.
#pragma once

#include "cpu/isa/vec_math.h"

#if defined(__AVX512F__) && defined(__AVX512DQ__)
#define TALUS_NORMAL_AVX512

namespace talus::TALUS_ISA_NS::math {

struct NormalTail512 {
  // exp(-kMax^2/2) is 2^-127, which is no normal number any more: its bits are 0. From 13.2164 on, where it is 2^-126,
  // the tail is wrong by less than 2^-127 / 30; below, it is exact to some ulp.
  static constexpr float kMax = 13.2687f;
  static constexpr int kPowers = 5;              // 2^5 of them
  static constexpr float kHigh = 0x1.62ep-5f;    // 2 ln 2 / 32 in 12 bits: the multiples up to kMax^2 are exact
  static constexpr float kLow = 1.99663656e-6f;  // and the rest of it
  static constexpr float kFirst = 0.50000733f;   // exp(s/2) = 1 + s (kFirst + kSecond s) for |s| <= ln 2 / 32,
  static constexpr float kSecond = 0.125f;       // to less than half a unit in the last place
};

// The bits of 2^(j/32), less what j itself will add to them.
alignas(64) static constexpr uint32_t kPowersOfTwo[] = {
    0x3f800000, 0x3f7ecd87, 0x3f7daac3, 0x3f7c980f, 0x3f7b95c2, 0x3f7aa43a, 0x3f79c3d3, 0x3f78f4f0,
    0x3f7837f0, 0x3f778d3a, 0x3f76f532, 0x3f767043, 0x3f75fed7, 0x3f75a15b, 0x3f75583f, 0x3f7523f6,
    0x3f7504f3, 0x3f74fbaf, 0x3f7508a4, 0x3f752c4d, 0x3f75672a, 0x3f75b9be, 0x3f76248c, 0x3f76a81e,
    0x3f7744fd, 0x3f77fbb8, 0x3f78ccdf, 0x3f79b907, 0x3f7ac0c7, 0x3f7be4ba, 0x3f7d257d, 0x3f7e83b3};

// exp(-a^2/2) for 0 <= a <= kMax. The products that make up -r = -a^2 - k (2 ln 2 / 32) are not rounded.
static inline Vec<float> exp_of_half_square_512(Vec<float> a, Vec<float> square) {
  using F = Ieee<float>;
  using N = NormalTail512;
  const Vec<float> shifted = square * float(-16 * 1.44269504088896340736) + F::kRounder;
  const Vec<float> whole = shifted - F::kRounder;
  const Vec<float> s = rest_of<float>(whole * -N::kHigh, a, a) - whole * N::kLow;
  const __m512i low = _mm512_load_si512(kPowersOfTwo), high = _mm512_load_si512(kPowersOfTwo + 16);
  // k's five low bits choose; all of k, moved to where the exponent begins, is added.
  const Bits<float> chosen = (Bits<float>)_mm512_permutex2var_epi32(low, (__m512i)shifted, high);
  const Vec<float> power = (Vec<float>)(chosen + ((Bits<float>)shifted << (F::kMantissa - N::kPowers)));
  return power * (s * (s * N::kSecond + N::kFirst)) + power;
}

// |x|, and kMax where that is less or x is not a number.
static inline Vec<float> magnitude_512(Vec<float> x) {
  constexpr int kLesserMagnitude = 2, kWithoutSign = 2 << 2;
  const __m512 max = (__m512)broadcast<float>(NormalTail512::kMax);
  return (Vec<float>)_mm512_range_ps((__m512)x, max, kLesserMagnitude | kWithoutSign);
}

// x above 0 and -0 below, so that subtracting a tail's product from it is all that gelu needs. For minus infinity,
// where the product would be infinity times 0, not a number.
static inline Vec<float> above_zero_512(Vec<float> x) {
  enum { kSame = 1, kQuiet = 2, kNan = 3, kMinusZero = 7 };                   // the answers, four bits a kind of number
  constexpr int kAnswers = kQuiet | kQuiet << 4 | kSame << 8 | kSame << 12 |  // NaNs, zeros, one
                           kNan << 16 | kSame << 20 | kMinusZero << 24 | kSame << 28;  // infinities, the others
  return (Vec<float>)_mm512_fixupimm_ps((__m512)x, (__m512)x, _mm512_set1_epi32(kAnswers), 0);
}

}  // namespace talus::TALUS_ISA_NS::math
#endif
