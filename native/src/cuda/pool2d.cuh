// What pooling kernels know of planes and of windows along an axis.
#pragma once

#include <algorithm>
#include <limits>

#include "cuda/map.cuh"
#include "error.h"

namespace talus::cuda {

constexpr int kPoolThreads = 256;
// Elements of the planes of a launch, which 32-bit indices number; more planes are launched in turn.
constexpr int64_t kMostPoolElements = int64_t{1} << 30;

// Along one axis, window o covers the elements stride * o - pad + dilation * tap, tap < kernel.
struct PoolAxis {
  int in, out, kernel, stride, pad, dilation;
  bool count_pad;
  Divisor by_stride, by_dilation;

  // An average's window o covers begin to below end; returns how many elements it counts along this axis.
  __device__ __forceinline__ int span(int o, int& begin, int& end) const {
    const int first = o * stride - pad, last = first + kernel;
    begin = max(first, 0);
    end = min(last, in);
    return count_pad ? min(last, in + pad) - first : end - begin;
  }
  // The outputs whose windows reach over element i: first to last, none if last < first.
  __device__ __forceinline__ void covering(int i, int& first, int& last) const {
    const int over = i + pad - dilation * (kernel - 1);
    first = over <= 0 ? 0 : static_cast<int>(by_stride.quotient(static_cast<uint32_t>(over + stride - 1)));
    last = min(out - 1, static_cast<int>(by_stride.quotient(static_cast<uint32_t>(i + pad))));
  }
};

// Adaptive: window o covers floor(o * in / out) to below ceil((o + 1) * in / out).
struct AdaptiveAxis {
  int in, out;
  Divisor by_in, by_out;

  __device__ __forceinline__ int span(int o, int& begin, int& end) const {
    begin = static_cast<int>(by_out.quotient(static_cast<uint32_t>(o * in)));
    end = static_cast<int>(by_out.quotient(static_cast<uint32_t>((o + 1) * in + out - 1)));
    return end - begin;
  }
  __device__ __forceinline__ void covering(int i, int& first, int& last) const {
    first = static_cast<int>(by_in.quotient(static_cast<uint32_t>(i * out)));
    last = static_cast<int>(by_in.quotient(static_cast<uint32_t>((i + 1) * out + in - 1))) - 1;
  }
};

// Planes of one size and the place of an element in them.
struct Planes {
  int elements, area;
  Divisor by_area, by_width;

  Planes(int64_t planes, int64_t h, int64_t w)
      : elements(static_cast<int>(planes * h * w)),
        area(static_cast<int>(h * w)),
        by_area(static_cast<uint32_t>(h * w)),
        by_width(static_cast<uint32_t>(w)) {}

  __device__ __forceinline__ void locate(int index, int& plane, int& row, int& column) const {
    plane = static_cast<int>(by_area.quotient(static_cast<uint32_t>(index)));
    const int within = index - plane * area;
    row = static_cast<int>(by_width.quotient(static_cast<uint32_t>(within)));
    column = within - row * static_cast<int>(by_width.divisor);
  }
};

// Calls f(planes, first plane) for runs of planes that 32-bit indices can number.
template <class F>
void for_pool_planes(const char* what, int64_t planes, int64_t in_area, int64_t out_area, F&& f) {
  const int64_t largest = std::max<int64_t>({in_area, out_area, 1});
  if (largest > kMostPoolElements) fail(TALUS_UNSUPPORTED, "%s: a plane has more than 2^30 elements", what);
  if (in_area == 0 || out_area == 0) return;
  const int64_t step = kMostPoolElements / largest;
  for (int64_t begin = 0; begin < planes; begin += step) f(std::min(step, planes - begin), begin);
}

inline PoolAxis pool_axis(const char* what, int64_t in, int64_t out, int64_t kernel, int64_t stride, int64_t pad,
                          int64_t dilation, bool count_pad) {
  if (std::max({in + 2 * pad, kernel, stride, dilation}) > kMostPoolElements)
    fail(TALUS_UNSUPPORTED, "%s: the CUDA kernels take sizes up to 2^30 along an axis", what);
  return {static_cast<int>(in),
          static_cast<int>(out),
          static_cast<int>(kernel),
          static_cast<int>(stride),
          static_cast<int>(pad),
          static_cast<int>(dilation),
          count_pad,
          Divisor(static_cast<uint32_t>(stride)),
          Divisor(static_cast<uint32_t>(dilation))};
}

inline AdaptiveAxis adaptive_axis(const char* what, int64_t in, int64_t out) {
  if ((in + 1) * (out + 1) > std::numeric_limits<int32_t>::max())
    fail(TALUS_UNSUPPORTED, "%s: the CUDA kernels take axes up to input times output size 2^31", what);
  return {static_cast<int>(in), static_cast<int>(out), Divisor(static_cast<uint32_t>(in)),
          Divisor(static_cast<uint32_t>(out))};
}

}  // namespace talus::cuda
