// Moving lanes between registers: what strides of two, and small integers beside floating elements, need.
#pragma once

#include <utility>

#include "vec_math.h"

namespace talus::TALUS_ISA_NS {

template <class T>
using Sequence = std::make_integer_sequence<int, kLanes<T>>;

// The elements of a and then b that stand at even positions, and those at odd ones.
template <class T, int... I>
static inline Vec<T> even_lanes(Vec<T> a, Vec<T> b, std::integer_sequence<int, I...>) {
  return __builtin_shufflevector(a, b, (2 * I)...);
}

template <class T, int... I>
static inline Vec<T> odd_lanes(Vec<T> a, Vec<T> b, std::integer_sequence<int, I...>) {
  return __builtin_shufflevector(a, b, (2 * I + 1)...);
}

template <class T>
static inline Vec<T> evens(Vec<T> a, Vec<T> b) {
  return even_lanes<T>(a, b, Sequence<T>());
}

template <class T>
static inline Vec<T> odds(Vec<T> a, Vec<T> b) {
  return odd_lanes<T>(a, b, Sequence<T>());
}

// a0 b0 a1 b1 ...: the first half, and the second.
template <class T, int... I>
static inline Vec<T> zip_lanes(Vec<T> a, Vec<T> b, int_fast8_t half, std::integer_sequence<int, I...>) {
  return half == 0 ? __builtin_shufflevector(a, b, (I % 2 * kLanes<T> + I / 2)...)
                   : __builtin_shufflevector(a, b, (I % 2 * kLanes<T> + I / 2 + kLanes<T> / 2)...);
}

template <class T>
static inline Vec<T> zip_low(Vec<T> a, Vec<T> b) {
  return zip_lanes<T>(a, b, 0, Sequence<T>());
}

template <class T>
static inline Vec<T> zip_high(Vec<T> a, Vec<T> b) {
  return zip_lanes<T>(a, b, 1, Sequence<T>());
}

template <class V, class F, int... I>
static inline auto fold_halves(V v, F f, std::integer_sequence<int, I...>) {
  constexpr int kHalf = sizeof...(I);
  const auto folded = f(__builtin_shufflevector(v, v, I...), __builtin_shufflevector(v, v, (I + kHalf)...));
  if constexpr (kHalf == 2)
    return f(folded[0], folded[1]);
  else
    return fold_halves(folded, f, std::make_integer_sequence<int, kHalf / 2>());
}

// All lanes combined by f, half with half, in the dtype.
template <class T, class F>
static inline T fold_lanes(Vec<T> v, F f) {
  if constexpr (kLanes<T> == 2)
    return f(v[0], v[1]);
  else
    return fold_halves(v, f, std::make_integer_sequence<int, kLanes<T> / 2>());
}

// n elements, 0 < n <= kLanes<T>; in loops where n == kLanes<T> is known, only tails pay for it.
template <class T>
static inline Vec<T> load_part(const T* from, int64_t n, T fill) {
  return n == kLanes<T> ? load<T>(from) : load_tail<T>(from, n, fill);
}

template <class T>
static inline void store_part(T* to, Vec<T> v, int64_t n) {
  if (n == kLanes<T>)
    store<T>(to, v);
  else
    store_tail<T>(to, v, n);
}

// n elements of two registers that follow each other, 0 < n <= 2 kLanes<T>.
template <class T>
static inline void load_pair(const T* from, int64_t n, T fill, Vec<T>& a, Vec<T>& b) {
  constexpr int kL = kLanes<T>;
  a = n >= kL ? load<T>(from) : load_tail<T>(from, n, fill);
  b = n > kL ? load_part<T>(from + kL, n - kL, fill) : broadcast<T>(fill);
}

template <class T>
static inline void store_pair(T* to, Vec<T> a, Vec<T> b, int64_t n) {
  constexpr int kL = kLanes<T>;
  if (n >= kL)
    store<T>(to, a);
  else
    store_tail<T>(to, a, n);
  if (n > kL) store_part<T>(to + kL, b, n - kL);
}

// f(i, n) for every register of a row.
template <class T, class F>
static inline void for_row(int64_t cols, F f) {
  int64_t i = 0;
  for (; i + kLanes<T> <= cols; i += kLanes<T>) f(i, int64_t{kLanes<T>});
  if (i < cols) f(i, cols - i);
}

template <class T>
static inline Vec<T> lane_sums(const T* x, int64_t n) {
  Vec<T> sum{};
  for_row<T>(n, [&](int64_t i, int64_t count) { sum += load_part<T>(x + i, count, T(0)); });
  return sum;
}

// The sums of as many rows as a register has lanes: neighbours are added until one lane is left of each.
template <class T, int Rows>
static inline Vec<T> row_sums(const T* x, int64_t stride, int64_t n) {
  if constexpr (Rows == 1) {
    return lane_sums<T>(x, n);
  } else {
    const Vec<T> a = row_sums<T, Rows / 2>(x, stride, n), b = row_sums<T, Rows / 2>(x + Rows / 2 * stride, stride, n);
    return evens<T>(a, b) + odds<T>(a, b);
  }
}

// How many rows go through each step together, at most `most`: as many as fit into the cache with room to spare. Steps
// of one row wait for each other, those of several do not.
template <class T>
static inline int64_t rows_together(int64_t cols, int64_t most) {
  const int64_t fitting = 8192 / (cols * int64_t{sizeof(T)});
  return fitting < 1 ? 1 : fitting < most ? fitting : most;
}

// ---------------------------------------------------------------- whole numbers as wide as the elements

template <class T>
using Codes = math::Bits<T>;

template <class T>
static inline Codes<T> splat_code(int64_t code) {
  return Codes<T>{} + static_cast<typename math::Ieee<T>::Bits>(code);
}

// n of them from and to memory, where they are of type Code: uint8_t or int32_t. Lanes beyond n are 0.
template <class T, class Code>
static inline Codes<T> load_codes(const Code* from, int64_t n) {
  typedef Code Narrow __attribute__((vector_size(kLanes<T> * sizeof(Code))));
#if defined(__AVX512F__)
  if (n != kLanes<T> && sizeof(Code) == 1) {
    const unsigned mask = (1u << n) - 1;
    const __m128i bytes = _mm_maskz_loadu_epi8(__mmask16(mask), from);
    if constexpr (sizeof(T) == 4) return (Codes<T>)_mm512_maskz_cvtepu8_epi32(__mmask16(mask), bytes);
    if constexpr (sizeof(T) == 8) return (Codes<T>)_mm512_maskz_cvtepu8_epi64(__mmask8(mask), bytes);
  }
#endif
  Narrow narrow = {};
  if (n == kLanes<T>) {
    std::memcpy(&narrow, from, sizeof narrow);
  } else {
    for (int l = 0; l < kLanes<T>; ++l)
      if (l < n) narrow[l] = from[l];
  }
  return __builtin_convertvector(narrow, Codes<T>);
}

template <class T, class Code>
static inline void store_codes(Code* to, Codes<T> codes, int64_t n) {
  typedef Code Narrow __attribute__((vector_size(kLanes<T> * sizeof(Code))));
#if defined(__AVX512F__)
  if constexpr (sizeof(Code) == 1) {
    const unsigned mask = n == kLanes<T> ? (1u << kLanes<T>)-1 : (1u << n) - 1;
    if constexpr (sizeof(T) == 4) _mm512_mask_cvtepi32_storeu_epi8(to, __mmask16(mask), (__m512i)codes);
    if constexpr (sizeof(T) == 8) _mm512_mask_cvtepi64_storeu_epi8(to, __mmask8(mask), (__m512i)codes);
    return;
  }
#endif
  const Narrow narrow = __builtin_convertvector(codes, Narrow);
  if (n == kLanes<T>) {
    std::memcpy(to, &narrow, sizeof narrow);
  } else {
    for (int l = 0; l < kLanes<T>; ++l)
      if (l < n) to[l] = narrow[l];
  }
}

template <class T>
static inline bool any_lane(Codes<T> v) {
  typename math::Ieee<T>::Bits all = 0;
  for (int l = 0; l < kLanes<T>; ++l) all |= v[l];
  return all != 0;
}

}  // namespace talus::TALUS_ISA_NS
