// Images laid out for direct convolution: padded, and with the pixels of a strided convolution sorted by phase, so that
// each kernel tap sees neighbouring outputs as neighbouring elements.
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
        copied_(s.stride_h != 1 || s.stride_w != 1 || s.pad_h != 0 || s.pad_w != 0 || overhangs(s)),
        rows_(copied_ ? ((s.oh - 1) * s.stride_h + (s.kh - 1) * s.dilation_h) / s.stride_h + 1 : s.h),
        columns_(copied_ ? ((s.ow - 1) * s.stride_w + (s.kw - 1) * s.dilation_w) / s.stride_w + 1 : s.w) {}

  // Whether the image must be copied; otherwise it is used where it is.
  bool copied() const { return copied_; }
  // From one row of a phase, or of outputs, to the next.
  int64_t row() const { return columns_; }
  int64_t plane() const { return s_.stride_h * s_.stride_w * phase(); }
  int64_t image() const { return s_.c * plane(); }

  // Where the taps of one group read, relative to an output position.
  std::vector<int64_t> offsets() const {
    std::vector<int64_t> all;
    all.reserve(static_cast<size_t>(s_.taps()));
    for (int64_t c = 0; c < s_.group_c(); ++c)
      for (int64_t i = 0; i < s_.kh; ++i)
        for (int64_t j = 0; j < s_.kw; ++j) {
          const int64_t y = i * s_.dilation_h, x = j * s_.dilation_w;
          all.push_back(c * plane() + (y % s_.stride_h * s_.stride_w + x % s_.stride_w) * phase() +
                        y / s_.stride_h * row() + x / s_.stride_w);
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
          kernels.copy_rows(rows, columns, from + image, s_.stride_h * s_.w, to + place, row());
          return;
        }
        if (s_.stride_w == 2) {
          kernels.take_every_second(rows, columns, from + image, s_.stride_h * s_.w, to + place, row());
          return;
        }
        for (int64_t r = 0; r < rows; ++r) {
          const T* source = from + image + r * s_.stride_h * s_.w;
          for (int64_t q = 0; q < columns; ++q) to[place + r * row() + q] = source[q * s_.stride_w];
        }
      });
  }

  // The way back, for a layout that is a copy: pixels that have no place in it become zero.
  template <class T>
  void copy_back(const ConvKernels<T>& kernels, const T* from, int64_t channels, T* to) const {
    for (int64_t c = 0; c < channels; ++c, from += plane(), to += s_.h * s_.w) {
      if (s_.stride_w == 2 && merge(kernels, from, to)) continue;
      std::fill_n(to, s_.h * s_.w, T{0});
      each_phase([&](int64_t image, int64_t place, int64_t rows, int64_t columns) {
        if (s_.stride_w == 1) {
          kernels.copy_rows(rows, columns, from + place, row(), to + image, s_.stride_h * s_.w);
          return;
        }
        const T* source = from + place;
        T* target = to + image;
        for (int64_t r = 0; r < rows; ++r, source += row(), target += s_.stride_h * s_.w)
          for (int64_t q = 0; q < columns; ++q) target[q * s_.stride_w] = source[q];
      });
    }
  }

 private:
  // Whether the kernel reads below or right of an image without padding, as parts of a strided gradient do.
  static bool overhangs(const DirectShape& s) {
    return (s.oh - 1) * s.stride_h + (s.kh - 1) * s.dilation_h >= s.h ||
           (s.ow - 1) * s.stride_w + (s.kw - 1) * s.dilation_w >= s.w;
  }

  int64_t phase() const { return rows_ * columns_; }

  // Whether any tap of a side needs the phase: the strides of small kernels skip pixels.
  static bool read(int64_t phase, int64_t kernel, int64_t dilation, int64_t stride) {
    for (int64_t i = 0; i < kernel; ++i)
      if (i * dilation % stride == phase) return true;
    return false;
  }

  // The pixels of a side that are in a phase: element first + i of it is pixel pixel + i * stride.
  struct Side {
    int64_t first, count, pixel;

    Side(int64_t phase, int64_t stride, int64_t pad, int64_t size, int64_t most) {
      const int64_t start = phase - pad;
      first = start >= 0 ? 0 : (-start + stride - 1) / stride;
      count = start >= size ? 0 : std::min(most, (size - 1 - start) / stride + 1) - first;
      pixel = start + first * stride;
    }
  };

  // The way back of one plane whose columns are of two phases, if these hold all pixels of their rows.
  template <class T>
  bool merge(const ConvKernels<T>& kernels, const T* from, T* to) const {
    int64_t first[2];
    bool used[2];
    for (int64_t x = 0; x < 2; ++x) {
      const Side side(x, 2, s_.pad_w, s_.w, columns_);
      const int64_t parity = side.pixel % 2;
      used[parity] = read(x, s_.kw, s_.dilation_w, 2);
      first[parity] = x * phase() + side.first;
      if (used[parity] && (side.pixel != parity || side.count != (s_.w - parity + 1) / 2)) return false;
    }
    int64_t rows_done = 0;
    for (int64_t y = 0; y < s_.stride_h; ++y)
      rows_done += std::max<int64_t>(0, Side(y, s_.stride_h, s_.pad_h, s_.h, rows_).count);
    if (rows_done < s_.h) std::fill_n(to, s_.h * s_.w, T{0});
    for (int64_t y = 0; y < s_.stride_h; ++y) {
      const Side rows(y, s_.stride_h, s_.pad_h, s_.h, rows_);
      if (rows.count <= 0) continue;
      const bool any = read(y, s_.kh, s_.dilation_h, s_.stride_h);
      const T* phases = from + y * 2 * phase() + rows.first * row();
      kernels.merge_rows(rows.count, s_.w, any && used[0] ? phases + first[0] : nullptr,
                         any && used[1] ? phases + first[1] : nullptr, row(), to + rows.pixel * s_.w,
                         s_.stride_h * s_.w);
    }
    return true;
  }

  // Calls f(image, place, rows, columns) for each phase: where its first pixel is in a plane of the image and in the
  // layout, and how many rows and columns of them there are.
  template <class F>
  void each_phase(F&& f) const {
    for (int64_t y = 0; y < s_.stride_h; ++y) {
      const Side rows(y, s_.stride_h, s_.pad_h, s_.h, rows_);
      if (rows.count <= 0 || !read(y, s_.kh, s_.dilation_h, s_.stride_h)) continue;
      for (int64_t x = 0; x < s_.stride_w; ++x) {
        const Side columns(x, s_.stride_w, s_.pad_w, s_.w, columns_);
        if (columns.count <= 0 || !read(x, s_.kw, s_.dilation_w, s_.stride_w)) continue;
        f(rows.pixel * s_.w + columns.pixel, (y * s_.stride_w + x) * phase() + rows.first * row() + columns.first,
          rows.count, columns.count);
      }
    }
  }

  const DirectShape s_;
  const bool copied_;
  const int64_t rows_, columns_;  // of a phase
};

}  // namespace talus::cpu
