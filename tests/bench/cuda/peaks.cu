#include "peaks.h"

#include "cuda/device.cuh"
#include "cuda/memory.h"
#include "cuda/tensor_core.cuh"

namespace bench {

namespace {

using namespace talus::cuda;

constexpr int kThreads = 256, kChains = 16;
// Sums of a warp, four registers a thread each; operations of one of its products.
constexpr int kTensorChains = 8, kTensorFlops = 2 * 16 * 8 * 8;

__global__ void __launch_bounds__(kThreads) copy_peak(int64_t n, const float4* from, float4* to) {
  const int64_t i = int64_t{blockIdx.x} * kThreads + threadIdx.x;
  if (i < n) to[i] = from[i];
}

// Independent chains of fused multiply-adds, which touch registers only.
__global__ void __launch_bounds__(kThreads) fma_peak(int rounds, float factor, float* out) {
  float sums[kChains];
#pragma unroll
  for (int c = 0; c < kChains; ++c) sums[c] = static_cast<float>(threadIdx.x + static_cast<unsigned>(c));
#pragma unroll 4
  for (int i = 0; i < rounds; ++i)
#pragma unroll
    for (int c = 0; c < kChains; ++c) sums[c] = __fmaf_rn(sums[c], factor, factor);
  float sum = 0;
#pragma unroll
  for (int c = 0; c < kChains; ++c) sum += sums[c];
  // Never true, but the compiler cannot know.
  if (sum == -1) *out = sum;
}

// Independent chains of products on tensor cores, by the instruction of Talus's kernels; registers only. Operands have
// all ten bits of mantissa and both signs, so that the clock is the one of real products.
__global__ void __launch_bounds__(kThreads) tf32_peak(int rounds, float* out) {
  const unsigned lane = threadIdx.x % kWarp;
  uint32_t a[4], b[2];
#pragma unroll
  for (unsigned i = 0; i < 4; ++i) a[i] = to_tf32(static_cast<float>((lane * 4 + i) * 2654435761u) * 0x1p-31f - 1);
#pragma unroll
  for (unsigned i = 0; i < 2; ++i) b[i] = to_tf32(static_cast<float>((lane * 2 + i) * 2246822519u) * 0x1p-31f - 1);
  float sums[kTensorChains][4];
#pragma unroll
  for (int c = 0; c < kTensorChains; ++c)
#pragma unroll
    for (int i = 0; i < 4; ++i) sums[c][i] = static_cast<float>(c * 4 + i);
#pragma unroll 4
  for (int i = 0; i < rounds; ++i)
#pragma unroll
    for (int c = 0; c < kTensorChains; ++c) multiply_tf32(sums[c][0], sums[c][1], sums[c][2], sums[c][3], a, b);
  float sum = 0;
#pragma unroll
  for (int c = 0; c < kTensorChains; ++c)
#pragma unroll
    for (int i = 0; i < 4; ++i) sum += sums[c][i];
  // As good as never true, but the compiler cannot know.
  if (sum == -1) *out = sum;
}

}  // namespace

Peaks measure_peaks(const CacheFlush& flush, bool small) {
  const int64_t bytes = small ? 1 << 14 : int64_t{1} << 30;
  const Scratch<char> from(bytes), to(bytes);
  TALUS_CHECK_CUDA(cudaMemsetAsync(from.get(), 0, static_cast<size_t>(bytes), current_stream()));
  const auto time = [&](const std::function<void()>& run) {
    return median_seconds(run, flush, Caches::Cleared, small);
  };
  Peaks peaks = {};
  const int64_t packs = bytes / 16;
  peaks.kernel_copy =
      2.0 * static_cast<double>(bytes) / time([&] {
        launch(copy_peak, dim3(static_cast<unsigned>((packs + kThreads - 1) / kThreads)), dim3(kThreads), 0, packs,
               reinterpret_cast<const float4*>(from.get()), reinterpret_cast<float4*>(to.get()));
      });
  peaks.driver_copy = 2.0 * static_cast<double>(bytes) / time([&] {
                        TALUS_CHECK_CUDA(cudaMemcpyAsync(to.get(), from.get(), static_cast<size_t>(bytes),
                                                         cudaMemcpyDeviceToDevice, current_stream()));
                      });
  // Long enough for the clock to settle: some milliseconds.
  const int rounds = small ? 4 : 1 << 14, blocks = small ? 2 : 16 * properties(0).multiprocessors;
  peaks.fma = 2.0 * blocks * kThreads * static_cast<double>(rounds) * kChains / time([&] {
                launch(fma_peak, dim3(static_cast<unsigned>(blocks)), dim3(kThreads), 0, rounds, 0.5f,
                       reinterpret_cast<float*>(to.get()));
              });
  // Devices before compute capability 8.0 do not know the instruction.
  if (properties(0).major >= 8) {
    const int tensor_rounds = small ? 4 : 1 << 13;
    peaks.tf32 = double{kTensorFlops} * blocks * (kThreads / kWarp) * static_cast<double>(tensor_rounds) *
                 kTensorChains / time([&] {
                   launch(tf32_peak, dim3(static_cast<unsigned>(blocks)), dim3(kThreads), 0, tensor_rounds,
                          reinterpret_cast<float*>(to.get()));
                 });
  }
  return peaks;
}

}  // namespace bench
