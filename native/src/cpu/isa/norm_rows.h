// Rows of layer normalisation and their gradients. A row is read several times while it is in the first-level cache.
#pragma once

#include "vec_math.h"

namespace talus::TALUS_ISA_NS {

// n == kLanes<T> is a compile-time constant in the bodies of loops, so that only tails pay for it.
template <class T>
static inline Vec<T> load_part(const T* from, int64_t n, T fill) {
  return n == kLanes<T> ? load<T>(from) : load_tail<T>(from, n, fill);
}

template <class T>
static inline void store_part(T* to, Vec<T> v, int64_t n) {
  if (n == kLanes<T>)
    store<T>(to, v);
  else
    store_tail<T>(to, v, n);
}

// f(i, n) for every register of a row.
template <class T, class F>
static inline void for_row(int64_t cols, F f) {
  int64_t i = 0;
  for (; i + kLanes<T> <= cols; i += kLanes<T>) f(i, int64_t{kLanes<T>});
  if (i < cols) f(i, cols - i);
}

// The sum of the lanes, folded in the dtype: what short rows wait for most.
template <class T>
static inline double fold_lanes(Vec<T> v) {
  typedef T Part __attribute__((vector_size(16)));
  constexpr int kParts = kVectorBytes / 16, kPartLanes = 16 / int{sizeof(T)};
  Part parts[kParts];
  std::memcpy(parts, &v, sizeof parts);
  for (int width = kParts / 2; width > 0; width /= 2)
    for (int i = 0; i < width; ++i) parts[i] += parts[i + width];
  if constexpr (kPartLanes == 4)
    return double((parts[0][0] + parts[0][2]) + (parts[0][1] + parts[0][3]));
  else
    return double(parts[0][0] + parts[0][1]);
}

// Two sums over a row of what f(i, n, &first, &second) adds to its registers; lanes past n must add 0. Sums in the
// dtype itself are 64 additions deep at most, on two pairs of registers.
template <class T, class F>
static inline void sums_of_row(int64_t cols, double* first, double* second, F f) {
  constexpr int kL = kLanes<T>;
  constexpr int64_t kBlock = 128 * kL;
  *first = *second = 0;
  for (int64_t begin = 0; begin < cols; begin += kBlock) {
    const int64_t end = cols - begin < kBlock ? cols : begin + kBlock;
    Vec<T> a{}, b{}, a1{}, b1{};
    int64_t i = begin;
    for (; i + 2 * kL <= end; i += 2 * kL) {
      f(i, int64_t{kL}, a, b);
      f(i + kL, int64_t{kL}, a1, b1);
    }
    if (i + kL <= end) {
      f(i, int64_t{kL}, a, b);
      i += kL;
    }
    if (i < end) f(i, end - i, a1, b1);
    *first += fold_lanes<T>(a + a1);
    *second += fold_lanes<T>(b + b1);
  }
}

template <class T>
static void layer_norm_rows(int64_t rows, int64_t cols, const void* x_bytes, const void* weight_bytes,
                            const void* bias_bytes, double eps, void* out_bytes, void* mean_bytes, void* rstd_bytes) {
  const T* x = static_cast<const T*>(x_bytes);
  const T* weight = static_cast<const T*>(weight_bytes);
  const T* bias = static_cast<const T*>(bias_bytes);
  T* out = static_cast<T*>(out_bytes);
  const double share = 1 / double(cols);
  for (int64_t row = 0; row < rows; ++row, x += cols, out += cols) {
    double sum, unused;
    sums_of_row<T>(cols, &sum, &unused,
                   [&](int64_t i, int64_t n, Vec<T>& a, Vec<T>&) { a += load_part<T>(x + i, n, T(0)); });
    const T mean = T(sum * share);
    // The sum of deviations corrects for the rounding of the mean.
    double deviation, squares;
    sums_of_row<T>(cols, &deviation, &squares, [&](int64_t i, int64_t n, Vec<T>& a, Vec<T>& b) {
      const Vec<T> shifted = load_part<T>(x + i, n, mean) - mean;
      a += shifted;
      b += shifted * shifted;
    });
    const double variance = (squares - deviation * deviation * share) * share;
    const T rstd = T(1 / __builtin_sqrt((variance > 0 || variance != variance ? variance : 0) + eps));
    static_cast<T*>(mean_bytes)[row] = mean;
    static_cast<T*>(rstd_bytes)[row] = rstd;
    for_row<T>(cols, [&](int64_t i, int64_t n) {
      Vec<T> y = (load_part<T>(x + i, n, T(0)) - mean) * rstd;
      if (weight != nullptr) y = y * load_part<T>(weight + i, n, T(0));
      if (bias != nullptr) y = y + load_part<T>(bias + i, n, T(0));
      store_part<T>(out + i, y, n);
    });
  }
}

// With h = grad * weight and v = x - mean:
// grad_x = rstd * (h - mean(h) - v * rstd^2 * mean(h * v)); grad_weight sums grad * v * rstd, grad_bias sums grad.
template <class T>
static void layer_norm_backward_rows(int64_t rows, int64_t cols, const void* grad_bytes, const void* x_bytes,
                                     const void* weight_bytes, const void* mean_bytes, const void* rstd_bytes,
                                     void* grad_x_bytes, double* parameter_sums, void* scratch) {
  constexpr int64_t kDepth = 64;
  const T* grad = static_cast<const T*>(grad_bytes);
  const T* x = static_cast<const T*>(x_bytes);
  const T* weight = static_cast<const T*>(weight_bytes);
  T* grad_x = static_cast<T*>(grad_x_bytes);
  T* of_weight = static_cast<T*>(scratch);
  T* of_bias = of_weight + cols;
  const auto weighted = [&](int64_t i, int64_t n) {
    const Vec<T> g = load_part<T>(grad + i, n, T(0));
    return weight == nullptr ? g : g * load_part<T>(weight + i, n, T(0));
  };
  for (int64_t row = 0; row < rows; ++row, grad += cols, x += cols) {
    const T mean = static_cast<const T*>(mean_bytes)[row], rstd = static_cast<const T*>(rstd_bytes)[row];
    if (parameter_sums != nullptr) {
      const bool fresh = row % kDepth == 0;
      for_row<T>(cols, [&](int64_t i, int64_t n) {
        const Vec<T> g = load_part<T>(grad + i, n, T(0)), v = (load_part<T>(x + i, n, T(0)) - mean) * rstd;
        const Vec<T> w = g * v;
        store_part<T>(of_weight + i, fresh ? w : load_part<T>(of_weight + i, n, T(0)) + w, n);
        store_part<T>(of_bias + i, fresh ? g : load_part<T>(of_bias + i, n, T(0)) + g, n);
      });
      if (row % kDepth == kDepth - 1 || row == rows - 1)
        for (int64_t i = 0; i < 2 * cols; ++i) parameter_sums[i] += double(of_weight[i]);
    }
    if (grad_x == nullptr) continue;
    double sum, product;
    sums_of_row<T>(cols, &sum, &product, [&](int64_t i, int64_t n, Vec<T>& a, Vec<T>& b) {
      const Vec<T> h = weighted(i, n);
      a += h;
      b += h * (load_part<T>(x + i, n, mean) - mean);
    });
    const double r = double(rstd);
    const T slope = T(r * r * r * product / double(cols)), offset = T(-r * sum / double(cols));
    for_row<T>(cols, [&](int64_t i, int64_t n) {
      const Vec<T> v = mean - load_part<T>(x + i, n, T(0));
      store_part<T>(grad_x + i, weighted(i, n) * rstd + (v * slope + offset), n);
    });
    grad_x += cols;
  }
}

}  // namespace talus::TALUS_ISA_NS
