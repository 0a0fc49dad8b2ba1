// What the parts of the emulated CUDA runtime share: streams as queues, errors, and the lock around all of it.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "cuda_runtime.h"

// One recording of an event, in one stream: another stream may come to a later one first.
struct EventRecord {
  bool reached = false;
  double seconds = 0;
};

struct CUevent_st {
  std::shared_ptr<EventRecord> last;  // null before the first
  CUgraph_st* captured_in = nullptr;
  bool timing = false;

  bool reached() const { return last == nullptr || last->reached; }
};

struct Operation {
  std::function<cudaError_t()> run;
  // Not before this was reached. Null: at any time.
  std::shared_ptr<const EventRecord> after;
};

struct CUgraph_st {
  // In the order in which they were captured, which respects streams and events.
  std::vector<std::function<cudaError_t()>> operations;
  CUstream_st* origin = nullptr;
};

struct CUstream_st {
  int device = 0;
  std::deque<Operation> queue;
  CUgraph_st* capturing = nullptr;
};

namespace emulator {

std::recursive_mutex& runtime_mutex();
using RuntimeLock = std::lock_guard<std::recursive_mutex>;

// Keeps an error for cudaGetLastError, and returns it.
cudaError_t remember(cudaError_t error);
int device_count();
int current_device();
// As 90 for 9.0.
int compute_capability(int device);

// The default stream of the current device for null; null if there is no such stream.
CUstream_st* stream_at(cudaStream_t stream);
// Queues an operation, or captures it. What is queued runs at the latest when somebody waits for it.
cudaError_t enqueue(cudaStream_t stream, std::function<cudaError_t()> run);
// Runs operations of any streams until `done`; the first error of an operation ends all that was queued.
cudaError_t run_until(const std::function<bool()>& done);
cudaError_t run_all();
// Whether waiting is forbidden because some stream is being captured.
bool capturing();
// Lets go of all streams and events of this capture.
void end_capture(CUgraph_st* graph);

bool is_pinned(const void* address);
// Counts a copy that this device makes from or to another one.
void note_peer_copy(int device, int other);

}  // namespace emulator
