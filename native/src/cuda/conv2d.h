// The ways in which CUDA computes convolutions and their gradients; conv2d.cu chooses. All shapes have images.
#pragma once

#include <cstdint>

#include "params.h"

namespace talus::cuda {

// What computes a pass: the kernels of groups of one channel, cuda::gemm, or a product that gathers its operands.
enum class ConvKernel { Depthwise, Gemm, Product };
struct ConvWay {
  ConvKernel kernel;
  bool tensor_cores;  // operands are rounded to TF32
  int tile;           // of Product: 0 is the large one, 1 the middle one, 2 the small one
};
// What the current device would do in this pass (enum talus_conv_pass), as the setting of precision is now, with as
// many images as one launch takes. For tests that mean one of them.
ConvWay conv_way_of(int dtype, int pass, const Conv2dParams& p);

// As products of matrices, for every shape.
template <class T>
void product_convolution(const Conv2dParams& p, const T* x, const T* w, const T* bias, const Activation& activation,
                         T* out);
template <class T>
void product_input_gradient(const Conv2dParams& p, const T* grad, const T* w, T* grad_x);
template <class T>
void product_weight_gradient(const Conv2dParams& p, const T* grad, const T* x, T* grad_w);
// What these do; gradient: the input's.
template <class T>
ConvWay way_of_product(const Conv2dParams& p, bool gradient);
template <class T>
ConvWay way_of_weight_gradient(const Conv2dParams& p);

// For groups of one input channel.
template <class T>
void depthwise_convolution(const Conv2dParams& p, const T* x, const T* w, const T* bias, const Activation& activation,
                           T* out);
template <class T>
void depthwise_input_gradient(const Conv2dParams& p, const T* grad, const T* w, T* grad_x);
template <class T>
void depthwise_weight_gradient(const Conv2dParams& p, const T* grad, const T* x, T* grad_w);

// out[i] = epilogue(sum of the pieces' i-th elements, in order); channels of out have `area` elements.
template <class T>
void add_conv_pieces(const T* pieces, int count, int64_t size, int64_t area, int64_t channels, const T* bias,
                     const Activation& activation, T* out);

// Images of a launch: 32-bit offsets number the elements of what is read and written.
int64_t conv_images(const Conv2dParams& p);

}  // namespace talus::cuda
