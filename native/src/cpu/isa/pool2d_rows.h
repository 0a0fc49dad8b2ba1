// Rows of a plane as pooling windows want them: padded, and split by stride, so that one tap of neighbouring windows is
// one load.
//
// Padded column c = column + pad_w stands at [c % stride][c / stride]. Tap kw of output j is padded column
// j * stride + kw * dilation, that is, [kw * dilation % stride][j + kw * dilation / stride].
#pragma once

#include "cpu/isa/pool2d_table.h"
#include "lanes.h"
#include "stream.h"

namespace talus::TALUS_ISA_NS {

static inline int64_t round_up(int64_t n, int64_t to) { return (n + to - 1) / to * to; }

static inline int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

// The window positions [begin, end) that lie inside a dimension of `size`, for a window that starts at `start`.
struct Taps {
  int64_t begin, end;
};

static inline Taps taps_inside(int64_t start, int64_t size, int64_t kernel, int64_t dilation) {
  const int64_t begin = start >= 0 ? 0 : (-start + dilation - 1) / dilation;
  const int64_t room = size - start;  // positions below room / dilation, rounded up
  const int64_t end = room <= 0 ? 0 : dilation == 1 ? room : (room + dilation - 1) / dilation;
  return {begin, least(end, kernel)};
}

// How many elements around a row may be touched by whole registers.
template <class T>
constexpr int64_t kSlack = 2 * kLanes<T>;

template <class T>
struct RowLayout {
  int64_t phases;  // that taps use
  int64_t length;  // of a phase
  int64_t rows;    // a power of two, at least as many as two windows one below the other span

  explicit RowLayout(const PoolShape& s) {
    const int64_t span_w = (s.kw - 1) * s.dilation_w + 1, span_h = (s.kh - 1) * s.dilation_h + 1;
    phases = s.stride_w <= 2 ? s.stride_w : least(s.stride_w, span_w);
    length = round_up(s.ow + span_w / s.stride_w + 1, kLanes<T>) + kSlack<T>;
    rows = 1;
    while (rows < span_h + s.stride_h && rows < s.h) rows *= 2;
  }
  int64_t row_size() const { return phases * length; }
  int64_t elements() const { return rows * row_size(); }
};

// Where each tap of a row begins in its split form.
static inline void tap_offsets(const PoolShape& s, int64_t length, int64_t* offsets) {
  for (int64_t kw = 0; kw < s.kw; ++kw) {
    const int64_t c = kw * s.dilation_w;
    offsets[kw] = c % s.stride_w * length + c / s.stride_w;
  }
}

// A row of w elements in its split form. Places in the padding are left as they are.
template <class T>
static inline void split_row(const PoolShape& s, const RowLayout<T>& layout, const T* row, T fill, T* to) {
  if (s.stride_w == 1) {
    for_row<T>(least(s.w, layout.length - s.pad_w),
               [&](int64_t i, int64_t n) { store_part<T>(to + s.pad_w + i, load_part<T>(row + i, n, fill), n); });
  } else if (s.stride_w == 2) {
    T* even = to + s.pad_w % 2 * layout.length + s.pad_w / 2;
    T* odd = to + (s.pad_w + 1) % 2 * layout.length + (s.pad_w + 1) / 2;
    const auto step = [&](int64_t i, int64_t n) {
      Vec<T> a, b;
      if (s.far) ask_ahead_of_pair(row + i);
      load_pair<T>(row + i, n, fill, a, b);
      store<T>(even + i / 2, evens<T>(a, b));
      store<T>(odd + i / 2, odds<T>(a, b));
    };
    int64_t i = 0;
    for (; i + 2 * kLanes<T> <= s.w; i += 2 * kLanes<T>) step(i, 2 * kLanes<T>);
    if (i < s.w) step(i, s.w - i);
  } else {
    for (int64_t phase = 0; phase < layout.phases; ++phase) {
      int64_t q = phase < s.pad_w ? (s.pad_w - phase + s.stride_w - 1) / s.stride_w : 0;
      for (; q < layout.length; ++q) {
        const int64_t col = q * s.stride_w + phase - s.pad_w;
        if (col >= s.w) break;
        to[phase * layout.length + q] = row[col];
      }
    }
  }
}

// The rows a window needs, split as the windows move down; each row once.
//
// Shifted taps load across the borders of what was stored, which stalls while the stores are under way. Rows are
// therefore split one window ahead.
template <class T>
class SplitRows {
 public:
  SplitRows(const PoolShape& s, T fill, T* memory) : s_(s), layout_(s), fill_(fill), memory_(memory) {
    for (int64_t i = 0; i < layout_.elements(); ++i) memory[i] = fill;
  }

