// Loads and stores of the first `n` lanes of a register, for the edges of matrices and images; sums of lanes.
#pragma once

#include <utility>

#include "activation.h"
#include "cpu/isa/vec.h"

#if defined(__AVX2__)
#include <immintrin.h>
#endif

// Keeps a small constant loop's arrays in registers.
#if defined(TALUS_LOW_TILES)
#define TALUS_UNROLL
#elif defined(__clang__)
#define TALUS_UNROLL _Pragma("clang loop unroll(full)")
#else
#define TALUS_UNROLL _Pragma("GCC unroll 32")
#endif

#define TALUS_INLINE __attribute__((always_inline)) inline
#define TALUS_INLINE_LAMBDA __attribute__((always_inline))

namespace talus::TALUS_ISA_NS {

// f(0), f(1), ... f(N - 1), with the numbers as types: the indices are constants from the start.
template <class F, int... I>
static TALUS_INLINE void unroll(F&& f, std::integer_sequence<int, I...>) {
  (f(std::integral_constant<int, I>{}), ...);
}
template <int N, class F>
static TALUS_INLINE void unroll(F&& f) {
  unroll(f, std::make_integer_sequence<int, N>{});
}

#if defined(__AVX512F__)

static inline Vec<float> load_partial(const float* from, int n) {
  return (Vec<float>)_mm512_maskz_loadu_ps(static_cast<__mmask16>((1u << n) - 1), from);
}
static inline Vec<double> load_partial(const double* from, int n) {
  return (Vec<double>)_mm512_maskz_loadu_pd(static_cast<__mmask8>((1u << n) - 1), from);
}
static inline void store_partial(float* to, Vec<float> v, int n) {
  _mm512_mask_storeu_ps(to, static_cast<__mmask16>((1u << n) - 1), (__m512)v);
}
static inline void store_partial(double* to, Vec<double> v, int n) {
  _mm512_mask_storeu_pd(to, static_cast<__mmask8>((1u << n) - 1), (__m512d)v);
}

#elif defined(__AVX2__)

static inline __m256i first_floats(int n) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
static inline __m256i first_doubles(int n) {
  return _mm256_cmpgt_epi64(_mm256_set1_epi64x(n), _mm256_setr_epi64x(0, 1, 2, 3));
}
static inline Vec<float> load_partial(const float* from, int n) {
  return (Vec<float>)_mm256_maskload_ps(from, first_floats(n));
}
static inline Vec<double> load_partial(const double* from, int n) {
  return (Vec<double>)_mm256_maskload_pd(from, first_doubles(n));
}
// In pieces: AMD's processors take a dozen cycles for a masked store of a register.
static inline void store_partial(float* to, Vec<float> v, int n) {
  if (n >= kLanes<float>) return store(to, v);
  __m128 rest = _mm256_castps256_ps128((__m256)v);
  if ((n & 4) != 0) {
    _mm_storeu_ps(to, rest);
    rest = _mm256_extractf128_ps((__m256)v, 1);
    to += 4;
  }
  if ((n & 2) != 0) {
    _mm_storel_pi(reinterpret_cast<__m64*>(to), rest);
    rest = _mm_movehl_ps(rest, rest);
    to += 2;
  }
  if ((n & 1) != 0) _mm_store_ss(to, rest);
}
static inline void store_partial(double* to, Vec<double> v, int n) {
  if (n >= kLanes<double>) return store(to, v);
  __m128d rest = _mm256_castpd256_pd128((__m256d)v);
  if ((n & 2) != 0) {
    _mm_storeu_pd(to, rest);
    rest = _mm256_extractf128_pd((__m256d)v, 1);
    to += 2;
  }
  if ((n & 1) != 0) _mm_store_sd(to, rest);
}

#else

template <class T>
static inline Vec<T> load_partial(const T* from, int n) {
  Vec<T> v = {};
  for (int i = 0; i < kLanes<T>; ++i)
    if (i < n) v[i] = from[i];
  return v;
}
template <class T>
static inline void store_partial(T* to, Vec<T> v, int n) {
  for (int i = 0; i < kLanes<T>; ++i)
    if (i < n) to[i] = v[i];
}

#endif

// The last register of a row, of which the first n lanes are the matrix's.
template <class T>
class LastVector {
 public:
#if defined(__AVX512F__)
  explicit LastVector(int n) : mask_((1u << n) - 1) {}
  Vec<T> load_valid(const T* from) const { return load_b(from); }
  Vec<T> load_b(const T* from) const {
    if constexpr (sizeof(T) == sizeof(float))
      return (Vec<T>)_mm512_maskz_loadu_ps(static_cast<__mmask16>(mask_), from);
    else
      return (Vec<T>)_mm512_maskz_loadu_pd(static_cast<__mmask8>(mask_), from);
  }
  void store_valid(T* to, Vec<T> v) const {
    if constexpr (sizeof(T) == sizeof(float))
      _mm512_mask_storeu_ps(to, static_cast<__mmask16>(mask_), (__m512)v);
    else
      _mm512_mask_storeu_pd(to, static_cast<__mmask8>(mask_), (__m512d)v);
  }

