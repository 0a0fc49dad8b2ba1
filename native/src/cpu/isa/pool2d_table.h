// The pooling loops over planes, for each instruction set.
#pragma once

#include <cstdint>

#include "cpu/isa/isa.h"

namespace talus {

// One plane's shape: Pool2dParams with the output size worked out; plain data, because the loops see it too.
struct PoolShape {
  int64_t h, w, oh, ow, kh, kw, stride_h, stride_w, pad_h, pad_w, dilation_h, dilation_w;
  bool count_include_pad;
  int64_t divisor;
  bool far = false;  // the planes are in no cache, and are asked for ahead
};

// All take `planes` planes that follow each other; `workspace` has workspace(s) bytes, aligned to 64.
//
// A tap says which element of its window an output chose: kh * KW + kw, as uint8 where the window has at most 256
// elements, else as int32.
template <class T>
struct Pool2dLoops {
  int64_t (*workspace)(const PoolShape& s);
  // taps may be null.
  void (*max)(const PoolShape& s, int64_t planes, const T* x, T* out, void* taps, char* workspace);
  // Writes all of grad_x; false if a tap lies outside its window.
  bool (*max_backward)(const PoolShape& s, int64_t planes, const T* grad, const void* taps, T* grad_x);
  void (*avg)(const PoolShape& s, int64_t planes, const T* x, T* out, char* workspace);
  void (*avg_backward)(const PoolShape& s, int64_t planes, const T* grad, T* grad_x, char* workspace);
};

struct Pool2dTable {
  Pool2dLoops<float> f32;
  Pool2dLoops<double> f64;
};

}  // namespace talus

TALUS_ISA_TABLE(Pool2dTable, pool2d_table)
