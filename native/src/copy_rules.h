// What copies on all devices look for in their operands' layouts.
#pragma once

#include "geometry.h"

namespace talus {

// The dimension along which src is contiguous while dst's last dimension is not contiguous in src; -1 if there is none.
inline int transposed_dim(const Geometry<2>& g) {
  const int last = g.ndim - 1;
  if (g.ndim < 2 || g.stride[0][last] != 1 || g.stride[1][last] == 1 || g.stride[1][last] == 0) return -1;
  for (int d = 0; d < last; ++d)
    if (g.stride[1][d] == 1 && g.size[d] >= 2 && g.size[last] >= 2) return d;
  return -1;
}

}  // namespace talus
