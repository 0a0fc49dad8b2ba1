#include <cmath>
#include <limits>
#include <vector>

#include "dtype.h"
#include "kernels.h"

namespace talus::ref {
namespace {

// One element of a window: where it lies in the plane, and whether it is inside, or at least inside the padding.
struct Place {
  int64_t h, w;
  bool inside, padded;
};

// Calls window(plane, output index, places) for every output, the places of its window in row-major order.
template <class F>
void for_each_window(const Pool2dParams& p, F&& window) {
  std::vector<Place> places;
  for (int64_t plane = 0; plane < p.planes; ++plane)
    for (int64_t oh = 0; oh < p.out_h(); ++oh)
      for (int64_t ow = 0; ow < p.out_w(); ++ow) {
        places.clear();
        for (int64_t kh = 0; kh < p.kh; ++kh)
          for (int64_t kw = 0; kw < p.kw; ++kw) {
            const int64_t h = oh * p.stride_h - p.pad_h + kh * p.dilation_h;
            const int64_t w = ow * p.stride_w - p.pad_w + kw * p.dilation_w;
            places.push_back({h, w, h >= 0 && h < p.h && w >= 0 && w < p.w, h < p.h + p.pad_h && w < p.w + p.pad_w});
          }
        window(plane * p.h * p.w, (plane * p.out_h() + oh) * p.out_w() + ow, places);
      }
}

// Taps are uint8 where a window's positions fit, else int32.
bool narrow_taps(const Pool2dParams& p) { return p.kh * p.kw <= 256; }

double divisor(const Pool2dParams& p, const std::vector<Place>& places) {
  if (p.divisor != 0) return static_cast<double>(p.divisor);
  int64_t count = 0;
  for (const Place& place : places) count += p.count_include_pad ? place.padded : place.inside;
  return static_cast<double>(count);
}

}  // namespace

void max_pool2d(int dtype, const Pool2dParams& p, const void* x, void* out, void* taps) {
  dispatch_float(dtype, "max_pool2d", [&](auto type) {
    using T = typename decltype(type)::type;
    for_each_window(p, [&](int64_t plane, int64_t at, const std::vector<Place>& places) {
      T best = -std::numeric_limits<T>::infinity();
      int64_t tap = -1;
      for (size_t i = 0; i < places.size(); ++i) {
        const Place& place = places[i];
        if (!place.inside) continue;
        const T value = static_cast<const T*>(x)[plane + place.h * p.w + place.w];
        if (tap < 0 || value > best || std::isnan(value)) {
          best = value;
          tap = static_cast<int64_t>(i);
        }
      }
      static_cast<T*>(out)[at] = best;
      if (taps == nullptr) return;
      if (narrow_taps(p))
        static_cast<uint8_t*>(taps)[at] = static_cast<uint8_t>(tap);
      else
        static_cast<int32_t*>(taps)[at] = static_cast<int32_t>(tap);
    });
  });
}

void max_pool2d_backward(int dtype, const Pool2dParams& p, const void* grad, const void* taps, void* grad_x) {
  dispatch_float(dtype, "max_pool2d_backward", [&](auto type) {
    using T = typename decltype(type)::type;
    std::vector<double> sums(static_cast<size_t>(p.planes * p.h * p.w));
    for_each_window(p, [&](int64_t plane, int64_t at, const std::vector<Place>& places) {
      const int64_t tap =
          narrow_taps(p) ? static_cast<const uint8_t*>(taps)[at] : static_cast<const int32_t*>(taps)[at];
      const Place& place = places.at(static_cast<size_t>(tap));
      sums.at(static_cast<size_t>(plane + place.h * p.w + place.w)) +=
          static_cast<double>(static_cast<const T*>(grad)[at]);
    });
    for (size_t i = 0; i < sums.size(); ++i) static_cast<T*>(grad_x)[i] = static_cast<T>(sums[i]);
  });
}

void avg_pool2d(int dtype, const Pool2dParams& p, const void* x, void* out) {
  dispatch_float(dtype, "avg_pool2d", [&](auto type) {
    using T = typename decltype(type)::type;
    for_each_window(p, [&](int64_t plane, int64_t at, const std::vector<Place>& places) {
      double sum = 0;
      for (const Place& place : places)
        if (place.inside) sum += static_cast<double>(static_cast<const T*>(x)[plane + place.h * p.w + place.w]);
      static_cast<T*>(out)[at] = static_cast<T>(sum / divisor(p, places));
    });
  });
}

void avg_pool2d_backward(int dtype, const Pool2dParams& p, const void* grad, void* grad_x) {
  dispatch_float(dtype, "avg_pool2d_backward", [&](auto type) {
    using T = typename decltype(type)::type;
    std::vector<double> sums(static_cast<size_t>(p.planes * p.h * p.w));
    for_each_window(p, [&](int64_t plane, int64_t at, const std::vector<Place>& places) {
      const double share = static_cast<double>(static_cast<const T*>(grad)[at]) / divisor(p, places);
      for (const Place& place : places)
        if (place.inside) sums[static_cast<size_t>(plane + place.h * p.w + place.w)] += share;
    });
    for (size_t i = 0; i < sums.size(); ++i) static_cast<T*>(grad_x)[i] = static_cast<T>(sums[i]);
  });
}

namespace {

// Calls f(input index, output index, elements of the output's window) for every element of every window.
template <class F>
void for_each_adaptive(const AdaptivePool2dParams& p, F&& f) {
  const auto first = [](int64_t i, int64_t in, int64_t out) { return i * in / out; };
  const auto last = [](int64_t i, int64_t in, int64_t out) { return ((i + 1) * in + out - 1) / out; };
  for (int64_t plane = 0; plane < p.planes; ++plane)
    for (int64_t oh = 0; oh < p.out_h; ++oh)
      for (int64_t ow = 0; ow < p.out_w; ++ow) {
        const int64_t h0 = first(oh, p.h, p.out_h), h1 = last(oh, p.h, p.out_h);
        const int64_t w0 = first(ow, p.w, p.out_w), w1 = last(ow, p.w, p.out_w);
        for (int64_t h = h0; h < h1; ++h)
          for (int64_t w = w0; w < w1; ++w)
            f(static_cast<size_t>((plane * p.h + h) * p.w + w),
              static_cast<size_t>((plane * p.out_h + oh) * p.out_w + ow), static_cast<double>((h1 - h0) * (w1 - w0)));
      }
}

}  // namespace

void adaptive_avg_pool2d(int dtype, const AdaptivePool2dParams& p, const void* x, void* out) {
  dispatch_float(dtype, "adaptive_avg_pool2d", [&](auto type) {
    using T = typename decltype(type)::type;
    std::vector<double> means(static_cast<size_t>(p.planes * p.out_h * p.out_w));
    for_each_adaptive(p, [&](size_t from, size_t to, double count) {
      means[to] += static_cast<double>(static_cast<const T*>(x)[from]) / count;
    });
    for (size_t i = 0; i < means.size(); ++i) static_cast<T*>(out)[i] = static_cast<T>(means[i]);
  });
}

void adaptive_avg_pool2d_backward(int dtype, const AdaptivePool2dParams& p, const void* grad, void* grad_x) {
  dispatch_float(dtype, "adaptive_avg_pool2d_backward", [&](auto type) {
    using T = typename decltype(type)::type;
    std::vector<double> sums(static_cast<size_t>(p.planes * p.h * p.w));
    for_each_adaptive(p, [&](size_t from, size_t to, double count) {
      sums[from] += static_cast<double>(static_cast<const T*>(grad)[to]) / count;
    });
    for (size_t i = 0; i < sums.size(); ++i) static_cast<T*>(grad_x)[i] = static_cast<T>(sums[i]);
  });
}

}  // namespace talus::ref
