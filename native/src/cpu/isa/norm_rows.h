// Rows of layer normalisation and their gradients. A row is read several times while it is in the first-level cache.
#pragma once

#include "lanes.h"

namespace talus::TALUS_ISA_NS {

// The sum of the lanes, folded in the dtype: what short rows wait for most.
template <class T>
static inline double fold_lanes(Vec<T> v) {
  return double(fold_lanes<T>(v, [](auto a, auto b) { return a + b; }));
}

// As many registers of a row are added up in the dtype itself; then sums move on to double.
constexpr int64_t kRowDepth = 64;

// Both sums over a row of what f(i, n, first, second) adds to its registers; lanes past n must add 0.
template <class T, class F>
static inline void sums_of_row(int64_t cols, double* first, double* second, F f) {
  constexpr int kL = kLanes<T>, kChains = 4;
  *first = *second = 0;
  for (int64_t begin = 0; begin < cols; begin += kChains * kRowDepth * kL) {
    const int64_t end = cols - begin < kChains * kRowDepth * kL ? cols : begin + kChains * kRowDepth * kL;
    Vec<T> a[kChains] = {}, b[kChains] = {};
    int64_t i = begin;
    for (; i + kChains * kL <= end; i += kChains * kL)
      for (int k = 0; k < kChains; ++k) f(i + k * kL, int64_t{kL}, a[k], b[k]);
    for (; i + kL <= end; i += kL) f(i, int64_t{kL}, a[0], b[0]);
    if (i < end) f(i, end - i, a[1], b[1]);
    *first += fold_lanes<T>((a[0] + a[1]) + (a[2] + a[3]));
    *second += fold_lanes<T>((b[0] + b[1]) + (b[2] + b[3]));
  }
}

template <class T>
static void layer_norm_rows(int64_t rows, int64_t cols, const void* x_bytes, const void* weight_bytes,
                            const void* bias_bytes, double eps, void* out_bytes, void* mean_bytes, void* rstd_bytes) {
  constexpr int64_t kMost = 16;
  const T* x = static_cast<const T*>(x_bytes);
  const T* weight = static_cast<const T*>(weight_bytes);
  const T* bias = static_cast<const T*>(bias_bytes);
  T* out = static_cast<T*>(out_bytes);
  T* mean = static_cast<T*>(mean_bytes);
  T* rstd = static_cast<T*>(rstd_bytes);
  const double share = 1 / double(cols);
  const int64_t together = rows_together<T>(cols, kMost);
  for (int64_t first = 0; first < rows; first += together) {
    const int64_t end = first + together < rows ? first + together : rows;
    for (int64_t row = first; row < end; ++row) {
      double sum, unused;
      sums_of_row<T>(cols, &sum, &unused,
                     [&](int64_t i, int64_t n, Vec<T>& a, Vec<T>&) { a += load_part<T>(x + row * cols + i, n, T(0)); });
      mean[row] = T(sum * share);
    }
    double variance[kMost];
    for (int64_t row = first; row < end; ++row) {
      // The sum of deviations corrects for the rounding of the mean.
      double deviation, squares;
      const T centre = mean[row];
      sums_of_row<T>(cols, &deviation, &squares, [&](int64_t i, int64_t n, Vec<T>& a, Vec<T>& b) {
        const Vec<T> shifted = load_part<T>(x + row * cols + i, n, centre) - centre;
        a += shifted;
        b += shifted * shifted;
      });
      variance[row - first] = (squares - deviation * deviation * share) * share;
    }
    for (int64_t row = first; row < end; ++row) {
      const double v = variance[row - first];
      rstd[row] = T(1 / __builtin_sqrt((v > 0 || v != v ? v : 0) + eps));
    }
    for (int64_t row = first; row < end; ++row) {
      const T centre = mean[row], scale = rstd[row];
      const T* from = x + row * cols;
      T* to = out + row * cols;
      for_row<T>(cols, [&](int64_t i, int64_t n) {
        // The next rows: nothing is read from memory meanwhile.
        __builtin_prefetch(from + together * cols + i, 0, 2);
        __builtin_prefetch(to + together * cols + i, 1, 2);
        Vec<T> y = (load_part<T>(from + i, n, T(0)) - centre) * scale;
        if (weight != nullptr) y = y * load_part<T>(weight + i, n, T(0));
        if (bias != nullptr) y = y + load_part<T>(bias + i, n, T(0));
        store_part<T>(to + i, y, n);
      });
    }
  }
}

template <class T>
struct LayerNormGradients {
  const T *grad, *x, *weight, *mean, *rstd;
  T *of_weight, *of_bias;  // sums over rows, nullptr to omit
};

// With h = grad * weight and v = x - mean: the sums of h and of h * v of some rows, and their terms of the parameters'
// gradients.
template <class T, bool Parameters, int Rows>
static inline void sum_gradients(const LayerNormGradients<T>& g, int64_t row, int64_t cols, double* sums,
                                 double* products) {
  for (int r = 0; r < Rows; ++r) sums[r] = products[r] = 0;
  const T* grad = g.grad + row * cols;
  const T* x = g.x + row * cols;
  const T* weight = g.weight;
  T* to_weight = g.of_weight;
  T* to_bias = g.of_bias;
  Vec<T> mean[Rows], rstd[Rows];
  for (int r = 0; r < Rows; ++r) {
    mean[r] = broadcast<T>(g.mean[row + r]);
    rstd[r] = broadcast<T>(g.rstd[row + r]);
  }
  for (int64_t begin = 0; begin < cols; begin += kRowDepth * kLanes<T>) {
    const int64_t count = cols - begin < kRowDepth * kLanes<T> ? cols - begin : kRowDepth * kLanes<T>;
    Vec<T> sum[Rows] = {}, product[Rows] = {};
    for_row<T>(count, [&](int64_t at, int64_t n) {
      const int64_t i = begin + at;
      const Vec<T> w = weight == nullptr ? broadcast<T>(T(1)) : load_part<T>(weight + i, n, T(0));
      Vec<T> of_weight{}, of_bias{};
      if (Parameters) {
        of_weight = load_part<T>(to_weight + i, n, T(0));
        of_bias = load_part<T>(to_bias + i, n, T(0));
      }
      for (int r = 0; r < Rows; ++r) {
        __builtin_prefetch(grad + (r + Rows) * cols + i, 0, 2);
        __builtin_prefetch(x + (r + Rows) * cols + i, 0, 2);
        const Vec<T> d = load_part<T>(grad + r * cols + i, n, T(0)), h = d * w;
        const Vec<T> v = load_part<T>(x + r * cols + i, n, T(0)) - mean[r];
        sum[r] += h;
        product[r] += h * v;
        if (Parameters) {
          of_weight += d * (v * rstd[r]);
          of_bias += d;
        }
      }
      if (Parameters) {
        store_part<T>(to_weight + i, of_weight, n);
        store_part<T>(to_bias + i, of_bias, n);
      }
    });
    for (int r = 0; r < Rows; ++r) {
      sums[r] += fold_lanes<T>(sum[r]);
      products[r] += fold_lanes<T>(product[r]);
    }
  }
}

// grad_x = rstd * (h - mean(h) - v * rstd^2 * mean(h * v)); grad_weight sums grad * v * rstd, grad_bias sums grad.
template <class T>
static void layer_norm_backward_rows(int64_t rows, int64_t cols, const void* grad_bytes, const void* x_bytes,
                                     const void* weight_bytes, const void* mean_bytes, const void* rstd_bytes,
                                     void* grad_x_bytes, double* parameter_sums, void* scratch) {
  constexpr int64_t kDepth = 64, kMost = 16;
  T* grad_x = static_cast<T*>(grad_x_bytes);
  T* parameters = static_cast<T*>(scratch);
  const bool wanted = parameter_sums != nullptr;
  const LayerNormGradients<T> g = {static_cast<const T*>(grad_bytes),   static_cast<const T*>(x_bytes),
                                   static_cast<const T*>(weight_bytes), static_cast<const T*>(mean_bytes),
                                   static_cast<const T*>(rstd_bytes),   parameters,
                                   wanted ? parameters + cols : nullptr};
  const int64_t together = 2 * rows_together<T>(cols, kMost / 2) < 4 ? 4 : 2 * rows_together<T>(cols, kMost / 2);
  for (int64_t first = 0; first < rows; first += kDepth) {
    const int64_t last = first + kDepth < rows ? first + kDepth : rows;
    if (wanted) std::memset(parameters, 0, size_t(2 * cols) * sizeof(T));
    for (int64_t row = first; row < last; row += together) {
      const int64_t end = row + together < last ? row + together : last;
      double sums[kMost], products[kMost];
      int64_t r = row;
      for (; r + 4 <= end; r += 4)
        (wanted ? sum_gradients<T, true, 4> : sum_gradients<T, false, 4>)(g, r, cols, sums + (r - row),
                                                                          products + (r - row));
      for (; r < end; ++r)
        (wanted ? sum_gradients<T, true, 1> : sum_gradients<T, false, 1>)(g, r, cols, sums + (r - row),
                                                                          products + (r - row));
      for (r = row; r < end && grad_x != nullptr; ++r) {
        const T rstd = g.rstd[r], mean = g.mean[r];
        const double wide = double(rstd);
        const T slope = T(wide * wide * wide * products[r - row] / double(cols));
        const T offset = T(-wide * sums[r - row] / double(cols));
        for_row<T>(cols, [&](int64_t i, int64_t n) {
          Vec<T> h = load_part<T>(g.grad + r * cols + i, n, T(0));
          if (g.weight != nullptr) h = h * load_part<T>(g.weight + i, n, T(0));
          const Vec<T> v = mean - load_part<T>(g.x + r * cols + i, n, T(0));
          __builtin_prefetch(grad_x + (r + 1) * cols + i, 1, 2);
          store_part<T>(grad_x + r * cols + i, h * rstd + (v * slope + offset), n);
        });
      }
    }
    for (int64_t i = 0; wanted && i < 2 * cols; ++i) parameter_sums[i] += double(parameters[i]);
  }
}

}  // namespace talus::TALUS_ISA_NS
