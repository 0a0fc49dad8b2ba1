// CUDA's kernels behind the signatures that tests call with host arrays.
#pragma once

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
