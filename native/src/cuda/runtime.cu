#include "cuda/runtime.h"

#include <array>
#include <memory>
#include <mutex>
#include <vector>

#include "cuda/device.cuh"
#include "cuda/graph.h"
#include "cuda/kernel_errors.h"
#include "cuda/memory.h"
#include "error.h"

namespace talus::cuda {

namespace {

const char* advice(cudaError_t error) {
  switch (error) {
    case cudaErrorMemoryAllocation:
      return "close tensors that are not needed or use smaller batches";
    case cudaErrorNoDevice:
    case cudaErrorInvalidDevice:
      return "see which devices Talus finds, or use the CPU (device 0)";
    case cudaErrorLaunchFailure:
      return "a kernel failed before: the device's results are lost, restart the process; compute-sanitizer finds the "
             "kernel";
    case cudaErrorStreamCaptureUnsupported:
      return "a graph is being captured: nothing may wait for the device before it ends";
    default:
      return "check that the driver fits this build and that no other process exhausts the device";
  }
}

constexpr int kMaxDevices = 64;

struct Device {
  std::once_flag once;
  DeviceProperties properties;
  std::mutex mutex;
  cudaStream_t stream = nullptr;
};

Device& device_at(int device) {
  static auto& devices = *new std::array<Device, kMaxDevices>;
  return devices[static_cast<size_t>(device)];
}

// A thread's own streams, by device.
std::array<Stream*, kMaxDevices>& own_streams() {
  thread_local std::array<Stream*, kMaxDevices> streams = {};
  return streams;
}

std::string version_text(int version) {
  return std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
}

// Why no device is found.
std::string missing_devices() {
  int count = 0, driver = 0, runtime = 0;
  const cudaError_t error = cudaGetDeviceCount(&count);
  // 0 where there is no driver.
  static_cast<void>(cudaDriverGetVersion(&driver));
  static_cast<void>(cudaRuntimeGetVersion(&runtime));
  static_cast<void>(cudaGetLastError());
  if (driver == 0) return "no NVIDIA driver is installed (libcuda cannot be loaded); install it";
  if (error == cudaErrorInsufficientDriver)
    return "the NVIDIA driver is for CUDA " + version_text(driver) + " and this build for CUDA " +
           version_text(runtime) + "; update the driver";
  if (error == cudaErrorNoDevice || error == cudaSuccess)
    return "the NVIDIA driver finds no GPU; see what nvidia-smi lists, that CUDA_VISIBLE_DEVICES hides none and that a "
           "container was given one";
  return std::string("the NVIDIA driver says: ") + cudaGetErrorString(error) + "; see what nvidia-smi lists";
}

void require_device(int device) {
  const int count = device_count();
  if (device >= 0 && device < count && device < kMaxDevices) return;
  if (count == 0)
    fail(TALUS_INVALID_ARGUMENT, "CUDA device %d does not exist: %s, or use the CPU (device 0)", device,
         missing_devices().c_str());
  fail(TALUS_INVALID_ARGUMENT, "CUDA device %d does not exist: %d found; choose one of them", device, count);
}

}  // namespace

class Stream {
 public:
  Stream() : device(cuda::current_device()) {
    TALUS_CHECK_CUDA(cudaStreamCreateWithFlags(&handle, cudaStreamNonBlocking));
  }
  const int device;
  cudaStream_t handle = nullptr;
};

class Event {
 public:
  Event() { TALUS_CHECK_CUDA(cudaEventCreateWithFlags(&handle, cudaEventDefault)); }
  cudaEvent_t handle = nullptr;
  // Of the capture it was recorded in, or 0.
  uint64_t capture = 0;

  // For what only a moment that is reached at some time can be asked.
  void require_moment(const char* what) const {
    if (capture == 0) return;
    fail(TALUS_UNSUPPORTED,
         "%s: the event was last recorded while a graph was captured: it orders the graph's own work and is never "
         "reached itself; record it again outside",
         what);
  }
};

namespace {

// Makes a stream the thread's for the length of a block; null: the device's own.
class UseStream {
 public:
  explicit UseStream(Stream* stream) : own_(own_streams()[static_cast<size_t>(current_device())]), before_(own_) {
    own_ = stream;
  }
  ~UseStream() { own_ = before_; }
  UseStream(const UseStream&) = delete;
  UseStream& operator=(const UseStream&) = delete;

