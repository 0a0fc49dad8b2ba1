// Images laid out for direct convolution: padded, and with the columns of a strided convolution sorted by phase, so
// that each kernel tap sees neighbouring output columns as neighbouring elements.
#pragma once

#include <algorithm>
#include <vector>

#include "cpu/isa/conv2d_table.h"
#include "params.h"

namespace talus::cpu {

// A convolution as the direct kernels see it; backward_input is one too, with the channels' roles exchanged.
struct DirectShape {
  int64_t n, c, h, w, o, oh, ow, kh, kw, stride_h, stride_w, pad_h, pad_w, dilation_h, dilation_w, groups;

  static DirectShape forward(const Conv2dParams& p) {
    DirectShape s = {p.n,  p.c,        p.h,        p.w,     p.o,     p.out_h(),    p.out_w(),    p.kh,
                     p.kw, p.stride_h, p.stride_w, p.pad_h, p.pad_w, p.dilation_h, p.dilation_w, p.groups};
    s.flatten();
    return s;
  }

  // The gradient of the input at stride 1: a convolution of the output's gradient with the kernel turned by 180
  // degrees. The padding can be negative, which crops.
  static DirectShape backward_input(const Conv2dParams& p) {
    DirectShape s = {p.n,
                     p.o,
                     p.out_h(),
                     p.out_w(),
                     p.c,
                     p.h,
                     p.w,
                     p.kh,
                     p.kw,
                     1,
                     1,
                     p.dilation_h * (p.kh - 1) - p.pad_h,
                     p.dilation_w * (p.kw - 1) - p.pad_w,
                     p.dilation_h,
                     p.dilation_w,
                     p.groups};
    s.flatten();
    return s;
  }

  int64_t group_c() const { return c / groups; }
  int64_t group_o() const { return o / groups; }
  int64_t taps() const { return group_c() * kh * kw; }
  // Multiply-adds of one image.
  int64_t work() const { return o * taps() * oh * ow; }

 private:
  // A 1x1 kernel that reads every pixel once sees an image as one long row.
  void flatten() {
    if (kh != 1 || kw != 1 || stride_h != 1 || stride_w != 1 || pad_h != 0 || pad_w != 0) return;
    w *= h;
    ow *= oh;
    h = oh = 1;
  }
};

class ImageLayout {
 public:
  explicit ImageLayout(const DirectShape& s)
      : s_(s),
        copied_(s.stride_w != 1 || s.pad_h != 0 || s.pad_w != 0 || overhangs(s)),
        rows_(copied_ ? (s.oh - 1) * s.stride_h + (s.kh - 1) * s.dilation_h + 1 : s.h),
        phase_(copied_ ? ((s.ow - 1) * s.stride_w + (s.kw - 1) * s.dilation_w) / s.stride_w + 1 : s.w) {}

  // Whether the image must be copied; otherwise it is used where it is.
  bool copied() const { return copied_; }
  int64_t row() const { return phase_ * s_.stride_w; }
  int64_t plane() const { return rows_ * row(); }
  int64_t image() const { return s_.c * plane(); }
  int64_t output_row() const { return s_.stride_h * row(); }

  // Where the taps of one group read, relative to an output position.
  std::vector<int64_t> offsets() const {
    std::vector<int64_t> all;
    for (int64_t c = 0; c < s_.group_c(); ++c)
      for (int64_t i = 0; i < s_.kh; ++i)
        for (int64_t j = 0; j < s_.kw; ++j) {
          const int64_t column = j * s_.dilation_w;
          all.push_back(c * plane() + i * s_.dilation_h * row() + column % s_.stride_w * phase_ + column / s_.stride_w);
        }
    return all;
  }

  // Copies the first `channels` planes of an image into place; all else must have been set to zero once.
  template <class T>
  void copy(const ConvKernels<T>& kernels, const T* from, int64_t channels, T* to) const {
    if (!copied_) {
      std::copy(from, from + channels * plane(), to);
      return;
    }
    for (int64_t c = 0; c < channels; ++c, from += s_.h * s_.w, to += plane())
      each_phase([&](int64_t image, int64_t place, int64_t rows, int64_t columns) {
        if (s_.stride_w == 1) {
          kernels.copy_rows(rows, columns, from + image, s_.w, to + place, row());
          return;
        }
        for (int64_t r = 0; r < rows; ++r)
          take_every(s_.stride_w, columns, from + image + r * s_.w, to + place + r * row());
      });
  }

  // The way back, for a layout that is a copy: pixels that have no place in it become zero.
  template <class T>
  void copy_back(const ConvKernels<T>& kernels, const T* from, int64_t channels, T* to) const {
    std::fill_n(to, channels * s_.h * s_.w, T{0});
    for (int64_t c = 0; c < channels; ++c, from += plane(), to += s_.h * s_.w)
      each_phase([&](int64_t image, int64_t place, int64_t rows, int64_t columns) {
        if (s_.stride_w == 1) {
          kernels.copy_rows(rows, columns, from + place, row(), to + image, s_.w);
          return;
        }
        const T* source = from + place;
        T* target = to + image;
        for (int64_t r = 0; r < rows; ++r, source += row(), target += s_.w)
          for (int64_t q = 0; q < columns; ++q) target[q * s_.stride_w] = source[q];
      });
  }

 private:
  // Whether the kernel reads below or right of an image without padding, as parts of a strided gradient do.
  static bool overhangs(const DirectShape& s) {
    return (s.oh - 1) * s.stride_h + (s.kh - 1) * s.dilation_h >= s.h ||
           (s.ow - 1) * s.stride_w + (s.kw - 1) * s.dilation_w >= s.w;
  }

  // The compiler vectorises the usual stride if it knows it.
  template <class T>
  static void take_every(int64_t stride, int64_t n, const T* from, T* to) {
    if (stride == 2) {
      for (int64_t q = 0; q < n; ++q) to[q] = from[2 * q];
    } else {
      for (int64_t q = 0; q < n; ++q) to[q] = from[q * stride];
    }
  }

  // Whether any tap needs the phase: the strides of small kernels skip pixels.
  bool read(int64_t phase) const {
    for (int64_t j = 0; j < s_.kw; ++j)
      if (j * s_.dilation_w % s_.stride_w == phase) return true;
    return false;
  }

  // Calls f(image, place, rows, columns) for the columns of each phase: where the first one is in a plane of the image
  // and in the layout, and how many of them there are. Column q of a phase is column start + q * stride_w of the image.
  template <class F>
  void each_phase(F&& f) const {
    const int64_t first_row = std::max<int64_t>(0, s_.pad_h), last_row = std::min(rows_, s_.h + s_.pad_h);
    if (first_row >= last_row) return;
    for (int64_t phase = 0; phase < s_.stride_w; ++phase) {
      if (!read(phase)) continue;
      const int64_t start = phase - s_.pad_w;
      if (start >= s_.w) continue;
      const int64_t first = start >= 0 ? 0 : (-start + s_.stride_w - 1) / s_.stride_w;
      const int64_t columns = std::min(phase_, (s_.w - 1 - start) / s_.stride_w + 1) - first;
      if (columns > 0)
        f((first_row - s_.pad_h) * s_.w + start + first * s_.stride_w, first_row * row() + phase * phase_ + first,
          last_row - first_row, columns);
    }
  }

  const DirectShape s_;
  const bool copied_;
  const int64_t rows_, phase_;
};

}  // namespace talus::cpu
