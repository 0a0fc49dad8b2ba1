// The border's functions that exist for every device: which twin they call.
#pragma once

#include "api_guard.h"
#include "talus/talus.h"

namespace talus {

// The function of the device's kind; throws where the device is missing.
template <class F>
F* function_on(int device, F* on_cpu, F* on_cuda) {
  if (device == TALUS_DEVICE_CPU) return on_cpu;
  use_cuda(device);
  return on_cuda;
}

// Twins of this name, for kernels and for what is no kernel: the allocator, random numbers; `device` is the calling
// function's.
#if defined(TALUS_HAS_CUDA)
#define TALUS_KERNEL(name) function_on(device, cpu::name, cuda::name)
#define TALUS_TWIN(name) function_on(device, talus::name, cuda::name)
#else
#define TALUS_KERNEL(name) function_on(device, cpu::name, static_cast<decltype(&cpu::name)>(nullptr))
#define TALUS_TWIN(name) function_on(device, talus::name, static_cast<decltype(&talus::name)>(nullptr))
#endif

}  // namespace talus
