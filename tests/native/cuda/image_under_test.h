// CUDA's batches of images, called with host arrays.
#pragma once

#include "cuda_mirror.h"
#include "kernels.h"

namespace under_test {

inline void image_batch(int64_t count, int64_t height, int64_t width, int64_t pad, double mean, double std, int64_t n,
                        const uint8_t* src, const int64_t* index, float* out) {
  Mirror m;
  m.reads(src, count * height * width).reads(index, n * int64_t{sizeof(int64_t)});
  m.writes(out, n * (height + 2 * pad) * (width + 2 * pad) * int64_t{sizeof(float)});
  talus::cuda::image_batch(count, height, width, pad, mean, std, n, m(src), m(index), m(out));
  m.finish();
}

}  // namespace under_test
