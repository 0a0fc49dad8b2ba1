// Errors, devices and launches.
#include "runtime.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>

#include "device_memory.h"
#include "emulator.h"

namespace emulator {

namespace {

thread_local cudaError_t last_error = cudaSuccess;
thread_local int device = 0;

// One, unless the environment asks for more.
int first_device_count() {
  const char* const text = std::getenv("TALUS_EMULATED_DEVICES");
  const int count = text == nullptr ? 1 : std::atoi(text);
  return count < 0 ? 0 : count < kMaxDevices ? count : kMaxDevices;
}
int devices = first_device_count();

constexpr int kRuntimeVersion = 13000;
int driver_version = kRuntimeVersion;

int next_capability = 90;
// Of each device, once somebody has asked; 0 before.
int capabilities[kMaxDevices] = {};

std::map<const void*, int>& dynamic_limits() {
  static auto& limits = *new std::map<const void*, int>;
  return limits;
}

}  // namespace

std::recursive_mutex& runtime_mutex() {
  static std::recursive_mutex& mutex = *new std::recursive_mutex;
  return mutex;
}

cudaError_t remember(cudaError_t error) {
  if (error != cudaSuccess && error != cudaErrorNotReady) last_error = error;
  return error;
}

int device_count() { return devices; }
int current_device() { return device; }

void set_device_count(int count) {
  const RuntimeLock lock(runtime_mutex());
  devices = count < kMaxDevices ? count : kMaxDevices;
}

void set_compute_capability(int capability) {
  const RuntimeLock lock(runtime_mutex());
  next_capability = capability;
}

int compute_capability(int which) {
  const RuntimeLock lock(runtime_mutex());
  int& capability = capabilities[which];
  if (capability == 0) capability = next_capability;
  return capability;
}

void set_driver_version(int version) {
  const RuntimeLock lock(runtime_mutex());
  driver_version = version;
}

cudaError_t allow_dynamic_shared(const void* kernel, int bytes) {
  const RuntimeLock lock(runtime_mutex());
  if (bytes < 0 || static_cast<size_t>(bytes) > kSharedBytes) return remember(cudaErrorInvalidValue);
  dynamic_limits()[kernel] = bytes;
  return cudaSuccess;
}

cudaError_t active_blocks(int* blocks, int threads, size_t dynamic_shared) {
  if (threads < 1 || static_cast<unsigned>(threads) > kMaxThreads || dynamic_shared > kSharedBytes)
    return remember(cudaErrorInvalidValue);
  const int by_threads = 2048 / threads;
  const int by_memory = dynamic_shared == 0 ? by_threads : static_cast<int>((kSharedBytes + 1024) / dynamic_shared);
  *blocks = by_threads < by_memory ? by_threads : by_memory;
  return cudaSuccess;
}

cudaError_t launch(const cudaLaunchConfig_t& config, const void* kernel, KernelCall* call) {
  const RuntimeLock lock(runtime_mutex());
  const std::shared_ptr<KernelCall> owned(call);
  const dim3 &g = config.gridDim, &b = config.blockDim;
  const uint64_t threads = uint64_t{b.x} * b.y * b.z;
  if (threads == 0 || threads > kMaxThreads || b.z > 64 || g.x == 0 || g.y == 0 || g.z == 0 || g.x > 0x7fffffffu ||
      g.y > 65535 || g.z > 65535)
    return remember(cudaErrorInvalidConfiguration);
  const auto limit = dynamic_limits().find(kernel);
  const size_t allowed = limit == dynamic_limits().end() ? kDefaultSharedBytes : static_cast<size_t>(limit->second);
  if (config.dynamicSmemBytes > allowed) return remember(cudaErrorInvalidValue);
  CUstream_st* stream = stream_at(config.stream);
  if (stream == nullptr) return remember(cudaErrorInvalidResourceHandle);
  if (stream->device != current_device()) return remember(cudaErrorInvalidResourceHandle);
  const int on = stream->device;
  const size_t shared = config.dynamicSmemBytes;
  return enqueue(config.stream, [owned, g, b, shared, on] {
    const DeviceAccess access;
    const Launch launch = {{g.x, g.y, g.z}, {b.x, b.y, b.z}, shared, on, owned.get()};
    return run_grid(launch) ? cudaSuccess : cudaErrorLaunchFailure;
  });
}

}  // namespace emulator

