// CUDA's losses for tests; see cuda_under_test.h.
#pragma once

#include "cuda_mirror.h"
#include "kernels.h"

namespace under_test {

inline void nll_loss(int dtype, int64_t n, int64_t classes, int64_t inner, const void* x, const int64_t* target,
                     const void* weight, int64_t ignore_index, int reduction, void* out, void* total_weight) {
  const int64_t item = talus::size_of(dtype);
  const bool none = reduction == TALUS_REDUCTION_NONE;
  Mirror m;
  m.reads(x, n * classes * inner * item).reads(target, n * inner * 8).reads(weight, classes * item);
  m.writes(out, (none ? n * inner : 1) * item).writes(total_weight, item);
  talus::cuda::nll_loss(dtype, n, classes, inner, m(x), m(target), m(weight), ignore_index, reduction, m(out),
                        m(total_weight));
  m.finish();
}

inline void nll_loss_backward(int dtype, int64_t n, int64_t classes, int64_t inner, const void* grad,
                              const int64_t* target, const void* weight, int64_t ignore_index, int reduction,
                              const void* total_weight, void* grad_x) {
  const int64_t item = talus::size_of(dtype);
  const bool none = reduction == TALUS_REDUCTION_NONE;
  Mirror m;
  m.reads(grad, (none ? n * inner : 1) * item).reads(target, n * inner * 8).reads(weight, classes * item);
  m.reads(total_weight, item).writes(grad_x, n * classes * inner * item);
  talus::cuda::nll_loss_backward(dtype, n, classes, inner, m(grad), m(target), m(weight), ignore_index, reduction,
                                 m(total_weight), m(grad_x));
  m.finish();
}

inline void cross_entropy(int dtype, int64_t n, int64_t classes, const void* x, const int64_t* target,
                          const void* weight, int64_t ignore_index, int reduction, void* out, void* total_weight,
                          void* exps, void* sums) {
  const int64_t item = talus::size_of(dtype);
  Mirror m;
  m.reads(x, n * classes * item).reads(target, n * 8).reads(weight, classes * item);
  m.writes(out, (reduction == TALUS_REDUCTION_NONE ? n : 1) * item).writes(total_weight, item);
  m.writes(exps, n * classes * item).writes(sums, n * item);
  talus::cuda::cross_entropy(dtype, n, classes, m(x), m(target), m(weight), ignore_index, reduction, m(out),
                             m(total_weight), m(exps), m(sums));
  m.finish();
}

inline void cross_entropy_backward(int dtype, int64_t n, int64_t classes, const void* grad, const void* exps,
                                   const void* sums, const int64_t* target, const void* weight, int64_t ignore_index,
                                   int reduction, const void* total_weight, void* grad_x) {
  const int64_t item = talus::size_of(dtype);
  Mirror m;
  m.reads(grad, (reduction == TALUS_REDUCTION_NONE ? n : 1) * item).reads(exps, n * classes * item);
  m.reads(sums, n * item).reads(target, n * 8).reads(weight, classes * item).reads(total_weight, item);
  m.writes(grad_x, n * classes * item);
  talus::cuda::cross_entropy_backward(dtype, n, classes, m(grad), m(exps), m(sums), m(target), m(weight), ignore_index,
                                      reduction, m(total_weight), m(grad_x));
  m.finish();
}

inline void mse_loss(int dtype, int64_t n, const void* x, const void* y, int reduction, void* out) {
  const int64_t item = talus::size_of(dtype);
  Mirror m;
  m.reads(x, n * item).reads(y, n * item).writes(out, item);
  talus::cuda::mse_loss(dtype, n, m(x), m(y), reduction, m(out));
  m.finish();
}

}  // namespace under_test
