// CUDA's kernels behind the signatures that tests call with host arrays.
#pragma once

#include "cuda/conv2d_under_test.h"
#include "cuda/dropout_under_test.h"
#include "cuda/image_under_test.h"
#include "cuda/indexing_under_test.h"
#include "cuda/loss_under_test.h"
#include "cuda/norm_under_test.h"
#include "cuda/optim_under_test.h"
#include "cuda/pool2d_under_test.h"
#include "cuda_mirror.h"
#include "elementwise_rules.h"
#include "kernels.h"

namespace under_test {

using talus::Geometry;
using talus::size_of;

inline void copy(int src_dtype, int dst_dtype, const Geometry<2>& g, const void* src, void* dst) {
  Mirror m;
  m.operands(g, {{dst, size_of(dst_dtype)}, {src, size_of(src_dtype)}});
  talus::cuda::copy(src_dtype, dst_dtype, g, m(src), m(dst));
  m.finish();
}

inline void fill(int dtype, const Geometry<1>& g, double value, int64_t int_value, void* out) {
  Mirror m;
  m.operands(g, {{out, size_of(dtype)}});
  talus::cuda::fill(dtype, g, value, int_value, m(out));
  m.finish();
}

inline void arange(int dtype, int64_t n, double start, double step, void* out) {
  Mirror m;
  m.writes(out, n * size_of(dtype));
  talus::cuda::arange(dtype, n, start, step, m(out));
  m.finish();
}

inline void unary(int op, int dtype, const Geometry<2>& g, const void* x, double p0, double p1, void* out) {
  Mirror m;
  m.operands(g, {{out, talus::is_unary_test(op) ? 1 : size_of(dtype)}, {x, size_of(dtype)}});
  talus::cuda::unary(op, dtype, g, m(x), p0, p1, m(out));
  m.finish();
}

inline void binary(int op, int dtype, const Geometry<3>& g, const void* x, const void* y, double p0, void* out) {
  const int64_t item = size_of(dtype);
  Mirror m;
  m.operands(g, {{out, talus::is_binary_test(op) ? 1 : item}, {x, item}, {y, item}});
  talus::cuda::binary(op, dtype, g, m(x), m(y), p0, m(out));
  m.finish();
}

inline void where(int dtype, const Geometry<4>& g, const void* c, const void* x, const void* y, void* out) {
  const int64_t item = size_of(dtype);
  Mirror m;
  m.operands(g, {{out, item}, {c, 1}, {x, item}, {y, item}});
  talus::cuda::where(dtype, g, m(c), m(x), m(y), m(out));
  m.finish();
}

inline void reduce(int op, int dtype, int ndim, int kept, const int64_t* geometry, const void* x, double p0, void* out,
                   int64_t* indices) {
  int64_t outputs = 1, last = 0, elements = 1;
  for (int d = 0; d < ndim; ++d) {
    if (d < kept) outputs *= geometry[d];
    elements *= geometry[d];
    last += (geometry[d] - 1) * geometry[ndim + d];
  }
  const bool truth = op == TALUS_ALL || op == TALUS_ANY, wide = op == TALUS_SUM || op == TALUS_PROD;
  const bool floating = dtype == TALUS_FLOAT32 || dtype == TALUS_FLOAT64;
  Mirror m;
  m.reads(x, elements == 0 ? 0 : (last + 1) * size_of(dtype));
  m.writes(out, outputs * (truth ? 1 : wide && !floating ? 8 : size_of(dtype))).writes(indices, outputs * 8);
  talus::cuda::reduce(op, dtype, ndim, kept, geometry, m(x), p0, m(out), m(indices));
  m.finish();
}

inline void softmax(bool log, int dtype, int64_t rows, int64_t cols, const void* x, void* out) {
  const int64_t bytes = rows * cols * size_of(dtype);
  Mirror m;
  m.reads(x, bytes).writes(out, bytes);
  talus::cuda::softmax(log, dtype, rows, cols, m(x), m(out));
  m.finish();
}

inline void softmax_backward(bool log, int dtype, int64_t rows, int64_t cols, const void* grad, const void* y,
                             void* grad_x) {
  const int64_t bytes = rows * cols * size_of(dtype);
  Mirror m;
  m.reads(grad, bytes).reads(y, bytes).writes(grad_x, bytes);
  talus::cuda::softmax_backward(log, dtype, rows, cols, m(grad), m(y), m(grad_x));
  m.finish();
}

inline void gemm(int dtype, const talus::GemmParams& p) {
  const int64_t item = size_of(dtype), last = p.batch - 1;
  // Up to the last element of the last line of the last entry.
  const auto bytes = [&](int64_t lines, int64_t columns, int64_t ld, int64_t stride) {
    return p.batch == 0 || lines == 0 || columns == 0 ? 0 : (last * stride + (lines - 1) * ld + columns) * item;
  };
  Mirror m;
  m.reads(p.a, bytes(p.trans_a ? p.k : p.m, p.trans_a ? p.m : p.k, p.lda, p.stride_a));
  m.reads(p.b, bytes(p.trans_b ? p.n : p.k, p.trans_b ? p.k : p.n, p.ldb, p.stride_b));
  m.reads(p.bias, (p.row_bias ? p.m : p.n) * item);
  m.writes(p.c, bytes(p.m, p.n, p.ldc, p.stride_c));
  talus::GemmParams on_device = p;
  on_device.a = m(p.a);
  on_device.b = m(p.b);
  on_device.bias = m(p.bias);
  on_device.c = m(p.c);
  talus::cuda::gemm(dtype, on_device);
  m.finish();
}

}  // namespace under_test