using namespace emulator;

const char* cudaGetErrorName(cudaError_t error) {
  switch (error) {
    case cudaSuccess:
      return "cudaSuccess";
    case cudaErrorInvalidValue:
      return "cudaErrorInvalidValue";
    case cudaErrorMemoryAllocation:
      return "cudaErrorMemoryAllocation";
    case cudaErrorInvalidConfiguration:
      return "cudaErrorInvalidConfiguration";
    case cudaErrorInsufficientDriver:
      return "cudaErrorInsufficientDriver";
    case cudaErrorNoDevice:
      return "cudaErrorNoDevice";
    case cudaErrorInvalidDevice:
      return "cudaErrorInvalidDevice";
    case cudaErrorInvalidResourceHandle:
      return "cudaErrorInvalidResourceHandle";
    case cudaErrorNotReady:
      return "cudaErrorNotReady";
    case cudaErrorPeerAccessAlreadyEnabled:
      return "cudaErrorPeerAccessAlreadyEnabled";
    case cudaErrorTooManyPeers:
      return "cudaErrorTooManyPeers";
    case cudaErrorLaunchFailure:
      return "cudaErrorLaunchFailure";
    case cudaErrorNotSupported:
      return "cudaErrorNotSupported";
    case cudaErrorStreamCaptureUnsupported:
      return "cudaErrorStreamCaptureUnsupported";
    case cudaErrorStreamCaptureUnmatched:
      return "cudaErrorStreamCaptureUnmatched";
  }
  return "unknown";
}

// What a kernel did wrong is part of the text.
const char* cudaGetErrorString(cudaError_t error) {
  thread_local char text[512];
  if (error != cudaErrorLaunchFailure) return cudaGetErrorName(error);
  std::snprintf(text, sizeof text, "the kernel failed: %s", report().c_str());
  return text;
}

cudaError_t cudaPeekAtLastError() { return last_error; }

cudaError_t cudaGetLastError() {
  const cudaError_t error = last_error;
  last_error = cudaSuccess;
  return error;
}

cudaError_t cudaDriverGetVersion(int* version) {
  const RuntimeLock lock(runtime_mutex());
  *version = driver_version;
  return cudaSuccess;
}

cudaError_t cudaRuntimeGetVersion(int* version) {
  *version = kRuntimeVersion;
  return cudaSuccess;
}

cudaError_t cudaGetDeviceCount(int* count) {
  const RuntimeLock lock(runtime_mutex());
  *count = driver_version < kRuntimeVersion ? 0 : devices;
  if (driver_version < kRuntimeVersion) return remember(cudaErrorInsufficientDriver);
  return devices == 0 ? remember(cudaErrorNoDevice) : cudaSuccess;
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp* p, int which) {
  const RuntimeLock lock(runtime_mutex());
  if (which < 0 || which >= devices) return remember(cudaErrorInvalidDevice);
  std::memset(p, 0, sizeof *p);
  std::snprintf(p->name, sizeof p->name, "Emulated device %d", which);
  p->totalGlobalMem = device_bytes_total();
  p->sharedMemPerBlock = kDefaultSharedBytes;
  p->sharedMemPerBlockOptin = kSharedBytes;
  p->warpSize = kWarp;
  p->maxThreadsPerBlock = static_cast<int>(kMaxThreads);
  // Few and odd, so that tests reach grids of more than one wave.
  p->multiProcessorCount = 3;
  p->maxThreadsPerMultiProcessor = 2048;
  p->major = compute_capability(which) / 10;
  p->minor = compute_capability(which) % 10;
  p->l2CacheSize = 1 << 20;
  return cudaSuccess;
}

cudaError_t cudaSetDevice(int which) {
  const RuntimeLock lock(runtime_mutex());
  if (which < 0 || which >= devices) return remember(devices == 0 ? cudaErrorNoDevice : cudaErrorInvalidDevice);
  device = which;
  return cudaSuccess;
}

cudaError_t cudaGetDevice(int* which) {
  *which = device;
  return cudaSuccess;
}
