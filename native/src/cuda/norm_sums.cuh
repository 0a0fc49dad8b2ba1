// The two sums that normalisations need, and adding them up across a block whose lanes are columns.
#pragma once

#include "cuda/team.cuh"

namespace talus::cuda {

struct NormSums {
  double first, second;
  __device__ __forceinline__ void add(double x, double y) {
    first += x;
    second += y;
  }
};

constexpr int kNormWarps = kTeamBlock / kWarp;

// For threads of the first warp, the sums of the lanes of their number in all warps, in order. All threads must come.
__device__ __forceinline__ static NormSums add_warps(const NormSums& s) {
  CUDA_SHARED(NormSums[kNormWarps][kWarp], warps);
  const int lane = static_cast<int>(threadIdx.x) % kWarp, warp = static_cast<int>(threadIdx.x) / kWarp;
  // The results of a call before may still be read.
  __syncthreads();
  warps[warp][lane] = s;
  __syncthreads();
  NormSums sum = s;
  if (warp == 0)
#pragma unroll
    for (int w = 1; w < kNormWarps; ++w) sum.add(warps[w][lane].first, warps[w][lane].second);
  return sum;
}

}  // namespace talus::cuda
