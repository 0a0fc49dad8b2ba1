// Threads of a block that reduce together: a quarter of a warp, a warp, or the whole block.
#pragma once

#include "cuda/device.cuh"

namespace talus::cuda {

constexpr int kTeamBlock = 256;
constexpr int kQuarter = kWarp / 4;

// What merge makes of the values of all threads of the team, the same in every thread; merge must not care for order.
// Blocks have kTeamBlock threads, Threads of which are a team. All threads of the block must come.
template <int Threads, class T, class F>
__device__ __forceinline__ static T team_reduce(T value, F merge) {
  static_assert(Threads == kQuarter || Threads == kWarp || Threads == kTeamBlock, "no such team");
#pragma unroll
  for (int lane = (Threads < kWarp ? Threads : kWarp) / 2; lane > 0; lane /= 2)
    value = merge(value, __shfl_xor_sync(kAllLanes, value, lane));
  if constexpr (Threads > kWarp) {
    CUDA_SHARED(T[kTeamBlock / kWarp], warps);
    const int thread = static_cast<int>(threadIdx.x);
    // The results of a call before may still be read.
    __syncthreads();
    if (thread % kWarp == 0) warps[thread / kWarp] = value;
    __syncthreads();
    value = warps[0];
    for (int i = 1; i < kTeamBlock / kWarp; ++i) value = merge(value, warps[i]);
  }
  return value;
}

struct Sum {
  template <class T>
  __device__ T operator()(T x, T y) const {
    return x + y;
  }
};

struct Greater {
  template <class T>
  __device__ T operator()(T x, T y) const {
    return y > x ? y : x;
  }
};

// Rows of up to this many elements are a quarter's, or a warp's.
constexpr int64_t kQuarterRow = 64, kWarpRow = 1024;

// Calls f(std::integral_constant<int, Threads>) for the team that a row deserves.
template <class F>
void with_team(int64_t cols, int64_t warp_row, F&& f) {
  if (cols <= kQuarterRow)
    f(std::integral_constant<int, kQuarter>{});
  else if (cols <= warp_row)
    f(std::integral_constant<int, kWarp>{});
  else
    f(std::integral_constant<int, kTeamBlock>{});
}

template <class F>
void with_team(int64_t cols, F&& f) {
  with_team(cols, kWarpRow, std::forward<F>(f));
}

// The row of the calling thread's team; it may be beyond the last.
template <int Threads>
__device__ __forceinline__ static int64_t team_row() {
  return int64_t{blockIdx.x} * (kTeamBlock / Threads) + static_cast<int>(threadIdx.x) / Threads;
}

}  // namespace talus::cuda