  const RowLayout<T>& layout() const { return layout_; }
  void start(const T* plane) {
    plane_ = plane;
    next_ = 0;
  }
  // The rows of the windows of output row i are available afterwards.
  void reach(int64_t i) {
    if (i >= s_.oh) return;
    const int64_t top = i * s_.stride_h - s_.pad_h;
    const Taps inside = taps_inside(top, s_.h, s_.kh, s_.dilation_h);
    const int64_t begin = top + inside.begin * s_.dilation_h, last = top + (inside.end - 1) * s_.dilation_h;
    if (next_ < begin) next_ = begin;
    for (; next_ <= last; ++next_)
      split_row<T>(s_, layout_, plane_ + next_ * s_.w, fill_,
                   memory_ + (next_ & (layout_.rows - 1)) * layout_.row_size());
  }
  const T* row(int64_t h) const { return memory_ + (h & (layout_.rows - 1)) * layout_.row_size(); }

 private:
  const PoolShape& s_;
  const RowLayout<T> layout_;
  const T fill_;
  T* memory_;
  const T* plane_ = nullptr;
  int64_t next_ = 0;
};

// A plane's row from its split form: the inverse.
template <class T>
static inline void join_row(const PoolShape& s, int64_t length, const T* from, T* row) {
  if (s.stride_w == 1) {
    for_row<T>(s.w, [&](int64_t i, int64_t n) { store_part<T>(row + i, load<T>(from + s.pad_w + i), n); });
  } else if (s.stride_w == 2) {
    const T* even = from + s.pad_w % 2 * length + s.pad_w / 2;
    const T* odd = from + (s.pad_w + 1) % 2 * length + (s.pad_w + 1) / 2;
    const auto step = [&](int64_t i, int64_t n) {
      const Vec<T> a = load<T>(even + i / 2), b = load<T>(odd + i / 2);
      store_pair<T>(row + i, zip_low<T>(a, b), zip_high<T>(a, b), n);
    };
    int64_t i = 0;
    for (; i + 2 * kLanes<T> <= s.w; i += 2 * kLanes<T>) step(i, 2 * kLanes<T>);
    if (i < s.w) step(i, s.w - i);
  } else {
    for (int64_t col = 0, phase = s.pad_w % s.stride_w, q = s.pad_w / s.stride_w; col < s.w; ++col) {
      row[col] = from[phase * length + q];
      if (++phase == s.stride_w) phase = 0, ++q;
    }
  }
}

// ---------------------------------------------------------------- gradients

// What an input row gathers from output rows: padded column q * stride + phase gets tap kw = phase (mod stride) of
// output q - kw / stride, dilation is 1. Output rows therefore stand behind `before` zeros.
template <class T>
struct SpreadLayout {
  int64_t before, columns, length;

  explicit SpreadLayout(const PoolShape& s) {
    before = (s.kw - 1) * s.dilation_w / s.stride_w;
    columns = (s.w + s.pad_w + s.stride_w - 1) / s.stride_w;
    length = round_up(before + (s.ow > columns ? s.ow : columns), kLanes<T>) + kSlack<T>;
  }
};

// Output rows whose windows touch row h, ascending; without dilation.
template <class F>
static inline void for_each_output_row(const PoolShape& s, int64_t h, F f) {
  const int64_t at = h + s.pad_h;
  int64_t i = at < s.kh ? 0 : (at - s.kh + s.stride_h) / s.stride_h;
  for (; i < s.oh && i * s.stride_h <= at; ++i) f(i);
}

}  // namespace talus::TALUS_ISA_NS
