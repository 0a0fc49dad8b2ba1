// Indices out of range. Only kernels see them, and a launch does not wait for its kernel: a kernel leaves such an index
// aside and notes it here, and whoever waits for the device next throws. No CUDA header is needed here.
#pragma once

#include <cstdint>

namespace talus::cuda {

// One for each device, in memory of the host that kernels write, too. The first report counts until it is thrown.
struct IndexError {
  enum State : int { kNone, kBeingWritten, kReported };

  int state;
  const char* what;  // a literal of the host's; null: a target class
  int64_t index, position, size, ignore_index;
};

// The current device's.
IndexError* index_error();

// Throws what kernels that have finished reported on the current device, and forgets it.
void throw_index_error();

}  // namespace talus::cuda
