// A radix sort by digits of 8 bits, the lowest first. Each pass counts the digits of every tile of keys, makes the
// counts the places where each tile's keys of a digit begin, and moves the keys.
#include "cuda/sort.h"

#include <utility>

#include "cuda/map.cuh"
#include "cuda/memory.h"

namespace talus::cuda {

namespace {

constexpr int kDigitBits = 8, kDigits = 1 << kDigitBits;
constexpr int kThreads = kDigits, kWarps = kThreads / kWarp;
constexpr int kItems = 8, kTile = kThreads * kItems;

__device__ __forceinline__ uint32_t digit_of(uint32_t key, int shift) { return key >> shift & (kDigits - 1); }

// The sum of the values of all threads before the calling one; `total` gets the sum of all.
__device__ __forceinline__ uint32_t sum_before(uint32_t value, uint32_t& total) {
  CUDA_SHARED(uint32_t[kWarps], warps);
  const int lane = static_cast<int>(threadIdx.x) % kWarp, warp = static_cast<int>(threadIdx.x) / kWarp;
  uint32_t sum = value;
#pragma unroll
  for (int by = 1; by < kWarp; by *= 2) {
    const uint32_t other = __shfl_up_sync(kAllLanes, sum, static_cast<unsigned>(by));
    if (lane >= by) sum += other;
  }
  // The results of a call before may still be read.
  __syncthreads();
  if (lane == kWarp - 1) warps[warp] = sum;
  __syncthreads();
  total = 0;
  uint32_t before = sum - value;
#pragma unroll
  for (int w = 0; w < kWarps; ++w) {
    if (w < warp) before += warps[w];
    total += warps[w];
  }
  return before;
}

// counts: [digits, tiles]
__global__ void __launch_bounds__(kThreads)
    count_digits(uint32_t n, int shift, const uint32_t* keys, uint32_t* counts) {
  CUDA_SHARED(uint32_t[kDigits], digits);
  digits[threadIdx.x] = 0;
  __syncthreads();
  const uint32_t first = blockIdx.x * kTile + threadIdx.x;
#pragma unroll
  for (uint32_t k = 0; k < kItems; ++k)
    if (first + k * kThreads < n) atomicAdd(&digits[digit_of(keys[first + k * kThreads], shift)], 1u);
  __syncthreads();
  counts[threadIdx.x * gridDim.x + blockIdx.x] = digits[threadIdx.x];
}

// A block makes a digit's counts the numbers of such keys in the tiles before, and their total.
__global__ void __launch_bounds__(kThreads) add_up_tiles(uint32_t tiles, uint32_t* counts, uint32_t* totals) {
  uint32_t* const own = counts + int64_t{blockIdx.x} * tiles;
  uint32_t before = 0;
  for (uint32_t first = 0; first < tiles; first += kThreads) {
    const uint32_t tile = first + threadIdx.x;
    uint32_t total = 0;
    const uint32_t inside = sum_before(tile < tiles ? own[tile] : 0, total);
    if (tile < tiles) own[tile] = before + inside;
    before += total;
  }
  if (threadIdx.x == 0) totals[blockIdx.x] = before;
}

// positions: of the keys; null where they have not moved yet.
__global__ void __launch_bounds__(kThreads)
    move_keys(uint32_t n, int shift, const uint32_t* keys, const uint32_t* positions, const uint32_t* counts,
              const uint32_t* totals, uint32_t* to_keys, uint32_t* to_positions) {
  CUDA_SHARED(uint32_t[kDigits], places);  // of the tile's next key of a digit
  CUDA_SHARED(uint32_t[kWarps][kDigits], found);
  const int thread = static_cast<int>(threadIdx.x), lane = thread % kWarp, warp = thread / kWarp;
  uint32_t all = 0;
  const uint32_t smaller = sum_before(totals[thread], all);
  places[thread] = smaller + counts[threadIdx.x * gridDim.x + blockIdx.x];
#pragma unroll
  for (int w = 0; w < kWarps; ++w) found[w][thread] = 0;
  __syncthreads();
  for (int k = 0; k < kItems; ++k) {
    const uint32_t i = blockIdx.x * kTile + static_cast<uint32_t>(k * kThreads) + threadIdx.x;
    const bool has = i < n;
    const uint32_t key = has ? keys[i] : 0, digit = has ? digit_of(key, shift) : kDigits;
    const unsigned alike = __match_any_sync(kAllLanes, digit);
    const int before = __popc(alike & ((1u << lane) - 1));
    if (has && before == 0) found[warp][digit] = static_cast<uint32_t>(__popc(alike));
    __syncthreads();
    uint32_t place = 0;
    if (has) {
      place = places[digit] + static_cast<uint32_t>(before);
      for (int w = 0; w < warp; ++w) place += found[w][digit];
    }
    __syncthreads();
#pragma unroll
    for (int w = 0; w < kWarps; ++w) {
      places[thread] += found[w][thread];
      found[w][thread] = 0;
    }
    __syncthreads();
    if (!has) continue;
    to_keys[place] = key;
    to_positions[place] = positions != nullptr ? positions[i] : i;
  }
}

}  // namespace

const uint32_t* sort_keys(uint32_t* buffers, int64_t n, int bits) {
  const auto count = static_cast<uint32_t>(n);
  const dim3 tiles = blocks_for(n, kTile);
  const Scratch<uint32_t> counts(kDigits * int64_t{tiles.x} + kDigits);
  uint32_t* const totals = counts.get() + kDigits * int64_t{tiles.x};
  uint32_t *from = buffers, *to = buffers + 2 * n;
  for (int shift = 0; shift < bits; shift += kDigitBits) {
    launch(count_digits, tiles, dim3(kThreads), 0, count, shift, from, counts.get());
    launch(add_up_tiles, dim3(kDigits), dim3(kThreads), 0, tiles.x, counts.get(), totals);
    launch(move_keys, tiles, dim3(kThreads), 0, count, shift, from, shift == 0 ? nullptr : from + n, counts.get(),
           totals, to, to + n);
    std::swap(from, to);
  }
  return from;
}

}  // namespace talus::cuda
