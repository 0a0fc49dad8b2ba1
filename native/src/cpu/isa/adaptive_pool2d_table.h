// The loops of adaptive average pooling over planes, for each instruction set.
#pragma once

#include <cstdint>

#include "cpu/isa/isa.h"

namespace talus {

// All take `planes` planes that follow each other; `line` has room for a row of the input.
template <class T>
struct AdaptivePool2dLoops {
  void (*avg)(int64_t planes, int64_t h, int64_t w, int64_t oh, int64_t ow, const T* x, T* out, T* line);
  // Writes all of grad_x.
  void (*avg_backward)(int64_t planes, int64_t h, int64_t w, int64_t oh, int64_t ow, const T* grad, T* grad_x, T* line);
};

struct AdaptivePool2dTable {
  AdaptivePool2dLoops<float> f32;
  AdaptivePool2dLoops<double> f64;
};

}  // namespace talus

TALUS_ISA_TABLE(AdaptivePool2dTable, adaptive_pool2d_table)
