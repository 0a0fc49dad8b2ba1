// Loads and stores of the first `n` lanes of a register, for the edges of matrices and images.
#pragma once

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

// Lane numbers, for shuffles.
template <class T>
struct IndexOf;
template <>
struct IndexOf<float> {
  typedef int32_t type __attribute__((vector_size(kVectorBytes)));
};
template <>
struct IndexOf<double> {
  typedef int64_t type __attribute__((vector_size(kVectorBytes)));
};

template <class T>
static inline typename IndexOf<T>::type lane_numbers() {
  typename IndexOf<T>::type lane;
  TALUS_UNROLL
  for (int i = 0; i < kLanes<T>; ++i) lane[i] = i;
  return lane;
}

// Lanes added in a fixed order: halves onto each other.
template <class T>
static inline T sum_lanes(Vec<T> v) {
  TALUS_UNROLL
  for (int half = kLanes<T> / 2; half > 0; half /= 2) v += __builtin_shuffle(v, lane_numbers<T>() ^ half);
  return v[0];
}

// NaN stays NaN.
template <class T>
static inline Vec<T> relu(Vec<T> v) {
  return v < Vec<T>{} ? Vec<T>{} : v;
}

}  // namespace talus::TALUS_ISA_NS
