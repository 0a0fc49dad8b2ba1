// Convolution as a gathering product: how its positions and taps number the elements of what is gathered.
#pragma once

#include "cuda/map.cuh"
#include "params.h"

namespace talus::cuda {

// Along one axis, position p of the result and tap t meet at element scale * p + shift + dilation * t of the image that
// is gathered. What the positions and taps of a phase are in the whole result and kernel is first + step times them.
struct ConvAxis {
  int in;
  int scale, shift, dilation;
  int positions, taps;
  int first_position, position_step, first_tap, tap_step;
};

// Forward there is one phase. The gradient of a strided convolution's input has one for each remainder that positions
// leave: each sees other taps, and all of them without gaps.
struct ConvPhase {
  ConvAxis h, w;
  int area, taps;  // positions of an image, taps of a channel
  int pixels;      // positions of all images
  int k, piece_k;  // terms of a sum, and of one of its pieces
  Divisor by_area, by_width, by_taps, by_kw;

  ConvPhase() = default;
  ConvPhase(const ConvAxis& rows, const ConvAxis& columns, int64_t images, int64_t channels)
      : h(rows),
        w(columns),
        area(rows.positions * columns.positions),
        taps(rows.taps * columns.taps),
        pixels(static_cast<int>(images * area)),
        k(static_cast<int>(channels * taps)),
        piece_k(k),
        by_area(static_cast<uint32_t>(area)),
        by_width(static_cast<uint32_t>(columns.positions)),
        by_taps(static_cast<uint32_t>(taps)),
        by_kw(static_cast<uint32_t>(columns.taps)) {}
};

inline ConvAxis forward_axis(int64_t in, int64_t out, int64_t kernel, int64_t stride, int64_t pad, int64_t dilation) {
  const auto narrow = [](int64_t v) { return static_cast<int>(v); };
  return {narrow(in), narrow(stride), narrow(-pad), narrow(dilation), narrow(out), narrow(kernel), 0, 1, 0, 1};
}

// Part of the way to an element: a position's and a tap's places add up.
struct alignas(16) ConvPlace {
  int offset, y, x;
};

// The place of nothing: together with any other it lies outside.
constexpr int kNowhere = -(1 << 30);
__device__ __forceinline__ static ConvPlace nowhere() { return {0, kNowhere, kNowhere}; }

// An element of `data`, or none: a 0.
template <class T>
struct ConvElement {
  const T* data;
  int offset;
  bool given;

  __device__ __forceinline__ T load() const { return given ? data[offset] : T{0}; }
};

// Images that are gathered: [images, channels, height, width], of which only a group's channels are seen.
template <class T>
struct ConvImages {
  const T* data;
  int image, plane;  // elements of an image and of a channel

  // Of the index-th position of all images.
  __device__ __forceinline__ ConvPlace position(const ConvPhase& phase, int index) const {
    const int n = static_cast<int>(phase.by_area.quotient(static_cast<uint32_t>(index)));
    const int within = index - n * phase.area;
    const int row = static_cast<int>(phase.by_width.quotient(static_cast<uint32_t>(within)));
    const int y = row * phase.h.scale + phase.h.shift;
    const int x = (within - row * phase.w.positions) * phase.w.scale + phase.w.shift;
    return {n * image + y * phase.w.in + x, y, x};
  }
  // Of the index-th tap of all channels.
  __device__ __forceinline__ ConvPlace tap(const ConvPhase& phase, int index) const {
    const int channel = static_cast<int>(phase.by_taps.quotient(static_cast<uint32_t>(index)));
    const int within = index - channel * phase.taps;
    const int row = static_cast<int>(phase.by_kw.quotient(static_cast<uint32_t>(within)));
    const int y = row * phase.h.dilation, x = (within - row * phase.w.taps) * phase.w.dilation;
    return {channel * plane + y * phase.w.in + x, y, x};
  }
  __device__ __forceinline__ ConvElement<T> element(const ConvPhase& phase, const ConvPlace& a,
                                                    const ConvPlace& b) const {
    const int y = a.y + b.y, x = a.x + b.x;
    const bool inside = static_cast<unsigned>(y) < static_cast<unsigned>(phase.h.in) &&
                        static_cast<unsigned>(x) < static_cast<unsigned>(phase.w.in);
    return {data, a.offset + b.offset, inside};
  }
};

}  // namespace talus::cuda
