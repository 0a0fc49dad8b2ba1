#include "precision.h"

#include <atomic>

#include "error.h"

namespace talus {

namespace {

std::atomic<int> of_matmul{TALUS_PRECISION_HIGHEST}, of_conv{TALUS_PRECISION_HIGHEST};

void set(std::atomic<int>& setting, const char* function, int precision) {
  if (precision != TALUS_PRECISION_HIGHEST && precision != TALUS_PRECISION_HIGH)
    fail(TALUS_INVALID_ARGUMENT, "%s: %d, expected %d (highest) or %d (high)", function, precision,
         TALUS_PRECISION_HIGHEST, TALUS_PRECISION_HIGH);
  setting = precision;
}

}  // namespace

void set_float32_matmul_precision(int precision) { set(of_matmul, "set_float32_matmul_precision", precision); }
int float32_matmul_precision() { return of_matmul; }

void set_conv_fp32_precision(int precision) { set(of_conv, "set_conv_fp32_precision", precision); }
int conv_fp32_precision() { return of_conv; }

}  // namespace talus
