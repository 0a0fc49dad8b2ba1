// The pooling loops over one plane, for each instruction set.
#pragma once

#include <cstdint>

#include "cpu/isa/isa.h"

namespace talus {

// One plane's shape: Pool2dParams with the output size worked out; plain data, because the loops see it too.
struct PoolShape {
  int64_t h, w, oh, ow, kh, kw, stride_h, stride_w, pad_h, pad_w, dilation_h, dilation_w;
  bool count_include_pad;
  int64_t divisor;
};

template <class T>
struct Pool2dLoops {
  // indices may be null.
  void (*max)(const PoolShape& s, const T* x, T* out, int32_t* indices);
  // Writes all of grad_x; false if an index lies outside the plane, or outside its window where windows do not overlap.
  bool (*max_backward)(const PoolShape& s, const T* grad, const int32_t* indices, T* grad_x);
  void (*avg)(const PoolShape& s, const T* x, T* out);
  void (*avg_backward)(const PoolShape& s, const T* grad, T* grad_x);
};

struct Pool2dTable {
  Pool2dLoops<float> f32;
  Pool2dLoops<double> f64;
};

}  // namespace talus

TALUS_ISA_TABLE(Pool2dTable, pool2d_table)
