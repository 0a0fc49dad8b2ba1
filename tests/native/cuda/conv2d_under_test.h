// Convolution for CUDA behind the signatures that tests call with host arrays.
#pragma once

#include "cuda_mirror.h"
#include "kernels.h"

namespace under_test {

// Bytes of what a convolution reads and writes.
struct ConvBytes {
  int64_t x, w, bias, out;

  ConvBytes(int dtype, const talus::Conv2dParams& p) {
    const int64_t item = talus::size_of(dtype);
    x = p.n * p.c * p.h * p.w * item;
    w = p.o * p.group_c() * p.kh * p.kw * item;
    bias = p.o * item;
    out = p.n * p.o * p.out_h() * p.out_w() * item;
  }
};

inline void conv2d(int dtype, const talus::Conv2dParams& p, const void* x, const void* w, const void* bias,
                   const talus::Activation& activation, void* out) {
  const ConvBytes bytes(dtype, p);
  Mirror m;
  m.reads(x, bytes.x).reads(w, bytes.w).reads(bias, bytes.bias).writes(out, bytes.out);
  talus::cuda::conv2d(dtype, p, m(x), m(w), m(bias), activation, m(out));
  m.finish();
}

inline void conv2d_backward_input(int dtype, const talus::Conv2dParams& p, const void* grad, const void* w,
                                  void* grad_x) {
  const ConvBytes bytes(dtype, p);
  Mirror m;
  m.reads(grad, bytes.out).reads(w, bytes.w).writes(grad_x, bytes.x);
  talus::cuda::conv2d_backward_input(dtype, p, m(grad), m(w), m(grad_x));
  m.finish();
}

inline void conv2d_backward_weight(int dtype, const talus::Conv2dParams& p, const void* grad, const void* x,
                                   void* grad_w) {
  const ConvBytes bytes(dtype, p);
  Mirror m;
  m.reads(grad, bytes.out).reads(x, bytes.x).writes(grad_w, bytes.w);
  talus::cuda::conv2d_backward_weight(dtype, p, m(grad), m(x), m(grad_w));
  m.finish();
}

inline void conv2d_backward_bias(int dtype, const talus::Conv2dParams& p, const void* grad, void* grad_bias) {
  const ConvBytes bytes(dtype, p);
  Mirror m;
  m.reads(grad, bytes.out).writes(grad_bias, bytes.bias);
  talus::cuda::conv2d_backward_bias(dtype, p, m(grad), m(grad_bias));
  m.finish();
}

}  // namespace under_test
