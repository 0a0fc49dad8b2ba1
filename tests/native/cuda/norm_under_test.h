// CUDA's normalisations for tests; see cuda_under_test.h.
#pragma once

#include "cuda_mirror.h"
#include "kernels.h"

namespace under_test {

inline void batch_norm(int dtype, int64_t n, int64_t channels, int64_t inner, const void* x, const void* weight,
                       const void* bias, void* running_mean, void* running_var, bool training, double momentum,
                       double eps, void* out, void* mean, void* rstd) {
  const int64_t item = talus::size_of(dtype), bytes = n * channels * inner * item, each = channels * item;
  Mirror m;
  m.reads(x, bytes).reads(weight, each).reads(bias, each).writes(running_mean, each).writes(running_var, each);
  m.writes(out, bytes).writes(mean, each).writes(rstd, each);
  talus::cuda::batch_norm(dtype, n, channels, inner, m(x), m(weight), m(bias), m(running_mean), m(running_var),
                          training, momentum, eps, m(out), m(mean), m(rstd));
  m.finish();
}

inline void batch_norm_backward(int dtype, int64_t n, int64_t channels, int64_t inner, const void* grad, const void* x,
                                const void* weight, const void* mean, const void* rstd, bool training, void* grad_x,
                                void* grad_weight, void* grad_bias) {
  const int64_t item = talus::size_of(dtype), bytes = n * channels * inner * item, each = channels * item;
  Mirror m;
  m.reads(grad, bytes).reads(x, bytes).reads(weight, each).reads(mean, each).reads(rstd, each);
  m.writes(grad_x, bytes).writes(grad_weight, each).writes(grad_bias, each);
  talus::cuda::batch_norm_backward(dtype, n, channels, inner, m(grad), m(x), m(weight), m(mean), m(rstd), training,
                                   m(grad_x), m(grad_weight), m(grad_bias));
  m.finish();
}

inline void layer_norm(int dtype, int64_t rows, int64_t cols, const void* x, const void* weight, const void* bias,
                       double eps, void* out, void* mean, void* rstd) {
  const int64_t item = talus::size_of(dtype), bytes = rows * cols * item;
  Mirror m;
  m.reads(x, bytes).reads(weight, cols * item).reads(bias, cols * item);
  m.writes(out, bytes).writes(mean, rows * item).writes(rstd, rows * item);
  talus::cuda::layer_norm(dtype, rows, cols, m(x), m(weight), m(bias), eps, m(out), m(mean), m(rstd));
  m.finish();
}

inline void layer_norm_backward(int dtype, int64_t rows, int64_t cols, const void* grad, const void* x,
                                const void* weight, const void* mean, const void* rstd, void* grad_x, void* grad_weight,
                                void* grad_bias) {
  const int64_t item = talus::size_of(dtype), bytes = rows * cols * item;
  Mirror m;
  m.reads(grad, bytes).reads(x, bytes).reads(weight, cols * item).reads(mean, rows * item).reads(rstd, rows * item);
  m.writes(grad_x, bytes).writes(grad_weight, cols * item).writes(grad_bias, cols * item);
  talus::cuda::layer_norm_backward(dtype, rows, cols, m(grad), m(x), m(weight), m(mean), m(rstd), m(grad_x),
                                   m(grad_weight), m(grad_bias));
  m.finish();
}

}  // namespace under_test
