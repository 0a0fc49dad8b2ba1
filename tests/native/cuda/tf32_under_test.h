// What tests of float32 products that may be rounded to TF32 share: the settings for a test's time, rounding by its
// definition, and comparing bits.
#pragma once

#include "check.h"
#include "cuda/runtime.h"
#include "precision.h"

// A setting for the time of a test.
template <void (*Set)(int)>
class PrecisionFor {
 public:
  explicit PrecisionFor(int precision) { Set(precision); }
  ~PrecisionFor() { Set(TALUS_PRECISION_HIGHEST); }
  PrecisionFor(const PrecisionFor&) = delete;
  PrecisionFor& operator=(const PrecisionFor&) = delete;
};
using MatmulPrecision = PrecisionFor<talus::set_float32_matmul_precision>;
using ConvPrecision = PrecisionFor<talus::set_conv_fp32_precision>;

// Devices before compute capability 8.0 have no TF32.
inline bool has_tf32() {
  talus::cuda::use_device(0);
  return talus::cuda::properties(0).major >= 8;
}

// By its definition, not by the kernels' own code: the nearest multiple of the last place that 10 bits leave.
inline float tf32(float x) {
  if (x == 0 || !std::isfinite(x)) return x;
  int exponent = 0;
  static_cast<void>(std::frexp(x, &exponent));
  const double place = std::ldexp(1.0, exponent - 11);
  return static_cast<float>(std::round(static_cast<double>(x) / place) * place);
}

inline bool equal(const Guarded<float>& x, const Guarded<float>& y) {
  return x.size() == y.size() &&
         (x.size() == 0 || std::memcmp(x.data(), y.data(), static_cast<size_t>(x.size()) * sizeof(float)) == 0);
}
