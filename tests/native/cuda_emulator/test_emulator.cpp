// The emulator computes what a device would, in all orders of threads and blocks.
#include "emulator_launches.h"

namespace {

__global__ void write_indices(int* out) {
  const unsigned block = blockIdx.x + gridDim.x * (blockIdx.y + gridDim.y * blockIdx.z);
  const unsigned thread = threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z);
  out[block * blockDim.x * blockDim.y * blockDim.z + thread] = static_cast<int>(1000 * block + thread);
}

__global__ void transpose(const float* x, float* out, int n) {
  CUDA_SHARED(float[16][17], tile);
  const int row = static_cast<int>(threadIdx.y), col = static_cast<int>(threadIdx.x);
  for (int from = 0; from < n; from += 16) {
    __syncthreads();
    tile[row][col] = x[row * n + from + col];
    __syncthreads();
    out[(from + row) * 16 + col] = tile[col][row];
  }
}

__global__ void sum_dynamic(const int* x, int n, int* out) {
  CUDA_DYNAMIC_SHARED(int, parts);
  const int t = static_cast<int>(threadIdx.x);
  int sum = 0;
  for (int i = t; i < n; i += static_cast<int>(blockDim.x)) sum += x[i];
  parts[t] = sum;
  for (int half = static_cast<int>(blockDim.x) / 2; half > 0; half /= 2) {
    __syncthreads();
    if (t < half) parts[t] += parts[t + half];
  }
  if (t == 0) *out = parts[0];
}

__global__ void predicates(int* out) {
  const int t = static_cast<int>(threadIdx.x);
  const int count = __syncthreads_count(t < 5), all = __syncthreads_and(t < 70), some = __syncthreads_or(t == 3);
  const int none = __syncthreads_or(t == 300), not_all = __syncthreads_and(t > 0);
  out[t] = count * 10000 + all * 1000 + some * 100 + none * 10 + not_all;
}

__global__ void shuffles(int* out) {
  const int t = static_cast<int>(threadIdx.x);
  int sum = t;
  for (int half = 16; half > 0; half /= 2) sum += __shfl_down_sync(~0u, sum, static_cast<unsigned>(half));
  int all = t;
  for (int bit = 1; bit < 32; bit *= 2) all += __shfl_xor_sync(~0u, all, bit);
  const double wide = __shfl_sync(~0u, t + 0.25, 7);
  const int up = __shfl_up_sync(~0u, t, 1), in_eights = __shfl_sync(~0u, t, 9, 8);
  const unsigned odd = __ballot_sync(~0u, t & 1);
  const bool fine = (t % 32 != 0 || sum == 496 + 32 * t) && all == 496 + 1024 * (t / 32) &&
                    wide == t / 32 * 32 + 7.25 && up == (t % 32 == 0 ? t : t - 1) && in_eights == t / 8 * 8 + 1 &&
                    odd == 0xaaaaaaaau && __any_sync(~0u, t % 32 == 4) && !__all_sync(~0u, t % 32 == 4) &&
                    __match_any_sync(~0u, t % 2) == (t % 2 == 1 ? 0xaaaaaaaau : 0x55555555u);
  out[t] = fine;
}

// Each half of a warp on its own.
__global__ void halves(int* out) {
  const int t = static_cast<int>(threadIdx.x);
  const unsigned mask = t % 32 < 16 ? 0x0000ffffu : 0xffff0000u;
  int sum = t;
  if (t % 32 < 16) {
    for (int bit = 1; bit < 16; bit *= 2) sum += __shfl_xor_sync(mask, sum, bit);
    __syncwarp(mask);
  } else {
    __syncwarp(mask);
    for (int bit = 1; bit < 16; bit *= 2) sum += __shfl_xor_sync(mask, sum, bit);
  }
  out[t] = sum;
}

__global__ void count_atomically(int* total, float* sum, unsigned* highest) {
  atomicAdd(total, 1);
  atomicAdd(sum, 0.5f);
  atomicMax(highest, blockIdx.x * blockDim.x + threadIdx.x);
}

}  // namespace

