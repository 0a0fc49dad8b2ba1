/*
 * The border between the Talus kernels and everything above them.
 *
 * Plain C: scalars, enums, addresses and a status code. No C++ type and no exception crosses it.
 *
 * Conventions
 *  - Every function that can fail returns a talus_status; talus_last_error() then explains it (per thread). Those that
 *    return an address, a name or a count return 0, NULL or -1 instead; talus_last_status() then has the status.
 *  - Addresses are talus_ptr (bindings pass them as 64-bit integers); 0 means "absent" where a parameter is optional.
 *  - `device` is TALUS_DEVICE_CPU or TALUS_DEVICE_CUDA + ordinal.
 *  - Sizes, strides and counts are int64_t and count elements, not bytes. Matrices are row-major.
 *  - `geometry` describes strided operands in one array: ndim sizes, then ndim strides for each operand in the
 *    order the parameter comment gives. NULL means all operands are contiguous and hold n elements.
 *  - Kernels trust their inputs: shapes are checked above the border. They do check values that only they see: class
 *    and row indices (TALUS_INDEX_ERROR), and zeros that integers are divided by (TALUS_INVALID_ARGUMENT). On CUDA
 *    devices, where kernels run later, the next function reports them that waits for the device or copies from it;
 *    such indices choose nothing, and such quotients are 0.
 *  - Floating kernels take TALUS_FLOAT32 and TALUS_FLOAT64; functions that take more types say so.
 */
#ifndef TALUS_TALUS_H
#define TALUS_TALUS_H

#include <stdint.h>

#if defined(_WIN32)
#define TALUS_API __declspec(dllexport)
#else
#define TALUS_API __attribute__((visibility("default")))
#endif

