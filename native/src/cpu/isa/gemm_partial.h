// Loads and stores of the first `n` lanes of a register, for the edges of matrices and images.
#pragma once

#include <utility>

#include "cpu/isa/vec.h"

#if defined(__AVX2__)
#include <immintrin.h>
#endif

// Keeps a small constant loop's arrays in registers.
#if defined(__clang__)
#define TALUS_UNROLL _Pragma("clang loop unroll(full)")
#else
#define TALUS_UNROLL _Pragma("GCC unroll 32")
#endif

namespace talus::TALUS_ISA_NS {

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
static inline void store_partial(float* to, Vec<float> v, int n) {
  _mm256_maskstore_ps(to, first_floats(n), (__m256)v);
}
static inline void store_partial(double* to, Vec<double> v, int n) {
  _mm256_maskstore_pd(to, first_doubles(n), (__m256d)v);
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

// NaN stays NaN.
template <class T>
static inline Vec<T> relu(Vec<T> v) {
  return v < Vec<T>{} ? Vec<T>{} : v;
}

}  // namespace talus::TALUS_ISA_NS
