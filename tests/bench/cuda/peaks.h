// What this device can do at most, measured: the ceilings that kernels are compared with.
#pragma once

#include "timing.h"

namespace bench {

struct Peaks {
  double kernel_copy, driver_copy;  // bytes read and written each second, by a plain kernel and by cudaMemcpyAsync
  double fma;                       // float32 operations each second, two for a fused multiply-add
  double tf32;                      // the same of TF32 products on tensor cores; 0: the device has none

  double bandwidth() const { return kernel_copy > driver_copy ? kernel_copy : driver_copy; }
};

Peaks measure_peaks(const CacheFlush& flush, bool small);

}  // namespace bench
