// Convolution as products of matrices, whose patches are packed from the images as gemm's kernels read them.
#pragma once

#include "cpu/conv2d_image.h"

namespace talus::cpu {

// x [N, C, H, W] * w -> out [N, O, OH, OW]. bias: [O] or null.
template <class T>
void implicit_convolution(const DirectShape& s, const T* x, const T* w, const T* bias, const Activation& activation,
                          T* out);
// grad [N, O, OH, OW] -> grad_x [N, C, H, W], where `s` is the forward pass.
template <class T>
void implicit_input_gradient(const DirectShape& s, const T* grad, const T* w, T* grad_x);

template <class T>
void im2col_input_gradient(const Conv2dParams& p, const T* grad, const T* w, T* grad_x);
template <class T>
void im2col_weight_gradient(const Conv2dParams& p, const T* grad, const T* x, T* grad_w);

}  // namespace talus::cpu
