// Batch and layer normalisation by their definitions, in long double.
#include <cmath>

#include "dtype.h"
#include "kernels.h"

namespace talus::ref {

namespace {

using Real = long double;

template <class T>
Real value_or(const void* values, int64_t i, Real otherwise) {
  return values == nullptr ? otherwise : static_cast<const T*>(values)[i];
}

// Calls f(position) for every element of a channel of [n, channels, inner].
template <class F>
void for_channel(int64_t n, int64_t channels, int64_t inner, int64_t c, F&& f) {
  for (int64_t i = 0; i < n; ++i)
    for (int64_t k = 0; k < inner; ++k) f((i * channels + c) * inner + k);
}

}  // namespace

void batch_norm(int dtype, int64_t n, int64_t channels, int64_t inner, const void* x, const void* weight,
                const void* bias, void* running_mean, void* running_var, bool training, double momentum, double eps,
                void* out, void* mean, void* rstd) {
  dispatch_float(dtype, "batch_norm", [&](auto type) {
    using T = typename decltype(type)::type;
    const T* from = static_cast<const T*>(x);
    T* means = static_cast<T*>(running_mean);
    T* variances = static_cast<T*>(running_var);
    if (n * inner == 0) return;
    for (int64_t c = 0; c < channels; ++c) {
      Real average = 0, variance = 0;
      const Real count = static_cast<Real>(n * inner);
      if (training) {
        for_channel(n, channels, inner, c, [&](int64_t at) { average += from[at] / count; });
        for_channel(n, channels, inner, c,
                    [&](int64_t at) { variance += (from[at] - average) * (from[at] - average) / count; });
        if (means != nullptr) {
          means[c] = static_cast<T>((1 - momentum) * means[c] + momentum * average);
          variances[c] = static_cast<T>((1 - momentum) * variances[c] + momentum * variance * count / (count - 1));
        }
      } else {
        average = means[c];
        variance = variances[c];
      }
      const Real r = 1 / std::sqrt(variance + static_cast<Real>(eps));
      static_cast<T*>(mean)[c] = static_cast<T>(average);
      static_cast<T*>(rstd)[c] = static_cast<T>(r);
      for_channel(n, channels, inner, c, [&](int64_t at) {
        static_cast<T*>(out)[at] =
            static_cast<T>((from[at] - average) * r * value_or<T>(weight, c, 1) + value_or<T>(bias, c, 0));
      });
    }
  });
}

void batch_norm_backward(int dtype, int64_t n, int64_t channels, int64_t inner, const void* grad, const void* x,
                         const void* weight, const void* mean, const void* rstd, bool training, void* grad_x,
                         void* grad_weight, void* grad_bias) {
  dispatch_float(dtype, "batch_norm_backward", [&](auto type) {
    using T = typename decltype(type)::type;
    const T* g = static_cast<const T*>(grad);
    const T* from = static_cast<const T*>(x);
    for (int64_t c = 0; c < channels; ++c) {
      const Real m = static_cast<const T*>(mean)[c], r = static_cast<const T*>(rstd)[c];
      const Real count = static_cast<Real>(n * inner);
      Real sum = 0, product = 0;
      for_channel(n, channels, inner, c, [&](int64_t at) {
        sum += g[at];
        product += g[at] * (from[at] - m) * r;
      });
      if (grad_weight != nullptr) static_cast<T*>(grad_weight)[c] = static_cast<T>(product);
      if (grad_bias != nullptr) static_cast<T*>(grad_bias)[c] = static_cast<T>(sum);
      if (grad_x == nullptr) continue;
      for_channel(n, channels, inner, c, [&](int64_t at) {
        const Real centred = training ? g[at] - sum / count - (from[at] - m) * r * product / count : Real{g[at]};
        static_cast<T*>(grad_x)[at] = static_cast<T>(value_or<T>(weight, c, 1) * r * centred);
      });
    }
  });
}

void layer_norm(int dtype, int64_t rows, int64_t cols, const void* x, const void* weight, const void* bias, double eps,
                void* out, void* mean, void* rstd) {
  dispatch_float(dtype, "layer_norm", [&](auto type) {
    using T = typename decltype(type)::type;
    for (int64_t row = 0; row < rows; ++row) {
      const T* from = static_cast<const T*>(x) + row * cols;
      Real average = 0, variance = 0;
      const Real count = static_cast<Real>(cols);
      for (int64_t i = 0; i < cols; ++i) average += from[i] / count;
      for (int64_t i = 0; i < cols; ++i) variance += (from[i] - average) * (from[i] - average) / count;
      const Real r = 1 / std::sqrt(variance + static_cast<Real>(eps));
      if (cols > 0) static_cast<T*>(mean)[row] = static_cast<T>(average);
      if (cols > 0) static_cast<T*>(rstd)[row] = static_cast<T>(r);
      for (int64_t i = 0; i < cols; ++i)
        static_cast<T*>(out)[row * cols + i] =
            static_cast<T>((from[i] - average) * r * value_or<T>(weight, i, 1) + value_or<T>(bias, i, 0));
    }
  });
}

void layer_norm_backward(int dtype, int64_t rows, int64_t cols, const void* grad, const void* x, const void* weight,
                         const void* mean, const void* rstd, void* grad_x, void* grad_weight, void* grad_bias) {
  dispatch_float(dtype, "layer_norm_backward", [&](auto type) {
    using T = typename decltype(type)::type;
    const auto normalised = [&](int64_t row, int64_t i) {
      return (static_cast<const T*>(x)[row * cols + i] - Real{static_cast<const T*>(mean)[row]}) *
             static_cast<const T*>(rstd)[row];
    };
    const auto g = [&](int64_t row, int64_t i) { return Real{static_cast<const T*>(grad)[row * cols + i]}; };
    for (int64_t i = 0; i < cols; ++i) {
      Real of_weight = 0, of_bias = 0;
      for (int64_t row = 0; row < rows; ++row) {
        of_weight += g(row, i) * normalised(row, i);
        of_bias += g(row, i);
      }
      if (grad_weight != nullptr) static_cast<T*>(grad_weight)[i] = static_cast<T>(of_weight);
      if (grad_bias != nullptr) static_cast<T*>(grad_bias)[i] = static_cast<T>(of_bias);
    }
    for (int64_t row = 0; row < rows && grad_x != nullptr; ++row) {
      Real sum = 0, product = 0;
      const Real count = static_cast<Real>(cols);
      for (int64_t i = 0; i < cols; ++i) {
        const Real h = g(row, i) * value_or<T>(weight, i, 1);
        sum += h / count;
        product += h * normalised(row, i) / count;
      }
      for (int64_t i = 0; i < cols; ++i)
        static_cast<T*>(grad_x)[row * cols + i] =
            static_cast<T>(static_cast<const T*>(rstd)[row] *
                           (g(row, i) * value_or<T>(weight, i, 1) - sum - normalised(row, i) * product));
    }
  });
}

}  // namespace talus::ref