 private:
  unsigned mask_;
#else
  explicit LastVector(int n) : n_(n) {}
  Vec<T> load_valid(const T* from) const { return n_ == kLanes<T> ? load(from) : load_partial(from, n_); }
  // Packed, so that all lanes can be read.
  Vec<T> load_b(const T* from) const { return load(from); }
  void store_valid(T* to, Vec<T> v) const {
    if (n_ == kLanes<T>) {
      store(to, v);
    } else {
      store_partial(to, v, n_);
    }
  }

 private:
  int n_;
#endif
};

// In a vector's place where all lanes are valid: a masked load takes one of the two ports that multiply.
template <class T>
struct WholeVector {
  Vec<T> load_b(const T* from) const { return load(from); }
};

// Whether LastVector reads no more than its lanes.
#if defined(__AVX512F__)
constexpr bool kMaskedLoads = true;
#else
constexpr bool kMaskedLoads = false;
#endif

// The numbers 0, 1, 2, ... of a register's lanes, for shuffles, whose indices must be constants.
template <class T>
using LaneNumbers = std::make_integer_sequence<int, kLanes<T>>;

// Lanes `Distance` apart trade places.
template <int Distance, class T, int... Lane>
static inline Vec<T> swap_lanes(Vec<T> v, std::integer_sequence<int, Lane...>) {
  return __builtin_shufflevector(v, v, (Lane ^ Distance)...);
}

// Lanes added in a fixed order: halves onto each other.
template <class T, int Half = kLanes<T> / 2>
static inline T sum_lanes(Vec<T> v) {
  if constexpr (Half > 0)
    return sum_lanes<T, Half / 2>(v + swap_lanes<Half, T>(v, LaneNumbers<T>{}));
  else
    return v[0];
}

// Lanes without the bit `Distance` get sums of x's lanes that differ in it, the others sums of y's.
template <int Distance, class T, int... Lane>
static TALUS_INLINE Vec<T> add_halves(Vec<T> x, Vec<T> y, std::integer_sequence<int, Lane...>) {
  constexpr int count = kLanes<T>;
  return __builtin_shufflevector(x, y, ((Lane & Distance) == 0 ? Lane : Lane + count)...) +
         __builtin_shufflevector(x, y, ((Lane & Distance) == 0 ? Lane + Distance : Lane - Distance + count)...);
}

// Lane i becomes the sum of the lanes of v[i * Step].
template <class T, int Step = 1>
static TALUS_INLINE Vec<T> sum_each(const Vec<T>* v) {
  constexpr int half = kLanes<T> / 2;
  if constexpr (Step > half) {
    return v[0];
  } else {
    return add_halves<Step, T>(sum_each<T, 2 * Step>(v), sum_each<T, 2 * Step>(v + Step), LaneNumbers<T>{});
  }
}

// Calls f with what becomes of a sum. Sums are read once: passes of their own would keep them in memory.
template <class T, class V, class F>
static TALUS_INLINE void with_activation(const Activation& activation, F&& f) {
  if (activation.clamps) {
    const V least = V{} + T(activation.least), most = V{} + T(activation.most);
    f([&](V sum) TALUS_INLINE_LAMBDA { return clamped(sum, least, most); });
  } else {
    f([](V sum) TALUS_INLINE_LAMBDA { return sum; });
  }
}

}  // namespace talus::TALUS_ISA_NS
