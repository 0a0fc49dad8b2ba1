// Allocation and copies.
#include <cstdlib>
#include <cstring>
#include <map>

#include "device_memory.h"
#include "emulator.h"
#include "runtime.h"
#include "shadow.h"

namespace emulator {

namespace {

std::map<const char*, size_t>& pinned() {
  static auto& blocks = *new std::map<const char*, size_t>;
  return blocks;
}

bool on_device(const void* address) { return device_of(address) >= 0; }

void move(void* to, const void* from, size_t bytes) {
  const DeviceAccess access;
  std::memmove(to, from, bytes);
  if (on_device(from))
    shadow_copy(to, from, bytes);
  else
    shadow_state(to, bytes, ByteState::Written);
}

bool fits(const void* address, size_t bytes) { return !on_device(address) || device_bytes_at(address) >= bytes; }

bool kind_fits(cudaMemcpyKind kind, bool to_device, bool from_device) {
  switch (kind) {
    case cudaMemcpyHostToHost:
      return !to_device && !from_device;
    case cudaMemcpyHostToDevice:
      return to_device && !from_device;
    case cudaMemcpyDeviceToHost:
      return !to_device && from_device;
    case cudaMemcpyDeviceToDevice:
      return to_device && from_device;
    default:
      return true;
  }
}

}  // namespace

bool is_pinned(const void* address) {
  const char* const at = static_cast<const char*>(address);
  auto block = pinned().upper_bound(at);
  if (block == pinned().begin()) return false;
  --block;
  return at < block->first + block->second;
}

}  // namespace emulator

using namespace emulator;

cudaError_t cudaMalloc(void** address, size_t bytes) {
  const RuntimeLock lock(runtime_mutex());
  if (device_count() == 0) return remember(cudaErrorNoDevice);
  *address = nullptr;
  if (bytes == 0) return cudaSuccess;
  *address = device_allocate(current_device(), bytes);
  return *address == nullptr ? remember(cudaErrorMemoryAllocation) : cudaSuccess;
}

cudaError_t cudaFree(void* address) {
  const RuntimeLock lock(runtime_mutex());
  if (address == nullptr) return cudaSuccess;
  if (capturing()) return remember(cudaErrorStreamCaptureUnsupported);
  const cudaError_t error = run_all();
  if (!device_release(address)) return remember(cudaErrorInvalidValue);
  return error;
}

cudaError_t cudaMallocAsync(void** address, size_t bytes, cudaStream_t stream) {
  const RuntimeLock lock(runtime_mutex());
  if (stream_at(stream) == nullptr) return remember(cudaErrorInvalidResourceHandle);
  return cudaMalloc(address, bytes);
}

cudaError_t cudaFreeAsync(void* address, cudaStream_t stream) {
  const RuntimeLock lock(runtime_mutex());
  if (device_bytes_at(address) == 0) return remember(cudaErrorInvalidValue);
  return enqueue(stream, [address] { return device_release(address) ? cudaSuccess : cudaErrorInvalidValue; });
}

cudaError_t cudaMemGetInfo(size_t* idle, size_t* total) {
  const RuntimeLock lock(runtime_mutex());
  *total = device_bytes_total();
  *idle = *total - device_bytes_used(current_device());
  return cudaSuccess;
}

cudaError_t cudaHostAlloc(void** address, size_t bytes, unsigned) {
  const RuntimeLock lock(runtime_mutex());
  *address = std::malloc(bytes);
  if (*address == nullptr) return remember(cudaErrorMemoryAllocation);
  pinned()[static_cast<const char*>(*address)] = bytes;
  return cudaSuccess;
}

cudaError_t cudaFreeHost(void* address) {
  const RuntimeLock lock(runtime_mutex());
  if (address == nullptr) return cudaSuccess;
  const cudaError_t error = run_all();
  if (pinned().erase(static_cast<const char*>(address)) == 0) return remember(cudaErrorInvalidValue);
  std::free(address);
  return error;
}

cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t bytes, cudaMemcpyKind kind, cudaStream_t stream) {
  const RuntimeLock lock(runtime_mutex());
  if (bytes == 0) return cudaSuccess;
  if (!kind_fits(kind, on_device(to), on_device(from)) || !fits(to, bytes) || !fits(from, bytes))
    return remember(cudaErrorInvalidValue);
  CUstream_st* const queue = stream_at(stream);
  if (queue == nullptr) return remember(cudaErrorInvalidResourceHandle);
  const bool from_pageable = !on_device(from) && !is_pinned(from), to_pageable = !on_device(to) && !is_pinned(to);
  if ((from_pageable || to_pageable) && queue->capturing != nullptr) return remember(cudaErrorStreamCaptureUnsupported);
  if (from_pageable) {
    // The caller may change it as soon as this function has returned.
    const auto* const first = static_cast<const char*>(from);
    const auto staged = std::make_shared<std::vector<char>>(first, first + bytes);
    const cudaError_t error = enqueue(stream, [=] {
      move(to, staged->data(), bytes);
      return cudaSuccess;
    });
    return error != cudaSuccess || !to_pageable ? error : cudaStreamSynchronize(stream);
  }
  const cudaError_t error = enqueue(stream, [=] {
    move(to, from, bytes);
    return cudaSuccess;
  });
  return error == cudaSuccess && to_pageable ? cudaStreamSynchronize(stream) : error;
}

cudaError_t cudaMemcpyPeerAsync(void* to, int to_device, const void* from, int from_device, size_t bytes,
                                cudaStream_t stream) {
  const RuntimeLock lock(runtime_mutex());
  if (to_device < 0 || to_device >= device_count() || from_device < 0 || from_device >= device_count())
    return remember(cudaErrorInvalidDevice);
  if (!on_device(to) || device_of(to) != to_device || !on_device(from) || device_of(from) != from_device)
    return remember(cudaErrorInvalidValue);
  const cudaError_t error = cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice, stream);
  // The stream's device copies.
  if (error == cudaSuccess && from_device != to_device) {
    const int copying = stream_at(stream)->device;
    note_peer_copy(copying, copying == to_device ? from_device : to_device);
  }
  return error;
}

cudaError_t cudaMemcpy(void* to, const void* from, size_t bytes, cudaMemcpyKind kind) {
  const RuntimeLock lock(runtime_mutex());
  const cudaError_t error = cudaMemcpyAsync(to, from, bytes, kind, nullptr);
  return error == cudaSuccess ? cudaStreamSynchronize(nullptr) : error;
}

cudaError_t cudaMemsetAsync(void* to, int value, size_t bytes, cudaStream_t stream) {
  const RuntimeLock lock(runtime_mutex());
  if (bytes == 0) return cudaSuccess;
  if (!on_device(to) || !fits(to, bytes)) return remember(cudaErrorInvalidValue);
  return enqueue(stream, [=] {
    const DeviceAccess access;
    std::memset(to, value, bytes);
    shadow_state(to, bytes, ByteState::Written);
    return cudaSuccess;
  });
}
