// Vectors of any width, and loads and stores of the lanes that lie inside an image row; the others are zero.
#pragma once

#include <type_traits>
#include <utility>

#include "cpu/isa/gemm_partial.h"

namespace talus::TALUS_ISA_NS {

template <class T, int L>
struct LanesOf {
  typedef T type __attribute__((vector_size(L * sizeof(T))));
};
template <class T, int L>
using Lanes = typename LanesOf<T, L>::type;

// Out of line: it is rare, and would be inlined into every kernel many times.
template <class T, int L>
__attribute__((noinline)) static Lanes<T, L> load_between(const T* from, int first, int last) {
  T lane[L] = {};
  for (int i = first; i < last; ++i) lane[i] = from[i];
  Lanes<T, L> v;
  std::memcpy(&v, lane, sizeof v);
  return v;
}

template <class T, int L>
static inline Lanes<T, L> load_lanes(const T* from) {
  Lanes<T, L> v;
  std::memcpy(&v, from, sizeof v);
  return v;
}

// How much of a window can be loaded. On some processors a masked load costs a hundred cycles now and then, so a whole
// register is loaded, and lanes cleared, wherever memory before and after is known to exist.
enum class Reach { Inside, Surrounded, Guarded };

// The lanes [first, last) of a vector.
template <class T, int L>
struct Window {
  using Mask = Lanes<std::conditional_t<sizeof(T) == 4, int32_t, int64_t>, L>;
  int first, last;
  Mask mask;

  Window() = default;
  Window(int64_t from, int64_t to) {
    first = static_cast<int>(from < 0 ? 0 : from > L ? L : from);
    last = static_cast<int>(to < first ? first : to > L ? L : to);
    Mask lane;
    for (int i = 0; i < L; ++i) lane[i] = i;
    mask = (lane >= first) & (lane < last);
  }

  bool whole() const { return last - first == L; }

  template <Reach R>
  Lanes<T, L> load(const T* from) const {
    using V = Lanes<T, L>;
    if constexpr (R == Reach::Inside) {
      return load_lanes<T, L>(from);
    } else if constexpr (R == Reach::Surrounded) {
      return (V)((Mask)load_lanes<T, L>(from) & mask);
    } else {
      return load_between<T, L>(from, first, last);
    }
  }

  void store(T* to, Lanes<T, L> v) const {
    if (whole()) {
      std::memcpy(to, &v, sizeof v);
    } else {
      store_lanes(to, v);
    }
  }

 private:
  void store_lanes(T* to, const Lanes<T, L>& v) const {
#if defined(__AVX512F__)
    const unsigned lanes = ((1u << last) - 1) & ~((1u << first) - 1);
    if constexpr (L == 16) _mm512_mask_storeu_ps(to, static_cast<__mmask16>(lanes), (__m512)v);
    if constexpr (L == 8 && sizeof(T) == 8) _mm512_mask_storeu_pd(to, static_cast<__mmask8>(lanes), (__m512d)v);
    if constexpr (L == 8 && sizeof(T) == 4) _mm256_mask_storeu_ps(to, static_cast<__mmask8>(lanes), (__m256)v);
    if constexpr (L == 4) _mm256_mask_storeu_pd(to, static_cast<__mmask8>(lanes), (__m256d)v);
#elif defined(__AVX2__)
    // Lanes that begin later move to the front; pairs of integers move a double.
    if (first == 0) return store_partial(to, v, last);
    constexpr int kInts = int{sizeof(T)} / 4;
    const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    const __m256i from = _mm256_add_epi32(lane, _mm256_set1_epi32(first * kInts));
    store_partial(to + first, (Lanes<T, L>)_mm256_permutevar8x32_epi32((__m256i)v, from), last - first);
#else
    for (int i = 0; i < L; ++i)
      if (i >= first && i < last) to[i] = v[i];
#endif
  }
};

// The even (Odd == 0) or odd lanes of two neighbouring vectors, and two vectors merged lane by lane.
template <int Odd, class V, int... I>
static inline V every_second(V a, V b, std::integer_sequence<int, I...>) {
  return __builtin_shufflevector(a, b, (2 * I + Odd)...);
}
template <int Half, class V, int... I>
static inline V merge(V a, V b, std::integer_sequence<int, I...>) {
  constexpr int L = sizeof...(I);
  return __builtin_shufflevector(a, b, ((Half * L + I) / 2 + (I % 2) * L)...);
}

// The lanes added in a fixed order: halves onto each other.
template <class T, int L>
static inline T sum_of_lanes(const Lanes<T, L>& v) {
  T lane[L];
  std::memcpy(lane, &v, sizeof v);
  for (int half = L / 2; half > 0; half /= 2)
    for (int i = 0; i < half; ++i) lane[i] += lane[i + half];
  return lane[0];
}

}  // namespace talus::TALUS_ISA_NS
