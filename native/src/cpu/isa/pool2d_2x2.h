// Windows of 2x2 side by side, the most frequent ones: every input belongs to one window, so a pass over pairs of rows
// does it, backward too.
#pragma once

#include "cpu/isa/pool2d_table.h"
#include "lanes.h"
#include "stream.h"

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

// f(input offset of its top left corner, output offset, n) for every register of windows, in the order of memory. So
// that none is filled in part, a row's last one begins early and shares windows with the one before, and that of a
// short row reaches into the rows that follow, which then overwrite what it wrote there. `after(plane, output row)` may
// write to a pair of rows what no window covers.
template <class T, class F, class After>
static inline void for_each_window(const PoolShape& s, int64_t planes, F f, After after) {
  constexpr int64_t kL = kLanes<T>;
  const int64_t inputs = planes * s.h * s.w, outputs = planes * s.oh * s.ow;
  for (int64_t plane = 0; plane < planes; ++plane)
    for (int64_t i = 0; i < s.oh; ++i) {
      const int64_t in = (plane * s.h + 2 * i) * s.w, out = (plane * s.oh + i) * s.ow;
      if (s.ow >= kL) {
        for (int64_t j = 0; j < s.ow; j += kL) {
          const int64_t at = j < s.ow - kL ? j : s.ow - kL;
          f(in + 2 * at, out + at, kL);
        }
      } else if (in + s.w + 2 * kL <= inputs && out + kL <= outputs) {
        f(in, out, kL);
      } else {
        f(in, out, s.ow);
      }
      after(plane, i);
    }
}
template <class T, class F>
static inline void for_each_window(const PoolShape& s, int64_t planes, F f) {
  for_each_window<T>(s, planes, f, [](int64_t, int64_t) {});
}

template <class T>
struct Window2x2 {
  Vec<T> a, b, c, d;

  // n windows. Lanes beyond hold zeros.
  Window2x2(const T* top, const T* bottom, int64_t n, bool far) {
    Vec<T> low, high;
    if (far) ask_ahead_of_pair(top), ask_ahead_of_pair(bottom);
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
  for_each_window<T>(
      s, planes, [&](int64_t in, int64_t at, int64_t n) __attribute__((always_inline)) {
        const Window2x2<T> window(x + in, x + in + s.w, n, s.far);
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
        store_part<T>(out + at, best, n);
        if (taps != nullptr) store_codes<T>(taps + at, tap, n);
      });
}

// The rows and columns that no window covers: what lies right of a pair of rows and, after the last one, below.
template <class T>
static inline void zero_rest(const PoolShape& s, int64_t plane, int64_t i, T* grad_x) {
  T* const first = grad_x + plane * s.h * s.w;
  T* const top = first + 2 * i * s.w;
  if (2 * s.ow + 1 == s.w) {
    top[2 * s.ow] = top[s.w + 2 * s.ow] = T(0);
  } else if (2 * s.ow < s.w) {
    zero(top + 2 * s.ow, s.w - 2 * s.ow);
    zero(top + s.w + 2 * s.ow, s.w - 2 * s.ow);
  }
  if (i == s.oh - 1 && 2 * s.oh < s.h) zero(first + 2 * s.oh * s.w, (s.h - 2 * s.oh) * s.w);
}

template <class T>
static bool max_backward_2x2(const PoolShape& s, int64_t planes, const T* grad, const uint8_t* taps, T* grad_x) {
  Codes<T> wrong{};
  const auto spread = [&](int64_t in, int64_t at, int64_t n) __attribute__((always_inline)) {
    const Codes<T> tap = load_codes<T>(taps + at, n);
    const Vec<T> g = load_part<T>(grad + at, n, T(0));
    const auto share = [&](int64_t code) { return tap == splat_code<T>(code) ? g : Vec<T>{}; };
    wrong |= tap >> 2;
    const Vec<T> a = share(0), b = share(1), c = share(2), d = share(3);
    store_pair<T>(grad_x + in, zip_low<T>(a, b), zip_high<T>(a, b), 2 * n);
    store_pair<T>(grad_x + in + s.w, zip_low<T>(c, d), zip_high<T>(c, d), 2 * n);
  };
  for_each_window<T>(s, planes, spread, [&](int64_t plane, int64_t i) { zero_rest(s, plane, i, grad_x); });
  return !any_lane<T>(wrong);
}

template <class T>
static void avg_2x2(const PoolShape& s, int64_t planes, const T* x, T* out) {
  const T by = static_cast<T>(s.divisor != 0 ? s.divisor : 4);
  for_each_window<T>(
      s, planes, [&](int64_t in, int64_t at, int64_t n) __attribute__((always_inline)) {
        const Window2x2<T> window(x + in, x + in + s.w, n, s.far);
        store_part<T>(out + at, (((window.a + window.b) + window.c) + window.d) / by, n);
      });
}

template <class T>
static void avg_backward_2x2(const PoolShape& s, int64_t planes, const T* grad, T* grad_x) {
  const T by = static_cast<T>(s.divisor != 0 ? s.divisor : 4);
  const auto spread = [&](int64_t in, int64_t at, int64_t n) __attribute__((always_inline)) {
    const Vec<T> share = load_part<T>(grad + at, n, T(0)) / by;
    const Vec<T> low = zip_low<T>(share, share), high = zip_high<T>(share, share);
    store_pair<T>(grad_x + in, low, high, 2 * n);
    store_pair<T>(grad_x + in + s.w, low, high, 2 * n);
  };
  for_each_window<T>(s, planes, spread, [&](int64_t plane, int64_t i) { zero_rest(s, plane, i, grad_x); });
}

}  // namespace talus::TALUS_ISA_NS
