// The border: each function checks what is cheap to check, runs the kernel of its device, and turns whatever is thrown
// into a status and a message.
#include <algorithm>
#include <cinttypes>
#include <cstring>
#include <vector>

#include "api_guard.h"
#include "cpu/conv2d_choice.h"
#include "cpu_features.h"
#include "cuda/memory.h"
#include "kernels.h"
#include "memory.h"
#include "parallel.h"
#include "random.h"
#include "talus/talus.h"

using namespace talus;

namespace {

// The function of the device's kind; throws where the device is missing.
template <class F>
F* function_on(int device, F* on_cpu, F* on_cuda) {
  if (device == TALUS_DEVICE_CPU) return on_cpu;
  use_cuda(device);
  return on_cuda;
}

// Twins of this name, for kernels and for what is no kernel: the allocator, random numbers; `device` is the calling
// function's.
#if defined(TALUS_HAS_CUDA)
#define TALUS_KERNEL(name) function_on(device, cpu::name, cuda::name)
#define TALUS_TWIN(name) function_on(device, talus::name, cuda::name)
#else
#define TALUS_KERNEL(name) function_on(device, cpu::name, static_cast<decltype(&cpu::name)>(nullptr))
#define TALUS_TWIN(name) function_on(device, talus::name, static_cast<decltype(&talus::name)>(nullptr))
#endif

// For kernels that have no twin yet.
template <class F>
int on_cpu(int device, F&& f) noexcept {
  return guarded([&] {
    if (device != TALUS_DEVICE_CPU) {
      use_cuda(device);
      fail(TALUS_UNSUPPORTED, "this operation has no CUDA kernel yet; move its tensors to the CPU (device 0)");
    }
    f();
  });
}

template <class... Counts>
void require_counts(Counts... counts) {
  (require_count("a size", counts), ...);
}

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

Pool2dParams pool2d_params(const int64_t* p) {
  require_params("pool2d", p, TALUS_POOL_PARAMS,
                 {TALUS_POOL_KH, TALUS_POOL_KW, TALUS_POOL_STRIDE_H, TALUS_POOL_STRIDE_W, TALUS_POOL_DILATION_H,
                  TALUS_POOL_DILATION_W});
  return Pool2dParams(p);
}

const int64_t* int64_values(talus_ptr address) { return static_cast<const int64_t*>(address); }

Generator& generator_at(talus_ptr address) {
  require_address("the generator", address);
  return *static_cast<Generator*>(address);
}

void put_bytes(void* to, const void* from, int64_t bytes) { std::memcpy(to, from, static_cast<size_t>(bytes)); }
void get_bytes(void* to, const void* from, int64_t bytes) { std::memcpy(to, from, static_cast<size_t>(bytes)); }

template <class To, class From>
int copy_bytes(int device, void (*copy)(void*, const void*, int64_t), void (*cuda_copy)(void*, const void*, int64_t),
               To* to, const From* from, int64_t n, int64_t item) {
  return guarded([&] {
    const auto chosen = function_on(device, copy, cuda_copy);
    require_count("the number of elements", n);
    if (n == 0) return;
    require_address("the destination", to);
    require_address("the source", from);
    chosen(to, from, n * item);
  });
}

#if defined(TALUS_HAS_CUDA)
#define TALUS_PUT put_bytes, cuda::put
#define TALUS_GET get_bytes, cuda::get
#else
#define TALUS_PUT put_bytes, static_cast<decltype(&put_bytes)>(nullptr)
#define TALUS_GET get_bytes, static_cast<decltype(&get_bytes)>(nullptr)
#endif

}  // namespace