TEST(threads_know_where_they_are) {
  for_each_seed([] {
    Array<int> out(size_t{24 * 30});
    OK(run(write_indices, {2, 3, 4}, {5, 3, 2}, out.at));
    const std::vector<int> values = out.values();
    for (int b = 0; b < 24; ++b)
      for (int t = 0; t < 30; ++t) CHECK(values[size_t(b * 30 + t)] == 1000 * b + t);
  });
}

TEST(barriers_separate_writes_from_reads) {
  for_each_seed([] {
    Array<int> x(counted(3 * 96));
    OK(run(reverse<96, true>, 3, 96, x.at));
    const std::vector<int> values = x.values();
    for (int i = 0; i < 3 * 96; ++i) CHECK(values[size_t(i)] == i / 96 * 96 + 95 - i % 96);
  });
}

TEST(loops_with_barriers) {
  for_each_seed([] {
    const auto host = random_values<float>(16 * 48, 1);
    const Array<float> x(host);
    Array<float> out(host.size());
    OK(run(transpose, 1, {16, 16}, x.at, out.at, 48));
    const std::vector<float> values = out.values();
    for (size_t r = 0; r < 16; ++r)
      for (size_t c = 0; c < 48; ++c) CHECK(values[c * 16 + r] == host[r * 48 + c]);
  });
}

TEST(dynamic_shared_memory_has_a_limit) {
  for_each_seed([] {
    const Array<int> x(counted(1000));
    Array<int> out(size_t{1});
    OK(launch_on(nullptr, sum_dynamic, 1, 128, 128 * sizeof(int), x.at, 1000, out.at));
    CHECK(out.values()[0] == 499500);
    CHECK(launch_on(nullptr, sum_dynamic, 1, 128, 50 << 10, x.at, 1000, out.at) == cudaErrorInvalidValue);
    OK(cudaFuncSetAttribute(sum_dynamic, cudaFuncAttributeMaxDynamicSharedMemorySize, 50 << 10));
    OK(launch_on(nullptr, sum_dynamic, 1, 128, 50 << 10, x.at, 1000, out.at));
    OK(cudaFuncSetAttribute(sum_dynamic, cudaFuncAttributeMaxDynamicSharedMemorySize, 48 << 10));
    CHECK(cudaFuncSetAttribute(sum_dynamic, cudaFuncAttributeMaxDynamicSharedMemorySize, 300 << 10) ==
          cudaErrorInvalidValue);
  });
}

TEST(barriers_with_predicates) {
  for_each_seed([] {
    Array<int> out(size_t{70});
    OK(run(predicates, 1, 70, out.at));
    for (const int value : out.values()) CHECK(value == 51100);
  });
}

TEST(lanes_exchange_values) {
  for_each_seed([] {
    Array<int> out(size_t{96}), sums(size_t{64});
    OK(run(shuffles, 1, 96, out.at));
    for (const int fine : out.values()) CHECK(fine == 1);
    OK(run(halves, 1, 64, sums.at));
    const std::vector<int> values = sums.values();
    for (int t = 0; t < 64; ++t) CHECK(values[size_t(t)] == t / 16 * 256 + 120);
  });
}

TEST(atomics_of_all_blocks_add_up) {
  for_each_seed([] {
    Array<int> total(std::vector<int>{0});
    Array<float> sum(std::vector<float>{0});
    Array<unsigned> highest(std::vector<unsigned>{0});
    OK(run(count_atomically, 7, 33, total.at, sum.at, highest.at));
    CHECK(total.values()[0] == 231 && sum.values()[0] == 115.5f && highest.values()[0] == 230);
  });
}

TEST(a_warp_may_exchange_through_shared_memory) {
  for_each_seed([] {
    Array<int> out(size_t{64});
    OK(run(exchange_in_warp<true>, 1, 64, out.at));
    const std::vector<int> values = out.values();
    for (int t = 0; t < 64; ++t) CHECK(values[size_t(t)] == (t ^ 1));
  });
}
