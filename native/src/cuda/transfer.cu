// Copies between host arrays and the device go through pinned memory in pieces: while the device fetches one, the host
// fills the next, and the caller's array is free again when put returns.
#include <cstring>
#include <mutex>
#include <set>
#include <utility>

#include "cuda/device.cuh"
#include "cuda/graph.h"
#include "cuda/kernel_errors.h"
#include "cuda/memory.h"
#include "cuda/runtime.h"
#include "error.h"

namespace talus::cuda {

namespace {

constexpr size_t kPiece = size_t{1} << 20;
constexpr int kPieces = 4;
// Of them, for what comes in: the device fills one while the host empties the other.
constexpr size_t kIncoming = 2;

// Pinned memory, and after what it is free again.
struct Piece {
  char* at = nullptr;
  cudaEvent_t done = nullptr;
  int device = -1;  // of the event; -1: there is none

  // Memory that no copy reads or writes any more.
  char* take() {
    if (at == nullptr) {
      void* allocated = nullptr;
      TALUS_CHECK_CUDA(cudaHostAlloc(&allocated, kPiece, cudaHostAllocDefault));
      at = static_cast<char*>(allocated);
    }
    const int now = current_device();
    if (device >= 0) TALUS_CHECK_CUDA(cudaEventSynchronize(done));
    // Events belong to a device.
    if (device != now) {
      if (device >= 0) TALUS_CHECK_CUDA(cudaEventDestroy(done));
      device = -1;
      TALUS_CHECK_CUDA(cudaEventCreateWithFlags(&done, cudaEventDisableTiming));
      device = now;
    }
    return at;
  }
};

// One for all threads and devices in each direction: the bus is one, too, but what the host sends need not wait for
// results that are still computed.
struct Staging {
  std::mutex mutex;
  Piece pieces[kPieces];
  int next = 0;
};

Staging& outgoing() {
  static Staging& instance = *new Staging;
  return instance;
}

Staging& incoming() {
  static Staging& instance = *new Staging;
  return instance;
}

// What the current stream has been given so far, for streams of other devices to wait for.
class Moment {
 public:
  Moment() {
    TALUS_CHECK_CUDA(cudaEventCreateWithFlags(&event_, cudaEventDisableTiming));
    const cudaError_t error = cudaEventRecord(event_, current_stream());
    if (error != cudaSuccess) static_cast<void>(cudaEventDestroy(event_));
    check(error, "cudaEventRecord");
  }
  // The driver keeps it as long as somebody waits.
  ~Moment() { static_cast<void>(cudaEventDestroy(event_)); }
  Moment(const Moment&) = delete;
  Moment& operator=(const Moment&) = delete;

  void hold(cudaStream_t stream) const { TALUS_CHECK_CUDA(cudaStreamWaitEvent(stream, event_, 0)); }

 private:
  cudaEvent_t event_ = nullptr;
};

// A copy takes part in the streams of both devices, and a graph repeats the work of one.
void refuse_captured_transfer(int captured_device, int from_device, int to_device) {
  if (capture_number() == 0) return;
  fail(TALUS_UNSUPPORTED,
       "transfer: a graph is being captured on this stream of CUDA device %d, and a graph repeats the work of one "
       "device only, so no copy from CUDA device %d to CUDA device %d can be part of it; copy before the capture "
       "begins or after the replay, or use another stream",
       captured_device, from_device, to_device);
}

// Which device (first) was let to reach whose memory (second), or cannot.
struct Peers {
  std::mutex mutex;
  std::set<std::pair<int, int>> known;
};

// Lets a device, the current one, reach another's memory where it can, for good: only then the driver copies directly.
void reach(int device, int other) {
  static Peers& peers = *new Peers;
  const std::lock_guard<std::mutex> lock(peers.mutex);
  if (device == other || peers.known.count({device, other}) > 0) return;
  int can = 0;
  TALUS_CHECK_CUDA(cudaDeviceCanAccessPeer(&can, device, other));
  if (can != 0) {
    const cudaError_t error = cudaDeviceEnablePeerAccess(other, 0);
    // Somebody else in the process did, or a device has as many peers as it can: then copies go through the host.
    if (error == cudaErrorPeerAccessAlreadyEnabled || error == cudaErrorTooManyPeers)
      static_cast<void>(cudaGetLastError());
    else
      check(error, "cudaDeviceEnablePeerAccess");
  }
  peers.known.emplace(device, other);
}

}  // namespace

void put(void* device, const void* host, int64_t bytes) {
  refuse_in_capture("put");
  Staging& s = outgoing();
  const std::lock_guard<std::mutex> lock(s.mutex);
  const cudaStream_t stream = current_stream();
  auto left = static_cast<size_t>(bytes);
  auto* to = static_cast<char*>(device);
  const auto* from = static_cast<const char*>(host);
  while (left > 0) {
    // Small arrays take turns, too: none waits for the one before.
    Piece& piece = s.pieces[s.next];
    s.next = (s.next + 1) % kPieces;
    const size_t count = left < kPiece ? left : kPiece;
    char* const staged = piece.take();
    std::memcpy(staged, from, count);
    TALUS_CHECK_CUDA(cudaMemcpyAsync(to, staged, count, cudaMemcpyHostToDevice, stream));
    TALUS_CHECK_CUDA(cudaEventRecord(piece.done, stream));
    to += count;
    from += count;
    left -= count;
  }
}

void get(void* host, const void* device, int64_t bytes) {
  refuse_in_capture("get");
  Staging& s = incoming();
  const std::lock_guard<std::mutex> lock(s.mutex);
  const cudaStream_t stream = current_stream();
  const auto total = static_cast<size_t>(bytes);
  auto* to = static_cast<char*>(host);
  const auto* from = static_cast<const char*>(device);
  const size_t pieces = (total + kPiece - 1) / kPiece;
  const auto length = [&](size_t k) { return total - k * kPiece < kPiece ? total - k * kPiece : kPiece; };
  // The device is one piece ahead of the host.
  for (size_t k = 0; k <= pieces; ++k) {
    if (k < pieces) {
      Piece& piece = s.pieces[k % kIncoming];
      TALUS_CHECK_CUDA(cudaMemcpyAsync(piece.take(), from + k * kPiece, length(k), cudaMemcpyDeviceToHost, stream));
      TALUS_CHECK_CUDA(cudaEventRecord(piece.done, stream));
    }
    if (k > 0) {
      const Piece& piece = s.pieces[(k - 1) % kIncoming];
      TALUS_CHECK_CUDA(cudaEventSynchronize(piece.done));
      // What made these bytes has run: if it reported an error, the host's array stays as it is.
      if (k == 1) throw_kernel_error();
      std::memcpy(to + (k - 1) * kPiece, piece.at, length(k - 1));
    }
  }
}

void transfer(int from_device, const void* from, int to_device, void* to, int64_t bytes) {
  use_device(from_device);
  refuse_captured_transfer(from_device, from_device, to_device);
  const cudaStream_t reading = current_stream();
  const Moment made;
  use_device(to_device);
  refuse_captured_transfer(to_device, from_device, to_device);
  made.hold(current_stream());
  // The destination's device copies. Where it cannot reach the source, the driver goes through the host.
  reach(to_device, from_device);
  TALUS_CHECK_CUDA(cudaMemcpyPeerAsync(to, to_device, from, from_device, static_cast<size_t>(bytes), current_stream()));
  const Moment moved;
  use_device(from_device);
  // What the source is given next may overwrite these bytes.
  moved.hold(reading);
}

}  // namespace talus::cuda
