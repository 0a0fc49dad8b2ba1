// Threads share out planes: each output, or gradient, plane is one thread's work.
#include "cpu/conv2d_depthwise.h"

#include <algorithm>

#include "cpu/isa/depthwise_table.h"
#include "memory.h"
#include "parallel.h"

namespace talus::cpu {
namespace {

// Elements of planes that are worth waking a thread for: about 30 microseconds.
constexpr int64_t kParallelElements = 48 << 10;
// Images whose planes are summed over together stay in the L2 cache while pieces of columns pass over them.
constexpr int64_t kImageBytes = 128 << 10;

constexpr int64_t kMostPadding = 8;

// Images and results beyond the caches, and rows so long that hardware prefetchers lose track of columns.
constexpr int64_t kFarBytes = 16 << 20, kFarRow = 384;

template <class T>
void set_distance(const Conv2dParams& p, DepthwisePlane<T>& plane) {
  constexpr int64_t element = sizeof(T);
  plane.far = p.n * (p.c * p.h * p.w + p.o * p.out_h() * p.out_w()) * element > kFarBytes;
  plane.ahead = plane.far && p.w * element >= kFarRow;
}

int64_t grain(int64_t elements) { return kParallelElements / (elements + 1) + 1; }

// A row of zeros, surrounded by zeros.
template <class T>
class Zeros {
 public:
  explicit Zeros(int64_t n) : values_(n + 2 * kDepthwiseReach) {
    std::fill_n(values_.get(), n + 2 * kDepthwiseReach, T{0});
  }
  const T* row() const { return values_.get() + kDepthwiseReach; }

