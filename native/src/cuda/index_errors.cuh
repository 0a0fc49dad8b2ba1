// How kernels check indices.
#pragma once

#include "cuda/device.cuh"
#include "cuda/index_errors.h"

namespace talus::cuda {

__device__ __forceinline__ static void report(IndexError* error, const char* what, int64_t index, int64_t position,
                                              int64_t size, int64_t ignore_index) {
  if (atomicCAS(&error->state, IndexError::kNone, IndexError::kBeingWritten) != IndexError::kNone) return;
  error->what = what;
  error->index = index;
  error->position = position;
  error->size = size;
  error->ignore_index = ignore_index;
  // Streams that nobody waited for may be writing while the host looks.
  __threadfence_system();
  atomicExch(&error->state, IndexError::kReported);
}

// A kernel's argument: the indices of an operation are at least 0 and less than size.
struct IndexCheck {
  const char* what;
  int64_t size;
  IndexError* error;

  IndexCheck(const char* operation, int64_t bound) : what(operation), size(bound), error(index_error()) {}

  __device__ __forceinline__ bool fits(int64_t index) const {
    return static_cast<uint64_t>(index) < static_cast<uint64_t>(size);
  }
  __device__ __forceinline__ void refuse(int64_t index, int64_t position) const {
    report(error, what, index, position, size, 0);
  }
};

}  // namespace talus::cuda
