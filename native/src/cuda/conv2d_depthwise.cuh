// Kernels for groups of one input channel.
#pragma once

#include "cuda/conv2d_tiles.cuh"
#include "cuda/team.cuh"

namespace talus::cuda {

constexpr int kDepthwiseThreads = 256;
// Outputs of a thread, below each other: they share the rows of their windows, and the filter in registers.
constexpr int kDepthwiseStrip = 4;

// Blocks that must share a multiprocessor, 0 leaves it to the compiler: for three, it would spill the largest filters.
template <class T, int Kernel, bool Gradient>
constexpr int kDepthwiseBlocks = sizeof(T) == 8 && Kernel == 5 && Gradient ? 2 : 0;

// From images [n, theirs, in_h, in_w] to out [n, channels, out_h, out_w], of which the one or the other has `outputs`
// channels for each channel of the other.
struct DepthwiseShape {
  int threads, channels, outputs;
  int in_h, in_w, out_h, out_w;
  int kh, kw, stride_h, stride_w, pad_h, pad_w, dilation_h, dilation_w;
  Divisor by_area, by_width, by_channels, by_outputs, by_stride_h, by_stride_w;

  __device__ __forceinline__ void locate(int index, int& n, int& channel, int& row, int& column) const {
    const int plane = static_cast<int>(by_area.quotient(static_cast<uint32_t>(index)));
    const int within = index - plane * static_cast<int>(by_area.divisor);
    row = static_cast<int>(by_width.quotient(static_cast<uint32_t>(within)));
    column = within - row * out_w;
    n = static_cast<int>(by_channels.quotient(static_cast<uint32_t>(plane)));
    channel = plane - n * channels;
  }
  // The image's channel that an output channel of the forward pass sees, counted over all images.
  __device__ __forceinline__ int seen(int n, int channel) const {
    return n * static_cast<int>(by_outputs.quotient(static_cast<uint32_t>(channels))) +
           static_cast<int>(by_outputs.quotient(static_cast<uint32_t>(channel)));
  }
};

// Kernel x Kernel windows that lie dense. Gradient: of the input, for stride 1, where filters are seen from their end.
template <class T, int Kernel, int Stride, bool Gradient>
__global__ void __launch_bounds__(kDepthwiseThreads, kDepthwiseBlocks<T, Kernel, Gradient>)
    depthwise_strips(const DepthwiseShape s, const T* images, const T* weight, const T* bias,
                     const Activation activation, T* out) {
  const int i = static_cast<int>(blockIdx.x * kDepthwiseThreads + threadIdx.x);
  if (i >= s.threads) return;
  int n, channel, strip, column;
  s.locate(i, n, channel, strip, column);
  const int top = strip * kDepthwiseStrip * Stride - s.pad_h, left = column * Stride - s.pad_w;
  bool across[Kernel];
#pragma unroll
  for (int x = 0; x < Kernel; ++x) across[x] = left + x >= 0 && left + x < s.in_w;
  T sums[kDepthwiseStrip] = {};
  for (int member = 0; member < (Gradient ? s.outputs : 1); ++member) {
    const int filter = Gradient ? channel * s.outputs + member : channel;
    const int source = Gradient ? n * s.channels * s.outputs + filter : s.seen(n, channel);
    const int from = (source * s.in_h + top) * s.in_w + left;
    T taps[Kernel][Kernel];
#pragma unroll
    for (int t = 0; t < Kernel * Kernel; ++t)
      taps[t / Kernel][t % Kernel] = weight[filter * Kernel * Kernel + (Gradient ? Kernel * Kernel - 1 - t : t)];
#pragma unroll
    for (int y = 0; y < (kDepthwiseStrip - 1) * Stride + Kernel; ++y) {
      const bool inside = top + y >= 0 && top + y < s.in_h;
#pragma unroll
      for (int x = 0; x < Kernel; ++x) {
        const T value = inside && across[x] ? images[from + y * s.in_w + x] : T{0};
#pragma unroll
        for (int q = 0; q < kDepthwiseStrip; ++q)
          if (y >= q * Stride && y < q * Stride + Kernel) sums[q] += value * taps[y - q * Stride][x];
      }
    }
  }
#pragma unroll
  for (int q = 0; q < kDepthwiseStrip; ++q) {
    const int row = strip * kDepthwiseStrip + q;
    if (row < s.out_h)
      out[((n * s.channels + channel) * s.out_h + row) * s.out_w + column] =
          conv_epilogue(sums[q], bias, channel, activation);
  }
}

// A thread an output, for every shape.
template <class T>
__global__ void __launch_bounds__(kDepthwiseThreads)
    depthwise_points(const DepthwiseShape s, const T* images, const T* weight, const T* bias,
                     const Activation activation, T* out) {
  const int i = static_cast<int>(blockIdx.x * kDepthwiseThreads + threadIdx.x);
  if (i >= s.threads) return;
  int n, channel, row, column;
  s.locate(i, n, channel, row, column);
  const int from = s.seen(n, channel) * s.in_h * s.in_w, left = column * s.stride_w - s.pad_w;
  T sum = 0;
  for (int u = 0, y = row * s.stride_h - s.pad_h; u < s.kh; ++u, y += s.dilation_h) {
    if (y < 0 || y >= s.in_h) continue;
    for (int v = 0, x = left; v < s.kw; ++v, x += s.dilation_w)
      if (x >= 0 && x < s.in_w) sum += images[from + y * s.in_w + x] * weight[(channel * s.kh + u) * s.kw + v];
  }
  out[i] = conv_epilogue(sum, bias, channel, activation);
}

// A thread an input, for every shape. Kernel: the height and width of filters that are unrolled, or 0.
template <class T, int Kernel>
__global__ void __launch_bounds__(kDepthwiseThreads)
    depthwise_input_points(const DepthwiseShape s, const T* grad, const T* weight, T* grad_x) {
  const int i = static_cast<int>(blockIdx.x * kDepthwiseThreads + threadIdx.x);
  if (i >= s.threads) return;
  const int kh = Kernel > 0 ? Kernel : s.kh, kw = Kernel > 0 ? Kernel : s.kw;
  int n, channel, row, column;
  s.locate(i, n, channel, row, column);
  T sum = 0;
  for (int member = 0; member < s.outputs; ++member) {
    const int filter = channel * s.outputs + member, from = (n * s.channels * s.outputs + filter) * s.in_h * s.in_w;
#pragma unroll
    for (int u = 0; u < kh; ++u) {
      const int below = row + s.pad_h - u * s.dilation_h;
      const int y = static_cast<int>(s.by_stride_h.quotient(static_cast<uint32_t>(max(below, 0))));
      if (y * s.stride_h != below || y >= s.in_h) continue;
#pragma unroll
      for (int v = 0; v < kw; ++v) {
        const int beside = column + s.pad_w - v * s.dilation_w;
        const int x = static_cast<int>(s.by_stride_w.quotient(static_cast<uint32_t>(max(beside, 0))));
        if (x * s.stride_w == beside && x < s.in_w)
          sum += grad[from + y * s.in_w + x] * weight[(filter * kh + u) * kw + v];
      }
    }
  }
  grad_x[i] = sum;
}

// The gradient of a filter: a block adds up a piece of the positions of all images, which s.threads counts; blockIdx.x
// counts output channels, blockIdx.y pieces. Kernel: the size of filters whose taps a block sums together, or 0, where
// blockIdx.z counts taps. sums: [pieces, channels, kh, kw].
template <class T, int Kernel>
__global__ void __launch_bounds__(kTeamBlock)
    depthwise_weights(const DepthwiseShape s, int piece, const T* grad, const T* images, T* sums) {
  constexpr int kSide = Kernel > 0 ? Kernel : 1, kTaps = kSide * kSide, kWarps = kTeamBlock / kWarp;
  CUDA_SHARED(T[kWarps][kTaps], shared);
  const int channel = static_cast<int>(blockIdx.x), part = static_cast<int>(blockIdx.y);
  const int tap = static_cast<int>(blockIdx.z), thread = static_cast<int>(threadIdx.x);
  const int down = Kernel > 0 ? 0 : tap / s.kw * s.dilation_h, right = Kernel > 0 ? 0 : tap % s.kw * s.dilation_w;
  const int area = s.out_h * s.out_w, begin = part * piece, end = begin + min(piece, s.threads - begin);
  T own[kTaps] = {};
  for (int i = begin + thread; i < end; i += kTeamBlock) {
    const int n = static_cast<int>(s.by_area.quotient(static_cast<uint32_t>(i))), within = i - n * area;
    const int row = static_cast<int>(s.by_width.quotient(static_cast<uint32_t>(within)));
    const int y = row * s.stride_h - s.pad_h + down;
    const int x = (within - row * s.out_w) * s.stride_w - s.pad_w + right;
    const T g = grad[(n * s.channels + channel) * area + within];
    const int from = (s.seen(n, channel) * s.in_h + y) * s.in_w + x;
#pragma unroll
    for (int u = 0; u < kSide; ++u)
#pragma unroll
      for (int v = 0; v < kSide; ++v) {
        const bool inside = y + u >= 0 && y + u < s.in_h && x + v >= 0 && x + v < s.in_w;
        own[u * kSide + v] += inside ? g * images[from + u * s.in_w + v] : T{0};
      }
  }
#pragma unroll
  for (int t = 0; t < kTaps; ++t) {
    const T sum = team_reduce<kWarp>(own[t], Sum{});
    if (thread % kWarp == 0) shared[thread / kWarp][t] = sum;
  }
  __syncthreads();
  if (thread >= kTaps) return;
  T sum = shared[0][thread];
  for (int warp = 1; warp < kWarps; ++warp) sum += shared[warp][thread];
  sums[(part * s.channels + channel) * (Kernel > 0 ? kTaps : s.kh * s.kw) + (Kernel > 0 ? thread : tap)] = sum;
}

}  // namespace talus::cuda