 private:
  const Scratch<T> values_;
};

// Whether planes [i, next) of `count` elements each have neighbours, out of `all`, that can be read instead of masked.
bool surrounded(int64_t i, int64_t next, int64_t all, int64_t count) {
  return i * count >= kDepthwiseReach && (all - next) * count >= kDepthwiseReach;
}

}  // namespace

// Loads of whole registers reach at most a register, or two at stride 2, beyond the padding.
bool depthwise_can(const Conv2dParams& p) {
  return p.group_c() == 1 && p.kh == p.kw && (p.kh == 3 || p.kh == 5) && p.stride_h == p.stride_w && p.stride_h <= 2 &&
         p.dilation_h == 1 && p.dilation_w == 1 && p.pad_h <= kMostPadding && p.pad_w <= kMostPadding;
}

template <class T>
void depthwise_convolution(const Conv2dParams& p, const T* x, const T* w, const T* bias, const Activation& activation,
                           T* out) {
  const auto kernel = depthwise_table().of<T>().forward[p.kh == 5][p.stride_h == 2];
  const int64_t area = p.h * p.w, out_area = p.out_h() * p.out_w(), outputs = p.group_o();
  const Zeros<T> zeros(p.w);
  DepthwisePlane<T> shape = {};
  shape.h = p.h;
  shape.w = p.w;
  shape.out_h = p.out_h();
  shape.out_w = p.out_w();
  shape.pad_h = p.pad_h;
  shape.pad_w = p.pad_w;
  shape.zeros = zeros.row();
  shape.activation = activation;
  set_distance(p, shape);
  parallel_for(p.n * p.o, grain(area + out_area), [&](int64_t begin, int64_t end) {
    DepthwisePlane<T> plane = shape;
    for (int64_t i = begin; i < end; ++i) {
      const int64_t o = i % p.o, from = i / p.o * p.c + o / outputs;
      plane.x = x + from * area;
      plane.surrounded = surrounded(from, from + 1, p.n * p.c, area);
      plane.out = out + i * out_area;
      plane.weights = w + o * p.kh * p.kw;
      if (bias != nullptr) plane.bias = bias[o];
      kernel(plane);
    }
  });
}

template <class T>
void depthwise_input_gradient(const Conv2dParams& p, const T* grad, const T* w, T* grad_x) {
  const auto& kernels = depthwise_table().of<T>();
  const bool five = p.kh == 5, strided = p.stride_h == 2;
  const auto kernel = strided ? kernels.spread[five] : kernels.forward[five][0];
  const int64_t area = p.h * p.w, out_area = p.out_h() * p.out_w(), outputs = p.group_o(), taps = p.kh * p.kw;
  const Zeros<T> zeros(p.out_w());
  DepthwisePlane<T> shape = {};
  shape.h = p.out_h();
  shape.w = p.out_w();
  shape.out_h = p.h;
  shape.out_w = p.w;
  // At stride 1 it is a convolution with the kernel turned by 180 degrees.
  shape.pad_h = strided ? p.pad_h : p.kh - 1 - p.pad_h;
  shape.pad_w = strided ? p.pad_w : p.kw - 1 - p.pad_w;
  shape.zeros = zeros.row();
  set_distance(p, shape);
  parallel_for(p.n * p.c, grain((area + out_area) * outputs), [&](int64_t begin, int64_t end) {
    T turned[25];
    DepthwisePlane<T> plane = shape;
    plane.weights = turned;
    for (int64_t i = begin; i < end; ++i) {
      plane.out = grad_x + i * area;
      for (int64_t k = 0; k < outputs; ++k) {
        const int64_t o = i % p.c * outputs + k, from = i / p.c * p.o + o;
        plane.x = grad + from * out_area;
        plane.surrounded = surrounded(from, from + 1, p.n * p.o, out_area);
        std::copy_n(w + o * taps, taps, turned);
        if (!strided) std::reverse(turned, turned + taps);
        plane.add = k > 0;
        kernel(plane);
      }
    }
  });
}

template <class T>
void depthwise_weight_gradient(const Conv2dParams& p, const T* grad, const T* x, T* grad_w) {
  const auto kernel = depthwise_table().of<T>().dots[p.kh == 5][p.stride_h == 2];
  const int64_t area = p.h * p.w, out_area = p.out_h() * p.out_w(), taps = p.kh * p.kw;
  const int64_t at_once = std::max<int64_t>(1, kImageBytes / ((area + out_area) * int64_t{sizeof(T)}));
  const Zeros<T> zeros(p.w);
  DepthwiseDots<T> shape = {};
  shape.x_image = p.c * area;
  shape.h = p.h;
  shape.w = p.w;
  shape.g_image = p.o * out_area;
  shape.out_h = p.out_h();
  shape.out_w = p.out_w();
  shape.pad_h = p.pad_h;
  shape.pad_w = p.pad_w;
  shape.zeros = zeros.row();
  parallel_for(p.o, grain((area + out_area) * p.n), [&](int64_t begin, int64_t end) {
    DepthwiseDots<T> dots = shape;
    for (int64_t o = begin; o < end; ++o) {
      dots.sums = grad_w + o * taps;
      std::fill_n(dots.sums, taps, T{0});
      for (int64_t n = 0; n < p.n; n += at_once) {
        dots.images = std::min(at_once, p.n - n);
        const int64_t last = dots.images - 1, from = n * p.c + o / p.group_o(), g = n * p.o + o;
        dots.x = x + from * area;
        dots.g = grad + g * out_area;
        dots.surrounded = surrounded(from, from + last * p.c + 1, p.n * p.c, area) &&
                          surrounded(g, g + last * p.o + 1, p.n * p.o, out_area);
        kernel(dots);
      }
    }
  });
}

#define INSTANTIATE(T)                                                                                           \
  template void depthwise_convolution(const Conv2dParams&, const T*, const T*, const T*, const Activation&, T*); \
  template void depthwise_input_gradient(const Conv2dParams&, const T*, const T*, T*);                           \
  template void depthwise_weight_gradient(const Conv2dParams&, const T*, const T*, T*);
INSTANTIATE(float)
INSTANTIATE(double)
#undef INSTANTIATE

}  // namespace talus::cpu
