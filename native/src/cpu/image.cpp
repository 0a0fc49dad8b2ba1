// Batches of normalised images.
#include "image_rules.h"
#include "index_rules.h"
#include "kernels.h"
#include "parallel.h"

namespace talus::cpu {

void image_batch(int64_t count, int64_t height, int64_t width, int64_t pad, double mean, double std, int64_t n,
                 const uint8_t* src, const int64_t* index, float* out) {
  for (int64_t i = 0; i < n; ++i)
    if (index[i] < 0 || index[i] >= count) fail_index("image_batch", index[i], i, count);
  const PixelValues value(mean, std);
  const int64_t out_width = width + 2 * pad, out_size = (height + 2 * pad) * out_width, margin = pad * out_width;
  parallel_for(n, 32768 / (out_size + 1) + 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const uint8_t* from = src + index[i] * height * width;
      float* to = out + i * out_size;
      const auto border = [&](int64_t pixels) {
        for (int64_t k = 0; k < pixels; ++k) *to++ = value.of[0];
      };
      border(margin);
      for (int64_t row = 0; row < height; ++row) {
        border(pad);
        for (int64_t col = 0; col < width; ++col) to[col] = value.of[from[col]];
        from += width;
        to += width;
        border(pad);
      }
      border(margin);
    }
  });
}

}  // namespace talus::cpu
