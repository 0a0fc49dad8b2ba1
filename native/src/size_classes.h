// The block sizes of the allocator: multiples of 64 up to 512 bytes, then eight steps per doubling, so that rounding up
// wastes less than an eighth of a block beyond that. On the CPU, larger blocks than kMaxClassBytes are runs of pages.
#pragma once

#include <cstdint>

namespace talus {

constexpr int64_t kBlockAlignment = 64;
constexpr int kStepsPerDoubling = 8;
constexpr int kDoublings = 10;
constexpr int kSizeClasses = kStepsPerDoubling * (kDoublings + 1);
// What is counted beside the classes: the runs.
constexpr int kRunClass = kSizeClasses;

constexpr int64_t class_bytes(int size_class) {
  const int doubling = size_class / kStepsPerDoubling, step = size_class % kStepsPerDoubling;
  if (doubling == 0) return kBlockAlignment * (step + 1);
  return (kBlockAlignment << (doubling - 1)) * (kStepsPerDoubling + step + 1);
}

constexpr int64_t kMaxClassBytes = class_bytes(kSizeClasses - 1);
static_assert(kMaxClassBytes == 512 << 10);

// The smallest class that holds `bytes`, 0 or more.
inline int size_class_of(int64_t bytes) {
  if (bytes <= kBlockAlignment * kStepsPerDoubling)
    return bytes <= kBlockAlignment ? 0 : static_cast<int>((bytes - 1) / kBlockAlignment);
  // 2^power is the largest power of two below `bytes`; its doubling begins there.
  const int power = 63 - __builtin_clzll(static_cast<unsigned long long>(bytes - 1));
  const int doubling = power - 8;
  const int step = static_cast<int>((bytes - 1) >> (power - 3)) - kStepsPerDoubling;
  return doubling * kStepsPerDoubling + step;
}

}  // namespace talus
