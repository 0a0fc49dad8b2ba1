#include "precision.h"

#include <atomic>

#include "error.h"

namespace talus {

namespace {
std::atomic<int> current{TALUS_PRECISION_HIGHEST};
}

void set_float32_matmul_precision(int precision) {
  if (precision != TALUS_PRECISION_HIGHEST && precision != TALUS_PRECISION_HIGH)
    fail(TALUS_INVALID_ARGUMENT, "set_float32_matmul_precision: %d, expected %d (highest) or %d (high)", precision,
         TALUS_PRECISION_HIGHEST, TALUS_PRECISION_HIGH);
  current = precision;
}

int float32_matmul_precision() { return current; }

}  // namespace talus
