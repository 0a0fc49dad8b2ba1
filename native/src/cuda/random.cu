// Random numbers: a thread computes one block of Philox and what it makes of its four words, so numbers depend on the
// generator alone, not on the device.
#include "random.h"

#include <vector>

#include "cuda/graph.h"
#include "cuda/map.cuh"
#include "cuda/math.cuh"
#include "cuda/memory.h"
#include "cuda/philox.cuh"
#include "dtype.h"
#include "kernels.h"
#include "random_rules.h"

namespace talus::cuda {

namespace {

constexpr int kThreads = 256;

__device__ __forceinline__ static uint64_t word64(const Philox& block, int i) {
  return uint64_t{block.words[2 * i]} << 32 | block.words[2 * i + 1];
}

// [0, 1): 24 random bits, or 53.
__device__ __forceinline__ static void unit(const Philox& block, float (&out)[4]) {
  for (int i = 0; i < 4; ++i) out[i] = static_cast<float>(block.words[i] >> 8) * 0x1p-24f;
}
__device__ __forceinline__ static void unit(const Philox& block, double (&out)[2]) {
  for (int i = 0; i < 2; ++i) out[i] = static_cast<double>(word64(block, i) >> 11) * 0x1p-53;
}

template <class T>
struct Uniform {
  static constexpr int kValues = static_cast<int>(16 / sizeof(T));
  T from, range;
  __device__ void operator()(const Philox& block, T (&out)[kValues]) const {
    unit(block, out);
    for (T& value : out) value = value * range + from;
  }
};

// Box-Muller in pairs. Radii are made of whole words, because tails need small numbers.
template <class T>
struct Normal {
  static constexpr int kValues = static_cast<int>(16 / sizeof(T));
  T mean, std;
  __device__ void operator()(const Philox& block, T (&out)[kValues]) const {
    unit(block, out);
    for (int i = 0; i < kValues; i += 2) {
      T positive;
      if constexpr (sizeof(T) == 4)
        positive = (static_cast<T>(block.words[i]) + T(1)) * T(0x1p-32);
      else
        positive = T(1) - out[i];
      const T radius = math::sqrt(T(-2) * math::log(positive)) * std;
      const T angle = out[i + 1] * T(6.283185307179586476925);
      out[i] = radius * math::cos(angle) + mean;
      out[i + 1] = radius * math::sin(angle) + mean;
    }
  }
};

template <class T, bool Wide>
struct Integers {
  static constexpr int kValues = Wide ? 2 : 4;
  uint64_t first, count;
  __device__ void operator()(const Philox& block, T (&out)[kValues]) const {
    for (int i = 0; i < kValues; ++i) {
      uint64_t offset;
      if constexpr (Wide)
        offset = word64(block, i) % count;
      else
        offset = block.words[i] % static_cast<uint32_t>(count);
      out[i] = static_cast<T>(static_cast<int64_t>(offset + first));
    }
  }
};

template <class T>
struct Bernoulli {
  static constexpr int kValues = 4;
  uint64_t limit;  // p, scaled by 2^32
  __device__ void operator()(const Philox& block, T (&out)[kValues]) const {
    for (int i = 0; i < kValues; ++i) out[i] = static_cast<T>(block.words[i] < limit ? 1 : 0);
  }
};

template <class Draw, class T>
__global__ void __launch_bounds__(kThreads) draw_blocks(Draw draw, Drawn from, int64_t n, T* out) {
  const int64_t block = int64_t{blockIdx.x} * kThreads + threadIdx.x, at = block * Draw::kValues;
  if (at >= n) return;
  Pack<T, Draw::kValues> values;
  PhiloxBlocks blocks = from.blocks;
  if (from.base != nullptr) blocks = {from.base->seed, from.base->first + blocks.first};
  draw(philox(blocks.seed, blocks.first + static_cast<uint64_t>(block)), values.values);
  if (at + Draw::kValues <= n && reinterpret_cast<uintptr_t>(out) % sizeof values == 0) {
    *reinterpret_cast<Pack<T, Draw::kValues>*>(out + at) = values;
  } else {
    for (int i = 0; i < Draw::kValues; ++i)
      if (at + i < n) out[at + i] = values.values[i];
  }
}

template <class T, class Draw>
void fill(Generator& generator, const Draw& draw, int64_t n, void* out) {
  if (n == 0) return;
  const int64_t blocks = (n + Draw::kValues - 1) / Draw::kValues;
  launch(draw_blocks<Draw, T>, blocks_for(blocks, kThreads), dim3(kThreads), 0, draw, cuda::draw(generator, blocks), n,
         static_cast<T*>(out));
}

// Calls f with the type that stores the dtype on the device.
template <class F>
void dispatch_stored(int dtype, const char* what, F&& f) {
  dispatch_any(dtype, what, [&](auto type) {
    using T = typename decltype(type)::type;
    f(type, Type<std::conditional_t<std::is_same_v<T, Bool>, uint8_t, T>>{});
  });
}

}  // namespace

void random_uniform(Generator& generator, int dtype, int64_t n, double from, double to, void* out) {
  dispatch_float(dtype, "uniform_", [&](auto type) {
    using T = typename decltype(type)::type;
    check_uniform<T>(from, to);
    const T low = static_cast<T>(from);
    fill<T>(generator, Uniform<T>{low, static_cast<T>(to) - low}, n, out);
  });
}

void random_normal(Generator& generator, int dtype, int64_t n, double mean, double std, void* out) {
  dispatch_float(dtype, "normal_", [&](auto type) {
    using T = typename decltype(type)::type;
    check_normal(std);
    fill<T>(generator, Normal<T>{static_cast<T>(mean), static_cast<T>(std)}, n, out);
  });
}

void random_int(Generator& generator, int dtype, int64_t n, int64_t low, int64_t high, void* out) {
  dispatch_stored(dtype, "random_", [&](auto type, auto stored) {
    using T = typename decltype(stored)::type;
    const IntegerRange range = integer_range<typename decltype(type)::type>(low, high);
    if (range.count < kWideRange)
      fill<T>(generator, Integers<T, false>{range.first, range.count}, n, out);
    else
      fill<T>(generator, Integers<T, true>{range.first, range.count}, n, out);
  });
}

void random_bernoulli(Generator& generator, int dtype, int64_t n, double p, void* out) {
  check_bernoulli(p);
  dispatch_stored(dtype, "bernoulli_", [&](auto, auto stored) {
    using T = typename decltype(stored)::type;
    fill<T>(generator, Bernoulli<T>{static_cast<uint64_t>(std::ceil(p * 0x1p32))}, n, out);
  });
}

void random_permutation(Generator& generator, int64_t n, int64_t* out) {
  refuse_in_capture("random_permutation");
  // Shuffling is one long chain of swaps, which a device has nothing to gain from.
  std::vector<int64_t> host(static_cast<size_t>(n));
  talus::random_permutation(generator, n, host.data());
  if (n > 0) put(out, host.data(), n * int64_t{sizeof(int64_t)});
}

}  // namespace talus::cuda
