// The one include of files with kernels: CUDA, or in tests the emulator of tests/native/cuda_emulator, whose
// cuda_runtime.h comes first then. Kernels never rely on which of the two it is.
#pragma once

#include <cuda_runtime.h>

// For headers that kernels of all devices share.
#define TALUS_CUDA_KERNELS 1

#include <cstdint>
#include <utility>

#include "cuda/runtime.h"

// Shared variables are declared by macros, because the emulator hands out their memory: the type comes whole, as in
// CUDA_SHARED(float[32][33], tile). Vectors are read from arrays of single elements, hence the alignment.
#if defined(__CUDACC__)
namespace talus::cuda {
template <class T>
struct SharedType {
  using type = T;
};
}  // namespace talus::cuda
#define CUDA_SHARED(whole, name) __shared__ __align__(16) typename talus::cuda::SharedType<whole>::type name
#define CUDA_DYNAMIC_SHARED(type, name)                                       \
  extern __shared__ __align__(16) unsigned char talus_dynamic_shared_bytes[]; \
  type* const name = reinterpret_cast<type*>(talus_dynamic_shared_bytes)
#endif

namespace talus::cuda {

constexpr int kWarp = 32;
constexpr unsigned kAllLanes = 0xffffffffu;

inline void check(cudaError_t error, const char* call) {
  if (error != cudaSuccess) fail_call(static_cast<int>(error), call);
}

// Puts a kernel on the current stream of the current device.
template <class... Parameters, class... Arguments>
void launch(void (*kernel)(Parameters...), dim3 grid, dim3 block, size_t dynamic_shared, Arguments&&... arguments) {
  cudaLaunchConfig_t config = {};
  config.gridDim = grid;
  config.blockDim = block;
  config.dynamicSmemBytes = dynamic_shared;
  config.stream = current_stream();
  check(cudaLaunchKernelEx(&config, kernel, static_cast<Parameters>(arguments)...), "cudaLaunchKernelEx");
}

}  // namespace talus::cuda

#define TALUS_CHECK_CUDA(call) ::talus::cuda::check(call, #call)
