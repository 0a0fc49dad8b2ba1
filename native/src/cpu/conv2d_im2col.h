// Convolution by im2col: patches of the images are laid out as a matrix, and gemm does the rest.
#pragma once

#include "params.h"

namespace talus::cpu {

// bias: [O] or null.
template <class T>
void im2col_convolution(const Conv2dParams& p, const T* x, const T* w, const T* bias, bool relu, T* out);
template <class T>
void im2col_input_gradient(const Conv2dParams& p, const T* grad, const T* w, T* grad_x);
template <class T>
void im2col_weight_gradient(const Conv2dParams& p, const T* grad, const T* x, T* grad_w);

}  // namespace talus::cpu
