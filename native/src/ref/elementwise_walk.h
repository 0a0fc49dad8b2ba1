// Where element i of a strided operand is, the slow and obvious way.
#pragma once

#include "geometry.h"

namespace talus::ref {

inline int64_t offset_of(int ndim, const int64_t* size, const int64_t* stride, int64_t i) {
  int64_t offset = 0;
  for (int d = ndim - 1; d >= 0; --d) {
    offset += i % size[d] * stride[d];
    i /= size[d];
  }
  return offset;
}

template <int N>
int64_t offset_of(const Geometry<N>& g, int operand, int64_t i) {
  return offset_of(g.ndim, g.size, g.stride[operand], i);
}

}  // namespace talus::ref
