// The loops that reach the machine's limits, compiled for every instruction set with fused multiply-add.
#pragma once

#include <cstddef>

namespace bench {

struct PeakLoops {
  // Runs `repeats` times through a block of independent multiply-adds from registers; returns how many operations
  // that were, a multiply-add counting as two.
  double (*fma)(int repeats);
  // Over n floats, n a multiple of 64.
  void (*read)(const float* data, size_t n);
  void (*update)(float* data, size_t n);
};

// Those of the widest instruction set that this processor has; null without fused multiply-add.
const PeakLoops* widest_loops();

}  // namespace bench
