// Launches of element-wise maps: out = f(inputs...), element by element, over contiguous and strided operands.
#pragma once

#include <algorithm>

#include "cuda/device.cuh"
#include "geometry.h"

namespace talus::cuda {

constexpr int kMapThreads = 256;
// Elements of a strided operand that one thread takes: their loads wait together.
constexpr int kStridedItems = 4;
// Strided operands are numbered by 32-bit indices; larger ones are cut.
constexpr int64_t kMaxStrided = int64_t{1} << 30;

template <class T, int N>
struct alignas(sizeof(T) * N) Pack {
  T values[N];
};

template <int N, class F, class Out, class... In>
__device__ __forceinline__ static void map_pack(const F& f, Pack<Out, N>& out, const Pack<In, N>&... in) {
#pragma unroll
  for (int i = 0; i < N; ++i) out.values[i] = f(in.values[i]...);
}

// Turing's multiprocessors hold 1024 threads, the others 1536 and more; ptxas refuses to be asked for what none holds.
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ < 800
constexpr int kMostMapBlocks = 1024 / kMapThreads;
#else
constexpr int kMostMapBlocks = 1536 / kMapThreads;
#endif
// Blocks that must share a multiprocessor, 0 leaves it to the compiler: for the most there can be, it would spill packs
// of bytes and functions of doubles.
template <int N, class Out, class... In>
constexpr int kMapBlocks = N == 8                                   ? kMostMapBlocks
                           : sizeof(Out) == 8 && sizeof...(In) == 1 ? 4
                                                                    : 0;

template <int N, class F, class Out, class... In>
__global__ void __launch_bounds__(kMapThreads, kMapBlocks<N, Out, In...>)
    map_contiguous(F f, int64_t n, Out* out, const In*... in) {
  const int64_t i = int64_t{blockIdx.x} * kMapThreads + threadIdx.x, packs = n / N;
  if (i < packs) {
    Pack<Out, N> result;
    map_pack<N>(f, result, reinterpret_cast<const Pack<In, N>*>(in)[i]...);
    reinterpret_cast<Pack<Out, N>*>(out)[i] = result;
  }
  // The last elements, fewer than fill a pack.
  const int64_t rest = packs * N + i;
  if (rest < n) out[rest] = f(in[rest]...);
}

// Divides numbers below 2^31 by a constant with a multiplication.
struct Divisor {
  uint32_t divisor = 1, multiplier = 1, shift = 0;

  Divisor() = default;
  explicit Divisor(uint32_t d) : divisor(d) {
    if (d == 0) return;  // a dimension without elements, which nobody divides by
    while ((uint64_t{1} << shift) < d) ++shift;
    multiplier = static_cast<uint32_t>((((uint64_t{1} << shift) - d) << 32) / d + 1);
  }
  __device__ __forceinline__ uint32_t quotient(uint32_t n) const { return (__umulhi(n, multiplier) + n) >> shift; }
};

template <int Operands>
struct Walk {
  int ndim = 0;
  uint32_t n = 0;
  Divisor size[kMaxDims];
  int64_t stride[Operands][kMaxDims];

  explicit Walk(const Geometry<Operands>& g) : ndim(g.ndim), n(static_cast<uint32_t>(g.n)) {
    for (int d = 0; d < g.ndim; ++d) {
      size[d] = Divisor(static_cast<uint32_t>(g.size[d]));
      for (int o = 0; o < Operands; ++o) stride[o][d] = g.stride[o][d];
    }
  }

  // Where element `index` lies in each operand.
  __device__ __forceinline__ void locate(uint32_t index, int64_t (&offset)[Operands]) const {
#pragma unroll
    for (int o = 0; o < Operands; ++o) offset[o] = 0;
    for (int d = ndim - 1; d >= 0; --d) {
      const uint32_t above = size[d].quotient(index), at = index - above * size[d].divisor;
#pragma unroll
      for (int o = 0; o < Operands; ++o) offset[o] += at * stride[o][d];
      index = above;
    }
  }
};

template <class F, class Out, class... In, size_t... I>
__device__ __forceinline__ static void map_at(const F& f, const int64_t* offset, std::index_sequence<I...>, Out* out,
                                              const In*... in) {
  out[offset[0]] = f(in[offset[I + 1]]...);
}

template <class F, class Out, class... In>
__global__ void __launch_bounds__(kMapThreads)
    map_strided(F f, Walk<1 + int{sizeof...(In)}> walk, Out* out, const In*... in) {
  const uint32_t first = blockIdx.x * (kMapThreads * kStridedItems) + threadIdx.x;
#pragma unroll
  for (int k = 0; k < kStridedItems; ++k) {
    const uint32_t i = first + k * kMapThreads;
    if (i >= walk.n) return;
    int64_t offset[1 + sizeof...(In)];
    walk.locate(i, offset);
    map_at(f, offset, std::index_sequence_for<In...>{}, out, in...);
  }
}

inline dim3 blocks_for(int64_t items, int64_t per_block) {
  return dim3(static_cast<unsigned>((items + per_block - 1) / per_block));
}

// Halves of a geometry that is too large for 32-bit indices, along its first dimension that can be cut.
template <int Operands, class F>
void for_each_half(const Geometry<Operands>& g, F&& f) {
  int d = 0;
  while (g.size[d] == 1) ++d;
  Geometry<Operands> half = g;
  const int64_t below = g.size[d] / 2;
  half.size[d] = below;
  half.n = g.n / g.size[d] * below;
  f(half, int64_t{0}, d);
  half.size[d] = g.size[d] - below;
  half.n = g.n - half.n;
  f(half, below, d);
}

template <class F, class Out, class... In, size_t... I>
void map_cut(const Geometry<1 + int{sizeof...(In)}>& g, const F& f, std::index_sequence<I...>, Out* out,
             const In*... in);

// Launches what computes out = f(inputs...) over the geometry of out, then inputs. out may be an input.
template <class F, class Out, class... In>
void map(const Geometry<1 + int{sizeof...(In)}>& g, const F& f, Out* out, const In*... in) {
  if (g.n == 0) return;
  constexpr size_t kLargest = std::max({sizeof(Out), sizeof(In)...});
  constexpr int kPack = kLargest >= 16 ? 1 : kLargest <= 2 ? 8 : static_cast<int>(16 / kLargest);
  const auto aligned = [](const auto* at) { return reinterpret_cast<uintptr_t>(at) % (sizeof(*at) * kPack) == 0; };
  if (g.contiguous() && aligned(out) && (aligned(in) && ...)) {
    const int64_t threads = std::max<int64_t>(g.n / kPack, g.n % kPack);
    launch(map_contiguous<kPack, F, Out, In...>, blocks_for(threads, kMapThreads), dim3(kMapThreads), 0, f, g.n, out,
           in...);
  } else if (g.n <= kMaxStrided) {
    launch(map_strided<F, Out, In...>, blocks_for(g.n, kMapThreads * kStridedItems), dim3(kMapThreads), 0, f,
           Walk<1 + int{sizeof...(In)}>(g), out, in...);
  } else {
    map_cut(g, f, std::index_sequence_for<In...>{}, out, in...);
  }
}

template <class F, class Out, class... In, size_t... I>
void map_cut(const Geometry<1 + int{sizeof...(In)}>& g, const F& f, std::index_sequence<I...>, Out* out,
             const In*... in) {
  for_each_half(g, [&](const auto& half, int64_t begin, int d) {
    map(half, f, out + begin * g.stride[0][d], in + begin * g.stride[I + 1][d]...);
  });
}

}  // namespace talus::cuda