#ifdef __cplusplus
extern "C" {
#endif

typedef void* talus_ptr;

/* ------------------------------------------------------------------ enums */

enum talus_status {
  TALUS_OK = 0,
  TALUS_INVALID_ARGUMENT = 1,
  TALUS_OUT_OF_MEMORY = 2,
  TALUS_INDEX_ERROR = 3,
  TALUS_UNSUPPORTED = 4,
  TALUS_INTERNAL_ERROR = 5
};

enum talus_device { TALUS_DEVICE_CPU = 0, TALUS_DEVICE_CUDA = 1 };

enum talus_dtype {
  TALUS_FLOAT32 = 0,
  TALUS_FLOAT64 = 1,
  TALUS_INT64 = 2,
  TALUS_INT32 = 3,
  TALUS_UINT8 = 4,
  TALUS_BOOL = 5 /* one byte, 0 or 1 */
};

/* out = f(x; p0, p1). All dtypes where the operation makes sense for integers (noted "any"), else floating. */
enum talus_unary_op {
  TALUS_NEG = 0,    /* -x, any but bool */
  TALUS_ABS = 1,    /* |x|, any but bool */
  TALUS_SIGN = 2,   /* any but bool */
  TALUS_SQUARE = 3, /* x*x, any but bool */
  TALUS_EXP = 4,
  TALUS_LOG = 5,
  TALUS_LOG1P = 6,
  TALUS_SQRT = 7,
  TALUS_RSQRT = 8,
  TALUS_RECIPROCAL = 9,
  TALUS_SIN = 10,
  TALUS_COS = 11,
  TALUS_TANH = 12,
  TALUS_SIGMOID = 13,
  TALUS_RELU = 14, /* max(x, 0), NaN stays NaN; any but bool */
  TALUS_FLOOR = 15,
  TALUS_CEIL = 16,
  TALUS_ROUND = 17,       /* half to even */
  TALUS_ADD_SCALAR = 18,  /* x + p0, any but bool */
  TALUS_MUL_SCALAR = 19,  /* x * p0, any but bool */
  TALUS_POW_SCALAR = 20,  /* x ^ p0 */
  TALUS_CLAMP = 21,       /* min(max(x, p0), p1), any but bool; NaN stays NaN */
  TALUS_LOGICAL_NOT = 22, /* any -> bool */
  TALUS_IS_NAN = 23,      /* any -> bool */
  TALUS_IS_INF = 24,      /* any -> bool */
  TALUS_RSUB_SCALAR = 25, /* p0 - x, any but bool */
  TALUS_RDIV_SCALAR = 26, /* p0 / x */
  TALUS_GELU = 27,        /* x times the normal distribution function of x */
  TALUS_GELU_TANH = 28,   /* its approximation by tanh */
  TALUS_SILU = 29,        /* x * sigmoid(x) */
  TALUS_LEAKY_RELU = 30,  /* x > 0 ? x : x * p0 */
  TALUS_ELU = 31,         /* x > 0 ? x : p0 * (exp(x) - 1) */
  TALUS_SOFTPLUS = 32,    /* log(1 + exp(p0*x)) / p0; x where p0*x > p1 */
  TALUS_HARDSWISH = 33,   /* x * min(max(x + 3, 0), 6) / 6 */
  /* Derivatives. */
  TALUS_SOFTPLUS_SLOPE = 34, /* sigmoid(p0*x); 1 where p0*x > p1 */
  TALUS_HARDTANH_SLOPE = 35  /* x <= p0 or x >= p1 ? 0 : 1 */
};

/* out = f(x, y; p0). Comparisons and logic write TALUS_BOOL. */
enum talus_binary_op {
  TALUS_ADD = 0,     /* x + p0*y, any but bool */
  TALUS_SUB = 1,     /* x - p0*y, any but bool */
  TALUS_MUL = 2,     /* any */
  TALUS_DIV = 3,     /* floating */
  TALUS_POW = 4,     /* floating */
  TALUS_MAXIMUM = 5, /* any; NaN wins */
  TALUS_MINIMUM = 6, /* any; NaN wins */
  TALUS_EQ = 7,      /* any, as are the five below */
  TALUS_NE = 8,
  TALUS_LT = 9,
  TALUS_LE = 10,
  TALUS_GT = 11,
  TALUS_GE = 12,
  TALUS_LOGICAL_AND = 13,        /* any */
  TALUS_LOGICAL_OR = 14,         /* any */
  TALUS_SQUARED_DIFFERENCE = 15, /* (x-y)^2 */
  TALUS_RELU_BACKWARD = 16,      /* x: gradient, y: forward OUTPUT or input; y <= 0 ? 0 : x */
  TALUS_SIGMOID_BACKWARD = 17,   /* x: gradient, y: forward output; x*y*(1-y) */
  TALUS_TANH_BACKWARD = 18,      /* x: gradient, y: forward output; x*(1-y*y) */
  TALUS_FLOOR_DIVIDE = 19,       /* any but bool; rounds towards minus infinity */
  TALUS_REMAINDER = 20,          /* any but bool; sign of the divisor, as in Python */
  /* x: gradient, y: forward input */
  TALUS_GELU_BACKWARD = 21,
  TALUS_GELU_TANH_BACKWARD = 22,
  TALUS_SILU_BACKWARD = 23,
  TALUS_LEAKY_RELU_BACKWARD = 24,  /* y > 0 ? x : x * p0 */
  TALUS_ELU_BACKWARD = 25,         /* y > 0 ? x : x * p0 * exp(y) */
  TALUS_HARDSWISH_BACKWARD = 26,   /* y <= -3 ? 0 : y >= 3 ? x : x * (y/3 + 1/2) */
  TALUS_CLIPPED_RELU_BACKWARD = 27 /* y <= 0 or y >= p0 ? 0 : x */
};

enum talus_reduce_op {
  TALUS_SUM = 0,      /* integers and bool sum into INT64 */
  TALUS_MEAN = 1,     /* floating */
  TALUS_PROD = 2,     /* integers and bool multiply into INT64 */
  TALUS_MAX = 3,      /* any; NaN wins; optional indices of the first maximum */
  TALUS_MIN = 4,      /* any; NaN wins; optional indices */
  TALUS_VAR = 5,      /* floating; p0 is the correction (1: unbiased) */
  TALUS_NORM2 = 6,    /* floating; Euclidean norm */
  TALUS_ALL = 7,      /* any -> bool */
  TALUS_ANY = 8,      /* any -> bool */
  TALUS_LOGSUMEXP = 9 /* floating */
};

enum talus_reduction { TALUS_REDUCTION_NONE = 0, TALUS_REDUCTION_MEAN = 1, TALUS_REDUCTION_SUM = 2 };

enum talus_epilogue {
  TALUS_EPILOGUE_NONE = 0,
  TALUS_EPILOGUE_RELU = 1, /* max(x, 0) */
  TALUS_EPILOGUE_RELU6 = 2 /* min(max(x, 0), 6) */
};

/* cuBLAS's functions that talus_cublas_entries takes. */
enum talus_cublas_entry {
  TALUS_CUBLAS_CREATE = 0,        /* cublasCreate_v2 */
  TALUS_CUBLAS_SET_STREAM = 1,    /* cublasSetStream_v2 */
  TALUS_CUBLAS_SET_WORKSPACE = 2, /* cublasSetWorkspace_v2 */
  TALUS_CUBLAS_STATUS_STRING = 3, /* cublasGetStatusString */
  TALUS_CUBLAS_GEMM = 4,          /* cublasGemmStridedBatchedEx_64 */
  TALUS_CUBLAS_ENTRIES = 5
};

/* Positions in the int64_t params array of the conv2d functions. */
enum talus_conv2d_param {
  TALUS_CONV_N = 0,
  TALUS_CONV_C = 1, /* input channels */
  TALUS_CONV_H = 2,
  TALUS_CONV_W = 3,
  TALUS_CONV_O = 4, /* output channels */
  TALUS_CONV_KH = 5,
  TALUS_CONV_KW = 6,
  TALUS_CONV_STRIDE_H = 7,
  TALUS_CONV_STRIDE_W = 8,
  TALUS_CONV_PAD_H = 9,
  TALUS_CONV_PAD_W = 10,
  TALUS_CONV_DILATION_H = 11,
  TALUS_CONV_DILATION_W = 12,
  TALUS_CONV_GROUPS = 13,
  TALUS_CONV_PARAMS = 14
};

/* A convolution and its gradients. */
enum talus_conv2d_pass { TALUS_CONV_FORWARD = 0, TALUS_CONV_BACKWARD_INPUT = 1, TALUS_CONV_BACKWARD_WEIGHT = 2 };

/* Positions in the int64_t params array of the pool2d functions. */
enum talus_pool2d_param {
  TALUS_POOL_PLANES = 0, /* N * C */
  TALUS_POOL_H = 1,
  TALUS_POOL_W = 2,
  TALUS_POOL_KH = 3,
  TALUS_POOL_KW = 4,
  TALUS_POOL_STRIDE_H = 5,
  TALUS_POOL_STRIDE_W = 6,
  TALUS_POOL_PAD_H = 7,
  TALUS_POOL_PAD_W = 8,
  TALUS_POOL_DILATION_H = 9, /* max pooling only; 1 for average */
  TALUS_POOL_DILATION_W = 10,
  TALUS_POOL_CEIL_MODE = 11,
  TALUS_POOL_COUNT_INCLUDE_PAD = 12, /* average pooling only */
  TALUS_POOL_DIVISOR = 13,           /* average pooling only; 0: the window's size */
  TALUS_POOL_PARAMS = 14
};

/* Positions in the array talus_memory_stats fills. */
enum talus_memory_stat {
  TALUS_MEM_LIVE_BYTES = 0,
  TALUS_MEM_LIVE_BLOCKS = 1,
  TALUS_MEM_CACHED_BYTES = 2,
  TALUS_MEM_PEAK_BYTES = 3,
  TALUS_MEM_LIMIT_BYTES = 4,
  TALUS_MEM_ALLOCATIONS = 5,        /* talus_alloc calls so far */
  TALUS_MEM_SYSTEM_ALLOCATIONS = 6, /* those that went to the operating system */
  TALUS_MEM_STATS = 7
};

enum talus_precision { TALUS_PRECISION_HIGHEST = 0, TALUS_PRECISION_HIGH = 1 };

/* ---------------------------------------------------------- library, threads */

TALUS_API const char* talus_version(void);
/* Message of this thread's last failure; valid until its next failing call. */
TALUS_API const char* talus_last_error(void);
/* The talus_status of that failure; TALUS_OK if there was none. */
TALUS_API int talus_last_status(void);
/* Name of the instruction set in use: "baseline", "avx2", "avx512" or "neon". NULL if the environment variable
   TALUS_ISA names none of this machine's; every kernel then fails, too, and talus_last_error() tells the choices. */
TALUS_API const char* talus_isa(void);
/* Comma-separated names of the instruction sets this machine can run. */
TALUS_API const char* talus_available_isas(void);
/* Switches the instruction set; for tests and `TALUS_ISA`. Not safe while kernels run. */
TALUS_API int talus_set_isa(const char* name);
TALUS_API int talus_set_num_threads(int threads);
TALUS_API int talus_num_threads(void);
/* enum talus_precision: what products of float32 matrices on CUDA devices may lose. HIGHEST, the default: nothing;
   HIGH: operands are rounded to TF32 where tensor cores know it. */
TALUS_API int talus_set_float32_matmul_precision(int precision);
TALUS_API int talus_float32_matmul_precision(void);
/* The same of float32 convolutions and their gradients, which the setting of matrices does not concern. */
TALUS_API int talus_set_conv_fp32_precision(int precision);
TALUS_API int talus_conv_fp32_precision(void);

/* ------------------------------------------------------------------- memory */

/* At least `bytes` bytes aligned to 64; 0 on failure (limit or system), with talus_last_error set. bytes >= 0. */
TALUS_API talus_ptr talus_alloc(int device, int64_t bytes);
TALUS_API int talus_free(int device, talus_ptr block);
/* Fills stats[TALUS_MEM_STATS]. */
TALUS_API int talus_memory_stats(int device, int64_t* stats);
TALUS_API int talus_memory_reset_peak(int device);
/* Upper bound on live + cached bytes; cached blocks are returned to the system before an allocation fails. */
TALUS_API int talus_memory_set_limit(int device, int64_t bytes);
/* Returns cached blocks to the operating system. */
TALUS_API int talus_memory_trim(int device);
/* The size classes that hold most live bytes: fills up to `rows` pairs (block bytes, live blocks), returns how many. */
TALUS_API int talus_memory_holders(int device, int rows, int64_t* pairs);

/* Between host arrays and device memory. */
TALUS_API int talus_put_f32(int device, talus_ptr dst, const float* src, int64_t n);
TALUS_API int talus_put_f64(int device, talus_ptr dst, const double* src, int64_t n);
TALUS_API int talus_put_i64(int device, talus_ptr dst, const int64_t* src, int64_t n);
TALUS_API int talus_put_i32(int device, talus_ptr dst, const int32_t* src, int64_t n);
TALUS_API int talus_put_u8(int device, talus_ptr dst, const int8_t* src, int64_t n);
TALUS_API int talus_get_f32(int device, talus_ptr src, float* dst, int64_t n);
TALUS_API int talus_get_f64(int device, talus_ptr src, double* dst, int64_t n);
TALUS_API int talus_get_i64(int device, talus_ptr src, int64_t* dst, int64_t n);
TALUS_API int talus_get_i32(int device, talus_ptr src, int32_t* dst, int64_t n);
TALUS_API int talus_get_u8(int device, talus_ptr src, int8_t* dst, int64_t n);
/* Between the memories of two devices; dst holds the bytes as far as later calls can tell. */
TALUS_API int talus_transfer(int src_device, talus_ptr src, int dst_device, talus_ptr dst, int64_t bytes);

/* ------------------------------------------ CUDA: devices, streams, events, graphs */

/* Devices TALUS_DEVICE_CUDA and following; 0 without a driver and in builds without CUDA. */
TALUS_API int talus_cuda_device_count(void);
/* NULL on failure; valid for ever. */
TALUS_API const char* talus_device_name(int device);
/* Kernels of CUDA devices are queued and run later. Waits for all of them; failures of theirs are reported here. */
TALUS_API int talus_synchronize(int device);

/* What one stream is given runs in order. Threads use the device's own stream, all the same one, unless they choose
 * another, which a thread must put back (0) before it is freed. 0 on failure. */
TALUS_API talus_ptr talus_stream_create(int device);
TALUS_API int talus_stream_free(int device, talus_ptr stream);
TALUS_API int talus_stream_use(int device, talus_ptr stream);
TALUS_API int talus_stream_synchronize(int device, talus_ptr stream);
/* Whether all that it was given is done: 0 or 1 */
TALUS_API int talus_stream_query(int device, talus_ptr stream, int* done);
/* The thread's stream uses this live block of talus_alloc's, too: once freed, nobody gets it before what the stream has
 * been given by then is done. That of the streams it was allocated and is freed on is waited for anyhow. */
TALUS_API int talus_record_stream(int device, talus_ptr block);

/* record: after all that the thread's stream was given; wait: what that stream is given from now on waits. */
TALUS_API talus_ptr talus_event_create(int device);
TALUS_API int talus_event_free(int device, talus_ptr event);
TALUS_API int talus_event_record(int device, talus_ptr event);
TALUS_API int talus_event_wait(int device, talus_ptr event);
TALUS_API int talus_event_synchronize(int device, talus_ptr event);
TALUS_API int talus_event_query(int device, talus_ptr event, int* done);
TALUS_API int talus_event_milliseconds(int device, talus_ptr begin, talus_ptr end, double* milliseconds);

/* Between begin and end the thread's stream keeps its work instead of doing it; launch does all of it. Memory that was
 * allocated or freed in between stays the graph's until it is freed. Nothing may wait for the device in between, or
 * copy from or to the host. Random numbers go on from launch to launch; their generators must outlive the graph. Steps
 * of optimizers take their numbers from renew(graph): the same steps are then called once more in the same order, which
 * only notes the numbers, then renew(0) and launch. end leaves no capture behind even where it fails. */
TALUS_API int talus_graph_begin(int device);
TALUS_API talus_ptr talus_graph_end(int device);
TALUS_API int talus_graph_renew(int device, talus_ptr graph);
TALUS_API int talus_graph_launch(int device, talus_ptr graph);
TALUS_API int talus_graph_free(int device, talus_ptr graph);

/* -------------------------------------------------------- copy, element-wise */

/* Copies and casts between any two dtypes; geometry: sizes, dst strides, src strides. */
TALUS_API int talus_copy(int device, int src_dtype, int dst_dtype, int64_t n, int ndim, const int64_t* geometry,
                         talus_ptr src, talus_ptr dst);
/* Any dtype; integers and bool take int_value, floats take value. geometry: sizes, strides. */
TALUS_API int talus_fill(int device, int dtype, int64_t n, int ndim, const int64_t* geometry, double value,
                         int64_t int_value, talus_ptr out);
/* out[i] = start + i*step; any dtype but bool. */
TALUS_API int talus_arange(int device, int dtype, int64_t n, double start, double step, talus_ptr out);
/* geometry: sizes, out strides, x strides. out may be x. */
TALUS_API int talus_unary(int device, int op, int dtype, int64_t n, int ndim, const int64_t* geometry, talus_ptr x,
                          double p0, double p1, talus_ptr out);
/* geometry: sizes, out strides, x strides, y strides (0 where broadcast). out may be x or y. */
TALUS_API int talus_binary(int device, int op, int dtype, int64_t n, int ndim, const int64_t* geometry, talus_ptr x,
                           talus_ptr y, double p0, talus_ptr out);
/* out = condition ? x : y, any dtype; condition is bool. geometry: sizes, out, condition, x, y strides. */
TALUS_API int talus_where(int device, int dtype, int64_t n, int ndim, const int64_t* geometry, talus_ptr condition,
                          talus_ptr x, talus_ptr y, talus_ptr out);

/* --------------------------------------------------------------- reductions */

/* The first `kept` of ndim dimensions survive (out is contiguous over them), the others are reduced.
 * geometry: sizes, x strides; never NULL unless ndim is 0. indices (int64, MAX and MIN): row-major position within
 * the reduced dimensions, 0 to omit. */
TALUS_API int talus_reduce(int device, int op, int dtype, int ndim, int kept, const int64_t* geometry, talus_ptr x,
                           double p0, talus_ptr out, talus_ptr indices);

/* ----------------------------------------------------------- rows and losses */

/* Over the last dimension of a contiguous [rows, cols] matrix; log != 0: log-softmax. */
TALUS_API int talus_softmax(int device, int log, int dtype, int64_t rows, int64_t cols, talus_ptr x, talus_ptr out);
/* y: forward output. */
TALUS_API int talus_softmax_backward(int device, int log, int dtype, int64_t rows, int64_t cols, talus_ptr grad,
                                     talus_ptr y, talus_ptr grad_x);
/* x: log-probabilities [n, classes, inner]; target: int64 [n, inner]; weight: [classes] or 0.
 * out: [n, inner] for NONE, one element otherwise; total_weight: one element, written for MEAN and SUM. */
TALUS_API int talus_nll_loss(int device, int dtype, int64_t n, int64_t classes, int64_t inner, talus_ptr x,
                             talus_ptr target, talus_ptr weight, int64_t ignore_index, int reduction, talus_ptr out,
                             talus_ptr total_weight);
/* Writes all of grad_x. */
TALUS_API int talus_nll_loss_backward(int device, int dtype, int64_t n, int64_t classes, int64_t inner, talus_ptr grad,
                                      talus_ptr target, talus_ptr weight, int64_t ignore_index, int reduction,
                                      talus_ptr total_weight, talus_ptr grad_x);
/* talus_nll_loss of the log-softmax of scores x [n, classes], without making it; inner is 1. For the gradient, unless
 * 0: exps [n, classes] gets exp(x - the row's greatest), sums [n] their sums. */
TALUS_API int talus_cross_entropy(int device, int dtype, int64_t n, int64_t classes, talus_ptr x, talus_ptr target,
                                  talus_ptr weight, int64_t ignore_index, int reduction, talus_ptr out,
                                  talus_ptr total_weight, talus_ptr exps, talus_ptr sums);
TALUS_API int talus_cross_entropy_backward(int device, int dtype, int64_t n, int64_t classes, talus_ptr grad,
                                           talus_ptr exps, talus_ptr sums, talus_ptr target, talus_ptr weight,
                                           int64_t ignore_index, int reduction, talus_ptr total_weight,
                                           talus_ptr grad_x);
/* Contiguous x and y of n elements; reduction MEAN or SUM into one element. */
TALUS_API int talus_mse_loss(int device, int dtype, int64_t n, talus_ptr x, talus_ptr y, int reduction, talus_ptr out);

/* x [n, inner] times 1 / keep where kept [n], of one byte each, is 1, and times 0 where it is 0. */
TALUS_API int talus_dropout(int device, int dtype, int64_t n, int64_t inner, talus_ptr x, talus_ptr kept, double keep,
                            talus_ptr out);

/* ------------------------------------------------------------- normalisation */

/* Contiguous x [n, channels, inner]; weight and bias [channels] or 0. With training, each channel is normalised by its
 * own mean and biased variance, and running_mean and running_var [channels], unless 0, move by `momentum` towards the
 * mean and the unbiased variance; without, it is normalised by the running ones. mean, rstd [channels]: what was used,
 * for the gradient; rstd is 1 / sqrt(variance + eps). */
TALUS_API int talus_batch_norm(int device, int dtype, int64_t n, int64_t channels, int64_t inner, talus_ptr x,
                               talus_ptr weight, talus_ptr bias, talus_ptr running_mean, talus_ptr running_var,
                               int training, double momentum, double eps, talus_ptr out, talus_ptr mean,
                               talus_ptr rstd);
/* Each of grad_x, grad_weight and grad_bias may be 0. */
TALUS_API int talus_batch_norm_backward(int device, int dtype, int64_t n, int64_t channels, int64_t inner,
                                        talus_ptr grad, talus_ptr x, talus_ptr weight, talus_ptr mean, talus_ptr rstd,
                                        int training, talus_ptr grad_x, talus_ptr grad_weight, talus_ptr grad_bias);
/* Rows of a contiguous [rows, cols] matrix; weight and bias [cols] or 0; mean, rstd [rows]: for the gradient. */
TALUS_API int talus_layer_norm(int device, int dtype, int64_t rows, int64_t cols, talus_ptr x, talus_ptr weight,
                               talus_ptr bias, double eps, talus_ptr out, talus_ptr mean, talus_ptr rstd);
/* Each of grad_x, grad_weight and grad_bias may be 0. */
TALUS_API int talus_layer_norm_backward(int device, int dtype, int64_t rows, int64_t cols, talus_ptr grad, talus_ptr x,
                                        talus_ptr weight, talus_ptr mean, talus_ptr rstd, talus_ptr grad_x,
                                        talus_ptr grad_weight, talus_ptr grad_bias);

/* ------------------------------------------------------------------ indexing */

/* x: contiguous [outer, size, inner], any dtype; index: int64 [count]; out: [outer, count, inner]. */
TALUS_API int talus_index_select(int device, int dtype, int64_t outer, int64_t size, int64_t inner, int64_t count,
                                 talus_ptr x, talus_ptr index, talus_ptr out);
/* out [outer, size, inner] += x [outer, count, inner] at the indexed rows; duplicates add up in index order. */
TALUS_API int talus_index_add(int device, int dtype, int64_t outer, int64_t size, int64_t inner, int64_t count,
                              talus_ptr x, talus_ptr index, talus_ptr out);
/* out[o,i,k] = x[o, index[o,i,k], k]; x: [outer, size, inner], index and out: [outer, count, inner]; any dtype. */
TALUS_API int talus_gather(int device, int dtype, int64_t outer, int64_t size, int64_t inner, int64_t count,
                           talus_ptr x, talus_ptr index, talus_ptr out);
/* out[o, index[o,i,k], k] += x[o,i,k], the adjoint of gather. */
TALUS_API int talus_scatter_add(int device, int dtype, int64_t outer, int64_t size, int64_t inner, int64_t count,
                                talus_ptr x, talus_ptr index, talus_ptr out);
/* index: int64 [n]; out: int64 [n, classes]. */
TALUS_API int talus_one_hot(int device, int64_t n, int64_t classes, talus_ptr index, talus_ptr out);
/* A batch of images: src uint8 [*, height, width], index int64 [n] (images < count); out float32
 * [n, 1, height + 2*pad, width + 2*pad] = (src/255 - mean) / std, the border padded with pixel value 0. */
TALUS_API int talus_image_batch(int device, int64_t count, int64_t height, int64_t width, int64_t pad, double mean,
                                double std, int64_t n, talus_ptr src, talus_ptr index, talus_ptr out);

/* -------------------------------------------------------------------- matmul */

/* C[b] = epilogue(alpha * op(A[b]) op(B[b]) + beta * C[b] + bias), b < batch. op(A): [m,k], op(B): [k,n], C: [m,n].
 * trans != 0: the matrix is stored transposed. ld*: row strides of the stored matrices; stride_*: between batch
 * entries, 0 to share one. With beta == 0, C is not read. bias: [n], added to every row, or 0. */
TALUS_API int talus_gemm(int device, int dtype, int64_t batch, int trans_a, int trans_b, int64_t m, int64_t n,
                         int64_t k, double alpha, talus_ptr a, int64_t lda, int64_t stride_a, talus_ptr b, int64_t ldb,
                         int64_t stride_b, double beta, talus_ptr c, int64_t ldc, int64_t stride_c, talus_ptr bias,
                         int epilogue);

/* Who computes talus_gemm on CUDA devices, in convolutions too: "native", the kernels here, or "cublas", which
 * talus_cublas_entries brings first. The CPU's products are native. */
TALUS_API const char* talus_gemm_provider(void);
TALUS_API int talus_set_gemm_provider(const char* name);
/* Addresses of cuBLAS's functions, one for each talus_cublas_entry; they stay loaded. This library needs none of them
 * before cublas is chosen. The first ones that come are kept: handles are made by them. */
TALUS_API int talus_cublas_entries(const int64_t* entries);

/* -------------------------------------------------------- convolution, pooling */

/* params: enum talus_conv2d_param. Contiguous x [N,C,H,W], w [O,C/groups,KH,KW], out [N,O,OH,OW]; bias [O] or 0. */
TALUS_API int talus_conv2d(int device, int dtype, const int64_t* params, talus_ptr x, talus_ptr w, talus_ptr bias,
                           int epilogue, talus_ptr out);
TALUS_API int talus_conv2d_backward_input(int device, int dtype, const int64_t* params, talus_ptr grad, talus_ptr w,
                                          talus_ptr grad_x);
TALUS_API int talus_conv2d_backward_weight(int device, int dtype, const int64_t* params, talus_ptr grad, talus_ptr x,
                                           talus_ptr grad_w);
TALUS_API int talus_conv2d_backward_bias(int device, int dtype, const int64_t* params, talus_ptr grad,
                                         talus_ptr grad_bias);
/* What computes this pass from now on: "auto" (a rule by shape), "direct" (not the input's gradient of a strided
 * and dilated convolution), "gemm" (every shape), "winograd", "winograd1d", "depthwise" or "channels". Where it cannot,
 * the rule decides. */
TALUS_API int talus_conv2d_force(int pass, const char* algorithm);
/* The algorithm that would compute this shape now; NULL on failure. */
TALUS_API const char* talus_conv2d_algorithm(int device, int dtype, int pass, const int64_t* params);
/* The CPU's rules for a dtype, with this machine's numbers; valid until the thread's next call, NULL on failure. Lines
   of three fields with tabs between: a pass ("forward", "input", "weight"), an algorithm and the condition it is taken
   for, in the order they are tried; then "algorithm", its name and what it can compute; "word", one that conditions
   use and its meaning; "forced", a pass and what talus_conv2d_force gave it. */
TALUS_API const char* talus_conv2d_rules(int dtype);

/* params: enum talus_pool2d_param. Contiguous planes. taps: where in its window the chosen input of each output lies,
   kh*KW + kw, as uint8 if the window has at most 256 elements, else int32; or 0 to omit. */
TALUS_API int talus_max_pool2d(int device, int dtype, const int64_t* params, talus_ptr x, talus_ptr out,
                               talus_ptr taps);
TALUS_API int talus_max_pool2d_backward(int device, int dtype, const int64_t* params, talus_ptr grad, talus_ptr taps,
                                        talus_ptr grad_x);
TALUS_API int talus_avg_pool2d(int device, int dtype, const int64_t* params, talus_ptr x, talus_ptr out);
TALUS_API int talus_avg_pool2d_backward(int device, int dtype, const int64_t* params, talus_ptr grad, talus_ptr grad_x);
/* Contiguous planes [h,w] of h, w >= 1 to [out_h,out_w]: output i of an axis is the mean of the inputs from
   floor(i * in / out) to below ceil((i + 1) * in / out). */
TALUS_API int talus_adaptive_avg_pool2d(int device, int dtype, int64_t planes, int64_t h, int64_t w, int64_t out_h,
                                        int64_t out_w, talus_ptr x, talus_ptr out);
TALUS_API int talus_adaptive_avg_pool2d_backward(int device, int dtype, int64_t planes, int64_t h, int64_t w,
                                                 int64_t out_h, int64_t out_w, talus_ptr grad, talus_ptr grad_x);

/* -------------------------------------------------------------------- random */

/* On the CPU PyTorch's generator (mt19937) and its distributions, number for number; on CUDA devices Philox4x32-10, the
 * same numbers on each, but others than the CPU's. A generator counts for both. Not thread-safe: one caller at a time.
 */
TALUS_API talus_ptr talus_generator_create(int64_t seed);
TALUS_API int talus_generator_free(talus_ptr generator);
TALUS_API int talus_generator_seed(talus_ptr generator, int64_t seed);
/* Copies a generator's whole state; both were created by talus_generator_create. */
TALUS_API int talus_generator_copy(talus_ptr from, talus_ptr to);
TALUS_API int talus_random_uniform(int device, talus_ptr generator, int dtype, int64_t n, double from, double to,
                                   talus_ptr out);
TALUS_API int talus_random_normal(int device, talus_ptr generator, int dtype, int64_t n, double mean, double std,
                                  talus_ptr out);
/* Integers in [low, high), any dtype. */
TALUS_API int talus_random_int(int device, talus_ptr generator, int dtype, int64_t n, int64_t low, int64_t high,
                               talus_ptr out);
/* 1 with probability p, else 0; any dtype. */
TALUS_API int talus_random_bernoulli(int device, talus_ptr generator, int dtype, int64_t n, double p, talus_ptr out);
/* int64 [n]; the CPU's numbers on every device. */
TALUS_API int talus_random_permutation(int device, talus_ptr generator, int64_t n, talus_ptr out);

/* ----------------------------------------------------------------- optimizers */

/* One step over `count` tensors; arrays of addresses and element counts. Formulas: torch.optim.SGD.
 * buffers: NULL without momentum; first != 0: buffers hold nothing yet and become the gradient. */
TALUS_API int talus_sgd_step(int device, int dtype, int count, const int64_t* numels, const int64_t* params,
                             const int64_t* grads, const int64_t* buffers, double lr, double momentum, double dampening,
                             double weight_decay, int nesterov, int maximize, int first);
/* torch.optim.Adam; decoupled != 0: AdamW. max_squares: NULL without amsgrad. step counts from 1. */
TALUS_API int talus_adam_step(int device, int dtype, int count, const int64_t* numels, const int64_t* params,
                              const int64_t* grads, const int64_t* averages, const int64_t* squares,
                              const int64_t* max_squares, double lr, double beta1, double beta2, double eps,
                              double weight_decay, int decoupled, int maximize, int64_t step);

#ifdef __cplusplus
}
#endif

#endif
