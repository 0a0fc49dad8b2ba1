// Windows of 2x2 side by side, the most frequent ones: every input belongs to one window, so a pass over pairs of rows
// does it, backward too.
#pragma once

#include "cpu/isa/pool2d_table.h"
#include "lanes.h"

namespace talus::TALUS_ISA_NS {

static inline bool is_2x2(const PoolShape& s) {
  return s.kh == 2 && s.kw == 2 && s.stride_h == 2 && s.stride_w == 2 && s.pad_h == 0 && s.pad_w == 0 &&
         s.dilation_h == 1 && s.dilation_w == 1 && 2 * s.oh <= s.h && 2 * s.ow <= s.w;
}

template <class T>
static inline void zero(T* to, int64_t n) {
  std::memset(static_cast<void*>(to), 0, static_cast<size_t>(n) * sizeof(T));
}

// As in PyTorch, a NaN replaces whatever was found before it, another NaN too.
template <class V>
static inline auto replaces(V value, V best) {
  return (value > best) | (value != value);
}

// f(top row, bottom row, output row number) for all planes.
template <class T, class F>
static inline void for_each_pair(const PoolShape& s, int64_t planes, T* x, F f) {
  for (int64_t plane = 0; plane < planes; ++plane)
    for (int64_t i = 0; i < s.oh; ++i) {
      T* top = x + (plane * s.h + 2 * i) * s.w;
      f(top, top + s.w, plane * s.oh + i);
    }
}

template <class T>
struct Window2x2 {
  Vec<T> a, b, c, d;

  // n windows. Lanes beyond hold zeros.
  Window2x2(const T* top, const T* bottom, int64_t n) {
    Vec<T> low, high;
    load_pair<T>(top, 2 * n, T(0), low, high);
    a = evens<T>(low, high);
    b = odds<T>(low, high);
    load_pair<T>(bottom, 2 * n, T(0), low, high);
    c = evens<T>(low, high);
    d = odds<T>(low, high);
  }
};

template <class T>
static void max_2x2(const PoolShape& s, int64_t planes, const T* x, T* out, uint8_t* taps) {
  for_each_pair(s, planes, x, [&](const T* top, const T* bottom, int64_t row) {
    for_row<T>(s.ow, [&](int64_t j, int64_t n) {
      const Window2x2<T> window(top + 2 * j, bottom + 2 * j, n);
      Vec<T> best = window.a;
      Codes<T> tap{};
      const auto consider = [&](Vec<T> value, int64_t code) {
        const auto better = replaces(value, best);
        best = better ? value : best;
        tap = better ? splat_code<T>(code) : tap;
      };
      consider(window.b, 1);
      consider(window.c, 2);
      consider(window.d, 3);
      store_part<T>(out + row * s.ow + j, best, n);
      if (taps != nullptr) store_codes<T>(taps + row * s.ow + j, tap, n);
    });
  });
}

// The rows and columns that no window covers.
template <class T>
static inline void zero_rest(const PoolShape& s, int64_t planes, T* grad_x) {
  if (2 * s.ow < s.w)
    for_each_pair(s, planes, grad_x, [&](T* top, T* bottom, int64_t) {
      zero(top + 2 * s.ow, s.w - 2 * s.ow);
      zero(bottom + 2 * s.ow, s.w - 2 * s.ow);
    });
  for (int64_t plane = 0; plane < planes && 2 * s.oh < s.h; ++plane)
    zero(grad_x + (plane * s.h + 2 * s.oh) * s.w, (s.h - 2 * s.oh) * s.w);
}

template <class T>
static bool max_backward_2x2(const PoolShape& s, int64_t planes, const T* grad, const uint8_t* taps, T* grad_x) {
  Codes<T> wrong{};
  for_each_pair(s, planes, grad_x, [&](T* top, T* bottom, int64_t row) {
    for_row<T>(s.ow, [&](int64_t j, int64_t n) {
      const Codes<T> tap = load_codes<T>(taps + row * s.ow + j, n);
      const Vec<T> g = load_part<T>(grad + row * s.ow + j, n, T(0));
      const auto share = [&](int64_t code) { return tap == splat_code<T>(code) ? g : Vec<T>{}; };
      wrong |= tap >> 2;
      const Vec<T> a = share(0), b = share(1), c = share(2), d = share(3);
      store_pair<T>(top + 2 * j, zip_low<T>(a, b), zip_high<T>(a, b), 2 * n);
      store_pair<T>(bottom + 2 * j, zip_low<T>(c, d), zip_high<T>(c, d), 2 * n);
    });
  });
  zero_rest(s, planes, grad_x);
  return !any_lane<T>(wrong);
}

template <class T>
static void avg_2x2(const PoolShape& s, int64_t planes, const T* x, T* out) {
  const T by = static_cast<T>(s.divisor != 0 ? s.divisor : 4);
  for_each_pair(s, planes, x, [&](const T* top, const T* bottom, int64_t row) {
    for_row<T>(s.ow, [&](int64_t j, int64_t n) {
      const Window2x2<T> window(top + 2 * j, bottom + 2 * j, n);
      store_part<T>(out + row * s.ow + j, (((window.a + window.b) + window.c) + window.d) / by, n);
    });
  });
}

template <class T>
static void avg_backward_2x2(const PoolShape& s, int64_t planes, const T* grad, T* grad_x) {
  const T by = static_cast<T>(s.divisor != 0 ? s.divisor : 4);
  for_each_pair(s, planes, grad_x, [&](T* top, T* bottom, int64_t row) {
    for_row<T>(s.ow, [&](int64_t j, int64_t n) {
      const Vec<T> share = load_part<T>(grad + row * s.ow + j, n, T(0)) / by;
      const Vec<T> low = zip_low<T>(share, share), high = zip_high<T>(share, share);
      store_pair<T>(top + 2 * j, low, high, 2 * n);
      store_pair<T>(bottom + 2 * j, low, high, 2 * n);
    });
  });
  zero_rest(s, planes, grad_x);
}

}  // namespace talus::TALUS_ISA_NS
