// The border of the kernels: each function checks what is cheap to check and runs the kernel of its device.
#include <cinttypes>
#include <initializer_list>

#include "api_device.h"
#include "cpu/conv2d_choice.h"
#include "kernels.h"

using namespace talus;

namespace {

template <int Operands>
Geometry<Operands> geometry_of(int64_t n, int ndim, const int64_t* raw) {
  require_count("the number of elements", n);
  require_count("the number of dimensions", ndim);
  const Geometry<Operands> geometry(n, ndim, raw);
  if (geometry.n != n)
    fail(TALUS_INVALID_ARGUMENT, "the geometry has %" PRId64 " elements, n is %" PRId64, geometry.n, n);
  return geometry;
}

// Sizes are at least 0; those named in `positive` divide, or are divided into windows, and are at least 1.
void require_params(const char* what, const int64_t* params, int count, std::initializer_list<int> positive) {
  require_address(what, params);
  for (int i = 0; i < count; ++i)
    if (params[i] < 0)
      fail(TALUS_INVALID_ARGUMENT, "%s: parameter %d is %" PRId64 ", expected 0 or more", what, i, params[i]);
  for (const int i : positive)
    if (params[i] == 0) fail(TALUS_INVALID_ARGUMENT, "%s: parameter %d is 0, expected 1 or more", what, i);
}

Conv2dParams conv2d_params(const int64_t* p) {
  require_params("conv2d", p, TALUS_CONV_PARAMS,
                 {TALUS_CONV_KH, TALUS_CONV_KW, TALUS_CONV_STRIDE_H, TALUS_CONV_STRIDE_W, TALUS_CONV_DILATION_H,
                  TALUS_CONV_DILATION_W, TALUS_CONV_GROUPS});
  return Conv2dParams(p);
}

cpu::ConvPass conv2d_pass(int pass) {
  if (pass < TALUS_CONV_FORWARD || pass > TALUS_CONV_BACKWARD_WEIGHT)
    fail(TALUS_INVALID_ARGUMENT, "conv2d: pass %d does not exist, expected 0 to 2", pass);
  return static_cast<cpu::ConvPass>(pass);
}

Activation activation_of(const char* what, int epilogue) {
  switch (epilogue) {
    case TALUS_EPILOGUE_NONE:
      return kNoActivation;
    case TALUS_EPILOGUE_RELU:
      return kRelu;
    case TALUS_EPILOGUE_RELU6:
      return kRelu6;
    default:
      fail(TALUS_INVALID_ARGUMENT, "%s: epilogue %d does not exist, expected 0 (none), 1 (relu) or 2 (relu6)", what,
           epilogue);
  }
}

Pool2dParams pool2d_params(const int64_t* p) {
  require_params("pool2d", p, TALUS_POOL_PARAMS,
                 {TALUS_POOL_KH, TALUS_POOL_KW, TALUS_POOL_STRIDE_H, TALUS_POOL_STRIDE_W, TALUS_POOL_DILATION_H,
                  TALUS_POOL_DILATION_W});
  return Pool2dParams(p);
}

const int64_t* int64_values(talus_ptr address) { return static_cast<const int64_t*>(address); }

}  // namespace

