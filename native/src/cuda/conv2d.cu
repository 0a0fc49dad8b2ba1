// Convolution and its gradients: what every way shares, and the way that was chosen.
#include <algorithm>
#include <limits>

#include "cuda/conv2d.h"
#include "cuda/conv2d_tiles.cuh"
#include "dtype.h"
#include "error.h"
#include "kernels.h"

namespace talus::cuda {

namespace {

constexpr int kAddThreads = 256;
// Offsets stay below 2^31 by what a tile may reach beyond the last element.
constexpr int64_t kMostElements = std::numeric_limits<int32_t>::max() - (1 << 16);
// Groups of one channel with more outputs, or larger kernels, are products.
constexpr int64_t kDepthwiseOutputs = 16, kDepthwiseTaps = 1024;

template <class T>
__global__ void __launch_bounds__(kAddThreads)
    add_pieces(const T* pieces, int count, int64_t size, int64_t area, int64_t channels, const T* bias,
               const Activation activation, T* out) {
  const int64_t i = int64_t{blockIdx.x} * kAddThreads + threadIdx.x;
  if (i >= size) return;
  T sum = pieces[i];
#pragma unroll 4
  for (int piece = 1; piece < count; ++piece) sum += pieces[piece * size + i];
  out[i] = conv_epilogue(sum, bias, bias != nullptr ? static_cast<int>(i / area % channels) : 0, activation);
}

bool depthwise(const Conv2dParams& p) {
  return p.group_c() == 1 && p.group_o() <= kDepthwiseOutputs && p.kh * p.kw <= kDepthwiseTaps;
}

// Whether there is anything to compute.
bool check_sizes(const Conv2dParams& p) {
  const int64_t reach = std::max(p.h + 2 * p.pad_h, p.w + 2 * p.pad_w);
  const int64_t strides = std::max(std::max(p.stride_h, p.stride_w), std::max(p.dilation_h, p.dilation_w));
  if (std::max({reach, strides, p.c * p.h * p.w, p.o * p.out_h() * p.out_w(), p.o * p.group_c() * p.kh * p.kw}) >
      kMostElements / 2)
    fail(TALUS_UNSUPPORTED, "conv2d: the CUDA kernels take images and weights of up to 2^30 elements");
  return p.n > 0;
}

template <class T>
void fill_zero(T* out, int64_t size) {
  fill(sizeof(T) == 4 ? TALUS_FLOAT32 : TALUS_FLOAT64, Geometry<1>(size, 0, nullptr), 0, 0, out);
}

}  // namespace

template <class T>
void add_conv_pieces(const T* pieces, int count, int64_t size, int64_t area, int64_t channels, const T* bias,
                     const Activation& activation, T* out) {
  launch(add_pieces<T>, blocks_for(size, kAddThreads), dim3(kAddThreads), 0, pieces, count, size, area, channels, bias,
         activation, out);
}
template void add_conv_pieces(const float*, int, int64_t, int64_t, int64_t, const float*, const Activation&, float*);
template void add_conv_pieces(const double*, int, int64_t, int64_t, int64_t, const double*, const Activation&, double*);

int64_t conv_images(const Conv2dParams& p) {
  return kMostElements / std::max<int64_t>({p.c * p.h * p.w, p.o * p.out_h() * p.out_w(), 1});
}

ConvWay conv_way_of(int dtype, int pass, const Conv2dParams& p) {
  ConvWay way = {ConvKernel::Depthwise, false, 0};
  if (!depthwise(p))
    dispatch_float(dtype, "conv2d", [&](auto type) {
      using T = typename decltype(type)::type;
      way = pass == TALUS_CONV_BACKWARD_WEIGHT ? way_of_weight_gradient<T>(p)
                                               : way_of_product<T>(p, pass == TALUS_CONV_BACKWARD_INPUT);
    });
  return way;
}

void conv2d(int dtype, const Conv2dParams& p, const void* x, const void* w, const void* bias,
            const Activation& activation, void* out) {
  dispatch_float(dtype, "conv2d", [&](auto type) {
    using T = typename decltype(type)::type;
    if (!check_sizes(p) || p.o == 0) return;
    const auto convolve = depthwise(p) ? depthwise_convolution<T> : product_convolution<T>;
    convolve(p, static_cast<const T*>(x), static_cast<const T*>(w), static_cast<const T*>(bias), activation,
             static_cast<T*>(out));
  });
}

void conv2d_backward_input(int dtype, const Conv2dParams& p, const void* grad, const void* w, void* grad_x) {
  dispatch_float(dtype, "conv2d_backward_input", [&](auto type) {
    using T = typename decltype(type)::type;
    if (!check_sizes(p) || p.c * p.h * p.w == 0) return;
    const auto gradient = depthwise(p) ? depthwise_input_gradient<T> : product_input_gradient<T>;
    gradient(p, static_cast<const T*>(grad), static_cast<const T*>(w), static_cast<T*>(grad_x));
  });
}

void conv2d_backward_weight(int dtype, const Conv2dParams& p, const void* grad, const void* x, void* grad_w) {
  dispatch_float(dtype, "conv2d_backward_weight", [&](auto type) {
    using T = typename decltype(type)::type;
    const int64_t size = p.o * p.group_c() * p.kh * p.kw;
    if (size == 0) return;
    if (!check_sizes(p)) return fill_zero(static_cast<T*>(grad_w), size);
    const auto gradient = depthwise(p) ? depthwise_weight_gradient<T> : product_weight_gradient<T>;
    gradient(p, static_cast<const T*>(grad), static_cast<const T*>(x), static_cast<T*>(grad_w));
  });
}

// A reduction of [O, N, positions].
void conv2d_backward_bias(int dtype, const Conv2dParams& p, const void* grad, void* grad_bias) {
  dispatch_float(dtype, "conv2d_backward_bias", [&](auto) {
    const int64_t area = p.out_h() * p.out_w();
    const int64_t geometry[] = {p.o, p.n, area, area, p.o * area, 1};
    reduce(TALUS_SUM, dtype, 3, 1, geometry, grad, 0, grad_bias, nullptr);
  });
}

}  // namespace talus::cuda
