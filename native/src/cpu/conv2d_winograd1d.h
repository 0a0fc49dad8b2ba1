// Convolution with kernels three rows high, at stride 1, by Winograd's F(4, 3) down columns, in float32: half of the
// multiplications. What is multiplied are rows, which may be as wide and of as few channels as they are. An infinity or
// NaN reaches all four rows of its tiles.
#pragma once

#include "cpu/conv2d_choice.h"
#include "params.h"

namespace talus::cpu {

// Whether the functions below can compute this pass. Groups are convolutions of their own.
bool winograd1d_fits(ConvPass pass, const Conv2dParams& p);

// bias: [O] or null.
void winograd1d_convolution(const Conv2dParams& p, const float* x, const float* w, const float* bias,
                            const Activation& activation, float* out);
void winograd1d_input_gradient(const Conv2dParams& p, const float* grad, const float* w, float* grad_x);

}  // namespace talus::cpu
