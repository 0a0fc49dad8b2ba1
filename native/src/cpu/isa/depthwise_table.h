// The contract between the depthwise convolution loops (cpu/conv2d_depthwise.cpp) and the kernels of each instruction
// set. A kernel works on whole planes, unpadded: rows outside are read from a row of zeros, columns outside are masked.
// A plane is `surrounded` where kDepthwiseReach elements before and after it can be read; of the zeros, always.
#pragma once

#include "activation.h"
#include "cpu/isa/isa.h"

namespace talus {

constexpr int64_t kDepthwiseReach = 48;

// One plane convolved with one square kernel, or the way back.
template <class T>
struct DepthwisePlane {
  const T* x;  // [h, w]
  int64_t h, w;
  T* out;  // [out_h, out_w]
  int64_t out_h, out_w;
  int64_t pad_h, pad_w;
  const T* weights;
  const T* zeros;  // [w]
  bool surrounded;
  T bias;
  Activation activation;
  bool add;    // to what is in out
  bool far;    // x and out are beyond the caches
  bool ahead;  // ask for the next rows of x, also those of the plane behind it, and of out
};

// sums[i * K + j] += sum over images, rows and columns of g * x, shifted by (i, j).
template <class T>
struct DepthwiseDots {
  int64_t images;
  const T* x;
  int64_t x_image, h, w;
  const T* g;
  int64_t g_image, out_h, out_w;
  int64_t pad_h, pad_w;
  const T* zeros;   // [w]
  bool surrounded;  // x and g
  T* sums;
};

// The kernels are squares of 3 or 5 elements, the stride is 1 or 2: [size == 5][stride == 2].
template <class T>
struct DepthwiseKernels {
  void (*forward[2][2])(const DepthwisePlane<T>&);
  // x is the gradient of the output of a convolution of stride 2, out that of its input.
  void (*spread[2])(const DepthwisePlane<T>&);
  void (*dots[2][2])(const DepthwiseDots<T>&);
};

struct DepthwiseTable {
  DepthwiseKernels<float> f32;
  DepthwiseKernels<double> f64;

  template <class T>
  const DepthwiseKernels<T>& of() const {
    if constexpr (sizeof(T) == sizeof(float))
      return f32;
    else
      return f64;
  }
};

}  // namespace talus

TALUS_ISA_TABLE(DepthwiseTable, depthwise_table)
