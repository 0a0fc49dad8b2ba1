// Normalised images, pixel by pixel.
#include "kernels.h"

namespace talus::ref {

void image_batch(int64_t count, int64_t height, int64_t width, int64_t pad, double mean, double std, int64_t n,
                 const uint8_t* src, const int64_t* index, float* out) {
  const int64_t out_height = height + 2 * pad, out_width = width + 2 * pad;
  for (int64_t i = 0; i < n; ++i) {
    if (index[i] < 0 || index[i] >= count) fail(TALUS_INDEX_ERROR, "index out of range");
    for (int64_t y = 0; y < out_height; ++y)
      for (int64_t x = 0; x < out_width; ++x) {
        const int64_t row = y - pad, col = x - pad;
        const bool inside = row >= 0 && row < height && col >= 0 && col < width;
        const float pixel = inside ? src[(index[i] * height + row) * width + col] : 0;
        out[(i * out_height + y) * out_width + x] =
            (pixel / 255.0f - static_cast<float>(mean)) / static_cast<float>(std);
      }
  }
}

}  // namespace talus::ref
