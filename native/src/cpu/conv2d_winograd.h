// Convolution with 3x3 kernels at stride 1 by Winograd's F(4x4, 3x3), in float32: a quarter of
// the multiplications. Rounding errors are up to 4e-6 of the largest value (512 channels; direct: 1e-6). An infinity or
// NaN reaches all outputs of its tiles.
#pragma once

#include "params.h"

namespace talus::cpu {

// Whether the functions below can compute it. Groups are convolutions of their own.
bool winograd_fits(const Conv2dParams& p);

// bias: [O] or null.
void winograd_convolution(const Conv2dParams& p, const float* x, const float* w, const float* bias, bool relu,
                          float* out);
void winograd_input_gradient(const Conv2dParams& p, const float* grad, const float* w, float* grad_x);
void winograd_weight_gradient(const Conv2dParams& p, const float* grad, const float* x, float* grad_w);

}  // namespace talus::cpu
