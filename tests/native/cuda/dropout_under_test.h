// CUDA's dropout, called with host arrays.
#pragma once

#include "cuda_mirror.h"
#include "kernels.h"

namespace under_test {

inline void dropout(int dtype, int64_t n, int64_t inner, const void* x, const uint8_t* kept, double keep, void* out) {
  const int64_t bytes = n * inner * talus::size_of(dtype);
  Mirror m;
  m.reads(x, bytes).reads(kept, n).writes(out, bytes);
  talus::cuda::dropout(dtype, n, inner, m(x), m(kept), keep, m(out));
  m.finish();
}

}  // namespace under_test
