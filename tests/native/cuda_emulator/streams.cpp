// Streams are queues that nothing runs until somebody waits, or, with a seed, until chance has it: work that is not
// ordered by a stream or an event runs in orders that a device might choose but rarely does.
#include <algorithm>
#include <chrono>
#include <map>

#include "device_memory.h"
#include "runtime.h"

namespace emulator {

namespace {

struct Queues {
  // In order of creation. The default streams, one a device, never leave.
  std::vector<std::unique_ptr<CUstream_st>> streams;
  CUstream_st* defaults[kMaxDevices] = {};
  std::map<cudaEvent_t, std::shared_ptr<CUevent_st>> events;
};

Queues& queues() {
  static Queues& all = *new Queues;
  return all;
}

// An error of work that ran before anybody waited belongs to whoever waits next.
cudaError_t pending_error = cudaSuccess;

bool ready(const CUstream_st& stream) {
  if (stream.queue.empty()) return false;
  const Operation& next = stream.queue.front();
  return next.after == nullptr || next.after->reached;
}

// One operation of a stream that chance chooses; false if none can run. An error drops all that is queued.
bool step(cudaError_t& error) {
  std::vector<CUstream_st*> candidates;
  for (const auto& stream : queues().streams)
    if (ready(*stream)) candidates.push_back(stream.get());
  if (candidates.empty()) return false;
  CUstream_st& chosen = *candidates[choose(candidates.size())];
  const Operation operation = std::move(chosen.queue.front());
  chosen.queue.pop_front();
  if (operation.run) error = operation.run();
  if (error != cudaSuccess) {
    for (const auto& stream : queues().streams) stream->queue.clear();
    for (const auto& event : queues().events)
      if (event.second->last != nullptr) event.second->last->reached = true;
  }
  return true;
}

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

std::shared_ptr<CUevent_st> event_at(cudaEvent_t event) {
  const auto found = queues().events.find(event);
  return found == queues().events.end() ? nullptr : found->second;
}

}  // namespace

CUstream_st* stream_at(cudaStream_t stream) {
  Queues& q = queues();
  if (stream == nullptr) {
    CUstream_st*& own = q.defaults[current_device()];
    if (own == nullptr) {
      q.streams.push_back(std::make_unique<CUstream_st>());
      own = q.streams.back().get();
      own->device = current_device();
    }
    return own;
  }
  for (const auto& known : q.streams)
    if (known.get() == stream) return stream;
  return nullptr;
}

cudaError_t enqueue(cudaStream_t handle, std::function<cudaError_t()> run) {
  CUstream_st* stream = stream_at(handle);
  if (stream == nullptr) return remember(cudaErrorInvalidResourceHandle);
  if (stream->capturing != nullptr) {
    stream->capturing->operations.push_back(std::move(run));
    return cudaSuccess;
  }
  stream->queue.push_back({std::move(run), nullptr});
  if (choose(2) == 1 && pending_error == cudaSuccess) step(pending_error);
  return cudaSuccess;
}

cudaError_t run_until(const std::function<bool()>& done) {
  cudaError_t error = pending_error;
  pending_error = cudaSuccess;
  // Once for all operations: changing the protection takes longer than most of them.
  const DeviceAccess access;
  while (error == cudaSuccess && !done())
    if (!step(error)) break;
  return remember(error);
}

cudaError_t run_all() {
  return run_until([] {
    const auto& all = queues().streams;
    return std::all_of(all.begin(), all.end(), [](const auto& stream) { return stream->queue.empty(); });
  });
}

bool capturing() {
  const auto& all = queues().streams;
  return std::any_of(all.begin(), all.end(), [](const auto& stream) { return stream->capturing != nullptr; });
}

void end_capture(CUgraph_st* graph) {
  for (const auto& stream : queues().streams)
    if (stream->capturing == graph) stream->capturing = nullptr;
  for (const auto& event : queues().events)
    if (event.second->captured_in == graph) event.second->captured_in = nullptr;
}

}  // namespace emulator

using namespace emulator;

cudaError_t cudaDeviceSynchronize() {
  const RuntimeLock lock(runtime_mutex());
  if (capturing()) return remember(cudaErrorStreamCaptureUnsupported);
  return run_all();
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned flags) {
  const RuntimeLock lock(runtime_mutex());
  // Streams that wait for the default stream are not emulated.
  if (flags != cudaStreamNonBlocking) return remember(cudaErrorNotSupported);
  queues().streams.push_back(std::make_unique<CUstream_st>());
  *stream = queues().streams.back().get();
  (*stream)->device = current_device();
  return cudaSuccess;
}

