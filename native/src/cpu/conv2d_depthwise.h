// Convolution whose groups have one input channel each, plane by plane, without padding or patches.
#pragma once

#include "params.h"

namespace talus::cpu {

// Square kernels of 3 or 5 elements, stride 1 or 2, no dilation, padding up to 8, any number of outputs for each
// input.
bool depthwise_can(const Conv2dParams& p);

// bias: [O] or null.
template <class T>
void depthwise_convolution(const Conv2dParams& p, const T* x, const T* w, const T* bias, const Activation& activation,
                           T* out);
template <class T>
void depthwise_input_gradient(const Conv2dParams& p, const T* grad, const T* w, T* grad_x);
template <class T>
void depthwise_weight_gradient(const Conv2dParams& p, const T* grad, const T* x, T* grad_w);

}  // namespace talus::cpu
