// Softmax by its definition, in long double.
#include <cmath>

#include "dtype.h"
#include "kernels.h"

namespace talus::ref {

void softmax(bool log, int dtype, int64_t rows, int64_t cols, const void* x, void* out) {
  dispatch_float(dtype, "softmax", [&](auto type) {
    using T = typename decltype(type)::type;
    for (int64_t row = 0; row < rows; ++row) {
      const T* from = static_cast<const T*>(x) + row * cols;
      T* to = static_cast<T*>(out) + row * cols;
      long double greatest = -INFINITY, sum = 0;
      for (int64_t i = 0; i < cols; ++i) greatest = std::fmax(greatest, static_cast<long double>(from[i]));
      for (int64_t i = 0; i < cols; ++i) sum += std::exp(from[i] - greatest);
      for (int64_t i = 0; i < cols; ++i) {
        const long double shifted = from[i] - greatest;
        to[i] = static_cast<T>(log ? shifted - std::log(sum) : std::exp(shifted) / sum);
      }
    }
  });
}

void softmax_backward(bool log, int dtype, int64_t rows, int64_t cols, const void* grad, const void* y, void* grad_x) {
  dispatch_float(dtype, "softmax", [&](auto type) {
    using T = typename decltype(type)::type;
    for (int64_t row = 0; row < rows; ++row) {
      const T* g = static_cast<const T*>(grad) + row * cols;
      const T* v = static_cast<const T*>(y) + row * cols;
      T* to = static_cast<T*>(grad_x) + row * cols;
      long double sum = 0;
      for (int64_t i = 0; i < cols; ++i) sum += log ? g[i] : static_cast<long double>(g[i]) * v[i];
      for (int64_t i = 0; i < cols; ++i)
        to[i] = static_cast<T>(log ? g[i] - std::exp(static_cast<long double>(v[i])) * sum : v[i] * (g[i] - sum));
    }
  });
}

}  // namespace talus::ref
