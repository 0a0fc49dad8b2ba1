// The shapes of convolution and pooling: the output-size formulas exist here, once.
#pragma once

#include <cstdint>

#include "activation.h"
#include "talus/talus.h"

namespace talus {

struct Conv2dParams {
  int64_t n, c, h, w, o, kh, kw, stride_h, stride_w, pad_h, pad_w, dilation_h, dilation_w, groups;

  explicit Conv2dParams(const int64_t* p)
      : n(p[TALUS_CONV_N]),
        c(p[TALUS_CONV_C]),
        h(p[TALUS_CONV_H]),
        w(p[TALUS_CONV_W]),
        o(p[TALUS_CONV_O]),
        kh(p[TALUS_CONV_KH]),
        kw(p[TALUS_CONV_KW]),
        stride_h(p[TALUS_CONV_STRIDE_H]),
        stride_w(p[TALUS_CONV_STRIDE_W]),
        pad_h(p[TALUS_CONV_PAD_H]),
        pad_w(p[TALUS_CONV_PAD_W]),
        dilation_h(p[TALUS_CONV_DILATION_H]),
        dilation_w(p[TALUS_CONV_DILATION_W]),
        groups(p[TALUS_CONV_GROUPS]) {}

  int64_t out_h() const { return (h + 2 * pad_h - dilation_h * (kh - 1) - 1) / stride_h + 1; }
  int64_t out_w() const { return (w + 2 * pad_w - dilation_w * (kw - 1) - 1) / stride_w + 1; }
  int64_t group_c() const { return c / groups; }
  int64_t group_o() const { return o / groups; }
};

struct Pool2dParams {
  int64_t planes, h, w, kh, kw, stride_h, stride_w, pad_h, pad_w, dilation_h, dilation_w;
  bool ceil_mode, count_include_pad;
  int64_t divisor;

  explicit Pool2dParams(const int64_t* p)
      : planes(p[TALUS_POOL_PLANES]),
        h(p[TALUS_POOL_H]),
        w(p[TALUS_POOL_W]),
        kh(p[TALUS_POOL_KH]),
        kw(p[TALUS_POOL_KW]),
        stride_h(p[TALUS_POOL_STRIDE_H]),
        stride_w(p[TALUS_POOL_STRIDE_W]),
        pad_h(p[TALUS_POOL_PAD_H]),
        pad_w(p[TALUS_POOL_PAD_W]),
        dilation_h(p[TALUS_POOL_DILATION_H]),
        dilation_w(p[TALUS_POOL_DILATION_W]),
        ceil_mode(p[TALUS_POOL_CEIL_MODE] != 0),
        count_include_pad(p[TALUS_POOL_COUNT_INCLUDE_PAD] != 0),
        divisor(p[TALUS_POOL_DIVISOR]) {}

  int64_t out_h() const { return out_size(h, kh, stride_h, pad_h, dilation_h); }
  int64_t out_w() const { return out_size(w, kw, stride_w, pad_w, dilation_w); }

 private:
  int64_t out_size(int64_t in, int64_t kernel, int64_t stride, int64_t pad, int64_t dilation) const {
    const int64_t span = in + 2 * pad - dilation * (kernel - 1) - 1;
    int64_t out = (span + (ceil_mode ? stride - 1 : 0)) / stride + 1;
    // In ceil mode the last window must start inside the input or its left padding.
    if (ceil_mode && (out - 1) * stride >= in + pad) --out;
    return out;
  }
};

// Window i of an axis covers [floor(i * in / out), ceil((i + 1) * in / out)).
struct AdaptivePool2dParams {
  int64_t planes, h, w, out_h, out_w;
};

// One call of talus_gemm; see the border for the meaning of each field.
struct GemmParams {
  int64_t batch;
  bool trans_a, trans_b;
  int64_t m, n, k;
  double alpha;
  const void* a;
  int64_t lda, stride_a;
  const void* b;
  int64_t ldb, stride_b;
  double beta;
  void* c;
  int64_t ldc, stride_c;
  const void* bias;
  Activation activation;
  bool row_bias = false;  // bias is [m], added to every column
};

}  // namespace talus