 private:
  Stream*& own_;
  Stream* const before_;
};

bool is_done(cudaError_t error, const char* call) {
  if (error != cudaErrorNotReady) check(error, call);
  return error == cudaSuccess;
}

}  // namespace

void fail_call(int error, const char* call) {
  const auto code = static_cast<cudaError_t>(error);
  // Forget it, so that the next call is not blamed.
  static_cast<void>(cudaGetLastError());
  fail(code == cudaErrorMemoryAllocation ? TALUS_OUT_OF_MEMORY : TALUS_INTERNAL_ERROR, "%s: %s; %s", call,
       cudaGetErrorString(code), advice(code));
}

int device_count() {
  int count = 0;
  // Without a driver this fails, which is no error here.
  if (cudaGetDeviceCount(&count) == cudaSuccess) return count;
  static_cast<void>(cudaGetLastError());
  return 0;
}

const DeviceProperties& properties(int device) {
  require_device(device);
  Device& d = device_at(device);
  std::call_once(d.once, [&] {
    cudaDeviceProp p;
    TALUS_CHECK_CUDA(cudaGetDeviceProperties(&p, device));
    d.properties = {p.name,
                    p.major,
                    p.minor,
                    p.multiProcessorCount,
                    static_cast<int64_t>(p.totalGlobalMem),
                    p.l2CacheSize,
                    static_cast<int64_t>(p.sharedMemPerBlockOptin)};
  });
  return d.properties;
}

void use_device(int device) {
  // Every kernel asks; changing is what costs. Nobody else in this library changes it.
  thread_local int used = -1;
  if (used == device) return;
  require_device(device);
  TALUS_CHECK_CUDA(cudaSetDevice(device));
  used = device;
}

int current_device() {
  int device = 0;
  TALUS_CHECK_CUDA(cudaGetDevice(&device));
  return device;
}

CUstream_st* current_stream() {
  const int device = current_device();
  if (const Stream* own = own_streams()[static_cast<size_t>(device)]) return own->handle;
  Device& d = device_at(device);
  const std::lock_guard<std::mutex> lock(d.mutex);
  if (d.stream == nullptr) TALUS_CHECK_CUDA(cudaStreamCreateWithFlags(&d.stream, cudaStreamNonBlocking));
  return d.stream;
}

void synchronize() {
  refuse_beside_capture("synchronize");
  TALUS_CHECK_CUDA(cudaDeviceSynchronize());
  throw_kernel_error();
}

Stream* stream_create() { return new Stream; }

void stream_free(Stream* stream) {
  {
    const UseStream use(stream);
    refuse_in_capture("stream_free");
  }
  for (Stream*& own : own_streams())
    if (own == stream) own = nullptr;
  const std::unique_ptr<Stream> owned(stream);
  TALUS_CHECK_CUDA(cudaStreamSynchronize(stream->handle));
  // Nothing waits for it any more: what was freed on it is free everywhere.
  forget_stream(stream->device, stream->handle);
  TALUS_CHECK_CUDA(cudaStreamDestroy(stream->handle));
}

void stream_use(Stream* stream) {
  const int device = current_device();
  if (stream != nullptr && stream->device != device)
    fail(TALUS_INVALID_ARGUMENT, "the stream belongs to CUDA device %d, not to device %d", stream->device, device);
  own_streams()[static_cast<size_t>(device)] = stream;
}

void stream_synchronize(Stream* stream) {
  const UseStream use(stream);
  refuse_in_capture("stream_synchronize");
  TALUS_CHECK_CUDA(cudaStreamSynchronize(current_stream()));
  throw_kernel_error();
}

bool stream_query(Stream* stream) {
  const UseStream use(stream);
  refuse_in_capture("stream_query");
  return is_done(cudaStreamQuery(current_stream()), "cudaStreamQuery");
}

Event* event_create() { return new Event; }

void event_free(Event* event) {
  const std::unique_ptr<Event> owned(event);
  TALUS_CHECK_CUDA(cudaEventDestroy(event->handle));
}

void event_record(Event* event) {
  TALUS_CHECK_CUDA(cudaEventRecord(event->handle, current_stream()));
  event->capture = capture_number();
}

void event_wait(Event* event) {
  const uint64_t capture = capture_number();
  if (event->capture != capture) {
    // What a captured stream has done so far may draw others into its capture, but not the other way round.
    if (event->capture == 0)
      fail(TALUS_UNSUPPORTED,
           "event_wait: a graph is being captured on this stream, and the event was recorded outside of it; wait for "
           "it before the capture begins");
    if (capture != 0 || !join_capture(event->capture)) event->require_moment("event_wait");
  }
  TALUS_CHECK_CUDA(cudaStreamWaitEvent(current_stream(), event->handle, 0));
}

void event_synchronize(Event* event) {
  event->require_moment("event_synchronize");
  TALUS_CHECK_CUDA(cudaEventSynchronize(event->handle));
  throw_kernel_error();
}

bool event_query(Event* event) {
  event->require_moment("event_query");
  return is_done(cudaEventQuery(event->handle), "cudaEventQuery");
}

double event_milliseconds(Event* begin, Event* end) {
  begin->require_moment("event_milliseconds");
  end->require_moment("event_milliseconds");
  TALUS_CHECK_CUDA(cudaEventSynchronize(end->handle));
  float milliseconds = 0;
  TALUS_CHECK_CUDA(cudaEventElapsedTime(&milliseconds, begin->handle, end->handle));
  return static_cast<double>(milliseconds);
}

}  // namespace talus::cuda
