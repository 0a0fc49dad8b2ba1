// What tests of CUDA's runtime share: float values on the device, work on them, and what the allocator counts.
#pragma once

#include "check.h"
#include "cuda/memory.h"
#include "cuda/runtime.h"
#include "kernels.h"

// Values on the device that is the thread's.
struct Array {
  explicit Array(int64_t count) : n(count), at(static_cast<float*>(talus::cuda::allocate(n * 4))) {}
  explicit Array(const std::vector<float>& values) : Array(static_cast<int64_t>(values.size())) {
    talus::cuda::put(at, values.data(), n * 4);
  }
  ~Array() { talus::cuda::release(at); }
  Array(const Array&) = delete;
  Array& operator=(const Array&) = delete;

  std::vector<float> values() const {
    std::vector<float> host(static_cast<size_t>(n));
    talus::cuda::get(host.data(), at, n * 4);
    return host;
  }

  int64_t n;
  float* at;
};

inline void add(Array& x, double value) {
  talus::cuda::unary(TALUS_ADD_SCALAR, TALUS_FLOAT32, talus::Geometry<2>(x.n, 0, nullptr), x.at, value, 0, x.at);
}
inline void multiply(Array& x, double value) {
  talus::cuda::unary(TALUS_MUL_SCALAR, TALUS_FLOAT32, talus::Geometry<2>(x.n, 0, nullptr), x.at, value, 0, x.at);
}

inline int64_t stat(int which) {
  int64_t stats[TALUS_MEM_STATS] = {};
  talus::cuda::memory_stats(stats);
  return stats[which];
}

inline bool all_are(const std::vector<float>& values, float expected) {
  for (const float value : values)
    if (value != expected) return false;
  return true;
}