extern "C" {

// ---------------------------------------------------------------------------------------- library, threads

const char* talus_version(void) { return TALUS_VERSION; }

const char* talus_isa(void) {
  const char* name = nullptr;
  guarded([&] { name = isa_name(current_isa()); });
  return name;
}

const char* talus_available_isas(void) { return available_isas(); }

int talus_set_isa(const char* name) {
  return guarded([&] {
    require_address("the name of the instruction set", name);
    set_isa(name);
  });
}

int talus_set_num_threads(int threads) {
  return guarded([&] { set_num_threads(threads); });
}

int talus_num_threads(void) { return num_threads(); }

// -------------------------------------------------------------------------------------------------- memory

talus_ptr talus_alloc(int device, int64_t bytes) {
  void* block = nullptr;
  guarded([&] { block = TALUS_TWIN(allocate)(bytes); });
  return block;
}

int talus_free(int device, talus_ptr block) {
  return guarded([&] { TALUS_TWIN(release)(block); });
}

int talus_memory_stats(int device, int64_t* stats) {
  return guarded([&] {
    require_address("stats", stats);
    TALUS_TWIN(memory_stats)(stats);
  });
}

int talus_memory_reset_peak(int device) {
  return guarded([&] { TALUS_TWIN(memory_reset_peak)(); });
}

int talus_memory_set_limit(int device, int64_t bytes) {
  return guarded([&] { TALUS_TWIN(memory_set_limit)(bytes); });
}

int talus_memory_trim(int device) {
  return guarded([&] { TALUS_TWIN(memory_trim)(); });
}

int talus_memory_holders(int device, int rows, int64_t* pairs) {
  int filled = -1;
  guarded([&] {
    require_count("rows", rows);
    if (rows > 0) require_address("pairs", pairs);
    filled = TALUS_TWIN(memory_holders)(rows, pairs);
  });
  return filled;
}

int talus_put_f32(int device, talus_ptr dst, const float* src, int64_t n) {
  return copy_bytes(device, TALUS_PUT, dst, src, n, 4);
}
int talus_put_f64(int device, talus_ptr dst, const double* src, int64_t n) {
  return copy_bytes(device, TALUS_PUT, dst, src, n, 8);
}
int talus_put_i64(int device, talus_ptr dst, const int64_t* src, int64_t n) {
  return copy_bytes(device, TALUS_PUT, dst, src, n, 8);
}
int talus_put_i32(int device, talus_ptr dst, const int32_t* src, int64_t n) {
  return copy_bytes(device, TALUS_PUT, dst, src, n, 4);
}
int talus_put_u8(int device, talus_ptr dst, const int8_t* src, int64_t n) {
  return copy_bytes(device, TALUS_PUT, dst, src, n, 1);
}
int talus_get_f32(int device, talus_ptr src, float* dst, int64_t n) {
  return copy_bytes(device, TALUS_GET, dst, src, n, 4);
}
int talus_get_f64(int device, talus_ptr src, double* dst, int64_t n) {
  return copy_bytes(device, TALUS_GET, dst, src, n, 8);
}
int talus_get_i64(int device, talus_ptr src, int64_t* dst, int64_t n) {
  return copy_bytes(device, TALUS_GET, dst, src, n, 8);
}
int talus_get_i32(int device, talus_ptr src, int32_t* dst, int64_t n) {
  return copy_bytes(device, TALUS_GET, dst, src, n, 4);
}
int talus_get_u8(int device, talus_ptr src, int8_t* dst, int64_t n) {
  return copy_bytes(device, TALUS_GET, dst, src, n, 1);
}

int talus_transfer(int src_device, talus_ptr src, int dst_device, talus_ptr dst, int64_t bytes) {
  if (dst_device == TALUS_DEVICE_CPU) return copy_bytes(src_device, TALUS_GET, dst, src, bytes, 1);
  if (src_device == TALUS_DEVICE_CPU) return copy_bytes(dst_device, TALUS_PUT, dst, src, bytes, 1);
  // Through the host, in pieces: not every pair of devices sees each other.
  return guarded([&] {
    require_count("the number of bytes", bytes);
    std::vector<char> piece(static_cast<size_t>(std::min<int64_t>(bytes, 1 << 20)));
    for (int64_t at = 0; at < bytes; at += 1 << 20) {
      const int64_t count = std::min<int64_t>(bytes - at, 1 << 20);
      const auto get = function_on(src_device, TALUS_GET);
      get(piece.data(), static_cast<const char*>(src) + at, count);
      const auto put = function_on(dst_device, TALUS_PUT);
      put(static_cast<char*>(dst) + at, piece.data(), count);
    }
  });
}

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
    const GemmParams params{batch, trans_a != 0, trans_b != 0, m,    n, k,   alpha,    a,    lda,     stride_a,
                            b,     ldb,          stride_b,     beta, c, ldc, stride_c, bias, epilogue};
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
  on_cpu(device, [&] { name = cpu::algorithm_name(dtype, conv2d_pass(pass), conv2d_params(params)); });
  return name;
}

int talus_conv2d(int device, int dtype, const int64_t* params, talus_ptr x, talus_ptr w, talus_ptr bias, int epilogue,
                 talus_ptr out) {
  return guarded([&] { TALUS_KERNEL(conv2d)(dtype, conv2d_params(params), x, w, bias, epilogue, out); });
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

// -------------------------------------------------------------------------------------------------- random

talus_ptr talus_generator_create(int64_t seed) {
  Generator* generator = nullptr;
  guarded([&] { generator = generator_create(seed); });
  return generator;
}

int talus_generator_free(talus_ptr generator) {
  return guarded([&] { generator_free(&generator_at(generator)); });
}

int talus_generator_seed(talus_ptr generator, int64_t seed) {
  return guarded([&] { generator_seed(generator_at(generator), seed); });
}

int talus_generator_copy(talus_ptr from, talus_ptr to) {
  return guarded([&] { generator_copy(generator_at(from), generator_at(to)); });
}

int talus_random_uniform(int device, talus_ptr generator, int dtype, int64_t n, double from, double to, talus_ptr out) {
  return guarded([&] {
    require_counts(n);
    TALUS_TWIN(random_uniform)(generator_at(generator), dtype, n, from, to, out);
  });
}

int talus_random_normal(int device, talus_ptr generator, int dtype, int64_t n, double mean, double std, talus_ptr out) {
  return guarded([&] {
    require_counts(n);
    TALUS_TWIN(random_normal)(generator_at(generator), dtype, n, mean, std, out);
  });
}

int talus_random_int(int device, talus_ptr generator, int dtype, int64_t n, int64_t low, int64_t high, talus_ptr out) {
  return guarded([&] {
    require_counts(n);
    TALUS_TWIN(random_int)(generator_at(generator), dtype, n, low, high, out);
  });
}

int talus_random_bernoulli(int device, talus_ptr generator, int dtype, int64_t n, double p, talus_ptr out) {
  return guarded([&] {
    require_counts(n);
    TALUS_TWIN(random_bernoulli)(generator_at(generator), dtype, n, p, out);
  });
}

int talus_random_permutation(int device, talus_ptr generator, int64_t n, talus_ptr out) {
  return guarded([&] {
    require_counts(n);
    TALUS_TWIN(random_permutation)(generator_at(generator), n, static_cast<int64_t*>(out));
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
