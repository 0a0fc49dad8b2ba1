// Convolution whose lanes are the output channels of a group: neither the width of rows nor a stride leaves any idle.
#pragma once

#include "cpu/conv2d_choice.h"

namespace talus::cpu {

// Whether the pass's outputs of a group (the input's channels, for their gradient) are whole registers, or halves; no
// dilation, and forward a horizontal stride of 1 or 2.
template <class T>
bool channels_can(ConvPass pass, const Conv2dParams& p);

// bias: [O] or null.
template <class T>
void channels_convolution(const Conv2dParams& p, const T* x, const T* w, const T* bias, const Activation& activation,
                          T* out);
template <class T>
void channels_input_gradient(const Conv2dParams& p, const T* grad, const T* w, T* grad_x);
template <class T>
void channels_weight_gradient(const Conv2dParams& p, const T* grad, const T* x, T* grad_w);

}  // namespace talus::cpu
