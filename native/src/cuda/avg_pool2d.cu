// Average pooling, adaptive or not: a thread or a warp an output, and backwards a thread an input.
#include "cuda/pool2d.cuh"
#include "cuda/team.cuh"
#include "dtype.h"
#include "kernels.h"
#include "pool2d_rules.h"

namespace talus::cuda {

namespace {

// Windows of this many elements are a warp's.
constexpr int64_t kWarpWindow = 32;

// Lanes: 1 or kWarp threads share a window. divisor 0: what the axes count.
template <int Lanes, class T, class Axis>
__global__ void __launch_bounds__(kPoolThreads)
    mean_windows(Planes outputs, Axis h, Axis w, T divisor, const T* x, T* out) {
  const int thread = static_cast<int>(threadIdx.x), lane = thread % Lanes;
  const int i = static_cast<int>(blockIdx.x) * (kPoolThreads / Lanes) + thread / Lanes;
  if (i >= outputs.elements) return;
  int plane, row, column, top, bottom, left, right;
  outputs.locate(i, plane, row, column);
  const int counted = h.span(row, top, bottom) * w.span(column, left, right);
  const T* const from = x + plane * h.in * w.in;
  T sum = 0;
  if constexpr (Lanes == 1) {
    for (int y = top; y < bottom; ++y)
      for (int z = left; z < right; ++z) sum += from[y * w.in + z];
  } else {
    const int across = right - left, elements = (bottom - top) * across;
    for (int e = lane; e < elements; e += Lanes) {
      const int y = e / across;
      sum += from[(top + y) * w.in + left + e - y * across];
    }
    sum = team_reduce<kWarp>(sum, Sum{});
  }
  if (lane == 0) out[i] = sum / (divisor != T(0) ? divisor : T(counted));
}

// Four blocks on a multiprocessor are promised, so that registers are not saved by spilling around the division.
template <class T, class Axis>
__global__ void __launch_bounds__(kPoolThreads, 4)
    mean_gradient(Planes inputs, Axis h, Axis w, T divisor, const T* grad, T* grad_x) {
  const int i = static_cast<int>(blockIdx.x * kPoolThreads + threadIdx.x);
  if (i >= inputs.elements) return;
  int plane, row, column, top, bottom, left, right, begin, end;
  inputs.locate(i, plane, row, column);
  h.covering(row, top, bottom);
  w.covering(column, left, right);
  T sum = 0;
  for (int y = top; y <= bottom; ++y) {
    const int high = h.span(y, begin, end);
    for (int z = left; z <= right; ++z) {
      const int counted = high * w.span(z, begin, end);
      sum += grad[(plane * h.out + y) * w.out + z] / (divisor != T(0) ? divisor : T(counted));
    }
  }
  grad_x[i] = sum;
}

template <class T, class Axis>
void means(const char* what, int64_t all, const Axis& h, const Axis& w, int64_t window, int64_t divisor, const T* x,
           T* out) {
  const int64_t in = int64_t{h.in} * w.in, area = int64_t{h.out} * w.out;
  for_pool_planes(what, all, in, area, [&](int64_t planes, int64_t begin) {
    const Planes outputs(planes, h.out, w.out);
    const bool warp = window >= kWarpWindow;
    launch(warp ? mean_windows<kWarp, T, Axis> : mean_windows<1, T, Axis>,
           blocks_for(outputs.elements, warp ? kPoolThreads / kWarp : kPoolThreads), dim3(kPoolThreads), 0, outputs, h,
           w, static_cast<T>(divisor), x + begin * in, out + begin * area);
  });
}

template <class T, class Axis>
void mean_gradients(const char* what, int64_t all, const Axis& h, const Axis& w, int64_t divisor, const T* grad,
                    T* grad_x) {
  const int64_t in = int64_t{h.in} * w.in, area = int64_t{h.out} * w.out;
  for_pool_planes(what, all, in, area, [&](int64_t planes, int64_t begin) {
    const Planes inputs(planes, h.in, w.in);
    launch(mean_gradient<T, Axis>, blocks_for(inputs.elements, kPoolThreads), dim3(kPoolThreads), 0, inputs, h, w,
           static_cast<T>(divisor), grad + begin * area, grad_x + begin * in);
  });
}

// Calls f(Type<T>, h, w).
template <class F>
void with_axes(const char* what, int dtype, const Pool2dParams& p, F&& f) {
  dispatch_float(dtype, what, [&](auto type) {
    check_window(what, p.kh, p.kw);
    f(type, pool_axis(what, p.h, p.out_h(), p.kh, p.stride_h, p.pad_h, 1, p.count_include_pad),
      pool_axis(what, p.w, p.out_w(), p.kw, p.stride_w, p.pad_w, 1, p.count_include_pad));
  });
}

template <class F>
void with_axes(const char* what, int dtype, const AdaptivePool2dParams& p, F&& f) {
  dispatch_float(dtype, what,
                 [&](auto type) { f(type, adaptive_axis(what, p.h, p.out_h), adaptive_axis(what, p.w, p.out_w)); });
}

}  // namespace

void avg_pool2d(int dtype, const Pool2dParams& p, const void* x, void* out) {
  constexpr const char* kWhat = "avg_pool2d";
  with_axes(kWhat, dtype, p, [&](auto type, const PoolAxis& h, const PoolAxis& w) {
    using T = typename decltype(type)::type;
    means(kWhat, p.planes, h, w, p.kh * p.kw, p.divisor, static_cast<const T*>(x), static_cast<T*>(out));
  });
}

void avg_pool2d_backward(int dtype, const Pool2dParams& p, const void* grad, void* grad_x) {
  constexpr const char* kWhat = "avg_pool2d_backward";
  with_axes(kWhat, dtype, p, [&](auto type, const PoolAxis& h, const PoolAxis& w) {
    using T = typename decltype(type)::type;
    mean_gradients(kWhat, p.planes, h, w, p.divisor, static_cast<const T*>(grad), static_cast<T*>(grad_x));
  });
}

void adaptive_avg_pool2d(int dtype, const AdaptivePool2dParams& p, const void* x, void* out) {
  if (even_windows(p)) return avg_pool2d(dtype, average_windows(p), x, out);
  constexpr const char* kWhat = "adaptive_avg_pool2d";
  with_axes(kWhat, dtype, p, [&](auto type, const AdaptiveAxis& h, const AdaptiveAxis& w) {
    using T = typename decltype(type)::type;
    const int64_t window = (p.h / p.out_h + 1) * (p.w / p.out_w + 1);
    means(kWhat, p.planes, h, w, window, 0, static_cast<const T*>(x), static_cast<T*>(out));
  });
}

void adaptive_avg_pool2d_backward(int dtype, const AdaptivePool2dParams& p, const void* grad, void* grad_x) {
  if (even_windows(p)) return avg_pool2d_backward(dtype, average_windows(p), grad, grad_x);
  constexpr const char* kWhat = "adaptive_avg_pool2d_backward";
  with_axes(kWhat, dtype, p, [&](auto type, const AdaptiveAxis& h, const AdaptiveAxis& w) {
    using T = typename decltype(type)::type;
    mean_gradients(kWhat, p.planes, h, w, 0, static_cast<const T*>(grad), static_cast<T*>(grad_x));
  });
}

}  // namespace talus::cuda
