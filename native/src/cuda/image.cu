// Batches of normalised images.
#include "cuda/kernel_errors.cuh"
#include "cuda/map.cuh"
#include "image_rules.h"
#include "kernels.h"

namespace talus::cuda {

namespace {

constexpr int kThreads = 256;

struct Images {
  int64_t height, width, pad, n;
};

// A thread makes one pixel.
__global__ void __launch_bounds__(kThreads)
    make_images(Images s, PixelValues pixels, IndexCheck check, const uint8_t* src, const int64_t* index, float* out) {
  CUDA_SHARED(float[256], value);
  value[threadIdx.x] = pixels.of[threadIdx.x];
  __syncthreads();
  const int64_t at = int64_t{blockIdx.x} * kThreads + threadIdx.x, across = s.width + 2 * s.pad;
  const int64_t image = at / across / (s.height + 2 * s.pad);
  if (image >= s.n) return;
  const int64_t chosen = index[image];
  if (!check.fits(chosen)) {
    check.refuse(chosen, image);
    return;
  }
  const int64_t row = at / across % (s.height + 2 * s.pad) - s.pad, col = at % across - s.pad;
  const bool inside = row >= 0 && row < s.height && col >= 0 && col < s.width;
  out[at] = value[inside ? src[(chosen * s.height + row) * s.width + col] : 0];
}

}  // namespace

void image_batch(int64_t count, int64_t height, int64_t width, int64_t pad, double mean, double std, int64_t n,
                 const uint8_t* src, const int64_t* index, float* out) {
  const int64_t elements = n * (height + 2 * pad) * (width + 2 * pad);
  if (elements == 0) return;
  launch(make_images, blocks_for(elements, kThreads), dim3(kThreads), 0, Images{height, width, pad, n},
         PixelValues(mean, std), IndexCheck("image_batch", count), src, index, out);
}

}  // namespace talus::cuda
