// mt19937 (Matsumoto and Nishimura 1998), uniform numbers, and the Box-Muller transform as PyTorch's AVX2 kernel
// rounds it. The logarithm, sine and cosine are Cephes' single precision polynomials (Moshier, logf.c and sinf.c).
//
// Same bits everywhere: every product that is summed goes through fma(), so there is nothing left that a compiler
// could contract or not, and what is not written as fma() is rounded step by step.
#include "cpu/isa/random_table.h"

namespace talus::TALUS_ISA_NS {

namespace {

constexpr int kShift = 397;

inline uint32_t twist_word(uint32_t current, uint32_t next, uint32_t far) {
  const uint32_t mixed = (current & 0x80000000u) | (next & 0x7fffffffu);
  return far ^ (mixed >> 1) ^ ((0u - (next & 1u)) & 0x9908b0dfu);
}

// Three loops rather than one with a modulus: each has a fixed distance between what it reads and writes.
void twist(uint32_t* state) {
  constexpr int kRest = kTwisterWords - kShift;
  for (int i = 0; i < kRest; ++i) state[i] = twist_word(state[i], state[i + 1], state[i + kShift]);
  for (int i = kRest; i < kTwisterWords - 1; ++i) state[i] = twist_word(state[i], state[i + 1], state[i - kRest]);
  state[kTwisterWords - 1] = twist_word(state[kTwisterWords - 1], state[0], state[kShift - 1]);
}

void temper(const uint32_t* __restrict state, int64_t n, uint32_t* __restrict words) {
  for (int64_t i = 0; i < n; ++i) {
    uint32_t y = state[i];
    y ^= y >> 11;
    y ^= (y << 7) & 0x9d2c5680u;
    y ^= (y << 15) & 0xefc60000u;
    words[i] = y ^ (y >> 18);
  }
}

inline uint32_t bits(float x) {
  uint32_t u;
  __builtin_memcpy(&u, &x, sizeof u);
  return u;
}

inline float from_bits(uint32_t u) {
  float x;
  __builtin_memcpy(&x, &u, sizeof x);
  return x;
}

// a * b + c, rounded once.
inline double fma(double a, double b, double c) { return __builtin_fma(a, b, c); }

#if defined(__FMA__) || defined(__aarch64__) || defined(_M_ARM64)
inline float fma(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
#else
// The product is exact in double. Rounding the sum to double and then to float goes wrong only where the double lies
// half way between two floats, or where floats are subnormal; those rare cases are left to the library.
inline float fma(float a, float b, float c) {
  const double sum = double{a} * b + c;
  uint64_t u;
  __builtin_memcpy(&u, &sum, sizeof u);
  const bool half_way = (u & 0x1fffffffu) == 0x10000000u;
  const bool tiny = (u & 0x7fffffffffffffffu) < 0x3810000000000000u && sum != 0;
  return half_way || tiny ? __builtin_fmaf(a, b, c) : static_cast<float>(sum);
}
#endif

void uniform_f32(const uint32_t* __restrict words, int64_t n, float from, float range, float* __restrict out) {
  for (int64_t i = 0; i < n; ++i) {
    const float u = static_cast<float>(static_cast<int32_t>(words[i] & 0xffffffu)) * 0x1p-24f;
    out[i] = fma(u, range, from);
  }
}

// The conversions go through int32 because that is what every instruction set has; all steps before fma are exact.
void uniform_f64(const uint32_t* __restrict words, int64_t n, double from, double range, double* __restrict out) {
  for (int64_t i = 0; i < n; ++i) {
    const double high = static_cast<int32_t>(words[2 * i] & 0x1fffffu);
    const double low = static_cast<double>(static_cast<int32_t>(words[2 * i + 1] ^ 0x80000000u)) + 0x1p31;
    out[i] = fma(high * 0x1p-21 + low * 0x1p-53, range, from);
  }
}

void below(const uint32_t* __restrict words, int64_t n, int64_t limit, uint8_t* __restrict out) {
  for (int64_t i = 0; i < n; ++i) {
    uint64_t pair;
    __builtin_memcpy(&pair, words + 2 * i, sizeof pair);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    pair = pair << 32 | pair >> 32;  // the high word comes first
#endif
    out[i] = static_cast<int64_t>(pair & ((uint64_t{1} << 53) - 1)) < limit;
  }
}

// Factors are multiplied rather than chosen: 0 times infinity is NaN, as in PyTorch.
template <class T>
void mask(int64_t n, int64_t inner, const void* x_bytes, const uint8_t* __restrict kept, double factor_of_kept,
          void* out_bytes) {
  const T* __restrict x = static_cast<const T*>(x_bytes);
  T* __restrict out = static_cast<T*>(out_bytes);
  const T factor = static_cast<T>(factor_of_kept);
  if (inner == 1) {
    for (int64_t i = 0; i < n; ++i) out[i] = x[i] * (static_cast<T>(static_cast<int32_t>(kept[i])) * factor);
    return;
  }
  for (int64_t i = 0; i < n; ++i, x += inner, out += inner) {
    const T own = static_cast<T>(static_cast<int32_t>(kept[i])) * factor;
    for (int64_t k = 0; k < inner; ++k) out[k] = x[k] * own;
  }
}

// Natural logarithm of a normal positive number.
inline float log_positive(float x) {
  const uint32_t u = bits(x);
  float exponent = static_cast<float>(static_cast<int32_t>(u >> 23) - 126);
  const float mantissa = from_bits((u & 0x007fffffu) | 0x3f000000u);  // in [0.5, 1)
  const bool below = mantissa < 0.70710678118654752f;
  const float m = (mantissa - 1.0f) + (below ? mantissa : 0.0f);
  exponent -= below ? 1.0f : 0.0f;

  float p = 7.0376836292e-2f;
  p = fma(p, m, -1.1514610310e-1f);
  p = fma(p, m, 1.1676998740e-1f);
  p = fma(p, m, -1.2420140846e-1f);
  p = fma(p, m, 1.4249322787e-1f);
  p = fma(p, m, -1.6668057665e-1f);
  p = fma(p, m, 2.0000714765e-1f);
  p = fma(p, m, -2.4999993993e-1f);
  p = fma(p, m, 3.3333331174e-1f);
  const float square = m * m;
  float tail = fma(m * p, square, exponent * -2.12194440e-4f);
  tail = fma(square, -0.5f, tail);
  return fma(exponent, 0.693359375f, m + tail);  // ln 2 = 0.693359375 - 2.12194440e-4
}

struct SinCos {
  float sin, cos;
};

// For 0 <= x < 8192.
inline SinCos sin_cos(float x) {
  // The octant, rounded up to even: what is left of x lies within pi/4 of a multiple of pi/2.
  const int32_t octant = (static_cast<int32_t>(x * 1.27323954473516f) + 1) & ~1;
  const float turns = static_cast<float>(octant);
  x = fma(turns, -0.78515625f, x);  // pi/4 in three parts
  x = fma(turns, -2.4187564849853515625e-4f, x);
  x = fma(turns, -3.77489497744594108e-8f, x);

  const float z = x * x;
  float c = fma(2.443315711809948e-5f, z, -1.388731625493765e-3f);
  c = fma(c, z, 4.166664568298827e-2f);
  c = fma(z * c, z, z * -0.5f) + 1.0f;
  float s = fma(-1.9515295891e-4f, z, 8.3321608736e-3f);
  s = fma(s, z, -1.6666654611e-1f);
  s = fma(z * s, x, x);

  const bool swapped = (octant & 2) != 0;
  const uint32_t sin_sign = (static_cast<uint32_t>(octant) & 4u) << 29;
  const uint32_t cos_sign = (~(static_cast<uint32_t>(octant) - 2u) & 4u) << 29;
  const float sine = swapped ? c : s;
  const float cosine = swapped ? s : c;
  return {from_bits(bits(sine) ^ sin_sign), from_bits(bits(cosine) ^ cos_sign)};
}

void box_muller(float* data, int64_t n, float mean, float std) {
  for (int64_t block = 0; block < n; block += 16) {
    float* __restrict first = data + block;
    float* __restrict second = data + block + 8;
    for (int j = 0; j < 8; ++j) {
      const float radius = __builtin_sqrtf(-2.0f * log_positive(1.0f - first[j]));
      const SinCos angle = sin_cos(6.283185307179586f * second[j]);
      first[j] = fma(radius * angle.cos, std, mean);
      second[j] = fma(radius * angle.sin, std, mean);
    }
  }
}

}  // namespace

extern const RandomTable random_table;
const RandomTable random_table = {twist,      temper, uniform_f32, uniform_f64,
                                  box_muller, below,  mask<float>, mask<double>};

}  // namespace talus::TALUS_ISA_NS
