// Convolution with 3x3 kernels by Winograd's algorithm, in float32: at stride 1 F(4x4, 3x3), a quarter of the
// multiplications, at stride 2 F(4x4, 2x2) of four phases, 9/16 of them. Rounding errors are up to 4e-6 of the largest
// value (512 channels; direct: 1e-6). An infinity or NaN reaches all outputs of its tiles.
#pragma once

#include "cpu/conv2d_choice.h"
#include "params.h"

namespace talus::cpu {

// Whether the functions below can compute this pass. Groups are convolutions of their own.
bool winograd_fits(ConvPass pass, const Conv2dParams& p);

// bias: [O] or null.
void winograd_convolution(const Conv2dParams& p, const float* x, const float* w, const float* bias,
                          const Activation& activation, float* out);
void winograd_input_gradient(const Conv2dParams& p, const float* grad, const float* w, float* grad_x);
void winograd_weight_gradient(const Conv2dParams& p, const float* grad, const float* x, float* grad_w);

}  // namespace talus::cpu
