// Values that are errors: indices out of range, and zeros that integers are divided by. Only kernels see them, and a
// launch does not wait for its kernel: a kernel leaves such a value aside and notes it here, and whoever waits for the
// device next throws. No CUDA header is needed here.
#pragma once

#include <cstdint>

namespace talus::cuda {

// One for each device, in memory of the host that kernels write, too. The first report counts until it is thrown.
struct KernelError {
  enum State : int { kNone, kBeingWritten, kReported };
  enum Kind : int { kIndex, kTarget, kDivision };

  int state;
  Kind kind;
  const char* what;  // of an index: a literal of the host's
  int64_t index, position, size, ignore_index;
};

// The current device's.
KernelError* kernel_error();

// Throws what kernels that have finished reported on the current device, and forgets it.
void throw_kernel_error();

}  // namespace talus::cuda
