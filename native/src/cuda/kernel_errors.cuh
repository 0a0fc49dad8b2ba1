// How kernels check values and report those that are errors.
#pragma once

#include "cuda/device.cuh"
#include "cuda/kernel_errors.h"

namespace talus::cuda {

__device__ __forceinline__ static void report(KernelError* error, KernelError::Kind kind, const char* what = nullptr,
                                              int64_t index = 0, int64_t position = 0, int64_t size = 0,
                                              int64_t ignore_index = 0) {
  if (atomicCAS(&error->state, KernelError::kNone, KernelError::kBeingWritten) != KernelError::kNone) return;
  error->kind = kind;
  error->what = what;
  error->index = index;
  error->position = position;
  error->size = size;
  error->ignore_index = ignore_index;
  // Streams that nobody waited for may be writing while the host looks.
  __threadfence_system();
  atomicExch(&error->state, KernelError::kReported);
}

// A kernel's argument: the indices of an operation are at least 0 and less than size.
struct IndexCheck {
  const char* what;
  int64_t size;
  KernelError* error;

  IndexCheck(const char* operation, int64_t bound) : what(operation), size(bound), error(kernel_error()) {}

  __device__ __forceinline__ bool fits(int64_t index) const {
    return static_cast<uint64_t>(index) < static_cast<uint64_t>(size);
  }
  __device__ __forceinline__ void refuse(int64_t index, int64_t position) const {
    report(error, KernelError::kIndex, what, index, position, size);
  }
};

}  // namespace talus::cuda