extern "C" {

// -------------------------------------------------------------------------------------- copy, element-wise

int talus_copy(int device, int src_dtype, int dst_dtype, int64_t n, int ndim, const int64_t* geometry, talus_ptr src,
               talus_ptr dst) {
  return guarded([&] { TALUS_KERNEL(copy)(src_dtype, dst_dtype, geometry_of<2>(n, ndim, geometry), src, dst); });
}

int talus_fill(int device, int dtype, int64_t n, int ndim, const int64_t* geometry, double value, int64_t int_value,
               talus_ptr out) {
  return guarded([&] { TALUS_KERNEL(fill)(dtype, geometry_of<1>(n, ndim, geometry), value, int_value, out); });
}

int talus_arange(int device, int dtype, int64_t n, double start, double step, talus_ptr out) {
  return guarded([&] {
    require_counts(n);
    TALUS_KERNEL(arange)(dtype, n, start, step, out);
  });
}

int talus_unary(int device, int op, int dtype, int64_t n, int ndim, const int64_t* geometry, talus_ptr x, double p0,
                double p1, talus_ptr out) {
  return guarded([&] { TALUS_KERNEL(unary)(op, dtype, geometry_of<2>(n, ndim, geometry), x, p0, p1, out); });
}

int talus_binary(int device, int op, int dtype, int64_t n, int ndim, const int64_t* geometry, talus_ptr x, talus_ptr y,
                 double p0, talus_ptr out) {
  return guarded([&] { TALUS_KERNEL(binary)(op, dtype, geometry_of<3>(n, ndim, geometry), x, y, p0, out); });
}

int talus_where(int device, int dtype, int64_t n, int ndim, const int64_t* geometry, talus_ptr condition, talus_ptr x,
                talus_ptr y, talus_ptr out) {
  return guarded([&] { TALUS_KERNEL(where)(dtype, geometry_of<4>(n, ndim, geometry), condition, x, y, out); });
}

// ------------------------------------------------------------------------------ reductions, rows and losses

int talus_reduce(int device, int op, int dtype, int ndim, int kept, const int64_t* geometry, talus_ptr x, double p0,
                 talus_ptr out, talus_ptr indices) {
  return guarded([&] {
    require_counts(ndim, kept, ndim - kept);
    if (ndim > 0) require_address("the geometry", geometry);
    TALUS_KERNEL(reduce)(op, dtype, ndim, kept, geometry, x, p0, out, static_cast<int64_t*>(indices));
  });
}

int talus_softmax(int device, int log, int dtype, int64_t rows, int64_t cols, talus_ptr x, talus_ptr out) {
  return guarded([&] {
    require_counts(rows, cols);
    TALUS_KERNEL(softmax)(log != 0, dtype, rows, cols, x, out);
  });
}

int talus_softmax_backward(int device, int log, int dtype, int64_t rows, int64_t cols, talus_ptr grad, talus_ptr y,
                           talus_ptr grad_x) {
  return guarded([&] {
    require_counts(rows, cols);
    TALUS_KERNEL(softmax_backward)(log != 0, dtype, rows, cols, grad, y, grad_x);
  });
}

int talus_nll_loss(int device, int dtype, int64_t n, int64_t classes, int64_t inner, talus_ptr x, talus_ptr target,
                   talus_ptr weight, int64_t ignore_index, int reduction, talus_ptr out, talus_ptr total_weight) {
  return guarded([&] {
    require_counts(n, classes, inner);
    const auto kernel = TALUS_KERNEL(nll_loss);
    kernel(dtype, n, classes, inner, x, int64_values(target), weight, ignore_index, reduction, out, total_weight);
  });
}

int talus_nll_loss_backward(int device, int dtype, int64_t n, int64_t classes, int64_t inner, talus_ptr grad,
                            talus_ptr target, talus_ptr weight, int64_t ignore_index, int reduction,
                            talus_ptr total_weight, talus_ptr grad_x) {
  return guarded([&] {
    require_counts(n, classes, inner);
    const auto kernel = TALUS_KERNEL(nll_loss_backward);
    kernel(dtype, n, classes, inner, grad, int64_values(target), weight, ignore_index, reduction, total_weight, grad_x);
  });
}

int talus_cross_entropy(int device, int dtype, int64_t n, int64_t classes, talus_ptr x, talus_ptr target,
                        talus_ptr weight, int64_t ignore_index, int reduction, talus_ptr out, talus_ptr total_weight,
                        talus_ptr exps, talus_ptr sums) {
  return guarded([&] {
    require_counts(n, classes);
    const auto kernel = TALUS_KERNEL(cross_entropy);
    kernel(dtype, n, classes, x, int64_values(target), weight, ignore_index, reduction, out, total_weight, exps, sums);
  });
}

int talus_cross_entropy_backward(int device, int dtype, int64_t n, int64_t classes, talus_ptr grad, talus_ptr exps,
                                 talus_ptr sums, talus_ptr target, talus_ptr weight, int64_t ignore_index,
                                 int reduction, talus_ptr total_weight, talus_ptr grad_x) {
  return guarded([&] {
    require_counts(n, classes);
    const auto kernel = TALUS_KERNEL(cross_entropy_backward);
    kernel(dtype, n, classes, grad, exps, sums, int64_values(target), weight, ignore_index, reduction, total_weight,
           grad_x);
  });
}

int talus_dropout(int device, int dtype, int64_t n, int64_t inner, talus_ptr x, talus_ptr kept, double keep,
                  talus_ptr out) {
  return guarded([&] {
    require_counts(n, inner);
    TALUS_KERNEL(dropout)(dtype, n, inner, x, static_cast<const uint8_t*>(kept), keep, out);
  });
}

int talus_mse_loss(int device, int dtype, int64_t n, talus_ptr x, talus_ptr y, int reduction, talus_ptr out) {
  return guarded([&] {
    require_counts(n);
    TALUS_KERNEL(mse_loss)(dtype, n, x, y, reduction, out);
  });
}

// ------------------------------------------------------------------------------------------- normalisation

int talus_batch_norm(int device, int dtype, int64_t n, int64_t channels, int64_t inner, talus_ptr x, talus_ptr weight,
                     talus_ptr bias, talus_ptr running_mean, talus_ptr running_var, int training, double momentum,
                     double eps, talus_ptr out, talus_ptr mean, talus_ptr rstd) {
  return guarded([&] {
    require_counts(n, channels, inner);
    if (training == 0) require_address("batch_norm: without training, running_mean", running_mean);
    if (running_mean != nullptr) require_address("batch_norm: beside running_mean, running_var", running_var);
    const auto kernel = TALUS_KERNEL(batch_norm);
    kernel(dtype, n, channels, inner, x, weight, bias, running_mean, running_var, training != 0, momentum, eps, out,
           mean, rstd);
  });
}

int talus_batch_norm_backward(int device, int dtype, int64_t n, int64_t channels, int64_t inner, talus_ptr grad,
                              talus_ptr x, talus_ptr weight, talus_ptr mean, talus_ptr rstd, int training,
                              talus_ptr grad_x, talus_ptr grad_weight, talus_ptr grad_bias) {
  return guarded([&] {
    require_counts(n, channels, inner);
    const auto kernel = TALUS_KERNEL(batch_norm_backward);
    kernel(dtype, n, channels, inner, grad, x, weight, mean, rstd, training != 0, grad_x, grad_weight, grad_bias);
  });
}

int talus_layer_norm(int device, int dtype, int64_t rows, int64_t cols, talus_ptr x, talus_ptr weight, talus_ptr bias,
                     double eps, talus_ptr out, talus_ptr mean, talus_ptr rstd) {
  return guarded([&] {
    require_counts(rows, cols);
    TALUS_KERNEL(layer_norm)(dtype, rows, cols, x, weight, bias, eps, out, mean, rstd);
  });
}

int talus_layer_norm_backward(int device, int dtype, int64_t rows, int64_t cols, talus_ptr grad, talus_ptr x,
                              talus_ptr weight, talus_ptr mean, talus_ptr rstd, talus_ptr grad_x, talus_ptr grad_weight,
                              talus_ptr grad_bias) {
  return guarded([&] {
    require_counts(rows, cols);
    TALUS_KERNEL(layer_norm_backward)(dtype, rows, cols, grad, x, weight, mean, rstd, grad_x, grad_weight, grad_bias);
  });
}

// ------------------------------------------------------------------------------------------------ indexing

int talus_index_select(int device, int dtype, int64_t outer, int64_t size, int64_t inner, int64_t count, talus_ptr x,
                       talus_ptr index, talus_ptr out) {
  return guarded([&] {
    require_counts(outer, size, inner, count);
    TALUS_KERNEL(index_select)(dtype, outer, size, inner, count, x, int64_values(index), out);
  });
}

int talus_index_add(int device, int dtype, int64_t outer, int64_t size, int64_t inner, int64_t count, talus_ptr x,
                    talus_ptr index, talus_ptr out) {
  return guarded([&] {
    require_counts(outer, size, inner, count);
    TALUS_KERNEL(index_add)(dtype, outer, size, inner, count, x, int64_values(index), out);
  });
}

int talus_gather(int device, int dtype, int64_t outer, int64_t size, int64_t inner, int64_t count, talus_ptr x,
                 talus_ptr index, talus_ptr out) {
  return guarded([&] {
    require_counts(outer, size, inner, count);
    TALUS_KERNEL(gather)(dtype, outer, size, inner, count, x, int64_values(index), out);
  });
}

int talus_scatter_add(int device, int dtype, int64_t outer, int64_t size, int64_t inner, int64_t count, talus_ptr x,
                      talus_ptr index, talus_ptr out) {
  return guarded([&] {
    require_counts(outer, size, inner, count);
    TALUS_KERNEL(scatter_add)(dtype, outer, size, inner, count, x, int64_values(index), out);
  });
}

int talus_one_hot(int device, int64_t n, int64_t classes, talus_ptr index, talus_ptr out) {
  return guarded([&] {
    require_counts(n, classes);
    TALUS_KERNEL(one_hot)(n, classes, int64_values(index), static_cast<int64_t*>(out));
  });
}

int talus_image_batch(int device, int64_t count, int64_t height, int64_t width, int64_t pad, double mean, double std,
                      int64_t n, talus_ptr src, talus_ptr index, talus_ptr out) {
  return guarded([&] {
    require_counts(count, height, width, pad, n);
    const auto kernel = TALUS_KERNEL(image_batch);
    kernel(count, height, width, pad, mean, std, n, static_cast<const uint8_t*>(src), int64_values(index),
           static_cast<float*>(out));
  });
}

// ------------------------------------------------------------------------------ matmul, convolution, pooling

int talus_gemm(int device, int dtype, int64_t batch, int trans_a, int trans_b, int64_t m, int64_t n, int64_t k,
               double alpha, talus_ptr a, int64_t lda, int64_t stride_a, talus_ptr b, int64_t ldb, int64_t stride_b,
               double beta, talus_ptr c, int64_t ldc, int64_t stride_c, talus_ptr bias, int epilogue) {
  return guarded([&] {
    require_counts(batch, m, n, k);
    const GemmParams params{batch,
                            trans_a != 0,
                            trans_b != 0,
                            m,
                            n,
                            k,
                            alpha,
                            a,
                            lda,
                            stride_a,
                            b,
                            ldb,
                            stride_b,
                            beta,
                            c,
                            ldc,
                            stride_c,
                            bias,
                            activation_of("gemm", epilogue)};
    TALUS_KERNEL(gemm)(dtype, params);
  });
}

int talus_conv2d_force(int pass, const char* algorithm) {
  return guarded([&] {
    require_address("the name of the algorithm", algorithm);
    cpu::force_algorithm(conv2d_pass(pass), algorithm);
  });
}

const char* talus_conv2d_algorithm(int device, int dtype, int pass, const int64_t* params) {
  const char* name = nullptr;
  guarded([&] {
    if (device != TALUS_DEVICE_CPU)
      fail(TALUS_UNSUPPORTED, "conv2d: only the CPU (device 0) chooses between algorithms, device %d was given",
           device);
    name = cpu::algorithm_name(dtype, conv2d_pass(pass), conv2d_params(params));
  });
  return name;
}

const char* talus_conv2d_rules(int dtype) {
  thread_local std::string rules;
  const int status = guarded([&] { rules = cpu::rules_text(dtype); });
  return status == TALUS_OK ? rules.c_str() : nullptr;
}

int talus_conv2d(int device, int dtype, const int64_t* params, talus_ptr x, talus_ptr w, talus_ptr bias, int epilogue,
                 talus_ptr out) {
  return guarded([&] {
    TALUS_KERNEL(conv2d)(dtype, conv2d_params(params), x, w, bias, activation_of("conv2d", epilogue), out);
  });
}

int talus_conv2d_backward_input(int device, int dtype, const int64_t* params, talus_ptr grad, talus_ptr w,
                                talus_ptr grad_x) {
  return guarded([&] { TALUS_KERNEL(conv2d_backward_input)(dtype, conv2d_params(params), grad, w, grad_x); });
}

int talus_conv2d_backward_weight(int device, int dtype, const int64_t* params, talus_ptr grad, talus_ptr x,
                                 talus_ptr grad_w) {
  return guarded([&] { TALUS_KERNEL(conv2d_backward_weight)(dtype, conv2d_params(params), grad, x, grad_w); });
}

int talus_conv2d_backward_bias(int device, int dtype, const int64_t* params, talus_ptr grad, talus_ptr grad_bias) {
  return guarded([&] { TALUS_KERNEL(conv2d_backward_bias)(dtype, conv2d_params(params), grad, grad_bias); });
}

int talus_max_pool2d(int device, int dtype, const int64_t* params, talus_ptr x, talus_ptr out, talus_ptr taps) {
  return guarded([&] { TALUS_KERNEL(max_pool2d)(dtype, pool2d_params(params), x, out, taps); });
}

int talus_max_pool2d_backward(int device, int dtype, const int64_t* params, talus_ptr grad, talus_ptr taps,
                              talus_ptr grad_x) {
  return guarded([&] { TALUS_KERNEL(max_pool2d_backward)(dtype, pool2d_params(params), grad, taps, grad_x); });
}

int talus_avg_pool2d(int device, int dtype, const int64_t* params, talus_ptr x, talus_ptr out) {
  return guarded([&] { TALUS_KERNEL(avg_pool2d)(dtype, pool2d_params(params), x, out); });
}

int talus_avg_pool2d_backward(int device, int dtype, const int64_t* params, talus_ptr grad, talus_ptr grad_x) {
  return guarded([&] { TALUS_KERNEL(avg_pool2d_backward)(dtype, pool2d_params(params), grad, grad_x); });
}

int talus_adaptive_avg_pool2d(int device, int dtype, int64_t planes, int64_t h, int64_t w, int64_t out_h, int64_t out_w,
                              talus_ptr x, talus_ptr out) {
  return guarded([&] { TALUS_KERNEL(adaptive_avg_pool2d)(dtype, {planes, h, w, out_h, out_w}, x, out); });
}

int talus_adaptive_avg_pool2d_backward(int device, int dtype, int64_t planes, int64_t h, int64_t w, int64_t out_h,
                                       int64_t out_w, talus_ptr grad, talus_ptr grad_x) {
  return guarded([&] {
    TALUS_KERNEL(adaptive_avg_pool2d_backward)(dtype, {planes, h, w, out_h, out_w}, grad, grad_x);
  });
}
// ---------------------------------------------------------------------------------------------- optimizers

int talus_sgd_step(int device, int dtype, int count, const int64_t* numels, const int64_t* params, const int64_t* grads,
                   const int64_t* buffers, double lr, double momentum, double dampening, double weight_decay,
                   int nesterov, int maximize, int first) {
  return guarded([&] {
    require_counts(count);
    if (count > 0 && momentum != 0) require_address("sgd_step: with momentum, buffers", buffers);
    const auto kernel = TALUS_KERNEL(sgd_step);
    kernel(dtype, count, numels, params, grads, buffers, lr, momentum, dampening, weight_decay, nesterov != 0,
           maximize != 0, first != 0);
  });
}

int talus_adam_step(int device, int dtype, int count, const int64_t* numels, const int64_t* params,
                    const int64_t* grads, const int64_t* averages, const int64_t* squares, const int64_t* max_squares,
                    double lr, double beta1, double beta2, double eps, double weight_decay, int decoupled, int maximize,
                    int64_t step) {
  return guarded([&] {
    require_counts(count);
    if (step < 1) fail(TALUS_INVALID_ARGUMENT, "adam_step: step is %" PRId64 ", expected 1 or more", step);
    const auto kernel = TALUS_KERNEL(adam_step);
    kernel(dtype, count, numels, params, grads, averages, squares, max_squares, lr, beta1, beta2, eps, weight_decay,
           decoupled != 0, maximize != 0, step);
  });
}

}  // extern "C"
