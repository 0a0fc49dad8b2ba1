// Convolution of groups of one input channel: bound by memory, so neighbouring threads read neighbouring columns, and
// nothing is read twice that registers or the nearest cache can keep.
#include <algorithm>

#include "cuda/conv2d.h"
#include "cuda/conv2d_depthwise.cuh"
#include "cuda/memory.h"

namespace talus::cuda {

namespace {

// Pieces of a filter's gradient: as many blocks keep any device busy, if each still has so many positions.
constexpr int64_t kManyBlocks = 1024;
constexpr int64_t kLeastPositions = 2048;
constexpr int64_t kMostPieces = 128;

int narrow(int64_t v) { return static_cast<int>(v); }
Divisor divisor(int64_t v) { return Divisor(static_cast<uint32_t>(v)); }

DepthwiseShape forward_shape(const Conv2dParams& p, int64_t n, int64_t strip) {
  const int64_t strips = (p.out_h() + strip - 1) / strip;
  DepthwiseShape s = {};
  s.threads = narrow(n * p.o * strips * p.out_w());
  s.channels = narrow(p.o);
  s.outputs = narrow(p.group_o());
  s.in_h = narrow(p.h);
  s.in_w = narrow(p.w);
  s.out_h = narrow(p.out_h());
  s.out_w = narrow(p.out_w());
  s.kh = narrow(p.kh);
  s.kw = narrow(p.kw);
  s.stride_h = narrow(p.stride_h);
  s.stride_w = narrow(p.stride_w);
  s.pad_h = narrow(p.pad_h);
  s.pad_w = narrow(p.pad_w);
  s.dilation_h = narrow(p.dilation_h);
  s.dilation_w = narrow(p.dilation_w);
  s.by_area = divisor(strips * p.out_w());
  s.by_width = divisor(p.out_w());
  s.by_channels = divisor(p.o);
  s.by_outputs = divisor(p.group_o());
  s.by_stride_h = divisor(p.stride_h);
  s.by_stride_w = divisor(p.stride_w);
  return s;
}

// From the output's gradient to the input's.
DepthwiseShape gradient_shape(const Conv2dParams& p, int64_t n, int64_t strip) {
  const int64_t strips = (p.h + strip - 1) / strip;
  DepthwiseShape s = forward_shape(p, n, 1);
  s.threads = narrow(n * p.c * strips * p.w);
  s.channels = narrow(p.c);
  std::swap(s.in_h, s.out_h);
  std::swap(s.in_w, s.out_w);
  s.by_area = divisor(strips * p.w);
  s.by_width = divisor(p.w);
  s.by_channels = divisor(p.c);
  return s;
}

// The size of square filters that are worth a kernel of their own, or 0.
int64_t square(const Conv2dParams& p) {
  const bool dense = p.dilation_h == 1 && p.dilation_w == 1;
  return dense && p.kh == p.kw && (p.kh == 3 || p.kh == 5) ? p.kh : 0;
}

bool strides_are(const Conv2dParams& p, int64_t stride) { return p.stride_h == stride && p.stride_w == stride; }

// Calls f(images, index of the first) for runs of images that a launch can number.
template <class F>
void for_images(const Conv2dParams& p, F&& f) {
  for (int64_t begin = 0, step = conv_images(p); begin < p.n; begin += step) f(std::min(step, p.n - begin), begin);
}

}  // namespace

template <class T>
void depthwise_convolution(const Conv2dParams& p, const T* x, const T* w, const T* bias, const Activation& activation,
                           T* out) {
  const int64_t kernel = square(p);
  const bool strips = kernel > 0 && (strides_are(p, 1) || strides_are(p, 2));
  const auto run = !strips ? depthwise_points<T>
                   : strides_are(p, 1)
                       ? kernel == 3 ? depthwise_strips<T, 3, 1, false> : depthwise_strips<T, 5, 1, false>
                   : kernel == 3 ? depthwise_strips<T, 3, 2, false>
                                 : depthwise_strips<T, 5, 2, false>;
  for_images(p, [&](int64_t n, int64_t begin) {
    const DepthwiseShape s = forward_shape(p, n, strips ? kDepthwiseStrip : 1);
    launch(run, blocks_for(s.threads, kDepthwiseThreads), dim3(kDepthwiseThreads), 0, s, x + begin * p.c * p.h * p.w, w,
           bias, activation, out + begin * p.o * s.out_h * s.out_w);
  });
}

template <class T>
void depthwise_input_gradient(const Conv2dParams& p, const T* grad, const T* w, T* grad_x) {
  const int64_t kernel = square(p);
  for_images(p, [&](int64_t n, int64_t begin) {
    const T* const from = grad + begin * p.o * p.out_h() * p.out_w();
    T* const to = grad_x + begin * p.c * p.h * p.w;
    if (kernel > 0 && strides_are(p, 1)) {
      DepthwiseShape s = gradient_shape(p, n, kDepthwiseStrip);
      s.pad_h = narrow(kernel - 1 - p.pad_h);
      s.pad_w = narrow(kernel - 1 - p.pad_w);
      launch(kernel == 3 ? depthwise_strips<T, 3, 1, true> : depthwise_strips<T, 5, 1, true>,
             blocks_for(s.threads, kDepthwiseThreads), dim3(kDepthwiseThreads), 0, s, from, w,
             static_cast<const T*>(nullptr), kNoActivation, to);
    } else {
      const DepthwiseShape s = gradient_shape(p, n, 1);
      launch(kernel == 3   ? depthwise_input_points<T, 3>
             : kernel == 5 ? depthwise_input_points<T, 5>
                           : depthwise_input_points<T, 0>,
             blocks_for(s.threads, kDepthwiseThreads), dim3(kDepthwiseThreads), 0, s, from, w, to);
    }
  });
}

template <class T>
void depthwise_weight_gradient(const Conv2dParams& p, const T* grad, const T* x, T* grad_w) {
  const int64_t kernel = square(p), area = p.out_h() * p.out_w(), size = p.o * p.kh * p.kw;
  const int64_t step = std::min(conv_images(p), p.n), launches = (p.n + step - 1) / step;
  const int64_t wanted = std::min({kManyBlocks / p.o, step * area / kLeastPositions, kMostPieces});
  const int64_t piece = (step * area + std::max<int64_t>(wanted, 1) - 1) / std::max<int64_t>(wanted, 1);
  const int64_t each = (step * area + piece - 1) / piece, all = launches * each;
  const Scratch<T> sums(all > 1 ? all * size : 0);
  const auto run = kernel == 3   ? depthwise_weights<T, 3>
                   : kernel == 5 ? depthwise_weights<T, 5>
                                 : depthwise_weights<T, 0>;
  for_images(p, [&](int64_t n, int64_t begin) {
    DepthwiseShape s = forward_shape(p, n, 1);
    s.threads = narrow(n * area);
    const dim3 grid(static_cast<unsigned>(p.o), static_cast<unsigned>(each),
                    static_cast<unsigned>(kernel > 0 ? 1 : p.kh * p.kw));
    launch(run, grid, dim3(kTeamBlock), 0, s, narrow(piece), grad + begin * p.o * area, x + begin * p.c * p.h * p.w,
           all > 1 ? sums.get() + begin / step * each * size : grad_w);
  });
  if (all > 1) add_conv_pieces<T>(sums.get(), narrow(all), size, 1, p.o, nullptr, kNoActivation, grad_w);
}

#define TALUS_INSTANTIATE(T)                                                                                     \
  template void depthwise_convolution(const Conv2dParams&, const T*, const T*, const T*, const Activation&, T*); \
  template void depthwise_input_gradient(const Conv2dParams&, const T*, const T*, T*);                           \
  template void depthwise_weight_gradient(const Conv2dParams&, const T*, const T*, T*);
TALUS_INSTANTIATE(float)
TALUS_INSTANTIATE(double)

}  // namespace talus::cuda
