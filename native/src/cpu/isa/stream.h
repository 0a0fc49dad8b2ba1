// Loops over memory that no cache holds: what they write may pass the caches by, so that lines which are written whole
// are not read first, and what they read may be asked for ahead.
#pragma once

#include "cpu/isa/vec.h"

#if defined(__SSE2__)
#include <immintrin.h>
#endif

namespace talus::TALUS_ISA_NS {

// To a whole register's alignment. Others see it after end_streams.
#if defined(__AVX512F__)
static inline void stream(float* to, Vec<float> v) { _mm512_stream_ps(to, (__m512)v); }
static inline void stream(double* to, Vec<double> v) { _mm512_stream_pd(to, (__m512d)v); }
#elif defined(__AVX__)
static inline void stream(float* to, Vec<float> v) { _mm256_stream_ps(to, (__m256)v); }
static inline void stream(double* to, Vec<double> v) { _mm256_stream_pd(to, (__m256d)v); }
#elif defined(__SSE2__)
static inline void stream(float* to, Vec<float> v) { _mm_stream_ps(to, (__m128)v); }
static inline void stream(double* to, Vec<double> v) { _mm_stream_pd(to, (__m128d)v); }
#else
template <class T>
static inline void stream(T* to, Vec<T> v) {
  store(to, v);
}
#endif

#if defined(__SSE2__)
constexpr bool kStreams = true;
static inline void end_streams() { _mm_sfence(); }
#else
constexpr bool kStreams = false;
static inline void end_streams() {}
#endif

// Bytes between what such a loop reads and what it asks for. On Ice Lake one core's prefetchers bring 11 GB/s of a
// single stream, this 15. On Zen 3 asking made sums slower; 0 asks for nothing.
#if defined(__AVX512F__)
constexpr int64_t kReadAhead = 4096;
#else
constexpr int64_t kReadAhead = 0;
#endif

template <class T>
static inline void ask_ahead(const T* at) {
  if constexpr (kReadAhead > 0) __builtin_prefetch(reinterpret_cast<const char*>(at) + kReadAhead);
}

// Of two registers that follow each other.
template <class T>
static inline void ask_ahead_of_pair(const T* at) {
  ask_ahead(at);
  ask_ahead(at + kLanes<T>);
}

}  // namespace talus::TALUS_ISA_NS
