// Batches of normalised images. There are 256 pixel values, so the arithmetic is done once for each, on the host.
#include "cuda/map.cuh"
#include "cuda/memory.h"
#include "cuda/runtime.h"
#include "kernels.h"

namespace talus::cuda {

namespace {

constexpr int kThreads = 256;

struct Pixels {
  float value[256];
};

struct Images {
  int64_t count, height, width, pad, n;
};

// A thread makes one pixel. Images that do not exist are not read; the first of them counts.
__global__ void __launch_bounds__(kThreads)
    make_images(Images s, Pixels pixels, const uint8_t* src, const int64_t* index, float* out, int* wrong) {
  CUDA_SHARED(float[256], value);
  value[threadIdx.x] = pixels.value[threadIdx.x];
  __syncthreads();
  const int64_t at = int64_t{blockIdx.x} * kThreads + threadIdx.x, across = s.width + 2 * s.pad;
  const int64_t image = at / across / (s.height + 2 * s.pad);
  if (image >= s.n) return;
  const int64_t chosen = index[image];
  if (chosen < 0 || chosen >= s.count) {
    atomicMax(wrong, INT32_MAX - static_cast<int>(image));
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
  // In float throughout, as torchvision's ToTensor and Normalize compute it.
  Pixels pixels;
  for (int v = 0; v < 256; ++v)
    pixels.value[v] = (static_cast<float>(v) / 255.0f - static_cast<float>(mean)) / static_cast<float>(std);
  const Flag wrong;
  launch(make_images, blocks_for(elements, kThreads), dim3(kThreads), 0, Images{count, height, width, pad, n}, pixels,
         src, index, out, wrong.device());
  const int found = wrong.read();
  if (found == 0) return;
  const int position = INT32_MAX - found;
  int64_t bad = 0;
  get(&bad, index + position, sizeof bad);
  fail(TALUS_INDEX_ERROR, "image_batch: index %lld at position %d is out of range for %lld images",
       static_cast<long long>(bad), position, static_cast<long long>(count));
}

}  // namespace talus::cuda
