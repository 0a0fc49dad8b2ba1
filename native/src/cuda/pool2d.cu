// Max pooling: a thread an output, and backwards a thread an input, which adds up the outputs that chose it. So nothing
// is added in a changing order, and a tap that is none of its window's is chosen by nobody.
#include "cuda/pool2d.cuh"
#include "dtype.h"
#include "kernels.h"
#include "pool2d_rules.h"

namespace talus::cuda {

namespace {

// The first of the greatest values counts, and the last NaN before all numbers.
template <class T>
struct Maximum {
  T value = T(-INFINITY);
  int tap = -1;

  __device__ __forceinline__ void consider(T x, int at) {
    if (tap < 0 || x > value || x != x) {
      value = x;
      tap = at;
    }
  }
};

// Kernel: the height and width of square windows that are unrolled, so that all their loads wait together, or 0.
template <int Kernel, class T, class Code>
__global__ void __launch_bounds__(kPoolThreads)
    max_windows(Planes outputs, PoolAxis h, PoolAxis w, const T* x, T* out, Code* taps) {
  const int i = static_cast<int>(blockIdx.x * kPoolThreads + threadIdx.x);
  if (i >= outputs.elements) return;
  int plane, row, column;
  outputs.locate(i, plane, row, column);
  const T* const from = x + plane * h.in * w.in;
  const int top = row * h.stride - h.pad, left = column * w.stride - w.pad;
  Maximum<T> best;
  if constexpr (Kernel > 0) {
    T values[Kernel][Kernel];
    bool inside[Kernel][Kernel];
#pragma unroll
    for (int r = 0; r < Kernel; ++r)
#pragma unroll
      for (int c = 0; c < Kernel; ++c) {
        const int y = top + r * h.dilation, z = left + c * w.dilation;
        inside[r][c] = y >= 0 && y < h.in && z >= 0 && z < w.in;
        values[r][c] = inside[r][c] ? from[y * w.in + z] : T(0);
      }
#pragma unroll
    for (int r = 0; r < Kernel; ++r)
#pragma unroll
      for (int c = 0; c < Kernel; ++c)
        if (inside[r][c]) best.consider(values[r][c], r * Kernel + c);
  } else {
    for (int r = 0, y = top; r < h.kernel; ++r, y += h.dilation) {
      if (y < 0 || y >= h.in) continue;
      for (int c = 0, z = left; c < w.kernel; ++c, z += w.dilation)
        if (z >= 0 && z < w.in) best.consider(from[y * w.in + z], r * w.kernel + c);
    }
  }
  out[i] = best.value;
  if (taps != nullptr) taps[i] = static_cast<Code>(best.tap);
}

template <class T, class Code>
__global__ void __launch_bounds__(kPoolThreads)
    max_gradient(Planes inputs, PoolAxis h, PoolAxis w, const T* grad, const Code* taps, T* grad_x) {
  const int i = static_cast<int>(blockIdx.x * kPoolThreads + threadIdx.x);
  if (i >= inputs.elements) return;
  int plane, row, column, top, bottom, left, right;
  inputs.locate(i, plane, row, column);
  h.covering(row, top, bottom);
  w.covering(column, left, right);
  T sum = 0;
  for (int y = top; y <= bottom; ++y) {
    const int below = row + h.pad - y * h.stride;
    const int r = static_cast<int>(h.by_dilation.quotient(static_cast<uint32_t>(below)));
    if (r * h.dilation != below) continue;
    for (int z = left; z <= right; ++z) {
      const int beside = column + w.pad - z * w.stride;
      const int c = static_cast<int>(w.by_dilation.quotient(static_cast<uint32_t>(beside)));
      const int at = (plane * h.out + y) * w.out + z;
      // Both are loaded at once; neighbouring threads share the gradient's line anyway.
      const T g = grad[at];
      const bool chosen = c * w.dilation == beside && static_cast<int>(taps[at]) == r * w.kernel + c;
      sum += chosen ? g : T(0);
    }
  }
  grad_x[i] = sum;
}

// Calls f(Type<T>, Type<Code>, h, w, planes, input offset, output offset).
template <class F>
void for_windows(const char* what, int dtype, const Pool2dParams& p, F&& f) {
  dispatch_float(dtype, what, [&](auto type) {
    check_window(what, p.kh, p.kw);
    const PoolAxis h = pool_axis(what, p.h, p.out_h(), p.kh, p.stride_h, p.pad_h, p.dilation_h, false);
    const PoolAxis w = pool_axis(what, p.w, p.out_w(), p.kw, p.stride_w, p.pad_w, p.dilation_w, false);
    const int64_t in = p.h * p.w, out = p.out_h() * p.out_w();
    for_pool_planes(what, p.planes, in, out, [&](int64_t planes, int64_t begin) {
      if (tap_bytes(p.kh, p.kw) == 1)
        f(type, Type<uint8_t>{}, h, w, planes, begin * in, begin * out);
      else
        f(type, Type<int32_t>{}, h, w, planes, begin * in, begin * out);
    });
  });
}

}  // namespace

void max_pool2d(int dtype, const Pool2dParams& p, const void* x, void* out, void* taps) {
  for_windows("max_pool2d", dtype, p,
              [&](auto type, auto code, const PoolAxis& h, const PoolAxis& w, int64_t planes, int64_t in, int64_t at) {
                using T = typename decltype(type)::type;
                using Code = typename decltype(code)::type;
                const Planes outputs(planes, h.out, w.out);
                const auto kernel = p.kh == 2 && p.kw == 2   ? max_windows<2, T, Code>
                                    : p.kh == 3 && p.kw == 3 ? max_windows<3, T, Code>
                                                             : max_windows<0, T, Code>;
                launch(kernel, blocks_for(outputs.elements, kPoolThreads), dim3(kPoolThreads), 0, outputs, h, w,
                       static_cast<const T*>(x) + in, static_cast<T*>(out) + at,
                       taps == nullptr ? nullptr : static_cast<Code*>(taps) + at);
              });
}

void max_pool2d_backward(int dtype, const Pool2dParams& p, const void* grad, const void* taps, void* grad_x) {
  for_windows("max_pool2d_backward", dtype, p,
              [&](auto type, auto code, const PoolAxis& h, const PoolAxis& w, int64_t planes, int64_t in, int64_t at) {
                using T = typename decltype(type)::type;
                using Code = typename decltype(code)::type;
                const Planes inputs(planes, h.in, w.in);
                launch(max_gradient<T, Code>, blocks_for(inputs.elements, kPoolThreads), dim3(kPoolThreads), 0, inputs,
                       h, w, static_cast<const T*>(grad) + at, static_cast<const Code*>(taps) + at,
                       static_cast<T*>(grad_x) + in);
              });
}

}  // namespace talus::cuda
