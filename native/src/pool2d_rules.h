// What the pooling kernels of all devices check, and derive from the shape.
#pragma once

#include <limits>

#include "error.h"
#include "params.h"

namespace talus {

// Taps are bytes where a window's positions fit into them.
inline int64_t tap_bytes(int64_t kh, int64_t kw) { return kh * kw <= 256 ? 1 : 4; }

inline void check_window(const char* what, int64_t kh, int64_t kw) {
  if (kh * kw > std::numeric_limits<int32_t>::max())
    fail(TALUS_UNSUPPORTED, "%s: a window has more than 2^31-1 elements", what);
}

// Adaptive windows of one size are those of ordinary average pooling.
inline bool even_windows(const AdaptivePool2dParams& p) { return p.h % p.out_h == 0 && p.w % p.out_w == 0; }

inline Pool2dParams average_windows(const AdaptivePool2dParams& p) {
  const int64_t kh = p.h / p.out_h, kw = p.w / p.out_w;
  const int64_t raw[TALUS_POOL_PARAMS] = {p.planes, p.h, p.w, kh, kw, kh, kw, 0, 0, 1, 1, 0, 1, 0};
  return Pool2dParams(raw);
}

}  // namespace talus
