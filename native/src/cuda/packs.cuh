// 16 bytes at a time.
#pragma once

#include "cuda/map.cuh"
#include "cuda/team.cuh"

namespace talus::cuda {

template <class T>
constexpr int kPackItems = static_cast<int>(16 / sizeof(T));

inline int64_t quotient_up(int64_t n, int64_t by) { return (n + by - 1) / by; }

// Calls f(std::integral_constant<int, Threads>, std::integral_constant<int, N>) as rows of so many elements deserve: a
// team, and packs of N. Rows of up to warp_row elements are a warp's.
template <class T, class F>
void with_row_kernel(int64_t cols, int64_t warp_row, F&& f) {
  with_team(cols, warp_row, [&](auto threads) {
    if (cols % kPackItems<T> == 0)
      f(threads, std::integral_constant<int, kPackItems<T>>{});
    else
      f(threads, std::integral_constant<int, 1>{});
  });
}

inline bool pack_aligned(const void* at) { return reinterpret_cast<uintptr_t>(at) % 16 == 0; }

// N elements from `at` on: one load, or where they are not aligned several, so that what is added up in which order
// does not depend on addresses.
template <int N, class T>
__device__ __forceinline__ static Pack<T, N> load_pack(const T* at, bool aligned) {
  if (aligned) return *reinterpret_cast<const Pack<T, N>*>(at);
  Pack<T, N> pack;
#pragma unroll
  for (int i = 0; i < N; ++i) pack.values[i] = at[i];
  return pack;
}

template <int N, class T>
__device__ __forceinline__ static void store_pack(T* at, const Pack<T, N>& pack, bool aligned) {
  if (aligned) {
    *reinterpret_cast<Pack<T, N>*>(at) = pack;
    return;
  }
#pragma unroll
  for (int i = 0; i < N; ++i) at[i] = pack.values[i];
}

}  // namespace talus::cuda
