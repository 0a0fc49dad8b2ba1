// Every kernel's signature, once. The twins are talus::cpu (fast), talus::cuda (the GPU's) and talus::ref (naive loops,
// the oracle of the tests). Arguments mean what talus.h says; shapes were checked above the border.
#pragma once

#include <cstdint>

#include "geometry.h"
#include "params.h"

// clang-format off
#define TALUS_KERNELS                                                                                                  \
  /* copy, element-wise */                                                                                             \
  void copy(int src_dtype, int dst_dtype, const Geometry<2>& dst_src, const void* src, void* dst);                     \
  void fill(int dtype, const Geometry<1>& g, double value, int64_t int_value, void* out);                              \
  void arange(int dtype, int64_t n, double start, double step, void* out);                                             \
  void unary(int op, int dtype, const Geometry<2>& out_x, const void* x, double p0, double p1, void* out);             \
  void binary(int op, int dtype, const Geometry<3>& out_x_y, const void* x, const void* y, double p0, void* out);      \
  void where(int dtype, const Geometry<4>& out_c_x_y, const void* c, const void* x, const void* y, void* out);         \
  /* reductions: geometry is the border's raw array */                                                                 \
  void reduce(int op, int dtype, int ndim, int kept, const int64_t* geometry, const void* x, double p0, void* out,     \
              int64_t* indices);                                                                                       \
  /* rows and losses */                                                                                                \
  void softmax(bool log, int dtype, int64_t rows, int64_t cols, const void* x, void* out);                             \
  void softmax_backward(bool log, int dtype, int64_t rows, int64_t cols, const void* grad, const void* y,              \
                        void* grad_x);                                                                                 \
  void nll_loss(int dtype, int64_t n, int64_t classes, int64_t inner, const void* x, const int64_t* target,            \
                const void* weight, int64_t ignore_index, int reduction, void* out, void* total_weight);               \
  void nll_loss_backward(int dtype, int64_t n, int64_t classes, int64_t inner, const void* grad,                       \
                         const int64_t* target, const void* weight, int64_t ignore_index, int reduction,               \
                         const void* total_weight, void* grad_x);                                                      \
  void cross_entropy(int dtype, int64_t n, int64_t classes, const void* x, const int64_t* target, const void* weight,  \
                     int64_t ignore_index, int reduction, void* out, void* total_weight, void* exps, void* sums);      \
  void cross_entropy_backward(int dtype, int64_t n, int64_t classes, const void* grad, const void* exps,               \
                              const void* sums, const int64_t* target, const void* weight, int64_t ignore_index,       \
                              int reduction, const void* total_weight, void* grad_x);                                  \
  void mse_loss(int dtype, int64_t n, const void* x, const void* y, int reduction, void* out);                         \
  void dropout(int dtype, int64_t n, int64_t inner, const void* x, const uint8_t* kept, double keep, void* out);       \
  /* normalisation */                                                                                                  \
  void batch_norm(int dtype, int64_t n, int64_t channels, int64_t inner, const void* x, const void* weight,            \
                  const void* bias, void* running_mean, void* running_var, bool training, double momentum, double eps, \
                  void* out, void* mean, void* rstd);                                                                  \
  void batch_norm_backward(int dtype, int64_t n, int64_t channels, int64_t inner, const void* grad, const void* x,     \
                           const void* weight, const void* mean, const void* rstd, bool training, void* grad_x,        \
                           void* grad_weight, void* grad_bias);                                                        \
  void layer_norm(int dtype, int64_t rows, int64_t cols, const void* x, const void* weight, const void* bias,          \
                  double eps, void* out, void* mean, void* rstd);                                                      \
  void layer_norm_backward(int dtype, int64_t rows, int64_t cols, const void* grad, const void* x,                     \
                           const void* weight, const void* mean, const void* rstd, void* grad_x, void* grad_weight,    \
                           void* grad_bias);                                                                           \
  /* indexing */                                                                                                       \
  void index_select(int dtype, int64_t outer, int64_t size, int64_t inner, int64_t count, const void* x,               \
                    const int64_t* index, void* out);                                                                  \
  void index_add(int dtype, int64_t outer, int64_t size, int64_t inner, int64_t count, const void* x,                  \
                 const int64_t* index, void* out);                                                                     \
  void gather(int dtype, int64_t outer, int64_t size, int64_t inner, int64_t count, const void* x,                     \
              const int64_t* index, void* out);                                                                        \
  void scatter_add(int dtype, int64_t outer, int64_t size, int64_t inner, int64_t count, const void* x,                \
                   const int64_t* index, void* out);                                                                   \
  void one_hot(int64_t n, int64_t classes, const int64_t* index, int64_t* out);                                        \
  void image_batch(int64_t count, int64_t height, int64_t width, int64_t pad, double mean, double std, int64_t n,      \
                   const uint8_t* src, const int64_t* index, float* out);                                              \
  /* matmul, convolution, pooling */                                                                                   \
  void gemm(int dtype, const GemmParams& p);                                                                           \
  void conv2d(int dtype, const Conv2dParams& p, const void* x, const void* w, const void* bias,                        \
              const Activation& activation, void* out);                                                                \
  void conv2d_backward_input(int dtype, const Conv2dParams& p, const void* grad, const void* w, void* grad_x);         \
  void conv2d_backward_weight(int dtype, const Conv2dParams& p, const void* grad, const void* x, void* grad_w);        \
  void conv2d_backward_bias(int dtype, const Conv2dParams& p, const void* grad, void* grad_bias);                      \
  void max_pool2d(int dtype, const Pool2dParams& p, const void* x, void* out, void* taps);                             \
  void max_pool2d_backward(int dtype, const Pool2dParams& p, const void* grad, const void* taps, void* grad_x);        \
  void avg_pool2d(int dtype, const Pool2dParams& p, const void* x, void* out);                                         \
  void avg_pool2d_backward(int dtype, const Pool2dParams& p, const void* grad, void* grad_x);                          \
  void adaptive_avg_pool2d(int dtype, const AdaptivePool2dParams& p, const void* x, void* out);                        \
  void adaptive_avg_pool2d_backward(int dtype, const AdaptivePool2dParams& p, const void* grad, void* grad_x);         \
  /* optimizers */                                                                                                     \
  void sgd_step(int dtype, int count, const int64_t* numels, const int64_t* params, const int64_t* grads,              \
                const int64_t* buffers, double lr, double momentum, double dampening, double weight_decay,             \
                bool nesterov, bool maximize, bool first);                                                             \
  void adam_step(int dtype, int count, const int64_t* numels, const int64_t* params, const int64_t* grads,             \
                 const int64_t* averages, const int64_t* squares, const int64_t* max_squares, double lr, double beta1, \
                 double beta2, double eps, double weight_decay, bool decoupled, bool maximize, int64_t step);
// clang-format on

namespace talus::cpu {
TALUS_KERNELS
}
namespace talus::cuda {
TALUS_KERNELS
}
namespace talus::ref {
TALUS_KERNELS
}
