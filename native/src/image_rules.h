// What pixels become in batches of images, the same on every device.
#pragma once

#include <cstdint>

namespace talus {

// There are 256 pixel values, so the arithmetic is done once for each.
struct PixelValues {
  float of[256];

  // In float throughout, as torchvision's ToTensor and Normalize compute it.
  PixelValues(double mean, double std) {
    for (int v = 0; v < 256; ++v)
      of[v] = (static_cast<float>(v) / 255.0f - static_cast<float>(mean)) / static_cast<float>(std);
  }
};

}  // namespace talus
