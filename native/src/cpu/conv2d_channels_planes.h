// What convolutions with channels as lanes have in common: the kernels that fit, padded planes, and lines asked for
// ahead.
#pragma once

#include <algorithm>

#include "cpu/isa/channels_table.h"
#include "cpu/isa/conv2d_table.h"
#include "cpu/parts.h"
#include "params.h"

namespace talus::cpu {

// Size of the parts when n is cut evenly into parts of about `size`, each a multiple of `unit`.
inline int64_t part_of_about(int64_t n, int64_t size, int64_t unit) {
  const int64_t parts = std::max<int64_t>(1, n / std::max<int64_t>(1, size));
  return ceil_div(ceil_div(n, parts), unit) * unit;
}

template <class T>
bool fit(const ChannelKernels<T>& kernels, int64_t outputs) {
  return kernels.lanes > 0 && outputs % kernels.lanes == 0;
}

// The widest blocks that the outputs fill.
template <class T>
const ChannelKernels<T>& kernels_for(int64_t outputs) {
  const auto& widths = channel_table().of<T>();
  int i = 0;
  while (i + 1 < kChannelWidths && !fit(widths[i], outputs)) ++i;
  return widths[i];
}

// Planes of one group, surrounded by the zeros that its taps read.
template <class T>
class Padded {
 public:
  Padded(int64_t channels, int64_t h, int64_t w, int64_t top, int64_t bottom, int64_t left, int64_t right)
      : channels_(channels), h_(h), w_(w), top_(top), left_(left), rows_(h + top + bottom), row_(w + left + right) {}

  int64_t row() const { return row_; }
  int64_t plane() const { return rows_ * row_; }
  // 0 where planes are read in place.
  int64_t size() const { return rows_ * row_ == h_ * w_ ? 0 : channels_ * plane(); }

  // Rows [begin, end) of the planes; `scratch` was cleared once.
  void copy(const T* planes, int64_t begin, int64_t end, T* scratch) const {
    if (size() == 0 || begin >= end) return;
    const auto copy_rows = conv2d_table().of<T>().copy_rows;
    for (int64_t c = 0; c < channels_; ++c)
      copy_rows(end - begin, w_, planes + (c * h_ + begin) * w_, w_,
                scratch + c * plane() + (top_ + begin) * row_ + left_, row_);
  }

 private:
  const int64_t channels_, h_, w_, top_, left_, rows_, row_;
};

// Rows of some planes that will be needed soon. They are short and planes apart, which hardware prefetchers do not
// foresee.
template <class T>
class Ahead {
 public:
  Ahead() = default;
  Ahead(const T* first, int64_t elements, int64_t plane, int64_t planes)
      : first_(first), elements_(elements), plane_(plane), planes_(elements > 0 ? planes : 0) {}

  // Asks for the next one of `parts` parts.
  void fetch(int64_t parts) {
    for (int64_t n = planes_ / std::max<int64_t>(1, parts); n > 0; --n, --planes_, first_ += plane_)
      for (const T* line = first_; line < first_ + elements_; line += kLine) __builtin_prefetch(line, 0, 2);
  }

 private:
  static constexpr int64_t kLine = 64 / sizeof(T);
  const T* first_ = nullptr;
  int64_t elements_ = 0, plane_ = 0, planes_ = 0;
};

// Zeros that the taps of a side of `size` pixels read beyond its end.
inline int64_t beyond(int64_t out, int64_t stride, int64_t kernel, int64_t pad, int64_t size) {
  return std::max<int64_t>(0, (out - 1) * stride + kernel - pad - size);
}

template <class T>
Padded<T> padded_input(const Conv2dParams& p) {
  return {p.group_c(),
          p.h,
          p.w,
          p.pad_h,
          beyond(p.out_h(), p.stride_h, p.kh, p.pad_h, p.h),
          p.pad_w,
          beyond(p.out_w(), p.stride_w, p.kw, p.pad_w, p.w)};
}

}  // namespace talus::cpu
