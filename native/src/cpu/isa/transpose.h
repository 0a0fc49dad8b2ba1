// The transpose of a square of registers.
#pragma once

#include "cpu/isa/gemm_partial.h"

namespace talus::TALUS_ISA_NS {

// By exchanging off-diagonal blocks of 1, 2, 4, ... lanes.
template <int Distance, class T, int... Lane>
static inline void exchange(Vec<T>& x, Vec<T>& y, std::integer_sequence<int, Lane...>) {
  constexpr int count = kLanes<T>;
  const Vec<T> first = __builtin_shufflevector(x, y, ((Lane & Distance) == 0 ? Lane : Lane - Distance + count)...);
  y = __builtin_shufflevector(x, y, ((Lane & Distance) == 0 ? Lane + Distance : Lane + count)...);
  x = first;
}

template <int Distance, class T>
static inline void exchange_all(Vec<T>* v) {
  TALUS_UNROLL
  for (int i = 0; i < kLanes<T>; ++i)
    if ((i & Distance) == 0) exchange<Distance, T>(v[i], v[i + Distance], LaneNumbers<T>{});
}

template <class T>
static inline void transpose(Vec<T>* v) {
  if constexpr (kLanes < T >> 1) exchange_all<1, T>(v);
  if constexpr (kLanes < T >> 2) exchange_all<2, T>(v);
  if constexpr (kLanes < T >> 4) exchange_all<4, T>(v);
  if constexpr (kLanes < T >> 8) exchange_all<8, T>(v);
}

}  // namespace talus::TALUS_ISA_NS