cudaError_t cudaStreamDestroy(cudaStream_t handle) {
  const RuntimeLock lock(runtime_mutex());
  if (handle == nullptr || stream_at(handle) == nullptr) return remember(cudaErrorInvalidResourceHandle);
  const cudaError_t error = run_until([&] { return handle->queue.empty(); });
  auto& all = queues().streams;
  all.erase(std::find_if(all.begin(), all.end(), [&](const auto& stream) { return stream.get() == handle; }));
  return error;
}

cudaError_t cudaStreamSynchronize(cudaStream_t handle) {
  const RuntimeLock lock(runtime_mutex());
  CUstream_st* stream = stream_at(handle);
  if (stream == nullptr) return remember(cudaErrorInvalidResourceHandle);
  if (stream->capturing != nullptr) return remember(cudaErrorStreamCaptureUnsupported);
  return run_until([&] { return stream->queue.empty(); });
}

// Whoever asks again and again lets the work go on.
cudaError_t cudaStreamQuery(cudaStream_t handle) {
  const RuntimeLock lock(runtime_mutex());
  CUstream_st* stream = stream_at(handle);
  if (stream == nullptr) return remember(cudaErrorInvalidResourceHandle);
  if (stream->queue.empty()) return cudaSuccess;
  cudaError_t error = cudaSuccess;
  step(error);
  return error == cudaSuccess ? cudaErrorNotReady : remember(error);
}

cudaError_t cudaStreamWaitEvent(cudaStream_t handle, cudaEvent_t which, unsigned) {
  const RuntimeLock lock(runtime_mutex());
  CUstream_st* stream = stream_at(handle);
  const auto event = event_at(which);
  if (stream == nullptr || event == nullptr) return remember(cudaErrorInvalidResourceHandle);
  // An event of a captured stream draws this stream into the capture.
  if (event->captured_in != nullptr) stream->capturing = event->captured_in;
  if (stream->capturing != nullptr) return cudaSuccess;
  stream->queue.push_back({nullptr, event->last});
  return cudaSuccess;
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned flags) {
  const RuntimeLock lock(runtime_mutex());
  auto created = std::make_shared<CUevent_st>();
  created->timing = (flags & cudaEventDisableTiming) == 0;
  *event = created.get();
  queues().events[*event] = created;
  return cudaSuccess;
}

cudaError_t cudaEventDestroy(cudaEvent_t event) {
  const RuntimeLock lock(runtime_mutex());
  return queues().events.erase(event) == 1 ? cudaSuccess : remember(cudaErrorInvalidResourceHandle);
}

cudaError_t cudaEventRecord(cudaEvent_t which, cudaStream_t handle) {
  const RuntimeLock lock(runtime_mutex());
  CUstream_st* stream = stream_at(handle);
  const auto event = event_at(which);
  if (stream == nullptr || event == nullptr) return remember(cudaErrorInvalidResourceHandle);
  event->captured_in = stream->capturing;
  if (stream->capturing != nullptr) return cudaSuccess;
  const auto record = event->last = std::make_shared<EventRecord>();
  stream->queue.push_back({[record] {
                             record->reached = true;
                             record->seconds = now();
                             return cudaSuccess;
                           },
                           nullptr});
  return cudaSuccess;
}

cudaError_t cudaEventSynchronize(cudaEvent_t which) {
  const RuntimeLock lock(runtime_mutex());
  const auto event = event_at(which);
  if (event == nullptr) return remember(cudaErrorInvalidResourceHandle);
  if (event->captured_in != nullptr) return remember(cudaErrorStreamCaptureUnsupported);
  return run_until([&] { return event->reached(); });
}

cudaError_t cudaEventQuery(cudaEvent_t which) {
  const RuntimeLock lock(runtime_mutex());
  const auto event = event_at(which);
  if (event == nullptr) return remember(cudaErrorInvalidResourceHandle);
  if (event->captured_in != nullptr) return remember(cudaErrorStreamCaptureUnsupported);
  if (event->reached()) return cudaSuccess;
  cudaError_t error = cudaSuccess;
  step(error);
  return error == cudaSuccess ? cudaErrorNotReady : remember(error);
}

cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t begin, cudaEvent_t end) {
  const RuntimeLock lock(runtime_mutex());
  const auto first = event_at(begin), last = event_at(end);
  if (first == nullptr || last == nullptr || !first->timing || !last->timing)
    return remember(cudaErrorInvalidResourceHandle);
  if (!first->reached() || !last->reached()) return cudaErrorNotReady;
  if (first->last == nullptr || last->last == nullptr) return remember(cudaErrorInvalidResourceHandle);
  *milliseconds = static_cast<float>((last->last->seconds - first->last->seconds) * 1000);
  return cudaSuccess;
}
