// Pooling for CUDA behind the signatures that tests call with host arrays.
#pragma once

#include "cuda_mirror.h"
#include "kernels.h"
#include "pool2d_rules.h"

namespace under_test {

inline void max_pool2d(int dtype, const talus::Pool2dParams& p, const void* x, void* out, void* taps) {
  const int64_t item = talus::size_of(dtype), outputs = p.planes * p.out_h() * p.out_w();
  Mirror m;
  m.reads(x, p.planes * p.h * p.w * item).writes(out, outputs * item);
  m.writes(taps, outputs * talus::tap_bytes(p.kh, p.kw));
  talus::cuda::max_pool2d(dtype, p, m(x), m(out), m(taps));
  m.finish();
}

inline void max_pool2d_backward(int dtype, const talus::Pool2dParams& p, const void* grad, const void* taps,
                                void* grad_x) {
  const int64_t item = talus::size_of(dtype), outputs = p.planes * p.out_h() * p.out_w();
  Mirror m;
  m.reads(grad, outputs * item).reads(taps, outputs * talus::tap_bytes(p.kh, p.kw));
  m.writes(grad_x, p.planes * p.h * p.w * item);
  talus::cuda::max_pool2d_backward(dtype, p, m(grad), m(taps), m(grad_x));
  m.finish();
}

// A kernel from x to out, of as many elements.
template <class Params>
void pool(void (*kernel)(int, const Params&, const void*, void*), int dtype, const Params& p, const void* x,
          int64_t inputs, void* out, int64_t outputs) {
  Mirror m;
  m.reads(x, inputs * talus::size_of(dtype)).writes(out, outputs * talus::size_of(dtype));
  kernel(dtype, p, m(x), m(out));
  m.finish();
}

inline void avg_pool2d(int dtype, const talus::Pool2dParams& p, const void* x, void* out) {
  pool(talus::cuda::avg_pool2d, dtype, p, x, p.planes * p.h * p.w, out, p.planes * p.out_h() * p.out_w());
}

inline void avg_pool2d_backward(int dtype, const talus::Pool2dParams& p, const void* grad, void* grad_x) {
  pool(talus::cuda::avg_pool2d_backward, dtype, p, grad, p.planes * p.out_h() * p.out_w(), grad_x,
       p.planes * p.h * p.w);
}

inline void adaptive_avg_pool2d(int dtype, const talus::AdaptivePool2dParams& p, const void* x, void* out) {
  pool(talus::cuda::adaptive_avg_pool2d, dtype, p, x, p.planes * p.h * p.w, out, p.planes * p.out_h * p.out_w);
}

inline void adaptive_avg_pool2d_backward(int dtype, const talus::AdaptivePool2dParams& p, const void* grad,
                                         void* grad_x) {
  pool(talus::cuda::adaptive_avg_pool2d_backward, dtype, p, grad, p.planes * p.out_h * p.out_w, grad_x,
       p.planes * p.h * p.w);
}

}  // namespace under_test
