// Convolution without patches: forward and the input's gradient share one kernel.
#pragma once

#include "cpu/conv2d_image.h"

namespace talus::cpu {

// Multiply-adds that are worth waking a thread for.
constexpr int64_t kConvParallelWork = 1 << 20;

// x [N, C, H, W] * w -> out [N, O, OH, OW]. `turned`: w is [C, O/groups, KH, KW] and turned by 180 degrees, as the
// gradient of the input needs it. bias: [O] or null.
template <class T>
void direct_convolution(const DirectShape& s, const T* x, const T* w, bool turned, const T* bias,
                        const Activation& activation, T* out);

// The gradient of the input at any stride, without dilation.
template <class T>
void direct_strided_input_gradient(const Conv2dParams& p, const T* grad, const T* w, T* grad_x);

template <class T>
void direct_weight_gradient(const Conv2dParams& p, const T* grad, const T* x, T* grad_w);

}  // namespace talus::cpu
