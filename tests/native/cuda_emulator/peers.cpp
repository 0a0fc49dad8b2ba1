// Which devices were let to reach whose memory.
#include "device_memory.h"
#include "emulator.h"
#include "runtime.h"

namespace emulator {

namespace {

int most_peers = kMaxDevices;
// [device][whom it reaches]; never taken back.
bool reaches[kMaxDevices][kMaxDevices] = {};
int64_t through_host = 0;

bool exists(int device) { return device >= 0 && device < device_count(); }

}  // namespace

void set_most_peers(int count) {
  const RuntimeLock lock(runtime_mutex());
  most_peers = count;
}

int64_t copies_through_host() {
  const RuntimeLock lock(runtime_mutex());
  return through_host;
}

void note_peer_copy(int device, int other) {
  if (device != other && !reaches[device][other]) ++through_host;
}

}  // namespace emulator

using namespace emulator;

cudaError_t cudaDeviceCanAccessPeer(int* can, int device, int peer) {
  const RuntimeLock lock(runtime_mutex());
  if (!exists(device) || !exists(peer)) return remember(cudaErrorInvalidDevice);
  *can = device != peer && most_peers > 0 ? 1 : 0;
  return cudaSuccess;
}

cudaError_t cudaDeviceEnablePeerAccess(int peer, unsigned flags) {
  const RuntimeLock lock(runtime_mutex());
  if (flags != 0) return remember(cudaErrorInvalidValue);
  const int device = current_device();
  int can = 0;
  const cudaError_t error = cudaDeviceCanAccessPeer(&can, device, peer);
  if (error != cudaSuccess) return error;
  if (can == 0) return remember(cudaErrorInvalidDevice);
  if (reaches[device][peer]) return remember(cudaErrorPeerAccessAlreadyEnabled);
  int peers = 0;
  for (const bool reached : reaches[device]) peers += reached ? 1 : 0;
  if (peers >= most_peers) return remember(cudaErrorTooManyPeers);
  reaches[device][peer] = true;
  return cudaSuccess;
}
